"""A trend as one HTML file that needs nothing else: no request, both languages in the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from reports.html import figure
from reports.html.base import engine
from reports.html.words import Both
from reports.trend import chinese
from reports.trend.figure import figure_svg
from reports.trend.model import Series, Trend
from reports.trend.tables import changes, overview

TEMPLATES = Path(__file__).parent / "templates"

MOST_FIGURES = 200
"""Series that get a picture; of more the page would be slow, and says so."""


@dataclass(frozen=True)
class Shown:
    """A series with its picture, empty where a line has one point; `machine` is what its times are of."""

    title: Both
    machine: Both
    note: Both
    picture: Markup
    span: Both
    baselines: tuple[str, ...]


def trend_html(trend: Trend) -> str:
    """The page. Every text in it is escaped by the template engine."""
    template = engine(TEMPLATES).get_template("trend.html.j2")
    with figure.styled():
        groups = _groups(trend.series)
    return template.render(
        trend=trend,
        left_out=[(count, chinese.left_out(reason)) for reason, count in trend.left_out.items()],
        changes=changes(trend),
        overview=overview(trend),
        groups=groups,
        without=max(0, len(trend.series) - MOST_FIGURES),
        stem="omgate-trend",
    )


def _groups(found: Sequence[Series]) -> list[tuple[Both, list[Shown]]]:
    """The series that are shown, by case, backend and what they ran on."""
    groups: dict[Both, list[Shown]] = {}
    for number, series in enumerate(found[:MOST_FIGURES]):
        groups.setdefault(chinese.where(series), []).append(_shown(series, number))
    return list(groups.items())


def _shown(series: Series, number: int) -> Shown:
    title = chinese.title(series)
    read_out = f"{title.en}, {chinese.where(series).en}"
    first, last = (chinese.figure(series, point.value) for point in (series.points[0], series.points[-1]))
    return Shown(
        title=title,
        machine=chinese.machine(series),
        note=chinese.note(series),
        picture=figure_svg(series, number, read_out) if len(series.points) > 1 else Markup(),
        span=first if len(series.points) < 2 else Both(f"{first.en} → {last.en}", f"{first.zh} → {last.zh}"),
        baselines=tuple(f"{point.started[:10]} {point.run}" for point in series.points if point.baseline),
    )
