"""The SDK's own statistics over their windows: end to end, the slowest plugins, the fullest queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.html import figure, shown
from reports.html.download import Value
from reports.html.figure import DASHES, LINE, MARKERS, SERIES
from reports.html.source import Source
from reports.html.table import Cell, Column, Row, Table, make
from reports.html.words import Both
from reports.perfstats import ELEMENT_KINDS, Entry, Stat, Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = 4
"""Lines of one figure: those with the largest values; the table has the others."""

COLUMNS = (
    Column(Both("What", "统计项")),
    Column(Both("Stream", "流")),
    Column(Both("Element", "元件")),
    Column(Both("Frames", "帧"), number=True),
    Column(Both("Mean", "平均"), unit="ms", number=True),
    Column(Both("Minimum", "最小"), unit="ms", number=True),
    Column(Both("Maximum", "最大"), unit="ms", number=True),
    Column(Both("Windows", "窗口"), unit=Both("idle", "空闲"), number=True),
)

HEADER = (
    *(
        "case",
        "backend",
        "kind",
        "stream",
        "element",
        "factory",
        "count",
        "mean_us",
        "min_us",
        "max_us",
        "windows",
    ),
    "idle_windows",
)


def table(source: Source, entry: Entry, number: int) -> Table:
    """The sums of the steady state: a row for each span that the SDK measured."""
    found = _spans(entry)
    rows = [
        Row(
            (
                Cell(Both("end to end", "端到端") if kind == "e2e" else kind),
                Cell(stream),
                Cell(element or shown.DASH, factory if factory != element else ""),
                Cell(shown.thousands(stat.count), order=stat.count),
                *(
                    Cell(
                        shown.milliseconds(None if us is None else us / 1e6),
                        order=us if us is not None else float("inf"),
                    )
                    for us in (stat.mean_us, stat.min_us, stat.max_us)
                ),
                Cell(str(stat.windows), str(stat.idle_windows), stat.windows),
            )
        )
        for kind, stream, element, factory, stat in found
    ]
    data: list[list[Value]] = [
        [
            *(
                entry.case,
                entry.backend,
                kind,
                stream,
                element,
                factory,
                stat.count,
                stat.mean_us,
                stat.min_us,
                stat.max_us,
            ),
            *(stat.windows, stat.idle_windows),
        ]
        for kind, stream, element, factory, stat in found
    ]
    stamp = _stamp(source, entry)
    title = Both(
        f"SDK statistics: {entry.case} on {entry.backend}{stamp.en}",
        f"SDK 性能统计：{entry.case},{entry.backend}{stamp.zh}",
    )
    note = Both(
        f"From the SDK’s own logs, windows of {entry.interval_seconds} s, {entry.passes} passes over the test set; the first {entry.drop_first} and "
        f"last {entry.drop_last} windows with frames are left out. These logs hold no percentiles.",
        f"取自 SDK 自身的日志，窗口 {entry.interval_seconds} 秒，测试集共 {entry.passes} 遍；去掉前 {entry.drop_first} 个和后 {entry.drop_last} 个有帧的窗口。"
        "这些日志不含分位数。",
    )
    return make(f"perfstats-{number}", title, COLUMNS, rows, HEADER, data, note)


def _stamp(source: Source, entry: Entry) -> Both:
    return (
        Both(" (emulated)", "（仿真）")
        if source.emulated(entry.case, entry.backend) or entry.soc == "emulated"
        else Both("", "")
    )


def _spans(entry: Entry) -> list[tuple[str, str, str, str, Stat]]:
    """(kind, stream, element, factory, sums) of everything timed."""
    found = []
    for process in entry.result.processes:
        for stream_name, stream in process.streams.items():
            if stream.e2e is not None:
                found.append(("e2e", stream_name, "", "", stream.e2e))
            for element, plugin in stream.plugins.items():
                for kind, field in ELEMENT_KINDS.items():
                    stat = getattr(plugin, field)
                    if stat is not None:
                        found.append((kind, stream_name, element, plugin.factory, stat))
    return found


def figures(source: Source, entry: Entry, number: int) -> list[tuple[Markup, Both]]:
    """End to end, plugins and queues over the windows, each with its caption; those that have windows with frames."""
    stamp = _stamp(source, entry)
    # What is drawn, on which axis, from which field.
    kinds: tuple[tuple[str, Both, str, Callable[[Window], float | None]], ...] = (
        ("e2e", Both("End to end", "端到端"), "mean per frame, ms", _milliseconds),
        ("plugin", Both("Plugins", "插件"), "mean per frame, ms", _milliseconds),
        ("queue", Both("Queues", "队列"), "queue size (mean)", lambda window: window.size_mean),
    )
    found = []
    for kind, title, axis, value in kinds:
        lines, left_out = _lines(entry, kind, value)
        if not lines:
            continue
        made = figure.axes(height=2.6)
        for index, (name, points) in enumerate(lines.items()):
            made.plot(
                [x for x, _ in points],
                [y for _, y in points],
                color=SERIES[index % len(SERIES)],
                linestyle=DASHES[index % len(DASHES)],
                marker=MARKERS[index % len(MARKERS)] if len(points) < 60 else None,
                markersize=3,
                linewidth=1.3,
                label=name,
            )
        _shade_dropped(made, entry)
        made.set(xlabel="time since the first window, s", ylabel=axis, ylim=(0, None))
        if len(lines) > 1:
            made.legend(frameon=False, fontsize=7, labelcolor=figure.INK, handlelength=2.4, loc="best")
        windows = max(len(points) for points in lines.values())
        more = (
            Both(f"; {left_out} more in the table", f"；另有 {left_out} 项见表") if left_out else Both("", "")
        )
        caption = Both(
            f"{title.en} over the windows{stamp.en}: {_only(lines)}{windows} windows{more.en}",
            f"{title.zh}随窗口变化{stamp.zh}：{_only(lines)}{windows} 个窗口{more.zh}",
        )
        name = f"{entry.case} on {entry.backend}: {title.en.lower()} over the windows"
        found.append((figure.svg(made, f"windows-{kind}-{number}", name), caption))
    return found


def _only(lines: dict[str, list[tuple[float, float]]]) -> str:
    return f"{next(iter(lines))}, " if len(lines) == 1 else ""


def _milliseconds(window: Window) -> float | None:
    return None if window.mean_us is None or not window.count else window.mean_us / 1000


def _lines(
    entry: Entry, kind: str, value: Callable[[Window], float | None]
) -> tuple[dict[str, list[tuple[float, float]]], int]:
    """Points (s, value) by element, the elements with the largest means first, and how many there are beyond MOST_LINES."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for window in entry.windows:
        number = value(window) if window.kind == kind else None
        if number is not None:
            lines.setdefault(window.element or window.stream, []).append((window.start_seconds, number))
    ranked = sorted(lines, key=lambda name: (-sum(y for _, y in lines[name]) / len(lines[name]), name))
    return {name: sorted(lines[name]) for name in ranked[:MOST_LINES]}, max(0, len(ranked) - MOST_LINES)


def _shade_dropped(made: Axes, entry: Entry) -> None:
    """The windows that the sums leave out, shaded."""
    for window in entry.windows:
        if window.kind == "e2e" and not window.kept and window.count:
            half = entry.interval_seconds / 2
            made.axvspan(
                window.start_seconds - half, window.start_seconds + half, color=LINE, alpha=0.6, linewidth=0
            )
