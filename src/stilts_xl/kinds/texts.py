"""Texts to sub-tokens: each distinct text once, in bounded portions."""

from collections.abc import Iterator, Sequence

import numpy as np
from tokenizers import Encoding
from transformers import PreTrainedTokenizerBase

from stilts_xl.kinds.base import Ids

AT_ONCE = 10_000
"""Texts handed to the tokenizer in one call, to bound its memory."""


def encodings_of(texts: Sequence[str] | Sequence[list[str]], tokenizer: PreTrainedTokenizerBase) -> Iterator[Encoding]:
    """The tokenizer's encoding of each text, without special tokens; lists of words keep their borders."""
    for start in range(0, len(texts), AT_ONCE):
        part = list(texts[start : start + AT_ONCE])
        words = isinstance(part[0], list)
        yield from tokenizer(part, add_special_tokens=False, is_split_into_words=words).encodings or []


def ids_of(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[Ids]:
    """The sub-token ids of each text, without special tokens."""
    distinct = list(dict.fromkeys(texts))
    found = (np.array(encoding.ids, np.int32) for encoding in encodings_of(distinct, tokenizer))
    known = dict(zip(distinct, found, strict=True))
    return [known[text] for text in texts]
