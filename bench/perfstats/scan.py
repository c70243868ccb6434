"""The fast reader: all lines of a block at once, place after place of their layout; what does not fit goes to the exact reader.

Every byte of an accepted line was compared: constants with a learned text, the rest as digits. So a line that this reader takes is
one that the exact reader would have read the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bench.perfstats import layouts, swar
from bench.perfstats.chunks import FIELDS, SMALL, Chunk, Key
from bench.perfstats.layouts import Date, Fraction, Layout, Levels, Number
from bench.perfstats.stamps import MICRO, NO_STAMP, day_seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.perfstats.swar import Bools, Ints

TRIES = 50
"""Lines of a block that may fail to teach a constant, before all that is left of it goes to the exact reader."""

MOST_RATES = 10000
"""Texts of rates that are remembered: count / interval has few values."""

MOST_DAYS = 64
_LEVELS = msgspec.json.Decoder(list[int])


class Scan:
    """One block: `block` with swar.PADDING bytes after its content, `starts` and `ends` of its lines (the line breaks)."""

    def __init__(
        self, layout: Layout, block: NDArray[np.uint8], starts: Ints, ends: Ints, stamps: bool
    ) -> None:
        self.layout, self.block, self.starts, self.ends = layout, block, starts, ends
        self.wants_stamps = stamps
        self.alive: Bools = np.ones(len(starts), np.bool_)
        self.at: Ints = starts.copy()
        self.columns: dict[str, NDArray[Any]] = {}
        self.texts: list[NDArray[np.intp]] = []
        self.stamp: Ints | None = None

    def run(self) -> tuple[Chunk, NDArray[np.intp]]:
        """Return the records of the lines that fit, and which lines these are."""
        for place in range(len(self.layout.constants)):
            self._constant(place)
            if place < len(self.layout.slots):
                self._slot(self.layout.slots[place])
        self.alive &= self.at == self.ends
        rows = np.flatnonzero(self.alive)
        keys, group = self._keys(rows)
        columns = {name: self.columns[name][rows] for name in FIELDS[self.layout.family]}
        stamp = None if self.stamp is None else self.stamp[rows]
        return Chunk(self.layout.family, keys, group, columns, stamp), rows

    # --- constants --------------------------------------------------------------------------------------------------------

    def _constant(self, place: int) -> None:
        """Step over the constant at this place; lines that have none of the known ones teach theirs, or drop out."""
        ids = np.full(len(self.at), -1, np.intp)
        todo = np.flatnonzero(self.alive)
        known, number, tries = self.layout.known[place], 0, 0
        while len(todo):
            if number == len(known):
                line = int(todo[0])
                content = self.block[self.starts[line] : self.ends[line]].tobytes()
                if tries >= TRIES or len(known) >= layouts.MOST_CONSTANTS:
                    break
                if self.layout.learn(content, place) is None:
                    tries += 1
                    todo = todo[1:]
                    continue
            text = known[number][0]
            here = swar.gather(self.block, self.at[todo], len(text), "S") == text
            ids[todo[here]] = number
            todo = todo[~here]
            number += 1
        self._drop(ids < 0)
        lengths = np.array([len(text) for text, _ in known] + [0], np.int64)  # ids of -1: the 0 at the end
        self.at += lengths[ids]
        self.texts.append(ids)

    def _drop(self, rows: Bools) -> None:
        self.alive &= ~rows
        self.at[~self.alive] = 0

    def _keys(self, rows: NDArray[np.intp]) -> tuple[list[Key], NDArray[np.intp]]:
        """Whose the records at `rows` are: every combination of constants that occurs is a key."""
        known = self.layout.known
        places = [place for place, texts in enumerate(known) if any(names for _, names in texts)]
        code = np.zeros(len(rows), np.intp)
        for place in places:
            code = code * layouts.MOST_CONSTANTS + self.texts[place][rows]
        present = np.flatnonzero(np.bincount(code)) if len(code) else np.empty(0, np.intp)
        compact = np.zeros(int(present[-1]) + 1 if len(present) else 0, np.intp)
        keys: dict[Key, int] = {}  # two threads may have learned the same text
        for position, number in enumerate(present):
            names: dict[str, str] = {}
            for place in reversed(places):
                number, text = divmod(int(number), layouts.MOST_CONSTANTS)
                names |= known[place][text][1]
            key = (names["stream"], names.get("element", ""), names.get("factory", ""), names.get("kind", ""))
            compact[present[position]] = keys.setdefault(key, len(keys))
        return list(keys), compact[code]

    # --- slots ------------------------------------------------------------------------------------------------------------

    def _slot(self, slot: layouts.Slot) -> None:
        if isinstance(slot, Number):
            self._number(slot)
        elif isinstance(slot, Date):
            self._date()
        elif isinstance(slot, Fraction):
            self._fraction(slot)
        elif isinstance(slot, Levels):
            self._levels()

    def _number(self, slot: Number) -> None:
        digits = 6 if slot.field == "usec" else layouts.DIGITS
        value, width, good = swar.numbers(self.block, self.at, digits, slot.json)
        self.at += width
        self._drop(~good)
        if slot.field == "usec":
            if self.stamp is not None:
                self.stamp = np.where(self.stamp == NO_STAMP, NO_STAMP, self.stamp + value)
        elif slot.field:
            self.columns[slot.field] = value

    def _date(self) -> None:
        words, good = swar.dates(self.block, self.at)
        self.at += 19
        self._drop(~good)
        if self.wants_stamps:
            seconds, missing = self._seconds(words)
            self.stamp = np.where(missing, NO_STAMP, seconds * MICRO)

    def _seconds(self, words: NDArray[np.uint64]) -> tuple[Ints, Bools]:
        """Seconds since 1970 (UTC) of date words, and which of them are no time."""
        text = np.ascontiguousarray(words).view(np.uint8).reshape(-1, 24)
        digit = (text[:, [11, 12, 14, 15, 17, 18]] & 15).astype(np.int64)
        hour, minute, second = (digit[:, i] * 10 + digit[:, i + 1] for i in (0, 2, 4))
        seconds = hour * 3600 + minute * 60 + second
        missing = (hour > 23) | (minute > 59) | (second > 60) | ~self.alive
        month, day = words[:, 0], words[:, 1] & np.uint64(0xFFFF)
        todo = np.flatnonzero(~missing)
        for _ in range(MOST_DAYS):
            if not len(todo):
                break
            first = todo[0]
            same = (month[todo] == month[first]) & (day[todo] == day[first])
            start = day_seconds(text[first, :10].tobytes().decode("ascii"))
            if start is None:
                missing[todo[same]] = True
            else:
                seconds[todo[same]] += start
            todo = todo[~same]
        late = np.zeros(len(seconds), np.bool_)
        late[todo] = True
        self._drop(late)
        return seconds, missing  # type: ignore[return-value]  # int64 seconds; numpy's stub loses it in +=

    def _fraction(self, slot: Fraction) -> None:
        """Rates; there are few different ones, so that each text is converted once."""
        text = swar.gather(self.block, self.at, 32).view(np.uint8).reshape(-1, 32)
        width = (text == 44).argmax(axis=1)
        kept = np.where(np.arange(32) < width[:, None], text, 0).astype(np.uint8)
        known: dict[bytes, float] = {}
        rates = []
        for raw in kept.view("S32").ravel().tolist():
            rate = known.get(raw)
            if rate is None:
                rate = _rate(raw)
                if len(known) < MOST_RATES:
                    known[raw] = rate
            rates.append(rate)
        self.columns[slot.field] = np.array(rates, np.float64)
        self.at += width
        self._drop(~(self.columns[slot.field] >= 0))

    def _levels(self) -> None:
        """Sum, number and maximum of each list."""
        closing = np.append(np.flatnonzero(self.block == 93), len(self.block))
        ends = closing[np.searchsorted(closing, self.at)]
        made = np.zeros((3, len(self.at)), np.int64)
        bad = np.zeros(len(self.at), np.bool_)
        content = memoryview(self.block)  # type: ignore[arg-type]  # an array is a buffer; numpy 1.26's types do not say so
        for row in np.flatnonzero(self.alive).tolist():
            try:
                sizes = _LEVELS.decode(content[self.at[row] - 1 : ends[row] + 1])
                largest = max(sizes)
                if min(sizes) < 0 or largest >= SMALL // 1000 or len(sizes) > 1000:
                    raise ValueError
                made[:, row] = sum(sizes), len(sizes), largest
            except (ValueError, msgspec.DecodeError):
                bad[row] = True
        self.columns["total"], self.columns["samples"] = made[0], made[1]
        self.columns["high"] = np.maximum(self.columns["high"], made[2])
        self.at = np.where(self.alive, ends, 0)
        self._drop(bad)


def _rate(text: bytes) -> float:
    """The number, -1 where the text is no plain one: digits, a point, digits."""
    whole, point, rest = text.partition(b".")
    plain = point and whole.isdigit() and rest.isdigit() and (len(whole) == 1 or whole[:1] != b"0")
    return float(text) if plain and len(whole) <= layouts.DIGITS else -1.0
