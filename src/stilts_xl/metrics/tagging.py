"""Chunks of tagged sentences as XTREME counts them, and token accuracy."""

from collections.abc import Callable, Sequence

Chunk = tuple[str, int, int]
"""(type, first word, last word)."""
Spans = Callable[[Sequence[str]], list[Chunk]]

OUTSIDE = ("O", ".")
"""First letters of tags that stand in no chunk."""
BEGINS = ("B", "S")
"""First letters that always begin a chunk."""
ENDS = ("E", "S")
"""First letters that always end one."""


def spans_plain(tags: Sequence[str]) -> list[Chunk]:
    """The chunks of one sentence whose tags have no '-', left to right: XTREME's UDPOS.

    The reference hands UPOS tags to a scorer of entities (seqeval 0.0.12), which takes the first letter for the
    position in a chunk (B, I, E, S, O, .) and the whole tag for the type. So neighbours with the same tag are one
    chunk, as NOUN NOUN or INTJ INTJ; a tag that begins with B, E or S is a chunk alone, as SCONJ and SYM are; and 'O',
    which the head may predict since it is the first of its 18 labels, is none. No UPOS tag begins with B, E or '.';
    X and '_' are tags like any other.
    """
    return _spans([(tag[:1], tag) for tag in tags])


def spans_iob(tags: Sequence[str]) -> list[Chunk]:
    """The chunks of one sentence with tags such as 'B-PER', 'I-PER' and 'O', left to right: XTREME's PAN-X.

    The rules of CoNLL's scorer (seqeval's default mode): a chunk begins at B-, at a change of type even without B-, and
    at an I- that follows O or nothing. E- and S- end their chunk, S- begins one.
    """
    return _spans([(tag[:1], tag[2:]) for tag in tags])


def _spans(marks: Sequence[tuple[str, str]]) -> list[Chunk]:
    chunks: list[Chunk] = []
    before = ("O", "")
    for place, (letter, kind) in enumerate(marks):
        begins = letter in BEGINS or before[0] in OUTSIDE or before[0] in ENDS or kind != before[1]
        if letter not in OUTSIDE:
            first = place if begins else chunks.pop()[1]
            chunks.append((kind, first, place))
        before = (letter, kind)
    return chunks


def chunk_counts(prediction: Sequence[str], gold: Sequence[str], spans: Spans) -> dict[str, float]:
    """One sentence's {'hits', 'predicted', 'gold'} chunks and {'correct', 'words'}; as many predicted tags as gold.

    A hit has the gold's type, first and last word. Chunks never reach over the end of a sentence, so the counts of a
    set are the sums of its sentences' counts: what the reference gets from all sentences joined with 'O' between.
    """
    predicted, wanted = set(spans(prediction)), set(spans(gold))
    found = {"hits": len(predicted & wanted), "predicted": len(predicted), "gold": len(wanted)}
    return found | token_counts(prediction, gold)


def token_counts(prediction: Sequence[str], gold: Sequence[str]) -> dict[str, float]:
    """One sentence's {'correct', 'words'}; as many predicted tags as gold ones."""
    return {"correct": sum(made == tag for made, tag in zip(prediction, gold, strict=True)), "words": len(gold)}
