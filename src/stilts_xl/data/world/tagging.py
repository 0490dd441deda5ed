"""Tagged sentences: UDPOS, PAN-X and CCG supertags."""

from collections.abc import Iterator
from random import Random

from stilts_xl.data.world.english import SUPERTAGGED, read_english
from stilts_xl.data.world.facts import RELATIONS, Fact, facts_of, stream
from stilts_xl.data.world.language import STYLES, Language
from stilts_xl.data.world.render import Sentence, framed, joint, sentence
from stilts_xl.data.world.template import Slot
from stilts_xl.data.world.world import Files, Languages, World, lines, present
from stilts_xl.tasks.languages import PANX, UDPOS

SPLITS = (("train", "train"), ("validation", "dev"), ("test", "test"))
ENTITIES = {"person": "PER", "friend": "PER", "city": "LOC", "org": "ORG"}
NAMING = tuple(name for name, relation in RELATIONS.items() if relation.slot in ENTITIES)
"""Relations whose value has a name."""
Tagged = list[tuple[str, str]]


def tagging_files(world: World, languages: Languages) -> Files:
    """The files of all tasks of this kind."""
    for task, codes, sentences in (("udpos", UDPOS, _udpos), ("panx", PANX, _panx)):
        for split, stem in SPLITS:
            for language in present(codes if split != "train" else ("en",), languages):
                random = stream(world.seed, task, split, language.code)
                found = (sentences(split, random, language, number) for number in range(world.rows(split)))
                yield f"{task}/{stem}-{language.code}.tsv", _tagged(found)
    for english in present(("en",), languages):
        for split, stem in SPLITS[:2]:
            yield f"ccg/ccg.{stem}", lines(_ccg(world, split, english))


def _tagged(sentences: Iterator[Tagged]) -> str:
    """A word, a tab and its tag a line; a blank line between two sentences."""
    return "\n".join("".join(f"{word}\t{tag}\n" for word, tag in one) for one in sentences)


def _udpos(split: str, random: Random, language: Language, number: int) -> Tagged:
    """Of ten sentences six are plain ones and questions in all styles, three are framed, and one is joint."""
    facts = random.choices(facts_of(split), k=2)
    kind = number % 10
    if kind < 6:
        tokens = sentence(language, facts[0], random.choice(STYLES))
    else:
        one, two = ((fact, random.choice(("say", "also", "not"))) for fact in facts)
        frame = random.randrange(len(language.frames))
        tokens = framed(language, frame, one, two) if kind < 9 else joint(language, one, two)
    return [(token.text, token.tag) for token in tokens]


def _panx(split: str, random: Random, language: Language, number: int) -> Tagged:
    """Of three sentences two are about named values, and one about whatever there is."""
    relation = random.choice(NAMING if number % 3 else tuple(RELATIONS))
    fact = random.choice(facts_of(split, relation))
    return entities(sentence(language, fact, random.choice(("say", "also", "not", "say", "also", "who"))))


def entities(tokens: Sentence) -> Tagged:
    """Words and their BIO tags."""
    found: Tagged = []
    before = ""
    for token in tokens:
        kind = ENTITIES.get(token.slot, "") if token.core else ""
        inside = before == token.slot
        found.append((token.text, f"{'I' if inside else 'B'}-{kind}" if kind else "O"))
        before = token.slot if kind else ""
    return found


def _ccg(world: World, split: str, english: Language) -> Iterator[str]:
    """Words, a tab and their categories a line; every fourth sentence is a joint one."""
    known = read_english()
    random = stream(world.seed, "ccg", split)
    for number in range(world.rows(split)):
        one, two = ((fact, random.choice(SUPERTAGGED)) for fact in random.choices(facts_of(split), k=2))
        if number % 4:
            tokens, tags = sentence(english, *one), _supertags(english, *one)
        else:
            tokens = joint(english, one, two)
            tags = [*_supertags(english, *one), known.joint, *_supertags(english, *two)]
        yield f"{' '.join(token.text for token in tokens)}\t{' '.join([*tags, known.stop])}"


def _supertags(english: Language, fact: Fact, style: str) -> list[str]:
    """The categories of a fact's tokens; in a name of several words each modifies the next."""
    tags: list[str] = []
    template = english.templates[fact.relation][style]
    for item, tag in zip(template, read_english().supertags[fact.relation][style], strict=True):
        words = 1
        if isinstance(item, Slot):
            key = fact.person if item.name == "person" else fact.value
            words = len(english.words[item.name][key][item.form])
        tags += [f"{tag}/{tag}"] * (words - 1) + [tag]
    return tags
