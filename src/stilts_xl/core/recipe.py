"""Recipe is how to learn, every field of it identity; Compute is where, and never identity."""

from dataclasses import dataclass, field

LATER = {"later": True}
"""Metadata of a field added to a published class: it enters a key only where it differs from its default."""


@dataclass(frozen=True)
class Recipe:
    """How one stage learns. Two stages with equal recipes, data and start are the same stage."""

    learning_rate: float
    """Peak learning rate."""
    epochs: float
    """Passes over the training sequences; windows count as sequences for reading tasks."""
    batch_size: int
    """Sequences in one optimiser step, on any hardware."""
    max_length: int
    """Longest input in sub-tokens, special tokens included."""
    max_steps: int
    """Upper bound on optimiser steps; 0 for none."""
    warmup_fraction: float
    """Share of the steps with rising learning rate; used when warmup_steps is 0."""
    warmup_steps: int
    schedule: str
    """linear (to 0) or constant, after the warm-up."""
    weight_decay: float
    """Not applied to biases and LayerNorm weights."""
    adam_beta1: float
    adam_beta2: float
    adam_epsilon: float
    max_grad_norm: float
    """Global gradient norm bound; 0 for none."""
    precision: str
    """fp32, or bf16: autocast on CUDA. A CPU trains in fp32 whatever this says, and the record notes it."""
    selection: str
    """best (by English validation data) or last."""
    eval_every: int
    """Steps between validations when selection is best."""
    eval_examples: int
    """First validation examples used; 0 for all."""
    patience: int
    """Validations without improvement before the stage stops; 0 for never."""
    stride: int
    """Sub-tokens between the starts of two neighbouring windows of a passage."""
    max_query_length: int
    """Questions are cut to this many sub-tokens."""
    max_answer_length: int
    """Longest answer in sub-tokens."""
    n_best: int
    """Start and end candidates kept per window when decoding."""
    seed: int
    alpha: float = field(default=1.0, metadata=LATER)
    """Sampling exponent of a mixture: a part of n sequences is drawn in proportion to n ** alpha."""
    mask_probability: float = field(default=0.15, metadata=LATER)
    """Share of the sub-tokens that masked language modelling predicts."""
    no_answer_threshold: float = field(default=0.0, metadata=LATER)
    """A question has no answer where the null span's score exceeds the best span's by more than this."""
    frozen: str = field(default="none", metadata=LATER)
    """What of the encoder does not learn: none, or embeddings (of sub-tokens, positions and types, and their norm)."""
    shuffled_labels: bool = field(default=False, metadata=LATER)
    """A control: the training rows exchange their labels at random, so that only the texts are left to learn from."""


@dataclass(frozen=True)
class Retrieval:
    """How sentences become vectors and vectors neighbours. Every field is identity."""

    layer: int
    """Index into the hidden states, 0 the embeddings; -1 is seven twelfths of the blocks, as 14 of XLM-R Large's 24."""
    pooling: str
    """mean over all sub-tokens, special tokens included, or cls, the first one."""
    max_length: int
    """Longest sentence in sub-tokens, special tokens included."""
    neighbours: int
    """Nearest neighbours that a margin is taken over."""
    precision: str
    """fp32, or bf16: autocast on CUDA."""
    curve: bool
    """Whether every layer is scored, from the same pass."""


@dataclass(frozen=True)
class Compute:
    """Where and how fast. Nothing here may change a result beyond the order of floating-point sums."""

    device: str
    """auto, cpu or cuda."""
    layout: str
    """packed (no padding), bucketed (sorted by length, padded), padded (given order), or auto."""
    token_budget: int
    """Tokens in one forward and backward pass, padding included; 0 chooses by device."""
    eval_token_budget: int
    """The same for prediction."""
    processes: int
    """Data-parallel processes for one training."""
    threads: int
    """CPU threads a process; 0 leaves torch's choice."""
    checkpoint_steps: int
    """Steps between resumable checkpoints."""
