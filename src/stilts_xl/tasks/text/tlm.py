"""Translation language modelling: a sentence and its English translation, masked together."""

from stilts_xl.core.example import TextExample
from stilts_xl.core.task import Files, Row, Task
from stilts_xl.tasks.languages import XTREME_R
from stilts_xl.tasks.text.mlm import HELD_OUT

LANGUAGES = tuple(language for language in XTREME_R if language != "en")
_FLORES = ("mlm_text/flores200_dev/{flores}.dev", "mlm_text/flores200_dev/eng_Latn.dev")


def pair(row: Row, language: str) -> TextExample:
    """A line and the one that stands opposite."""
    number = str(row["row"])
    return TextExample(number, number, language, row["source"], row["target"])


TASK = Task(
    name="tlm",
    kind="mlm",
    title="Translation language modelling",
    languages=LANGUAGES,
    train_languages=LANGUAGES,
    metrics=("loss", "accuracy"),
    scorer="masked",
    files=(
        Files(
            format="parallel",
            paths={
                split: (f"tlm/{split}.{{lang}}-en.{{lang}}", f"tlm/{split}.{{lang}}-en.en")
                for split in ("train", "validation")
            },
            columns=("source", "target"),
            example=pair,
        ),
        Files(
            format="parallel",
            paths={"train": _FLORES, "validation": _FLORES},
            columns=("source", "target"),
            example=pair,
            held_out=HELD_OUT,
        ),
    ),
    hub=None,
    licence="that of the text; FLORES-200: CC BY-SA 4.0",
    citation="Conneau and Lample 2019, Cross-lingual Language Model Pretraining, NeurIPS; FLORES-200: NLLB Team 2022, No Language Left Behind: Scaling Human-Centered Machine Translation",
    homepage="https://github.com/facebookresearch/flores",
    sizes="as much as there is; FLORES-200 dev: 997 sentences a language, of which one in 20 is held out",
    where="two files for language xx whose lines are translations of one another, tlm/train.xx-en.xx and tlm/train.xx-en.en "
    "(and validation.…), or the dev files of FLORES-200 in mlm_text/flores200_dev",
)
