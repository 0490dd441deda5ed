"""AdamW as the papers set it, and a learning rate that is a pure function of the step."""

import math

import torch
from torch import nn

from stilts_xl.core.recipe import Recipe


def learning_rate(step: int, total: int, recipe: Recipe) -> float:
    """The rate of the update after ``step`` updates, of ``total``: linear warm-up, then the recipe's schedule.

    The same values as Hugging Face's linear schedule with warm-up: 0 at step 0 of a warm-up, the peak when it ends,
    and 0 only after the last update.
    """
    warmup = recipe.warmup_steps or math.ceil(recipe.warmup_fraction * total)
    if step < warmup:
        return recipe.learning_rate * step / warmup
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return recipe.learning_rate * max(0.0, (total - step) / max(1, total - warmup))


def adamw(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over the parameters that learn; biases and LayerNorm weights do not decay."""
    spared = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.LayerNorm)}
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (plain if name.endswith("bias") or name in spared else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    betas = (recipe.adam_beta1, recipe.adam_beta2)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=betas, eps=recipe.adam_epsilon, fused=True)
