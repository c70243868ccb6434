"""Sentences that a record holds in English, told in Chinese: the Chinese views of report, summary and diff.

A record's sentences stay as they were written, in one language that every tool can read; here their form is recognised and the same is
said in Chinese with the same fields. What `reports.sentences` does not know stays English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from reports.sentences import CLAUSES, PHRASES, SENTENCES

LONGEST = 4000
"""Characters of a text that is looked at; a longer one is foreign."""

MOST_CLAUSES = 40
"""Clauses of a text that is looked at."""

WIDEST = 3
"""Pieces between "; " that are tried as one clause: names and foreign texts hold it, too."""

DEEPEST = 3
"""Sentences within sentences; no maker goes deeper, a made-up text could."""

FIELD = re.compile(r"\{(\w+)\}")
WHOLE_NUMBERS = ("k", "m", "n")
"""Fields that are whole numbers; others are any text, `_name` again a phrase."""

NAMES = (
    "_names",
    "case",
    "backend",
    "code",
    "command",
    "element",
    "file",
    "image",
    "names",
    "other",
    "rest",
    "run",
    "where",
)
"""Fields that hold names, commands and foreign texts: whatever they look like, they stay as they are."""

NUMBER = r"[-+]?\d[\d.]*(?:e[-+]?\d+)?"
QUANTITY = re.compile(rf"({NUMBER}) (counts|images/s|images)")
PERCENT = re.compile(rf"({NUMBER} %) \(({NUMBER}) (counts|images/s|images)\)")
UNITS = {"counts": "人", "images/s": "图片/秒", "images": "张图片"}
MORE = re.compile(r" and (\d+) more$")


class _Pair(NamedTuple):
    """Both forms of a sentence; `pieces` of the English one are literal text and field names in turn, a literal at either end."""

    head: str
    tail: str
    pieces: tuple[str, ...]
    chinese: str

    @classmethod
    def of(cls, english: str, chinese: str) -> _Pair:
        pieces = tuple(FIELD.split(english))
        return cls(pieces[0], pieces[-1], pieces, chinese)

    @property
    def literal(self) -> int:
        """Characters of literal text."""
        return sum(map(len, self.pieces[::2]))

    def may_begin(self, first: str) -> bool:
        """Whether a text with this first character can be of this form."""
        if self.head:
            return self.head[0] == first
        return self.pieces[1] not in WHOLE_NUMBERS or first.isdecimal()


@dataclass(frozen=True)
class _Book:
    """Pairs by a text's first character, the one with the most literal text first: it says the most about a text that it fits."""

    by_first: Mapping[str, tuple[_Pair, ...]]
    others: tuple[_Pair, ...]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> _Book:
        made = sorted((_Pair.of(*pair) for pair in pairs), key=lambda pair: -pair.literal)
        firsts = {*"0123456789", *(pair.head[0] for pair in made if pair.head)}
        found = {first: tuple(pair for pair in made if pair.may_begin(first)) for first in firsts}
        return cls(found, tuple(pair for pair in made if not pair.head))

    def find(self, text: str, depth: int) -> str | None:
        """The text in Chinese; None where it is of no form here."""
        for pair in self.by_first.get(text[:1], self.others):
            if text.startswith(pair.head) and text.endswith(pair.tail):
                fields = _fields(pair.pieces, text)
                if fields is not None:
                    return _filled(pair.chinese, fields, depth)
        return None


def _fields(pieces: Sequence[str], text: str) -> dict[str, str] | None:
    """The fields of a text that begins and ends as this form does, None for one of another.

    Each literal is looked for once, where it comes next: no going back, so that no text can make this slow. A name that holds a literal is
    cut at the wrong place then; what is shown is odd, and nothing worse.
    """
    fields: dict[str, str] = {}
    place, end = len(pieces[0]), len(text) - len(pieces[-1])
    for index in range(1, len(pieces), 2):
        name, literal = pieces[index], pieces[index + 1]
        last = index + 2 == len(pieces)
        stop = end if last else text.find(literal, place, end)
        if stop < place:
            return None
        value = text[place:stop]
        if not value or (name in WHOLE_NUMBERS and not value.isdecimal()):
            return None
        if fields.setdefault(name, value) != value:
            return None
        place = stop + len(literal)
    return fields if len(pieces) > 1 or place == len(text) else None


def _filled(form: str, fields: Mapping[str, str], depth: int) -> str:
    pieces = FIELD.split(form)
    pieces[1::2] = [_value(name, fields[name], depth) for name in pieces[1::2]]
    for place in range(1, len(pieces), 2):
        if pieces[place].endswith("）"):  # full width: it brings its own space
            pieces[place + 1] = pieces[place + 1].lstrip(" ")
    return "".join(pieces)


@lru_cache(maxsize=1)
def _books() -> tuple[_Book, _Book, _Book]:
    return _Book.of(SENTENCES), _Book.of(CLAUSES), _Book.of(PHRASES)


def chinese(text: str) -> str:
    """The text in Chinese, as far as its forms are known; clauses that are not stay English."""
    return _sentence(text, DEEPEST)


def _sentence(text: str, depth: int) -> str:
    if not text or len(text) > LONGEST or depth == 0:
        return text
    found = _books()[0].find(text, depth - 1)
    if found is not None:
        return found
    parts = text.split("; ")
    if len(parts) > MOST_CLAUSES:
        return text
    told = list(_clauses(parts, depth - 1))
    # Chinese punctuation between Chinese clauses only: what is not known stays as it is, to the letter.
    joints = ["；" if before.known and after.known else "; " for before, after in pairwise(told)]
    return told[0].text + "".join(joint + clause.text for joint, clause in zip(joints, told[1:], strict=True))


class _Clause(NamedTuple):
    text: str
    known: bool


def _clauses(parts: Sequence[str], depth: int) -> Iterator[_Clause]:
    """The clauses, each of as few parts as a form takes."""
    place = 0
    while place < len(parts):
        for width in range(1, min(WIDEST, len(parts) - place) + 1):
            found = _clause("; ".join(parts[place : place + width]), depth)
            if found is not None:
                yield _Clause(found, True)
                place += width
                break
        else:
            yield _Clause(parts[place], False)
            place += 1


@lru_cache(maxsize=4096)
def _clause(text: str, depth: int) -> str | None:
    """A clause in Chinese, None for one of no form; reasons of one run share many."""
    return _books()[1].find(text, depth)


def _value(name: str, value: str, depth: int) -> str:
    """A field's value in a Chinese sentence."""
    if name in ("_names", "names"):
        return _list(value)
    if name in NAMES:
        return value
    return _phrase(value, depth) if name.startswith("_") else _quantity(value)


def phrase(text: str) -> str:
    """A part of a sentence: a known phrase, a sentence of its own, a quantity, or the text itself."""
    return _phrase(text, DEEPEST)


def _phrase(text: str, depth: int) -> str:
    found = _books()[2].find(text, depth)
    if found is not None:
        return found
    whole = _sentence(text, depth)
    return whole if whole != text else _quantity(text)


def _list(text: str) -> str:
    """Names, which stay, and how many more there are."""
    return MORE.sub(r" 等（另有 \1 个）", text)


def _quantity(text: str) -> str:
    """A number with its unit, and nothing else, in Chinese; any other text as it is."""
    if text == "unknown":
        return "未知"
    if found := QUANTITY.fullmatch(text):
        return f"{found[1]} {UNITS[found[2]]}"
    if found := PERCENT.fullmatch(text):
        return f"{found[1]}（{found[2]} {UNITS[found[3]]}）"
    return text
