"""The encoder that comes with the package: whole, small, of every language of the sample data, and better than nothing."""

import shutil
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch.nn.functional import normalize
from torch.testing import assert_close
from transformers import AutoModelForMaskedLM, PreTrainedTokenizerBase

from stilts_xl.config.build import build_request
from stilts_xl.config.compose import compose_run
from stilts_xl.core.example import TextExample
from stilts_xl.core.stage import Pretrained, key
from stilts_xl.data.world.documents import sentences, texts
from stilts_xl.data.world.language import languages
from stilts_xl.data.world.render import text_of
from stilts_xl.engine.predict import outputs
from stilts_xl.kinds import mlm
from stilts_xl.kinds.texts import ids_of
from stilts_xl.model.bundled import MINI
from stilts_xl.model.encoder import TaskModel, from_folder, language_head_weights, load_tokenizer
from stilts_xl.run.resolve import pin_model
from toys import flat, recipe

LARGEST = 8_000_000
"""Bytes of its weights."""
ALIKE = 30
"""Sentences that are compared in every language."""
CODES = tuple(languages())


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load_tokenizer(MINI)


@pytest.fixture(scope="module")
def mini() -> TaskModel:
    encoder = from_folder(MINI)
    head = mlm.head(encoder, ())
    published = language_head_weights(MINI)
    assert published is not None
    head.load_state_dict(published)
    return TaskModel(encoder, {"tlm": head}, "packed").eval()


@pytest.fixture(scope="module")
def told() -> dict[str, list[str]]:
    """A few sentences by language, the same ones in each."""
    found: dict[str, list[str]] = {}
    for _, language, tokens in sentences(7, ALIKE):
        found.setdefault(language.code, []).append(text_of(language, tokens))
    return found


def test_its_weights_are_small_and_in_half_precision():
    weights = MINI / "model.safetensors"
    assert weights.stat().st_size <= LARGEST
    with safe_open(weights, "pt") as opened:
        tensors = [opened.get_tensor(name) for name in opened.keys()]  # noqa: SIM118
    assert {tensor.dtype for tensor in tensors} == {torch.float16}
    assert all(tensor.isfinite().all() for tensor in tensors)


def test_its_special_tokens_have_the_numbers_of_xlm_r(tokenizer):
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3]) == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert 8_000 <= len(tokenizer) <= 16_000
    assert [one for one in tokenizer("a", "b")["input_ids"] if one < 4] == [0, 2, 2, 2]


@pytest.mark.parametrize("code", CODES)
def test_it_can_write_every_language_of_the_sample_data(code, tokenizer, told):
    for text, ids in zip(told[code], ids_of(told[code], tokenizer), strict=True):
        assert tokenizer.unk_token_id not in ids.tolist(), text
        assert tokenizer.decode(ids).split() == tokenizer.decode(tokenizer(text)["input_ids"], True).split()
        assert len(ids) < len(text)


def test_transformers_loads_it_whole_and_says_the_same(mini, tokenizer, told):
    stock, info = AutoModelForMaskedLM.from_pretrained(MINI, output_loading_info=True, dtype=torch.float32)
    assert not info["missing_keys"]
    ids = tokenizer(told["fi"][0], return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        ours = mini(flat(ids[0], [ids.shape[1]]), "tlm")
        assert_close(ours, stock.eval()(ids).logits[0], atol=1e-4, rtol=1e-4)


def test_it_fills_gaps_in_documents_that_it_has_not_read(mini, tokenizer):
    examples = [
        TextExample(f"{code}/{number}", code, code, *both)
        for code in CODES
        if code != "en"
        for number, both in enumerate(texts("validation", 9, code, 5))
    ]
    encoded = mlm.encode(examples, tokenizer, (), recipe(max_length=192, mask_probability=0.15), False)
    found = outputs(mini, "tlm", mlm.reduce, encoded, "packed", 2048, False)
    right = np.concatenate([rows[:, 1] for rows in found])
    assert right.mean() > 0.6


def test_a_sentence_is_nearer_to_its_translation_than_to_others_in_most_languages(mini, tokenizer, told):
    table = mini.encoder.embeddings.word_embeddings.weight.detach()

    def vectors(code: str) -> torch.Tensor:
        means = [table[torch.from_numpy(one).long()].mean(0) for one in ids_of(told[code], tokenizer)]
        return normalize(torch.stack(means), dim=1)

    english, own = vectors("en"), torch.arange(ALIKE)
    right = {code: ((vectors(code) @ english.T).argmax(1) == own).float().mean().item() for code in CODES}
    assert sum(share > 10 / ALIKE for share in right.values()) > 30, right


def test_its_name_means_the_folder_in_the_package_and_its_bytes_are_its_identity(tmp_path):
    request = build_request(compose_run(["target=tydiqa", "model=mini", "data=sample"]), str(tmp_path), 0, offline=True)
    assert (request.model.path, request.model.name) == (str(MINI), "mini")
    copy = shutil.copytree(MINI, tmp_path / "copy")
    pinned = [pin_model(replace(request.model, path=str(path)), tmp_path, "", True) for path in (MINI, copy)]
    assert isinstance(pinned[0], Pretrained) and key(pinned[0]) == key(pinned[1])


def test_its_card_tells_where_it_comes_from():
    card = (MINI / "README.md").read_text(encoding="utf-8")
    assert sha256((MINI / "model.safetensors").read_bytes()).hexdigest() in card
    for said in ("license: mit", "scripts/build_mini.sh", "says anything about real languages", "| step |"):
        assert said in card
