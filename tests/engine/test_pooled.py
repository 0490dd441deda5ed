"""Sentence vectors: those of the stock model's hidden states, at any layer, however sequences are laid out."""

import numpy as np
import pytest
import torch
from toy_training import VOCABULARY
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel, XLMRobertaConfig, XLMRobertaXLConfig

from stilts_xl.engine.predict import outputs
from stilts_xl.kinds.base import Encoded, reduce
from stilts_xl.model.encoder import TaskModel, blocks_up_to
from stilts_xl.model.heads import Pool

BLOCKS = 4
LENGTHS = (9, 2, 31, 9, 17)


@pytest.fixture(scope="module", params=[XLMRobertaConfig, XLMRobertaXLConfig], ids=["xlmr", "xlmr_xl"])
def family(request) -> type[PreTrainedConfig]:
    """XL normalises what leaves its last block."""
    return request.param


def new_encoder(family: type[PreTrainedConfig]) -> PreTrainedModel:
    """A tiny encoder, the same weights every time."""
    config = family(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=BLOCKS,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=1,
        initializer_range=0.3,
    )
    torch.manual_seed(3)
    return AutoModel.from_config(config).eval()


@pytest.fixture(scope="module")
def encoder(family) -> PreTrainedModel:
    return new_encoder(family)


@pytest.fixture(scope="module")
def sentences() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [np.array([0, *random.integers(4, VOCABULARY, length - 2), 2], np.int32) for length in LENGTHS]


@pytest.fixture(scope="module")
def states(family, sentences) -> list[list[torch.Tensor]]:
    """Of each sentence the stock model's hidden states, each sentence alone."""
    stock = new_encoder(family)
    with torch.inference_mode():
        passes = [stock(torch.from_numpy(ids).long()[None], output_hidden_states=True) for ids in sentences]
    for found in passes:
        assert torch.equal(found.hidden_states[-1], found.last_hidden_state)
    return [[layer[0] for layer in found.hidden_states] for found in passes]


def pooled(encoder: PreTrainedModel, sentences: list[np.ndarray], head: Pool, layout: str, blocks: int) -> np.ndarray:
    """[sentences, layers, hidden size], run no further than a layer."""
    encoded = Encoded(sentences, np.arange(len(sentences)), [np.empty(0, np.int64)] * len(sentences), 0)
    with blocks_up_to(encoder, blocks):
        found = outputs(TaskModel(encoder, {"pool": head}, layout), "pool", reduce, encoded, layout, 40, False)
    return np.concatenate(found).reshape(len(sentences), len(head.layers), -1)


@pytest.mark.parametrize("layout", ["packed", "bucketed", "padded"])
@pytest.mark.parametrize("layer", range(BLOCKS + 1))
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_vector_is_the_mean_of_all_states_of_a_layer_or_the_first(
    layout, layer, pooling, encoder, sentences, states
) -> None:
    found = pooled(encoder, sentences, Pool((layer,), pooling), layout, layer)
    for vector, of_one in zip(found[:, 0], states, strict=True):
        expected = of_one[layer].mean(dim=0) if pooling == "mean" else of_one[layer][0]
        np.testing.assert_allclose(vector, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_all_layers_come_from_one_pass_and_in_the_order_that_was_asked(encoder, sentences, states) -> None:
    order = (2, 0, 1, 3, 4)
    found = pooled(encoder, sentences, Pool(order, "mean"), "packed", BLOCKS)
    for vectors, of_one in zip(found, states, strict=True):
        expected = np.stack([of_one[layer].mean(dim=0).numpy() for layer in order])
        np.testing.assert_allclose(vectors, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_an_encoder_that_ran_a_few_blocks_runs_all_of_them_afterwards(layout, family, sentences, states) -> None:
    fresh = new_encoder(family)
    for layer in (0, BLOCKS):
        found = pooled(fresh, sentences, Pool((layer,), "mean"), layout, layer)
        np.testing.assert_allclose(found[2, 0], states[2][layer].mean(dim=0).numpy(), rtol=1e-4, atol=1e-5)
    assert len(fresh.encoder.layer) == BLOCKS


def test_blocks_above_the_layer_do_not_run(encoder, sentences) -> None:
    ran = []
    handles = [
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, block in enumerate(encoder.encoder.layer)
    ]
    with blocks_up_to(encoder, 1):
        ran.clear()
        model = TaskModel(encoder, {"pool": Pool((1,), "mean")}, "padded")
        outputs(model, "pool", reduce, Encoded(sentences[:1], np.arange(1), [np.arange(0)], 0), "padded", 99, False)
    for handle in handles:
        handle.remove()
    assert ran == [0, 1]
