"""A grid's tables: averages of cells, gains over no intermediate task, and what a reader must know."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from stilts_xl.core.score import Score
from stilts_xl.core.stage import Predict
from stilts_xl.core.study import Cell, Phase
from stilts_xl.report.collect import Scored
from stilts_xl.report.grid import full_colour, grid_gains, grid_tables
from stilts_xl.report.picture import draw_gains
from stilts_xl.report.render import draw
from stilts_xl.report.tables import Table
from stilts_xl.store.runs import Run
from toys import SCRATCH, learned, recipe, rows


def cell(intermediate: str, target: str, values: dict[str, float], seed: int = 1, metric: str = "f1") -> Scored:
    """A chain with these scores by language."""
    phases = (Phase(target, target, recipe(seed=seed)),)
    if intermediate != "none":
        phases = (Phase(intermediate, intermediate, recipe(seed=seed)), *phases)
    asked = Cell(SCRATCH, intermediate, target, phases, ("en", "fi", "te"), "test", "toy")
    goals = tuple(Predict(rows(target, "test", language), learned(target)) for language in values)
    scores = tuple(
        Score("scratch", intermediate, target, language, "test", seed, "toy", metric, value, 9, "key")
        for language, value in values.items()
    )
    return Scored(Run(asked, goals, {}, "local", 0), scores, {}, {}, (), ())


def test_a_cell_is_the_mean_over_languages_and_seeds() -> None:
    found = [
        cell("none", "tydiqa", {"en": 40.0, "fi": 20.0}),
        cell("none", "tydiqa", {"en": 50.0, "fi": 30.0}, seed=2),
        cell("squad", "tydiqa", {"en": 60.0, "fi": 30.0}),
    ]
    scores, gains = grid_tables(found)
    assert scores.columns == ("intermediate", "tydiqa ↑")
    assert scores.rows == (("none", "35.0 ± 7.1"), ("squad", "45.0"))
    assert scores.summary == ("best", "squad")
    assert gains.rows == (("squad", "+15.0"),), "over the chain of the same seed"
    assert "metric, split and languages: tydiqa f1, test, 2 of 3" in scores.footer
    assert "protocol toy · mean over seeds 1, 2, ± their standard deviation" in scores.footer


def test_a_lower_loss_is_better_and_a_gain() -> None:
    found = [cell("none", "mlm", {"en": 2.5}, metric="loss"), cell("squad", "mlm", {"en": 2.25}, metric="loss")]
    scores, gains = grid_tables(found)
    assert scores.columns == ("intermediate", "mlm ↓")
    assert scores.summary == ("best", "squad")
    assert gains.rows == (("squad", "+0.250"),)


def test_cells_that_are_not_here_are_dashes_and_rows_keep_the_catalog_s_order() -> None:
    found = [
        cell("squad", "xquad", {"en": 10.0}),
        cell("mnli", "tydiqa", {"en": 20.0}),
        cell("none", "tydiqa", {"en": 20.04}),
    ]
    scores, gains = grid_tables(found)
    assert scores.rows == (("none", "20.0", "–"), ("mnli", "20.0", "–"), ("squad", "–", "10.0"))
    assert gains.rows == (("mnli", "0.0", "–"), ("squad", "–", "–"))
    assert gains.summary == ("mean", "0.0", "–")


def test_without_the_row_none_there_are_no_gains_and_models_stand_apart() -> None:
    one = cell("squad", "xquad", {"en": 10.0})
    other = replace(one, run=replace(one.run, cell=replace(one.run.cell, model=replace(SCRATCH, name="tiny"))))
    titles = [table.title for table in grid_tables([one, other])]
    assert titles == ["scratch: average over languages", "tiny: average over languages"]


def test_sample_rows_and_limits_are_told() -> None:
    found = cell("none", "xquad", {"en": 10.0})
    found = replace(found, run=replace(found.run, source="sample", limit=7))
    footer = grid_tables([found])[0].footer
    assert any(line.startswith("sample data") for line in footer)
    assert "limited to 7 examples a split: not comparable with other results" in footer


def test_a_gain_over_seeds_is_that_of_each_seed_and_their_spread() -> None:
    found = [
        *(cell("none", "tydiqa", {"en": value}, seed) for seed, value in ((1, 40.0), (2, 50.0), (3, 45.0))),
        *(cell("squad", "tydiqa", {"en": value}, seed) for seed, value in ((1, 42.0), (2, 54.0), (3, 51.0))),
    ]
    _, gains = grid_tables(found)
    assert gains.rows == (("squad", "+4.0 ± 2.0"),)  # 2, 4, 6: their standard deviation is 2
    (values,) = grid_gains(found)
    assert values.values == (({1: 2.0, 2: 4.0, 3: 6.0},),)


def test_a_picture_of_the_gains_is_written_with_what_a_reader_must_know(tmp_path: Path) -> None:
    found = [
        replace(one, run=replace(one.run, source="sample"))
        for one in (
            cell("none", "tydiqa", {"en": 40.0}),
            cell("squad", "tydiqa", {"en": 44.0}),
            cell("none", "xquad", {"en": 10.0}),
            cell("mnli", "xquad", {"en": 9.0}),
        )
    ]
    path = tmp_path / "gains.svg"
    draw_gains(grid_gains(found), path)
    drawn = re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"))
    assert {"+4.0", "-1.0"} <= set(drawn)
    assert {"mnli", "squad"} <= set(drawn) and any("sample data" in text for text in drawn)
    draw_gains(grid_gains(found), tmp_path / "gains.png")
    assert (tmp_path / "gains.png").read_bytes().startswith(b"\x89PNG")


def test_one_extreme_gain_does_not_pale_the_others() -> None:
    assert full_colour([1.0, -2.0, 3.0]) == 3.0
    assert full_colour([0.5] * 18 + [4.0, -50.0]) == 0.5
    assert full_colour([0.0] * 19 + [2.0]) == 2.0
    assert full_colour([]) == full_colour([0.0, 0.0]) == 1.0


def test_a_map_of_colours_is_darkest_where_the_gain_is_largest() -> None:
    table = Table(
        "t", ("intermediate", "xquad"), (("mnli", "+4.0"), ("qqp", "-2.0"), ("ccg", "–")), ("mean", "+1.0"), (), True
    )
    console = Console(file=StringIO(), force_terminal=True, color_system="truecolor", width=80)
    draw(table, console)
    said = console.file.getvalue()
    assert "48;2;33;102;172" in said, "the largest gain has the whole colour"
    assert "48;2;216;140;149" in said, "half as large a loss has half of its own: (255 + 178) / 2, …"
