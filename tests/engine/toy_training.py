"""Trainings of a tiny encoder on random sequences with random targets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, PreTrainedModel, XLMRobertaConfig

from stilts_xl.core.event import Event
from stilts_xl.data.batches import batch, steps_per_epoch
from stilts_xl.engine.loop import train
from stilts_xl.engine.training import Lesson, Outcome, Plan, Training
from stilts_xl.kinds.base import Encoded
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.kinds.mlm import Vocabulary
from stilts_xl.model.encoder import TaskModel, weights
from stilts_xl.model.heads import Head, SentenceHead, initialise
from toys import compute, recipe, token_head

VOCABULARY = 60
MASK = 3
OPTIONS = 3
LABELS = {"classify": 3, "tag": 5, "choose": 1, "mlm": 0, "span": 2}
"""Outputs of each kind's head; the vocabulary's for mlm."""


def encoder(dropout: float = 0.0, outputs: int = 3) -> PreTrainedModel:
    """A tiny XLM-R, the same weights every time."""
    config = XLMRobertaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=1,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        num_labels=outputs,
    )
    torch.manual_seed(11)
    return AutoModel.from_config(config)


def sequences(number: int = 30, kind: str = "classify", seed: int = 5) -> Encoded:
    """Random tokens of mixed lengths with random targets; each sequence is an example of its own."""
    random = np.random.default_rng(seed)
    lengths = random.integers(2, 40, number)
    tokens = [random.integers(4, VOCABULARY, length).astype(np.int32) for length in lengths]
    owner = np.arange(number)
    if kind == "classify":
        return Encoded(tokens, owner, list(random.integers(0, 3, (number, 1))), 0)
    if kind == "span":
        return Encoded(tokens, owner, list(np.sort(random.integers(0, lengths[:, None], (number, 2)), axis=1)), 0)
    if kind == "tag":
        chosen = [np.sort(random.choice(n, random.integers(1, n), replace=False)) for n in lengths.tolist()]
        targets = [random.integers(0, LABELS["tag"], len(places)) for places in chosen]
        return Encoded(tokens, owner, targets, 0, chosen=chosen)
    if kind == "choose":
        segments = [random.integers(1, 14, OPTIONS).tolist() for _ in owner]
        tokens = [random.integers(4, VOCABULARY, sum(parts)).astype(np.int32) for parts in segments]
        return Encoded(tokens, owner, list(random.integers(0, OPTIONS, (number, 1))), 0, segments=segments)
    nothing = [np.empty(0, np.int64)] * number
    return Encoded(tokens, owner, nothing, 0, detail=Vocabulary(MASK, np.arange(4), np.arange(4, VOCABULARY)))


def new_head(kind: str = "classify", dropout: float = 0.0, start: PreTrainedModel | None = None) -> Head:
    """A head for the toy encoder, the same weights every time; for mlm it holds the table of the one it starts from."""
    if kind == "classify":
        head: Head = SentenceHead(16, 3, dropout)
    elif kind == "span":
        head = token_head()
    else:
        head = KINDS[kind].head(start or encoder(dropout), tuple(map(str, range(LABELS[kind]))))
    initialise(head, 0.1, torch.Generator().manual_seed(2))
    return head


def training(
    folder: Path,
    *,
    kind: str = "classify",
    dropout: float = 0.0,
    steps: int = 12,
    head: Head | None = None,
    encoded: Encoded | None = None,
    validate: Callable[[TaskModel], float] | None = None,
    higher: bool = True,
    tracker: str = "none",
    computed: dict[str, Any] | None = None,
    **learning: Any,
) -> Training:
    """A training whose recipe and compute are the toys' but for what is given.

    Adam's epsilon is large, for some gradients are zero in truth (a span's bias, a key's) and rounding should not be learned.
    """
    rule = recipe(**({"max_steps": steps, "learning_rate": 3e-3, "adam_epsilon": 1e-4} | learning))
    place = compute(**({"token_budget": 100} | (computed or {})))
    found = encoded or sequences(kind=kind)
    number, start = len(found.tokens), encoder(dropout)
    assert steps >= steps_per_epoch(number, rule.batch_size), "more than an epoch"
    return Training(
        slug="toy-00000000",
        model=TaskModel(start, {"toy": head or new_head(kind, dropout, start)}, place.layout),
        lessons={"toy": Lesson(KINDS[kind], found, tuple(f"example-{index}" for index in range(number)))},
        plan=Plan(steps, lambda step: ("toy", batch(step, (number,), rule.batch_size, rule.seed, 1.0))),
        recipe=rule,
        compute=place,
        folder=folder,
        validate=validate,
        higher=higher,
        tracker=tracker,
        tracking=folder / "tracking",
    )


class Run:
    """What a training did and said."""

    def __init__(self, given: Training, stop_after: int | None = None) -> None:
        self.training = given
        self.events: list[Event] = []
        self.outcome: Outcome = train(given, self.events.append, lambda: len(self.losses) + 1 == stop_after)

    @property
    def losses(self) -> list[float]:
        """The loss of each step that ran."""
        return [event.loss for event in self.events if event.phase == "train" and event.loss is not None]

    @property
    def rates(self) -> list[float]:
        """The learning rate of each step that ran."""
        return [event.learning_rate for event in self.events if event.learning_rate is not None]

    @property
    def messages(self) -> list[str]:
        """The lines for people."""
        return [event.message for event in self.events if event.message]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The model's tensors afterwards."""
        return weights(self.training.model)


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of weights are the same to the bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def assert_close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    """Two sets of weights are the same up to the order of sums."""
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(
            one[name], other[name], rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
