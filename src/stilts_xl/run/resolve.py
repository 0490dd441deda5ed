"""A request to stages: models and data pinned to their bytes, absent languages noted, nothing trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.core.identity import digest
from stilts_xl.core.place import DataPlace
from stilts_xl.core.request import ModelChoice, Request
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Data, Mixture, Model, Predict, Pretrained, Rows, Scratch
from stilts_xl.core.study import Cell, predictions
from stilts_xl.data.hub import commit_of
from stilts_xl.data.sources import Absent, absent_file, how_to_get, pin
from stilts_xl.store.digests import remembering
from stilts_xl.tasks.catalog import task_named

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "sentencepiece.bpe.model",
    "vocab.txt",
)
BUNDLED = "bundled"
TOKENIZER = Path(str(package_files("stilts_xl"))) / "data" / "tokenizer"
"""What model.tokenizer=bundled stands for."""

Pin = Data | Absent
Pinned = Callable[[str, str, str], Pin]
"""(task, split, language) -> its rows, or where they were looked for."""


@dataclass(frozen=True)
class Chain:
    """A request after everything in it was found."""

    cell: Cell
    goals: tuple[Predict, ...]
    """One a language that is present."""
    absent: Mapping[str, tuple[str, ...]]
    """Language -> where its file was looked for."""
    site: Site


def resolve(request: Request) -> Chain:
    """Find and pin everything. Raises Mistake for a missing model, training file, root, or a target without any language."""
    return resolver()(request)


def resolver() -> Callable[[Request], Chain]:
    """``resolve`` for the requests of one call: what several of them need is looked at once, when the first one asks."""
    digests = cache(lambda workspace: remembering(Path(workspace) / "cache" / "digests.json"))

    @cache
    def model(choice: ModelChoice, workspace: str, lock: str, offline: bool) -> Model:
        return pin_model(choice, Path(workspace), lock, offline)

    @cache
    def rows(task: str, split: str, language: str, variant: str, place: DataPlace, limit: int, workspace: str) -> Pin:
        found = pin(task_named(task), split, language, place, limit, digests(workspace))
        return found if isinstance(found, Absent) else replace(found, variant=variant)

    def found(request: Request) -> Chain:
        place, workspace = request.place, request.workspace

        def pinned(task: str, split: str, language: str) -> Pin:
            return rows(task, split, language, request.variants.get(task, ""), place, request.limit, workspace)

        return _chain(request, model(request.model, workspace, place.lock, place.offline), pinned)

    return found


def _chain(request: Request, model: Model, pinned: Pinned) -> Chain:
    absent: dict[str, tuple[str, ...]] = {}

    def needed(name: str, split: str, languages: tuple[str, ...]) -> Rows:
        task = task_named(name)
        wanted = [(part, language) for part in task.parts or (name,) for language in languages]
        found = [(part, pinned(part, split, language)) for part, language in wanted]
        there = tuple(data for _, data in found if isinstance(data, Data))
        lost = [(part, data) for part, data in found if isinstance(data, Absent)]
        if lost and (len(languages) == 1 or not there):
            raise absent_file(task_named(lost[0][0]), split, lost[0][1], request.place)
        return Mixture(name, task.kind, there) if len(wanted) > 1 else there[0]

    def present(task: str, split: str, language: str) -> Data | None:
        found = pinned(task, split, language)
        if isinstance(found, Absent):
            absent[language] = found.looked
            return None
        return found

    cell = Cell(
        model, request.intermediate, request.target, request.phases, request.languages, request.split, request.protocol,
        request.retrieval, request.tune_on,
    )  # fmt: skip
    goals = predictions(cell, needed, present)
    if not goals:
        looked = next(iter(absent.values()))[0]
        raise Mistake(
            f"no {request.split} file of {request.target} in {request.place.root} for any of {', '.join(request.languages)}, "
            f"the first looked for was {looked}\n{_elsewhere(request, pinned)}"
        )
    site = Site(request.workspace, request.place, request.model, request.compute, request.tracker)
    return Chain(cell, goals, absent, site)


def _elsewhere(request: Request, pinned: Pinned) -> str:
    """What to do where the split that is to be scored is absent: another is never taken unasked."""
    target = task_named(request.target)
    for split in ("validation", "test"):
        if split != request.split and target.has_split(split):
            here = [code for code in request.languages if isinstance(pinned(request.target, split, code), Data)]
            if here:
                return f"its {split} split is here in {', '.join(here)}: target.split={split}"
    return how_to_get(target, request.split, request.place)


def pin_model(choice: ModelChoice, workspace: Path, lock: str, offline: bool) -> Model:
    """The model as a value that names its bytes. Raises Mistake where the folder is not one."""
    digest_of = remembering(workspace / "cache" / "digests.json")
    if choice.path:
        folder = Path(choice.path)
        _require(folder, "model.path", ["config.json"])
        if not list(folder.glob("*.safetensors")):
            raise Mistake(
                f"model.path={folder} holds no weights: expected model.safetensors (only safetensors are read)"
            )
        _require(folder, "model.path", ["tokenizer.json"])
        files = [folder / "config.json", *sorted(folder.glob("*.safetensors")), *_tokenizer_files(folder)]
        return Pretrained(f"sha256:{digest({file.name: digest_of(file) for file in files})}", choice.name)
    if choice.repo:
        return Pretrained(
            f"hub:{choice.repo}@{commit_of('model', choice.repo, choice.revision, lock, offline)}", choice.name
        )
    folder = tokenizer_folder(choice)
    _require(folder, "model.tokenizer", ["tokenizer.json"])
    tokenizer = digest({file.name: digest_of(file) for file in _tokenizer_files(folder)})
    return Scratch(
        choice.hidden_size, choice.layers, choice.heads, choice.intermediate_size, choice.max_positions, choice.dropout,
        choice.seed, f"sha256:{tokenizer}", choice.name,
    )  # fmt: skip


def tokenizer_folder(choice: ModelChoice) -> Path:
    """Where the tokenizer of a model from scratch is."""
    return TOKENIZER if choice.tokenizer == BUNDLED else Path(choice.tokenizer).expanduser()


def _tokenizer_files(folder: Path) -> list[Path]:
    return [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]


def _require(folder: Path, setting: str, names: list[str]) -> None:
    if not folder.is_dir():
        raise Mistake(f"{setting}={folder} is not a folder; expected a Hugging Face folder")
    for name in names:
        if not (folder / name).is_file():
            raise Mistake(f"{setting}={folder} holds no {name}; expected a Hugging Face folder")
