"""A diff or a matrix for the terminal: what differs, the verdicts, what may be concluded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from reports.diff.document import VERDICTS, document, marks
from reports.diff.matrix import Matrix
from reports.diff.model import Diff, RunSide
from reports.diff.tables import Table
from reports.terminal import COLOURS, console_on, printable, tidied

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text as RichText


def diff_text(found: Diff | Matrix, width: int = 120, color: bool = False) -> str:
    """The diff as text of `width` columns, ending with a newline; sentences are not broken, so that a command can be copied whole."""
    from rich.text import Text

    said = document(found)
    stream = io.StringIO()
    console = console_on(stream, width, color)
    for name, side in said.sides:
        console.print(Text(f"{name.en}  {_side(side)}"), soft_wrap=True)
    console.print(Text.assemble("\n", _verdict(said.status, VERDICTS[said.status].en)))
    for table in said.tables:
        print_table(console, table)
    for note in said.notes:
        console.print(
            Text.assemble("\n", f"{printable(note.where.en)}: ", _verdict(note.status)), soft_wrap=True
        )
        if note.conclusion is not None:
            console.print(Text(f"  {printable(note.conclusion.en)}"), soft_wrap=True)
        for reason in note.reasons:
            console.print(Text(f"  {printable(str(reason))}"), soft_wrap=True)
    if said.warnings:
        console.print("")
    for warning in said.warnings:
        console.print(Text(f"warning: {printable(warning.en)}"), soft_wrap=True)
    return tidied(stream.getvalue())


def print_table(console: Console, table: Table) -> None:
    """A table under its title; a paragraph a row where the terminal is too narrow for it, so that no name is cut."""
    from rich.table import Table as RichTable
    from rich.text import Text

    console.print(Text(f"\n{table.title.en}", style="bold"))
    made = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in table.columns:
        title = Text(printable(column.title.en))
        made.add_column(title, justify="right" if column.numbers else "left", overflow="fold")
    for index, row in enumerate(table.rows):
        first = _verdict(table.statuses[index]) if table.statuses else Text(printable(row[0]))
        made.add_row(first, *(Text(printable(cell)) for cell in row[1:]))
    if console.measure(made, options=console.options.update(max_width=10_000)).maximum <= console.width:
        console.print(made)
    else:
        for index, row in enumerate(table.rows):
            console.print(_paragraph(table, index, row))
    if table.note is not None:
        console.print(Text(table.note.en, style="dim"), soft_wrap=True)


def _paragraph(table: Table, index: int, row: tuple[str, ...]) -> RichText:
    """`drift, case demo, backend om-sdk, MAE 3.00 -> 2.98, ...`; what has no value is left out."""
    from rich.text import Text

    first = _verdict(table.statuses[index]) if table.statuses else Text(printable(row[0]))
    cells = [
        f", {column.title.en} {printable(cell)}"
        for column, cell in zip(table.columns[1:], row[1:], strict=True)
        if cell not in ("", "-")
    ]
    return Text.assemble("- ", first, *cells, overflow="fold")


def _verdict(status: str, words: str = "") -> RichText:
    from rich.text import Text

    return Text(printable(words or status), style=COLOURS.get(status, ""))


def _side(side: RunSide) -> str:
    label = f"{printable(side.label)}  " if side.label else ""
    return f"{label}{printable(side.id)}  ({', '.join(mark.en for mark in marks(side))})"
