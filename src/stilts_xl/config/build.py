"""The composed mapping to a frozen request: names checked, recipes worked out, nothing read from data yet."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from stilts_xl.config.launch import build_compute, build_launch
from stilts_xl.config.place import build_place
from stilts_xl.config.values import build, shaped, typed
from stilts_xl.core.errors import Mistake, unknown
from stilts_xl.core.recipe import Recipe, Retrieval
from stilts_xl.core.request import ModelChoice, Request
from stilts_xl.core.study import Phase
from stilts_xl.core.task import Task
from stilts_xl.model.bundled import BUNDLED, MINI
from stilts_xl.tasks.catalog import all_tasks, task_named, training_task

NO_MODEL = {
    "path": "", "repo": "", "revision": "main", "tokenizer": "bundled", "hidden_size": 1, "layers": 1, "heads": 1,
    "intermediate_size": 1, "max_positions": 1, "dropout": 0.0, "seed": 0,
}  # fmt: skip
"""What a model's YAML file may leave out because its kind of model does not have it."""
NO_TASK = (None, "", "none")
ONLY_FOR = {
    "mask_probability": "masked language modelling (mlm, tlm)",
    "no_answer_threshold": "questions that may have no answer (squad_v2)",
    "alpha": "tasks of several parts (mlm, tlm, anli_plus)",
    "shuffled_labels": "tasks that have labels (all but mlm, tlm)",
}
"""Fields of a recipe that nothing else reads."""


def build_request(composed: Mapping[str, Any], workspace: str, limit: int, offline: bool) -> Request:
    """The request that a composed configuration states. Raises Mistake naming the setting that is wrong."""
    model = _model(composed["model"])
    target = _target(composed["target"]["task"])
    intermediate = _intermediate(composed["intermediate"])
    protocol = _protocol(composed["protocol"])
    roles = [("intermediate", intermediate)] if intermediate is not None else []
    roles += [("target", target)] if target.learns else []
    phases = [_phase(role, task, target, model, composed) for role, task in roles]
    retrieval, own = (None, _not_for(target, composed)) if target.learns else _retrieval(target, model, composed)
    changed = [
        *protocol["changed"],
        *(change for changes in (*(changes for _, changes in phases), own) for change in changes),
    ]
    return Request(
        model=model,
        intermediate=intermediate.name if intermediate else "none",
        target=target.name,
        phases=tuple(phase for phase, _ in phases),
        languages=_languages(composed["languages"], target),
        split=_split(composed["target"]["split"], protocol, target),
        retrieval=retrieval,
        tune_on=target.tune_on,
        variants=_variants(protocol["variants"]),
        protocol=" with ".join([str(protocol["name"]), *([", ".join(changed)] if changed else [])]),
        limit=limit,
        place=build_place(composed["data"], workspace, offline),
        compute=build_compute(composed["compute"]),
        launch=build_launch(composed["compute"]),
        tracker=typed(composed["tracker"], str, "tracker"),
        workspace=workspace,
    )


