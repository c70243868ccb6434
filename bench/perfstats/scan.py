"""The fast reader: lines by templates that are made from lines as they come; what has none goes to the exact reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.perfstats.chunks import FIELDS, Chunk, Key
from bench.perfstats.layouts import LAYOUTS, NAMES, Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Words = NDArray[np.uint64]

MOST_TEMPLATES = 4096
"""Lines with other names than these many go to the exact reader."""

TRIES = 400
"""Lines of a block that may teach a template, or fail to, before the rest goes to the exact reader."""

LEFT = 4096
"""Lines that the compiled loop hands on at once."""

SHORTEST = 64
"""Bytes that every record has at least; a block has room for no more records than that makes."""

EXACT = 2**53
"""Below it a number, and so its quotient by a power of ten up to the 22nd, is the nearest one (Clinger, 1990)."""

PADDING = 64
"""Bytes after a block that the compiled loop may look at: more than a time has."""

_COLUMNS = {
    "span": ("count", "total", "low", "high", "stamp"),
    "rate": ("frames", "digits", "places", "stamp"),
    "level": ("capacity", "high", "samples", "total", "largest", "stamp"),
}
"""What the compiled loop writes of each family; a rate begins at `digits`, a list of sizes at `samples`."""

_BUCKETS = 4 * MOST_TEMPLATES


@dataclass(frozen=True)
class Scanned:
    """What a block held: records with the line of each, (line, start, end) of each line that is left, and how many lines there are."""

    chunk: Chunk
    rows: Ints
    left: list[tuple[int, int, int]]
    lines: int


class Known:
    """What was learned of the lines of a layout; the tables are those of `kernel.scan`. `keys`: whose records there are."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.keys: list[Key] = []
        self._columns = {name: number for number, name in enumerate(_COLUMNS[layout.family])}
        self._numbers: dict[Key, int] = {}
        self._learned: set[bytes] = set()
        self._items = np.zeros((0, 3), np.int64)
        self._literals = np.zeros((0, 2), np.uint64)
        self._heads = np.zeros(MOST_TEMPLATES + 1, np.int64)
        self._groups = np.zeros(MOST_TEMPLATES, np.intp)
        self._after = np.full(MOST_TEMPLATES + 1, -1, np.int64)
        self._buckets, self._chain = np.full(_BUCKETS, -1, np.int64), np.full(MOST_TEMPLATES, -1, np.int64)
        self._last = MOST_TEMPLATES  # before the first line there is none

    def scan(self, content: bytearray, start: int, stop: int, stamps: bool) -> Scanned:
        """The records of whole lines, with PADDING bytes after them; `stamps`: with their times."""
        from bench.perfstats import kernel

        data = np.frombuffer(content, np.uint8)
        # The eight bytes from each one on.
        words: Any = np.ndarray((len(content) - 7,), "<u8", content, strides=(1,))
        room = (stop - start) // SHORTEST + 1
        values = np.empty((len(self._columns), room), np.int64)
        template, rows, some = (np.empty(shape, np.int64) for shape in (room, room, (LEFT, 3)))
        state = np.array([start, 0, 0, 0, self._last], np.int64)
        left: list[tuple[int, int, int]] = []
        tries = TRIES
        while state[kernel.POSITION] < stop:
            state[kernel.LEFT] = 0
            tables = self._heads, self._items, self._literals, self._after, self._buckets, self._chain
            kernel.scan(data, words, stop, tries > 0, *tables, state, values, template, rows, some)
            left += [tuple(line) for line in some[: state[kernel.LEFT]].tolist()]
            if tries and state[kernel.POSITION] < stop:
                tries -= 1
                begin = int(state[kernel.POSITION])
                end = content.index(b"\n", begin)
                if not self._learn(bytes(content[begin:end])):
                    left.append((int(state[kernel.LINE]), begin, end))
                    state[kernel.POSITION] = end + 1
                    state[kernel.LINE] += 1
        self._last = int(state[kernel.LAST])
        count = int(state[kernel.ROW])
        # Copies, so that a chunk that is kept does not keep the room for so many more records.
        chunk = self._chunk(content, values[:, :count].copy(), self._groups[template[:count]], stamps)
        return Scanned(chunk, rows[:count].copy(), left, int(state[kernel.LINE]))

    def _learn(self, line: bytes) -> bool:
        """Make a template of a line; False where it is not of the layout, there is one already, or are too many."""
        from bench.perfstats import kernel

        found = self.layout.pattern.fullmatch(line)
        if found is None or len(self._learned) == MOST_TEMPLATES:
            return False
        literals, items = self._parts(found)
        form = b"\n".join(literals)
        if form in self._learned:
            return False
        try:
            names = {name: text.decode("utf-8") for name, text in found.groupdict().items() if name in NAMES}
        except UnicodeDecodeError:
            return False
        number = len(self._learned)
        self._learned.add(form)
        key = (names["stream"], names.get("element", ""), names.get("factory", ""), names.get("kind", ""))
        self._groups[number] = self._numbers.setdefault(key, len(self.keys))
        if len(self._numbers) > len(self.keys):
            self.keys.append(key)
        items[::2, 1] += len(self._literals)
        self._items = np.vstack([self._items, items])
        self._literals = np.vstack([self._literals, *map(_words, literals)])
        self._heads[number + 1] = len(self._items)
        bucket = int(kernel.fingerprint(np.frombuffer(bytearray(line + b"\n"), np.uint8), 0)) % _BUCKETS
        self._chain[number], self._buckets[bucket] = self._buckets[bucket], number
        return True

    def _parts(self, found: re.Match[bytes]) -> tuple[list[bytes], Ints]:
        """The literals of a line, and items: literals (counted in words from the first one's) and numbers by turns."""
        from bench.perfstats import kernel

        kinds = {"stamp": kernel.STAMP, "rate": kernel.RATE, "sizes": kernel.SIZES}
        columns = {
            **self._columns,
            "rate": self._columns.get("digits"),
            "sizes": self._columns.get("samples"),
        }
        line, at, word = found.string, 0, 0
        literals: list[bytes] = []
        items: list[tuple[int, int, int]] = []
        for name in [*sorted(set(found.groupdict()) - set(NAMES), key=found.start), None]:
            start, stop = (len(line), len(line)) if name is None else found.span(name)
            literals.append(line[at:start])
            items.append((kernel.LITERAL, word, start - at))
            word, at = word + len(_words(literals[-1])), stop
            if name is not None:
                kind = kinds.get(name, kernel.PLAIN if name in self.layout.json else kernel.QUOTED)
                column = columns.get(name)
                items.append((kind, -1 if column is None else column, 0))
        return literals, np.array(items, np.int64)

    def _chunk(self, content: bytearray, values: Ints, group: NDArray[np.intp], stamps: bool) -> Chunk:
        columns: dict[str, Any] = {name: values[number] for name, number in self._columns.items()}
        if self.layout.family == "rate":
            columns["rate"] = _rates(content, columns["digits"], columns["places"])
        elif self.layout.family == "level":
            columns["high"] = np.maximum(columns["high"], columns["largest"])
        stamp = columns["stamp"] if stamps else None
        family = self.layout.family
        return Chunk(family, self.keys, group, {name: columns[name] for name in FIELDS[family]}, stamp)


