"""Masked language modelling on running text in XTREME-R's languages, to mix with a task or to train before it."""

from stilts_xl.core.example import TextExample
from stilts_xl.core.task import Files, Row, Task
from stilts_xl.tasks.languages import XTREME_R

HELD_OUT = 20
"""Of text without official splits every so many-th line validates."""


def line(row: Row, language: str) -> TextExample:
    """A line of text, on its own: neighbours in a file need not have anything in common."""
    number = str(row["row"])
    return TextExample(number, number, language, row["text"], "")


def _undivided(path: str) -> Files:
    return Files(
        format="text", paths={"train": path, "validation": path}, columns=("text",), example=line, held_out=HELD_OUT
    )


TASK = Task(
    name="mlm",
    kind="mlm",
    title="Masked language modelling",
    languages=XTREME_R,
    train_languages=XTREME_R,
    metrics=("loss", "accuracy"),
    scorer="masked",
    files=(
        Files(
            format="text",
            paths={split: f"mlm/{split}.{{lang}}.txt" for split in ("train", "validation")},
            columns=("text",),
            example=line,
        ),
        _undivided("mlm_text/flores200_dev/{flores}.dev"),
        _undivided("mlm_text/ud_text/{lang}.txt"),
    ),
    hub=None,
    licence="that of the text; FLORES-200: CC BY-SA 4.0",
    citation="Devlin et al. 2019, BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding, NAACL; FLORES-200: NLLB Team 2022, No Language Left Behind: Scaling Human-Centered Machine Translation",
    homepage="https://github.com/facebookresearch/flores",
    sizes="as much as there is; FLORES-200 dev: 997 sentences a language, of which one in 20 is held out",
    where="any text will do, a sentence or paragraph a line: mlm/train.xx.txt and mlm/validation.xx.txt for language xx, "
    "or the dev files of FLORES-200 in mlm_text/flores200_dev",
)
