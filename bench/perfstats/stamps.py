"""`updateTime`: UTC+8 always, and microseconds without zeros before them: `.927` is 0.000927 s (perf-logs reference, "updateTime")."""

from __future__ import annotations

import functools
import re
from datetime import date

NO_STAMP = -(2**63)
"""Stands for a time that can't be read, in arrays of microseconds."""

EAST_SECONDS = 8 * 3600
DAY_SECONDS = 86400
MICRO = 1_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{1,6})")


@functools.lru_cache(1000)
def day_seconds(text: str) -> int | None:
    """Return the start of a day `YYYY-MM-DD` in UTC+8, in seconds since 1970 (UTC); None if there is no such day."""
    if not _DAY.fullmatch(text):  # fromisoformat knows other forms, too
        return None
    try:
        return (date.fromisoformat(text).toordinal() - _EPOCH) * DAY_SECONDS - EAST_SECONDS
    except ValueError:
        return None


def microseconds(text: str) -> int:
    """Return an `updateTime` in microseconds since 1970 (UTC), NO_STAMP where it is none."""
    found = _STAMP.fullmatch(text)
    day = None if found is None else day_seconds(found[1])
    if found is None or day is None:
        return NO_STAMP
    hour, minute, second, micro = (int(found[group]) for group in (2, 3, 4, 5))
    if hour > 23 or minute > 59 or second > 60:
        return NO_STAMP
    return (day + hour * 3600 + minute * 60 + second) * MICRO + micro
