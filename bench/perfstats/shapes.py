"""Shapes: what lines that differ only in the values of their digits have in common.

The canonical form of a line has every digit as `0`. Lines of one canonical form have the same bytes but for digits, at the same places;
which of these are numbers and which belong to names was learned from the first such line by the layout's pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.perfstats.index import Index
from bench.perfstats.layouts import NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.perfstats.swar import Ints, Words

MOST_SHAPES = 4000
"""Shapes that are kept; beyond, lines of new ones are read exactly, that is slowly."""

MOST_NAMINGS = 20_000
"""Names with their shapes that are kept; beyond, lines of new ones are read exactly."""

NAMING_BITS = 18
"""Of the table of these: large enough for few to share a slot."""

LITERALS = 6
"""Runs of digits in the names of a line (`mxpi_tensorinfer0`), each of up to 8 digits; lines with more are read exactly."""

NO_FIELD = 16
"""Where a number of width 0 is."""

BEHIND = 255
"""The limit of a byte behind the line: it may be anything."""

_RUN = re.compile(rb"[0-9]+")
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)


class Shapes:
    """The shapes of one pattern, of lines of up to 8 `width` bytes. Tables have an item for each shape; the first is that of no line.

    `forms`: the canonical words, as many as the longest has, NUL behind the line; `limits`: how far each byte may be above these.
    `ends` and `widths`: where the digits of each field and then of each literal end, and how many there are.
    """

    def __init__(self, pattern: re.Pattern[bytes], width: int) -> None:
        self.pattern, self.width = pattern, width
        self.fields = tuple(name for name in pattern.groupindex if name not in NAMES)
        self.index, self.namings = Index(width), Namings(pattern)
        self._forms: Words = np.zeros((1, width), np.uint64)
        self._limits: Words = ~self._forms  # a line without a shape differs from nothing
        self.forms, self.limits = self._forms[:, :1], self._limits[:, :1]
        columns = len(self.fields) + LITERALS
        self.ends: Ints = np.full((columns, 1), NO_FIELD, np.int64)
        self.widths: Ints = np.zeros((columns, 1), np.int64)
        self.lengths: Ints = np.zeros(1, np.int64)
        self.literals = 0
        self._learned: set[bytes] = set()

    def learn(self, lines: Sequence[bytes]) -> bool:
        """Learn the shapes of these lines; False if none is new, of the layout and not one too many."""
        new = [shape for line in lines if (shape := self._new(line)) is not None]
        if not new:
            return False
        forms, limits, spans = (np.array(table) for table in zip(*new, strict=True))
        lengths = np.count_nonzero(limits != BEHIND, axis=1)
        self._forms = np.vstack([self._forms, forms.view("<u8")])
        self._limits = np.vstack([self._limits, limits.view("<u8")])
        self.ends = np.hstack([self.ends, spans[:, :, 1].T])
        self.widths = np.hstack([self.widths, (spans[:, :, 1] - spans[:, :, 0]).T])
        self.lengths = np.append(self.lengths, lengths)
        longest = int(self.lengths.max() + 7) // 8
        self.forms, self.limits = (
            np.ascontiguousarray(table[:, :longest]) for table in (self._forms, self._limits)
        )
        self.literals = int((self.widths[len(self.fields) :] > 0).sum(axis=0).max())
        self.index.add(forms.view("<u8"), lengths)
        return True

    def _new(self, line: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[tuple[int, int]]] | None:
        """The form of a line, the limits, and the spans of fields and literals; None where it is not to be learned."""
        canonical = line.translate(_ZEROS)
        if canonical in self._learned or len(self._learned) >= MOST_SHAPES:
            return None
        found = self.pattern.fullmatch(line)
        literals = [] if found is None else _literals(found)
        if found is None or len(literals) > LITERALS or any(stop - start > 8 for start, stop in literals):
            return None
        self._learned.add(canonical)
        form = np.frombuffer(canonical.ljust(8 * self.width, b"\0"), np.uint8)
        limits = np.where(form == ord("0"), 9, 0).astype(np.uint8)
        limits[len(line) :] = BEHIND
        spans = [found.span(name) for name in self.fields] + literals
        return form, limits, spans + [(NO_FIELD, NO_FIELD)] * (LITERALS - len(literals))


def _literals(found: re.Match[bytes]) -> list[tuple[int, int]]:
    """Where runs of digits are that belong to no number."""
    rest = bytearray(found.group())
    for name in found.re.groupindex:
        if name not in NAMES:
            rest[slice(*found.span(name))] = b" " * len(found[name])
    return [run.span() for run in _RUN.finditer(rest)]


class Namings:
    """The names of lines, by number: lines of one shape with the same digits in names have the same ones.

    Looked up in a table by a hash, then compared: `_parts` are a shape and its digits, the first those of nothing.
    """

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self.names: list[dict[str, str]] = []
        self._pattern = pattern
        self._known: dict[tuple[int, ...], int] = {}
        self._table = np.zeros(1 << NAMING_BITS, np.uint16)
        self._parts: Words = np.zeros((1 + LITERALS, 1), np.uint64)
        self._numbers: Ints = np.zeros(1, np.int64)

    def find(self, shape: Ints, digits: Words, line: Callable[[int], bytes]) -> Ints:
        """The number of each line's names, -1 where these are none of the layout's or too many.

        `shape` (N,), 0 for none; `digits` (P, N) of each literal; `line`: the bytes of one of them.
        """
        parts = np.vstack([shape.view(np.uint64), digits])
        found = self._table[_slots(parts)]
        same = found > 0
        for known, part in zip(self._parts, parts, strict=False):
            same &= known.take(found) == part
        numbers: Ints = np.where(same, self._numbers.take(found), -1)
        rows = np.flatnonzero(~same & (shape > 0))
        if len(rows):
            numbers[rows] = self._learn(parts[:, rows], rows, line)
        return numbers

    def _learn(self, parts: Words, rows: Ints, line: Callable[[int], bytes]) -> Ints:
        """The numbers of some lines with these parts; unknown ones are given one."""
        order = np.lexsort(parts)
        changes = (np.diff(parts[:, order], axis=1) != 0).any(axis=0)
        first = order[np.flatnonzero(np.concatenate([[True], changes]))]
        which = np.empty(len(rows), np.int64)
        which[order] = np.cumsum(np.concatenate([[0], changes]))
        keys = [tuple(column) for column in parts[:, first].T.tolist()]
        new = [place for place, key in enumerate(keys) if key not in self._known][
            : MOST_NAMINGS - len(self._known)
        ]
        for place in new:
            self._known[keys[place]] = self._new(line(int(rows[first[place]])))
        self._remember(parts[:, first[new]], [self._known[keys[place]] for place in new])
        made: Ints = np.array([self._known.get(key, -1) for key in keys], np.int64)[which]
        return made

    def _remember(self, parts: Words, numbers: list[int]) -> None:
        """Put new ones into the table; of two in one slot the later one has it."""
        self._table[_slots(parts)] = len(self._numbers) + np.arange(len(numbers))
        self._parts = np.hstack([self._parts, np.pad(parts, ((0, 1 + LITERALS - len(parts)), (0, 0)))])
        self._numbers = np.append(self._numbers, np.array(numbers, np.int64))

    def _new(self, line: bytes) -> int:
        found = self._pattern.fullmatch(line)
        if found is None:  # `e3e` has the shape of `e2e`
            return -1
        try:
            names = {name: found[name].decode("utf-8") for name in NAMES if name in self._pattern.groupindex}
        except UnicodeDecodeError:
            return -1
        self.names.append(names)
        return len(self.names) - 1


_ODD = np.random.default_rng(1).integers(0, 2**64, 1 + LITERALS, np.uint64) | np.uint64(1)


def _slots(parts: Words) -> Words:
    """Where in the table something is; digits that are not there (0) make no difference."""
    found: Words = np.einsum("pn,p->n", parts, _ODD[: len(parts)]) >> np.uint64(64 - NAMING_BITS)
    return found
