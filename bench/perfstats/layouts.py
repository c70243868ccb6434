"""The SDK's records byte by byte (nlohmann::json, keys in alphabetical order, no blanks), as the fast reader takes them.

A layout is constant, number, constant, number ... constant. The constants hold the names, and there are few different ones in a log;
they are learned from the first line that has them. Numbers of more than DIGITS digits, negative ones, escapes in names and anything
else that is unusual is not in a layout, and goes to the exact reader (`records`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

DIGITS = 12
"""Digits of the longest number of the fast reader: sums over a block of such fit 64 bit. As microseconds: 11 days."""

MOST_CONSTANTS = 64
"""Different texts at one place of a layout that are learned; a log with more streams and elements is read slowly."""


class Number(NamedTuple):
    """A place for a whole number; `field` is empty where nobody asks for it. `json`: no zero before other digits."""

    field: str
    json: bool = False


class Date(NamedTuple):
    """A place for `YYYY-MM-DD HH:MM:SS`."""


class Fraction(NamedTuple):
    """A place for a JSON number with a fraction, ended by a comma."""

    field: str


class Levels(NamedTuple):
    """A place for the inside of a list of whole numbers."""


Slot = Number | Date | Fraction | Levels

_NAME = rb'[^"\\\x00-\x1f]{0,200}'
_PATTERNS: dict[type, bytes] = {
    Number: rb"([0-9]{1,12})",
    Date: rb"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})",
    Fraction: rb"([0-9]{1,12}\.[0-9]{1,17})",
    Levels: rb"([0-9,]+)",
}


def _name(key: str) -> bytes:
    return b"(?P<%s>%s)" % (key.encode(), _NAME)


@dataclass
class Layout:
    """A record's bytes: constants (as patterns, with names in them) and the slots between them.

    `known`: for each constant the texts that were seen, and the names in them. It grows while logs are read.
    """

    family: str
    constants: tuple[bytes, ...]
    slots: tuple[Slot, ...]
    known: list[list[tuple[bytes, dict[str, str]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known = [[] for _ in self.constants]
        slots = [_PATTERNS[type(slot)] for slot in self.slots]
        parts = [part for pair in zip(self.constants, [*slots, b""], strict=True) for part in pair]
        self._line = re.compile(
            b"".join(b"(?P<c%d>%s)" % (i // 2, part) if i % 2 == 0 else part for i, part in enumerate(parts))
        )

    def learn(self, line: bytes, place: int) -> tuple[bytes, dict[str, str]] | None:
        """Return the constant at a place of a line with the names in it, and remember it; None if the line has another layout."""
        found = self._line.fullmatch(line)
        if found is None or len(self.known[place]) >= MOST_CONSTANTS:
            return None
        start, end = found.span(f"c{place}")
        try:
            names = {
                key: text.decode("utf-8")
                for key, text in found.groupdict().items()
                if not re.fullmatch(r"c\d+", key) and start <= found.start(key) and found.end(key) <= end
            }
        except UnicodeDecodeError:
            return None
        known = (found[f"c{place}"], names)
        self.known[place].append(known)
        return known


_END = (rb"\.", rb'"\}')


def new_layouts() -> dict[str, Layout]:
    """Return the layout of each kind of file, with nothing learned."""
    stamp = (Date(), Number("usec"))
    spans = (Number("count"), Number("high"), Number("low"), Number("total"))
    between = (
        rb'","maxTime":"',
        rb'","minTime":"',
        rb'","streamName":"' + _name("stream") + rb'","totalTime":"',
    )
    e2e = (
        rb'\{"average":"',
        rb'","frequency":"',
        *between,
        rb'","type":"(?P<kind>e2e)","updateTime":"',
        *_END,
    )
    element = (
        rb'","elementName":"' + _name("element") + rb'","factory":"' + _name("factory") + rb'","frequency":"'
    )
    kinds = rb'","type":"(?P<kind>plugin|modelInference|postProcessor|videoDecode)","updateTime":"'
    rate = (
        rb'\{"streamName":"' + _name("stream") + rb'","throughput":',
        rb',"throughputRate":',
        rb',"type":"throughputRate","updateTime":"',
        *_END,
    )
    queue = (
        rb'\{"curSize":',
        rb',"elementName":"' + _name("element") + rb'","intervalTime":',
        rb',"maxSize":',
        rb',"maxSizeBuffers":',
        rb',"recentSize":\[',
        rb'\],"streamName":"' + _name("stream") + rb'","type":"queueSize","updateTime":"',
        *_END,
    )
    sizes = (Number("", True), Number("", True), Number("high", True), Number("capacity", True), Levels())
    return {
        "e2e": Layout("span", e2e, (Number(""), *spans, *stamp)),
        "plugin": Layout("span", (e2e[0], element, *between, kinds, *_END), (Number(""), *spans, *stamp)),
        "tpr": Layout("rate", rate, (Number("frames", True), Fraction("rate"), *stamp)),
        "queue": Layout("level", queue, (*sizes, *stamp)),
    }
