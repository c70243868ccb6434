"""A series as a figure of the page: its values, change points, baselines and changes of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.html import figure
from reports.html.figure import BAD, DIM, INK, SERIES
from reports.trend.model import Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 1.9
"""Inches."""

CROWDED = 120
"""Points of which none has a marker of its own."""


def figure_svg(series: Series, number: int, title: str) -> Markup:
    """The figure as SVG, `number` unique in the page, `title` read out instead; but for that it holds no text from a record.

    Within `reports.html.figure.styled`.
    """
    made = figure.axes(height=HEIGHT, left=0.6, bottom=0.3)
    _draw(made, series)
    return figure.svg(made, f"trend-{number}", title)


def _draw(axes: Axes, series: Series) -> None:
    scale, unit = _unit(series)
    values = [point.value / scale for point in series.points]
    axes.set_ylabel(unit)
    for index in sorted({event.index for event in series.events}):
        axes.axvline(index - 0.5, color=DIM, linewidth=0.8, linestyle=(0, (1.5, 2)))
    axes.plot(
        range(len(values)),
        values,
        color=SERIES[0],
        linewidth=1.1,
        marker="o",
        markersize=3.2 if len(values) <= CROWDED else 0,
    )
    baselines = [index for index, point in enumerate(series.points) if point.baseline]
    axes.plot(
        baselines, [values[index] for index in baselines], "D", color=INK, markersize=7, fillstyle="none"
    )
    for change in series.changes:
        axes.axvline(change.index - 0.5, color=BAD, linewidth=1.3)
    axes.margins(x=0.02, y=0.12)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.locator_params(axis="y", nbins=5)
    places, dates = _dates(series)
    axes.set_xticks(places, dates)
    axes.grid(False, axis="x")
    labels = axes.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    labels[-1].set_horizontalalignment("right")


def _unit(series: Series) -> tuple[float, str]:
    """What the values are divided by, and the unit that they have then; seconds in the unit that reads best."""
    if series.unit != "s":
        return 1.0, "" if series.unit == "1" else series.unit
    typical = sorted(point.value for point in series.points)[len(series.points) // 2]
    return next((found for found in ((1.0, "s"), (1e-3, "ms")) if typical >= found[0]), (1e-6, "us"))


def _dates(series: Series) -> tuple[list[int], list[str]]:
    """At most four dates under the runs; the distance between runs is a run, not a time."""
    last = len(series.points) - 1
    places = sorted({round(index * last / 3) for index in range(4)})
    return places, [series.points[place].started[:10] for place in places]
