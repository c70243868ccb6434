"""Several runs at once: each against the first, and the last against the one before it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from reports.diff.build import Gates, diff
from reports.diff.model import Diff, Measured, RunSide, Text
from reports.diff.tables import BACKEND, CASE, Column, Table, delta, quantity
from reports.numbers import METRICS, Number
from reports.record import RunRecord
from reports.verdict import Status, worst

ACCURACY = ("mae", "rmse")


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of one run, and what became of it since the first: `status` and difference; None in the first run and where it is not known."""

    value: float | None = None
    status: Status | None = None
    number: Number | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a case on a backend over all runs; `last`: the last run against the one before it."""

    case: str
    backend: str
    metric: str
    unit: str
    cells: tuple[Cell, ...]
    last: Cell


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Three runs or more. `diffs`: each against the first, then the last against the one before."""

    schema: int = 1
    status: Status
    runs: tuple[RunSide, ...]
    rows: tuple[Row, ...]
    diffs: tuple[Diff, ...]


def matrix(records: Sequence[RunRecord], gates: Gates | None = None) -> Matrix:
    """The matrix of at least three runs, oldest first as they are given."""
    first, *others = records
    diffs = [diff(first, other, gates) for other in others]
    step = diff(records[-2], records[-1], gates)
    return Matrix(
        status=worst(Status(found.status) for found in (*diffs, step)),
        runs=(diffs[0].old, *(found.new for found in diffs)),
        rows=tuple(_rows(diffs, step)),
        diffs=(*diffs, step),
    )


def _rows(diffs: Sequence[Diff], step: Diff) -> list[Row]:
    keys = dict.fromkeys((item.case, item.backend) for found in diffs for item in found.measured)
    rows = []
    for case, backend in keys:
        items = [_item(found, case, backend) for found in diffs]
        last = _item(step, case, backend)
        for name, unit in _figures([*items, last]):
            first = next((old for item in items if (old := _number(item, name)) is not None), None)
            cells = [Cell(value=first.old if first else None), *(_cell(item, name) for item in items)]
            rows.append(
                Row(
                    case=case,
                    backend=backend,
                    metric=name,
                    unit=unit,
                    cells=tuple(cells),
                    last=_cell(last, name),
                )
            )
    return rows


def _item(found: Diff, case: str, backend: str) -> Measured | None:
    return next((item for item in found.measured if (item.case, item.backend) == (case, backend)), None)


def _figures(items: Sequence[Measured | None]) -> dict[tuple[str, str], None]:
    """The figures of a case on a backend with their units, in order: accuracy, then every speed that was compared."""
    found: dict[tuple[str, str], None] = {}
    for item in items:
        if item is None or item.accuracy is None:
            continue
        for number in item.accuracy.numbers:
            if number.metric in ACCURACY:
                found[number.metric, number.unit] = None
    for item in items:
        for speed in item.speed if item else ():
            for number in speed.verdict.numbers:
                found[number.metric, number.unit] = None
    return found


def _number(item: Measured | None, name: str) -> Number | None:
    return _cell(item, name).number


def _cell(item: Measured | None, name: str) -> Cell:
    if item is None:
        return Cell()
    if item.accuracy is not None and (number := item.accuracy.number(name)) is not None:
        return Cell(value=number.new, status=Status(item.accuracy.status), number=number)
    for speed in item.speed:
        for number in speed.verdict.numbers:
            if number.metric == name:
                return Cell(value=number.new, status=Status(speed.verdict.status), number=number)
    return Cell()


def matrix_table(found: Matrix) -> Table:
    """The matrix as a table of text: a column a run, with the difference from the first and its verdict."""
    rows = [
        (
            row.case,
            row.backend,
            METRICS[row.metric].title if row.metric in METRICS else row.metric,
            *(_text(cell, row.unit) for cell in row.cells),
            _text(row.last, row.unit, value=False),
        )
        for row in found.rows
    ]
    columns = (
        CASE,
        BACKEND,
        Column(Text("figure", "指标")),
        *(Column(Text(run.name, run.name), numbers=True) for run in found.runs),
        Column(Text("last against the one before", "最后一次对比前一次"), numbers=True),
    )
    note = Text(
        "Each run against the first: value, difference, verdict.", "每次运行与第一次对比：数值、差值、结论。"
    )
    return Table("runs", Text("Runs", "运行"), columns, tuple(rows), note=note)


def _text(cell: Cell, unit: str, value: bool = True) -> str:
    """`33.30 (+0.05, drift)`."""
    shown, difference = cell_texts(cell, unit)
    if not difference:
        return shown
    return f"{shown} ({difference}, {cell.status})" if value else f"{difference} ({cell.status})"


def cell_texts(cell: Cell, unit: str) -> tuple[str, str]:
    """The value and the difference from the run that it is held against; empty where there is none."""
    if cell.value is None:
        return "-", ""
    exact = unit in ("counts", "1", "dB")
    shown = f"{cell.value:.2f}" if exact else quantity(cell.value, unit)
    number = cell.number
    if number is None or cell.status is None:
        return shown, ""
    if exact:
        return shown, delta(msgspec.structs.replace(number, low=None, high=None))
    if number.old and number.new is not None:
        return shown, f"{100 * (number.new / number.old - 1.0):+.1f} %"
    return shown, "-"
