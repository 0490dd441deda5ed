"""Span: question and passage to an answer, over sliding windows, as BERT's and XTREME's reading code does it."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import XLMRobertaConfig, XLMRobertaForQuestionAnswering

from sample_rows import SAMPLE_ROOT
from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Answer, SpanExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import load
from stilts_xl.data.sources import Absent, locate
from stilts_xl.kinds import span
from stilts_xl.kinds.base import Encoded
from stilts_xl.kinds.span import Detail, Window, best_span
from stilts_xl.kinds.windows import best_windows, window_starts
from stilts_xl.metrics.reading import squad_normalise
from stilts_xl.model.encoder import load_tokenizer
from stilts_xl.tasks.catalog import task_named
from toys import RECIPE, flat, recipe

LENGTHS = {"max_length": 128, "max_query_length": 32, "stride": 48}


def asked(question: str, context: str, *answers: tuple[str, int], language: str = "en") -> SpanExample:
    return SpanExample("1", "p", language, question, context, tuple(Answer(text, start) for text, start in answers))


def plain(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def encode(tokenizer, *examples: SpanExample, training: bool = False, **changes: int) -> Encoded:
    return span.encode(examples, tokenizer, (), recipe(**(LENGTHS | changes)), training)


def split_rows(task: str, split: str, language: str, root: Path, limit: int = 0) -> tuple[SpanExample, ...]:
    """The examples of an official file, as a run reads them."""
    data = Data(task, "span", 1, split, language, "", limit)
    return load(task_named(task), data, DataPlace("local", str(root), "", offline=True)).examples


# Encoding


def test_a_window_is_bos_question_eos_eos_part_eos(tokenizer) -> None:
    example = asked("Where is it?", "It is in Rome.")
    found = encode(tokenizer, example)
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    expected = [bos, *plain(tokenizer, example.question), eos, eos, *plain(tokenizer, example.context), eos]
    assert [tokens.tolist() for tokens in found.tokens] == [expected]
    assert [len(each) for each in found.targets] == [0]


def test_the_tokens_are_those_of_the_tokenizer_s_own_pairs(tokenizer) -> None:
    example = asked("Where is it?", "It is in Rome.")
    assert encode(tokenizer, example).tokens[0].tolist() == tokenizer(example.question, example.context)["input_ids"]


def test_long_passages_make_windows_a_stride_apart(tokenizer) -> None:
    example = asked("Where?", "one two three four five six seven eight nine ten")
    question, passage = plain(tokenizer, example.question), plain(tokenizer, example.context)
    room = 4
    found = encode(tokenizer, example, max_length=len(question) + 4 + room, max_query_length=len(question), stride=2)
    parts = [tokens.tolist()[len(question) + 3 : -1] for tokens in found.tokens]
    starts = window_starts(len(passage), room, 2)
    assert parts == [passage[start : start + room] for start in starts]
    assert found.owner.tolist() == [0] * len(starts)


def test_long_questions_are_cut_and_counted(tokenizer) -> None:
    example = asked("why " * 100, "Because.")
    found = encode(tokenizer, example, asked("Why?", "Because."))
    question = plain(tokenizer, example.question)
    assert len(question) > 32
    assert found.tokens[0].tolist()[1:33] == question[:32]
    assert found.tokens[0].tolist()[33:35] == [tokenizer.eos_token_id] * 2
    assert found.truncated == 1


def test_lengths_without_room_for_a_passage_are_refused(tokenizer) -> None:
    with pytest.raises(Mistake, match="max_length=36 leaves no room beside questions of max_query_length=32"):
        encode(tokenizer, asked("Why?", "Because."), max_length=36)
    assert encode(tokenizer, asked("Why?", "Because."), max_length=37).tokens


def test_an_empty_passage_is_one_window_and_no_answer(tokenizer) -> None:
    example = asked("Why?", " ")
    found = encode(tokenizer, example)
    outputs = [np.ones((len(found.tokens[0]), 2), np.float32)]
    assert len(found.tokens) == 1
    assert span.decode([example], found, outputs, tokenizer, (), RECIPE)[0].prediction == ""


# Targets


def test_targets_point_at_the_answer_s_first_and_last_token(tokenizer) -> None:
    example = asked("Where is it?", "It is in Rome today.", ("Rome", 9))
    found = encode(tokenizer, example, training=True)
    first, last = found.targets[0].tolist()
    assert tokenizer.decode(found.tokens[0][first : last + 1].tolist()).strip() == "Rome"


def test_a_window_without_the_whole_answer_points_at_bos_twice(tokenizer) -> None:
    context = "one two three four five six seven eight nine ten"
    example = asked("Where?", context, ("five six", context.index("five six")))
    found = encode(tokenizer, example, training=True, max_length=14, max_query_length=8, stride=4)
    inside = encode(tokenizer, example, max_length=14, max_query_length=8, stride=4)
    passage = inside.detail.passages[0]
    touching = [
        i for i, (a, b) in enumerate(passage.offsets) if a < example.answers[0].start + 8 and b > context.index("five")
    ]
    held = 0
    for target, window in zip([each.tolist() for each in found.targets], inside.detail.windows, strict=True):
        if window.first <= touching[0] and touching[-1] < window.first + window.length:
            held += 1
            assert [place - window.before + window.first for place in target] == [touching[0], touching[-1]]
        else:
            assert target == [0, 0]
    assert 0 < held < len(found.tokens)


def read_back(example: SpanExample, found: Encoded, inside: Detail, index: int) -> list[str]:
    """What the targets of an example's windows say, as text of its passage."""
    passage, texts = inside.passages[index], []
    for sequence in np.flatnonzero(found.owner == index).tolist():
        first, last = found.targets[sequence].tolist()
        if (first, last) != (0, 0):
            shift = inside.windows[sequence].first - inside.windows[sequence].before
            begins, ends = passage.offsets[first + shift], passage.offsets[last + shift]
            answer = example.answers[0]
            assert begins[0] <= answer.start < begins[1], "no token too many in front"
            assert ends[0] < answer.start + len(answer.text) <= ends[1], "no token too many behind"
            texts.append(example.context[begins[0] : ends[1]])
    return texts


