"""Windows over long passages: where they start, which one sees a token best, and which tokens an answer touches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.kinds.windows import best_windows, covered, window_starts


def test_ten_tokens_in_windows_of_four_two_apart() -> None:
    assert window_starts(10, 4, 2) == [0, 2, 4, 6]


def test_a_passage_that_fits_has_one_window() -> None:
    assert window_starts(4, 4, 2) == window_starts(1, 4, 2) == window_starts(0, 4, 2) == [0]


def test_the_last_window_may_be_shorter() -> None:
    assert window_starts(9, 4, 3) == [0, 3, 6]


def test_a_stride_beyond_the_room_leaves_no_gap() -> None:
    assert window_starts(10, 4, 100) == [0, 4, 8]


@given(st.integers(0, 300), st.integers(1, 60), st.integers(1, 80))
def test_windows_cover_every_token_and_stop_at_the_end(tokens, room, stride) -> None:
    starts = window_starts(tokens, room, stride)
    assert {t for start in starts for t in range(start, min(start + room, tokens))} == set(range(tokens))
    assert starts[-1] + room >= tokens
    assert all(start + room < tokens for start in starts[:-1])


def test_a_token_belongs_to_the_window_in_which_it_is_farthest_from_an_edge() -> None:
    assert best_windows(10, [0, 2, 4, 6], 4).tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3, 3]


def test_between_two_windows_of_one_rank_the_longer_one_wins() -> None:
    # Tokens 5 and 6 are at an edge of both windows, [0-6] and [5-8].
    assert best_windows(9, [0, 5], 7).tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1]
    # Token 6 is the last of [3-6] and the first of [6-8]: the same context, and the first window is longer.
    assert best_windows(9, [0, 3, 6], 4)[6] == 1


def bert_best_window(tokens: int, starts: list[int], room: int, position: int) -> int:
    """BERT's run_squad.py, _check_is_max_context, told again: returns the window's number."""
    best_score, best = None, None
    for number, start in enumerate(starts):
        length = min(room, tokens - start)
        end = start + length - 1
        if position < start or position > end:
            continue
        score = min(position - start, end - position) + 0.01 * length
        if best_score is None or score > best_score:
            best_score, best = score, number
    assert best is not None
    return best


@given(st.integers(1, 120), st.integers(1, 40), st.integers(1, 50))
def test_the_window_with_the_most_context_is_bert_s(tokens, room, stride) -> None:
    starts = window_starts(tokens, room, stride)
    expected = [bert_best_window(tokens, starts, room, position) for position in range(tokens)]
    assert best_windows(tokens, starts, room).tolist() == expected


def test_an_answer_covers_the_tokens_that_share_a_character_with_it() -> None:
    offsets = np.array([[0, 3], [4, 6], [6, 9], [10, 12]])
    assert covered(offsets, 4, 9) == (1, 2)
    assert covered(offsets, 5, 7) == (1, 2)
    assert covered(offsets, 0, 12) == (0, 3)
    assert covered(offsets, 2, 3) == (0, 0)


def test_an_answer_between_two_tokens_covers_none() -> None:
    assert covered(np.array([[0, 3], [4, 6]]), 3, 4) is None
    assert covered(np.array([[0, 3], [4, 6]]), 9, 12) is None
    assert covered(np.zeros((0, 2), np.int64), 0, 3) is None
