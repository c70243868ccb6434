"""Warnings in the making: a bounded number of each kind is kept whole, the rest is counted."""

from __future__ import annotations

from bench.perfstats.model import Code, Warn

KEPT = 20
"""Warnings of one kind that are kept; a log of which every line is torn must not fill the memory."""

LONGEST = 160
"""Characters of foreign text that a warning shows."""


class Footnotes:
    """Warnings by kind, in the order in which they came."""

    def __init__(self) -> None:
        self._kept: dict[Code, list[Warn]] = {}
        self._count: dict[Code, int] = {}

    def add(self, code: Code, where: str, detail: str) -> None:
        """Keep a warning, or count it."""
        self._count[code] = self._count.get(code, 0) + 1
        kept = self._kept.setdefault(code, [])
        if len(kept) < KEPT:
            kept.append(Warn(code.value, where, detail))

    def count_more(self, code: Code, times: int) -> None:
        """Count warnings of which nothing more is known."""
        self._count[code] = self._count.get(code, 0) + times
        self._kept.setdefault(code, [])

    def merge(self, other: Footnotes) -> None:
        """Take in warnings that came after these."""
        for code, kept in other._kept.items():
            mine = self._kept.setdefault(code, [])
            mine += kept[: KEPT - len(mine)]
            self._count[code] = self._count.get(code, 0) + other._count[code]

    def count(self, *codes: Code) -> int:
        """How many of these there were."""
        return sum(self._count.get(code, 0) for code in codes)

    def all(self) -> tuple[Warn, ...]:
        """Return them, each kind with a last line that says how many more there were."""
        found: list[Warn] = []
        for code, kept in self._kept.items():
            found += kept
            if (more := self._count[code] - len(kept)) > 0:
                found.append(Warn(code.value, "", f"{more} more of {self._count[code]}"))
        return tuple(found)


def shown(text: str | bytes, longest: int = LONGEST) -> str:
    """Return foreign text so that a terminal and JSON can have it: no control characters, no half characters, not endless."""
    if isinstance(text, bytes):
        text = text[: 4 * longest].decode("utf-8", "backslashreplace")
    cut = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(_escaped(char) for char in cut)


def clean(name: str) -> str:
    """Return a name that JSON and UTF-8 can have: half characters are written as escapes, the rest stays as it is."""
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    return char.encode("unicode_escape").decode("ascii")
