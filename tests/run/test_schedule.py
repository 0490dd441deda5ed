"""What comes first, what waits, what is tried again, and what a failure takes with it."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.place import DataPlace
from stilts_xl.core.request import ModelChoice
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Predict, Stage, Train, key, slug
from stilts_xl.run import schedule as scheduling
from stilts_xl.run.jobs import Done, Fault, Job
from stilts_xl.run.schedule import Schedule, widest
from toys import COMPUTE, SCRATCH, learned, rows

CHOICE = ModelChoice("scratch", "", "", "main", "bundled", 32, 2, 2, 64, 514, 0.0, 7)


def schedule(todo: Sequence[Stage], workspace: Path = Path("nowhere"), retries: int = 0) -> Schedule:
    site = Site(str(workspace), DataPlace("sample", "", "lock", True), CHOICE, COMPUTE, "none")
    return Schedule(todo, {SCRATCH: site}, retries)


def predicted(model: Train, *languages: str) -> tuple[Predict, ...]:
    return tuple(Predict(rows(model.data.task, "test", language), model) for language in languages)


def all_made(job: Job) -> Done:
    return Done(tuple(slug(stage) for stage in job.stages))


def order(plan: Schedule, kept: bool = False) -> list[str]:
    """The tasks of the jobs in the order in which one worker makes them; predictions in brackets."""
    found, loaded = [], ""
    while (job := plan.next(loaded)) is not None:
        first = job.stages[0]
        found.append(first.data.task if isinstance(first, Train) else f"({first.data.task})")
        if kept:
            loaded = key(first) if isinstance(first, Train) else key(job.base)
        plan.take(job, all_made(job))
    return found


mnli, squad = learned("mnli"), learned("squad")
tydiqa = learned("tydiqa", mnli)
xquad = learned("xquad", mnli)


def test_the_trainings_that_the_longest_ways_stand_on_come_first_and_predictions_last():
    todo = (
        squad,
        *predicted(squad, "en"),
        mnli,
        tydiqa,
        *predicted(tydiqa, "en", "fi"),
        xquad,
        *predicted(xquad, "en"),
    )
    trainings = ["mnli", "tydiqa", "squad", "xquad"]
    assert order(schedule(todo)) == [*trainings, "(squad)", "(tydiqa)", "(xquad)"]


def test_a_model_that_is_loaded_predicts_before_another_is_trained():
    todo = (mnli, tydiqa, *predicted(tydiqa, "en", "fi"), xquad, *predicted(xquad, "en"))
    assert order(schedule(todo), kept=True) == ["mnli", "tydiqa", "(tydiqa)", "xquad", "(xquad)"]


def test_nothing_begins_before_what_it_stands_on():
    plan = schedule((mnli, tydiqa, *predicted(tydiqa, "en")))
    first = plan.next()
    assert first is not None and first.stages == (mnli,)
    assert plan.next() is None and not plan.finished
    plan.take(first, all_made(first))
    second = plan.next()
    assert second is not None and second.stages == (tydiqa,)


def test_what_another_process_makes_is_asked_about_again_later(monkeypatch):
    monkeypatch.setattr(scheduling, "POLL", 0.0)
    plan = schedule((mnli, *predicted(mnli, "en", "ar")))
    job = plan.next()
    assert job is not None
    plan.take(job, Done(held=(slug(mnli),)))
    assert plan.held == [slug(mnli)] and not plan.finished
    again = plan.next()
    assert again is not None and again.stages == (mnli,)
    plan.take(again, Done())  # the other has made it
    rest = plan.next()
    assert rest is not None and len(rest.stages) == 2
    plan.take(rest, Done(made=(slug(rest.stages[0]),), held=(slug(rest.stages[1]),)))
    last = plan.next()
    assert last is not None and last.stages == rest.stages[1:]
    plan.take(last, all_made(last))
    assert plan.finished and (plan.trained, plan.predicted) == (0, 2)


def test_a_failure_takes_what_stands_on_it_and_nothing_else():
    goals = (*predicted(tydiqa, "en", "fi"), *predicted(xquad, "en"))
    plan = schedule((mnli, tydiqa, xquad, *goals, squad, *predicted(squad, "en")))
    job = plan.next()
    assert job is not None and job.stages == (mnli,)
    plan.take(job, Done(fault=Fault(slug(mnli), "the loss is nan", 1)))
    assert order(plan) == ["squad", "(squad)"]
    (failure,) = plan.failures
    assert (failure.name, failure.message, set(failure.blocked)) == (
        slug(mnli),
        "the loss is nan",
        {tydiqa, xquad, *goals},
    )
    assert plan.finished


def test_a_prediction_that_fails_leaves_the_other_languages():
    en, ar, fi = goals = predicted(mnli, "en", "ar", "fi")
    plan = schedule(goals)
    job = plan.next()
    assert job is not None and job.stages == goals
    plan.take(job, Done(made=(slug(en),), left=(slug(fi),), fault=Fault(slug(ar), "no room", 1)))
    rest = plan.next()
    assert rest is not None and rest.stages == (fi,)
    plan.take(rest, all_made(rest))
    assert plan.finished and plan.predicted == 2
    assert [(failure.name, failure.blocked) for failure in plan.failures] == [(slug(ar), ())]


def test_a_stage_whose_worker_died_is_tried_again_as_often_as_was_asked(tmp_path: Path):
    plan = schedule((mnli, *predicted(mnli, "en")), tmp_path, retries=2)
    for _ in range(2):
        job = plan.next()
        assert job is not None
        assert plan.lost(job, "was killed (signal 9)") is None
    job = plan.next()
    assert job is not None
    fault = plan.lost(job, "was killed (signal 9)")
    assert fault is not None and fault.message == "the worker that made it was killed (signal 9) 3 times"
    assert plan.finished and [failure.name for failure in plan.failures] == [slug(mnli)]


def test_as_many_jobs_run_at_once_as_nothing_stands_between():
    assert widest((mnli, tydiqa, *predicted(tydiqa, "en", "fi"))) == 1
    assert widest((mnli, tydiqa, xquad, *predicted(mnli, "en"), squad)) == 4
    assert widest(()) == 0


@st.composite
def forests(draw: st.DrawFn) -> list[Stage]:
    """Stages in an order that can be run: trainings on each other or on the model, and predictions of some."""
    trained: list[Train] = []
    for number in range(draw(st.integers(1, 8))):
        below = draw(st.sampled_from([SCRATCH, *trained]))
        trained.append(learned("mnli", below, seed=number))
    models = draw(st.lists(st.sampled_from(trained), unique=True))
    return [*trained, *(goal for model in models for goal in predicted(model, "en", "ar", "fi"))]


@given(todo=forests(), choices=st.randoms(use_true_random=False))
def test_every_stage_is_made_once_or_failed_or_blocked_whatever_happens(todo, choices):
    """Any number of jobs run at once and end in any order: made, held by others for a while, failed, or with a worker lost."""
    plan = schedule(todo, retries=1)
    here: set[Stage] = set()
    running: list[Job] = []
    looked = 0
    while not plan.finished:
        looked += 1
        assert looked < 1000
        while len(running) < 3 and (job := plan.next()) is not None:
            assert job.base not in set(todo) - here, "its base is not made"
            assert not here & set(job.stages), "made twice"
            running.append(job)
        job = running.pop(choices.randrange(len(running)))
        what, first = choices.random(), slug(job.stages[0])
        if what < 0.6:
            here |= set(job.stages)
            plan.take(job, all_made(job))
        elif what < 0.8:
            rest = tuple(slug(stage) for stage in job.stages[1:])
            plan.take(job, Done(left=rest, fault=Fault(first, "failed", 1)))
        else:
            plan.lost(job, "was killed (signal 9)")
    failed = {failure.name for failure in plan.failures}
    blocked = {stage for failure in plan.failures for stage in failure.blocked}
    assert len(here) == plan.trained + plan.predicted
    assert {stage for stage in todo if slug(stage) in failed} | blocked | here == set(todo)
    assert not here & blocked
