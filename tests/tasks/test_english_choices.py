"""English multiple choice: prompts, options and right answers of each official file and of each Hub copy."""

from typing import Any

import pytest

from stilts_xl.core.example import ChoiceExample
from stilts_xl.core.task import Row, Task
from stilts_xl.tasks.catalog import task_named

HELLASWAG, COSMOSQA, COMMONSENSEQA, SOCIAL_IQA, COPA = (
    task_named(name) for name in ("hellaswag", "cosmosqa", "commonsenseqa", "social_iqa", "copa")
)


def example(task: Task, row: dict[str, Any], split: str = "train") -> Any:
    """What the first layout with that split makes of a row, which has all that the layout asks for."""
    layout = next(layout for layout in task.files if split in layout.paths)
    assert set(layout.columns) - set(layout.optional) <= set(row)
    return layout.example({"row": 4, "file": 0, **row}, "en")


def from_hub(task: Task, row: dict[str, Any]) -> Any:
    """What the Hub's copy makes of a row."""
    assert task.hub is not None
    assert set(task.hub.columns) <= set(row)
    return task.hub.example({"row": 4, "file": 0, **row}, "en")


def scene(**more: Any) -> dict[str, Any]:
    """A row of HellaSwag."""
    row = {
        "ind": 9,
        "activity_label": "Rowing",
        "ctx_a": "Two men sit in a boat.",
        "ctx_b": "one man",
        "split": "train",
    }
    endings = ["takes the oars.", ", then he flies.", "melts.", "is a boat."]
    return {**row, "ctx": "unused", "endings": endings, "label": 0, "source_id": "activitynet~v_x", **more}


def test_each_ending_begins_with_the_sentence_that_it_completes() -> None:
    options = ("one man takes the oars.", "one man , then he flies.", "one man melts.", "one man is a boat.")
    assert example(HELLASWAG, scene()) == ChoiceExample("4", "activitynet~v_x", "Two men sit in a boat.", options, 0)


def test_endings_of_wikihow_stand_alone() -> None:
    assert example(HELLASWAG, scene(ctx_b="")).options[0] == "takes the oars."


@pytest.mark.parametrize("label", [3, "3"])
def test_hellaswags_label_is_a_number_in_the_files_and_text_on_the_hub(label: Any) -> None:
    assert example(HELLASWAG, scene(label=label)).label == from_hub(HELLASWAG, scene(label=label)).label == 3


def test_hellaswags_test_rows_have_no_label() -> None:
    hidden = {name: value for name, value in scene(split="test").items() if name != "label"}
    assert example(HELLASWAG, hidden, "test").label is None
    assert from_hub(HELLASWAG, scene(label="")).label is None


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"label": 4}, "the label 4 beside options named 0, 1, 2, 3"),
        ({"endings": "takes the oars."}, "'takes the oars.' as 'endings'"),
        ({"endings": ["a", None]}, "None"),
        ({"ctx_b": None}, "None as 'ctx_b', which is no text"),
    ],
)
def test_a_broken_scene_is_refused(wrong: dict[str, Any], found: str) -> None:
    with pytest.raises(ValueError, match=found):
        example(HELLASWAG, scene(**wrong))


def test_a_training_file_with_rows_of_another_split_is_found_out() -> None:
    assert HELLASWAG.check_train is not None
    assert HELLASWAG.check_train("en", [scene(), scene()]) == ""
    assert HELLASWAG.check_train("en", [scene(), scene(split="val")]) == "rows of the split 'val' (1 of 2 are foreign)"


def blog(**more: Any) -> dict[str, Any]:
    """A row of Cosmos QA."""
    answers = {
        "answer0": "None of the above choices .",
        "answer1": "It rained .",
        "answer2": "A dog .",
        "answer3": "Joy .",
    }
    asked = {"context": "We stayed inside .", "question": "Why did we stay ?"}
    return {"id": "3A##B7##C9##Blog_12##q1_a1##3D", **asked, **answers, "label": "1", **more}


def test_cosmos_asks_after_the_passage_and_none_of_the_above_is_an_option() -> None:
    found = example(COSMOSQA, blog())
    options = ("None of the above choices .", "It rained .", "A dog .", "Joy .")
    prompt = "We stayed inside . Why did we stay ?"
    assert found == ChoiceExample("3A##B7##C9##Blog_12##q1_a1##3D", "3A##B7##C9##Blog_12", prompt, options, 1)
    assert example(COSMOSQA, blog(label="0")).label == 0


