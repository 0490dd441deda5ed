"""What is computed at once, padding included, stays within the token budget, also where a sequence has several segments."""

import numpy as np
import pytest
from toy_training import KINDS, Run, sequences, training

from stilts_xl.engine.predict import outputs
from stilts_xl.model.inputs import Inputs
from toys import recipe

BUDGET = 130
"""More than any sequence of the toys alone, padded or not."""


def computed(inputs: Inputs, layout: str) -> int:
    """Tokens that the encoder runs for a micro-batch."""
    return sum(inputs.lengths) if layout == "packed" else max(inputs.lengths) * len(inputs.lengths)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["packed", "bucketed", "padded"])
def test_no_pass_is_larger_than_the_budget(kind, layout, tmp_path) -> None:
    given = training(tmp_path, kind=kind, steps=4, computed={"layout": layout, "token_budget": BUDGET})
    seen: list[int] = []
    given.model.register_forward_pre_hook(lambda model, args: seen.append(computed(args[0], layout)))
    Run(given)
    assert len(seen) > 4
    encoded = sequences(kind=kind)
    drawn = KINDS[kind].draw(encoded, np.arange(len(encoded.tokens)), recipe(), 0)
    outputs(given.model, "toy", KINDS[kind].reduce, drawn, layout, BUDGET, False)
    assert max(seen) <= BUDGET
