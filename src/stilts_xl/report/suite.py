"""Benchmark suites: which tasks and languages they average, in which groups, as their reference evaluators do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stilts_xl.core.errors import Mistake, unknown
from stilts_xl.data.submission import UNANSWERED, file_of, read_rows
from stilts_xl.metrics.scores import mean, score
from stilts_xl.report.tables import Table
from stilts_xl.tasks import languages
from stilts_xl.tasks.catalog import task_named

LanguageScores = Mapping[str, Mapping[str, float]]
"""Language -> metric -> percentage."""

HEADS = {"accuracy": "acc", "f1": "F1", "exact_match": "EM", "precision": "P", "recall": "R"}
"""What stands above a column, in the order of the columns."""


@dataclass(frozen=True)
class Entry:
    """What a suite takes of a task."""

    languages: tuple[str, ...]
    """All of them count, English included, in the order in which they are added up."""
    metrics: tuple[str, ...]
    headline: tuple[str, ...]
    """The metrics whose mean is the task's score."""


@dataclass(frozen=True)
class Suite:
    """A benchmark of several tasks."""

    name: str
    entries: Mapping[str, Entry]
    """Task -> its part, in the order of the reference."""
    groups: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class TaskScores:
    """A task's numbers."""

    languages: LanguageScores
    averages: Mapping[str, float]
    """Metric -> plain mean over the languages."""
    headline: float
    """The reference's avg_metric."""


@dataclass(frozen=True)
class SuiteScores:
    """A suite's numbers."""

    suite: Suite
    tasks: Mapping[str, TaskScores]
    """Those that are scored, in the suite's order."""
    groups: Mapping[str, float | None]
    """Mean of the group's tasks; None where one of them is not scored."""
    overall: float | None
    """Mean over all tasks, not over groups; None where one of them is not scored."""
    notes: tuple[str, ...] = ()
    """What is not scored and why, and what was counted as wrong for want of an answer."""


ACCURACY = (("accuracy",), ("accuracy",))
CHUNKS = (("f1", "precision", "recall"), ("f1",))
ANSWERS = (("exact_match", "f1"), ("exact_match", "f1"))

XTREME = Suite(
    name="xtreme",
    entries={
        "pawsx": Entry(languages.PAWSX, *ACCURACY),
        "xnli": Entry(languages.XNLI, *ACCURACY),
        "panx": Entry(languages.PANX, *CHUNKS),
        "udpos": Entry(languages.UDPOS, *CHUNKS),
        "bucc2018": Entry(languages.BUCC, *CHUNKS),
        "tatoeba": Entry(languages.TATOEBA, *ACCURACY),
        "xquad": Entry(languages.XQUAD, *ANSWERS),
        "mlqa": Entry(languages.MLQA, *ANSWERS),
        "tydiqa": Entry(languages.TYDIQA, *ANSWERS),
    },
    groups={
        "classification": ("pawsx", "xnli"),
        "tagging": ("udpos", "panx"),
        "qa": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("bucc2018", "tatoeba"),
    },
)
"""google-research/xtreme, evaluate.py --xtreme_version xtreme; of UDPOS and PAN-X no accuracy."""

SUITES = {suite.name: suite for suite in (XTREME,)}


def suite_named(name: str) -> Suite:
    """The suite of that name, or a Mistake with the nearest one."""
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return SUITES[name]


def combined(suite: Suite, scores: Mapping[str, LanguageScores], notes: tuple[str, ...] = ()) -> SuiteScores:
    """Averages of the tasks that are here, each in all the languages of the suite; of the groups; and of everything.

    Sums run from the first language to the last, as the reference's do, so every mean equals its to the last digit. Only
    the overall sum has no order there (it runs over a set); here it is the order of the suite.
    """
    tasks = {name: _task_scores(entry, scores[name]) for name, entry in suite.entries.items() if name in scores}
    groups = {group: _mean_headline(tasks, members) for group, members in suite.groups.items()}
    return SuiteScores(suite, tasks, groups, _mean_headline(tasks, suite.entries), notes)


def _task_scores(entry: Entry, scores: LanguageScores) -> TaskScores:
    kept = {language: {metric: scores[language][metric] for metric in entry.metrics} for language in entry.languages}
    averages = {metric: mean(kept[language][metric] for language in entry.languages) for metric in entry.metrics}
    return TaskScores(kept, averages, mean(averages[metric] for metric in entry.headline))


def _mean_headline(tasks: Mapping[str, TaskScores], names: Iterable[str]) -> float | None:
    wanted = list(names)
    return mean(tasks[name].headline for name in wanted) if set(wanted) <= set(tasks) else None


