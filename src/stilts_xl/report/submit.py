"""Which chain of a workspace speaks for each target of a benchmark, and its predictions in the submission layout."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stilts_xl.core.errors import Mistake, unknown
from stilts_xl.core.stage import Predict, Train, key, slug, trainings
from stilts_xl.data.submission import write_labels, write_predictions
from stilts_xl.metrics.scores import METRICS
from stilts_xl.report.suite import Suite
from stilts_xl.store.files import write_atomically
from stilts_xl.store.record import read_record
from stilts_xl.store.runs import Run
from stilts_xl.store.store import completed, read_predictions, stage_folder, verified
from stilts_xl.tasks.catalog import task_named

SPLIT = "test"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Choice:
    """The chain that was chosen for a target."""

    run: Run
    validation: float | None
    """Its English validation score; None where the last step was kept, or nothing was trained for the target."""
    candidates: int
    why: str

    def goal(self, language: str) -> Predict | None:
        """The chain's prediction of a language; None where it has none."""
        return next((goal for goal in self.run.goals if goal.data.language == language), None)


def choices(
    workspace: Path, runs: Sequence[Run], suite: Suite, model: str, use: Mapping[str, str]
) -> tuple[Choice, ...]:
    """One choice for each target of the suite that has predictions of its test set, in the suite's order.

    The best by English validation score, or the one whose intermediate task ``use`` names. Raises Mistake where there is
    nothing, where several models have predictions and none is named, and where scores are lacking to choose by.
    """
    for target in use:
        if target not in suite.entries:
            raise unknown(f"target of {suite.name}", target, suite.entries)
    whole = [run for run in runs if run.cell.target in suite.entries and run.cell.split == SPLIT and not run.limit]
    covers = {id(run): _covered(workspace, run, suite) for run in whole}
    made = [run for run in whole if covers[id(run)]]
    models = sorted({run.cell.model.name for run in made})
    if model and model not in models:
        raise unknown("model with predictions", model, models)
    if len(models) > 1 and not model:
        raise Mistake(f"{workspace} holds predictions of several models: {', '.join(models)}\nname one with --model")
    chains: dict[str, dict[object, Run]] = {}
    for run in sorted(made, key=lambda run: covers[id(run)]):
        if run.cell.model.name == (model or models[0]):
            chains.setdefault(run.cell.target, {})[_chain(run)] = run
    for target in use:
        if target not in chains:
            raise unknown(f"target with predictions of its {SPLIT} split", target, chains)
    named_first = sorted(chains, key=lambda target: target not in use)
    chosen = {
        target: _choice(workspace, target, list(chains[target].values()), use.get(target)) for target in named_first
    }
    found = [chosen[target] for target in suite.entries if target in chosen]
    if not found:
        raise Mistake(
            f"{workspace} holds no predictions of a {SPLIT} split of {suite.name}\n"
            f"make some with stilts run target=xnli target.split={SPLIT}; limited runs do not count"
        )
    return tuple(found)


def _chain(run: Run) -> tuple[object, ...]:
    """What tells chains of a target apart; the run with the most languages stands for all of a chain, then the last."""
    return run.cell.intermediate, run.goals[0].model, run.cell.retrieval


def _covered(workspace: Path, run: Run, suite: Suite) -> int:
    """How many of the suite's languages a run has predicted; cross-language pairs are none of them."""
    wanted = suite.entries[run.cell.target].languages
    return sum(goal.data.language in wanted and completed(workspace, goal) is not None for goal in run.goals)


def _choice(workspace: Path, target: str, runs: list[Run], wanted: str | None) -> Choice:
    if wanted is not None:
        named = [run for run in runs if run.cell.intermediate == wanted]
        if not named:
            raise unknown(f"intermediate task of {target} here", wanted, [run.cell.intermediate for run in runs])
        runs, why = named, "named by --use"
    else:
        why = "the best English validation score" if len(runs) > 1 else "the only one"
    scored = [(run, _validation(workspace, run)) for run in runs]
    if len(runs) == 1:
        return Choice(runs[0], scored[0][1], 1, why)
    lacking = [run.cell.intermediate for run, value in scored if value is None]
    if lacking:
        raise Mistake(
            f"{target}: no English validation score of its chain after '{lacking[0]}' to choose the best of {len(runs)} by\n"
            f"name one: --use {target}={runs[0].cell.intermediate}; chains with target.selection=best have such a score"
        )
    best, value = max(scored, key=lambda pair: _as_good(target, pair[1]))
    return Choice(best, value, len(runs), why)


def _as_good(target: str, value: float | None) -> float:
    assert value is not None
    return value if METRICS[task_named(target).metrics[0]].higher else -value


def _validation(workspace: Path, run: Run) -> float | None:
    """The score by which the target's best step was kept."""
    model = run.goals[0].model
    if not isinstance(model, Train) or not run.cell.target_phases:
        return None
    record = read_record(stage_folder(workspace, model))  # not whether it is complete: its weights may be pruned
    return None if record is None or record.key != key(model) else record.facts["kept_score"]


def write_submission(
    workspace: Path, chosen: Sequence[Choice], suite: Suite, out: Path, labels: Path | None
) -> dict[str, Any]:
    """Write the chosen predictions, the gold too where ``labels`` names a folder, and the manifest; the manifest.

    A language without intact predictions is listed as missing; one whose gold is hidden gets no label file.
    """
    entries: dict[str, Any] = {}
    for choice in chosen:
        task = task_named(choice.run.cell.target)
        missing, hidden = [], []
        for language in suite.entries[task.name].languages:
            goal = choice.goal(language)
            if goal is None or verified(workspace, goal) is None:
                missing.append(language)
                continue
            rows = read_predictions(stage_folder(workspace, goal))
            write_predictions(out, task, language, rows)
            if any(row["gold"] is None for row in rows):
                hidden.append(language)
            elif labels is not None:
                write_labels(labels, task, language, rows)
        entries[task.name] = _entry(choice) | {"missing": missing, "hidden_labels": hidden}
    manifest = {
        "suite": suite.name,
        "chosen_by": "English validation score, unless an intermediate task was named",
        "targets": entries,
        "absent": [name for name in suite.entries if name not in entries],
    }
    write_atomically(out / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    return manifest


def _entry(choice: Choice) -> dict[str, Any]:
    cell = choice.run.cell
    return {
        "model": cell.model.name,
        "intermediate": cell.intermediate,
        "protocol": cell.protocol,
        "seed": cell.seed,
        "source": choice.run.source,
        "english_validation": choice.validation,
        "chosen_because": choice.why,
        "candidates": choice.candidates,
        "trainings": [slug(training) for training in trainings(choice.run.goals[0])],
        "predictions": [slug(goal) for goal in choice.run.goals],
    }
