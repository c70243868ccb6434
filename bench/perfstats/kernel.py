"""The fast reader's loop, compiled by numba: each line of a block against a template of known lines, its numbers into columns.

A template is a row of items: bytes that a line must have, and numbers between them. Every byte of a line that is taken was compared or
read as a digit, so the exact reader would have read the same. Under NUMBA_DISABLE_JIT=1 this is plain Python, with its bounds checks.

Importing this takes half a second, compiling it some seconds once: only large logs are worth it (`reader.WORTH_COMPILING`). numba keeps
the compiled code until this file changes; a constant from another module is in it as it was then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from bench.perfstats.layouts import DIGITS
from bench.perfstats.stamps import EAST_SECONDS, MICRO, NO_STAMP

LITERAL, QUOTED, PLAIN, RATE, STAMP, SIZES = range(6)
"""Kinds of items: (LITERAL, where in the literals, bytes); (any other, its first column or -1 for a number that nobody wants, 0)."""

POSITION, LINE, ROW, LEFT, LAST = range(5)
"""What `scan` has come to: byte of the block, line, rows written, lines left to others, the last template."""

CANDIDATES = 512
"""Templates of one fingerprint (names that differ in digits alone) that are tried; a line of the next goes to the exact reader."""

EXACT_DIGITS, EXACT_PLACES = 18, 17
"""Of a rate: digits that 64 bit hold, digits behind the point. Others are left to Python, by their place."""

_NEWLINE, _ZERO, _COMMA, _POINT, _MINUS, _COLON, _BLANK = 10, 48, 44, 46, 45, 58, 32
_FNV_START, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MONTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _compiled(function: Any) -> Any:
    """Compiled at the first call and kept on disk where there is a place for it (NUMBA_CACHE_DIR names another)."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither this folder nor the user's cache can be written
        return njit(nogil=True)(function)


@_compiled
def fingerprint(block: Any, at: int) -> Any:
    """A hash (FNV-1a) of the line at `at` without its digits: lines of one template have the same."""
    code = _FNV_START
    while block[at] != _NEWLINE:
        if not _ZERO <= block[at] <= _ZERO + 9:
            code = (code ^ np.uint64(block[at])) * _FNV_PRIME
        at += 1
    return code


