"""A diff or a matrix as one HTML file that needs nothing else: no request, both languages in the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.diff.cells import both, matrix_page_table, page_table
from reports.diff.document import VERDICTS, Document, document, marks
from reports.diff.matrix import Matrix
from reports.diff.model import Diff, RunSide
from reports.html.base import engine
from reports.html.table import Table
from reports.html.words import STATUSES, Both

TEMPLATES = Path(__file__).parent / "templates"

FIRST = ("decides", "runs")
"""Tables before the sentences: what differs decides what may be concluded; a matrix is for the overview."""

CONCLUSIONS = Both("What may be concluded", "可以得出的结论")


def diff_html(found: Diff | Matrix) -> str:
    """The page. Every text in it is escaped by the template engine."""
    said = document(found)
    shown = (
        [matrix_page_table(found)] if isinstance(found, Matrix) else [page_table(one) for one in said.tables]
    )
    template = engine(TEMPLATES).get_template("diff.html.j2")
    return template.render(
        said=said,
        headline=_headline(said),
        sides=[(both(name), side, _marks(side)) for name, side in said.sides],
        stamps=_stamps(said),
        tally=_tally(shown),
        first=[table for table in shown if table.name in FIRST],
        tables=[table for table in shown if table.name not in FIRST],
        warnings=[both(text) for text in said.warnings],
        contents=_contents(said, shown),
        conclusions=CONCLUSIONS,
        told=both,
        stem="omgate-diff",
    )


def _headline(said: Document) -> Both:
    words = VERDICTS[said.status]
    return Both(words.en[0].upper() + words.en[1:], words.zh)


def _tally(shown: Sequence[Table]) -> dict[str, int]:
    """How many rows there are of each verdict, the best first."""
    rows = [row for table in shown for row in table.rows]
    return {name: sum(row.status == name for row in rows) for name in STATUSES}


def _contents(said: Document, shown: Sequence[Table]) -> list[tuple[str, Both]]:
    links = [(f"table-{table.name}", table.title) for table in shown]
    first = sum(table.name in FIRST for table in shown)
    return [*links[:first], *([("conclusions", CONCLUSIONS)] if said.notes else []), *links[first:]]


def _marks(side: RunSide) -> Both:
    found = marks(side)
    return Both(", ".join(mark.en for mark in found), "，".join(mark.zh for mark in found))


def _stamps(said: Document) -> list[tuple[Both, Both]]:
    """What must be known before a number is believed."""
    emulated = ", ".join(dict.fromkeys(name for _, side in said.sides for name in side.emulated))
    synthetic = ", ".join(dict.fromkeys(name for _, side in said.sides for name in side.synthetic))
    found = []
    if emulated:
        text = Both(
            f"{emulated}: on the emulated SDK; the counts are a model of the device’s, the speeds are not a device’s.",
            f"{emulated}：在仿真 SDK 中运行；人数是对设备的模拟，速度与设备无关。",
        )
        found.append((Both("Emulated", "仿真"), text))
    if synthetic:
        text = Both(
            f"The images of {synthetic} were drawn by a generator, not photographed.",
            f"{synthetic} 的图片由生成器绘制，并非实拍。",
        )
        found.append((Both("Synthetic", "合成"), text))
    return found
