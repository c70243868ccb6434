"""Statistics for a terminal: a table of durations, one of throughput, one of queues; warnings are footnotes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.perfstats.footnotes import shown
from bench.perfstats.model import ELEMENT_KINDS, PerfStats, Process, Source, Stat, Stream

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

RATES = "logged rates are the SDK's: frames by the configured interval, also where a window was shorter"


def show(stats: PerfStats, source: Source, screen: Console) -> None:
    """Print what was read, table after table; nothing of it is markup, and nothing is a control character."""
    for process in stats.processes:
        screen.print(_title(process), markup=False)
        screen.print(_durations(process), "")
        rates = _throughput(process)
        if rates.row_count:
            screen.print(rates, "")
        queues = _queues(process)
        if queues.row_count:
            screen.print(queues, "")
    for line in notes(stats, source):
        screen.print(line, markup=False, soft_wrap=True)


def notes(stats: PerfStats, source: Source) -> Iterator[str]:
    """The lines below the tables: what was read and selected, what the columns mean, warnings."""
    broken = f", {source.bad_lines} not usable" if source.bad_lines else ""
    yield f"read {_number(source.lines, 'line')}{broken} of {_number(source.files, 'file')}, {source.size_bytes / 1e6:.1f} MB"
    if source.drop_first or source.drop_last:
        yield (
            f"without the first {source.drop_first} and the last {source.drop_last} windows with frames of each stream;"
            " other statistics are aligned with them by the order of their windows; queues are whole"
        )
    else:
        yield "all windows, those of start and end among them; --drop-first 1 --drop-last 1 leaves these out"
    yield "mean = total / count over all windows; idle windows have no minimum; the logs hold no percentiles"
    if any(stream.throughput for process in stats.processes for stream in process.streams.values()):
        yield RATES
    for warning in stats.warnings:
        yield f"warning: {warning.reason}: {warning.where + ': ' if warning.where else ''}{warning.detail}"


def _title(process: Process) -> str:
    if process.process is None:
        return "process unknown (file names of an SDK that does not tell)"
    return f"process {shown(process.process)}, pid {process.pid}"


def _table(*columns: str) -> Table:
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        name, _, right = column.partition(">")
        made.add_column(name, justify="right" if right else "left", overflow="fold")
    return made


def _durations(process: Process) -> Table:
    rows = _table(
        "stream",
        "element",
        "what",
        "count>",
        "mean ms>",
        "min ms>",
        "max ms>",
        "total s>",
        "windows>",
        "idle>",
    )
    for name, stream in process.streams.items():
        for element, what, stat in statistics(stream):
            rows.add_row(
                _text(name),
                _text(element),
                what,
                f"{stat.count}",
                _ms(stat.mean_us),
                _ms(stat.min_us),
                _ms(stat.max_us),
                f"{stat.total_us / 1e6:.3f}",
                f"{stat.windows}",
                f"{stat.idle_windows}",
            )
    return rows


def statistics(stream: Stream) -> Iterator[tuple[str, str, Stat]]:
    """The durations of a stream: element (empty for e2e), record type, sums."""
    if stream.e2e is not None:
        yield "", "e2e", stream.e2e
    for element, plugin in stream.plugins.items():
        for kind, attribute in ELEMENT_KINDS.items():
            stat = getattr(plugin, attribute)
            if stat is not None:
                yield element, kind, stat


def _throughput(process: Process) -> Table:
    rows = _table("stream", "frames>", "windows>", "logged rate 1/s: median>", "lowest>", "highest>")
    for name, stream in process.streams.items():
        if stream.throughput is not None:
            rates = sorted(stream.throughput.logged_rates)
            values = (_median(rates), rates[0], rates[-1]) if rates else ()
            cells = [f"{value:.3f}" for value in values] or ["-", "-", "-"]
            rows.add_row(_text(name), f"{stream.throughput.frames}", f"{stream.throughput.windows}", *cells)
    return rows


def _queues(process: Process) -> Table:
    rows = _table("stream", "queue", "capacity>", "highest>", "mean>", "samples>")
    for name, stream in process.streams.items():
        for element, queue in stream.queues.items():
            mean = "-" if queue.mean is None else f"{queue.mean:.2f}"
            rows.add_row(
                _text(name), _text(element), f"{queue.capacity}", f"{queue.max}", mean, f"{queue.samples}"
            )
    return rows


def _text(name: str) -> str:
    """A name for a cell, which rich would read as markup."""
    from rich.markup import escape

    return escape(shown(name))


def _ms(microseconds: float | None) -> str:
    return "-" if microseconds is None else f"{microseconds / 1e3:.3f}"


def _median(ordered: list[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
