"""One line, exactly: the slow reader that knows every oddity, and the judge of what the fast one leaves.

Numbers may be JSON strings or numbers, of any size up to DIGITS digits; keys may be more than the SDK writes.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

from bench.perfstats.footnotes import clean
from bench.perfstats.model import Code

DIGITS = 30
"""Digits of the longest number that is taken for one: 64 bit are 20."""

SPANS = ("e2e", "plugin", "modelInference", "postProcessor", "videoDecode")
"""Record types that hold durations; all but the first belong to an element."""

_INTEGER = re.compile(rf"-?[0-9]{{1,{DIGITS}}}")
_FLOAT = re.compile(rf"[0-9]{{1,{DIGITS}}}(?:\.[0-9]{{1,{DIGITS}}})?(?:[eE][-+]?[0-9]{{1,3}})?")


class Span(NamedTuple):
    """Durations of one window; `average` of the log is left out: total / count says it better. Microseconds."""

    stream: str
    element: str
    factory: str
    kind: str
    count: int  # type: ignore[assignment]  # tuple has a method of that name
    total: int
    low: int
    high: int
    stamp: str


class Rate(NamedTuple):
    """Frames of one window, and the rate that the SDK logged, frames/s."""

    stream: str
    frames: int
    rate: float
    stamp: str


class Level(NamedTuple):
    """Levels of a queue, buffers: `samples` of them with their sum."""

    stream: str
    element: str
    capacity: int
    high: int
    samples: int
    total: int
    stamp: str


Record = Span | Rate | Level


class Refused(Exception):
    """A line that is no record, and why."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def decode(line: bytes) -> Record:
    """Return the record of a line. Raises Refused, and nothing else, for whatever bytes."""
    try:
        found = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Refused(Code.TORN_LINE, f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise Refused(Code.TORN_LINE, f"no JSON: {error.msg} at character {error.pos}") from None
    except (
        ValueError,
        RecursionError,
    ) as error:  # NaN, a number of thousands of digits, brackets without end
        raise Refused(Code.TORN_LINE, f"no JSON: {str(error)[:100] or 'too deep'}") from None
    if not isinstance(found, dict):
        raise Refused(Code.FOREIGN_LINE, f"a JSON {type(found).__name__}, no object")
    kind = found.get("type")
    if not isinstance(kind, str):
        raise Refused(Code.FOREIGN_LINE, "no type")
    if kind in SPANS:
        return _span(found, kind)
    if kind == "throughputRate":
        return Rate(
            _name(found, "streamName"),
            _count(found, "throughput"),
            _float(found, "throughputRate"),
            _stamp(found),
        )
    if kind == "queueSize":
        return _level(found)
    raise Refused(Code.FOREIGN_LINE, f"type {kind[:40]!r} is none of the SDK's")


def _span(found: dict[str, Any], kind: str) -> Span:
    element, factory = "", ""
    if kind != "e2e":
        element = _name(found, "elementName")
        factory = _name(found, "factory") if "factory" in found else ""
    return Span(
        _name(found, "streamName"),
        element,
        factory,
        kind,
        _count(found, "frequency"),
        _integer(found, "totalTime"),
        _integer(found, "minTime"),
        _integer(found, "maxTime"),
        _stamp(found),
    )


def _level(found: dict[str, Any]) -> Level:
    levels = found.get("recentSize")
    if not isinstance(levels, list):
        raise Refused(Code.BAD_RECORD, "recentSize is no list")
    sizes = [_value(item, "recentSize") for item in levels]
    if any(size < 0 for size in sizes):
        raise Refused(Code.BAD_RECORD, "recentSize is below 0")
    return Level(
        _name(found, "streamName"),
        _name(found, "elementName"),
        _count(found, "maxSizeBuffers"),
        max([_count(found, "maxSize"), *sizes]),
        len(sizes),
        sum(sizes),
        _stamp(found),
    )


def _name(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str):
        raise Refused(Code.BAD_RECORD, f"{key} is {'missing' if key not in found else 'no text'}")
    return clean(value)


def _stamp(found: dict[str, Any]) -> str:
    value = found.get("updateTime")
    return clean(value) if isinstance(value, str) else ""


def _count(found: dict[str, Any], key: str) -> int:
    value = _integer(found, key)
    if value < 0:
        raise Refused(Code.BAD_RECORD, f"{key} is {value}, below 0")
    return value


def _integer(found: dict[str, Any], key: str) -> int:
    if key not in found:
        raise Refused(Code.BAD_RECORD, f"{key} is missing")
    return _value(found[key], key)


def _value(value: Any, key: str) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**DIGITS:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    raise Refused(Code.BAD_RECORD, f"{key} is {str(value)[:40]!r}, no whole number")


def _float(found: dict[str, Any], key: str) -> float:
    value = found.get(key)
    if isinstance(value, str) and _FLOAT.fullmatch(value):
        value = float(value)
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value < 1e300
        and math.isfinite(value)
    ):
        return float(value)
    raise Refused(Code.BAD_RECORD, f"{key} is {str(value)[:40]!r}, no rate")


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
