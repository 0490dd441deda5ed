"""MLQA: questions about Wikipedia paragraphs in seven languages, and with question and paragraph in different ones."""

from itertools import permutations

from stilts_xl.core.example import SpanExample
from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.languages import MLQA
from stilts_xl.tasks.rows import SQUAD_COLUMNS, question

PAIRS = tuple(f"{context}-{asked}" for context, asked in permutations(MLQA, 2))
"""Paragraph and question in different languages: 'de-en' asks in English about a German paragraph."""


def of_context(row: Row, language: str) -> SpanExample:
    """A SQuAD row, whose answers are in the paragraph's language."""
    return question(row, language.partition("-")[0])


TASK = Task(
    name="mlqa",
    kind="span",
    title="MLQA",
    languages=MLQA,
    extra_languages=PAIRS,
    metrics=("f1", "exact_match"),
    scorer="mlqa",
    train_on="squad",
    files=(
        Files(
            format="squad_json",
            paths={
                "validation": "mlqa/MLQA_V1/dev/dev-context-{context}-question-{question}.json",
                "test": "mlqa/MLQA_V1/test/test-context-{context}-question-{question}.json",
            },
            columns=SQUAD_COLUMNS,
            example=of_context,
        ),
    ),
    # The publisher's own copy, facebook/mlqa, is a script that would have to be run.
    hub=Hub(
        repo="google/xtreme",
        config="MLQA.{lang}",
        splits={"validation": "validation", "test": "test"},
        columns=SQUAD_COLUMNS,
        example=of_context,
        revision="68bd9e06bf4bbe671073c975ccd61d754e1bd3d6",
        codes={code: f"{code}.{code}" for code in MLQA} | {pair: pair.replace("-", ".") for pair in PAIRS},
    ),
    licence="CC BY-SA 3.0",
    citation="Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive Question Answering, ACL",
    homepage="https://github.com/facebookresearch/MLQA",
    sizes="validation 500 to 1,148 / test 4,517 to 11,590 questions a language",
)
