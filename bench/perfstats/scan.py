"""The fast reader: all lines of a block at once, by their shapes; what has none goes to the exact reader.

Every byte of an accepted line was compared: with its shape's form, as a digit, or with the digits of a name. So a line that this
reader takes is one that the exact reader would have read the same way.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from bench.perfstats import swar
from bench.perfstats.chunks import FIELDS, Chunk, Key
from bench.perfstats.layouts import TIME, Layout
from bench.perfstats.shapes import Shapes
from bench.perfstats.stamps import MICRO, NO_STAMP, day_seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.perfstats.swar import Bools, Ints

    Rows = NDArray[np.intp]

WIDTHS = (256, 768)
"""Bytes of the longest line (or piece) of the fast reader: first for most lines, then for those with long names."""

BATCH_BYTES = 1 << 20
"""Lines that are looked at together: their bytes, and what is made of them, stay in a processor's cache."""

TRIES = 400
"""Lines of a block that may teach a shape, or fail to, before the rest goes to the exact reader."""

EXACT_DIGITS = 15
"""Digits of a rate whose quotient by a power of ten is the nearest number, since both are exact (Clinger, 1990)."""

INTEGER_DIGITS = 18
"""Digits that a 64-bit integer always holds."""


class Known:
    """What was learned of the lines of a layout, of up to `width` bytes. `keys`: whose records there are."""

    def __init__(self, layout: Layout, width: int) -> None:
        self.layout, self.width = layout, width
        self.shapes = [Shapes(piece, width // 8) for piece in layout.pieces]
        self.keys: list[Key] = []
        self._numbers: dict[Key, int] = {}
        self._groups: dict[tuple[int, ...], int] = {}

    def group(self, namings: tuple[int, ...]) -> int:
        """The number of the key that the names of each piece make."""
        group = self._groups.get(namings)
        if group is None:
            names: dict[str, str] = {}
            for shapes, naming in zip(self.shapes, namings, strict=True):
                names |= shapes.namings.names[naming]
            key = (names["stream"], names.get("element", ""), names.get("factory", ""), names.get("kind", ""))
            group = self._groups[namings] = self._numbers.setdefault(key, len(self.keys))
            if group == len(self.keys):
                self.keys.append(key)
        return group


class Scan:
    """One block, with swar.PADDING bytes after its content; `starts` and `ends` of its lines (the line breaks)."""

    def __init__(
        self, known: Known, block: NDArray[np.uint8], starts: Ints, ends: Ints, stamps: bool
    ) -> None:
        self.known, self.layout, self.block = known, known.layout, block
        self.starts, self.ends = starts, ends
        self.wanted = set(self.layout.numbers)
        n = len(starts)
        self.stamps = np.zeros(n, np.int64) if stamps else None
        names = {*FIELDS[self.layout.family], *self.wanted}
        self.columns = {name: np.zeros(n, np.float64 if name == "rate" else np.int64) for name in names}
        self.good: Bools = np.ones(n, np.bool_)
        self.namings: Ints = np.zeros((len(self.layout.pieces), n), np.int64)
        self.largest: Ints = np.zeros(n, np.int64)

    def run(self) -> tuple[Chunk, Rows]:
        """Return the records of the lines that fit, and which lines these are."""
        pieces = [(self.starts, self.ends)]
        if len(self.layout.pieces) > 1:
            opening, closing = self._list()
            pieces = [(self.starts, opening), (closing, self.ends)]
        for number, (start, stop) in enumerate(pieces):
            self._piece(number, start, stop)
        group = self._whose()
        if self.layout.family == "level":
            self.columns["high"] = np.maximum(self.columns["high"], self.largest)
        taken = np.flatnonzero(self.good)
        columns = {name: self.columns[name][taken] for name in FIELDS[self.layout.family]}
        stamp = None if self.stamps is None else self.stamps[taken]
        return Chunk(self.layout.family, self.known.keys, group[taken], columns, stamp), taken

    # --- shapes, numbers and names ----------------------------------------------------------------------------------------

    def _piece(self, number: int, start: Ints, stop: Ints) -> None:
        """Find the shapes of a piece of all lines, and take its numbers and whose they are."""
        shapes = self.known.shapes[number]
        length = stop - start
        length[(length < 8) | (length > self.known.width)] = 0
        batch = BATCH_BYTES // self.known.width
        shape = np.zeros(len(start), np.int64)
        tries = TRIES
        for low in range(0, len(start), batch):
            rows = slice(low, low + batch)
            shape[rows], tried = self._shapes(shapes, start[rows], length[rows], self.good[rows], tries)
            tries -= tried
            self.good[rows] &= shape[rows] > 0
            self._numbers(shapes, shape[rows], start[rows], rows)
            self.namings[number, rows] = self._names(shapes, shape[rows], start[rows], length[rows])
        if "whole" in shapes.fields:
            self._rates(shapes, shape, start)

    def _shapes(
        self, shapes: Shapes, start: Ints, length: Ints, alive: Bools, tries: int
    ) -> tuple[Ints, int]:
        """The shape of each of some lines, 0 where it has none, and how many lines were tried to learn from."""
        shape = self._compared(shapes, start, length)
        todo = np.flatnonzero((shape == 0) & (length > 0) & alive)
        if not len(todo) or tries <= 0:
            return shape, 0
        forms = swar.words(self.block, start[todo], shapes.width)
        first = todo[swar.different(forms, length[todo])[:tries]]
        lines = [self.block[start[row] : start[row] + length[row]].tobytes() for row in first.tolist()]
        if shapes.learn(lines):
            shape[todo] = self._compared(shapes, start[todo], length[todo])
        return shape, len(lines)

    def _compared(self, shapes: Shapes, start: Ints, length: Ints) -> Ints:
        text = swar.words(self.block, start, shapes.forms.shape[1])
        shape = shapes.index.find(text, length).astype(np.int64)
        shape[shapes.lengths.take(shape) != length] = 0
        differ = swar.differ(text, shapes.forms.take(shape, axis=0), shapes.limits.take(shape, axis=0))
        if differ is not None:
            shape[differ] = 0
        return shape

    def _numbers(self, shapes: Shapes, shape: Ints, start: Ints, rows: slice) -> None:
        names = [name for name in shapes.fields if name in self.layout.numbers or name in self.layout.json]
        columns = [shapes.fields.index(name) for name in names]
        widths = shapes.widths[columns].take(shape, axis=1)
        values = swar.numbers(self.block, start + shapes.ends[columns].take(shape, axis=1), widths)
        for name, width, value in zip(names, widths, values, strict=True):
            if name in self.layout.json:
                self.good[rows] &= (width <= 1) | (value >= swar.TENS[width - 1])
            if name in self.wanted:
                self.columns[name][rows] = value
        if self.stamps is not None and "clock" in shapes.fields:
            day, clock, micro = (start + shapes.ends[shapes.fields.index(name)].take(shape) for name in TIME)
            width = shapes.widths[shapes.fields.index("micro")].take(shape)
            self.stamps[rows] = self._stamps(day, clock, micro, width, shape > 0)

    def _names(self, shapes: Shapes, shape: Ints, start: Ints, length: Ints) -> Ints:
        literals = slice(len(shapes.fields), len(shapes.fields) + shapes.literals)
        stops = start + shapes.ends[literals].take(shape, axis=1)
        digits = swar.before(self.block, stops, shapes.widths[literals].take(shape, axis=1))

        def line(row: int) -> bytes:
            return self.block[start[row] : start[row] + length[row]].tobytes()

        return shapes.namings.find(shape, digits, line)

    def _rates(self, shapes: Shapes, shape: Ints, start: Ints) -> None:
        """`throughputRate`: by one division, or by Python's own conversion where it has too many digits."""
        whole, rest = shapes.fields.index("whole"), shapes.fields.index("rest")
        width, places = shapes.widths[whole].take(shape), shapes.widths[rest].take(shape)
        stop, end = start + shapes.ends[whole].take(shape), start + shapes.ends[rest].take(shape)
        fits = (width + places <= INTEGER_DIGITS) & (places <= 16)
        many = np.flatnonzero(fits & (width + places > EXACT_DIGITS) & self.good)
        others = np.flatnonzero(~fits & self.good)
        decimals = np.where(fits, places, 0)
        digits = swar.numbers(self.block, stop, width) * swar.TENS[decimals]
        digits += swar.numbers(self.block, end, decimals)
        rates = digits / swar.TENS[decimals].astype(np.float64)
        for count in np.unique(places[many]).tolist():  # rates repeat: each is converted once
            rows = many[places[many] == count]
            values, inverse = np.unique(digits[rows], return_inverse=True)
            scale = 10**count
            exact = [float(f"{value // scale}.{value % scale:0{count}}") for value in values.tolist()]
            rates[rows] = np.array(exact)[inverse]
        for row in others.tolist():
            rates[row] = float(self.block[stop[row] - width[row] : end[row]].tobytes())
        self.columns["rate"] = rates

    def _whose(self) -> Rows:
        """The number of the key of each line; `good` is false where there is none."""
        self.good &= (self.namings >= 0).all(axis=0)
        first, *others = self.namings
        if not others:
            namings = self.known.shapes[0].namings
            groups = [self.known.group((naming,)) for naming in range(len(namings.names))]
            return np.array([*groups, 0], np.intp)[first]
        good = np.flatnonzero(self.good)
        base = int(others[0].max(initial=0)) + 1
        codes, which = np.unique(first[good] * base + others[0][good], return_inverse=True)
        made = np.zeros(len(first), np.intp)
        made[good] = np.array([self.known.group(divmod(code, base)) for code in codes.tolist()], np.intp)[
            which
        ]
        return made

    # --- the list of a queue, and times -----------------------------------------------------------------------------------

    def _list(self) -> tuple[Ints, Ints]:
        """Behind the first `[` of each line, and its first `]`; what is between goes into the columns."""
        opening, closing = (
            swar.next_after(self.block, byte, self.starts, self.ends) for byte in (ord("["), ord("]"))
        )
        opening = opening + 1
        rows = np.flatnonzero((closing > opening) & (closing < self.ends))
        fine = np.zeros(len(self.starts), np.bool_)
        if len(rows):
            total, samples, largest, taken = swar.lists(self.block, opening[rows], closing[rows])
            self.columns["total"][rows], self.columns["samples"][rows] = total, samples
            self.largest[rows] = largest
            fine[rows] = taken
        self.good &= fine
        return np.where(fine, opening, self.starts), np.where(fine, closing, self.ends)

    def _stamps(self, day: Ints, clock: Ints, micro: Ints, width: Ints, good: Bools) -> Ints:
        """Times in microseconds since 1970 (UTC); `day`, `clock`, `micro` are where these end, `width` that of the last."""
        text = swar.words(self.block, clock - 8, 1).view(np.uint8) & 15
        hour, minute, second = (
            (text[:, at] * np.uint8(10) + text[:, at + 1]).astype(np.int64) for at in (0, 3, 6)
        )
        seconds: Ints = hour * 3600 + minute * 60 + second
        fine: Bools = (hour < 24) & (minute < 60) & (second <= 60)
        # Days are told apart by their last eight bytes and the first two; they change rarely.
        month = swar.words(self.block, day - 8, 1)[:, 0]
        century = swar.words(self.block, day - 10, 1)[:, 0] & np.uint64(0xFFFF)
        change = np.flatnonzero((np.diff(month) != 0) | (np.diff(century) != 0)) + 1
        edges = [0, *change.tolist(), len(day)]
        for low, high in itertools.pairwise(edges):
            begin = (
                day_seconds(self.block[day[low] - 10 : day[low]].tobytes().decode("latin-1"))
                if good[low:high].any()
                else None
            )
            if begin is None:
                fine[low:high] = False
            else:
                seconds[low:high] += begin
        found: Ints = np.where(fine, seconds * MICRO + swar.numbers(self.block, micro, width), NO_STAMP)
        return found