def landed(examples: tuple[SpanExample, ...], tokenizer, **changes: int) -> tuple[int, int]:
    """(examples of which some window holds the answer, those of them whose targets read as the gold answer)."""
    found = encode(tokenizer, *examples, training=True, **changes)
    inside = encode(tokenizer, *examples, **changes).detail
    held = right = 0
    for index, example in enumerate(examples):
        texts = read_back(example, found, inside, index)
        gold = example.answers[0].text
        assert all(gold in text for text in texts), (example.id, gold, texts)
        held += bool(texts)
        golds = {squad_normalise(answer.text) for answer in example.answers}
        right += bool(texts) and all(squad_normalise(text) in golds for text in texts)
    return held, right


SAMPLE_SETS = [("squad", "train", "en"), ("squad", "validation", "en"), ("tydiqa", "train", "en")] + [
    (task, "test", language) for task in ("tydiqa", "xquad") for language in task_named(task).languages
]


@pytest.mark.parametrize(("task", "split", "language"), SAMPLE_SETS)
def test_targets_land_on_the_answer_in_every_row_written_by_hand(task, split, language, tokenizer) -> None:
    examples = split_rows(task, split, language, SAMPLE_ROOT)
    held, right = landed(examples, tokenizer)
    assert held == len(examples)
    assert right == len(examples)


REAL_SETS = [
    # Rows and the share of them whose targets read as a gold answer; where they do not, a sub-token holds more than the
    # answer, as a Korean noun with its particle.
    (("squad", "train", "en"), 0.99),
    (("tydiqa", "train", "en"), 0.99),
    (("tydiqa", "test", "ko"), 0.85),
    (("xquad", "test", "th"), 0.99),
    (("xquad", "test", "zh"), 0.95),
    (("xquad", "test", "ar"), 0.99),
    (("xquad", "test", "hi"), 0.99),
]


@pytest.fixture(scope="module")
def real_tokenizer(data_root: Path):
    """XLM-R's own tokenizer, beside the official downloads or where STILTS_TOKENIZER says."""
    folder = Path(os.environ.get("STILTS_TOKENIZER", data_root.parent / "models" / "xlmr-tokenizer"))
    if not folder.is_dir():
        pytest.skip("no XLM-R tokenizer; STILTS_TOKENIZER names its folder")
    return load_tokenizer(folder)


@pytest.mark.parametrize(
    ("rows", "share"), REAL_SETS, ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_targets_land_on_the_answer_in_official_rows(rows, share, data_root, real_tokenizer) -> None:
    task, split, language = rows
    if isinstance(locate(task_named(task), split, language, data_root), Absent):
        pytest.skip(f"no {split} file of {task} in {language}")
    examples = tuple(example for example in split_rows(task, split, language, data_root, limit=300) if example.answers)
    held, right = landed(examples, real_tokenizer, max_length=384, max_query_length=64, stride=128)
    print(f"{task} {split} {language}: {len(examples)} rows, {held} held, {right} read as the gold answer")
    assert held == len(examples)
    assert right >= share * len(examples)


# Loss


def stock() -> XLMRobertaForQuestionAnswering:
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=40, pad_token_id=1, type_vocab_size=1,
    )  # fmt: skip
    return XLMRobertaForQuestionAnswering(config).eval()


