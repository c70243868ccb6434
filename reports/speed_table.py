"""The speed part of the closing table: latency and throughput of each case on each backend, the worse verdict first."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

import msgspec

from reports.percentiles import fewest_for
from reports.terminal import COLOURS, console_on, printable, tidied
from reports.timing import TimingSummary
from reports.verdict import Status, Verdict, worst

TITLES = ("latency", "Δ", "p90", "images/s", "Δ", "n")


class SpeedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case on a backend: its measurements, None where there is none, and its verdicts by kind (latency, throughput)."""

    case: str
    backend: str
    verdicts: Mapping[str, Verdict]
    alone: TimingSummary | None = None
    pipelined: TimingSummary | None = None

    @property
    def status(self) -> Status:
        """The worse of its verdicts."""
        return worst(self.verdicts.values())

    @property
    def notes(self) -> list[str]:
        """Its footnotes: why, each said once."""
        found = [
            f"{reason.code}: {reason.message}{'. ' + reason.advice if reason.advice else ''}"
            for verdict in self.verdicts.values()
            for reason in verdict.reasons
        ]
        # Latency and throughput share most warnings: those that differ in their numbers alone are said once.
        return [
            printable(note) for note in {re.sub(r"[0-9.]+", "#", note): note for note in found[::-1]}.values()
        ][::-1]


def speed_table(rows: Sequence[SpeedRow], width: int = 80, color: bool = False, first_note: int = 1) -> str:
    """The table and its footnotes, numbered from `first_note`; empty without rows. Latency is the median of region infer, one in flight."""
    if not rows:
        return ""
    from rich.table import Table
    from rich.text import Text

    stream = io.StringIO()
    console = console_on(stream, width, color)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("speed", "case", "backend"):
        table.add_column(title, no_wrap=True)
    for title in TITLES:
        table.add_column(title, justify="right", no_wrap=True)
    number, notes, paragraphs = first_note, [], []
    for row in rows:
        marks = row.notes
        last = number + len(marks) - 1
        mark = "" if not marks else f" [{number}]" if len(marks) == 1 else f" [{number}-{last}]"
        verdict = Text.assemble((row.status.value, COLOURS[row.status.value]), mark)
        table.add_row(verdict, *(Text(cell) for cell in _cells(row)))
        paragraphs.append(Text.assemble(verdict, ": ", _sentence(row), overflow="fold"))
        where = f"{printable(row.case)} on {printable(row.backend)}"
        notes += [f"[{number + place}] {where}: {note}" for place, note in enumerate(marks)]
        number = last + 1
    wide = console.measure(table, options=console.options.update(max_width=10_000)).maximum
    if wide <= console.width:
        console.print(table)
    else:
        console.print(*paragraphs, sep="\n")
    for note in notes:
        console.print(Text(note), soft_wrap=True)
    return tidied(stream.getvalue())


def _cells(row: SpeedRow) -> list[str]:
    alone, pipelined = row.alone, row.pipelined
    return [
        printable(row.case),
        printable(row.backend),
        _milliseconds(alone.median if alone else None),
        _change(row.verdicts.get("latency")),
        _p90(alone),
        _rate(pipelined.images_per_second if pipelined else None),
        _change(row.verdicts.get("throughput")),
        "-" if alone is None else str(alone.n),
    ]


def _sentence(row: SpeedRow) -> str:
    case, backend, *values = _cells(row)
    shown = ", ".join(f"{title} {value}" for title, value in zip(TITLES, values, strict=True) if value != "-")
    return f"{case} on {backend}: {shown}"


def _p90(alone: TimingSummary | None) -> str:
    if alone is None:
        return "-"
    # The short form of "not supported": the number of images has its own column.
    return f"n < {fewest_for(90)}" if alone.p90 is None else _milliseconds(alone.p90)


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:.4g} ms"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _change(verdict: Verdict | None) -> str:
    """What the median did against the baseline, in per cent."""
    number = verdict.numbers[0] if verdict and verdict.numbers else None
    if number is None or number.difference is None or not number.old:
        return "-"
    return f"{100.0 * number.difference / number.old:+.1f} %"