def test_two_questions_about_one_passage_are_one_cluster() -> None:
    again = blog(id="3A##B7##C9##Blog_12##q2_a1##3E")
    assert example(COSMOSQA, again).cluster == example(COSMOSQA, blog()).cluster
    assert example(COSMOSQA, again).id != example(COSMOSQA, blog()).id


def test_cosmos_hides_its_test_labels() -> None:
    hidden = {name: value for name, value in blog().items() if name != "label"}
    assert example(COSMOSQA, hidden, "test").label is None
    assert from_hub(COSMOSQA, blog(label=-1)).label is None
    assert from_hub(COSMOSQA, blog(label=3)).label == 3


LETTERS = "ABCDE"
PLACES = ["a barn", "a boat", "a cloud", "a drum", "an egg"]


def nested(key: str | None, letters: str = LETTERS) -> dict[str, Any]:
    """A row of CommonsenseQA's files."""
    choices = [{"label": letter, "text": place} for letter, place in zip(letters, PLACES, strict=True)]
    question = {"stem": "Where does hay lie?", "question_concept": "hay", "choices": choices}
    return {"id": "f1", "question": question, **({} if key is None else {"answerKey": key})}


def flat(key: str) -> dict[str, Any]:
    """The same row on the Hub."""
    asked = {"question": "Where does hay lie?", "question_concept": "hay"}
    return {"id": "f1", **asked, "choices": {"label": list(LETTERS), "text": PLACES}, "answerKey": key}


@pytest.mark.parametrize(("key", "index"), [("A", 0), ("B", 1), ("C", 2), ("D", 3), ("E", 4)])
def test_the_answers_letter_is_looked_up_among_the_choices(key: str, index: int) -> None:
    expected = ChoiceExample("f1", "hay", "Where does hay lie?", tuple(PLACES), index)
    assert example(COMMONSENSEQA, nested(key)) == from_hub(COMMONSENSEQA, flat(key)) == expected


def test_choices_in_another_order_keep_their_letters() -> None:
    assert example(COMMONSENSEQA, nested("A", letters="EDCBA")).label == 4


def test_commonsenseqa_hides_its_test_answers() -> None:
    assert example(COMMONSENSEQA, nested(None), "test").label is None
    assert from_hub(COMMONSENSEQA, flat("")).label is None


def test_a_letter_that_no_choice_has_is_refused() -> None:
    with pytest.raises(ValueError, match="the label 'F' beside options named A, B, C, D, E"):
        example(COMMONSENSEQA, nested("F"))


def situation(**more: Any) -> dict[str, Any]:
    """A row of Social IQa."""
    answers = {"answerA": "calm", "answerB": "angry", "answerC": "a poet"}
    return {"context": "Kim lost the game.", "question": "How does Kim feel?", **answers, **more}


@pytest.mark.parametrize(("letter", "number", "index"), [("A", "1", 0), ("B", "2", 1), ("C", "3", 2)])
def test_social_iqa_counts_from_a_and_on_the_hub_from_one(letter: str, number: str, index: int) -> None:
    prompt = "Kim lost the game. How does Kim feel?"
    expected = ChoiceExample("4", "4", prompt, ("calm", "angry", "a poet"), index)
    assert example(SOCIAL_IQA, situation(correct=letter)) == expected
    assert from_hub(SOCIAL_IQA, situation(label=number)) == expected


def test_a_situation_without_its_answer_has_no_label() -> None:
    assert example(SOCIAL_IQA, situation(), "test").label is None


def test_a_missing_question_is_not_joined_as_the_word_none() -> None:
    with pytest.raises(ValueError, match="None as 'question', which is no text"):
        example(SOCIAL_IQA, situation(correct="A", question=None))


@pytest.mark.parametrize("layout", COPA.files)
def test_copa_is_the_same_under_both_of_its_names(layout: Any) -> None:
    row: Row = {"premise": "Hail fell.", "choice1": "Cars were hit.", "choice2": "It was hot.", "question": "effect"}
    made = layout.example({**row, "label": 0, "idx": 11, "row": 4, "file": 0}, "en")
    options = ("Cars were hit.", "It was hot.")
    assert made == ChoiceExample("11", "11", "Hail fell. What was the effect?", options, 0)
