"""Tables as text: for a terminal, Markdown, CSV, LaTeX and JSON."""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from stilts_xl.core.score import Score
from stilts_xl.report.grid import full_colour
from stilts_xl.report.tables import Table

FORMATS = ("table", "markdown", "csv", "latex", "json")
TEX = {
    "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "–": "--", "\\": r"\textbackslash{}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", **{sign: f"\\{sign}" for sign in "_%&#${}"},
}  # fmt: skip
"""Characters that LaTeX reads as something else, or that its fonts lack."""
WIDTH = 120
"""Columns that a table may take where there is no terminal."""
UNBOUNDED = 10_000
BAR = 12
"""Columns of the longest bar."""
BARS, LOSS = "bars", "░"
PARTS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
MORE, LESS = (33, 102, 172), (178, 24, 43)
"""Colours of the largest gain and of the largest loss, which people who see few colours can tell apart."""


def draw(table: Table, console: Console) -> None:
    """Print a table on a console; gains are green or red. What is no terminal gets footer lines unbroken."""
    cells_of = list(zip(table.columns, *table.rows, table.summary, strict=True))
    columns = [_aligned(cells, str.rjust if number else str.ljust) for number, cells in enumerate(cells_of)]
    drawn = _laid_out(table, columns, console)
    console.print(Text(table.title, style="bold"), soft_wrap=True)
    console.print(drawn, soft_wrap=True)
    for line in table.footer:
        console.print(Text(line, style="dim"), soft_wrap=not console.is_terminal)


def _laid_out(table: Table, columns: Sequence[Sequence[str]], console: Console) -> RichTable:
    """The table with bars beside its gains and gaps as wide as the console allows.

    Where even the narrowest without bars do not fit it sticks out, uncut.
    """
    colour = _heat(table) if table.heat else _coloured
    bars = _bars(table)
    drawn = _drawn([*table.columns, BARS], [*columns, bars], colour, 1, 1, console) if bars else None
    if drawn is not None and (drawn.width or 0) <= console.width:
        return drawn
    for right, left in ((1, 1), (1, 0), (0, 0)):
        drawn = _drawn(table.columns, columns, colour, right, left, console)
        if (drawn.width or 0) <= console.width:
            break
    assert drawn is not None
    return drawn


def _drawn(
    names: Sequence[str],
    columns: Sequence[Sequence[str]],
    colour: Callable[[str, str], Text],
    right: int,
    left: int,
    console: Console,
) -> RichTable:
    drawn = RichTable(box=box.SIMPLE, show_footer=True, show_edge=False, pad_edge=False, padding=(0, right, 0, left))
    for name, (head, *_, last) in zip(names, columns, strict=True):
        drawn.add_column(head, footer=colour(last, name), no_wrap=True)
    for cells in list(zip(*columns, strict=True))[1:-1]:
        drawn.add_row(*(colour(cell, name) for name, cell in zip(names, cells, strict=True)))
    drawn.width = Measurement.get(console, console.options.update_width(UNBOUNDED), drawn).maximum
    return drawn


def _aligned(column: Sequence[str], justify: Callable[[str, int], str]) -> list[str]:
    """A column's cells, its head first, all as long, each '±' below another.

    A value without a spread, as an average, stands below the values.
    """
    head, *cells = column
    errors = [cell.partition(" ± ")[2] for cell in cells]
    width = max(len(error) for error in errors)
    if width:
        cells = [
            f"{cell.partition(' ± ')[0]} ± {error:>{width}}" if error else cell + " " * (width + 3)
            for cell, error in zip(cells, errors, strict=True)
        ]
    longest = max(map(len, (head, *cells)))
    return [justify(cell, longest) for cell in (head, *cells)]


def _coloured(cell: str, column: str) -> Text:
    sign = cell.lstrip()[:1]
    if column == BARS:
        return Text(cell, style="red" if sign == LOSS else "green")
    if column.startswith("gain") and sign in ("+", "-"):
        return Text(cell, style="green" if sign == "+" else "red")
    return Text(cell)


