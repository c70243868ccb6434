"""A series as an SVG: its values, levels, change points, baselines and changes of the environment."""

from __future__ import annotations

import base64
import io
from typing import Any

from reports.trend.model import Series

INK, WORSE, MARK = "#4c78a8", "#d1495b", "#8a8f98"
"""Colours that can be read on white and on black."""


def figure_svg(series: Series) -> str:
    """The figure as a `data:` URI, to be shown as an image: whatever it holds, no script of it runs and no identifier of it meets another.

    It holds no text from a record.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # Text as text, with the reader's fonts; ids that are the same every time.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "omgate", "font.size": 9}):
        canvas = Figure(figsize=(7.2, 1.9), layout="constrained")
        axes = canvas.add_subplot()
        _draw(axes, series)
        stream = io.BytesIO()
        canvas.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode()


def _draw(axes: Any, series: Series) -> None:
    scale, unit = _unit(series)
    values = [point.value / scale for point in series.points]
    places = range(len(values))
    axes.set_ylabel(unit, color=MARK)
    for index in sorted({event.index for event in series.events}):
        axes.axvline(index - 0.5, color=MARK, linewidth=0.7, linestyle=":")
    axes.plot(places, values, color=INK, linewidth=1.0, marker="o", markersize=3 if len(values) <= 120 else 0)
    baselines = [index for index, point in enumerate(series.points) if point.baseline]
    axes.plot(
        baselines, [values[index] for index in baselines], "D", color=MARK, markersize=6, fillstyle="none"
    )
    for change in series.changes:
        axes.axvline(change.index - 0.5, color=WORSE, linewidth=1.3)
    axes.margins(x=0.01)
    axes.set_xticks(*_dates(series))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(MARK)
    axes.tick_params(colors=MARK)


def _unit(series: Series) -> tuple[float, str]:
    """What the values are divided by, and the unit that they have then; seconds in the unit that reads best."""
    if series.unit != "s":
        return 1.0, "" if series.unit == "1" else series.unit
    typical = sorted(point.value for point in series.points)[len(series.points) // 2]
    return next((found for found in ((1.0, "s"), (1e-3, "ms")) if typical >= found[0]), (1e-6, "us"))


def _dates(series: Series) -> tuple[list[int], list[str]]:
    """At most six dates under the runs; the distance between runs is a run, not a time."""
    last = len(series.points) - 1
    places = sorted({round(index * last / 5) for index in range(6)})
    return places, [series.points[place].started[:10] for place in places]
