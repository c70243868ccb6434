"""Predicted against true counts, with the identity line, the strata, and what is left out where points would hide each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.html import figure
from reports.html.figure import DIM, INK, LINE, SERIES
from reports.html.source import Source
from reports.html.words import Both
from reports.image import ImageRecord
from reports.run import CaseEntry

CELLS = 150
"""The plot is cut into so many cells each way, about the size of a point; of the points in a cell one is drawn."""

MOST_POINTS = 2_500
"""Points of one panel; past that the cells grow. A point costs about 60 bytes of the page."""

SAME_POINT = 0.004
"""Share of the axis by which two backends' counts may differ and still be one point to the eye: about a pixel."""


@dataclass(frozen=True)
class Panel:
    """A figure, the backends whose points it shows, and how many of how many are drawn."""

    figure: Markup
    backends: tuple[str, ...]
    drawn: int
    points: int
    stamp: Both


@dataclass(frozen=True)
class _Points:
    backends: tuple[str, ...]
    true: list[float]
    predicted: list[float]


def panels(source: Source, case: CaseEntry, number: int) -> list[Panel]:
    """A panel for each backend of a case; backends that would show the same picture share one."""
    found = []
    for index, points in enumerate(_groups(source, case.name)):
        kept = thinned(points.true, points.predicted)
        drawn = _draw(points, kept, _bounds(source, case.name), f"scatter-{number}-{index}", case.name)
        found.append(
            Panel(
                drawn, points.backends, len(kept), len(points.true), source.stamp(case.name, points.backends)
            )
        )
    return found


def caption(panel: Panel) -> Both:
    """What a panel shows, with its number of images."""
    from reports.html.shown import thousands

    names = ", ".join(panel.backends)
    stamp = panel.stamp
    alike = Both("; the same to a pixel", "；逐像素一致") if len(panel.backends) > 1 else Both("", "")
    total = thousands(panel.points)
    thin = Both("", "")
    if panel.drawn < panel.points:
        some = thousands(panel.drawn)
        thin = Both(
            f"; {some} points drawn, one for each spot of the plot, so that every outlier is there",
            f"；绘出 {some} 个点，每个位置一个，离群点全部保留",
        )
    return Both(
        f"{names}{stamp.en}{alike.en}; n = {total}{thin.en}",
        f"{names}{stamp.zh}{alike.zh};n = {total}{thin.zh}",
    )


def _groups(source: Source, case: str) -> list[_Points]:
    groups: list[_Points] = []
    for backend in source.backends(case):
        good = [record for record in source.images(case, backend) if record.status == "ok"]
        if not good:
            continue
        mine = _points(backend, good)
        span = max(max(mine.true), max(mine.predicted), 1.0)
        for index, group in enumerate(groups):
            if _alike(group, mine, SAME_POINT * span):
                groups[index] = _Points((*group.backends, backend), group.true, group.predicted)
                break
        else:
            groups.append(mine)
    return groups


def _points(backend: str, records: Sequence[ImageRecord]) -> _Points:
    ordered = sorted(records, key=lambda record: record.image)
    true = [record.true_count or 0.0 for record in ordered]
    return _Points((backend,), true, [record.predicted_count or 0.0 for record in ordered])


def _alike(one: _Points, other: _Points, tolerance: float) -> bool:
    if len(one.true) != len(other.true):
        return False
    pairs = zip([*one.true, *one.predicted], [*other.true, *other.predicted], strict=True)
    return all(abs(a - b) <= tolerance for a, b in pairs)


def thinned(true: Sequence[float], predicted: Sequence[float]) -> list[int]:
    """Indices of the points to draw: the first in each cell of a grid over the plot, so that a point far from others is always drawn."""
    if len(true) <= MOST_POINTS // 2:
        return list(range(len(true)))
    low_x, low_y = min(true), min(predicted)
    wide, high = max(true) - low_x or 1.0, max(predicted) - low_y or 1.0
    cells = CELLS
    while True:
        seen: dict[tuple[int, int], int] = {}
        for index, (x, y) in enumerate(zip(true, predicted, strict=True)):
            seen.setdefault((int((x - low_x) / wide * cells), int((y - low_y) / high * cells)), index)
        if len(seen) <= MOST_POINTS:
            return sorted(seen.values())
        cells = cells * 3 // 4


def _bounds(source: Source, case: str) -> list[float]:
    """The upper bounds of the strata, without the last, which has none."""
    for backend in source.backends(case):
        summary = source.run.summary(case, backend)
        if summary is not None:
            return [stratum.high for stratum in summary.strata if stratum.high is not None]
    return []


def _draw(points: _Points, kept: list[int], bounds: list[float], name: str, case: str) -> Markup:
    made = figure.axes(height=4.2)
    top = max(*points.true, *points.predicted, 1.0) * 1.04
    low = min(0.0, *points.predicted)
    for bound in bounds:
        if bound < top:
            made.axvline(bound, color=LINE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0.5)
    made.plot([0, top], [0, top], color=DIM, linewidth=1)
    made.annotate(
        "predicted = true",
        (top * 0.97, top * 0.97),
        xytext=(-2, 5),
        textcoords="offset points",
        ha="right",
        color=DIM,
        rotation=45,
        rotation_mode="anchor",
        fontsize=7,
    )
    many = len(kept) > 400
    made.scatter(
        [points.true[index] for index in kept],
        [points.predicted[index] for index in kept],
        s=6 if many else 20,
        facecolor=SERIES[0],
        edgecolor="none" if many else INK,
        linewidth=0.4,
        alpha=0.5 if many else 0.75,
    )
    made.set(
        xlim=(0 - top * 0.02, top),
        ylim=(low - top * 0.02, top),
        xlabel="true count",
        ylabel="predicted count",
    )
    made.grid(False)
    return figure.svg(
        made,
        name,
        f"{case}: predicted against true count, {', '.join(points.backends)}, {len(points.true)} images",
    )
