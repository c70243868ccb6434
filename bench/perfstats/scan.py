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
from bench.perfstats.layouts import NAMES, TIME, Layout
from bench.perfstats.shapes import LITERALS, Identities, Shapes
from bench.perfstats.stamps import MICRO, NO_STAMP, day_seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.perfstats.swar import Bools, Ints, Words

    Rows = NDArray[np.intp]

WIDTHS = (256, 768)
"""Bytes of the longest line (or piece) of the fast reader: first for most lines, then for those with long names."""

BATCH_BYTES = 1 << 18
"""Lines that are looked at together: their arrays stay in a processor's cache."""

TRIES = 50
"""Lines of a batch that may teach a shape, or fail to, before the rest goes to the exact reader."""

EXACT_DIGITS = 15
"""Digits of a rate whose quotient by a power of ten is the nearest number, since both are exact (Clinger, 1990)."""

INTEGER_DIGITS = 18
"""Digits that a 64-bit integer always holds."""


class Known:
    """What was learned of the lines of a layout, of up to `width` bytes."""

    def __init__(self, layout: Layout, width: int) -> None:
        self.layout, self.width = layout, width
        self.shapes = [Shapes(piece, width // 8) for piece in layout.pieces]
        self.identities = Identities(len(layout.pieces) * (1 + LITERALS))
        self.room = swar.Room(BATCH_BYTES // width, width // 8)

    def key(self, line: bytes) -> Key | None:
        """Whose a line is, of which each piece has a shape; None if a name is not UTF-8."""
        names: dict[str, str] = {}
        whole = len(self.layout.pieces) == 1
        pieces = [line] if whole else [line[: line.find(b"[") + 1], line[line.find(b"]") :]]
        for pattern, text in zip(self.layout.pieces, pieces, strict=True):
            found = pattern.fullmatch(text)
            if found is None:
                return None
            try:
                names |= {name: found[name].decode("utf-8") for name in NAMES if name in pattern.groupindex}
            except UnicodeDecodeError:
                return None
        return names["stream"], names.get("element", ""), names.get("factory", ""), names.get("kind", "")


class Scan:
    """One block, with swar.PADDING bytes after its content; `starts` and `ends` of its lines (the line breaks)."""

    def __init__(
        self, known: Known, block: NDArray[np.uint8], starts: Ints, ends: Ints, stamps: bool
    ) -> None:
        self.known, self.layout, self.block = known, known.layout, block
        self.starts, self.ends = starts, ends
        self.wanted = set(self.layout.numbers)
        self.stamps = np.zeros(len(starts), np.int64) if stamps else None
        n = len(starts)
        names = {*FIELDS[self.layout.family], *self.wanted}
        self.columns = {name: np.zeros(n, np.float64 if name == "rate" else np.int64) for name in names}
        self.good: Bools = np.ones(n, np.bool_)
        self.group: Rows = np.zeros(n, np.intp)
        self.parts: Words = np.zeros((len(self.layout.pieces) * (1 + LITERALS), n), np.uint64)
        self.largest: Ints = np.zeros(n, np.int64)

    def run(self) -> tuple[Chunk, Rows]:
        """Return the records of the lines that fit, and which lines these are."""
        pieces = [(self.starts, self.ends)]
        if len(self.layout.pieces) > 1:
            opening, closing = self._list()
            pieces = [(self.starts, opening), (closing, self.ends)]
        self.zeroed = self.known.room.zeroed(self.block, int(self.starts[0]), int(self.ends[-1]))
        for number, (start, stop) in enumerate(pieces):
            self._piece(number, start, stop)
        self._name()
        if self.layout.family == "level":
            self.columns["high"] = np.maximum(self.columns["high"], self.largest)
        taken = np.flatnonzero(self.good)
        columns = {name: self.columns[name][taken] for name in FIELDS[self.layout.family]}
        stamp = None if self.stamps is None else self.stamps[taken]
        return Chunk(self.layout.family, self.known.identities.keys, self.group[taken], columns, stamp), taken

    # --- shapes -----------------------------------------------------------------------------------------------------------

    def _piece(self, number: int, start: Ints, stop: Ints) -> None:
        """Find the shapes of a piece of all lines, and take its numbers and the digits in its names out."""
        shapes = self.known.shapes[number]
        length = stop - start
        length[(length < 8) | (length > self.known.width)] = 0
        shape = np.zeros(len(start), np.int64)
        batch = len(
            self.known.room.words
        )  # whole lines are large: some at a time; single numbers of all of them
        for low in range(0, len(start), batch):
            rows = slice(low, low + batch)
            shape[rows] = self._shapes(shapes, start[rows], length[rows], self.good[rows])
        self.good &= shape > 0
        self._numbers(shapes, shape, start)
        first = number * (1 + LITERALS)
        self.parts[first] = shape.view(np.uint64)
        for place in range(shapes.literals):
            column = len(shapes.fields) + place
            at, width = start + shapes.ends[column].take(shape), shapes.widths[column].take(shape)
            self.parts[first + 1 + place] = swar.before(self.block, at, width)

    def _shapes(self, shapes: Shapes, start: Ints, length: Ints, alive: Bools) -> Ints:
        """The shape of each of some lines, 0 where it has none; new ones are learned."""
        forms = swar.words(self.zeroed, start, self.known.width // 8)
        hashes = swar.cut(forms, length, self.known.room)
        shape = shapes.find(hashes)
        tries, unknown = 0, np.flatnonzero((shape == 0) & (length > 0) & alive)
        while len(unknown) and tries < TRIES:
            row = unknown[0]
            line = self.block[start[row] : start[row] + length[row]].tobytes()
            same = hashes[unknown] == hashes[row]
            if shapes.learn(line, forms[row], hashes[row]):
                shape[unknown[same]] = shapes.find(hashes[row : row + 1])[0]
            unknown = unknown[~same]
            tries += 1
        good = swar.same(forms, shapes.forms, shape, self.known.room)
        good &= shapes.lengths[shape] == length
        shape[~good] = 0
        return shape

    def _numbers(self, shapes: Shapes, shape: Ints, start: Ints) -> None:
        for column, name in enumerate(shapes.fields):
            if name in TIME or (name not in self.wanted and name not in self.layout.json):
                continue
            width = shapes.widths[column].take(shape)
            value = swar.numbers(self.block, start + shapes.ends[column].take(shape), width)
            if name in self.layout.json:
                self.good &= (width <= 1) | (value >= swar.TENS[width - 1])
            if name in self.wanted:
                self.columns[name] = value
        if self.stamps is not None and "clock" in shapes.fields:
            day, clock, micro = (start + shapes.ends[shapes.fields.index(name)].take(shape) for name in TIME)
            width = shapes.widths[shapes.fields.index("micro")].take(shape)
            self.stamps = self._stamps(day, clock, micro, width, self.good)
        if "whole" in shapes.fields:
            self._rates(shapes, shape, start)

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

    def _name(self) -> None:
        """Whose the records are: lines of the same shapes and the same digits in names have the same names."""
        identities = self.known.identities
        code = np.zeros(len(self.good), np.uint64)
        for part in self.parts:
            if part.any():
                code ^= part
                code *= swar.MIX
        group = identities.find(code, self.parts)
        unknown, tries = np.flatnonzero(self.good & (group < 0)), 0
        while len(unknown) and tries < TRIES * 4:
            line = int(unknown[0])
            key = self.known.key(self.block[self.starts[line] : self.ends[line]].tobytes())
            same = unknown[code[unknown] == code[line]]
            if key is not None:
                identities.learn(code[line], self.parts[:, line], key)
                group[same] = identities.find(code[same], self.parts[:, same])
            unknown = unknown[code[unknown] != code[line]]
            tries += 1
        self.good &= group >= 0
        self.group = group

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