def _protocol(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """The protocol, its parts of the shape that is read below."""
    for name in ("recipe", "retrieval", "variants"):
        shaped(section[name], dict, f"protocol.{name}")
    for rule in shaped(section["rules"], list, "protocol.rules"):
        for name in ("when", "set"):
            shaped(shaped(rule, dict, "protocol.rules").get(name), dict, f"{name} of protocol.rules")
    for split in shaped(section["splits"], list, "protocol.splits"):
        typed(split, str, "protocol.split")
    return section


def _model(section: Mapping[str, Any]) -> ModelChoice:
    model = build(ModelChoice, NO_MODEL | dict(section), "model")
    if model.path:
        folder = MINI if model.path == BUNDLED else Path(model.path).expanduser()
        return replace(model, path=str(folder), name=folder.resolve().name, repo="")
    if model.from_scratch and model.hidden_size % model.heads:
        raise Mistake(f"model.hidden_size={model.hidden_size} is not a multiple of model.heads={model.heads}")
    return model


def _target(name: Any) -> Task:
    if name in NO_TASK:
        raise Mistake(
            f"which target? stilts run intermediate=squad target=tydiqa\nknown: {', '.join(sorted(all_tasks()))}"
        )
    task = task_named(str(name), "target")
    if task.parts:
        raise Mistake(
            f"target={task.name}: it is {', '.join(task.parts)} together, and can only be an intermediate task\n"
            f"a target is one of them: target={task.parts[0]}"
        )
    return task


def _intermediate(section: Mapping[str, Any]) -> Task | None:
    if section["task"] in NO_TASK:
        given = [name for name, value in section.items() if value is not None and name != "task"]
        if given:
            raise Mistake(f"intermediate.{given[0]}: there is no intermediate task\nadd one, or leave it out")
        return None
    task = task_named(str(section["task"]), "intermediate", also=("none",))
    if not task.learns:
        raise Mistake(f"intermediate={task.name}: sentence retrieval has no training data; it can only be a target")
    return task


def _phase(
    role: str, task: Task, target: Task, model: ModelChoice, composed: Mapping[str, Any]
) -> tuple[Phase, list[str]]:
    """The training of a role: the protocol's recipe, its rules, then what the user set; and what that changed."""
    published = _published(role, task, target, model, composed)
    own = _own(composed[role], Recipe, role)
    _require_used(role, task, own)
    recipe = build(Recipe, published | own, role)
    _require_positions(role, recipe.max_length, model)
    validate_on = typed(composed["protocol"]["validate_on"], str, "protocol.validate_on")
    validation = task if role == "target" and validate_on == "target_task" else training_task(task)
    languages = _train_languages(composed[role]["train_languages"], training_task(task), role)
    return Phase(task.source_task, validation.name, recipe, languages), _changed(role, own, published)


def _require_used(role: str, task: Task, own: Mapping[str, Any]) -> None:
    """Refuse settings that the role's task does not read."""
    read = {
        "mask_probability": task.kind == "mlm",
        "no_answer_threshold": task.scorer == "squad_v2",
        "alpha": task.kind == "mlm" or bool(task.parts),
        "shuffled_labels": task.kind != "mlm",
    }
    for name, used in read.items():
        if name in own and not used:
            raise Mistake(f"{role}.{name} is for {ONLY_FOR[name]}, and the {role} is {task.name}\nleave it out")


def _require_positions(role: str, max_length: int, model: ModelChoice) -> None:
    if model.from_scratch and max_length > model.max_positions - 2:
        raise Mistake(
            f"{role}.max_length={max_length} is more than model.max_positions={model.max_positions} allows (two are reserved)"
        )


def _own(section: Mapping[str, Any], cls: type, role: str) -> dict[str, Any]:
    """What the user set of a dataclass's fields."""
    kinds = {field.name: field.type for field in fields(cls)}
    found = {name: section[name] for name in kinds if section.get(name) is not None}
    return {name: typed(value, kinds[name], f"{role}.{name}") for name, value in found.items()}


def _changed(role: str, own: Mapping[str, Any], published: Mapping[str, Any]) -> list[str]:
    changed = {name: value for name, value in own.items() if value != published[name] and name != "seed"}
    return [
        f"{role}.{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in changed.items()
    ]


def _train_languages(wanted: Any, task: Task, role: str) -> tuple[str, ...]:
    if wanted is None:
        return task.train_languages
    names = [str(name) for name in wanted] if isinstance(wanted, list) else [str(wanted)]
    for name in names:
        if name not in task.train_languages:
            raise unknown(f"{role}.train_languages of {task.name}", name, task.train_languages)
    if not names:
        raise Mistake(f"{role}.train_languages is empty; leave it out for all that {task.name} trains on")
    return tuple(language for language in task.train_languages if language in names)


def _retrieval(target: Task, model: ModelChoice, composed: Mapping[str, Any]) -> tuple[Retrieval, list[str]]:
    """How a target's sentences are compared, and what the user changed of it."""
    names = [field.name for field in fields(Retrieval)]
    given = {name: value for name, value in composed["target"].items() if value is not None}
    idle = sorted(given.keys() - {*names, "task", "split", "seed"})
    if idle:
        raise Mistake(
            f"target.{idle[0]}: {target.name} is not trained, so it has no such setting\n"
            f"it has {', '.join(f'target.{name}' for name in names)}"
        )
    published = dict(composed["protocol"]["retrieval"])
    for rule in _rules("target", target, target, model, composed):
        published |= {name: value for name, value in rule.items() if name in names}
    own = _own(composed["target"], Retrieval, "target")
    retrieval = build(Retrieval, published | own, "target")
    if model.from_scratch and retrieval.layer > model.layers:
        raise Mistake(
            f"target.layer={retrieval.layer} is more than model.layers={model.layers}; 0 is the embeddings, {model.layers} the last"
        )
    _require_positions("target", retrieval.max_length, model)
    return retrieval, _changed("target", own, published)


def _not_for(target: Task, composed: Mapping[str, Any]) -> list[str]:
    """Refuse settings of sentence retrieval for a target that is trained."""
    for name in ("layer", "pooling", "neighbours", "curve"):
        if composed["target"][name] is not None:
            raise Mistake(
                f"target.{name} is for sentence retrieval (bucc2018, tatoeba), and the target is {target.name}"
            )
    return []


def _variants(section: Mapping[str, Any]) -> dict[str, str]:
    """Task -> the variant of its rows, both checked; null is none."""
    found: dict[str, str] = {}
    for name, variant in section.items():
        task = task_named(str(name))
        if variant is None:
            continue
        if not task.variants:
            with_variants = ", ".join(task.name for task in all_tasks().values() if task.variants)
            raise Mistake(f"protocol.variants.{name}: {task.name} has no variants of its rows; {with_variants} has")
        if variant not in task.variants:
            raise unknown(f"variant of {task.name}", str(variant), task.variants)
        found[task.name] = str(variant)
    return found


def _published(role: str, task: Task, target: Task, model: ModelChoice, composed: Mapping[str, Any]) -> dict[str, Any]:
    """What the protocol says of a phase, with the run's seed."""
    settings = dict(composed["protocol"]["recipe"])
    for rule in _rules(role, task, target, model, composed):
        settings |= rule
    if composed["seed"] is not None:
        settings["seed"] = typed(composed["seed"], int, "seed")
    return settings


def _rules(
    role: str, task: Task, target: Task, model: ModelChoice, composed: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """What the protocol's rules set where all of their conditions hold, in their order."""
    facts = {"role": role, "kind": task.kind, "task": task.source_task, "target": target.name, "model": model.name}
    for rule in composed["protocol"]["rules"]:
        for name in rule["when"]:
            if name not in facts:
                raise unknown("condition in protocol.rules", name, facts)
        if all(facts[name] == wanted for name, wanted in rule["when"].items()):
            yield rule["set"]


def _languages(wanted: Any, target: Task) -> tuple[str, ...]:
    if wanted == "all":
        return target.languages
    pairs = tuple(language for language in target.extra_languages if "-" in language)
    if wanted == "cross" and pairs:
        return pairs
    names = [str(name) for name in wanted] if isinstance(wanted, list) else [str(wanted)]
    for name in names:
        if name not in (*target.languages, *target.extra_languages):
            also = ("cross",) if pairs else target.extra_languages
            raise unknown(f"language of {target.name}", name, (*target.languages, *also))
    if not names:
        raise Mistake("languages is empty; languages=all is every language of the target")
    return tuple(language for language in (*target.languages, *target.extra_languages) if language in names)


def _split(wanted: Any, protocol: Mapping[str, Any], target: Task) -> str:
    if wanted is not None:
        split = str(typed(wanted, str, "target.split"))
        if not target.has_split(split):
            has = [name for name in ("validation", "test") if target.has_split(name)]
            raise Mistake(f"target.split={split}: {target.name} has no {split} split, only {' and '.join(has)}")
        return split
    labelled = [split for split in protocol["splits"] if target.has_split(split) and split not in target.hidden_splits]
    if not labelled:
        raise Mistake(
            f"protocol.splits={protocol['splits']}: {target.name} has none of them with labels\nname one: target.split=validation"
        )
    return str(labelled[0])
