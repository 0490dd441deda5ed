"""Make a retrieval prediction: sentences to vectors, vectors to neighbours or mined pairs, pairs to rows."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from stilts_xl.core.example import SentenceExample
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Data, Predict
from stilts_xl.data.examples import load
from stilts_xl.engine.device import autocasts, layout_for, predict_budget, torch_device
from stilts_xl.engine.predict import outputs
from stilts_xl.kinds.base import reduce
from stilts_xl.kinds.retrieve import encode_sentences, layers_of, pool
from stilts_xl.metrics.retrieval import fit_threshold
from stilts_xl.metrics.scores import item_counts, score
from stilts_xl.model.encoder import TaskModel, blocks_up_to
from stilts_xl.model.mining import mine
from stilts_xl.model.neighbours import nearest, normalised, unify
from stilts_xl.tasks.catalog import task_named

HEAD = "pool"
Vectors = NDArray[np.float32]
Row = dict[str, Any]
Pair = tuple[str, str, float]
"""(query's id, candidate's id, margin)."""
Advance = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Side:
    """The queries or the candidates, each distinct text with one vector a layer."""

    examples: tuple[SentenceExample, ...]
    vectors: NDArray[np.float32]
    """[distinct texts, layers, hidden size]"""
    text_of: Sequence[int]
    """[examples] the row of its text's vectors."""

    def only_ids(self) -> dict[int, str]:
        """Row -> id, for texts that stand there once: the reference cannot tell the others apart, and drops them."""
        often = Counter(self.text_of)
        return {row: example.id for row, example in zip(self.text_of, self.examples, strict=True) if often[row] == 1}


@dataclass(frozen=True)
class Sides:
    """A set of sentences to search."""

    queries: Side
    candidates: Side
    facts: Mapping[str, int]


def search(
    stage: Predict,
    model: TaskModel,
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    site: Site,
    advance: Advance,
) -> tuple[list[Row], Mapping[str, Any]]:
    """(a row a query, facts for the record) of a stage that compares sentences.

    Where rows to tune on are given, pairs are mined by margin and cut at a threshold that is fitted on those rows; else
    each query gets its nearest candidate. The facts hold the layer, the threshold and, for a curve, each layer's scores.
    """
    retrieval = stage.retrieval
    assert retrieval is not None
    task, device = task_named(stage.data.task), torch_device(site.compute)
    layers = layers_of(retrieval, model.encoder.config.num_hidden_layers)
    sides = embed(stage, stage.data, model, tokenizer, site, advance)
    tuning = sides
    if stage.tuning not in (None, stage.data):
        assert stage.tuning is not None
        tuning = embed(stage, stage.tuning, model, tokenizer, site, advance)
    found: list[tuple[list[Row], dict[str, Any]]] = []
    for place in range(len(layers)):
        if stage.tuning is None:
            rows, facts = nearest_rows(sides, place, device), {}
        else:
            threshold = fitted(tuning, mined(tuning, place, retrieval.neighbours, device))
            rows = mined_rows(sides, mined(sides, place, retrieval.neighbours, device), threshold)
            facts = {"threshold": threshold}
        counted = [row | {"counts": item_counts(task.scorer, row, stage.data.language)} for row in rows]
        found.append((counted, facts))
    rows, facts = found[0]
    counts = {"examples": len(rows), "unlabelled": sum(row["gold"] is None for row in rows), "layer": layers[0]}
    facts = {**counts, **sides.facts, **facts}
    if not retrieval.curve:
        return rows, facts
    by_layer = sorted(zip(layers, found, strict=True), key=lambda pair: pair[0])
    return rows, facts | {
        "curve": {str(layer): score(task.scorer, scored, stage.data.language) for layer, (scored, _) in by_layer}
    }


