"""A table of the page: columns, rows, what a row's verdict is, and the link to its data as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reports.html.download import Value, link
from reports.html.words import Both

Shown = str | Both


@dataclass(frozen=True)
class Column:
    """A column's title; `unit` is set small beside it; numbers are aligned to the right."""

    title: Both
    unit: Shown = ""
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, `sub` small under it; `order` is what sorting goes by; a `status` is shown by word, shape and colour.

    `notes`: (number, id) of footnotes.
    """

    text: Shown = ""
    sub: Shown = ""
    order: float | str | None = None
    status: str = ""
    code: bool = False
    notes: tuple[int, ...] = ()

    @property
    def sort_key(self) -> str:
        """For the page's script; a number that is not known goes last."""
        if self.order is not None:
            return f"{self.order!r}" if isinstance(self.order, float | int) else self.order
        return self.text.en if isinstance(self.text, Both) else self.text


@dataclass(frozen=True)
class Row:
    """A row; its `status` is what the filter goes by."""

    cells: tuple[Cell, ...]
    status: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `name` is unique in the page and names the CSV; `data` is its address, `note` stands under it."""

    name: str
    title: Both
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: Shown = ""
    data: str = ""
    bars: bool = field(default=False)


def make(
    name: str,
    title: Both,
    columns: Sequence[Column],
    rows: Sequence[Row],
    header: Sequence[str],
    data: Sequence[Sequence[Value]],
    note: Shown = "",
) -> Table:
    """A table with its data: `header` and rows of plain values, every digit of them, units in the header's names."""
    return Table(name, title, tuple(columns), tuple(rows), note, link(header, data))