@pytest.mark.parametrize("target", [(4, 6), (0, 0), (7, 7)])
def test_the_loss_of_one_sequence_is_the_stock_model_s(target) -> None:
    model, ids = stock(), torch.arange(5, 13).unsqueeze(0)
    with torch.no_grad():
        expected = model(ids, start_positions=torch.tensor([target[0]]), end_positions=torch.tensor([target[1]]))
    logits = torch.stack([expected.start_logits[0], expected.end_logits[0]], dim=1)
    mean = span.loss(logits, flat(ids[0], [8]), torch.tensor(target)) / 2
    torch.testing.assert_close(mean, expected.loss)


def test_the_loss_of_a_batch_is_the_sum_over_its_sequences_alone() -> None:
    torch.manual_seed(0)
    lengths, targets = [3, 9, 1, 5], torch.tensor([1, 2, 0, 8, 0, 0, 4, 4])
    logits = torch.randn(sum(lengths), 2, requires_grad=True)
    together = span.loss(logits, flat(torch.zeros(18), lengths), targets)
    parts = logits.split(lengths)
    ends = targets.split(2)
    apart = sum(span.loss(part, flat(part, [len(part)]), end) for part, end in zip(parts, ends, strict=True))
    torch.testing.assert_close(together, apart)
    gradient, alone = (torch.autograd.grad(loss, logits, retain_graph=True)[0] for loss in (together, apart))
    assert gradient.isfinite().all()
    torch.testing.assert_close(gradient, alone)


# Decoding


def decode_one(tokenizer, example: SpanExample, start: int, end: int, **changes: int) -> span.Decoded:
    """The prediction when the logits of one passage token each stand out as start and end."""
    found = encode(tokenizer, example)
    logits = np.zeros((len(found.tokens[0]), 2), np.float32)
    before = found.detail.windows[0].before
    logits[before + start, 0], logits[before + end, 1] = 5, 4
    return span.decode([example], found, [logits], tokenizer, (), recipe(**(LENGTHS | changes)))[0]


def test_the_answer_is_cut_from_the_passage_as_it_stands_there(tokenizer) -> None:
    example = asked("Where?", "It  is in   Rome, today.")
    offsets = encode(tokenizer, example).detail.passages[0].offsets
    first = int(np.flatnonzero(offsets[:, 0] <= example.context.index("in"))[-1])
    last = int(np.flatnonzero(offsets[:, 1] >= example.context.index(","))[0])
    found = decode_one(tokenizer, example, first, last)
    assert found.prediction == "in   Rome"
    assert found.score == 9.0


def test_chinese_answers_are_the_tokens_text(tokenizer) -> None:
    context = "它在北京,今天。"
    passage = encode(tokenizer, asked("?", context)).detail.passages[0]
    last = len(passage.ids) - 1
    zh = decode_one(tokenizer, asked("?", context, language="zh"), 0, last).prediction
    assert zh == tokenizer.decode(passage.ids.tolist()).strip()
    assert decode_one(tokenizer, asked("?", context, language="th"), 0, last).prediction == context


def test_a_span_longer_than_the_longest_answer_is_not_allowed(tokenizer) -> None:
    example = asked("Where?", "one two three four five six seven eight nine ten")
    last = len(encode(tokenizer, example).detail.passages[0].ids) - 1
    found = decode_one(tokenizer, example, 0, last, max_answer_length=last)
    assert found.score == 5.0, "the end that stands out is one token too far, and some other end is taken"
    assert decode_one(tokenizer, example, 0, last, max_answer_length=last + 1).score == 9.0


def test_candidates_outside_the_passage_use_up_places_as_in_the_reference() -> None:
    logits = np.array([[9, 9], [8, 8], [1, 1], [0, 0], [7, 7]], np.float32)  # bos, question …, passage, eos
    window = Window(before=2, first=0, length=2)
    assert best_span(logits, window, np.array([True, True]), n_best=3, longest=5) is None
    assert best_span(logits, window, np.array([True, True]), n_best=4, longest=5) == (2.0, 0, 0)


