"""Sentences that a record holds in English, told in Chinese: the Chinese views of report, summary and diff.

A record's sentences stay as they were written, in one language that every tool can read; here their form is recognised and the same is
said in Chinese with the same fields. What `reports.sentences` does not know stays English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from reports.sentences import CLAUSES, PHRASES, SENTENCES

LONGEST = 4000
"""Characters of a text that is looked at; a longer one is foreign."""

FIELD = re.compile(r"\{(\w+)\}")
WHOLE_NUMBERS = ("k", "m", "n")
"""Fields that are whole numbers; others are any text, `_name` again a phrase."""

UNITS = (("counts", "人"), ("images/s", "图片/秒"), ("images", "张图片"), ("unknown", "未知"))
COUNT = re.compile(r"(?<![\w.])([-+]?[\d.]+(?:e[-+]?\d+)?) (counts|images/s|images)\b")
MORE = re.compile(r"(.*) and (\d+) more", re.DOTALL)


class _Pair(NamedTuple):
    """Both forms of a sentence; `pieces` of the English one are literal text and field names in turn, a literal at either end."""

    pieces: tuple[str, ...]
    chinese: str


@dataclass(frozen=True)
class _Book:
    """Pairs, the one with the most literal text first: it says the most about a text that it fits."""

    pairs: tuple[_Pair, ...]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> _Book:
        made = [_Pair(tuple(FIELD.split(english)), chinese) for english, chinese in pairs]
        return cls(tuple(sorted(made, key=lambda pair: -sum(map(len, pair.pieces[::2])))))

    def find(self, text: str) -> str | None:
        for pair in self.pairs:
            fields = _fields(pair.pieces, text)
            if fields is not None:
                return FIELD.sub(lambda found, fields=fields: _told(found[1], fields[found[1]]), pair.chinese)  # type: ignore[misc]
        return None


def _fields(pieces: Sequence[str], text: str) -> dict[str, str] | None:
    """The fields of a text of this form, None for another.

    Each literal is looked for once, where it comes next: no going back, so that no text can make this slow. A name that holds a literal is
    cut at the wrong place then; what is shown is odd, and nothing worse.
    """
    if not (text.startswith(pieces[0]) and text.endswith(pieces[-1])):
        return None
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


@lru_cache(maxsize=1)
def _books() -> tuple[_Book, _Book, _Book]:
    return _Book.of(SENTENCES), _Book.of(CLAUSES), _Book.of(PHRASES)


def chinese(text: str) -> str:
    """The text in Chinese, as far as its forms are known; clauses that are not stay English."""
    if not text or len(text) > LONGEST:
        return text
    sentences, clauses, _ = _books()
    found = sentences.find(text)
    if found is not None:
        return found
    parts = text.split("; ")
    told = [clauses.find(part) for part in parts]
    if not any(told):
        return text
    return "；".join(part if new is None else new for part, new in zip(parts, told, strict=True))


def _told(name: str, value: str) -> str:
    """A field's value in a Chinese sentence."""
    if name.startswith("_"):
        return phrase(value)
    return COUNT.sub(lambda found: f"{found[1]} {dict(UNITS)[found[2]]}", value)


def phrase(text: str) -> str:
    """A part of a sentence: a known phrase, a sentence of its own, a list of names, or the text itself."""
    found = _books()[2].find(text)
    if found is not None:
        return found
    whole = chinese(text)
    if whole != text:
        return whole
    more = MORE.fullmatch(text)
    if more:
        return f"{more[1]} 等（另有 {more[2]} 个）"
    return _told("", text)
