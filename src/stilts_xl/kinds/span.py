"""Span: a question and a passage to a stretch of the passage, by start and end logits over sliding windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Example, SpanExample
from stilts_xl.core.recipe import Recipe
from stilts_xl.kinds.base import Decoded, Encoded, Indices, draw, reduce
from stilts_xl.kinds.windows import best_windows, covered, window_starts
from stilts_xl.model.heads import TokenHead
from stilts_xl.model.inputs import Inputs

__all__ = ["decode", "draw", "encode", "gold", "head", "loss", "reduce"]

SPECIAL_TOKENS = 4
"""<s> question </s></s> passage </s>"""
AS_TOKENS = ("zh",)
"""Languages whose answers are the tokens' text rather than the passage's: the reference maps answers back to words
between spaces, which fails for Chinese, and published numbers use the token text there."""


@dataclass(frozen=True)
class Passage:
    """A tokenized context."""

    ids: NDArray[np.int32]
    offsets: Indices
    """[tokens, 2] characters [from, to)."""


@dataclass(frozen=True)
class Window:
    """One sequence: which part of which example's passage it holds."""

    before: int
    """Tokens in front of the passage: <s> question </s></s>."""
    first: int
    """The passage's token with which it begins."""
    length: int


@dataclass(frozen=True)
class Detail:
    """What decoding needs."""

    passages: list[Passage]
    """One an example."""
    windows: list[Window]
    """One a sequence."""
    most_context: list[Indices]
    """One an example: [passage tokens] the window, counted within the example, that sees a token best."""


def encode(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
    training: bool,
) -> Encoded:
    """Windows ``<s> question </s></s> part </s>``; targets are the answer's first and last position, or <s> twice
    where the window does not hold the whole answer.

    Raises Mistake where questions of ``max_query_length`` leave no room for a passage.
    """
    if recipe.max_length - recipe.max_query_length - SPECIAL_TOKENS < 1:
        raise Mistake(
            f"max_length={recipe.max_length} leaves no room beside questions of max_query_length={recipe.max_query_length}"
        )
    questions = _tokenize([_span(example).question for example in examples], tokenizer)
    passages = _tokenize([_span(example).context for example in examples], tokenizer)
    tokens: list[NDArray[np.int32]] = []
    owner: list[int] = []
    targets: list[Indices] = []
    windows: list[Window] = []
    most_context: list[Indices] = []
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    for index, (question, passage) in enumerate(zip(questions, passages, strict=True)):
        query = question.ids[: recipe.max_query_length]
        room = recipe.max_length - len(query) - SPECIAL_TOKENS
        starts = window_starts(len(passage.ids), room, recipe.stride)
        most_context.append(best_windows(len(passage.ids), starts, room))
        answer = _answer(_span(examples[index]), passage) if training else None
        for start in starts:
            part = passage.ids[start : start + room]
            window = Window(len(query) + 3, start, len(part))
            tokens.append(np.concatenate([[bos], query, [eos, eos], part, [eos]]).astype(np.int32))
            owner.append(index)
            windows.append(window)
            targets.append(np.array(_target(window, answer) if training else [], np.int64))
    cut = sum(len(question.ids) > recipe.max_query_length for question in questions)
    detail = None if training else Detail(passages, windows, most_context)
    return Encoded(tokens, np.array(owner, np.int64), targets, cut, detail=detail)


def _tokenize(texts: list[str], tokenizer: PreTrainedTokenizerBase) -> list[Passage]:
    """Each text's tokens; a text that occurs again (a paragraph with many questions) is tokenized once."""
    distinct = list(dict.fromkeys(texts))
    encodings = tokenizer(distinct, add_special_tokens=False).encodings
    assert encodings is not None
    known = {
        text: Passage(np.array(encoding.ids, np.int32), np.array(encoding.offsets, np.int64).reshape(-1, 2))
        for text, encoding in zip(distinct, encodings, strict=True)
    }
    return [known[text] for text in texts]


def _span(example: Example) -> SpanExample:
    assert isinstance(example, SpanExample)
    return example


def _answer(example: SpanExample, passage: Passage) -> tuple[int, int] | None:
    """First and last token of the first gold answer; None where there is none, or it has no token of its own."""
    if example.impossible:
        return None
    gold = example.answers[0]
    return covered(passage.offsets, gold.start, gold.start + len(gold.text))


def _target(window: Window, answer: tuple[int, int] | None) -> list[int]:
    if answer is None or answer[0] < window.first or answer[1] >= window.first + window.length:
        return [0, 0]
    return [window.before + place - window.first for place in answer]


