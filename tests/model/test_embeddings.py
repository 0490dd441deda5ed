"""First vectors: sub-tokens of one meaning begin close together, whatever their language; positions near are alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from stilts_xl.model.embeddings import first_vectors, leading_vectors, occurrences, positive_information, waves

COUNTS = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12), elements=st.integers(0, 5)
)
MEANINGS = 20
UNSEEN = 2 * MEANINGS
NAME = 0


def bilingual(sentences: int = 200) -> list[tuple[int, NDArray[np.int32]]]:
    """Sentences of three meanings each: in one language words 0 to 19 say them, in the other one words 20 to 39."""
    random = np.random.default_rng(5)
    found = []
    for number in range(sentences):
        meanings = random.choice(MEANINGS, 3, replace=False)
        found += [
            (number, meanings.astype(np.int32)),
            (number, (random.permutation(meanings) + MEANINGS).astype(np.int32)),
        ]
    return found


def cosines(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(directions @ directions.T)


def counted() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """By sentence and by language: the words of both languages, of a name of both, and of one that nobody says."""
    said = bilingual()
    by_language = [(place % 2, np.append(ids, NAME).astype(np.int32)) for place, (_, ids) in enumerate(said)]
    return occurrences(said, UNSEEN + 1, 200), occurrences(by_language, UNSEEN + 1, 2)


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    return first_vectors(*counted(), 32, 0.1, seed=3)


def test_a_word_begins_near_its_translation_and_far_from_all_others(vectors):
    found = cosines(vectors)[:MEANINGS, MEANINGS:UNSEEN]
    others = np.abs(found - np.diag(np.diag(found)))
    assert np.diag(found)[NAME + 1 :].min() > 0.65
    assert others.max() < 0.55


def test_words_of_one_language_are_a_little_more_alike_than_those_of_two(vectors):
    found = cosines(vectors)
    apart = ~np.eye(MEANINGS, dtype=bool)
    own, other = found[:MEANINGS, :MEANINGS][apart], found[:MEANINGS, MEANINGS:UNSEEN][apart]
    assert 0.15 < own.mean() - other.mean() < 0.45


def test_vectors_have_about_the_length_of_random_ones(vectors):
    assert_allclose(np.linalg.norm(vectors, axis=1), 0.1 * 32**0.5, rtol=0.2)


def test_vectors_are_a_function_of_counts_and_seed(vectors):
    assert first_vectors(*counted(), 32, 0.1, seed=3).tobytes() == vectors.tobytes()
    assert first_vectors(*counted(), 32, 0.1, seed=4)[UNSEEN].tobytes() != vectors[UNSEEN].tobytes()


def test_a_word_that_stands_twice_in_a_sentence_counts_twice_and_so_do_translations():
    counts = occurrences(
        [(0, np.array([1, 1, 2], np.int32)), (1, np.array([2], np.int32)), (0, np.array([2], np.int32))], 4, 2
    )
    assert counts.tolist() == [[0, 0], [2, 0], [2, 1], [0, 0]]


@given(COUNTS)
def test_information_is_the_logarithm_of_how_much_more_often_two_meet_than_by_chance(counts):
    found, total = positive_information(counts.copy()), counts.sum()
    for row, column in np.ndindex(*counts.shape):
        chance = counts[row].sum() * counts[:, column].sum() / total if total else 0.0
        expected = max(np.log(counts[row, column] / chance), 0.0) if counts[row, column] else 0.0
        assert found[row, column] == pytest.approx(expected, abs=1e-5)


@given(COUNTS)
def test_leading_vectors_are_those_of_the_exact_decomposition(counts):
    rank = min(counts.shape)
    found = leading_vectors(counts, rank + 2, seed=1)
    left, values, _ = np.linalg.svd(counts.astype(np.float64), full_matrices=False)
    assert_allclose(found @ found.T, left * values @ left.T, atol=1e-3 * (1 + values[0]))
    assert not found[:, rank:].any()


def test_the_greatest_entry_of_each_vector_is_positive():
    matrix = np.random.default_rng(2).standard_normal((30, 40), dtype=np.float32)
    found = leading_vectors(matrix, 8, seed=1)
    assert (found[np.abs(found).argmax(axis=0), np.arange(8)] > 0).all()
    assert (np.diff(np.linalg.norm(found, axis=0)) <= 1e-4).all()


def test_positions_are_the_more_alike_the_nearer_they_are_wherever_they_stand():
    found = waves(64, 32, 0.05)
    products = found @ found.T
    assert_allclose(products[0, :16], products[40, 40:56], atol=1e-5)
    assert (np.diff(products[0, :4]) < 0).all()
    assert_allclose(np.linalg.norm(found, axis=1), 0.05 * 32**0.5, rtol=1e-5)
