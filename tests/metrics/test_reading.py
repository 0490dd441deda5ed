"""Reading metrics follow SQuAD's English rules for every language, and MLQA's own rules for MLQA."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.errors import Mistake
from stilts_xl.metrics.reading import (
    MLQA_LANGUAGES,
    exact_match,
    mlqa,
    mlqa_normalise,
    squad,
    squad_normalise,
    squad_v2,
    token_f1,
)

ALPHABET = "aAbthe  .,'-é。，、मोदीالрТ中国大ー1٣\t\u3000«»„“¿İßchiếc"
TEXTS = st.one_of(st.text(alphabet=ALPHABET, max_size=25), st.text(max_size=25))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Cat, sat on  a mat!", "cat sat on mat"),
        ("U.S.A.", "usa"),
        ("the", ""),
        ("theatre an-other", "theatre another"),
        ("A_b", "ab"),
        ("他是医生。", "他是医生。"),
        ("«Война и мир»", "«война и мир»"),
        ("der Hund", "der hund"),
        ("a\u00a0b\u3000c", "b c"),
    ],
)
def test_squad_deletes_ascii_punctuation_and_english_articles_only(text: str, normal: str):
    assert squad_normalise(text) == normal


@pytest.mark.parametrize(
    ("language", "text", "normal"),
    [
        ("en", "The “Cat”, a mat…", "cat mat"),
        ("es", "¿La casa de los Unos?", "casa de"),
        ("de", "«Das» Haus eines Kindes", "haus kindes"),
        ("vi", "những con mèo của Lan", "con mèo lan"),
        ("hi", "राम, श्याम।", "राम श्याम"),
        ("ar", "في المدينة القديمة، والبحر", "في مدينة قديمة و بحر"),
        ("zh", "中国1949年。Mao Zedong毛", "中 国 1949 年 mao zedong 毛"),
        ("zh", "the ひらがな", "the ひらがな"),
        ("en", "2£b+c", "2£bc"),
    ],
)
def test_mlqa_has_its_own_articles_punctuation_and_chinese_segmentation(language: str, text: str, normal: str):
    assert mlqa_normalise(text, language) == normal


def test_the_article_al_is_cut_anywhere_in_an_arabic_word():
    assert mlqa_normalise("سالم", "ar") == "س م"


def test_a_language_without_mlqa_rules_is_refused():
    with pytest.raises(Mistake, match="sw"):
        mlqa_normalise("nyumba", "sw")


def test_f1_is_the_overlap_of_bags_of_tokens():
    assert squad("the red red house", ["red house by a lake"]) == {
        "f1": pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4)),
        "exact_match": 0.0,
    }


def test_f1_and_exact_match_each_take_their_own_best_gold_answer():
    assert squad("in 1999 or so", ["1999", "In 1999, or so."]) == {"f1": 1.0, "exact_match": 1.0}
    assert squad("1999", ["year 1999", "2000"]) == {"f1": pytest.approx(2 / 3), "exact_match": 0.0}


def test_two_empty_answers_match_exactly_but_share_nothing():
    assert squad("the", ["a"]) == {"f1": 0.0, "exact_match": 1.0}
    assert mlqa("。", ["，"], "zh") == {"f1": 0.0, "exact_match": 1.0}


def test_two_empty_answers_agree_that_there_is_none_in_squad_v2():
    assert squad_v2("", [""]) == {"f1": 1.0, "exact_match": 1.0}
    assert squad_v2("The.", [""]) == {"f1": 1.0, "exact_match": 1.0}


@pytest.mark.parametrize(("prediction", "golds"), [("house", [""]), ("", ["house"]), ("the", ["house", "red house"])])
def test_an_answer_to_an_unanswerable_question_is_as_wrong_as_none_to_another(prediction: str, golds: list[str]):
    assert squad_v2(prediction, golds) == {"f1": 0.0, "exact_match": 0.0}


def test_gold_answers_of_articles_and_punctuation_alone_do_not_count_in_squad_v2():
    assert squad_v2("", ["the", "house"]) == {"f1": 0.0, "exact_match": 0.0}
    assert squad_v2("", ["the", "..."]) == {"f1": 1.0, "exact_match": 1.0}


@given(prediction=TEXTS, golds=st.lists(TEXTS.filter(squad_normalise), min_size=1, max_size=3))
def test_answerable_questions_have_the_same_scores_in_both_versions_of_squad(prediction: str, golds: list[str]):
    assert squad_v2(prediction, golds) == squad(prediction, golds)


def test_the_arabic_article_is_cut_before_answers_are_compared():
    # «في المدينة» loses «ال» and keeps two words, of which the gold, «المدينة», shares one: 2 · 1/2 · 1 / (3/2) = 2/3
    assert mlqa("في المدينة", ["المدينة"], "ar") == {"f1": pytest.approx(2 / 3), "exact_match": 0.0}
    assert mlqa("مدينة", ["المدينة"], "ar") == {"f1": 1.0, "exact_match": 1.0}
    assert squad("مدينة", ["المدينة"]) == {"f1": 0.0, "exact_match": 0.0}


def test_chinese_with_other_script_is_cut_into_ideographs_and_words():
    # 中 国 1949 年 against 1949 年: precision 2/4, recall 2/2, F1 2 · 1/2 / (3/2) = 2/3; 1949 is not cut into digits
    assert mlqa("中国1949年", ["1949年"], "zh") == {"f1": pytest.approx(2 / 3), "exact_match": 0.0}
    assert mlqa("1949", ["1994"], "zh") == {"f1": 0.0, "exact_match": 0.0}


def test_chinese_is_one_token_for_squad_and_single_ideographs_for_mlqa():
    assert squad("中国北京", ["北京"])["f1"] == 0.0
    assert mlqa("中国北京", ["北京"], "zh")["f1"] == pytest.approx(2 / 3)
    assert squad("北京。", ["北京"])["exact_match"] == 0.0
    assert mlqa("北京。", ["北京"], "zh")["exact_match"] == 1.0


@given(left=TEXTS, right=TEXTS)
def test_f1_is_symmetric_and_between_0_and_1(left: str, right: str):
    forward = token_f1(left, right, squad_normalise)
    assert forward == token_f1(right, left, squad_normalise)
    assert 0.0 <= forward <= 1.0


@given(prediction=TEXTS, golds=st.lists(TEXTS, min_size=1, max_size=3), language=st.sampled_from(MLQA_LANGUAGES))
def test_exact_match_never_exceeds_f1_unless_the_answer_is_empty(prediction: str, golds: list[str], language: str):
    if squad_normalise(prediction):
        assert squad(prediction, golds)["exact_match"] <= squad(prediction, golds)["f1"]
    if mlqa_normalise(prediction, language):
        assert mlqa(prediction, golds, language)["exact_match"] <= mlqa(prediction, golds, language)["f1"]


@given(text=TEXTS)
def test_an_answer_matches_itself(text: str):
    assert exact_match(text, text, squad_normalise) == 1.0
    assert token_f1(text, text, squad_normalise) == (1.0 if squad_normalise(text) else 0.0)


@given(prediction=TEXTS, golds=st.lists(TEXTS, min_size=1, max_size=3), more=TEXTS)
def test_another_gold_answer_never_lowers_a_score(prediction: str, golds: list[str], more: str):
    before, after = squad(prediction, golds), squad(prediction, [*golds, more])
    assert all(after[name] >= before[name] for name in before)
