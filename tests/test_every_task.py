"""One contract for every task: from its sample data through encode, loss, step, decode and score, in every language."""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from sample_rows import WORLD
from stilts_xl.config.compose import compose_run
from stilts_xl.config.place import build_place
from stilts_xl.core.stage import Mixture, Train, trainings
from stilts_xl.core.task import Task
from stilts_xl.data.examples import load
from stilts_xl.data.sample import sample_languages
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.metrics.scores import METRICS, score
from stilts_xl.report.collect import collect
from stilts_xl.run.plan import missing_stages
from stilts_xl.run.runner import run_missing
from stilts_xl.store.runs import Run
from stilts_xl.store.store import completed, read_predictions, stage_folder
from stilts_xl.tasks.catalog import all_tasks, task_named
from toys import NO_DATA, chain

STEPS = 2
QUICK = (*WORLD, *NO_DATA, "compute.threads=1")


def only(*wanted: str) -> pytest.MarkDecorator:
    """Of the tasks only these."""
    return pytest.mark.parametrize("task", wanted, indirect=True, scope="module")


SINGLE_LABELS = [name for name, task in all_tasks().items() if task.scorer in ("accuracy", "nearest")]
MIXTURES = [name for name, task in all_tasks().items() if task.parts]


@pytest.fixture(scope="module", params=all_tasks())
def task(request) -> Task:
    return task_named(request.param)


@pytest.fixture(scope="module")
def made(task, tmp_path_factory) -> tuple[Path, Run]:
    """The workspace and the run of a chain, two steps a training; a mixture of tasks is trained before another one."""
    workspace = tmp_path_factory.mktemp(task.name)
    roles = {"intermediate": task.name, "target": "xnli"} if task.parts else {"target": task.name}
    learning = [role for role in roles if task.learns]
    steps = [f"{role}.{name}" for role in learning for name in (f"max_steps={STEPS}", "batch_size=4")]
    found = chain(workspace, *(f"{role}={name}" for role, name in roles.items()), *steps, quick=QUICK)
    run_missing(missing_stages(found.goals, workspace), found.site, lambda event: None, lambda: False)
    return workspace, Run(found.cell, found.goals, found.absent, "sample", 0)


def rows_of(made: tuple[Path, Run]) -> dict[str, list[dict[str, Any]]]:
    workspace, run = made
    return {goal.data.language: read_predictions(stage_folder(workspace, goal)) for goal in run.goals}


def perfect(row: dict[str, Any], scorer: str) -> dict[str, Any]:
    """The row of a system that is right."""
    first = row["gold"][0] if isinstance(row["gold"], list) and row["gold"] else ""
    right = {"squad": first, "squad_v2": first, "mlqa": first, "bucc": first, "nearest": first}.get(scorer, row["gold"])
    return row | {"prediction": right, "log_likelihood": 0.0}


def test_a_task_that_learns_takes_steps_and_its_loss_is_finite(task, made) -> None:
    workspace, run = made
    trained = trainings(run.goals[0])
    assert bool(trained) == task.learns
    for stage in trained:
        facts = completed(workspace, stage).facts
        assert facts["steps"] == STEPS
        assert math.isfinite(facts["loss"]) and facts["loss"] > 0
        assert facts["examples"] > STEPS


def test_a_row_says_what_was_asked_what_was_answered_and_what_was_right(task, made) -> None:
    for language, rows in rows_of(made).items():
        assert rows, language
        for row in rows:
            assert {"id", "cluster", "prediction", "score", "gold"} <= row.keys()
            assert row["gold"] is not None, f"{language}: sample data are labelled"
            assert row["id"] and row["cluster"]
        assert len({row["id"] for row in rows}) == len(rows)


def test_every_language_with_sample_data_is_scored(task, made) -> None:
    target = task_named(made[1].cell.target)
    scored = [goal.data.language for goal in made[1].goals]
    assert scored == list(sample_languages(target))
    assert set(scored) | made[1].absent.keys() == set(target.languages)


def test_every_language_has_every_metric_of_the_task(task, made) -> None:
    workspace, run = made
    found = collect(workspace, run)
    assert not found.missing and not found.unlabelled
    assert {row.language for row in found.scores} == {goal.data.language for goal in run.goals}
    for row in found.scores:
        assert row.metric in task.metrics
        assert 0 <= row.value <= (100 if METRICS[row.metric].scale == 100 else 50), row
        shares = found.items[row.language, row.metric].values()
        assert sum(shares) / len(shares) == pytest.approx(row.value, abs=1e-9)


def test_perfect_predictions_score_a_hundred(task, made) -> None:
    for language, rows in rows_of(made).items():
        found = score(task.scorer, [perfect(row, task.scorer) for row in rows], language)
        for metric in task.metrics:
            assert found[metric] == (100 if METRICS[metric].scale == 100 else 0), (language, metric)


@only(*SINGLE_LABELS)  # the other scorers' arithmetic is in tests/metrics
def test_shuffled_predictions_score_what_is_right_by_chance(task, made) -> None:
    for language, rows in rows_of(made).items():
        right = [perfect(row, task.scorer)["prediction"] for row in rows]
        shuffled = random.Random(3).sample(right, len(right))
        pairs = [row | {"prediction": given} for row, given in zip(rows, shuffled, strict=True)]
        expected = sum(given == wanted for given, wanted in zip(shuffled, right, strict=True)) / len(rows) * 100
        assert score(task.scorer, pairs, language)["accuracy"] == expected


def test_every_kind_has_a_task_and_every_task_a_kind() -> None:
    assert {task.kind for task in all_tasks().values()} == {*KINDS, "retrieve"}


@only("xnli", "xquad", "pawsx")
def test_a_parallel_test_set_has_the_same_ids_in_every_language(task, made) -> None:
    ids = [[row["id"] for row in rows] for rows in rows_of(made).values()]
    assert all(each == ids[0] for each in ids)


def test_the_stage_before_a_prediction_is_the_task_that_lends_its_rows(task, made) -> None:
    model = made[1].goals[0].model
    if task.learns:
        assert isinstance(model, Train)
        assert trainings(model)[0].data.task == task.source_task
    else:
        assert not isinstance(model, Train)


@only(*MIXTURES)
def test_a_mixture_learns_from_all_of_its_parts(task, made) -> None:
    workspace, run = made
    first = trainings(run.goals[0])[0]
    assert isinstance(first.data, Mixture)
    assert tuple(part.task for part in first.data.parts) == task.parts
    place = build_place(compose_run([*WORLD])["data"], "", offline=True)
    parts = [load(task_named(part.task), part, place) for part in first.data.parts]
    assert completed(workspace, first).facts["examples"] == sum(len(part.examples) for part in parts)