@_compiled
def _same(words: Any, at: int, literals: Any, first: int, length: int) -> bool:
    """Whether there is this literal at a byte of the block: eight bytes at a time, of the last ones those that count."""
    for index in range((length + 7) // 8):
        if (words[at + 8 * index] ^ literals[first + index, 0]) & literals[first + index, 1]:
            return False
    return True


@_compiled
def _two(block: Any, at: int) -> int:
    """A number of two digits, -1 if it is none."""
    tens, ones = int(block[at]) - _ZERO, int(block[at + 1]) - _ZERO
    if tens < 0 or tens > 9 or ones < 0 or ones > 9:
        return -1
    return tens * 10 + ones


@_compiled
def _day(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date in the proleptic Gregorian calendar, NO_STAMP if there is no such date.

    Years counted from March, in eras of 400: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2014.
    """
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year < 1 or month < 1 or month > 12 or day < 1:
        return NO_STAMP
    if day > _MONTHS[month - 1] + (leap and month == 2):
        return NO_STAMP
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (9 if month <= 2 else -3)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@_compiled
def _stamp(block: Any, at: int) -> Any:
    """The end of a time `YYYY-MM-DD HH:MM:SS.n`, -1 if it is of another form; and its microseconds since 1970 (UTC) or NO_STAMP."""
    century, year, month, day = (
        _two(block, at),
        _two(block, at + 2),
        _two(block, at + 5),
        _two(block, at + 8),
    )
    hour, minute, second = _two(block, at + 11), _two(block, at + 14), _two(block, at + 17)
    if min(century, year, month, day) < 0 or min(hour, minute, second) < 0:
        return -1, 0
    if block[at + 4] != _MINUS or block[at + 7] != _MINUS or block[at + 10] != _BLANK:
        return -1, 0
    if block[at + 13] != _COLON or block[at + 16] != _COLON or block[at + 19] != _POINT:
        return -1, 0
    at += 20
    start, micro = at, 0
    while _ZERO <= block[at] <= _ZERO + 9 and at - start < 7:
        micro = micro * 10 + int(block[at]) - _ZERO
        at += 1
    if at == start or at - start > 6:
        return -1, 0
    days = _day(century * 100 + year, month, day)
    if days == NO_STAMP or hour > 23 or minute > 59 or second > 60:
        return at, NO_STAMP
    seconds = days * 86400 - EAST_SECONDS + hour * 3600 + minute * 60 + second
    return at, seconds * MICRO + micro


@_compiled
def _rate(block: Any, at: int, values: Any, column: int, row: int) -> int:
    """The end of a rate `n.n`, -1 if it is none; into the columns: digits and places, or the place of its text and minus its length."""
    start, digits = at, 0
    while _ZERO <= block[at] <= _ZERO + 9 and at - start <= DIGITS:
        digits = digits * 10 + int(block[at]) - _ZERO
        at += 1
    whole = at - start
    if whole < 1 or whole > DIGITS or (whole > 1 and block[start] == _ZERO) or block[at] != _POINT:
        return -1
    at += 1
    places = 0
    while _ZERO <= block[at] <= _ZERO + 9 and places <= EXACT_PLACES:
        if whole + places < EXACT_DIGITS:
            digits = digits * 10 + int(block[at]) - _ZERO
        places += 1
        at += 1
    if places < 1 or places > EXACT_PLACES:
        return -1
    fits = whole + places <= EXACT_DIGITS
    values[column, row] = digits if fits else start
    values[column + 1, row] = places if fits else start - at
    return at


@_compiled
def _sizes(block: Any, at: int, values: Any, column: int, row: int) -> int:
    """The end of `n,n,n`, -1 where a number has more than four digits or a zero before others; number, sum and maximum into columns."""
    count = total = largest = 0
    while True:
        start, value = at, 0
        while _ZERO <= block[at] <= _ZERO + 9 and at - start < 5:
            value = value * 10 + int(block[at]) - _ZERO
            at += 1
        if at == start or at - start > 4 or (at - start > 1 and block[start] == _ZERO):
            return -1
        count += 1
        total += value
        largest = max(largest, value)
        if block[at] != _COMMA:
            break
        at += 1
    values[column, row], values[column + 1, row], values[column + 2, row] = count, total, largest
    return at


@_compiled
def _match(
    block: Any,
    words: Any,
    at: int,
    stop: int,
    first: int,
    end: int,
    items: Any,
    literals: Any,
    values: Any,
    row: int,
) -> int:
    """Where the line after this one begins, -1 if this one is not of the template with these items; its numbers go into a row."""
    for item in range(first, end):
        kind, column = items[item, 0], items[item, 1]
        if kind == LITERAL:
            length = items[item, 2]
            if at + length > stop or not _same(words, at, literals, column, length):
                return -1
            at += length
        elif kind == STAMP:
            at, stamp = _stamp(block, at)
            if at < 0:
                return -1
            values[column, row] = stamp
        elif kind == RATE:
            at = _rate(block, at, values, column, row)
            if at < 0:
                return -1
        elif kind == SIZES:
            at = _sizes(block, at, values, column, row)
            if at < 0:
                return -1
        else:
            start, value = at, 0
            while _ZERO <= block[at] <= _ZERO + 9 and at - start <= DIGITS:
                value = value * 10 + int(block[at]) - _ZERO
                at += 1
            count = at - start
            if count < 1 or count > DIGITS or (kind == PLAIN and count > 1 and block[start] == _ZERO):
                return -1
            if column >= 0:
                values[column, row] = value
    return at + 1 if at < stop and block[at] == _NEWLINE else -1


@_compiled
def scan(
    block: Any,
    words: Any,
    stop: int,
    learn: bool,
    heads: Any,
    items: Any,
    literals: Any,
    after: Any,
    buckets: Any,
    chain: Any,
    state: Any,
    values: Any,
    template: Any,
    lines: Any,
    left: Any,
) -> None:
    """Go on with a block, from `state` to `stop` (behind a line break), until its end, a full array, or a line to learn from.

    block (bytes), uint8, with bytes behind `stop` that may be looked at. Templates: the items of the t-th are `items[heads[t]:heads[t +
    1]]`; `after[t]` is the one that followed it last; `buckets` (a power of two) and `chain` find them by fingerprint, -1 is none.
    Written: `values` (columns, rows), `template` and `lines` of each row; `left`, (line, start, end) of each line that no template has.
    With `learn` it stops at such a line instead. Numbers that a record does not have in this kind of log are not written.
    """
    at, line, row, lefts, last = state[POSITION], state[LINE], state[ROW], state[LEFT], state[LAST]
    mask = np.uint64(len(buckets) - 1)
    while at < stop and row < len(lines) and lefts < len(left):
        found = after[last]
        end = -1
        if found >= 0:
            end = _match(block, words, at, stop, heads[found], heads[found + 1], items, literals, values, row)
        if end < 0:
            found = buckets[fingerprint(block, at) & mask]
            tries = 0
            while found >= 0 and tries < CANDIDATES:
                end = _match(
                    block, words, at, stop, heads[found], heads[found + 1], items, literals, values, row
                )
                if end >= 0:
                    break
                found = chain[found]
                tries += 1
        if end >= 0:
            template[row], lines[row] = found, line
            after[last] = found
            last = found
            row += 1
            at = end
        elif learn:
            break
        else:
            end = at
            while block[end] != _NEWLINE:
                end += 1
            left[lefts, 0], left[lefts, 1], left[lefts, 2] = line, at, end
            lefts += 1
            at = end + 1
        line += 1
    state[POSITION], state[LINE], state[ROW], state[LEFT], state[LAST] = at, line, row, lefts, last
