"""Every language file says everything, in its own letters and words; a file that does not is refused at the place."""

import unicodedata
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world_rows import english

from stilts_xl.core.errors import Mistake
from stilts_xl.data.world.facts import LISTS, NUMERALS, RELATIONS, Fact
from stilts_xl.data.world.language import LANGUAGES, STYLES, Language, languages, read_language
from stilts_xl.data.world.render import joint, sentence, text_of, told
from stilts_xl.data.world.tagging import entities
from stilts_xl.data.world.template import Agreeing, Slot, Template, Token, words_of
from stilts_xl.tasks.crosslingual.udpos import UPOS
from stilts_xl.tasks.languages import XTREME_R

CODES = sorted(languages())
CONTENT = ("ADJ", "ADV", "NOUN", "VERB")
ENTITIES = {"person", "friend", "city", "org"}
every_fact = st.builds(
    lambda relation, person, value: Fact(
        relation, person, LISTS[RELATIONS[relation].values][value % len(LISTS[RELATIONS[relation].values])]
    ),
    st.sampled_from(list(RELATIONS)),
    st.sampled_from(LISTS["person"]),
    st.integers(0, 1000),
)


@pytest.fixture(params=CODES)
def language(request: pytest.FixtureRequest) -> Language:
    return languages()[request.param]


def templates(language: Language) -> list[Template]:
    related = [template for styles in language.templates.values() for template in styles.values()]
    return [*related, language.joint, *language.frames]


def own_tokens(language: Language) -> list[Token]:
    """The words of a language's templates."""
    found: list[Token] = []
    for item in (item for template in templates(language) for item in template):
        found += [item] if isinstance(item, Token) else [item.male, item.female] if isinstance(item, Agreeing) else []
    return found


def all_tokens(language: Language) -> list[Token]:
    listed = [
        token
        for keys in language.words.values()
        for forms in keys.values()
        for some in forms.values()
        for token in some
    ]
    return [*own_tokens(language), *listed]


def name(language: Language, slot: str, key: str) -> str:
    return text_of(language, language.words[slot][key][""])


def test_the_languages_are_those_of_the_benchmarks():
    assert set(CODES) <= set(XTREME_R) and "en" in CODES


def test_every_letter_belongs_to_the_scripts_of_the_language(language):
    for token in all_tokens(language):
        for character in token.text:
            if unicodedata.category(character)[0] in "LM":
                assert unicodedata.name(character).startswith((*language.scripts, "COMBINING")), (token, character)


def test_every_text_is_written_in_composed_characters(language):
    for token in all_tokens(language):
        assert token.text == unicodedata.normalize("NFC", token.text) and not set(token.text) & set(' \t"{}|*'), token


def test_no_content_word_of_the_english_templates_is_left_in_another_language(language):
    if language.code == "en":
        return
    foreign = {token.text.casefold() for token in own_tokens(english()) if token.tag in CONTENT}
    own = {token.text.casefold() for token in own_tokens(language) if token.tag in CONTENT}
    assert own & foreign == language.loans


def test_no_two_keys_of_a_list_have_the_same_words(language):
    for slot, keys in language.words.items():
        found = [name(language, slot, key) for key in keys]
        assert len(set(found)) == len(found), (slot, sorted(one for one in found if found.count(one) > 1))


def test_no_two_people_or_places_have_the_same_name(language):
    people, cities, organisations = (
        {name(language, slot, key) for key in LISTS[slot]} for slot in ("person", "city", "org")
    )
    assert not (people & cities or people & organisations or cities & organisations)


@pytest.mark.parametrize("relation", RELATIONS)
def test_the_styles_of_a_relation_say_different_things(language, relation):
    fact = Fact(relation, "anna", LISTS[RELATIONS[relation].values][5])
    said = [text_of(language, sentence(language, fact, style)) for style in STYLES]
    assert all(one.strip(".。।၊။?？؟") != other.strip(".。।၊။?？؟") for one, other in combinations(said, 2)), said


def test_a_tag_of_any_language_occurs_in_english(language):
    assert {token.tag for token in all_tokens(language)} <= {token.tag for token in all_tokens(english())} | {"PUNCT"}


def test_the_english_templates_use_every_tag_there_is():
    assert {token.tag for token in all_tokens(english())} == set(UPOS)


