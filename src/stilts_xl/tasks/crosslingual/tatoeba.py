"""Tatoeba: for every English sentence, find its translation among the sentences of another language."""

from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.crosslingual.bucc2018 import SIDES, sentence
from stilts_xl.tasks.languages import ISO3, TATOEBA, TATOEBA_R


def both_sides(rows: list[Row]) -> list[Row]:
    """Aligned pairs as the two sides of a search: the English sentences sorted by code point, the others in their order."""
    pairs = [_foreign_and_english(row) for row in rows]
    order = sorted(range(len(pairs)), key=lambda place: pairs[place][1])
    queries: list[Row] = [
        {"id": str(rank), "text": pairs[place][1], "side": "query", "gold": [str(place)]}
        for rank, place in enumerate(order)
    ]
    candidates: list[Row] = [
        {"id": str(place), "text": foreign, "side": "candidate", "gold": None}
        for place, (foreign, _) in enumerate(pairs)
    ]
    return queries + candidates


def _foreign_and_english(row: Row) -> tuple[str, str]:
    source, target = str(row["source_sentence"]).strip(), str(row["target_sentence"]).strip()
    if str(row["target_lang"]).startswith("en"):
        return source, target
    if str(row["source_lang"]).startswith("en"):
        return target, source
    raise ValueError(f"expected pairs with English, found {row['source_lang']!r} and {row['target_lang']!r}")


TASK = Task(
    name="tatoeba",
    kind="retrieve",
    title="Tatoeba",
    languages=TATOEBA,
    extra_languages=TATOEBA_R,
    metrics=("accuracy",),
    scorer="nearest",
    files=(
        # LASER's files are aligned, and so say what is right; XTREME's are the same lines with the English sorted.
        Files(
            format="tatoeba",
            paths={"test": ("tatoeba/tatoeba.{iso3}-eng.{iso3}", "tatoeba/tatoeba.{iso3}-eng.eng")},
            columns=SIDES,
            example=sentence,
        ),
        Files(
            format="xtreme_bitext",
            paths={"test": ("tatoeba/{lang}-en.{lang}", "tatoeba/{lang}-en.en")},
            columns=SIDES,
            example=sentence,
        ),
    ),
    hub=Hub(
        repo="google/xtreme",
        config="tatoeba.{lang}",
        splits={"test": "validation"},
        columns=("source_sentence", "target_sentence", "source_lang", "target_lang"),
        example=sentence,
        prepare=both_sides,
        revision="68bd9e06bf4bbe671073c975ccd61d754e1bd3d6",
        codes=ISO3,
    ),
    licence="CC BY 2.0 FR (the sentences); BSD (the LASER repository)",
    citation=(
        "Artetxe and Schwenk 2019, Massively Multilingual Sentence Embeddings for Zero-Shot Cross-Lingual Transfer and "
        "Beyond, TACL"
    ),
    homepage="https://github.com/facebookresearch/LASER/tree/main/data/tatoeba/v1",
    sizes="test 1,000 pairs a language; fewer in jv ka kk ml sw ta te th (205 to 746)",
)
