"""The tables of a trend's page: every change point, the newest first, and every series."""

from __future__ import annotations

import math

from reports.html.names import backend_name
from reports.html.shown import ARROW
from reports.html.table import Cell, Column, Row, Table
from reports.html.words import Both
from reports.trend import chinese
from reports.trend.model import ChangePoint, Series, Trend

CASE, BACKEND, FIGURE = (
    Column(Both("case", "用例")),
    Column(Both("backend", "后端")),
    Column(Both("figure", "指标")),
)

SHOWN = 200
"""Change points in the page; the JSON has all."""


def changes(trend: Trend) -> Table:
    """Where levels moved, and what changed with them."""
    found = [(series, change) for series in trend.series for change in series.changes]
    found.sort(key=lambda pair: pair[1].started, reverse=True)
    columns = (
        Column(Both("since", "起始")),
        CASE,
        BACKEND,
        FIGURE,
        Column(Both("level", "水平"), number=True),
        Column(Both("change", "变化"), number=True),
        Column(Both("changed with it", "同时改变")),
    )
    hidden = len(found) - SHOWN
    note = (
        Both(f"{hidden} older ones are in the JSON.", f"另有 {hidden} 个较早的，见 JSON。")
        if hidden > 0
        else ""
    )
    rows = tuple(_change(series, change) for series, change in found[:SHOWN])
    return Table("changes", Both("Change points", "变化点"), columns, rows, note)


def _change(series: Series, change: ChangePoint) -> Row:
    before, after = (chinese.figure(series, value) for value in (change.before, change.after))
    relative = change.change
    cells = (
        Cell(change.started[:10], change.run, order=change.started),
        Cell(series.case),
        Cell(_backend(series)),
        Cell(chinese.title(series)),
        Cell(Both(f"{before.en} {ARROW} {after.en}", f"{before.zh} {ARROW} {after.zh}"), order=change.after),
        Cell(
            chinese.relative(change),
            chinese.direction(series, change),
            order=math.inf if relative is None else relative,
        ),
        Cell(chinese.beside(series, change)),
    )
    return Row(cells)


def overview(trend: Trend) -> Table:
    """Every series: how many runs, first, last, how many change points."""
    columns = (
        CASE,
        BACKEND,
        FIGURE,
        Column(Both("runs", "运行"), number=True),
        Column(Both("first", "最初"), number=True),
        Column(Both("last", "最近"), number=True),
        Column(Both("change points", "变化点"), number=True),
    )
    return Table(
        "series", Both("All figures as a table", "所有指标的表格"), columns, tuple(map(_series, trend.series))
    )


def _series(series: Series) -> Row:
    first, last = series.points[0].value, series.points[-1].value
    cells = (
        Cell(series.case),
        Cell(_backend(series)),
        Cell(chinese.title(series), chinese.machine(series)),
        Cell(str(len(series.points)), order=len(series.points)),
        Cell(chinese.figure(series, first), order=first),
        Cell(chinese.figure(series, last), order=last),
        Cell(str(len(series.changes)), order=len(series.changes)),
    )
    return Row(cells)


def _backend(series: Series) -> Both:
    return backend_name(f"{series.backend} (emulated)" if series.soc == "emulated" else series.backend)
