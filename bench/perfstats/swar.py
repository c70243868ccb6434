"""Digits of many texts at once: eight bytes are one 64-bit word, and the arithmetic is on words ("SIMD within a register").

The technique, and the three multiplications that turn eight digits into a number: D. Lemire, "Quickly parsing eight digits", 2018.
All positions are byte offsets into a block that has PADDING bytes after its end.
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
"""Bytes after a block that may be looked at: more than the longest constant."""

_U = np.uint64
_ZEROS, _LOW7, _HIGH = _U(0x3030303030303030), _U(0x7F7F7F7F7F7F7F7F), _U(0x8080808080808080)
_NOT_A_DIGIT = _U(0x7676767676767676)
_PAIRS, _MUL_HIGH, _MUL_LOW = _U(0x000000FF000000FF), _U(100 + (1000000 << 32)), _U(1 + (10000 << 32))
_TENS = 10 ** np.arange(9, dtype=np.int64)

_DATE = b"0000-00-00 00:00:00\0\0\0\0\0"
_DATE_WORDS = np.frombuffer(_DATE, "<u8")
_DATE_ADD = np.frombuffer(bytes(0x76 if c == 48 else 0x7F for c in _DATE), "<u8")
_DATE_MASK = np.frombuffer(bytes(0xFF if c else 0 for c in _DATE), "<u8")


def gather(block: NDArray[np.uint8], at: Ints, width: int, kind: str = "V") -> Any:
    """Return `width` bytes from each position, as an array of bytes (`V` opaque, `S` comparable text), (N,)."""
    windows: Any = np.ndarray((len(block) - width + 1,), f"{kind}{width}", block.data, strides=(1,))
    return windows[at]


def eight(words: Words) -> tuple[Ints, Ints]:
    """Return value and width of the digits that each word begins with, 0 to 8 of them."""
    plain = words ^ _ZEROS
    other = (((plain & _LOW7) + _NOT_A_DIGIT) | plain) & _HIGH
    first = (other & (~other + _U(1))) >> _U(7)  # 256 ** width, 0 where all eight are digits
    bits = (first.astype(np.float64).view(np.int64) >> 52) - 1023
    bits = np.where(bits < 0, 64, bits)
    right = plain << (64 - bits).astype(np.uint64)
    right[bits == 0] = 0  # a shift by 64 is not defined everywhere
    tens = right * _U(10) + (right >> _U(8))
    value = ((tens & _PAIRS) * _MUL_HIGH + ((tens >> _U(16)) & _PAIRS) * _MUL_LOW) >> _U(32)
    return value.view(np.int64), bits >> 3


def numbers(block: NDArray[np.uint8], at: Ints, digits: int, json: bool) -> tuple[Ints, Ints, Bools]:
    """Return value, width and whether it is good, of the whole numbers at the positions: 1 to `digits` (at most 15) digits.

    `json`: a zero before other digits is not good.
    """
    pairs = gather(block, at, 16).view("<u8").reshape(-1, 2)
    value, width = eight(pairs[:, 0])
    long = np.flatnonzero(width == 8)
    if len(long):
        more, second = eight(pairs[long, 1])
        value[long] = value[long] * _TENS[second] + more
        width[long] += second
    good = (width > 0) & (width <= digits)
    if json:
        good &= (width == 1) | (block[at] != 48)
    return value, width, good


def dates(block: NDArray[np.uint8], at: Ints) -> tuple[Words, Bools]:
    """Return the 24 bytes from each position as words, (N, 3), and whether the first 19 are `dddd-dd-dd dd:dd:dd`."""
    words = gather(block, at, 24).view("<u8").reshape(-1, 3)
    wrong = np.zeros(len(at), np.uint64)
    for column in range(3):
        plain = (words[:, column] & _DATE_MASK[column]) ^ _DATE_WORDS[column]
        wrong |= (((plain & _LOW7) + _DATE_ADD[column]) | plain) & _HIGH & _DATE_MASK[column]
    return words, wrong == 0
