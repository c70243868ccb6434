"""A trend as one HTML file that needs nothing else: no script, no request, both languages in the page."""

from __future__ import annotations

from pathlib import Path

from reports.terminal import printable
from reports.trend.figure import figure_svg
from reports.trend.model import Trend
from reports.trend.words import beside, day, figure, step, title, where

TEMPLATES = Path(__file__).parent / "templates"

MOST_FIGURES = 200
"""Series that get a picture; of more the page would be slow, and says so."""


def trend_html(trend: Trend) -> str:
    """The page. Every text in it is escaped by the template engine."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    template = environment.get_template("trend.html.j2")
    return template.render(
        trend=trend,
        pictures=[
            figure_svg(series) if len(series.points) > 1 else "" for series in trend.series[:MOST_FIGURES]
        ],
        title=title,
        where=where,
        figure=figure,
        step=step,
        beside=beside,
        day=day,
    )
