"""Nothing can be told from words alone: learners that do not see who is said to have what stay near chance."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from itertools import chain
from pathlib import Path

import pytest
from world_rows import MANY, NaiveBayes, accuracy, english, loaded, sentences, words

from stilts_xl.core.example import ChoiceExample, PairExample
from stilts_xl.data.world.choices import choice_files
from stilts_xl.data.world.facts import GENDER, LISTS, RELATIONS
from stilts_xl.data.world.inference import inference_files
from stilts_xl.data.world.language import languages
from stilts_xl.data.world.pairs import DIFFERENT, pair_files, pairs
from stilts_xl.data.world.passages import ASKED_FOR, Passage, Question, passages
from stilts_xl.data.world.render import joint

ABOVE_CHANCE = 0.06
Features = Callable[[str, str], list[Hashable]]
CALLED = {" ".join(token.text for token in forms[""]) for keys in english().words.values() for forms in keys.values()}
NAMES = re.compile(rf"\b({'|'.join(sorted(CALLED, key=len, reverse=True))})\b")
"""What English calls the people and the values."""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """English files of the tasks that have labels."""
    folder = tmp_path_factory.mktemp("many")
    for name, text in chain.from_iterable(
        part(MANY, {"en": english()}) for part in (choice_files, pair_files, inference_files)
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def second_alone(first: str, second: str) -> list[Hashable]:
    return list(words(second))


def both_bags(first: str, second: str) -> list[Hashable]:
    """Words of either text, of both, and how many they share."""
    one, two = words(first), words(second)
    shared = set(one) & set(two)
    bags = [("first", word) for word in one] + [("second", word) for word in two] + [("both", word) for word in shared]
    return [*bags, ("shared", len(shared)), ("alone", len(set(two) - shared)), ("lengths", len(one) - len(two))]


def told_together(first: str, second: str) -> list[Hashable]:
    """Whether names that share a clause of one text share one of the other, which nobody sees who counts words."""
    found = [{frozenset(NAMES.findall(part)) for part in text.split(" and ")} for text in (first, second)]
    return [found[0] == found[1]]


def verbatim(first: str, second: str) -> list[Hashable]:
    return [second in sentences(first), "not" in words(second)]


def rate(many: Path, task: str, split: str, features: Features) -> float:
    """How often a learner is right about a split after it has seen the training rows of a task."""
    training = {"xnli": "mnli"}.get(task, task)
    sets = []
    for name, which in ((training, "train"), (task, split)):
        found = [one for one in loaded(many, name, which, "en").examples if isinstance(one, PairExample)]
        sets.append([(features(one.text_a, one.text_b), one.label) for one in found])
    return accuracy(*sets)


@pytest.mark.parametrize("features", [second_alone, both_bags])
@pytest.mark.parametrize("task", ["mnli", "snli", "anli", "xnli"])
def test_neither_a_hypothesis_nor_the_words_of_both_texts_tell_the_label(many, task, features):
    assert rate(many, task, "validation", features) < 1 / 3 + ABOVE_CHANCE


@pytest.mark.parametrize("features", [second_alone, both_bags])
@pytest.mark.parametrize("task", ["pawsx", "qqp"])
def test_the_words_of_two_sentences_do_not_tell_whether_they_say_the_same(many, task, features):
    assert rate(many, task, "validation", features) < 1 / 2 + ABOVE_CHANCE


def test_a_reader_who_sees_which_names_stand_together_tells_paraphrases_apart(many):
    assert rate(many, "pawsx", "test", told_together) > 0.99


def test_a_reader_who_finds_the_hypothesis_in_the_premise_is_better_than_chance(many):
    assert rate(many, "xnli", "test", verbatim) > 1 / 3 + ABOVE_CHANCE


@pytest.mark.parametrize("task", ["hellaswag", "cosmosqa", "commonsenseqa", "social_iqa", "copa"])
def test_no_option_is_more_likely_by_its_words_or_those_it_shares_with_the_prompt(many, task):
    train, test = (loaded(many, task, split, "en").examples for split in ("train", "validation"))
    learner = NaiveBayes(
        [
            (both_bags(one.prompt, option), place == one.label)
            for one in train
            if isinstance(one, ChoiceExample)
            for place, option in enumerate(one.options)
        ]
    )
    right = 0
    for one in test:
        assert isinstance(one, ChoiceExample)
        bags = [both_bags(one.prompt, option) for option in one.options]
        odds = [learner.score(bag, True) - learner.score(bag, False) for bag in bags]
        right += odds.index(max(odds)) == one.label
    assert right / len(test) < 1 / len(bags) + ABOVE_CHANCE


@pytest.mark.parametrize("code", sorted(languages()))
def test_exchanged_values_leave_a_sentence_with_as_many_words_about_people_of_one_gender(code):
    language = languages()[code]
    unchanged = 0
    different = [one for one in pairs("pawsx", MANY, "test", 200) if one.label == DIFFERENT]
    for one in different:
        assert len({GENDER[fact.person] for fact, _ in (*one.first, *one.second)}) == 1
        if one.first[0][1] == one.second[0][1]:
            first, second = (
                sorted(token.text.lower() for token in joint(language, *half)) for half in (one.first, one.second)
            )
            assert len(first) == len(second)
            unchanged += first == second
    assert unchanged > 10


def candidates(passage: Passage, question: Question) -> int:
    """Of how many stated people, or values, one is the answer if a reader sees no more than what is asked for."""
    stated = [fact for fact, _ in passage.facts]
    kind = RELATIONS[question.fact.relation].values
    values = {fact.value for fact in stated if RELATIONS[fact.relation].values == kind}
    return len({fact.person for fact in stated} if ASKED_FOR[question.style] else values)


@pytest.mark.parametrize("each", [1, 4])
def test_every_other_question_for_a_value_has_one_candidate_and_all_others_have_three_or_more(each):
    found: dict[str, list[int]] = {"ask": [], "who": []}
    for passage in passages("any", MANY, "test", 2000, each=each):
        for question in passage.questions:
            assert question.fact in [fact for fact, _ in passage.facts]
            found[question.style].append(candidates(passage, question))
    assert set(found["who"]) == {5}
    assert set(found["ask"]) == {1, 3}
    assert 0.45 < found["ask"].count(1) / len(found["ask"]) < 0.55


def test_where_there_may_be_no_answer_every_question_has_three_candidates_and_only_half_of_them_say_so():
    questions = 0
    for passage in passages("any", MANY, "test", 400, impossible=True):
        for number, question in enumerate(passage.questions):
            assert candidates(passage, question) >= 3
            assert question.possible == (question.fact in [fact for fact, _ in passage.facts]) == (number % 2 == 0)
            questions += 1
    assert questions == 400


def test_the_most_frequent_answer_to_a_kind_of_question_is_seldom_right():
    answers: dict[str, defaultdict[tuple[str, str], Counter[str]]] = {}
    for split in ("train", "test"):
        answers[split] = defaultdict(Counter)
        for passage in passages("squad", MANY, split, MANY.rows(split)):
            for question in passage.questions:
                answer = question.fact.person if ASKED_FOR[question.style] else question.fact.value
                answers[split][question.style, question.fact.relation][answer] += 1
    right = sum(answers["test"][kind][counts.most_common(1)[0][0]] for kind, counts in answers["train"].items())
    assert right / MANY.test < 1 / 8


def test_what_is_asked_in_vain_is_mentioned_as_often_as_what_is_answered():
    mentions: dict[bool, set[int]] = {True: set(), False: set()}
    for passage in passages("squad_v2", MANY, "test", 400, impossible=True):
        for question in passage.questions:
            stated = [fact for fact, _ in passage.facts]
            assert question.style == "ask"
            assert sum(fact.relation == question.fact.relation for fact in stated) >= 3
            mentions[question.possible].add(sum(fact.person == question.fact.person for fact in stated))
    assert mentions == {True: {1}, False: {1}}


def test_every_value_is_asked_for():
    asked = {
        question.fact.value for passage in passages("squad", MANY, "train", 1800) for question in passage.questions
    }
    assert asked >= {key for name in LISTS for key in LISTS[name] if name != "person"}
