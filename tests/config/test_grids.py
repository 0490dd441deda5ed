"""A grid is written in Hydra's sweep grammar, and is the same chains as a shell loop would run."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_xl.config.build import build_request
from stilts_xl.config.compose import compose_run
from stilts_xl.config.folder import options
from stilts_xl.config.sweep import expand
from stilts_xl.core.errors import Mistake
from stilts_xl.tasks.catalog import all_tasks

TARGETS = [task.name for task in all_tasks().values() if len(task.languages) > 1 and task.kind != "mlm"]


def words(*overrides: str) -> list[tuple[str, ...]]:
    return [point.overrides for point in expand(list(overrides))]


def test_axes_are_combined_the_last_one_fastest() -> None:
    assert words("intermediate=none,squad", "target=xnli,tydiqa", "protocol=smoke") == [
        ("intermediate=none", "target=xnli", "protocol=smoke"),
        ("intermediate=none", "target=tydiqa", "protocol=smoke"),
        ("intermediate=squad", "target=xnli", "protocol=smoke"),
        ("intermediate=squad", "target=tydiqa", "protocol=smoke"),
    ]


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("seed=range(1,4)", ["seed=1", "seed=2", "seed=3"]),
        ("seed=choice(3,5)", ["seed=3", "seed=5"]),
        ("target=*qa", ["target=mlqa", "target=tydiqa"]),
        ("target=glob(x*)", ["target=xnli", "target=xquad"]),
        ("target=tydiqa,x*", ["target=tydiqa", "target=xnli", "target=xquad"]),
        ("intermediate=squad*", ["intermediate=squad", "intermediate=squad_v2"]),
        ("target.learning_rate=1e-5", ["target.learning_rate=1e-5"]),
        ("languages=[en,de]", ["languages=[en,de]"]),
        ("data.root=/a,b/c=d", ["data.root=/a,b/c=d"]),
    ],
)
def test_an_axis_has_these_values(axis: str, values: list[str]) -> None:
    needed = [] if axis.startswith("target=") else ["target=xnli"]
    local = ["data=local"] if axis.startswith("data.root") else []
    found = [next(word for word in point if word.partition("=")[0] == axis.partition("=")[0]) for point in words(axis, *needed, *local)]  # fmt: skip
    assert found == values


def test_a_pattern_over_targets_matches_cross_lingual_tasks_only() -> None:
    assert [point[0].removeprefix("target=") for point in words("target=*")] == TARGETS
    assert sorted(TARGETS) == sorted("xnli pawsx udpos panx xquad mlqa tydiqa bucc2018 tatoeba".split())


def test_the_paper_s_grid_has_ninety_cells_and_what_is_given_replaces_an_axis() -> None:
    assert len(words("study=xtreme")) == 90
    assert len(words("study=xtreme", "seed=1,2")) == 180
    assert len(words("study=xtreme_seeds")) == 450
    assert words("study=xtreme", "intermediate=none", "target=xnli") == [("intermediate=none", "target=xnli")]


@pytest.mark.parametrize("name", options("study"))
def test_every_cell_of_a_named_grid_builds(name: str) -> None:
    for point in expand([f"study={name}", "data=sample"]):
        assert build_request(point.composed, "w", 0, True).target in TARGETS


@settings(max_examples=12)
@given(
    intermediates=st.lists(st.sampled_from(["none", "squad", "mnli"]), min_size=1, max_size=3, unique=True),
    targets=st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3, unique=True),
    seeds=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
)
def test_a_point_is_what_the_same_words_make_alone(intermediates, targets, seeds) -> None:
    axes = [
        f"intermediate={','.join(intermediates)}",
        f"target={','.join(targets)}",
        f"seed={','.join(map(str, seeds))}",
    ]
    points = expand([*axes, "protocol=smoke"])
    assert len(points) == len(intermediates) * len(targets) * len(seeds)
    for point in (points[0], points[-1]):
        assert point.composed == compose_run(list(point.overrides))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["target=zz*"], "target=zz\\*: no task matches"),
        (["study=foo"], "unknown study 'foo'"),
        (["target=xnli", "target=mlqa"], "target is given twice; the values of one axis stand together"),
        (["target"], "is no axis of a grid"),
        (["target=xnli,"], "is no axis of a grid"),
        (["target=xnli", "seed=interval(1,2)"], "an interval has no end of values"),
        (["target=xnli", "protocol=smokey,smoke"], "unknown protocol 'smokey'"),
        (["target=xnli", "learning_rate=1,2"], "target.learning_rate"),
        (["target=xnli,mlqa", "intermediate.epochs=1,2"], "intermediate.epochs: no chain of this grid has a phase"),
        (["target=xnli", "intermediate=none", "intermediate.seed=1"], "intermediate.seed: no chain of this grid"),
        (["target=xnli,mlqa", "target.layer=3"], "target.layer: no chain of this grid"),
        (["target=tatoeba", "target.epochs=3", "seed=1,2"], "target.epochs: no chain of this grid"),
    ],
)
def test_what_is_no_grid_is_a_mistake(overrides: list[str], message: str) -> None:
    with pytest.raises(Mistake, match=message):
        expand(overrides)


@pytest.mark.parametrize("none", [[], ["intermediate=none"], ["intermediate=null"]], ids=str)
@pytest.mark.parametrize("setting", ["epochs=1", "learning_rate=1e-5", "seed=0", "train_languages=[en]"])
def test_a_setting_of_an_intermediate_task_that_is_not_there_is_a_mistake(none: list[str], setting: str) -> None:
    composed = compose_run(["target=xnli", *none, f"intermediate.{setting}"])
    with pytest.raises(Mistake, match=f"^intermediate.{setting.partition('=')[0]}: there is no intermediate task"):
        build_request(composed, "w", 0, True)


@pytest.mark.parametrize("value", ["true", "1.0", "[1]", "'1'"])
def test_what_only_equals_a_good_value_is_a_mistake_after_it_as_before(value: str) -> None:
    def recipe(batch_size: str) -> object:
        words = ["target=xnli", "data=sample", f"target.batch_size={batch_size}"]
        return build_request(compose_run(words), "w", 0, True).phases[0].recipe

    assert recipe("1") == recipe("1")
    with pytest.raises(Mistake, match="target.batch_size: expected a whole number, found"):
        recipe(value)


def test_nobody_changes_the_configuration_that_chains_share() -> None:
    points = expand(["intermediate=none,squad", "target=xnli,tatoeba", "seed=1,2", "protocol=xtreme", "data=sample"])
    assert len({id(point.composed["protocol"]) for point in points}) == 1
    before = deepcopy([point.composed for point in points])
    for point in points:
        build_request(point.composed, "w", 0, True)
    assert [point.composed for point in points] == before
    assert [point.composed["intermediate"]["task"] for point in points] == ["none"] * 4 + ["squad"] * 4


def test_a_setting_goes_to_the_chains_that_have_such_a_phase() -> None:
    assert words("intermediate=none,squad", "target=xnli,tatoeba", "target.epochs=1,2", "intermediate.epochs=1") == [
        ("intermediate=none", "target=xnli", "target.epochs=1"),
        ("intermediate=none", "target=xnli", "target.epochs=2"),
        ("intermediate=none", "target=tatoeba"),
        ("intermediate=squad", "target=xnli", "target.epochs=1", "intermediate.epochs=1"),
        ("intermediate=squad", "target=xnli", "target.epochs=2", "intermediate.epochs=1"),
        ("intermediate=squad", "target=tatoeba", "intermediate.epochs=1"),
    ]
    assert words("target=xnli,tatoeba", "target.layer=3,4", "target.max_length=64") == [
        ("target=xnli", "target.max_length=64"),
        ("target=tatoeba", "target.layer=3", "target.max_length=64"),
        ("target=tatoeba", "target.layer=4", "target.max_length=64"),
    ]
