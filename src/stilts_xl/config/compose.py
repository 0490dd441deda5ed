"""Overrides to one plain mapping, through Hydra; its errors become one or two lines."""

import re
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from stilts_xl.config.folder import PHASES, config_folder, groups, options
from stilts_xl.core.errors import Mistake, unknown

PATHS = ("data.root", "model.path", "model.tokenizer")
VARIANTS = "protocol.variants."


def compose_run(overrides: list[str]) -> dict[str, Any]:
    """The composed configuration of one run. Raises Mistake for anything that Hydra would not understand.

    'protocol.changed' in it are the overrides that change the protocol itself: numbers made with them are not its own.
    """
    parsed = [_checked(text) for text in overrides]
    _require_once(overrides, parsed)
    try:
        with initialize_config_dir(str(config_folder().resolve()), version_base=None):
            composed = compose("run", overrides=[text for text in parsed if not _is_path(text)])
            plain = OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise _mistake(error, overrides) from None
    assert isinstance(plain, dict)
    whole = {str(name): value for name, value in plain.items()}
    for text in filter(_is_path, parsed):
        key, _, value = text.partition("=")
        group, name = key.split(".")
        if name not in whole[group]:
            raise _unknown_key(key, overrides)
        whole[group][name] = value
    whole["protocol"]["changed"] = [text for text in overrides if text.startswith("protocol.")]
    return whole


def _is_path(text: str) -> bool:
    """Whether an override sets a path, which may hold what Hydra's grammar would read as syntax, and so never meets it."""
    key, equals, _ = text.partition("=")
    return key in PATHS and bool(equals)


def _checked(text: str) -> str:
    """The override as Hydra takes it; 'target=xnli' becomes 'target.task=xnli'."""
    if _is_path(text):
        return text
    override = _parse(text)
    if override.is_add() or override.is_force_add() or override.is_delete():
        raise Mistake(f"'{text}': settings cannot be added or removed, only set; stilts run --cfg shows them all")
    if override.is_sweep_override():
        raise Mistake(f"'{text}': run takes one value; run once for each value of {override.key_or_group}")
    if isinstance(override.value(), dict):
        raise Mistake(
            f"'{text}': one setting at a time, as in target.learning_rate=3e-5; stilts run --cfg shows them all"
        )
    if override.key_or_group in groups():
        name = str(override.value())
        if name not in options(override.key_or_group):
            raise unknown(override.key_or_group, name, options(override.key_or_group))
    if text.startswith(VARIANTS):
        return f"++{text}"  # a protocol names only the variants that it asks for
    if override.key_or_group in PHASES:
        return f"{override.key_or_group}.task={text.split('=', 1)[1]}"
    return text


def _require_once(overrides: list[str], parsed: list[str]) -> None:
    """Refuse a setting that is given twice: the second would silently win."""
    seen: dict[str, str] = {}
    for text, checked in zip(overrides, parsed, strict=True):
        key = checked.partition("=")[0]
        if key in seen:
            raise Mistake(
                f"{key.removesuffix('.task').lstrip('+')} is set twice, by '{seen[key]}' and '{text}'; run takes one value"
            )
        seen[key] = text


def _parse(text: str) -> Override:
    try:
        return OverridesParser.create().parse_override(text)
    except HydraException:
        raise Mistake(
            f"'{text}' is not a setting: expected key=value, as in target=tydiqa or target.learning_rate=3e-5"
        ) from None


def _mistake(error: Exception, overrides: list[str]) -> Mistake:
    """One line out of Hydra's many."""
    found = re.search(r"Could not override '([^']+)'", str(error))
    if found:
        return _unknown_key(found.group(1), overrides)
    cause = error.__cause__ or error
    guilty = [text for text in overrides if "${" in text] or overrides
    return Mistake(f"{' '.join(guilty)}: {str(cause).splitlines()[0]}")


def _unknown_key(key: str, overrides: list[str]) -> Mistake:
    """The error for a setting that nothing reads, with the nearest that something does."""
    whole = compose_run([text for text in overrides if text.partition("=")[0] in groups()])
    if key in whole["target"]:
        return Mistake(
            f"'{key}' is set for each phase: target.{key}=… or intermediate.{key}=…\nstilts run --cfg shows all settings"
        )
    parent, _, name = key.rpartition(".")
    section: Any = whole
    for part in parent.split(".") if parent else []:
        section = section.get(part, {}) if isinstance(section, dict) else {}
    known = [f"{parent}.{inner}" if parent else inner for inner in section] if isinstance(section, dict) else []
    return unknown("setting", key, known or whole)
