"""Numbers as the page shows them: fixed decimals that align, a true minus sign, a dash for what is not known."""

from __future__ import annotations

import math

from reports.html.words import Both
from reports.numbers import Number

DASH = "–"
MINUS = "−"
ARROW = "→"


def count(value: float | None) -> str:
    """A count of people, or a metric in counts: two decimals, more where two would hide it."""
    if value is None:
        return DASH
    return _typeset(f"{value:.2f}" if abs(value) >= 0.095 or value == 0 else f"{value:.2g}")


def signed(value: float | None) -> str:
    """A difference with its sign; 0 has none."""
    if value is None:
        return DASH
    return "0" if value == 0 else ("+" if value > 0 else "") + count(value)


def short(value: float | None) -> str:
    """Two significant digits, for numbers of any size."""
    return DASH if value is None else _typeset(f"{value:.2g}")


def cosine(value: float | None) -> str:
    """A cosine near 1."""
    return DASH if value is None else f"{value:.7f}"


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds, three significant digits at least, without a unit."""
    if seconds is None:
        return DASH
    value = 1000 * seconds
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def rate(value: float | None) -> str:
    """Images a second, without a unit."""
    if value is None:
        return DASH
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def thousands(value: int) -> str:
    """A whole number with narrow blanks between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def difference(number: Number | None) -> str:
    """New - old of a metric."""
    return DASH if number is None else signed(number.difference)


def interval(number: Number | None) -> str:
    """The 95 % interval of a difference; empty where there is none, or nothing to have one of."""
    if number is None or number.low is None or number.high is None or (number.low == number.high == 0):
        return ""
    return f"{signed(number.low)} … {signed(number.high)}"


def percent(share: float | None) -> str:
    """A share of 1 in percent, two significant digits."""
    if share is None:
        return DASH
    return f"{_typeset(f'{100 * share:.2g}')} %" if share else "0 %"


def bytes_(size: object) -> str:
    """A size in GiB."""
    return f"{size / 2**30:.1f} GiB" if isinstance(size, int | float) and math.isfinite(size) else DASH


def instant(text: str | None) -> str:
    """An instant of a record, to the second."""
    return "" if not text else text[:19].replace("T", " ") + " UTC"


def duration(seconds: float) -> Both:
    """A time span in words."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return Both(f"{hours} h {minutes} min", f"{hours} 小时 {minutes} 分")
    if minutes:
        return Both(f"{minutes} min {rest} s", f"{minutes} 分 {rest} 秒")
    return Both(f"{seconds:.1f} s", f"{seconds:.1f} 秒")


RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _typeset(text: str) -> str:
    """A number with a true minus sign and a power of ten instead of e-06."""
    mantissa, found, _ = text.partition("e")
    if found:
        exponent = str(int(text[len(mantissa) + 1 :])).translate(RAISED)
        mantissa = f"{mantissa} × 10{exponent}"
    return mantissa.replace("-", MINUS) if mantissa.startswith("-") else mantissa
