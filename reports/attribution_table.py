"""The ladder of an attribution in the terminal: one line a rung, its change, interval and images moved, and the sum."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.attribution import FACTORS, SHARES, Absent, Attribution, Rung, Shown, shown
from reports.terminal import console_on, printable, tidied

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE = ("what ran then", "MAE", "ΔMAE", "95 %", "Δbias", "95 %", "moved", "moved most")
BRIEF = ("MAE", "ΔMAE\n95 %", "Δbias\n95 %", "moved")

ROUNDED = "MAE and bias are rounded and a Δ is the difference of two of them, so that what is shown adds up"


def attribution_table(attributions: Sequence[Attribution], width: int = 80, color: bool = False) -> str:
    """A table a case, `width` columns, and under it the factors without a rung, then warnings.

    Counts in people; Δ: after - before, with its 95 % paired interval; moved: images whose error moved beyond rounding. Ends with a newline;
    empty without attributions.
    """
    if not attributions:
        return ""
    from rich.text import Text

    stream = io.StringIO()
    console = console_on(stream, width, color)
    for found in attributions:
        _print(console, found)
        for note in _notes(found):
            console.print(Text(printable(note)), soft_wrap=True)
    console.print(Text(f"note: {ROUNDED}"), soft_wrap=True)
    return tidied(stream.getvalue())


def rung_name(rung: Rung) -> str:
    """The factors of a rung in words; several where those before could not run alone."""
    return " + ".join(FACTORS[factor][0] for factor in rung.factors)


def absent_text(absent: Absent) -> str:
    """Why a factor has no rung, and where its share is."""
    return f"{FACTORS[absent.factor][0]} has no rung of its own: {absent.reason}; {SHARES[absent.share][0]}"


def _notes(found: Attribution) -> Iterator[str]:
    yield from (f"note: {absent_text(absent)}" for absent in found.absent)
    yield from (f"warning: {text}" for text in found.warnings)


def _print(console: Console, found: Attribution) -> None:
    """The widest form that fits: one line a rung; two short lines; a paragraph."""
    from rich.text import Text

    console.print(Text(printable(_title(found)), style="bold"), soft_wrap=True)
    mae, bias = shown(found, "mae"), shown(found, "bias")
    for brief in (False, True):
        table = _table(found, mae, bias, brief)
        if console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width:
            console.print(table)
            return
    for text in _paragraphs(found, mae, bias):
        console.print(Text(text, overflow="fold"))


def _title(found: Attribution) -> str:
    images = f"{found.n}" if found.n == found.expected else f"{found.n} of {found.expected}"
    return f"attribution of {found.case}, {images} images: from {found.start} to {found.end}"


def _table(found: Attribution, mae: Shown, bias: Shown, brief: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1 if brief else 2, 0, 0), header_style="bold")
    table.add_column("rung", no_wrap=True)
    for title in BRIEF if brief else WIDE:
        table.add_column(
            title, justify="left" if title in ("what ran then", "moved most") else "right", no_wrap=True
        )
    rows = _brief_rows(found, mae, bias) if brief else _rows(found, mae, bias)
    for number, row in enumerate(rows):
        style = "bold" if number == len(found.rungs) + 1 else ""
        table.add_row(*(Text(cell) for cell in row), style=style)
    return table


def _rows(found: Attribution, mae: Shown, bias: Shown) -> Iterator[list[str]]:
    yield ["start", printable(found.start), mae.values[0], *[""] * 6]
    for at, rung in enumerate(found.rungs):
        yield [
            rung_name(rung),
            printable(rung.after),
            mae.values[at + 1],
            mae.changes[at],
            _interval(rung.mae_low, rung.mae_high, mae.decimals),
            bias.changes[at],
            _interval(rung.bias_low, rung.bias_high, bias.decimals),
            f"{rung.changed}/{rung.n}",
            _most(rung),
        ]
    yield ["sum", "", mae.values[-1], mae.total, "", bias.total, "", "", ""]


def _brief_rows(found: Attribution, mae: Shown, bias: Shown) -> Iterator[list[str]]:
    """Factors of a merged rung each on a line of their own; a change over its interval."""
    yield ["start", mae.values[0], "", "", ""]
    for at, rung in enumerate(found.rungs):
        yield [
            "\n+ ".join(FACTORS[factor][0] for factor in rung.factors),
            mae.values[at + 1],
            _over(mae.changes[at], _interval(rung.mae_low, rung.mae_high, mae.decimals)),
            _over(bias.changes[at], _interval(rung.bias_low, rung.bias_high, bias.decimals)),
            f"{rung.changed}/{rung.n}",
        ]
    yield ["sum", mae.values[-1], mae.total, bias.total, ""]


def _paragraphs(found: Attribution, mae: Shown, bias: Shown) -> Iterator[str]:
    yield f"start: MAE {mae.values[0]}"
    for at, rung in enumerate(found.rungs):
        yield (
            f"{rung_name(rung)}: MAE {mae.values[at + 1]}, Δ {mae.changes[at]}"
            f" [{_interval(rung.mae_low, rung.mae_high, mae.decimals)}]; Δbias {bias.changes[at]}; moved {rung.changed}/{rung.n}"
        )
    yield f"sum: MAE {mae.values[-1]}, Δ {mae.total}; Δbias {bias.total}"


def _over(change: str, interval: str) -> str:
    return change if interval in ("0", "-") else f"{change}\n{interval}"


def _interval(low: float | None, high: float | None, decimals: int) -> str:
    if low is None or high is None:
        return "-"
    return "0" if low == high == 0 else f"{_signed(low, decimals)}..{_signed(high, decimals)}"


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+.{decimals}f}"
    return text if float(text) else text[1:]


def _most(rung: Rung) -> str:
    """The image that moved most, with its change of count; in the rung of the ground-truth rule it is the true count."""
    if not rung.moved:
        return "-"
    first = rung.moved[0]
    what = "true " if rung.factors == ("ground-truth",) else ""
    return f"{printable(first.image)} ({what}{first.difference:+.3g})"