@given(st.sampled_from(CODES), st.lists(st.tuples(every_fact, st.sampled_from(STYLES)), min_size=1, max_size=3))
def test_a_text_holds_its_tokens_in_order_and_every_slot_where_it_is_said_to_be(code, said):
    language = languages()[code]
    whole = [sentence(language, fact, style) for fact, style in said]
    found = told(language, whole)
    place = 0
    for token in (token for one in whole for token in one):
        place = found.text.index(token.text, place)
        place += len(token.text)
    assert place == len(found.text)
    assert found.text.replace(" ", "") == "".join(token.text for one in whole for token in one)
    for tokens, spans in zip(whole, found.spans, strict=True):
        assert spans.keys() == {token.slot for token in tokens if token.core}
        for slot, span in spans.items():
            core = [token.text for token in tokens if token.core and token.slot == slot]
            assert found.text[span.start :].startswith(span.text)
            assert span.text.replace(" ", "") == "".join(core)


@given(st.sampled_from(CODES), every_fact)
def test_a_statement_tells_its_person_and_its_value_and_a_question_only_one_of_them(code, fact):
    language = languages()[code]
    value = RELATIONS[fact.relation].slot
    slots = {style: {token.slot for token in sentence(language, fact, style) if token.core} for style in STYLES}
    assert all(slots[style] == {"person", value} for style in ("say", "also", "not"))
    assert slots["ask"] == {"person"} and slots["who"] == {value}


@given(st.sampled_from(CODES), every_fact, every_fact)
def test_entities_are_the_names_of_a_sentence_from_their_first_word_on(code, one, other):
    language = languages()[code]
    tokens = joint(language, (one, "say"), (other, "also"))
    tags = [tag for _, tag in entities(tokens)]
    before = "O"
    for token, tag in zip(tokens, tags, strict=True):
        assert (tag != "O") == (token.core and token.slot in ENTITIES)
        assert not tag.startswith("I-") or before[1:] == tag[1:]
        before = tag
    named = {fact.person for fact in (one, other)} | {
        f.value for f in (one, other) if RELATIONS[f.relation].slot in ENTITIES
    }
    assert len(named) <= sum(tag.startswith("B-") for tag in tags)


def test_a_language_without_spaces_has_none(language):
    if not language.space:
        facts = [Fact(name, "eva_lind", LISTS[one.values][3]) for name, one in RELATIONS.items()]
        assert not any(" " in text_of(language, sentence(language, fact, style)) for fact in facts for style in STYLES)


def test_a_sentence_begins_with_a_capital_where_the_script_has_them(language):
    for relation, one in RELATIONS.items():
        for style in STYLES:
            text = text_of(language, sentence(language, Fact(relation, "anna", LISTS[one.values][2]), style))
            first = next(character for character in text if character.isalnum())
            assert first == first.title(), text


def test_english_sentences_are_as_one_would_write_them():
    facts = {
        ("lives", "also"): "Paul Moor's home is in Rio Tano.",
        ("born", "ask"): "In which year was Paul Moor born?",
        ("car", "not"): "Paul Moor's car is not silver.",
        ("helped", "say"): "Paul Moor helped Victor Kan.",
    }
    for (relation, style), text in facts.items():
        fact = Fact(relation, "paul_moor", LISTS[RELATIONS[relation].values][-1])
        assert text_of(english(), sentence(english(), fact, style)) == text


def test_words_agree_with_the_person_they_are_about():
    russian, french = languages()["ru"], languages()["fr"]
    helped = Fact("helped", "adam", "anna")
    assert text_of(russian, sentence(russian, helped, "say")) == "Адам помог Анне."
    assert text_of(russian, sentence(russian, helped, "also")) == "Анна получила помощь от Адама."
    assert text_of(russian, sentence(russian, helped, "who")) == "Кто помог Анне?"
    assert text_of(french, sentence(french, Fact("job", "olga", "baker"), "say")) == "Olga travaille comme boulangère."
    assert text_of(french, sentence(french, Fact("summer", "olga", "arlen"), "ask")) == "Où Olga a-t-elle passé l'été ?"
    assert told(french, [sentence(french, Fact("pet", "ada", "donkey"), "say")]).spans[0]["animal"].text == "âne"