def bert_prediction(outputs, windows, best, n_best, longest):
    """BERT's run_squad.py, write_predictions, told again: (score, first, last passage token) or None."""

    def best_indexes(logits):
        return [index for index, _ in sorted(enumerate(logits), key=lambda pair: pair[1], reverse=True)[:n_best]]

    preliminary = []
    for number, (logits, window) in enumerate(zip(outputs, windows, strict=True)):
        token_to_passage = {window.before + i: window.first + i for i in range(window.length)}
        for start in best_indexes(logits[:, 0].tolist()):
            for end in best_indexes(logits[:, 1].tolist()):
                if start not in token_to_passage or end not in token_to_passage:
                    continue
                if best[token_to_passage[start]] != number:
                    continue
                if end < start or end - start + 1 > longest:
                    continue
                score = float(logits[start, 0]) + float(logits[end, 1])
                preliminary.append((score, token_to_passage[start], token_to_passage[end]))
    preliminary.sort(key=lambda candidate: candidate[0], reverse=True)
    return preliminary[0] if preliminary else None


@given(
    passage=st.integers(1, 24), query=st.integers(1, 4), room=st.integers(1, 12), stride=st.integers(1, 14),
    n_best=st.integers(1, 12), longest=st.integers(1, 8), highest=st.sampled_from([1, 4, 1000]), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_the_best_span_is_that_of_a_slow_retelling_of_bert(
    passage, query, room, stride, n_best, longest, highest, seed
) -> None:
    starts = window_starts(passage, room, stride)
    windows = [Window(query + 3, start, min(room, passage - start)) for start in starts]
    best = best_windows(passage, starts, room)
    random = np.random.default_rng(seed)  # whole numbers, so that many candidates are equal
    outputs = [
        random.integers(-highest, highest, (window.before + window.length + 1, 2)).astype(np.float32)
        for window in windows
    ]
    found = None
    for number, (logits, window) in enumerate(zip(outputs, windows, strict=True)):
        here = best_span(logits, window, best == number, n_best, longest)
        if here is not None and (found is None or here[0] > found[0]):
            found = here
    assert found == bert_prediction(outputs, windows, best, n_best, longest)


@given(seed=st.integers(0, 2**32 - 1))
def test_decoding_a_batch_is_decoding_each_example(seed, tokenizer) -> None:
    examples = [asked("Where?", "one two three " * n, language="en") for n in (1, 9, 4)]
    lengths = {"max_length": 40, "max_query_length": 8, "stride": 10}
    encoded = encode(tokenizer, *examples, **lengths)
    assert len(encoded.tokens) > 3
    random = np.random.default_rng(seed)
    outputs = [random.normal(size=(len(tokens), 2)).astype(np.float32) for tokens in encoded.tokens]
    rule = recipe(**lengths, n_best=5)
    found = span.decode(examples, encoded, outputs, tokenizer, (), rule)
    for index, example in enumerate(examples):
        mine = np.flatnonzero(encoded.owner == index).tolist()
        windows, best = [encoded.detail.windows[i] for i in mine], encoded.detail.most_context[index]
        expected = bert_prediction([outputs[i] for i in mine], windows, best, 5, rule.max_answer_length)
        offsets = encoded.detail.passages[index].offsets
        if expected is None:
            assert found[index].prediction == ""
        else:
            assert found[index].score == pytest.approx(expected[0])
            assert found[index].prediction == example.context[offsets[expected[1], 0] : offsets[expected[2], 1]].strip()


def test_hidden_answers_are_no_gold_and_no_answer_is_an_empty_one() -> None:
    assert span.gold(asked("?", "x")) is None
    assert span.gold(replace(asked("?", "x"), impossible=True, optional=True)) == [""]


@pytest.mark.parametrize(("null", "threshold", "answered"), [(4.0, 0.0, True), (12.0, 0.0, False), (12.0, 5.0, True)])
def test_a_question_that_may_have_no_answer_gets_none_where_the_null_span_wins_by_the_threshold(
    null, threshold, answered, tokenizer
) -> None:
    example = replace(asked("Who came?", "Anna came home."), optional=True)
    found = encode(tokenizer, example)
    logits = np.zeros((len(found.tokens[0]), 2), np.float32)
    before = found.detail.windows[0].before
    logits[before, 0], logits[before, 1], logits[0] = 5, 4, null / 2
    rule = recipe(**LENGTHS, no_answer_threshold=threshold)
    (decoded,) = span.decode([example], found, [logits], tokenizer, (), rule)
    assert (decoded.prediction != "") == answered
    assert decoded.extras == {"best_span": decoded.extras["best_span"], "null_margin": null - 9.0}
    assert decoded.extras["best_span"] and decoded.prediction in ("", decoded.extras["best_span"])


def test_an_impossible_question_trains_towards_the_first_token(tokenizer) -> None:
    example = replace(asked("Who came?", "Anna came home."), impossible=True, optional=True)
    encoded = span.encode([example], tokenizer, (), recipe(**LENGTHS), training=True)
    assert [each.tolist() for each in encoded.targets] == [[0, 0]]
    assert span.gold(asked("?", "x y", ("x", 0), ("x y", 0))) == ["x", "x y"]
