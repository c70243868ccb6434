"""The tables of a diff as tables of the page: cells in both languages, numbers typeset and sortable, verdicts as badges."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from reports.chinese import chinese
from reports.diff import tables
from reports.diff.matrix import Cell as MatrixCell
from reports.diff.matrix import Matrix, cell_texts
from reports.diff.matrix import Row as MatrixRow
from reports.diff.model import Text
from reports.html.names import axis_name, backend_name, figure_name, quantity
from reports.html.shown import ARROW, DASH, MINUS
from reports.html.table import Cell, Column, Row, Shown, Table
from reports.html.words import STATUSES, Both
from reports.verdict import worst

SIDES = {"old": Both("old", "旧"), "new": Both("new", "新")}
ANSWERS = {"True": Both("yes", "是"), "False": Both("no", "否")}
LIMITED = re.compile(r"(\d+) of (\d+) \(--limit\)")
NEAR = re.compile(r"(.*) \(\+(\d+) within numerics\)")
INTERVAL = re.compile(r"(.+) \[(.+), (.+)\]")
ELSEWHERE = re.compile(r"on the host of (.+)")
NUMBER = re.compile(r"<?([-+]?[\d.]+(?:e[-+]?\d+)?)(?: (us|ms))?")
NEGATIVE = re.compile(r"(?<![\w.])-(?=\d)")
SCALES = {"us": 1e-6, "ms": 1e-3}


def both(text: Text) -> Both:
    """The same for the page."""
    return Both(text.en, text.zh)


def recorded(text: str) -> Both:
    """The value of something recorded: a version, an option, how many images."""
    limited = LIMITED.fullmatch(text)
    if limited:
        return Both(text, f"{limited[2]} 张中的 {limited[1]} 张（--limit）")
    return ANSWERS.get(text, Both(text, text))


def changed(text: str) -> Both:
    """How many images changed."""
    near = NEAR.fullmatch(text)
    return Both(text, f"{near[1]}（另 {near[2]} 张在数值误差内）" if near else text)


def scope(text: str) -> Both:
    """What a change is of."""
    host = ELSEWHERE.fullmatch(text)
    if host:
        return Both(text, f"{host[1]} 所在主机")
    return Both(text, text) if text else Both("the run", "整次运行")


WORDS: Mapping[tuple[str, str], Callable[[str], Both]] = {
    **{
        (name, column): said
        for name in ("decides", "beside")
        for column, said in (("what", axis_name), ("of", scope), ("old", recorded), ("new", recorded))
    },
    ("accuracy", "changed"): changed,
    ("speed", "what"): figure_name,
    ("alone", "only in"): lambda text: SIDES.get(text, Both(text, text)),
    ("alone", "why the other lacks it"): lambda text: Both(text, chinese(text)),
}
"""How the text of a cell is told, by table and column; other texts are names or numbers."""


def page_table(table: tables.Table) -> Table:
    """A table of the page."""
    columns = tuple(Column(both(column.title), number=column.numbers) for column in table.columns)
    statuses = table.statuses or ("",) * len(table.rows)
    rows = tuple(
        Row(tuple(_cells(table, cells, status)), status)
        for cells, status in zip(table.rows, statuses, strict=True)
    )
    note = "" if table.note is None else both(table.note)
    return Table(table.name, both(table.title), columns, rows, note)


def _cells(table: tables.Table, texts: tuple[str, ...], status: str) -> list[Cell]:
    made = [_cell(table.name, column, text) for column, text in zip(table.columns, texts, strict=True)]
    return [verdict(status), *made[1:]] if status else made


def verdict(status: str) -> Cell:
    """A verdict as a badge, sorted from the best to the worst."""
    return Cell(STATUSES[status], order=list(STATUSES).index(status), status=status)


def _cell(name: str, column: tables.Column, text: str) -> Cell:
    if text == "-":
        return Cell(DASH, order=math.inf)
    said = WORDS.get((name, column.title.en))
    if said is not None:
        return Cell(said(text), order=order(text) if column.numbers else None)
    if not column.numbers:
        return Cell(backend_name(text) if column.title.en == "backend" else text)
    interval = INTERVAL.fullmatch(text)
    if interval:
        low_to_high = typeset(f"{interval[2]} … {interval[3]}")
        return Cell(typeset(interval[1]), low_to_high, order=order(interval[1]))
    return Cell(typeset(text), order=order(text))


def typeset(text: str) -> Both:
    """Numbers with a true minus sign, an arrow and units."""
    return quantity(NEGATIVE.sub(MINUS, text).replace(tables.ARROW, ARROW))


def order(text: str) -> float:
    """What a number is sorted by: the first one of a text, seconds where it has a unit of time."""
    found = NUMBER.match(text)
    return float(found[1]) * SCALES.get(found[2], 1.0) if found else math.inf


def matrix_page_table(found: Matrix) -> Table:
    """The matrix: a column a run, each value with its verdict against the first run."""
    columns = (
        Column(Both("case", "用例")),
        Column(Both("backend", "后端")),
        Column(Both("figure", "指标")),
        *(Column(Both(run.name, run.name), run.started[:10], number=True) for run in found.runs),
        Column(Both("last step", "最后一步"), Both("against the one before", "对比前一次"), number=True),
    )
    note = Both(
        "Each run against the first: value, verdict, difference.", "每次运行与第一次对比：数值、结论、差值。"
    )
    rows = tuple(_matrix_row(row) for row in found.rows)
    return Table("runs", Both("Runs", "运行"), columns, rows, note)


def _matrix_row(row: MatrixRow) -> Row:
    judged = [cell.status for cell in (*row.cells, row.last) if cell.status is not None]
    names = (Cell(row.case), Cell(row.backend), Cell(figure_name(row.metric)))
    cells = (*names, *(_judged(cell, row.unit) for cell in row.cells), _last(row.last, row.unit))
    return Row(cells, str(worst(judged)) if judged else "")


def _judged(cell: MatrixCell, unit: str) -> Cell:
    value, difference = cell_texts(cell, unit)
    if cell.value is None:
        return Cell(DASH, order=math.inf)
    if not difference or cell.status is None:
        return Cell(typeset(value), order=cell.value)
    return Cell(
        typeset(value), _beside(difference, str(cell.status)), order=cell.value, status=str(cell.status)
    )


def _last(cell: MatrixCell, unit: str) -> Cell:
    _, difference = cell_texts(cell, unit)
    if not difference or cell.status is None:
        return Cell(DASH, order=math.inf)
    return Cell(typeset(difference), STATUSES[cell.status], order=order(difference), status=str(cell.status))


def _beside(difference: str, status: str) -> Shown:
    said, word = typeset(difference if difference != "-" else DASH), STATUSES[status]
    return Both(f"{said.en}, {word.en}", f"{said.zh}，{word.zh}")
