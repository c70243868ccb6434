"""A trend for the terminal: a line a figure, then its change points, baselines and changes of the environment."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from reports.terminal import console_on, printable, tidied
from reports.trend.model import Series, Trend
from reports.trend.words import beside, day, direction, figure, sparkline, step, title, where

if TYPE_CHECKING:
    from rich.console import Console

SPARK = 32
"""Columns of a sparkline: about a month of nights, one each."""

SHOWN = 8
"""Change points, a figure, that the terminal lists: the newest; the page and the JSON have all."""


def trend_text(trend: Trend, width: int = 120, color: bool = False) -> str:
    """The trend as text of `width` columns, ending with a newline."""
    from rich.text import Text

    stream = io.StringIO()
    console = console_on(stream, width, color)
    console.print(Text(f"{trend.runs} runs in {printable(trend.folder)}{_left_out(trend)}"), soft_wrap=True)
    if not trend.series:
        console.print(
            Text(
                "no figure to follow"
                if trend.runs
                else "no finished run to follow; record one: pytest bench/"
            )
        )
    for name in dict.fromkeys(where(series) for series in trend.series):
        _print_group(console, name, [series for series in trend.series if where(series) == name])
    return tidied(stream.getvalue())


def _left_out(trend: Trend) -> str:
    if not trend.left_out:
        return ""
    return "; left out: " + ", ".join(f"{count} {reason}" for reason, count in trend.left_out.items())


def _print_group(console: Console, name: str, group: list[Series]) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(Text(f"\n{printable(name)}", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("figure", "runs", "first", "last", "over time", "changes"):
        table.add_column(
            column, justify="right" if column in ("runs", "first", "last") else "left", overflow="fold"
        )
    for series in group:
        values = [point.value for point in series.points]
        table.add_row(
            Text(printable(title(series))),
            str(len(values)),
            figure(series, values[0]),
            figure(series, values[-1]),
            sparkline(values, SPARK),
            Text(series.note or (str(len(series.changes)) if series.changes else "none")),
        )
    console.print(table)
    for series in group:
        _print_changes(console, series)
    machines = dict.fromkeys(series.machine for series in group if series.machine)
    if len(machines) > 1:
        console.print(
            Text(f"times are of {len(machines)} machines or clocks, each a line of its own:"), soft_wrap=True
        )
        for series in group:
            if series.machine:
                console.print(Text(f"  {title(series)}: {printable(series.machine)}"), soft_wrap=True)
    _print_baselines(console, group)


def _print_changes(console: Console, series: Series) -> None:
    from rich.text import Text

    hidden = len(series.changes) - SHOWN
    if hidden > 0:
        console.print(
            Text(f"  {title(series)}: {hidden} older changes are in --html and --json"), soft_wrap=True
        )
    for change in series.changes[-SHOWN:]:
        found = beside(series, change)
        style = "yellow" if direction(series, change) == "worse" else ""
        text = f"  {day(change.started)} {title(series)}: {step(series, change)}, from {change.run} on"
        text += f"; changed with it: {found}" if found else "; nothing recorded changed with it"
        console.print(Text(printable_line(text), style=style), soft_wrap=True)


def printable_line(text: str) -> str:
    """`printable`, with the blanks that a line begins with."""
    return " " * (len(text) - len(text.lstrip(" "))) + printable(text)


def _print_baselines(console: Console, group: list[Series]) -> None:
    from rich.text import Text

    found = {point.run: point for series in group for point in series.points if point.baseline}
    for point in sorted(found.values(), key=lambda point: point.started):
        console.print(Text(printable_line(f"  {day(point.started)} baseline: {point.run}")), soft_wrap=True)