def _words(literal: bytes) -> Words:
    """A literal as eight bytes each, (N, 2), and which bits of these count."""
    masks = b"\xff" * len(literal)
    padded = [np.frombuffer(part.ljust(-(-len(part) // 8) * 8, b"\0"), "<u8") for part in (literal, masks)]
    return np.stack(padded, axis=1)


def ready() -> None:
    """Load the compiled loop, or compile it."""
    from bench.perfstats import kernel

    line = b"{}\n"
    content = bytearray(line + bytes(PADDING))
    Known(LAYOUTS["tpr"]).scan(content, 0, len(line), False)
    kernel.fingerprint(np.frombuffer(content, np.uint8), 0)


def _rates(content: bytearray, digits: Ints, places: Ints) -> NDArray[np.float64]:
    """`throughputRate`: by one division, or by Python's own conversion where it has too many digits."""
    rates: NDArray[np.float64] = digits / 10.0 ** np.maximum(places, 0)
    many = np.flatnonzero((digits >= EXACT) & (places >= 0))
    for count in np.unique(places[many]).tolist():  # rates repeat: each is converted once
        rows = many[places[many] == count]
        values, inverse = np.unique(digits[rows], return_inverse=True)
        rates[rows] = np.array([float(f"{value}e-{count}") for value in values.tolist()])[inverse]
    for row in np.flatnonzero(places < 0).tolist():
        begin = int(digits[row])
        rates[row] = float(content[begin : begin - int(places[row])])
    return rates
