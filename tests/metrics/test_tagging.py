"""Chunks are XTREME's: runs of equal tags for UDPOS, entities for PAN-X, and both add up over sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from stilts_xl.metrics.tagging import chunk_counts, spans_iob, spans_plain, token_counts

UPOS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X _ O".split()
IOB = "O B-PER I-PER B-LOC I-LOC B-ORG I-ORG".split()
plain_tags = st.lists(st.sampled_from([*UPOS, "NOUN", "SYM", "INTJ", "O"]), max_size=12)
iob_tags = st.lists(st.sampled_from(IOB), max_size=12)


def test_neighbours_with_the_same_tag_are_one_chunk():
    assert spans_plain("DET NOUN NOUN VERB NOUN".split()) == [
        ("DET", 0, 0),
        ("NOUN", 1, 2),
        ("VERB", 3, 3),
        ("NOUN", 4, 4),
    ]


@pytest.mark.parametrize("tag", ["SCONJ", "SYM"])
def test_tags_that_begin_with_s_are_chunks_alone(tag: str):
    assert spans_plain([tag, tag, "NOUN", tag]) == [(tag, 0, 0), (tag, 1, 1), ("NOUN", 2, 2), (tag, 3, 3)]


def test_interjections_are_a_run_like_any_other_tag():
    assert spans_plain("INTJ INTJ PUNCT INTJ".split()) == [("INTJ", 0, 1), ("PUNCT", 2, 2), ("INTJ", 3, 3)]


def test_the_first_letter_means_nothing_between_different_tags():
    assert spans_plain("SYM INTJ SCONJ X _ _".split()) == [
        ("SYM", 0, 0),
        ("INTJ", 1, 1),
        ("SCONJ", 2, 2),
        ("X", 3, 3),
        ("_", 4, 5),
    ]


def test_o_is_no_chunk_and_parts_two():
    assert spans_plain("O NOUN O NOUN NOUN O O".split()) == [("NOUN", 1, 1), ("NOUN", 3, 4)]


def test_conjunctions_of_both_kinds_stay_apart():
    assert spans_plain(["CCONJ", "SCONJ"]) == [("CCONJ", 0, 0), ("SCONJ", 1, 1)]


def test_entities_run_from_their_b_to_the_last_i():
    assert spans_iob("B-PER I-PER O B-LOC B-LOC I-LOC".split()) == [("PER", 0, 1), ("LOC", 3, 3), ("LOC", 4, 5)]


def test_an_entity_ends_where_the_type_changes_without_b():
    assert spans_iob("B-PER I-ORG I-ORG".split()) == [("PER", 0, 0), ("ORG", 1, 2)]


@pytest.mark.parametrize("tags", ["I-LOC I-LOC O", "O I-LOC I-LOC"])
def test_an_entity_may_begin_with_i(tags: str):
    first = tags.split().index("I-LOC")
    assert spans_iob(tags.split()) == [("LOC", first, first + 1)]


@given(tags=iob_tags)
def test_entities_are_those_of_seqeval(tags: list[str]):
    assert spans_iob(tags) == get_entities(tags)


@pytest.mark.filterwarnings("ignore:.*seems not to be NE tag")
@given(tags=st.lists(st.sampled_from([*IOB, "E-PER", "S-PER", "E-LOC", "S-LOC", "O-LOC"]), max_size=12))
def test_entities_are_those_of_seqeval_with_any_first_letter(tags: list[str]):
    assert spans_iob(tags) == get_entities(tags)


@pytest.mark.filterwarnings("ignore:.*seems not to be NE tag")
@given(tags=plain_tags)
def test_plain_chunks_are_seqevals_with_the_first_letter_as_position(tags: list[str]):
    written_out = [tag if tag == "O" else f"{tag[0]}-is{tag}" for tag in tags]
    assert [(f"is{tag}", first, last) for tag, first, last in spans_plain(tags)] == get_entities(written_out)


@given(tags=plain_tags)
def test_plain_chunks_partition_the_words_that_are_not_o(tags: list[str]):
    covered = [place for _, first, last in spans_plain(tags) for place in range(first, last + 1)]
    assert covered == [place for place, tag in enumerate(tags) if tag != "O"]


@given(tags=plain_tags)
def test_plain_chunks_hold_one_tag_and_touch_an_equal_one_only_at_s(tags: list[str]):
    chunks = spans_plain(tags)
    assert all(set(tags[first : last + 1]) == {kind} for kind, first, last in chunks)
    for (left, _, end), (right, begin, _) in zip(chunks, chunks[1:], strict=False):
        assert left != right or end + 1 < begin or left.startswith("S")


@given(tags=iob_tags)
def test_entities_partition_the_words_that_are_not_o(tags: list[str]):
    covered = [place for _, first, last in spans_iob(tags) for place in range(first, last + 1)]
    assert covered == [place for place, tag in enumerate(tags) if tag != "O"]


def test_a_hit_needs_the_type_and_both_ends():
    gold = "DET NOUN NOUN VERB SYM SYM".split()
    prediction = "DET NOUN VERB VERB SYM SYM".split()
    # gold chunks DET, NOUN NOUN, VERB, SYM, SYM; predicted DET, NOUN, VERB VERB, SYM, SYM: hits DET, SYM, SYM
    assert chunk_counts(prediction, gold, spans_plain) == {
        "hits": 3,
        "predicted": 5,
        "gold": 5,
        "correct": 5,
        "words": 6,
    }


def test_entities_count_whole_and_words_one_by_one():
    gold = "B-PER I-PER O B-LOC".split()
    prediction = "B-PER O O B-ORG".split()
    assert chunk_counts(prediction, gold, spans_iob) == {"hits": 0, "predicted": 2, "gold": 2, "correct": 2, "words": 4}
    assert token_counts(prediction, gold) == {"correct": 2, "words": 4}


sentences = st.lists(
    st.lists(st.tuples(st.sampled_from(UPOS[-7:]), st.sampled_from(UPOS[-7:])), min_size=1, max_size=5), max_size=6
)


@given(sentences=sentences)
def test_counts_of_sentences_add_up_to_those_of_all_joined_with_o(sentences: list[list[tuple[str, str]]]):
    apart = [chunk_counts([p for p, _ in one], [g for _, g in one], spans_plain) for one in sentences]
    joined = [pair for one in sentences for pair in [*one, ("O", "O")]]
    together = chunk_counts([p for p, _ in joined], [g for _, g in joined], spans_plain)
    for name in ("hits", "predicted", "gold"):
        assert together[name] == sum(counts[name] for counts in apart)
