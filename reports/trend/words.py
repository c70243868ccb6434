"""A trend's figures and change points as text, the same for the terminal and the page."""

from __future__ import annotations

from itertools import pairwise

from reports.diff.tables import quantity
from reports.numbers import METRICS
from reports.trend.model import ChangePoint, Event, Series, near

NAMES = {"images_per_second": "images/s"}


def title(series: Series) -> str:
    """`mae` as people write it; speeds as they are named."""
    if series.metric in METRICS:
        return METRICS[series.metric].title
    return NAMES.get(series.metric, series.metric)


def where(series: Series) -> str:
    """Case, backend and what it ran on; synthetic data are called so."""
    data = ", synthetic data" if series.synthetic else ""
    return f"{series.case} on {series.backend} ({series.soc}, {series.precision}{data})"


def figure(series: Series, value: float) -> str:
    """A figure with its unit."""
    if series.kind == "exact":
        return f"{value:.4g}" if series.unit == "1" else f"{value:.2f}"
    return quantity(value, series.unit)


def step(series: Series, change: ChangePoint) -> str:
    """`3.00 -> 3.40 (+13 %), worse`."""
    relative = "" if change.change is None else f" ({100 * change.change:+.3g} %)"
    return f"{figure(series, change.before)} -> {figure(series, change.after)}{relative}, {direction(series, change)}"


def direction(series: Series, change: ChangePoint) -> str:
    """Whether the change is for the better; a bias has none."""
    if series.metric == "bias":
        return "changed"
    return "worse" if series.worse * (change.after - change.before) > 0 else "better"


def beside(series: Series, change: ChangePoint) -> str:
    """What else changed there, with its values."""
    named = events_beside(series, change)
    return ", ".join(f"{event.axis} {event.old or 'unknown'} -> {event.new or 'unknown'}" for event in named)


def events_beside(series: Series, change: ChangePoint) -> list[Event]:
    """The events that a change point is told with."""
    exact = series.kind == "exact"
    return [
        event
        for event in series.events
        if event.axis in change.beside and near(event.index, change.index, exact)
    ]


def day(started: str) -> str:
    """The date of an instant."""
    return started[:10]


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: list[float], width: int) -> str:
    """The values as at most `width` bars, the oldest left; where there are more values each bar is the mean of its share."""
    if len(values) > width:
        cuts = [round(index * len(values) / width) for index in range(width + 1)]
        values = [sum(values[low:high]) / (high - low) for low, high in pairwise(cuts)]
    low, high = min(values), max(values)
    if high - low <= 1e-9 * max(abs(high), abs(low)):
        return BARS[3] * len(values)
    return "".join(BARS[min(7, int(8 * (value - low) / (high - low)))] for value in values)
