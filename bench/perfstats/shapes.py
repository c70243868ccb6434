"""Shapes: what lines that differ only in the values of their digits have in common.

The canonical form of a line has every digit as `0`. Lines of one canonical form have the same bytes but for digits, at the same places;
which of these are numbers and which belong to names was learned from the first such line by the layout's pattern. Forms are looked
up by a hash and then compared in full.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from bench.perfstats.chunks import Key
from bench.perfstats.layouts import NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.perfstats.swar import Ints, Words

MOST_SHAPES = 4000
"""Shapes that are kept; beyond, lines of new ones are read exactly, that is slowly."""

MOST_IDENTITIES = 20_000
"""Names with their shapes that are kept; beyond, lines of new ones are read exactly."""

LITERALS = 6
"""Runs of digits in the names of a line (`mxpi_tensorinfer0`), each of up to 8 digits; lines with more are read exactly."""

NO_FIELD = 16
"""Where a number of width 0 is."""

_RUN = re.compile(rb"[0-9]+")


class Shapes:
    """The shapes of one pattern. Tables have a row (`forms`, `lengths`) or a column for each shape; the first is that of no line.

    `forms` canonical words; `ends` and `widths` by field and then literal; `literals`: the most of these in a line.
    """

    def __init__(self, pattern: re.Pattern[bytes], width: int) -> None:
        self.pattern, self.width = pattern, width
        self.fields = tuple(name for name in pattern.groupindex if name not in NAMES)
        self.hashes: Words = np.zeros(0, np.uint64)
        self.rows: Ints = np.zeros(0, np.int64)
        columns = len(self.fields) + LITERALS
        self.forms: Words = np.zeros((1, width), np.uint64)
        self.ends: Ints = np.full((columns, 1), NO_FIELD, np.int64)
        self.widths: Ints = np.zeros((columns, 1), np.int64)
        self.lengths: Ints = np.zeros(1, np.int64)
        self.literals = 0

    def find(self, hashes: Words) -> Ints:
        """The row of each hash, 0 where it is not known."""
        known, rows = self.hashes, self.rows
        if not len(known):
            return np.zeros(len(hashes), np.int64)
        place = np.searchsorted(known, hashes)
        place[place == len(known)] = 0
        found: Ints = np.where(known[place] == hashes, rows[place], 0)
        return found

    def learn(self, line: bytes, form: NDArray[np.uint64], hashed: np.uint64) -> bool:
        """Learn the shape of a line; False if it is not of the layout, or there are too many."""
        if hashed in self.hashes:
            return True
        found = self.pattern.fullmatch(line)
        if found is None or len(self.forms) > MOST_SHAPES:
            return False
        literals = _literals(found)
        if len(literals) > LITERALS or any(stop - start > 8 for start, stop in literals):
            return False
        spans = [found.span(name) for name in self.fields]
        spans += literals + [(NO_FIELD, NO_FIELD)] * (LITERALS - len(literals))
        self.forms = np.vstack([self.forms, form])
        self.ends = np.column_stack([self.ends, [stop for _, stop in spans]])
        self.widths = np.column_stack([self.widths, [stop - start for start, stop in spans]])
        self.lengths = np.append(self.lengths, len(line))
        self.literals = max(self.literals, len(literals))
        place = int(np.searchsorted(self.hashes, hashed))
        self.rows = np.insert(self.rows, place, len(self.forms) - 1)
        self.hashes = np.insert(self.hashes, place, hashed)
        return True


def _literals(found: re.Match[bytes]) -> list[tuple[int, int]]:
    """Where runs of digits are that belong to no number."""
    spans = [found.span(name) for name in found.re.groupindex if name not in NAMES]
    runs = [run.span() for run in _RUN.finditer(found.group())]
    return [run for run in runs if not any(start <= run[0] and run[1] <= stop for start, stop in spans)]


class Identities:
    """Whose lines are: by their shapes and the digits in their names, `parts` (P, N) words. Looked up by a hash, then compared."""

    def __init__(self, parts: int) -> None:
        self.keys: list[Key] = []
        self.hashes: Words = np.zeros(0, np.uint64)
        self.rows: Ints = np.zeros(0, np.int64)
        self.parts: Words = np.zeros((parts, 0), np.uint64)
        self.groups: Ints = np.zeros(0, np.int64)

    def find(self, hashes: Words, parts: Words) -> Ints:
        """Which key the lines have, -1 where none is known (or another has the same hash)."""
        known, rows = self.hashes, self.rows
        if not len(known):
            return np.full(len(hashes), -1)
        place = np.searchsorted(known, hashes)
        place[place == len(known)] = 0
        row = rows[place]
        equal = known[place] == hashes
        for mine, theirs in zip(self.parts, parts, strict=True):
            equal &= mine[row] == theirs
        found: Ints = np.where(equal, self.groups[row], -1)
        return found

    def learn(self, hashed: np.uint64, parts: NDArray[np.uint64], key: Key) -> None:
        """Remember whose a line is."""
        if hashed in self.hashes or len(self.hashes) > MOST_IDENTITIES:
            return
        if key not in self.keys:
            self.keys.append(key)
        self.parts = np.column_stack([self.parts, parts])
        self.groups = np.append(self.groups, self.keys.index(key))
        place = int(np.searchsorted(self.hashes, hashed))
        self.rows = np.insert(self.rows, place, len(self.groups) - 1)
        self.hashes = np.insert(self.hashes, place, hashed)
