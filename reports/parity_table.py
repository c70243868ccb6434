"""The table under the closing table: how far two backends are apart, verdict first."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.terminal import COLOURS, console_on, printable, tidied
from reports.verdict import show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from reports.parity import Parity

WIDE = ("max |Δ|", "allowed", "max rel.", "min cosine", "max L2", "GAME1", "GAME2", "GAME3", "images")
BRIEF = ("max |Δ|\nallowed", "max L2\nallowed", "images")


def parity_table(
    parities: Sequence[Parity], width: int = 80, color: bool = False, first_note: int = 1
) -> str:
    """The table, `width` columns, and under it a footnote for each reason, numbered from `first_note`.

    max |Δ| and allowed: of the count, people (the tolerance differs from image to image: least..most); max rel.: of the count; max L2: of the map,
    relative. `identical`: every map is the same bit for bit. Ends with a newline; empty without parities.
    """
    if not parities:
        return ""
    from rich.text import Text

    stream = io.StringIO()
    console = console_on(stream, width, color)
    marks, number = [], first_note
    for parity in parities:
        marks.append(_mark(number, len(parity.reasons)))
        number += len(parity.reasons)
    _print_rows(console, parities, marks)
    number = first_note
    for parity in parities:
        for reason in parity.reasons:
            advice = f". {reason.advice}" if reason.advice else ""
            note = f"[{number}] {parity.case}, {_pair(parity)}: {reason.code}: {reason.message}{advice}"
            console.print(Text(printable(note)), soft_wrap=True)
            number += 1
    return tidied(stream.getvalue())


def _print_rows(console: Console, parities: Sequence[Parity], marks: Sequence[str]) -> None:
    """The widest form that fits: one line each; two lines each with fewer numbers; a paragraph each."""
    for brief in (False, True):
        table = _table(parities, marks, brief)
        if console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width:
            console.print(table)
            return
    for parity, mark in zip(parities, marks, strict=True):
        console.print(_paragraph(parity, mark))


def _table(parities: Sequence[Parity], marks: Sequence[str], brief: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1 if brief else 2, 0, 0), header_style="bold")
    for title in ("parity", "case", "backends"):
        table.add_column(title, no_wrap=True)
    for title in BRIEF if brief else WIDE:
        table.add_column(title, justify="right", no_wrap=True)
    for parity, mark in zip(parities, marks, strict=True):
        numbers = _brief_cells(parity) if brief else _cells(parity)
        pair = f"{printable(parity.backend)}\nvs {printable(parity.other)}" if brief else _pair(parity)
        cells = (Text(text) for text in (printable(parity.case), pair, *numbers))
        table.add_row(_status(parity, mark), *cells)
    return table


def _cells(parity: Parity) -> list[str]:
    tolerance = parity.tolerance
    return [
        _difference(parity),
        "-" if tolerance is None else f"{show(tolerance.lowest)}..{show(tolerance.highest)}",
        _short(parity.max_relative),
        "-" if parity.min_cosine is None else f"{parity.min_cosine:.6f}",
        _short(parity.max_relative_l2),
        *("-" if value is None else show(value) for value in (parity.game1, parity.game2, parity.game3)),
        f"{parity.n}" if parity.n == parity.expected else f"{parity.n}/{parity.expected}",
    ]


def _brief_cells(parity: Parity) -> list[str]:
    cells = _cells(parity)
    allowed = "-" if parity.tolerance is None else _short(parity.tolerance.relative_l2)
    return [f"{cells[0]}\n{cells[1]}", f"{cells[4]}\n{allowed}", cells[8]]


def _difference(parity: Parity) -> str:
    if parity.all_identical:
        return "identical"
    return "-" if parity.max_difference is None else show(parity.max_difference)


def _paragraph(parity: Parity, mark: str) -> Text:
    from rich.text import Text

    difference, allowed, relative, cosine, distance, *games, images = _cells(parity)
    text = (
        f": {printable(parity.case)}, {_pair(parity)}: max |Δ| {difference}, allowed {allowed}; max rel. {relative};"
        f" min cosine {cosine}, max L2 {distance}; GAME1..3 {', '.join(games)}; images {images}"
    )
    return Text.assemble(_status(parity, mark), text, overflow="fold")


def _status(parity: Parity, mark: str) -> Text:
    from rich.text import Text

    return Text.assemble((parity.status, COLOURS[parity.status]), mark)


def _mark(first: int, notes: int) -> str:
    """The numbers of a row's footnotes: [1] or [1-3]."""
    return "" if not notes else f" [{first}]" if notes == 1 else f" [{first}-{first + notes - 1}]"


def _pair(parity: Parity) -> str:
    return f"{printable(parity.backend)} vs {printable(parity.other)}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
