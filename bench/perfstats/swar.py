"""Digits of many texts at once: eight bytes are one 64-bit word, and the arithmetic is on words ("SIMD within a register").

The technique, and the three multiplications that turn eight digits into a number: D. Lemire, "Quickly parsing eight digits", 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

PADDING = 1024
"""Bytes after a block's content that may be looked at."""

_U = np.uint64
MIX = _U(0x9E3779B97F4A7C15)
"""2**64 by the golden ratio: multiplying by it spreads bits (Fibonacci hashing, Knuth)."""

TENS = 10 ** np.arange(19, dtype=np.int64)
_NIBBLES = _U(0x0F0F0F0F0F0F0F0F)
_PAIRS, _MUL_HIGH, _MUL_LOW = _U(0x000000FF000000FF), _U(100 + (1000000 << 32)), _U(1 + (10000 << 32))
_LAST = np.array([0] + [(2**64 - 1) << (64 - 8 * width) & (2**64 - 1) for width in range(1, 9)], np.uint64)
"""The last bytes of a word: 0 to 8 of them."""

_PIECE = 1 << 18
"""Bytes that are looked through at once: the array of answers stays in the processor's cache."""


def positions(block: NDArray[np.uint8], byte: int, start: int, stop: int) -> Ints:
    """Return where a byte is from `start` to `stop`."""
    found = [
        np.flatnonzero(block[low : min(low + _PIECE, stop)] == byte) + low
        for low in range(start, stop, _PIECE)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def next_after(block: NDArray[np.uint8], byte: int, starts: Ints, ends: Ints) -> Ints:
    """Return where a byte is first from each start, its end where it is not before that."""
    found = np.append(positions(block, byte, int(starts[0]), int(ends[-1])), ends[-1])
    return np.minimum(found[np.searchsorted(found, starts)], ends)


def words(block: NDArray[np.uint8], at: Ints, count: int) -> Words:
    """Return `count` words from each position, (N, count)."""
    windows: Any = np.ndarray((len(block) - 8 * count + 1,), f"V{8 * count}", block.data, strides=(1,))
    found: Words = windows[at].view("<u8").reshape(-1, count)
    return found


class Room:
    """Memory that is written again and again: it stays in the processor's cache."""

    def __init__(self, rows: int, width: int) -> None:
        self.words = np.empty((rows, width), np.uint64)
        self._bytes = np.zeros(0, np.uint8)

    def zeroed(self, block: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
        """Return the block with each digit from `start` to `stop` as `0`, and padding."""
        if len(self._bytes) < stop + PADDING:
            self._bytes = np.zeros(stop + PADDING, np.uint8)
        for low in range(start, stop, _PIECE):
            piece = block[low : min(low + _PIECE, stop)]
            digit = piece - np.uint8(48)  # wraps around: what is no digit becomes large
            digit *= digit < 10
            np.subtract(piece, digit, out=self._bytes[low : low + len(piece)])
        return self._bytes


def cut(text: Words, lengths: Ints, room: Room) -> Words:
    """Put NUL behind the length of each row of words, (N, W), in place, and return a hash of each row."""
    rows, width = text.shape
    keep = room.words[:rows]
    _keep(width).take(lengths, axis=0, out=keep, mode="clip")
    text &= keep
    hashes: Words = np.einsum("ij,j->i", text, _multipliers(width))
    hashes ^= lengths.view(np.uint64)
    return hashes


def same(forms: Words, table: Words, rows: Ints, room: Room) -> Bools:
    """Return whether each form is that in its row of the table."""
    other = room.words[: len(forms)]
    table.take(rows, axis=0, out=other, mode="clip")
    other ^= forms
    equal: Bools = np.bitwise_or.reduce(other, axis=1) == 0
    return equal


_KEEP: dict[int, Words] = {}


def _keep(width: int) -> Words:
    """Masks of the first 0, 1, ... bytes of a row."""
    made = _KEEP.get(width)
    if made is None:
        made = np.tril(np.full((8 * width + 1, 8 * width), 255, np.uint8), -1).view("<u8")
        _KEEP[width] = made
    return made


_MULTIPLIERS: dict[int, Words] = {}


def _multipliers(width: int) -> Words:
    """An odd number for each word."""
    made = _MULTIPLIERS.get(width)
    if made is None:
        made = np.random.default_rng(width).integers(0, 2**64, width, np.uint64, endpoint=False) | _U(1)
        _MULTIPLIERS[width] = made
    return made


def before(block: NDArray[np.uint8], stops: Ints, widths: Ints) -> Words:
    """Return the `widths` (0 to 8) bytes before `stops` (at least 8), at the end of a word with NULs before them."""
    found = words(block, stops - 8, 1)[:, 0]
    found &= _LAST.take(widths)
    return found


def numbers(block: NDArray[np.uint8], stops: Ints, widths: Ints) -> Ints:
    """Return the numbers of `widths` digits (0 to 16) before `stops` (at least 16 where there are more than 8 digits)."""
    long = np.flatnonzero(widths > 8)
    value = _eight(before(block, stops, np.minimum(widths, 8) if len(long) else widths))
    if len(long):
        value[long] += 10**8 * _eight(before(block, stops[long] - 8, widths[long] - 8))
    return value


def _eight(digits: Words) -> Ints:
    """Return the numbers of words of digits, the first ones NUL."""
    right = digits & _NIBBLES
    tens = right * _U(10)
    right >>= _U(8)
    tens += right
    high = tens & _PAIRS
    high *= _MUL_HIGH
    tens >>= _U(16)
    tens &= _PAIRS
    tens *= _MUL_LOW
    high += tens
    high >>= _U(32)
    return high.view(np.int64)


_LISTS = 200
"""Lists that are read together: their numbers stay in the processor's cache."""


def lists(block: NDArray[np.uint8], starts: Ints, stops: Ints) -> tuple[Ints, Ints, Ints, Bools]:
    """Return sum, number of numbers, maximum and whether it is good, of each list `n,n,n` from `starts` to `stops` (not empty).

    Good: whole numbers of up to four digits without zeros before them, with a comma between two.
    """
    found = [
        _lists(block, starts[low : low + _LISTS], stops[low : low + _LISTS])
        for low in range(0, len(starts), _LISTS)
    ]
    total, count, largest, good = (np.concatenate(part) for part in zip(*found, strict=True))
    return total, count, largest, good


def _lists(block: NDArray[np.uint8], starts: Ints, stops: Ints) -> tuple[Ints, Ints, Ints, Bools]:
    content = memoryview(block)  # type: ignore[arg-type]
    joined = b",".join([content[low:high] for low, high in zip(starts.tolist(), stops.tolist(), strict=True)])
    digit = np.frombuffer(b",,,,," + joined + b",", np.uint8) - np.uint8(48)  # what is no digit becomes large
    ends = np.flatnonzero(digit > 9)[4:]
    width = np.diff(ends)
    ends = ends[1:]
    width -= 1
    bad = (width < 1) | (width > 4) | (digit[ends] != 252)  # 252: a comma
    value = np.where(width > 0, digit[ends - 1], 0).astype(np.int64)
    for place, weight in ((2, 10), (3, 100), (4, 1000)):
        rows = np.flatnonzero(width >= place)
        if not len(rows):
            break
        first = digit[ends[rows] - place].astype(np.int64)
        value[rows] += weight * first
        bad[rows] |= (first == 0) & (width[rows] == place)
    last = np.searchsorted(ends, np.cumsum(stops - starts + 1) + 4)  # the comma behind each list
    first = np.concatenate([[0], last[:-1] + 1])
    return (
        np.add.reduceat(value, first),
        last - first + 1,
        np.maximum.reduceat(value, first),
        ~np.logical_or.reduceat(bad, first),
    )
