"""Retrieve: sentences of two languages to vectors, and each query to its nearest candidate."""

from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_xl.core.errors import Mistake
from stilts_xl.core.recipe import Retrieval
from stilts_xl.kinds.base import Encoded
from stilts_xl.kinds.texts import ids_of
from stilts_xl.model.heads import Pool

SPECIAL_TOKENS = 2
"""<s> sentence </s>"""
DEPTH = 7 / 12
"""The share of the blocks below the layer that is taken when none is named: block 14 of XLM-R Large's 24."""


def encode_sentences(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, retrieval: Retrieval) -> Encoded:
    """``<s> text </s>``, the end cut where it is too long; one sequence a text. Raises Mistake without any room."""
    room = retrieval.max_length - SPECIAL_TOKENS
    if room < 1:
        raise Mistake(f"max_length={retrieval.max_length} leaves no room for a sentence")
    ids = ids_of(texts, tokenizer)
    bos, eos = [tokenizer.bos_token_id], [tokenizer.eos_token_id]
    tokens = [np.concatenate([bos, sentence[:room], eos]).astype(np.int32) for sentence in ids]
    cut = sum(len(sentence) > room for sentence in ids)
    return Encoded(tokens, np.arange(len(texts)), [np.empty(0, np.int64)] * len(texts), cut)


def layers_of(retrieval: Retrieval, blocks: int) -> tuple[int, ...]:
    """The hidden states to pool, the one that is scored first; all of them for a curve.

    Raises Mistake for a layer that the model does not have.
    """
    layer = round(DEPTH * blocks) if retrieval.layer < 0 else retrieval.layer
    if layer > blocks:
        raise Mistake(f"layer={layer}: the model has {blocks} blocks; 0 is the embeddings and {blocks} the last block")
    return (layer, *(other for other in range(blocks + 1) if other != layer)) if retrieval.curve else (layer,)


def pool(retrieval: Retrieval, blocks: int) -> Pool:
    """The head without parameters that makes the vectors."""
    return Pool(layers_of(retrieval, blocks), retrieval.pooling)
