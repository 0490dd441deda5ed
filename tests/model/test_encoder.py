"""Encoders: what is saved loads as any Hugging Face folder does, and what is carried over is carried over whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close
from transformers import (
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    XLMRobertaForMaskedLM,
    XLMRobertaXLConfig,
)

from stilts_xl.core.errors import Mistake
from stilts_xl.model.encoder import (
    TaskModel,
    from_folder,
    from_scratch,
    load_saved,
    load_tokenizer,
    save,
    weights,
)
from stilts_xl.model.heads import Head, SentenceHead, initialise
from toys import SCRATCH, flat, token_head

LABELS = ("contradiction", "entailment", "neutral")
AUTO = {"classifier": AutoModelForSequenceClassification, "qa_outputs": AutoModelForQuestionAnswering}


def task_model(tokenizer, head: Head, layout: str = "packed") -> TaskModel:
    initialise(head, 0.2, torch.Generator().manual_seed(1))
    return TaskModel(from_scratch(SCRATCH, tokenizer), {"toy": head}, layout).eval()


@pytest.fixture(scope="module")
def classifier(tokenizer, tmp_path_factory) -> tuple[TaskModel, Path]:
    """A classifier and the folder in which it was saved."""
    model, folder = task_model(tokenizer, SentenceHead(32, 3, 0.0)), tmp_path_factory.mktemp("classifier")
    save(model, tokenizer, LABELS, folder)
    return model, folder


def same_logits(model: TaskModel, folder: Path) -> None:
    """The stock class gives the logits of ours for a sequence."""
    head = model.heads["toy"]
    stock = AUTO[head.prefix].from_pretrained(folder).eval()
    ids = torch.arange(5, 25)
    with torch.inference_mode():
        ours, theirs = model(flat(ids, [20]), "toy"), stock(ids[None])
    expected = (
        theirs.logits if head.prefix == "classifier" else torch.stack([theirs.start_logits[0], theirs.end_logits[0]], 1)
    )
    assert_close(ours, expected, rtol=1e-5, atol=1e-5)


def test_a_classifier_loads_as_any_folder_does(classifier) -> None:
    model, folder = classifier
    same_logits(model, folder)
    config = AutoModelForSequenceClassification.from_pretrained(folder).config
    assert tuple(config.id2label[index] for index in range(3)) == LABELS
    assert config.label2id["entailment"] == 1


def test_a_span_model_loads_as_any_folder_does(tokenizer, tmp_path) -> None:
    model = task_model(tokenizer, token_head(32))
    save(model, tokenizer, (), tmp_path)
    same_logits(model, tmp_path)


def test_a_span_model_that_was_a_classifier_before_loads_too(classifier, tokenizer, tmp_path) -> None:
    head = token_head(32)
    model = TaskModel(from_folder(classifier[1]), {"toy": head}, "packed").eval()
    save(model, tokenizer, (), tmp_path)
    same_logits(model, tmp_path)
    assert AutoModelForQuestionAnswering.from_pretrained(tmp_path).config.num_labels == 2


def test_a_classifier_of_other_labels_keeps_none_of_the_old_ones(classifier, tokenizer, tmp_path) -> None:
    model = TaskModel(from_folder(classifier[1]), {"toy": SentenceHead(32, 2, 0.0)}, "packed").eval()
    save(model, tokenizer, ("0", "1"), tmp_path)
    same_logits(model, tmp_path)


def test_the_saved_tokenizer_is_the_one_that_was_used(classifier, tokenizer) -> None:
    found = AutoTokenizer.from_pretrained(classifier[1])
    text = ("It rains in 北京.", "มันฝนตก")
    assert found(*text)["input_ids"] == tokenizer(*text)["input_ids"]


def test_every_file_that_save_names_is_there(tokenizer, tmp_path) -> None:
    names = save(task_model(tokenizer, token_head(32)), tokenizer, (), tmp_path)
    assert {"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"} <= set(names)
    assert all((tmp_path / name).is_file() for name in names)
    assert set(names) == {path.name for path in tmp_path.iterdir()}


def test_the_encoder_is_carried_over_whole_and_the_old_head_is_left_behind(classifier) -> None:
    before, after = classifier[0].encoder.state_dict(), from_folder(classifier[1]).state_dict()
    assert before.keys() == after.keys()
    assert any(name.startswith("pooler.") for name in after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_weights_come_back_into_a_model_of_the_same_shape(classifier, tokenizer) -> None:
    other = TaskModel(from_scratch(replace(SCRATCH, seed=9), tokenizer), {"toy": SentenceHead(32, 3, 0.0)}, "padded")
    load_saved(other, classifier[1])
    expected = weights(classifier[0])
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights(other).items())


def test_the_pooler_does_not_learn(classifier) -> None:
    named = dict(classifier[0].named_parameters())
    still = {name for name, parameter in named.items() if not parameter.requires_grad}
    assert still == {name for name in named if ".pooler." in name} != set()


def test_an_encoder_without_a_pooler_stays_without(classifier, tokenizer, tmp_path) -> None:
    AutoModelForQuestionAnswering.from_pretrained(classifier[1]).save_pretrained(tmp_path / "stock")
    encoder = from_folder(tmp_path / "stock")
    assert encoder.pooler is None
    save(TaskModel(encoder, {"toy": token_head(32)}, "packed"), tokenizer, (), tmp_path / "ours")
    assert not [name for name in load_file(tmp_path / "ours" / "model.safetensors") if "pooler" in name]
    assert from_folder(tmp_path / "ours").pooler is None


def test_a_published_language_model_is_a_start(tokenizer, tmp_path) -> None:
    torch.manual_seed(0)
    published = XLMRobertaForMaskedLM(from_scratch(SCRATCH, tokenizer).config)
    published.save_pretrained(tmp_path)
    found = from_folder(tmp_path).state_dict()
    expected = published.roberta.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_half_precision_weights_are_read_as_full(classifier, tmp_path) -> None:
    AutoModel.from_pretrained(classifier[1], dtype=torch.bfloat16).save_pretrained(tmp_path)
    assert {parameter.dtype for parameter in from_folder(tmp_path).parameters()} == {torch.float32}


def test_a_larger_family_is_carried_over_too(tokenizer, tmp_path) -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = XLMRobertaXLConfig(vocab_size=len(tokenizer), max_position_embeddings=514, pad_token_id=1, **sizes)
    AutoModel.from_config(config).save_pretrained(tmp_path / "published")
    model = TaskModel(from_folder(tmp_path / "published"), {"toy": SentenceHead(32, 3, 0.0)}, "packed").eval()
    save(model, tokenizer, LABELS, tmp_path / "ours")
    same_logits(model, tmp_path / "ours")


def test_random_weights_are_a_function_of_the_spec(tokenizer) -> None:
    torch.manual_seed(5)
    one = from_scratch(SCRATCH, tokenizer).state_dict()
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), drawn), "and no random number of anybody else is used up"
    torch.manual_seed(6)
    same, other = (from_scratch(spec, tokenizer).state_dict() for spec in (SCRATCH, replace(SCRATCH, seed=8)))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["embeddings.word_embeddings.weight"], other["embeddings.word_embeddings.weight"])


def refused(folder: Path, what) -> str:
    with pytest.raises(Mistake) as caught:
        what(folder)
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


def test_folders_that_are_no_model_are_refused(classifier, tmp_path) -> None:
    assert "is not a model folder" in refused(tmp_path, from_folder)
    assert "no tokenizer can be loaded" in refused(tmp_path, load_tokenizer)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert "expected one of xlm-roberta" in refused(tmp_path, from_folder)
    (tmp_path / "config.json").write_bytes((classifier[1] / "config.json").read_bytes())
    assert "holds no weights" in refused(tmp_path, from_folder)
    (tmp_path / "model.safetensors").write_bytes(b"not safetensors")
    assert "cannot be loaded" in refused(tmp_path, from_folder)
    save_file({"roberta.embeddings.LayerNorm.bias": torch.zeros(32)}, tmp_path / "model.safetensors", {"format": "pt"})
    assert "lack" in refused(tmp_path, from_folder)
