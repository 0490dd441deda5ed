"""PAN-X (WikiANN): places, organisations and persons in Wikipedia sentences of 40 languages."""

from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.tasks.crosslingual.udpos import numbered, tagged
from stilts_xl.tasks.languages import PANX, PANX_R

_TAGGED = ("words", "tags")
_HUB_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

TASK = Task(
    name="panx",
    kind="tag",
    title="PAN-X",
    languages=PANX,
    extra_languages=PANX_R,
    metrics=("f1", "precision", "recall", "accuracy"),
    scorer="panx",
    labels=("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER"),
    files=(
        # XTREME's own files come first, except for its test files: their tags are stripped, the release has them.
        Files(
            format="tagged_tsv",
            paths={"train": "panx/train-{lang}.tsv", "validation": "panx/dev-{lang}.tsv"},
            columns=_TAGGED,
            example=tagged,
        ),
        Files(
            format="tagged_tsv",
            paths={"train": "panx/{lang}/train", "validation": "panx/{lang}/dev", "test": "panx/{lang}/test"},
            columns=_TAGGED,
            example=tagged,
        ),
        Files(
            format="tagged_tsv",
            paths={"test": "panx/test-{lang}.tsv"},
            columns=_TAGGED,
            optional=("tags",),
            example=tagged,
        ),
    ),
    # It lacks the languages that XTREME-R adds; unimelb-nlp/wikiann has them, with the same splits.
    hub=Hub(
        repo="google/xtreme",
        config="PAN-X.{lang}",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=("tokens", "ner_tags"),
        example=numbered("ner_tags", _HUB_TAGS),
        revision="68bd9e06bf4bbe671073c975ccd61d754e1bd3d6",
    ),
    licence="none stated; the text is Wikipedia's, CC BY-SA 3.0",
    citation=(
        "Pan et al. 2017, Cross-lingual Name Tagging and Linking for 282 Languages, ACL; the splits are of Rahimi et "
        "al. 2019, Massively Multilingual Transfer for NER, ACL"
    ),
    homepage="https://github.com/afshinrahimi/mmner",
    sizes="train 20,000 English sentences / validation and test 100 to 10,000 sentences a language",
)
