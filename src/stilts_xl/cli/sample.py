"""What data=sample is, said while it is written and where somebody looks for it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stilts_xl.core.place import DataPlace


def prepare_sample(places: "Iterable[DataPlace]") -> None:
    """Write each place's sample data where they are not there yet, and say so first. Raises Mistake where that fails."""
    from stilts_xl.data.sample import is_unwritten, root_of

    for place in dict.fromkeys(places):
        if is_unwritten(place):
            typer.echo(f"writing the sample data, an invented world, into {place.root} (once, some seconds)", err=True)
            root_of(place)


def sample_of(place: "DataPlace") -> str:
    """What a place's rows are made from, or ''."""
    if place.sample is None:
        return ""
    made = place.sample
    return (
        f"an invented world from seed {made.seed}: of each task and language {made.train} rows to train "
        f"(of SQuAD paragraphs, four questions each), {made.validation} to validate and {made.test} to test, {made.text} lines of text"
    )