def head(encoder: PreTrainedModel, labels: tuple[str, ...]) -> TokenHead:
    """Two outputs a token: start and end."""
    return TokenHead(encoder.config.hidden_size, 2, 0.0, "qa_outputs", "QuestionAnswering")


def loss(logits: torch.Tensor, inputs: Inputs, targets: torch.Tensor) -> torch.Tensor:
    """Summed cross-entropy of each start and each end over its sequence's own positions.

    logits: [tokens, 2]; targets: [2 * sequences], a start and an end in turn.
    """
    padded = pad_sequence(
        list(torch.split(logits.float(), inputs.lengths)), batch_first=True, padding_value=float("-inf")
    )
    ends = targets.view(-1, 2)
    first, last = (cross_entropy(padded[:, :, column], ends[:, column], reduction="sum") for column in (0, 1))
    return first + last


def decode(
    examples: Sequence[Example],
    encoded: Encoded,
    outputs: Sequence[NDArray[np.float32]],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
) -> list[Decoded]:
    """The best span of all of an example's windows, as text of the passage ('' where no span is allowed).

    Where a question may have no answer, '' also when the null span's score, the lowest of the windows' sums of the two
    logits at <s>, exceeds the best span's by more than the recipe's threshold; both stand in the row.
    """
    detail = encoded.detail
    assert isinstance(detail, Detail)
    best: list[tuple[float, int, int] | None] = [None] * len(examples)
    null = [float("inf")] * len(examples)
    first_window: dict[int, int] = {}
    for sequence, index in enumerate(encoded.owner.tolist()):
        number = sequence - first_window.setdefault(index, sequence)
        seen_best = detail.most_context[index] == number
        logits = outputs[sequence]
        found = best_span(logits, detail.windows[sequence], seen_best, recipe.n_best, recipe.max_answer_length)
        null[index] = min(null[index], float(logits[0].sum()))
        before = best[index]
        if found is not None and (before is None or found[0] > before[0]):
            best[index] = found
    decoded = []
    for index, (passage, span) in enumerate(zip(detail.passages, best, strict=True)):
        example = _span(examples[index])
        found_text = "" if span is None else _text(example, passage, span, tokenizer)
        decoded.append(_answered(example, found_text, 0.0 if span is None else span[0], null[index], recipe))
    return decoded


def _answered(example: SpanExample, text: str, score: float, null: float, recipe: Recipe) -> Decoded:
    if not example.optional:
        return Decoded(text, score)
    kept = "" if null - score > recipe.no_answer_threshold else text
    return Decoded(kept, score, {"best_span": text, "null_margin": null - score})


def best_span(
    logits: NDArray[np.float32], window: Window, seen_best: NDArray[np.bool_], n_best: int, longest: int
) -> tuple[float, int, int] | None:
    """(sum of the two logits, first, last passage token) of a window's best span; None where none is allowed.

    Starts and ends are taken from the ``n_best`` highest logits of the whole sequence; a span lies in the passage, has
    at most ``longest`` tokens, and starts with a token that this window sees with the most context (``seen_best``:
    [passage tokens]).
    """
    starts, ends = (np.argsort(-logits[:, column], kind="stable")[:n_best] for column in (0, 1))
    first = starts - window.before + window.first
    last = ends - window.before + window.first
    inside = [(places >= window.before) & (places < window.before + window.length) for places in (starts, ends)]
    allowed_start = inside[0].copy()
    allowed_start[inside[0]] = seen_best[first[inside[0]]]
    length = last[None, :] - first[:, None] + 1
    allowed = allowed_start[:, None] & inside[1][None, :] & (length >= 1) & (length <= longest)
    if not allowed.any():
        return None
    scores = np.where(allowed, logits[starts, 0][:, None] + logits[ends, 1][None, :], -np.inf)
    row, column = np.unravel_index(scores.argmax(), scores.shape)
    return float(scores[row, column]), int(first[row]), int(last[column])


def _text(
    example: SpanExample, passage: Passage, span: tuple[float, int, int], tokenizer: PreTrainedTokenizerBase
) -> str:
    _, first, last = span
    if example.language in AS_TOKENS:
        text = tokenizer.decode(passage.ids[first : last + 1].tolist(), clean_up_tokenization_spaces=False)
        return str(text).strip()
    return example.context[int(passage.offsets[first, 0]) : int(passage.offsets[last, 1])].strip()


def gold(example: Example) -> list[str] | None:
    """The gold answers' texts, [''] where there is no answer."""
    span = _span(example)
    if span.impossible:
        return [""]
    return [answer.text for answer in span.answers] or None
