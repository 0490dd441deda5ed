"""Tables as text: for a terminal, Markdown, CSV, LaTeX and JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from stilts_xl.core.score import Score
from stilts_xl.report.tables import Table

FORMATS = ("table", "markdown", "csv", "latex", "json")


def terminal(table: Table) -> RenderableType:
    """A Rich renderable; gains are green or red."""
    drawn = RichTable(
        title=table.title, box=box.SIMPLE_HEAD, show_footer=True, title_justify="left", title_style="bold"
    )
    for number, (column, last) in enumerate(zip(table.columns, table.summary, strict=True)):
        drawn.add_column(column, footer=_coloured(last, column), justify="left" if number == 0 else "right")
    for row in table.rows:
        drawn.add_row(*(_coloured(cell, column) for cell, column in zip(row, table.columns, strict=True)))
    return Group(drawn, *(Text(line, style="dim") for line in table.footer))


def _coloured(cell: str, column: str) -> Text:
    if column.startswith("gain") and cell[:1] in "+-":
        return Text(cell, style="green" if cell[0] == "+" else "red")
    return Text(cell)


def plain(tables: Sequence[Table], width: int) -> str:
    """The terminal form without colours, for pipes and files."""
    console = Console(file=io.StringIO(), width=width, no_color=True, highlight=False)
    for table in tables:
        console.print(terminal(table))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def markdown(tables: Sequence[Table]) -> str:
    """GitHub's Markdown, one table after another."""
    blocks = []
    for table in tables:
        rule = ["---"] + ["---:"] * (len(table.columns) - 1)
        lines = [table.columns, rule, *table.rows, [f"**{cell}**" for cell in table.summary]]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        blocks.append(f"### {table.title}\n\n{body}\n\n" + "\n".join(f"- {line}" for line in table.footer))
    return "\n\n".join(blocks) + "\n"


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
    swaps = {"±": r"$\pm$", "↑": r"$\uparrow$", "_": r"\_", "%": r"\%", "&": r"\&", "–": "--"}
    texts = []
    for cell in cells:
        for sign, written in swaps.items():
            cell = cell.replace(sign, written)
        texts.append(cell)
    return " & ".join(texts) + r" \\"


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
