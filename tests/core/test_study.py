"""A study is a set of stages: what several cells need is one stage, and every stage comes after what it stands on."""

from dataclasses import replace

import pytest

from stilts_xl.core.recipe import Recipe, Retrieval
from stilts_xl.core.stage import Data, Mixture, Predict, Stage, Train, origin, slug, trainings
from stilts_xl.core.study import Cell, Phase, predictions, stages
from toys import RECIPE, SCRATCH, recipe, rows

LANGUAGES = ("en", "fi", "te")
INTERMEDIATES = "anli_plus mnli qqp squad squad_v2 hellaswag ccg cosmosqa commonsenseqa".split()
TRAINED_ON = {
    "xnli": "mnli", "pawsx": "pawsx", "udpos": "udpos", "panx": "panx", "xquad": "squad", "mlqa": "squad",
    "tydiqa": "tydiqa", "bucc2018": None, "tatoeba": None,
}  # fmt: skip
"""XTREME's nine targets and the task whose English rows train them; sentence retrieval has none."""


def every_file(task: str, split: str, language: str) -> Data | None:
    return rows(task, split, language)


def every_row(task: str, split: str, languages: tuple[str, ...]) -> Data:
    (language,) = languages
    return rows(task, split, language)


def cell(intermediate: str, target: str, trained_on: str | None, role_seed: int = 1) -> Cell:
    """A cell; ``role_seed`` sets the target's recipe apart from the intermediate's."""
    phases = [] if intermediate == "none" else [Phase(intermediate, intermediate, RECIPE)]
    if trained_on:
        phases.append(Phase(trained_on, trained_on, recipe(seed=role_seed)))
    return Cell(SCRATCH, intermediate, target, tuple(phases), LANGUAGES, "test", "toy")


def needed(*cells: Cell) -> tuple[Stage, ...]:
    return stages(goal for each in cells for goal in predictions(each, every_row, every_file))


def trained(found: tuple[Stage, ...]) -> list[Train]:
    return [stage for stage in found if isinstance(stage, Train)]


def test_a_chain_is_its_trainings_and_one_prediction_a_language() -> None:
    found = needed(cell("squad", "tydiqa", "tydiqa"))
    assert [slug(stage).rsplit("-", 1)[0] for stage in found] == [
        "squad", "tydiqa", "tydiqa-en", "tydiqa-fi", "tydiqa-te",
    ]  # fmt: skip
    assert found[1].start == found[0] and all(stage.model == found[1] for stage in found[2:])


def test_the_baseline_of_one_target_is_the_intermediate_stage_of_another() -> None:
    squad_then_tydiqa, xquad_alone = cell("squad", "tydiqa", "tydiqa"), cell("none", "xquad", "squad")
    assert len(trained(needed(squad_then_tydiqa, xquad_alone))) == 2
    assert set(trained(needed(xquad_alone))) < set(trained(needed(squad_then_tydiqa)))


def test_another_recipe_makes_it_another_stage() -> None:
    assert len(trained(needed(cell("squad", "tydiqa", "tydiqa"), cell("none", "xquad", "squad", role_seed=2)))) == 3


@pytest.mark.parametrize(("role_seed", "expected"), [(1, 67), (2, 69)])
def test_the_paper_s_grid_needs_67_trainings_where_recipes_agree_and_69_where_not(
    role_seed: int, expected: int
) -> None:
    cells = [
        cell(intermediate, target, trained_on, role_seed)
        for intermediate in ["none", *INTERMEDIATES]
        for target, trained_on in TRAINED_ON.items()
        if intermediate != "none" or trained_on
    ]
    assert sum(len(each.phases) for each in cells) == 151
    assert len(trained(needed(*cells))) == expected


def test_every_stage_comes_once_and_after_what_it_stands_on() -> None:
    cells = [cell(i, t, on) for t, on in TRAINED_ON.items() for i in reversed(INTERMEDIATES) if on]
    found = needed(*cells, *cells)
    assert len(found) == len(set(found))
    place = {stage: number for number, stage in enumerate(found)}
    for stage in found:
        below = stage.model if isinstance(stage, Predict) else stage.start
        if isinstance(below, Train):
            assert place[below] < place[stage]


def test_goals_in_another_order_are_the_same_set() -> None:
    goals = predictions(cell("squad", "tydiqa", "tydiqa"), every_row, every_file)
    assert set(stages(goals)) == set(stages(reversed(goals)))


def test_languages_without_a_file_have_no_stage() -> None:
    def pin(task: str, split: str, language: str) -> Data | None:
        return None if language == "fi" else rows(task, split, language)

    assert [goal.data.language for goal in predictions(cell("none", "tydiqa", "tydiqa"), every_row, pin)] == [
        "en",
        "te",
    ]


def test_validation_rows_belong_to_a_training_only_where_they_choose_its_step() -> None:
    def phase(chosen: Recipe) -> Cell:
        return replace(cell("none", "xquad", "squad"), phases=(Phase("squad", "xnli", chosen),))

    best, last = (needed(phase(recipe(selection=rule)))[0] for rule in ("best", "last"))
    assert best.validation == rows("xnli", "validation", "en")
    assert last.validation is None
    assert best.data == last.data == rows("squad", "train", "en")


def test_every_stage_of_a_chain_knows_its_trainings_and_its_model() -> None:
    goal = predictions(cell("squad", "tydiqa", "tydiqa"), every_row, every_file)[1]
    assert [stage.data.task for stage in trainings(goal)] == ["squad", "tydiqa"]
    assert trainings(goal.model) == trainings(goal)
    assert origin(goal) == origin(goal.model) == SCRATCH


def test_a_cell_s_seed_is_that_of_its_target_phase() -> None:
    assert cell("squad", "tydiqa", "tydiqa", role_seed=5).seed == 5


RETRIEVAL = Retrieval(layer=1, pooling="mean", max_length=32, neighbours=4, precision="fp32", curve=False)


def test_sentence_retrieval_needs_no_training_of_its_own() -> None:
    bare = replace(cell("none", "tatoeba", None), retrieval=RETRIEVAL)
    assert bare.seed is None
    found = needed(bare)
    assert trained(found) == []
    assert [stage.model for stage in found if isinstance(stage, Predict)] == [SCRATCH] * 3
    after = needed(replace(cell("squad", "tatoeba", None), retrieval=RETRIEVAL))
    assert [stage.data.task for stage in trained(after)] == ["squad"]
    assert trainings(found[0]) == () and origin(found[0]) == SCRATCH


def test_a_threshold_s_rows_are_part_of_a_prediction_and_a_language_without_them_is_absent() -> None:
    def pin(task: str, split: str, language: str) -> Data | None:
        return None if (language, split) == ("fi", "validation") else rows(task, split, language)

    mining = replace(cell("none", "bucc2018", None), retrieval=RETRIEVAL, tune_on="validation")
    found = predictions(mining, every_row, pin)
    assert [goal.data.language for goal in found] == ["en", "te"]
    assert found[0].tuning == rows("bucc2018", "validation", "en")
    assert found[0] != replace(found[0], tuning=None)


def test_a_mixture_is_a_training_of_its_own_and_knows_its_language() -> None:
    english = Mixture("anli_plus", "classify", (rows("anli"), rows("mnli")))
    assert english.language == "en"
    assert Mixture("mlm", "mlm", (rows("mlm"), rows("mlm", language="de"))).language == "all"
    one = Train(english, None, SCRATCH, RECIPE)
    assert slug(one).startswith("anli_plus-")
    assert one != Train(replace(english, parts=english.parts[:1]), None, SCRATCH, RECIPE)