def score_folders(predictions: Path, labels: Path, suite: Suite) -> SuiteScores:
    """Score a folder of predictions in XTREME's submission layout.

    A task without a folder in either place is not scored, and a note says so; a task with one needs all its languages.
    Raises Mistake where a file is absent or broken (data/submission.py), and where there is no task at all.
    """
    for folder in (predictions, labels):
        if not folder.is_dir():
            raise Mistake(f"{folder} is no folder; expected one with TASK/test-LANGUAGE files below it")
    scores: dict[str, LanguageScores] = {}
    notes = []
    for name in suite.entries:
        absent = [folder / name for folder in (predictions, labels) if not (folder / name).is_dir()]
        if absent:
            notes.append(f"not scored: {name}, no folder {' and no '.join(map(str, absent))}")
        else:
            scores[name], unanswered = _score_task(suite, name, predictions, labels)
            notes += unanswered
    if not scores:
        raise Mistake(
            f"nothing to score: {predictions} and {labels} have no task of {suite.name} in common\n"
            f"expected folders named {', '.join(suite.entries)}"
        )
    return combined(suite, scores, (*notes, *_strangers(predictions, suite)))


def _score_task(suite: Suite, name: str, predictions: Path, labels: Path) -> tuple[LanguageScores, list[str]]:
    """A task's scores, and a note where questions have no answer."""
    task = task_named(name)
    wanted = suite.entries[name].languages
    _require_files([file_of(folder, task, language) for folder in (predictions, labels) for language in wanted])
    scores, unanswered, questions = {}, dict[str, int](), 0
    for language in wanted:
        rows = read_rows(predictions, labels, task, language)
        scores[language] = score(task.scorer, rows, language)
        unanswered[language] = sum(row["prediction"] == UNANSWERED for row in rows)
        questions += len(rows)
    absent = sum(unanswered.values())
    where = ", ".join(f"{language} {count:,}" for language, count in unanswered.items() if count)
    notes = [f"{name}: {absent:,} of {questions:,} questions have no answer and count as 0 ({where})"] if absent else []
    return scores, notes


def _require_files(paths: Sequence[Path]) -> None:
    absent = [path for path in paths if not path.is_file()]
    if absent:
        others = f"\nalso absent: {', '.join(map(str, absent[1:4]))}" if absent[1:] else ""
        more = f" and {len(absent) - 4} more" if len(absent) > 4 else ""
        raise Mistake(f"{absent[0]} is not there: expected a file for every language of the task{others}{more}")


def _strangers(predictions: Path, suite: Suite) -> list[str]:
    names = sorted(path.name for path in predictions.iterdir() if path.is_dir())
    names = [name for name in names if name not in suite.entries and not name.startswith(".")]
    return [f"ignored, no task of {suite.name}: {', '.join(names)}"] if names else []


def as_json(found: SuiteScores) -> str:
    """Full precision: {'avg': {task: {metric, 'avg_metric'}}, 'tasks': {task: {language: {metric}}}, 'groups', 'all_task'}.

    'avg_metric' is the task's score, 'all_task' the overall one, as the reference calls them; null where a task is absent.
    """
    report = {
        "avg": {name: {**task.averages, "avg_metric": task.headline} for name, task in found.tasks.items()},
        "tasks": {name: task.languages for name, task in found.tasks.items()},
        "groups": found.groups,
        "all_task": found.overall,
    }
    return json.dumps(report, indent=1) + "\n"


def tables(found: SuiteScores) -> list[Table]:
    """Averages of tasks and groups and the overall score; then for each group every language, task and metric."""
    shown = [_language_table(found, group) for group in found.suite.groups]
    return [_average_table(found), *(table for table in shown if table is not None)]


def _average_table(found: SuiteScores) -> Table:
    shown = {metric for entry in found.suite.entries.values() for metric in entry.metrics}
    metrics = [metric for metric in HEADS if metric in shown]
    columns = ("task", "score ↑", *(HEADS[metric] for metric in metrics), "langs")
    rows = []
    for name in found.suite.entries:
        task = found.tasks.get(name)
        cells = [_number(task.averages.get(metric) if task else None, "") for metric in metrics]
        rows.append((name, _number(task.headline if task else None), *cells, str(len(task.languages)) if task else ""))
    blank = ("",) * (len(columns) - 2)
    rows.append(("", "", *blank))
    rows += [(group, _number(value), *blank) for group, value in found.groups.items()]
    footer = (
        "percent, averages over all languages of a task, English included",
        "EM exact match, P precision, R recall",
        "score: mean of EM and F1, else F1, else accuracy; overall: mean over tasks",
        *found.notes,
    )
    return Table(found.suite.name, columns, tuple(rows), ("overall", _number(found.overall), *blank), footer)


def _language_table(found: SuiteScores, group: str) -> Table | None:
    """One row a language, one column a task and metric; None where no task of the group is scored."""
    names = [name for name in found.suite.groups[group] if name in found.tasks]
    if not names:
        return None
    fields = [(name, metric) for name in names for metric in found.suite.entries[name].metrics]
    here = sorted({language for name in names for language in found.tasks[name].languages})
    rows = [
        (language, *(_number(found.tasks[name].languages.get(language, {}).get(metric), "") for name, metric in fields))
        for language in here
    ]
    averages = (_number(found.tasks[name].averages[metric]) for name, metric in fields)
    columns = ("language", *(f"{name} {HEADS[metric]}" for name, metric in fields))
    return Table(group, columns, tuple(rows), ("average", *averages), ())


def _number(value: float | None, absent: str = "–") -> str:
    return absent if value is None else f"{value:.2f}"
