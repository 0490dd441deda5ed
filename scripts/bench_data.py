"""What bench_throughput.py measures on: SQuAD, XNLI and UDPOS, alone and mixed, and one model in two libraries."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
)

from stilts_xl.core.example import Example, PairExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.recipe import Compute, Recipe
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import load
from stilts_xl.engine.device import layout_for
from stilts_xl.engine.predict import inputs_of
from stilts_xl.kinds.base import Encoded
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.model.encoder import TaskModel, save
from stilts_xl.model.heads import initialise
from stilts_xl.tasks.catalog import task_named

Indices = NDArray[np.int64]
LABELS = ("entailment", "neutral", "contradiction")
ROWS = Path(__file__).resolve().parents[1] / "tests" / "sample"
UDPOS_FILE = "udpos/train-en.tsv"
SEED = 1
CPU = torch.device("cpu")
TRAIN_BATCH = 32
VOCABULARY = 8192
SHAPE = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}


@dataclass(frozen=True)
class Workload:
    """A set of sequences that one head learns from."""

    name: str
    kind: str
    encoded: Encoded
    max_length: int
    """What a sequence is padded to where padding is to the maximum length."""
    shuffled: bool
    """Whether prediction sees the sequences in random order rather than in the file's."""

    def slices(self, count: int, size: int, number: int) -> list[Indices]:
        """``count`` seeded random lists of ``size * number`` sequences, repeating a set that is too small."""
        order = np.random.default_rng(SEED).permutation(len(self.encoded.tokens))
        return np.split(np.resize(order, count * size * number), count)

    def runs(self, count: int, size: int, number: int) -> list[Indices]:
        """As ``slices``, for prediction: batches of ``size`` neighbours, which are those that a pass over the file has."""
        if self.shuffled or len(self.encoded.tokens) < size:
            return self.slices(count, size, number)
        firsts = np.arange(len(self.encoded.tokens) // size) * size
        chosen = np.resize(np.random.default_rng(SEED).permutation(firsts), count * number)
        return np.split((chosen[:, None] + np.arange(size)).ravel(), count)

    def part(self, indices: Indices) -> Encoded:
        """The chosen sequences as a set of their own."""
        tokens = [self.encoded.tokens[index] for index in indices.tolist()]
        return Encoded(tokens, np.arange(len(tokens)), self.encoded.targets[indices], 0)


@dataclass(frozen=True)
class Pair:
    """One workload's model on both sides, with the same weights."""

    work: Workload
    ours: TaskModel
    theirs: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    recipe: Recipe
    compute: Compute
    folder: Path


def features(part: Encoded, kind: str, targets: bool) -> list[dict[str, Any]]:
    """The same sequences as the Hugging Face collators take them."""
    rows: list[dict[str, Any]] = [{"input_ids": ids.tolist(), "attention_mask": [1] * len(ids)} for ids in part.tokens]
    names = ("start_positions", "end_positions") if kind == "span" else ("labels",)
    if targets:
        for row, values in zip(rows, part.targets.tolist(), strict=True):
            row.update(zip(names, values, strict=True))
    return rows


def workloads(
    root: Path | None, tokenizer: PreTrainedTokenizerBase, vocabulary: int, recipe: Recipe
) -> tuple[list[Workload], list[str]]:
    """SQuAD, XNLI, UDPOS and their mix, from a folder of official downloads or, without one, a few rows of the tests;
    and what a reader of the numbers has to know about them.
    """
    place = DataPlace("local", str(root or ROWS), "", True)
    squad = _encoded("span", _examples("squad", place), tokenizer, replace(recipe, max_length=384))
    xnli = _encoded("classify", _examples("mnli", place), tokenizer, recipe)
    notes = [
        f"data: {'rows of the tests (too small and too short to judge by)' if root is None else 'official downloads'}"
    ]
    notes.append("xnli: its English training pairs, which are MultiNLI's; squad: training windows of 384, stride 128")
    parts = {"squad": ("span", squad, 384), "xnli": ("classify", xnli, 128)}
    if root is not None and (root / UDPOS_FILE).is_file():
        sentences = _sentences(root / UDPOS_FILE)
        parts["udpos"] = ("classify", _encoded("classify", sentences, tokenizer, recipe), 128)
        notes.append(
            "udpos: sentences as single texts with made-up labels, for their lengths; its tags are not learned here"
        )
    else:
        notes.append(f"udpos: left out, there is no {UDPOS_FILE}")
    small = {name: (kind, _smaller(part, vocabulary), longest) for name, (kind, part, longest) in parts.items()}
    sets = [Workload(name, kind, part, longest, False) for name, (kind, part, longest) in small.items()]
    sizes = ", ".join(f"{len(one.encoded.tokens):,} {one.name}" for one in sets)
    notes.append(f"mix: all sequences ({sizes}) shuffled, as single texts with made-up labels under one sentence head")
    return [*sets, Workload("mix", "classify", _mixed(sets), 384, True)], notes


def _examples(name: str, place: DataPlace) -> list[Example]:
    task = task_named(name)
    return list(load(task, Data(task.name, task.kind, task.revision, "train", "en", ""), place).examples)


def _sentences(path: Path) -> list[Example]:
    """The sentences of a file with a word and its tag a line, and a blank line behind each sentence."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    texts = [" ".join(line.split("\t")[0] for line in block.split("\n")) for block in blocks]
    return [PairExample(str(row), str(row), text, "", LABELS[row % len(LABELS)]) for row, text in enumerate(texts)]


def _encoded(kind: str, examples: list[Example], tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> Encoded:
    return KINDS[kind].encode(examples, tokenizer, LABELS, recipe, training=True)


def _smaller(part: Encoded, vocabulary: int) -> Encoded:
    """Ids folded into a smaller vocabulary; XLM-R's four special tokens at its beginning stay what they are."""
    tokens = [np.where(ids < 4, ids, 4 + (ids - 4) % (vocabulary - 4)).astype(np.int32) for ids in part.tokens]
    return replace(part, tokens=tokens)


def _mixed(sets: list[Workload]) -> Encoded:
    tokens = [ids for one in sets for ids in one.encoded.tokens]
    targets = np.arange(len(tokens), dtype=np.int64)[:, None] % len(LABELS)
    return Encoded(tokens, np.arange(len(tokens)), targets, 0)


def pair_of(work: Workload, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, compute: Compute, folder: Path) -> Pair:
    """A model from a fixed seed on our side, saved, and loaded on theirs."""
    shape: dict[str, Any] = SHAPE | {"max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
    config = XLMRobertaConfig(vocab_size=VOCABULARY, **shape)
    torch.manual_seed(0)
    encoder = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    labels = () if work.kind == "span" else LABELS
    head = KINDS[work.kind].head(config.hidden_size, config.hidden_dropout_prob, LABELS)
    initialise(head, config.initializer_range, torch.Generator().manual_seed(0))
    model = TaskModel(encoder, {work.name: head}, layout_for(compute, CPU))
    save(model, tokenizer, labels, folder)
    stock = AutoModelForQuestionAnswering if work.kind == "span" else AutoModelForSequenceClassification
    theirs = stock.from_pretrained(folder)
    return Pair(work, model, theirs, tokenizer, recipe, compute, folder)


def same_loss(pair: Pair) -> None:
    """Both sides must find the same loss for the first batch, without dropout.

    Stock span models count padding among the positions an answer may have, so theirs see one sequence at a time.
    """
    part = pair.work.part(pair.work.slices(1, TRAIN_BATCH, 1)[0])
    inputs = inputs_of(part.tokens, np.arange(TRAIN_BATCH), CPU)
    rows = features(part, pair.work.kind, targets=True)
    groups = [[row] for row in rows] if pair.work.kind == "span" else [rows]
    collate = DataCollatorWithPadding(pair.tokenizer)
    pair.ours.eval()
    pair.theirs.eval()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        logits = pair.ours(inputs, pair.work.name)
        ours = float(KINDS[pair.work.kind].loss(logits, inputs.lengths, torch.from_numpy(part.targets))) / TRAIN_BATCH
        theirs = sum(float(pair.theirs(**collate(group)).loss) * len(group) for group in groups) / TRAIN_BATCH
    assert abs(ours - theirs) < 1e-5, f"{pair.work.name}: our loss is {ours}, theirs {theirs}"
