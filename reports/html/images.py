"""The images that moved or miss most: pictures of a few, a table of more, the data of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.errors import ReportError
from reports.html import shown
from reports.html.choice import Choice, choose
from reports.html.download import Value, link
from reports.html.overlays import Overlay, overlay
from reports.html.source import Source
from reports.html.table import Cell, Column, Row, Table
from reports.html.words import Both
from reports.image import ImageRecord
from reports.run import CaseEntry

MOST_ROWS = 40
"""Rows of the table of one case; the CSV has them all."""

MOST_DATA = 50_000
"""Results whose numbers go into the page as CSV, about 30 bytes each; more are left to images.jsonl."""


@dataclass(frozen=True)
class Card:
    """One image to show, with its pictures if there are any."""

    choice: Choice
    overlay: Overlay | None
    emulated: bool
    synthetic: bool

    @property
    def predicted(self) -> str:
        """The predicted count."""
        return shown.count(self.choice.record.predicted_count)

    @property
    def true(self) -> str:
        """The true count."""
        return shown.count(self.choice.record.true_count)

    @property
    def error(self) -> str:
        """Predicted - true."""
        return shown.signed(self.choice.record.error)

    @property
    def others(self) -> str:
        """What the other backends counted."""
        found = self.choice.records.items()
        return ", ".join(
            f"{name} {shown.count(r.predicted_count)}" for name, r in found if name != self.choice.backend
        )

    @property
    def before(self) -> str:
        """The baseline's count, where the image moved."""
        return shown.count(self.choice.moved.old) if self.choice.moved else ""

    @property
    def change(self) -> str:
        """How far it moved."""
        return shown.signed(self.choice.moved.difference) if self.choice.moved else ""

    @property
    def brightest(self) -> str:
        """The upper end of the colours, people a cell."""
        return shown.short(self.overlay.brightest) if self.overlay else ""


def cards(source: Source) -> list[Card]:
    """The images to show, the moved ones first in each case."""
    return [
        Card(
            choice,
            _overlay(source, choice),
            source.emulated(choice.case, choice.backend),
            (case := source.run.case(choice.case)) is not None and case.synthetic,
        )
        for choice in choose(source.run, source.record.images)
    ]


def _overlay(source: Source, choice: Choice) -> Overlay | None:
    picture = source.pictures.load(choice.case, choice.image) if source.pictures else None
    if picture is None:
        return None
    try:
        predicted = source.maps.load(choice.case, choice.backend, choice.image)
    except ReportError:
        predicted = None
    return overlay(picture, predicted, choice.record.geometry)


def table(source: Source, case: CaseEntry, number: int) -> Table | None:
    """The images of a case with the largest errors, a column for each backend; None without any."""
    backends = source.backends(case.name)
    results = _by_image(source, case.name, backends)
    good = {name: found for name, found in results.items() if any(r.status == "ok" for r in found.values())}
    ranked = sorted(good, key=lambda name: (-_largest(good[name]), name))
    columns = [
        Column(Both("Image", "图片")),
        Column(Both("True", "真实"), unit=Both("counts", "人"), number=True),
        *(
            Column(Both(f"{name}", f"{name}"), unit=_unit(source, case.name, name), number=True)
            for name in backends
        ),
        Column(Both("Largest |error|", "最大 |误差|"), unit=Both("counts", "人"), number=True),
    ]
    rows = [_row(name, good[name], backends) for name in ranked[:MOST_ROWS]]
    if not rows:
        return None
    title = Both(f"Largest errors of {case.name}", f"{case.name} 误差最大的图片")
    fits = len(results) * len(backends) <= MOST_DATA
    header = ["image", "true_count", *(f"predicted_count_{name}" for name in backends), "status"]
    address = link(header, _data(results, backends)) if fits else ""
    note = _note(len(rows), len(good), len(results), fits)
    return Table(f"images-{number}", title, tuple(columns), tuple(rows), note, address)


def _unit(source: Source, case: str, backend: str) -> Both:
    return (
        Both("predicted, emulated", "预测，仿真")
        if source.emulated(case, backend)
        else Both("predicted", "预测")
    )


def _note(rows: int, good: int, every: int, fits: bool) -> Both:
    some, of, total = shown.thousands(rows), shown.thousands(good), shown.thousands(every)
    where = (
        Both(f"the CSV has all {total}", f"CSV 含全部 {total} 张")
        if fits
        else Both("images.jsonl has all", "全部见 images.jsonl")
    )
    return Both(
        f"{some} of {of} images with a result; {where.en}. Under a count: its error.",
        f"{of} 张有结果的图片中的 {some} 张；{where.zh}。人数下方为其误差。",
    )


def _by_image(source: Source, case: str, backends: Sequence[str]) -> dict[str, dict[str, ImageRecord]]:
    found: dict[str, dict[str, ImageRecord]] = {}
    for backend in backends:
        for record in source.images(case, backend):
            found.setdefault(record.image, {})[backend] = record
    return found


def _largest(found: dict[str, ImageRecord]) -> float:
    return max((abs(record.error) for record in found.values() if record.status == "ok"), default=0.0)


def _row(name: str, found: dict[str, ImageRecord], backends: Sequence[str]) -> Row:
    true = next((record.true_count for record in found.values() if record.true_count is not None), None)
    cells = [Cell(name), Cell(shown.count(true), order=true if true is not None else float("inf"))]
    for backend in backends:
        record = found.get(backend)
        if record is None:
            cells.append(Cell(shown.DASH, order=float("inf")))
        elif record.status != "ok":
            cells.append(Cell(Both("failed", "失败"), record.reason or "", order=float("inf")))
        else:
            predicted = record.predicted_count or 0.0
            cells.append(Cell(shown.count(predicted), shown.signed(record.error), predicted))
    cells.append(Cell(shown.count(_largest(found)), order=_largest(found)))
    return Row(tuple(cells))


def _data(results: dict[str, dict[str, ImageRecord]], backends: Sequence[str]) -> list[list[Value]]:
    rows: list[list[Value]] = []
    for name, found in results.items():
        true = next((record.true_count for record in found.values() if record.true_count is not None), None)
        failed = [f"{backend}: {record.reason}" for backend, record in found.items() if record.status != "ok"]
        counts = [found[backend].predicted_count if backend in found else None for backend in backends]
        rows.append([name, true, *counts, "; ".join(failed) or "ok"])
    return rows