def _bars(table: Table) -> list[str]:
    """A column of bars, its head first, as long as the gains that the last column tells; [] where it tells none."""
    if not table.columns[-1].startswith("gain") or table.heat:
        return []
    gains = [_leading(row[-1]) for row in table.rows]
    longest = max((abs(gain) for gain in gains if gain is not None), default=0.0)
    bars = ["" if gain is None or not longest else _bar(gain / longest) for gain in gains]
    return [text.ljust(BAR) for text in ("", *bars, "")]


def _bar(share: float) -> str:
    """A bar for a share between -1 and 1; what is lost is drawn lighter."""
    eighths = round(abs(share) * BAR * 8)
    if share < 0:
        return LOSS * -(-eighths // 8)
    return "█" * (eighths // 8) + PARTS[eighths % 8]


def _leading(cell: str) -> float | None:
    """The number that a cell begins with."""
    found = re.match(r"[+-]?\d+(\.\d+)?", cell.strip())
    return float(found.group()) if found else None


def _heat(table: Table) -> Callable[[str, str], Text]:
    """Colours for gains: blue above nothing and red below, the fuller the more, on one scale for the whole table."""
    values = [_leading(cell) for row in table.rows for cell in row[1:]]
    fullest = full_colour(value for value in values if value is not None)

    def coloured(cell: str, column: str) -> Text:
        value = None if column == table.columns[0] else _leading(cell)
        if value is None:
            return Text(cell)
        share = min(1.0, abs(value) / fullest)
        red, green, blue = (round(255 + (end - 255) * share) for end in (MORE if value > 0 else LESS))
        return Text(cell, style=f"{'white' if share > 0.6 else 'black'} on rgb({red},{green},{blue})")

    return coloured


def plain(tables: Sequence[Table]) -> str:
    """The terminal form without colours, for pipes and files."""
    console = Console(file=io.StringIO(), width=WIDTH, no_color=True, highlight=False)
    for number, table in enumerate(tables):
        if number:
            console.print()
        draw(table, console)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def markdown(tables: Sequence[Table]) -> str:
    """GitHub's Markdown, one table after another."""
    blocks = []
    for table in tables:
        rule = ["---"] + ["---:"] * (len(table.columns) - 1)
        lines = [table.columns, rule, *table.rows, [f"**{cell}**" for cell in table.summary]]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        notes = "\n".join(f"- {_marked(line)}" for line in table.footer)
        blocks.append(f"### {_marked(table.title)}\n\n{body}\n\n{notes}")
    return "\n\n".join(blocks) + "\n"


def _marked(text: str) -> str:
    """Text in which nothing is emphasis: paths that were looked for hold '*'."""
    return text.replace("*", r"\*")


def latex(tables: Sequence[Table]) -> str:
    """booktabs tables; the footer stands in comments."""
    blocks = []
    for table in tables:
        lines = [f"% {table.title}", *(f"% {line}" for line in table.footer)]
        lines.append(r"\begin{tabular}{l" + "r" * (len(table.columns) - 1) + "}")
        lines += [r"\toprule", _tex(table.columns), r"\midrule", *(_tex(row) for row in table.rows), r"\midrule"]
        lines += [_tex(table.summary), r"\bottomrule", r"\end{tabular}"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _tex(cells: Sequence[str]) -> str:
    return " & ".join(map(_tex_cell, cells)) + r" \\"


def _tex_cell(cell: str) -> str:
    """A signed number is mathematics as a whole, spread and all: '$' inside it would end it."""
    if re.fullmatch(r"[+-][\d.]+( ± *[\d.]+)?", cell):
        return f"${cell}$".replace("±", r"\pm")
    return "".join(TEX.get(character, character) for character in cell)


def rows_as_csv(scores: Sequence[Score]) -> str:
    """The tidy rows, full precision."""
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(Score.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(score) for score in scores)
    return file.getvalue()


def rows_as_json(scores: Sequence[Score]) -> str:
    """The tidy rows, full precision."""
    return json.dumps([asdict(score) for score in scores], indent=1, ensure_ascii=False) + "\n"
