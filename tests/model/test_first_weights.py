"""First weights: attention looks where it is told to before anything was learned."""

import numpy as np
import pytest
import torch
from transformers import XLMRobertaConfig, XLMRobertaModel

from stilts_xl.model.embeddings import waves
from stilts_xl.model.first_weights import AROUND, GAZES, content_size, prime, turned

HIDDEN, HEADS, WORDS, LENGTH = 64, 4, 20, 40
SIZE = HIDDEN // HEADS


@pytest.fixture(scope="module")
def primed() -> XLMRobertaModel:
    """An encoder whose sub-tokens have random directions, and ids 0 to 3 none."""
    config = XLMRobertaConfig(
        vocab_size=WORDS, hidden_size=HIDDEN, num_hidden_layers=len(GAZES), num_attention_heads=HEADS,
        intermediate_size=32, max_position_embeddings=LENGTH + 2, attn_implementation="eager", pad_token_id=1,
    )  # fmt: skip
    encoder = XLMRobertaModel(config, add_pooling_layer=False).eval()
    vectors = np.random.default_rng(1).standard_normal((WORDS, content_size(HIDDEN, HEADS)), dtype=np.float32)
    prime(encoder, vectors * HIDDEN**-0.5, list(range(4, WORDS)), seed=1)
    return encoder


def gazes(encoder: XLMRobertaModel, ids: list[int]) -> list[torch.Tensor]:
    """[heads, tokens, tokens] of each block: how much each token looks at each."""
    with torch.inference_mode():
        found = encoder(torch.tensor([ids]), output_attentions=True).attentions
    return [one[0] for one in found]


@pytest.mark.parametrize("shift", [-3, -1, 0, 2])
def test_a_turned_wave_is_the_wave_of_another_place(shift):
    table = torch.from_numpy(waves(30, 16, 0.1))
    torch.testing.assert_close(table[10] @ turned(16, shift).T, table[10 + shift], atol=1e-6, rtol=1e-5)


def test_a_block_that_looks_around_looks_most_at_where_its_gaze_is_centred(primed):
    ids = [4 + place % (WORDS - 4) for place in range(LENGTH)]
    for block, gaze in zip(gazes(primed, ids), GAZES, strict=True):
        if gaze in AROUND:
            for head, centre in enumerate(AROUND[gaze][1]):
                seen = torch.stack([block[head, place, place - 5 : place + 6] for place in range(10, 30)]).mean(0)
                assert abs(5 - seen.argmax().item() - centre) <= 1


def test_the_next_block_looks_at_the_same_word_elsewhere_more_than_at_others(primed):
    ids = list(range(4, WORDS)) + [9]
    block = gazes(primed, ids)[GAZES.index("alike")]
    for head in range(HEADS):
        others = torch.cat([block[head, -1, :5], block[head, -1, 6:-1]])
        assert block[head, -1, 5] > 2 * others.mean()


def test_weights_are_a_function_of_the_seed(primed):
    other = XLMRobertaModel(primed.config, add_pooling_layer=False)
    vectors = primed.embeddings.word_embeddings.weight.detach()[:, : HIDDEN - SIZE].numpy()
    prime(other, vectors, list(range(4, WORDS)), seed=1)
    for name, parameter in primed.named_parameters():
        assert torch.equal(parameter, other.get_parameter(name)), name
