"""Language files: the words and templates of one language, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from stilts_xl.core.errors import Mistake
from stilts_xl.data.lines import broken, text_of
from stilts_xl.data.world.facts import LISTS, NUMERALS, RELATIONS
from stilts_xl.data.world.template import Agreeing, Slot, Template, Token, Words, slots_of, template_of, words_of

LANGUAGES = Path(__file__).parent / "languages"
STYLES = ("say", "also", "not", "ask", "who")
"""A statement, another way to say it, its negation, and the questions for its value and for its person."""
TAGS = {
    "person": "PROPN", "city": "PROPN", "org": "PROPN", "job": "NOUN", "food": "NOUN", "animal": "NOUN", "colour": "ADJ",
    "instrument": "NOUN", "object": "NOUN", "year": "NUM", "number": "NUM",
}  # fmt: skip
"""The tag of a list's words that have none of their own."""
SETTINGS = {
    "language": str, "scripts": list, "spaces": bool, "gap": str, "stop": str, "query": str, "capitals": dict,
    "loans": list, "joint": str, "frames": list, "lists": dict, "relations": dict,
}  # fmt: skip
OPTIONAL: Mapping[str, Any] = {"spaces": True, "gap": None, "capitals": {}, "loans": []}
"""Settings that need not be there, and what they then are; without a gap two sentences stand like two words."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Language:
    """What a language file says."""

    code: str
    scripts: tuple[str, ...]
    """Words with which the Unicode names of its letters begin."""
    loans: frozenset[str]
    """English words that are also words of its templates."""
    space: str
    """Between two tokens: a space or nothing."""
    gap: str
    """Between two sentences."""
    stop: tuple[Token, ...]
    """What ends a statement; empty where nothing does."""
    query: tuple[Token, ...]
    """What ends a question."""
    capitals: Mapping[str, str]
    """Letters whose capital is not the usual one."""
    joint: Template
    """Two statements as one: slots s and t."""
    frames: tuple[Template, ...]
    """What can be said around one statement s, or two."""
    words: Mapping[str, Mapping[str, Words]]
    """Slot -> key -> form -> tokens."""
    templates: Mapping[str, Mapping[str, Template]]
    """Relation -> style -> template."""


def languages() -> dict[str, Language]:
    """Every language that has a file, by its code."""
    return {path.stem: read_language(path) for path in language_files()}


def language_files() -> list[Path]:
    """The files, in the order of their codes."""
    return sorted(LANGUAGES.glob("*.yaml"))


def read_language(path: Path) -> Language:
    """A language from its file. Raises Mistake that names the file, the place and the fault."""
    return _read(path, sha256(path.read_bytes()).hexdigest())


@cache
def _read(path: Path, digest: str) -> Language:
    """A file of these bytes, read once."""
    plain = read_yaml(path)
    for name in plain.keys() | (SETTINGS.keys() - OPTIONAL.keys()):
        if name not in SETTINGS or not isinstance(plain.get(name), SETTINGS[name]):
            found = f"'{name}'" if name not in SETTINGS else repr(plain.get(name))[:60]
            expected = f"one of {', '.join(SETTINGS)}" if name not in SETTINGS else f"a {SETTINGS[name].__name__}"
            raise broken(path, name, expected, found)
    if plain["language"] != path.stem:
        raise broken(path, "language", f"'{path.stem}', as the file's name says", f"'{plain['language']}'")
    if not plain["frames"]:
        raise broken(path, "frames", "one or more", "none")
    plain = {**OPTIONAL, **plain}
    space = " " if plain["spaces"] else ""
    words = _words(path, plain["lists"])
    return Language(
        code=path.stem,
        scripts=tuple(plain["scripts"]),
        loans=frozenset(plain["loans"]),
        space=space,
        gap=space if plain["gap"] is None else plain["gap"],
        stop=_mark(plain["stop"]),
        query=_mark(plain["query"]),
        capitals=plain["capitals"],
        joint=_clauses(path, "joint", plain["joint"], {"s", "t"}, {"s", "t"}),
        frames=tuple(
            _clauses(path, f"frames {number}", line, {"s"}, {"s", "t"})
            for number, line in enumerate(plain["frames"], 1)
        ),
        words=words,
        templates=_relations(path, plain["relations"], words),
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """A mapping from a YAML file, or a Mistake."""
    try:
        plain = yaml.load(text_of(path), Loader=_LOADER)
    except yaml.YAMLError as error:
        raise Mistake(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(plain, dict):
        raise broken(path, "line 1", "a mapping", type(plain).__name__)
    return plain


def _mark(text: str) -> tuple[Token, ...]:
    """A punctuation mark, which joins the word before it unless it begins with a space."""
    return (Token(text.strip(), "PUNCT", left=not text.startswith(" ")),) if text else ()


def _words(path: Path, plain: Mapping[str, Any]) -> dict[str, dict[str, Words]]:
    lists = [name for name in LISTS if name not in NUMERALS]
    _require_keys(path, "lists", plain, lists)
    found = {name: _list(path, name, name, plain[name]) for name in lists}
    found["friend"] = _list(path, "person", "friend", plain["person"])
    for name in NUMERALS:
        found[name] = {key: {"": words_of(key, name, TAGS[name])} for key in LISTS[name]}
    return found


def _list(path: Path, name: str, slot: str, plain: Mapping[str, Any]) -> dict[str, Words]:
    entries = {str(key): entry for key, entry in plain.items() if key != "forms"}
    _require_keys(path, f"lists {name}", entries, LISTS[name])
    patterns = plain.get("forms") or {}
    if strange := [one for pair in patterns.items() for one in pair if not isinstance(one, str)]:
        raise broken(
            path, f"lists {name} forms", "names and patterns, quoted where YAML takes them for else", repr(strange[0])
        )
    found = {}
    for key in LISTS[name]:
        try:
            found[key] = _forms(str(entries[key]), patterns, slot, TAGS[name])
        except ValueError as error:
            raise broken(path, f"lists {name} {key}", "words and their forms", str(error)) from None
    return found


def _forms(entry: str, patterns: Mapping[str, str], slot: str, tag: str) -> Words:
    """Form -> tokens, from 'base | form=words | …'; '*' stands for the base form.

    A form whose pattern is empty is there where an entry gives it.
    """
    base, *rest = (part.strip() for part in entry.split("|"))
    texts = {name: pattern.replace("*", base) for name, pattern in patterns.items() if pattern}
    for part in rest:
        form, equals, text = (piece.strip() for piece in part.partition("="))
        if not equals or form not in patterns:
            raise ValueError(f"'{part}', which is no form of those listed ({', '.join(patterns)}), '=' and words")
        texts[form] = text.replace("*", base)
    tokens = {form: words_of(text, slot, tag) for form, text in texts.items()}
    return {"": words_of(base, slot, tag)} | tokens


def _require_keys(path: Path, place: str, found: Mapping[str, Any], expected: Any) -> None:
    if lost := [key for key in expected if key not in found]:
        raise broken(path, place, f"'{lost[0]}'", "none")
    if strange := [key for key in found if key not in expected]:
        raise broken(path, place, f"keys of {', '.join(expected)}", f"'{strange[0]}'")


def _relations(path: Path, plain: Mapping[str, Any], words: Mapping[str, Mapping[str, Words]]) -> Any:
    _require_keys(path, "relations", plain, RELATIONS)
    found: dict[str, dict[str, Template]] = {}
    for name, relation in RELATIONS.items():
        _require_keys(path, f"relations {name}", plain[name], STYLES)
        both = {"person", relation.slot}
        slots = {"ask": {"person"}, "who": {relation.slot}}
        found[name] = {
            style: _clauses(path, f"relations {name} {style}", plain[name][style], slots.get(style, both), None, words)
            for style in STYLES
        }
    return found


def _clauses(
    path: Path,
    place: str,
    line: Any,
    needed: set[str],
    allowed: set[str] | None,
    words: Mapping[str, Mapping[str, Words]] | None = None,
) -> Template:
    """A template that has the slots it needs, no others than allowed (those alone, if None), in forms that there are."""
    try:
        template = template_of(str(line))
    except ValueError as error:
        raise broken(path, place, "tokens with tags", str(error)) from None
    found = slots_of(template)
    if not needed <= found or not found <= (allowed or needed):
        raise broken(path, place, f"the slots {', '.join(sorted(needed))}", ", ".join(sorted(found)) or "none")
    for item in template:
        if isinstance(item, Slot) and words and any(item.form not in forms for forms in words[item.name].values()):
            raise broken(path, place, "a form of its list", f"'{item.form}'")
        if isinstance(item, Agreeing) and (words is None or item.person not in ("person", "friend")):
            raise broken(path, place, "agreement with @person or @friend of a relation", f"'@{item.person}'")
    return template
