"""The table that closes a run in the terminal: verdict first, then the numbers, then why."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from reports.numbers import Number
from reports.summary import Summary
from reports.verdict import Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

NARROWEST = 40
"""Columns below which a table can't be read; a narrower terminal wraps it."""

COLOURS = {
    "pass": "green",
    "improved": "green",
    "drift": "yellow",
    "cannot-tell": "yellow",
    "regressed": "bold red",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One case on one backend; `note` is a footnote beside the verdict's reasons. No summary: nothing was measured."""

    case: str
    backend: str
    verdict: Verdict
    summary: Summary | None = None
    note: str = ""

    @property
    def notes(self) -> list[str]:
        """Its footnotes."""
        return _footnotes(self)


def printable(text: str) -> str:
    """`text` on one line, without control characters: names come from files, and a terminal obeys what it is sent."""
    return "".join(
        " " if char.isspace() else char for char in text if char.isspace() or _visible(char)
    ).strip()


def _visible(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _delta(number: Number | None, brief: bool = False) -> str:
    """The difference and its interval; `brief` in two short lines."""
    if number is None or number.difference is None:
        return "-"
    if number.difference == 0:
        return "0"
    text = f"{number.difference:+.2f}"
    if number.low is None or number.high is None:
        return text
    if brief:
        return f"{text}\n{number.low:+.2f}..{number.high:+.2f}"
    return f"{text} [{number.low:+.2f}, {number.high:+.2f}]"


def _of(row: Row, name: str) -> Number | None:
    return row.verdict.number(name)


def _rate(summary: Summary | None) -> str:
    if summary is None or summary.images_per_second is None:
        return "-"
    rate = summary.images_per_second
    return f"{rate:.1f}" if rate < 100 else f"{rate:.0f}"


def _images(summary: Summary | None, brief: bool = False) -> str:
    if summary is None:
        return "-"
    if not summary.failed:
        return f"{summary.n}"
    return f"{summary.n}/{summary.n + summary.failed}" if brief else f"{summary.n} ({summary.failed} failed)"


def _footnotes(row: Row) -> list[str]:
    notes = [
        f"{reason.code}: {reason.message}{'. ' + reason.advice if reason.advice else ''}"
        for reason in row.verdict.reasons
    ]
    return [printable(note) for note in [*notes, row.note] if note]


def closing_table(
    rows: Sequence[Row], width: int = 80, color: bool = False, warnings: Sequence[str] = ()
) -> str:
    """The closing table, `width` columns, and under it the footnotes: per row its reasons, then `warnings`.

    Footnotes are not broken into lines, so that a command in one can be copied whole.

    Deltas are new - baseline in counts, with their 95 % interval. `color` adds ANSI colours. Ends with a newline; empty without rows.
    """
    if not rows and not warnings:
        return ""
    from rich.text import Text

    stream = io.StringIO()
    console = console_on(stream, width, color)
    if rows:
        _print_rows(console, rows)
    number = 0
    for row in rows:
        for note in _footnotes(row):
            number += 1
            where = f"[{number}] {printable(row.case)} on {printable(row.backend)}: "
            console.print(Text(where + note), soft_wrap=True)
    for warning in warnings:
        console.print(Text(f"warning: {printable(warning)}"), soft_wrap=True)
    return tidied(stream.getvalue())


def console_on(stream: io.StringIO, width: int, color: bool) -> Console:
    """A console of `width` columns (at least NARROWEST) that writes to `stream` and takes nothing from the environment."""
    from rich.console import Console

    return Console(
        file=stream,
        width=max(width, NARROWEST),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )


def tidied(text: str) -> str:
    """`text` without blanks at the ends of its lines, and one newline at its end."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n") + "\n"


def _print_rows(console: Console, rows: Sequence[Row]) -> None:
    """The widest form that fits: all in one line; without MSE's delta and with intervals on a second line; a paragraph each."""
    marks = _marks(rows)
    for brief in (False, True):
        table = _table(rows, marks, brief)
        if console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width:
            console.print(table)
            return
    for row, mark in zip(rows, marks, strict=True):
        console.print(_paragraph(row, mark))


def _marks(rows: Sequence[Row]) -> list[str]:
    """For each row the numbers of its footnotes: [1] or [1-3]."""
    marks, used = [], 0
    for row in rows:
        notes = len(_footnotes(row))
        marks.append(f" [{used + 1}]" if notes == 1 else f" [{used + 1}-{used + notes}]" if notes else "")
        used += notes
    return marks


def _table(rows: Sequence[Row], marks: Sequence[str], brief: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    gap = 1 if brief else 2
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for title in ("verdict", "case", "backend"):
        table.add_column(title, no_wrap=True)
    numbers = ("MAE", "MSE\n(root)", "ΔMAE\n95 %", "images", "img/s") if brief else WIDE
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    for row, mark in zip(rows, marks, strict=True):
        table.add_row(_verdict(row, mark), *(Text(text) for text in _cells(row, brief)))
    return table


WIDE = ("MAE", "MSE (root)", "ΔMAE [95 %]", "ΔMSE [95 %]", "images", "images/s")


def _verdict(row: Row, mark: str) -> Text:
    from rich.text import Text

    status = str(row.verdict.status)
    return Text.assemble((status, COLOURS[status]), mark)


def _cells(row: Row, brief: bool) -> list[str]:
    summary = row.summary
    return [
        printable(row.case),
        printable(row.backend),
        _count(summary.mae if summary else None),
        _count(summary.rmse if summary else None),
        _delta(_of(row, "mae"), brief),
        *([] if brief else [_delta(_of(row, "rmse"))]),
        _images(summary, brief),
        _rate(summary),
    ]


def _paragraph(row: Row, mark: str) -> Text:
    from rich.text import Text

    case, backend, mae, rmse, delta, delta_rmse, images, rate = _cells(row, brief=False)
    text = (
        f": {case} on {backend}: MAE {mae}, Δ {delta}; MSE (root) {rmse}, Δ {delta_rmse};"
        f" images {images}, {rate} images/s"
    )
    return Text.assemble(_verdict(row, mark), text, overflow="fold")
