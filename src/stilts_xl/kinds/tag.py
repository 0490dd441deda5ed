"""Tag: the words of a sentence to a tag each, from each word's first sub-token, cross-entropy over words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Example, TagExample
from stilts_xl.core.recipe import Recipe
from stilts_xl.kinds.base import Decoded, Encoded, Ids, Indices, draw, loss, reduce
from stilts_xl.kinds.texts import encodings_of
from stilts_xl.model.heads import TokenHead

__all__ = ["decode", "draw", "encode", "gold", "head", "loss", "reduce"]

RESERVED = 3
"""Places of max_length that hold no piece of a word: <s>, </s>, and one that the reference leaves empty for XLM-R."""


@dataclass(frozen=True)
class Chunk:
    """A part of a sentence that fits: its pieces, and where its words begin among them."""

    pieces: list[int]
    firsts: list[int]


def encode(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
    training: bool,
) -> Encoded:
    """``<s> pieces </s>``; a sentence with more than ``max_length - 3`` pieces is cut between words into several.

    A word that has no piece, or too many for one sequence, is the unknown token. Raises Mistake where ``max_length``
    leaves no room for a word.
    """
    room = recipe.max_length - RESERVED
    if room < 1:
        raise Mistake(f"max_length={recipe.max_length} leaves no room for a word; {RESERVED} places are reserved")
    numbers = {label: number for number, label in enumerate(labels)}
    tokens: list[Ids] = []
    owner: list[int] = []
    targets: list[Indices] = []
    chosen: list[Indices] = []
    sentences = [_sentence(example) for example in examples]
    for index, (sentence, words) in enumerate(zip(sentences, _pieces(sentences, tokenizer, room), strict=True)):
        done = 0
        for chunk in chunks(words, room):
            ids = [tokenizer.bos_token_id, *chunk.pieces, tokenizer.eos_token_id]
            tags = sentence.tags[done : done + len(chunk.firsts)] if training and sentence.tags else ()
            tokens.append(np.array(ids, np.int32))
            owner.append(index)
            targets.append(np.array([numbers[tag] for tag in tags], np.int64))
            chosen.append(np.array(chunk.firsts, np.int64) + 1)
            done += len(chunk.firsts)
    return Encoded(tokens, np.array(owner, np.int64), targets, 0, chosen=chosen)


def _sentence(example: Example) -> TagExample:
    assert isinstance(example, TagExample)
    return example


def _pieces(sentences: list[TagExample], tokenizer: PreTrainedTokenizerBase, room: int) -> list[list[list[int]]]:
    """Of each sentence the pieces of each word, at least one and at most ``room``."""
    unknown = [tokenizer.unk_token_id]
    found: list[list[list[int]]] = []
    encodings = encodings_of([list(sentence.words) for sentence in sentences], tokenizer)
    for sentence, encoding in zip(sentences, encodings, strict=True):
        words: list[list[int]] = [[] for _ in sentence.words]
        for piece, word in zip(encoding.ids, encoding.word_ids, strict=True):
            assert word is not None, "no special tokens were asked for"
            words[word].append(piece)
        found.append([word if 0 < len(word) <= room else unknown for word in words])
    return found


def chunks(words: list[list[int]], room: int) -> list[Chunk]:
    """As many words as fit into ``room`` pieces, then the next ones; every word is in exactly one chunk."""
    found = [Chunk([], [])]
    for word in words:
        if len(found[-1].pieces) + len(word) > room:
            found.append(Chunk([], []))
        found[-1].firsts.append(len(found[-1].pieces))
        found[-1].pieces.extend(word)
    return found


def head(encoder: PreTrainedModel, labels: tuple[str, ...]) -> TokenHead:
    """One output a tag for each word's first piece."""
    dropout = encoder.config.hidden_dropout_prob
    return TokenHead(encoder.config.hidden_size, len(labels), dropout, "classifier", "TokenClassification")


def decode(
    examples: Sequence[Example],
    encoded: Encoded,
    outputs: Sequence[NDArray[np.float32]],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
) -> list[Decoded]:
    """The tag with the highest logit of every word, the sentence's parts joined again; the score is the logits' mean."""
    tags: list[list[str]] = [[] for _ in examples]
    best: list[list[float]] = [[] for _ in examples]
    for index, logits in zip(encoded.owner.tolist(), outputs, strict=True):
        tags[index] += [labels[number] for number in logits.argmax(axis=1).tolist()]
        best[index] += logits.max(axis=1).tolist()
    return [Decoded(found, sum(scores) / len(scores)) for found, scores in zip(tags, best, strict=True)]


def gold(example: Example) -> list[str] | None:
    """The tags."""
    sentence = _sentence(example)
    return None if sentence.tags is None else list(sentence.tags)
