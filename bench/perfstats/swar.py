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
_ASCII, _ZEROS, _OVER_NINE, _TOP = (_U(0x0101010101010101 * byte) for byte in (0x7F, 0x30, 0x76, 0x80))
_LAST = np.array([0] + [(2**64 - 1) << (64 - 8 * width) & (2**64 - 1) for width in range(1, 9)], np.uint64)
"""The last bytes of a word: 0 to 8 of them."""

_TEN = np.uint16(10)

_PIECE = 1 << 18
"""Bytes that are looked through at once: the array of answers stays in the processor's cache."""


def positions(block: NDArray[np.uint8], byte: int, start: int, stop: int) -> Ints:
    """Return where a byte is from `start` to `stop`."""
    equal = np.empty(min(_PIECE, stop - start), np.bool_)
    found = []
    for low in range(start, stop, _PIECE):
        piece = block[low : min(low + _PIECE, stop)]
        found.append(np.flatnonzero(np.equal(piece, byte, out=equal[: len(piece)])) + low)
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


def keep(width: int) -> Words:
    """Return masks of the first 0, 1, ..., 8 `width` bytes of `width` words."""
    return np.tril(np.full((8 * width + 1, 8 * width), 255, np.uint8), -1).view("<u8")


def differ(text: Words, forms: Words, limits: Words) -> Bools | None:
    """Return which rows have a byte that is not that of the form, or above it by more than the limit; None if none has. Spoils `text`."""
    text ^= forms  # above a digit's `0` this is the digit, and what is no digit comes out as more than 9
    wrong = text.view(np.uint8) > limits.view(np.uint8)
    return wrong.any(axis=1) if wrong.any() else None


def zero_digits(text: Words) -> None:
    """Make each digit of the words a `0`, in place."""
    above = text & _ASCII
    above ^= _ZEROS
    above += _OVER_NINE  # the top bit of what is no digit becomes 1, as it is where this is no ASCII
    above |= text
    np.invert(above, out=above)
    above &= _TOP
    above >>= _U(7)
    above *= _U(15)
    np.invert(above, out=above)
    text &= above


def different(text: Words, lengths: Ints) -> Ints:
    """Return the first row of each canonical form; `text` (N, W) becomes these forms."""
    text &= keep(text.shape[1]).take(lengths, axis=0)
    zero_digits(text)
    _, first = np.unique(hashes(text.T), return_index=True)
    return np.sort(first)


def hashes(columns: Words) -> Words:
    """Return a hash of each row of (P, N) words."""
    code = np.zeros(columns.shape[1], np.uint64)
    for column in columns:
        code ^= column
        code *= MIX
    return code


def before(block: NDArray[np.uint8], stops: Ints, widths: Ints) -> Words:
    """Return the `widths` (0 to 8) bytes before `stops` (at least 8), at the end of a word with NULs before them; of any dimensions."""
    windows: Any = np.ndarray((len(block) - 7,), "V8", block.data, strides=(1,))
    found: Words = windows[stops - 8].view("<u8")
    found &= _LAST.take(widths)
    return found


def numbers(block: NDArray[np.uint8], stops: Ints, widths: Ints) -> Ints:
    """Return the numbers of `widths` digits (0 to 16) before `stops` (at least 16 where there are more than 8 digits)."""
    if widths.max(initial=0) <= 8:
        return _eight(before(block, stops, widths))
    value = _eight(before(block, stops, np.minimum(widths, 8)))
    long = widths > 8
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


_LISTS = 100
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
    """The same of some lists: at the last digit of each number is what this and the three before make, elsewhere 0."""
    content = memoryview(block)  # type: ignore[arg-type]
    joined = b",".join([content[low:high] for low, high in zip(starts.tolist(), stops.tolist(), strict=True)])
    text = np.frombuffer(b",,,," + joined + b",,", np.uint8)
    digit = text - np.uint8(48)  # what is no digit becomes large
    is_digit = digit < 10
    digit *= is_digit
    here, count = slice(4, -1), len(joined) + 1  # the comma behind each list belongs to it
    after, (this, one, two, three, four) = is_digit[5:], _before(is_digit, 5, count)
    units, tens, hundreds, thousands = _before(digit.astype(np.uint16), 4, count)
    value = thousands * (one & two)
    for place in (hundreds * one, tens, units):
        value *= _TEN
        value += place
    last = this > after
    value *= last
    bad = ((text[here] != ord(",")) | ~one) & ~this
    bad |= this & one & two & three & four
    bad |= this & after & ~one & (units == 0)
    first = np.cumsum(stops - starts + 1) - (stops - starts + 1)
    return (
        np.add.reduceat(value, first, dtype=np.int64),
        np.add.reduceat(last, first, dtype=np.int64),
        np.maximum.reduceat(value, first).astype(np.int64),
        ~np.logical_or.reduceat(bad, first),
    )


def _before(values: NDArray[Any], places: int, count: int) -> list[NDArray[Any]]:
    """What is 0, 1, ... places before each of `count` values, of which the first is the fifth."""
    return [values[4 - place : 4 - place + count] for place in range(places)]
