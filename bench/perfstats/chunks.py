"""Records of a block as columns, in the order of the lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.perfstats import layouts
from bench.perfstats.records import Level, Rate, Record, Span
from bench.perfstats.stamps import microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

Key = tuple[str, str, str, str]
"""Whose statistic: stream, element, factory, kind; empty where a family has none."""

FIELDS = {
    "span": ("count", "total", "low", "high"),
    "rate": ("frames", "rate"),
    "level": ("capacity", "high", "samples", "total"),
}
"""Columns of a family of records."""

FAMILIES: dict[type, str] = {Span: "span", Rate: "rate", Level: "level"}
SMALL = 10**layouts.DIGITS
"""From this size a column holds Python's integers instead of 64-bit ones, so that sums over a block stay exact."""


@dataclass(frozen=True)
class Chunk:
    """Records of one family: `keys[group[i]]` says whose the i-th is; `stamp` in microseconds (UTC), None where nobody asked."""

    family: str
    keys: Sequence[Key]
    group: NDArray[np.intp]
    columns: dict[str, NDArray[Any]]
    stamp: NDArray[np.int64] | None

    def parts(self) -> Iterator[tuple[Key, Chunk]]:
        """The records of each key, in their order."""
        keys = self.keys
        few = len(keys) < 2**16  # 16 bit are sorted by counting
        order = np.argsort(self.group.astype(np.uint16) if few else self.group, kind="stable")
        edges = np.searchsorted(self.group[order], np.arange(len(keys) + 1))
        for number, key in enumerate(keys):
            if edges[number] < edges[number + 1]:
                yield key, self.take(order[edges[number] : edges[number + 1]])

    def take(self, rows: Any) -> Chunk:
        """The records at `rows`: positions or a slice."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        stamp = None if self.stamp is None else self.stamp[rows]
        return Chunk(self.family, self.keys, self.group[rows], columns, stamp)

    def __len__(self) -> int:
        return len(self.group)


def key_of(record: Record) -> Key:
    """Whose a record is."""
    if isinstance(record, Span):
        return record.stream, record.element, record.factory, record.kind
    return record.stream, record.element if isinstance(record, Level) else "", "", ""


def of_records(family: str, records: Sequence[Record]) -> Chunk:
    """The columns of records of one family."""
    keys: dict[Key, int] = {}
    group = np.array([keys.setdefault(key_of(record), len(keys)) for record in records], np.intp)
    columns = {name: column([getattr(record, name) for record in records]) for name in FIELDS[family]}
    stamp = np.array([microseconds(record.stamp) for record in records], np.int64)
    return Chunk(family, list(keys), group, columns, stamp)


def column(values: Sequence[Any]) -> NDArray[Any]:
    """Numbers as an array: 64-bit where sums of them are safe, Python's own where not."""
    if any(isinstance(value, float) for value in values):
        return np.array(values, np.float64)
    if all(-SMALL < value < SMALL for value in values):
        return np.array(values, np.int64)
    made = np.empty(len(values), object)
    made[:] = values
    return made


def merged(chunks: Sequence[tuple[Chunk, NDArray[np.intp]]]) -> Chunk:
    """Chunks of one family, each with the lines of its records, as one in the order of the lines."""
    keys: dict[Key, int] = {}
    groups = []
    for chunk, _ in chunks:
        numbers = np.array([keys.setdefault(key, len(keys)) for key in chunk.keys], np.intp)
        groups.append(numbers[chunk.group])
    order = np.argsort(np.concatenate([lines for _, lines in chunks]), kind="stable")
    first = chunks[0][0]
    columns = {
        name: np.concatenate([chunk.columns[name] for chunk, _ in chunks])[order] for name in first.columns
    }
    stamps = [chunk.stamp for chunk, _ in chunks]
    stamp = (
        None
        if any(item is None for item in stamps)
        else np.concatenate([item for item in stamps if item is not None])[order]
    )
    return Chunk(first.family, list(keys), np.concatenate(groups)[order], columns, stamp)
