"""XQuAD: 240 SQuAD paragraphs and their questions, translated by professionals."""

from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.tasks.languages import XQUAD, XQUAD_R
from stilts_xl.tasks.rows import SQUAD_COLUMNS, question

TASK = Task(
    name="xquad",
    kind="span",
    title="XQuAD",
    languages=XQUAD,
    extra_languages=XQUAD_R,
    metrics=("f1", "exact_match"),
    scorer="squad",
    train_on="squad",
    files=(
        Files(
            format="squad_json",
            paths={"test": "xquad/xquad.{lang}.json"},
            columns=SQUAD_COLUMNS,
            example=question,
        ),
    ),
    hub=Hub(
        repo="google/xquad",
        config="xquad.{lang}",
        splits={"test": "validation"},
        columns=SQUAD_COLUMNS,
        example=question,
        revision="51adfef1c1287aab1d2d91b5bead9bcfb9c68583",
    ),
    licence="CC BY-SA 4.0",
    citation="Artetxe et al. 2020, On the Cross-lingual Transferability of Monolingual Representations, ACL",
    homepage="https://github.com/google-deepmind/xquad",
    sizes="test 1,190 questions a language",
)