def embed(
    stage: Predict, data: Data, model: TaskModel, tokenizer: PreTrainedTokenizerBase, site: Site, advance: Advance
) -> Sides:
    """All sentences of a split through the encoder, each distinct text of a side once, so that equal texts tie exactly."""
    retrieval = stage.retrieval
    assert retrieval is not None
    device, blocks = torch_device(site.compute), model.encoder.config.num_hidden_layers
    layout = layout_for(site.compute, device)
    pooled = TaskModel(model.encoder, {HEAD: pool(retrieval, blocks)}, layout)
    loaded = load(task_named(data.task), data, site.place)
    sentences = [example for example in loaded.examples if isinstance(example, SentenceExample)]
    parts = [tuple(one for one in sentences if one.query == query) for query in (True, False)]
    unified = [unify([one.text for one in part]) for part in parts]
    encoded = encode_sentences([text for texts, _ in unified for text in texts], tokenizer, retrieval)
    total = len(encoded.tokens)
    budget, autocast = predict_budget(site.compute, device), autocasts(retrieval.precision, device)
    with blocks_up_to(model.encoder, max(layers_of(retrieval, blocks))):
        found = outputs(
            pooled, HEAD, reduce, encoded, layout, budget, autocast, lambda more, seen: advance(more, seen, total)
        )
    vectors = np.concatenate(found).reshape(total, len(layers_of(retrieval, blocks)), -1)
    split = np.split(vectors, [len(unified[0][0])])
    made = [Side(part, split[number], unified[number][1].tolist()) for number, part in enumerate(parts)]
    facts = {"sentences": len(sentences), "distinct": total, "truncated": encoded.truncated}
    return Sides(made[0], made[1], facts)


def nearest_rows(sides: Sides, place: int, device: torch.device) -> list[Row]:
    """Each query with its nearest candidate by cosine, the first of those that are equally near."""
    first: dict[int, str] = {}
    for row, candidate in zip(sides.candidates.text_of, sides.candidates.examples, strict=True):
        first.setdefault(row, candidate.id)
    queries, candidates = sides.queries.vectors[:, place], sides.candidates.vectors[:, place]
    found = nearest(queries, candidates, device)
    cosines = (normalised(queries) * normalised(candidates)[found]).sum(dim=1).tolist()
    return [
        _row(query, first[int(found[text])], cosines[text])
        for text, query in zip(sides.queries.text_of, sides.queries.examples, strict=True)
    ]


def mined(sides: Sides, place: int, neighbours: int, device: torch.device) -> list[Pair]:
    """Pairs one to one by falling margin, those left out whose text stands more than once on its side."""
    pairs = mine(sides.queries.vectors[:, place], sides.candidates.vectors[:, place], neighbours, device)
    columns = (pairs.sources.tolist(), pairs.targets.tolist(), pairs.margins.tolist())
    queries, candidates = sides.queries.only_ids(), sides.candidates.only_ids()
    return [
        (queries[query], candidates[candidate], margin)
        for query, candidate, margin in zip(*columns, strict=True)
        if query in queries and candidate in candidates
    ]


def fitted(sides: Sides, pairs: Sequence[Pair]) -> float:
    """The margin at which F1 on labelled sides is highest."""
    gold = {query.id: query.gold or () for query in sides.queries.examples}
    judged = [(margin, candidate in gold[query]) for query, candidate, margin in pairs]
    return fit_threshold(judged, sum(len(ids) for ids in gold.values()))


def mined_rows(sides: Sides, pairs: Sequence[Pair], threshold: float) -> list[Row]:
    """Every query with the candidate it was paired with, which is its prediction where the margin reaches the threshold."""
    best = {query: (candidate, margin) for query, candidate, margin in pairs}
    rows = []
    for query in sides.queries.examples:
        candidate, margin = best.get(query.id, ("", 0.0))
        kept = candidate if candidate and margin >= threshold else ""
        rows.append(_row(query, kept, margin) | {"candidate": candidate})
    return rows


def _row(query: SentenceExample, prediction: str, value: float) -> Row:
    gold = None if query.gold is None else list(query.gold)
    return {"id": query.id, "cluster": query.cluster, "prediction": prediction, "score": value, "gold": gold}
