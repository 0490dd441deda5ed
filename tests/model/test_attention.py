"""Padding-free execution computes what padded execution computes: logits and gradients, for every family and layout."""

import pytest
import torch
from torch import nn
from transformers import AutoModel, PreTrainedModel, RobertaConfig, XLMRobertaConfig, XLMRobertaXLConfig

from stilts_xl.model.encoder import TaskModel
from stilts_xl.model.heads import Head, SentenceHead
from stilts_xl.model.inputs import Inputs
from toys import flat, token_head

LENGTHS = {
    "mixed": [5, 1, 17, 17, 3, 1, 40, 2],
    "one token": [1],
    "equal": [6, 6, 6],
    "longer together than there are positions": [90, 128, 128, 7, 300, 1],
    "as long as there are positions": [512, 3],
}
SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "pad_token_id": 1,
}
CONFIGS = {"xlm-roberta": XLMRobertaConfig, "roberta": RobertaConfig, "xlm-roberta-xl": XLMRobertaXLConfig}


def encoder(family: str = "xlm-roberta") -> PreTrainedModel:
    torch.manual_seed(3)
    return AutoModel.from_config(CONFIGS[family](**SIZES, initializer_range=0.2))


def model(layout: str, head: Head, family: str = "xlm-roberta") -> TaskModel:
    """The same weights in every layout; no dropout."""
    torch.manual_seed(4)
    for parameter in head.parameters():
        nn.init.normal_(parameter, std=0.3)
    return TaskModel(encoder(family), {"toy": head}, layout).eval()


def inputs(lengths: list[int], seed: int = 0) -> Inputs:
    generator = torch.Generator().manual_seed(seed)
    return flat(torch.randint(4, 60, (sum(lengths),), generator=generator), lengths)


def gradients(found: TaskModel, batch: Inputs) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Logits, and the gradients of a mean in which every logit counts differently."""
    logits = found(batch, "toy")
    (logits * torch.linspace(-1, 1, logits.numel()).reshape(logits.shape)).mean().backward()
    named = found.named_parameters()
    return logits, {name: parameter.grad for name, parameter in named if parameter.grad is not None}


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())
@pytest.mark.parametrize("head", [SentenceHead(16, 3, 0.0), token_head()], ids=["sentences", "tokens"])
def test_packed_and_padded_agree_in_logits_and_gradients(head: Head, lengths: list[int], family: str) -> None:
    batch = inputs(lengths)
    packed, padded = (gradients(model(layout, head, family), batch) for layout in ("packed", "bucketed"))
    torch.testing.assert_close(packed[0], padded[0], rtol=1e-5, atol=1e-5)
    assert packed[1].keys() == padded[1].keys()
    for name, gradient in packed[1].items():
        torch.testing.assert_close(gradient, padded[1][name], rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("layout", ["packed", "bucketed", "padded"])
def test_every_layout_gives_what_each_sequence_gives_alone(layout: str) -> None:
    batch = inputs(LENGTHS["mixed"])
    with torch.inference_mode():
        found = model(layout, token_head())(batch, "toy").split(batch.lengths)
        alone = encoder().eval()
        head = model("padded", token_head()).heads["toy"]
        for logits, ids in zip(found, batch.ids.split(batch.lengths), strict=True):
            hidden = alone(input_ids=ids[None]).last_hidden_state[0]
            torch.testing.assert_close(logits, head(hidden, flat(ids, [len(ids)])), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_positions_begin_at_two_in_every_sequence_and_nowhere_else(wrong: int) -> None:
    batch = inputs([6, 9, 4])
    found = model("packed", token_head())
    with torch.inference_mode():
        expected = found(batch, "toy")
        for start, same in ((2, True), (wrong, False)):
            positions = torch.cat([torch.arange(start, start + length) for length in batch.lengths])
            hidden = found.encoder(
                input_ids=batch.ids[None],
                position_ids=positions[None],
                token_type_ids=torch.zeros_like(batch.ids[None]),
                segments=batch.lengths,
            ).last_hidden_state[0]
            assert torch.allclose(found.heads["toy"](hidden, batch), expected, atol=1e-5) == same


@pytest.mark.parametrize("layout", ["packed", "bucketed"])
def test_a_sequence_does_not_see_its_neighbours(layout: str) -> None:
    batch = inputs([6, 9, 4])
    changed = flat(batch.ids.clone(), batch.lengths)
    changed.ids[6:15] = 5
    found = model(layout, token_head())
    with torch.inference_mode():
        before, after = (found(each, "toy").split(batch.lengths) for each in (batch, changed))
    assert not torch.allclose(before[1], after[1], atol=1e-3)
    for kept in (0, 2):
        torch.testing.assert_close(before[kept], after[kept])


def test_a_padding_token_inside_a_text_is_a_token_like_any_other() -> None:
    batch = inputs([6, 9, 4])
    batch.ids[8] = SIZES["pad_token_id"]
    with torch.inference_mode():
        packed, padded = (model(layout, token_head())(batch, "toy") for layout in ("packed", "bucketed"))
    torch.testing.assert_close(packed, padded, rtol=1e-5, atol=1e-5)


def test_the_first_tokens_of_the_sequences_are_known() -> None:
    assert flat(torch.arange(9), [2, 1, 6]).starts.tolist() == [0, 2, 3]
