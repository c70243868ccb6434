"""The SDK's records byte by byte (nlohmann::json, keys in alphabetical order, no blanks), as the fast reader takes them.

Numbers of more than DIGITS digits, negative ones, escapes in names and anything else that is unusual is in no layout, and goes to the
exact reader (`records`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

DIGITS = 12
"""Digits of the longest number of the fast reader: sums over a block of such fit 64 bit. As microseconds: 11 days."""

NAMES = ("stream", "element", "factory", "kind")


class Layout(NamedTuple):
    """A record's bytes. Groups of the pattern: NAMES, `stamp`, `rate`, `sizes` (a list), and other numbers.

    `numbers`: those that are wanted, as they are called in a family's columns; `json`: those without quotation marks, which have no zero
    before other digits.
    """

    family: str
    pattern: re.Pattern[bytes]
    numbers: tuple[str, ...]
    json: tuple[str, ...] = ()


_WHOLE = f"(?:0|[1-9][0-9]{{0,{DIGITS - 1}}})"
_NAME = r'[^"\\\x00-\x1f]{0,200}'
_STAMP = r'"updateTime":"(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,6})"\}'


def _text(name: str) -> str:
    """The digits of a number in a JSON string."""
    return f'"(?P<{name}>[0-9]{{1,{DIGITS}}})"'


def _plain(name: str) -> str:
    """A JSON number."""
    return f"(?P<{name}>{_WHOLE})"


def _spans(element: str, kinds: str) -> Layout:
    pattern = (
        rf'\{{"average":{_text("average")},{element}"frequency":{_text("count")},"maxTime":{_text("high")},'
        rf'"minTime":{_text("low")},"streamName":"(?P<stream>{_NAME})","totalTime":{_text("total")},'
        rf'"type":"(?P<kind>{kinds})",{_STAMP}'
    )
    return Layout("span", re.compile(pattern.encode()), ("count", "high", "low", "total"))


def _rate() -> Layout:
    pattern = (
        rf'\{{"streamName":"(?P<stream>{_NAME})","throughput":{_plain("frames")},'
        rf'"throughputRate":(?P<rate>{_WHOLE}\.[0-9]{{1,17}}),"type":"throughputRate",{_STAMP}'
    )
    return Layout("rate", re.compile(pattern.encode()), ("frames",), ("frames",))


def _level() -> Layout:
    size = "(?:0|[1-9][0-9]{0,3})"
    pattern = (
        rf'\{{"curSize":{_plain("current")},"elementName":"(?P<element>{_NAME})","intervalTime":{_plain("interval")},'
        rf'"maxSize":{_plain("high")},"maxSizeBuffers":{_plain("capacity")},"recentSize":\[(?P<sizes>{size}(?:,{size})*)\],'
        rf'"streamName":"(?P<stream>{_NAME})","type":"queueSize",{_STAMP}'
    )
    plain = ("current", "interval", "high", "capacity")
    return Layout("level", re.compile(pattern.encode()), ("high", "capacity"), plain)


LAYOUTS = {
    "e2e": _spans("", "e2e"),
    "plugin": _spans(
        rf'"elementName":"(?P<element>{_NAME})","factory":"(?P<factory>{_NAME})",',
        "plugin|modelInference|postProcessor|videoDecode",
    ),
    "tpr": _rate(),
    "queue": _level(),
}
"""By kind of file."""
