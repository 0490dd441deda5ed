"""What holds for every kind: sequences do not depend on their neighbours, nor losses on the layout, and folders load."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoModelForTokenClassification

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import (
    Answer,
    ChoiceExample,
    Example,
    PairExample,
    SpanExample,
    TagExample,
    TextExample,
)
from stilts_xl.kinds.base import Encoded, inputs_of, subset
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.model.encoder import TaskModel, from_scratch, language_head_weights, save, saved_labels
from stilts_xl.model.heads import initialise
from toys import SCRATCH, recipe

LABELS = {"classify": ("no", "yes"), "tag": ("O", "NOUN", "VERB"), "span": (), "choose": (), "mlm": ()}
PASSAGE = "In the north lies Vellmar, an old town by a river. " * 4 + "Its bridge was built by Anna Brandt in spring."
EXAMPLES: dict[str, list[Example]] = {
    "classify": [
        PairExample("1", "1", "It rains.", "The sun shines all day in the old town.", "no"),
        PairExample("2", "2", "A dog.", "", "yes"),
        PairExample("3", "3", "Anna sings " * 9, "Somebody sings.", "yes"),
    ],
    "tag": [
        TagExample("1", "1", ("Anna", "sings"), ("NOUN", "VERB")),
        TagExample("2", "2", ("extraordinarily", "long") * 20, ("O", "NOUN") * 20),
        TagExample("3", "3", ("dog",), ("NOUN",)),
    ],
    "span": [
        SpanExample("1", "0/0", "en", "Who built the bridge?", PASSAGE, (Answer("Anna Brandt", PASSAGE.index("Anna")),)),
        SpanExample("2", "0/1", "en", "When?", "It was in May.", (Answer("in May", 7),)),
    ],
    "choose": [
        ChoiceExample("1", "1", "The man opened the door and " * 5, ("went in.", "ate the whole sea at once."), 0),
        ChoiceExample("2", "2", "Who?", ("me", "nobody at all"), 1),
        ChoiceExample("3", "3", "Why not", ("because", "so"), 1),
    ],
    "mlm": [
        TextExample("1", "1", "en", PASSAGE, ""),
        TextExample("2", "2", "de", "ein Haus am See", "a house by the lake"),
        TextExample("3", "3", "en", "dog", ""),
    ],
}  # fmt: skip
RECIPE = recipe(max_length=48)


@pytest.fixture(params=KINDS)
def name(request) -> str:
    return request.param


def encode(name: str, tokenizer, examples: list[Example], training: bool = True) -> Encoded:
    return KINDS[name].encode(examples, tokenizer, LABELS[name], RECIPE, training)


def model(name: str, tokenizer, layout: str) -> TaskModel:
    encoder = from_scratch(SCRATCH, tokenizer)
    head = KINDS[name].head(encoder, LABELS[name])
    initialise(head, 0.3, torch.Generator().manual_seed(1))
    return TaskModel(encoder, {"toy": head}, layout).eval()


def flat_list(arrays: list[np.ndarray] | None) -> list[list[int]] | None:
    return arrays and [array.tolist() for array in arrays]


def test_every_kind_is_tried(name) -> None:
    assert set(EXAMPLES) == set(LABELS) == set(KINDS)


@pytest.mark.parametrize("training", [True, False])
def test_an_example_s_sequences_do_not_depend_on_the_others(name, training, tokenizer) -> None:
    examples = EXAMPLES[name]
    together = encode(name, tokenizer, examples, training)
    for index, example in enumerate(examples):
        alone = encode(name, tokenizer, [example], training)
        mine = subset(together, np.flatnonzero(together.owner == index))
        assert flat_list(mine.tokens) == flat_list(alone.tokens)
        assert flat_list(mine.targets) == flat_list(alone.targets)
        assert flat_list(mine.chosen) == flat_list(alone.chosen)
        assert mine.segments == alone.segments


@pytest.mark.parametrize("layout", ["bucketed", "padded"])
def test_packed_and_padded_agree_in_outputs_loss_and_gradients(name, layout, tokenizer) -> None:
    kind, encoded = KINDS[name], encode(name, tokenizer, EXAMPLES[name])
    batch = kind.draw(encoded, np.arange(len(encoded.tokens)), RECIPE, 0)
    inputs, targets = inputs_of(batch, torch.device("cpu"))
    found = {}
    for each in ("packed", layout):
        task = model(name, tokenizer, each)
        logits = task(inputs, "toy")
        loss = kind.loss(logits, inputs, targets)
        loss.backward()
        gradients = {key: parameter.grad for key, parameter in task.named_parameters() if parameter.grad is not None}
        found[each] = logits.detach(), loss.detach(), gradients
    for one, other in zip(found["packed"][:2], found[layout][:2], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert found["packed"][2].keys() == found[layout][2].keys()
    for key, gradient in found["packed"][2].items():
        torch.testing.assert_close(gradient, found[layout][2][key], rtol=1e-3, atol=1e-4, msg=key)


def test_the_loss_of_a_batch_is_the_sum_of_its_parts(name, tokenizer) -> None:
    kind, encoded = KINDS[name], encode(name, tokenizer, EXAMPLES[name])
    everything = np.arange(len(encoded.tokens))
    batch, task = kind.draw(encoded, everything, RECIPE, 0), model(name, tokenizer, "packed")

    def loss(part: Encoded) -> torch.Tensor:
        inputs, targets = inputs_of(part, torch.device("cpu"))
        return kind.loss(task(inputs, "toy"), inputs, targets).detach()

    parts = sum(loss(subset(batch, everything[place : place + 1])) for place in everything)
    torch.testing.assert_close(loss(batch), parts, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "stock"),
    [
        ("tag", AutoModelForTokenClassification),
        ("choose", AutoModelForSequenceClassification),
        ("mlm", AutoModelForMaskedLM),
    ],
)
def test_a_saved_folder_gives_the_same_logits_in_the_stock_class(name, stock, tokenizer, tmp_path) -> None:
    task = model(name, tokenizer, "packed")
    save(task, tokenizer, LABELS[name], tmp_path)
    loaded, report = stock.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["mismatched_keys"]
    ids = torch.tensor(tokenizer("a house by the lake")["input_ids"])
    everywhere = np.arange(len(ids)) if name != "choose" else None
    batch = Encoded([ids.numpy()], np.arange(1), [np.arange(0)], 0, chosen=None if everywhere is None else [everywhere])
    inputs, _ = inputs_of(batch, torch.device("cpu"))
    with torch.inference_mode():
        expected = loaded.eval()(ids[None]).logits[0]
        torch.testing.assert_close(task(inputs, "toy").squeeze(), expected.squeeze(), rtol=1e-4, atol=1e-4)


def test_a_folder_remembers_its_labels_and_its_language_head(tokenizer, tmp_path) -> None:
    save(model("tag", tokenizer, "packed"), tokenizer, LABELS["tag"], tmp_path / "tag")
    assert saved_labels(tmp_path / "tag") == LABELS["tag"]
    assert language_head_weights(tmp_path / "tag") == {}
    task = model("mlm", tokenizer, "packed")
    save(task, tokenizer, (), tmp_path / "mlm")
    kept, own = language_head_weights(tmp_path / "mlm"), task.heads["toy"].state_dict()
    assert kept.keys() == own.keys()
    assert all(torch.equal(kept[key], own[key]) for key in own)


def test_a_language_head_s_bias_may_have_its_other_name_and_a_missing_part_is_named(tokenizer, tmp_path) -> None:
    task = model("mlm", tokenizer, "packed")
    save(task, tokenizer, (), tmp_path)
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    tensors["lm_head.decoder.bias"] = tensors.pop("lm_head.bias")
    save_file(tensors, file)
    assert torch.equal(language_head_weights(tmp_path)["bias"], task.heads["toy"].state_dict()["bias"])
    del tensors["lm_head.dense.weight"]
    save_file(tensors, file)
    with pytest.raises(Mistake, match=r"lacks 'lm_head\.dense\.weight'"):
        language_head_weights(tmp_path)
