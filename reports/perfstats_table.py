"""The SDK's own statistics in the terminal: one line for each case on a backend, end to end and where the time goes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.perfstats import Entry, Stat, Stream
from reports.terminal import console_on, printable, tidied
from reports.verdict import EMULATED, Verdict

if TYPE_CHECKING:
    from rich.table import Table

NOTE = (
    "SDK statistics: one image in flight, means over the full windows (total / count); the longest element with its share of e2e;"
    " throughput = frames / (windows x interval)"
)


def perfstats_table(
    entries: Sequence[tuple[Entry, Verdict | None]], width: int = 80, color: bool = False, first_note: int = 1
) -> str:
    """A table of entries with their verdicts, `width` columns, and under it the footnotes of the verdicts, numbered from `first_note`.

    Times in milliseconds, rates in images/s. Ends with a newline; empty without entries.
    """
    if not entries:
        return ""
    from rich.text import Text

    stream = io.StringIO()
    console = console_on(stream, width, color)
    rows, notes = _lines(entries, first_note)
    wide = _table(rows, WIDE)
    fits = console.measure(wide, options=console.options.update(max_width=10_000)).maximum <= console.width
    console.print(wide if fits else _table(rows, BRIEF))
    for number, note in enumerate(notes, first_note):
        console.print(Text(f"[{number}] {printable(note)}"), soft_wrap=True)
    console.print(Text(f"note: {NOTE}"), soft_wrap=True)
    return tidied(stream.getvalue())


WIDE = ("verdict", "case", "backend", "stream", "e2e ms", "longest element ms", "images/s", "windows")
BRIEF = ("verdict", "case", "backend", "e2e ms", "images/s", "windows")
"""Columns; the short form is for narrow terminals, where the longest element is left to `omgate perfstats RUN/perfstats`."""


def _lines(
    entries: Sequence[tuple[Entry, Verdict | None]], first_note: int
) -> tuple[list[dict[str, str]], list[str]]:
    """The rows by column, and the footnotes."""
    rows: list[dict[str, str]] = []
    notes: list[str] = []
    for entry, verdict in entries:
        reasons = verdict.reasons if verdict else ()
        mark = [f"[{first_note + len(notes)}]"] if reasons else []
        status = " ".join([str(verdict.status) if verdict else "-", *mark])
        for row in _rows(entry):
            rows.append({"verdict": status, "case": printable(entry.case), "backend": _backend(entry), **row})
            status = ""
        notes += [
            f"{entry.case} on {_backend(entry)}: {reason.code}: {reason.message}{'. ' + reason.advice if reason.advice else ''}"
            for reason in reasons
        ]
    return rows, notes


def _table(rows: Sequence[dict[str, str]], names: Sequence[str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="left" if name in WIDE[:4] else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[name]) for name in names))
    return table


def _backend(entry: Entry) -> str:
    return f"{entry.backend} ({EMULATED})" if entry.soc == EMULATED else entry.backend


def _rows(entry: Entry) -> Iterator[dict[str, str]]:
    """A row a stream."""
    streams = [item for process in entry.result.processes for item in process.streams.items()]
    for name, stream in streams:
        windows = stream.e2e.windows if stream.e2e else 0
        yield {
            "stream": printable(name),
            "e2e ms": _ms(stream.e2e),
            "longest element ms": _longest(stream),
            "images/s": _rate(entry, stream),
            "windows": f"{windows} x {entry.interval_seconds} s",
        }
    if not streams:
        yield {**dict.fromkeys(WIDE[3:], "-"), "windows": "0"}


def _ms(stat: Stat | None) -> str:
    return "-" if stat is None or stat.mean_us is None else f"{stat.mean_us / 1e3:.3f}"


def _longest(stream: Stream) -> str:
    found = [
        (plugin.plugin.mean_us, element)
        for element, plugin in stream.plugins.items()
        if plugin.plugin is not None and plugin.plugin.mean_us is not None
    ]
    if not found:
        return "-"
    mean, element = max(found)
    whole = stream.e2e.mean_us if stream.e2e else None
    share = f" ({100 * mean / whole:.0f} %)" if whole else ""
    return f"{printable(element)} {mean / 1e3:.3f}{share}"


def _rate(entry: Entry, stream: Stream) -> str:
    found = stream.throughput
    if found is None or not found.windows:
        return "-"
    return f"{found.frames / (found.windows * entry.interval_seconds):.1f}"