def test_what_a_slot_names_is_told_without_the_words_around_it():
    found = words_of("in/ADP der/DET Helio Bank ~da/ADP", "org", "PROPN")
    assert [token.text for token in found if token.core] == ["Helio", "Bank"]
    inner = words_of("Benki ya/ADP Helio", "org", "PROPN")
    assert [token.text for token in inner if token.core] == ["Benki", "ya", "Helio"]


def test_two_statements_that_stand_apart_begin_with_capitals(tmp_path):
    changed = (LANGUAGES / "en.yaml").read_text(encoding="utf-8").replace('"{s} and/CCONJ {t}"', '"{s} ./PUNCT {t}"')
    (tmp_path / "en.yaml").write_text(changed, encoding="utf-8")
    found = read_language(tmp_path / "en.yaml")
    fact = Fact("car", "anna", "red"), "say"
    fronted = Fact("bought", "adam", "lamp"), "also"
    assert text_of(found, joint(found, fact, fronted)) == "Anna's car is red. At the market Adam bought a lamp."


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("    anna: Anna\n", "", "lists person: expected 'anna', found none"),
        ("    anna: Anna\n", "    anna: Anna\n    annika: Annika\n", "lists person: .*found 'annika'"),
        ("    anna: Anna\n", "    anna: Anna | gen=Annas\n", "lists person anna: .*'gen=Annas'"),
        ("    anna: Anna\n", "    forms: {on: '*'}\n    anna: Anna\n", "lists person forms: .*found True"),
        ("    anna: Anna\n", "    anna: Anna/NAME\n", "lists person anna: .*'Anna/NAME'"),
        ("lives/VERB in/ADP {city}", "lives in/ADP {city}", "relations lives say: .*'lives'"),
        ("lives/VERB in/ADP {city}", "lives/VERB in/ADP", "relations lives say: expected the slots city, person"),
        ("lives/VERB in/ADP {city}", "lives/VERB in/ADP {city.in}", "relations lives say: .*found 'in'"),
        (
            "lives/VERB in/ADP {city}",
            "lives/VERB in/ADP {city} {year}",
            "relations lives say: .*found city, person, year",
        ),
        ("lives/VERB in/ADP {city}", "lives/VERB in/ADP {city}s", "relations lives say: .*a slot stands alone"),
        ("lives/VERB in/ADP {city}", "lives|/VERB in/ADP {city}", "relations lives say: .*lacks one of two words"),
        ("lives/VERB in/ADP {city}", "he|she@city/PRON in/ADP {city}", "relations lives say: .*found '@city'"),
        ('"{s} and/CCONJ {t}"', '"{s} and/CCONJ"', "joint: expected the slots s, t, found s"),
        ('"{s} and/CCONJ {t}"', '"{s} he|she/PRON {t}"', "joint: expected agreement"),
        ("spaces: true", "spacing: true", "spacing: .*found 'spacing'"),
        ('stop: "."', "stop: 1", "stop: expected a str, found 1"),
        ("frames:\n", "frames: []\nloans:\n", "frames: expected one or more"),
        ("language: en", "language: de", "language: expected 'en'"),
        ("relations:\n", "relations: {\n", "is no YAML"),
        ("    ask:", "    asks:", "relations lives: expected 'ask', found none"),
    ],
)
def test_a_file_with_a_fault_is_refused_at_its_place(tmp_path: Path, old: str, new: str, place: str):
    whole = (LANGUAGES / "en.yaml").read_text(encoding="utf-8").replace('stop: "."', 'spaces: true\nstop: "."', 1)
    assert old in whole
    (tmp_path / "en.yaml").write_text(whole.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Mistake, match=place):
        read_language(tmp_path / "en.yaml")


def test_years_and_numbers_are_digits_everywhere(language):
    for slot in NUMERALS:
        assert all(name(language, slot, key) == key for key in LISTS[slot])


def test_every_form_is_asked_for_by_some_template(language):
    used = {(item.name, item.form) for template in templates(language) for item in template if isinstance(item, Slot)}
    for slot, keys in language.words.items():
        forms = {form for words in keys.values() for form in words} - {""}
        needed = {form for form in forms if form != "f" and not form.endswith("_f")}
        owner = {"friend": {"person", "friend"}, "person": {"person", "friend"}}.get(slot, {slot})
        assert needed <= {form for name, form in used if name in owner}, (slot, needed)
