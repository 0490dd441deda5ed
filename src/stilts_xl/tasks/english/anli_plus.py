"""ANLI+: Adversarial NLI, MultiNLI and SNLI together, as the English intermediate task of Phang et al. 2020."""

from stilts_xl.core.task import Task
from stilts_xl.tasks.rows import NLI_LABELS

TASK = Task(
    name="anli_plus",
    kind="classify",
    title="ANLI+ (ANLI, MultiNLI and SNLI)",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    labels=NLI_LABELS,
    parts=("anli", "mnli", "snli"),
    files=(),
    hub=None,
    licence="those of its three parts",
    citation="Phang et al. 2020, English Intermediate-Task Training Improves Zero-Shot Cross-Lingual Transfer Too, AACL",
    homepage="https://arxiv.org/abs/2005.13013",
    sizes="train 1,104,934 pairs (162,865 + 392,702 + 549,367)",
    where="stilts show task anli, mnli and snli say where its parts come from",
)
