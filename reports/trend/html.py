"""A trend as one HTML file that needs nothing else: no script, no request, both languages in the page."""

from __future__ import annotations

from pathlib import Path

from reports.html.plain import page
from reports.trend import chinese
from reports.trend.figure import figure_svg
from reports.trend.model import Trend
from reports.trend.words import beside, day, figure

TEMPLATES = Path(__file__).parent / "templates"

MOST_FIGURES = 200
"""Series that get a picture; of more the page would be slow, and says so."""


def trend_html(trend: Trend) -> str:
    """The page. Every text in it is escaped by the template engine."""
    template = page(TEMPLATES, "trend.html.j2")
    return template.render(
        trend=trend,
        pictures=[
            figure_svg(series) if len(series.points) > 1 else "" for series in trend.series[:MOST_FIGURES]
        ],
        title=chinese.title,
        where=chinese.where,
        note=chinese.note,
        left_out=chinese.left_out,
        step=chinese.step,
        figure=figure,
        beside=beside,
        day=day,
    )
