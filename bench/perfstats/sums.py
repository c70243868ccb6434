"""Sums of windows: counts and totals, never averages of averages; idle windows are counted and give no minimum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.perfstats.chunks import Chunk
from bench.perfstats.model import Queue, Stat, Throughput
from bench.perfstats.stamps import NO_STAMP


@dataclass
class Spans:
    """Durations of one statistic."""

    count: int = 0
    total: int = 0
    low: int | None = None
    high: int | None = None
    windows: int = 0
    idle: int = 0
    negative: bool = False

    def add(self, chunk: Chunk) -> None:
        """Take in windows."""
        count = chunk.columns["count"]
        busy = count > 0
        n = len(count)
        self.windows += n
        frames = int(np.count_nonzero(busy))
        self.idle += n - frames
        if not frames:
            return
        self.count += int(count.sum())
        total, low, high = (
            chunk.columns[name] if frames == n else chunk.columns[name][busy]
            for name in ("total", "low", "high")
        )
        self.total += int(total.sum())
        lowest, highest = int(low.min()), int(high.max())
        self.low = lowest if self.low is None else min(self.low, lowest)
        self.high = highest if self.high is None else max(self.high, highest)
        self.negative |= lowest < 0 or bool((total < 0).any())

    def merge(self, other: Spans) -> None:
        """Take in the sums of windows that came after these."""
        self.count += other.count
        self.total += other.total
        self.low = min((low for low in (self.low, other.low) if low is not None), default=None)
        self.high = max((high for high in (self.high, other.high) if high is not None), default=None)
        self.windows += other.windows
        self.idle += other.idle
        self.negative |= other.negative

    def result(self) -> Stat:
        """The sums; mean = total / count."""
        return Stat(
            count=self.count,
            total_us=self.total,
            mean_us=self.total / self.count if self.count else None,
            min_us=self.low,
            max_us=self.high,
            windows=self.windows,
            idle_windows=self.idle,
        )


@dataclass
class Frames:
    """Throughput of one stream."""

    frames: int = 0
    windows: int = 0
    rates: list[Any] = field(default_factory=list)
    busy: list[Any] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        """Take in windows."""
        frames = chunk.columns["frames"]
        self.frames += int(frames.sum())
        self.windows += len(frames)
        self.rates.append(chunk.columns["rate"])
        self.busy.append(frames > 0)

    def merge(self, other: Frames) -> None:
        """Take in the sums of windows that came after these."""
        self.frames += other.frames
        self.windows += other.windows
        self.rates += other.rates
        self.busy += other.busy

    def result(self) -> Throughput:
        """The sums, and the SDK's rates in their order."""
        rates = np.concatenate(self.rates).tolist() if self.rates else ()
        return Throughput(self.frames, self.windows, tuple(rates))

    def short(self, first: bool = True, last: bool = True) -> list[str]:
        """Whether the first or the last window with frames has a rate that is too low to be of a whole one; with both numbers.

        The SDK divides by the configured interval: the first window holds the loading of the model, the last one is cut off.
        """
        busy = np.concatenate(self.rates)[np.concatenate(self.busy)] if self.rates else np.empty(0)
        if len(busy) < 3:
            return []
        usual = float(np.median(busy[1:-1]))
        ends = [("first", float(busy[0]))] * first + [("last", float(busy[-1]))] * last
        return [
            f"the {name} window with frames has {rate:g}/s, the median of the others is {usual:g}/s"
            for name, rate in ends
            if rate < 0.9 * usual
        ]


@dataclass
class Levels:
    """Levels of one queue."""

    capacity: int | None = None
    changed: bool = False
    high: int = 0
    samples: int = 0
    total: int = 0

    def add(self, chunk: Chunk) -> None:
        """Take in records."""
        capacity = chunk.columns["capacity"]
        last = int(capacity[-1])
        self.changed |= bool((capacity != last).any()) or self.capacity not in (None, last)
        self.capacity = last
        self.high = max(self.high, int(chunk.columns["high"].max()))
        self.samples += int(chunk.columns["samples"].sum())
        self.total += int(chunk.columns["total"].sum())

    def merge(self, other: Levels) -> None:
        """Take in the sums of records that came after these."""
        self.changed |= other.changed or self.capacity not in (None, other.capacity)
        self.capacity = other.capacity
        self.high = max(self.high, other.high)
        self.samples += other.samples
        self.total += other.total

    def result(self) -> Queue:
        """Capacity (the last one), largest and mean level."""
        mean = self.total / self.samples if self.samples else None
        return Queue(self.capacity or 0, self.high, self.samples, mean)


SECOND = 1_000_000
BACK_US = -1 * SECOND
"""Second and microsecond of a stamp are of two looks at the clock: it can be up to a second late (perf-logs, "updateTime")."""


@dataclass
class Clock:
    """Stamps of one statistic's windows: where the clock went back or jumped. `usual` is the typical distance, from the first ones."""

    last: int | None = None
    first: int | None = None
    usual: float | None = None
    unreadable: int = 0
    steps: int = 0
    detail: str = ""

    def add(self, chunk: Chunk) -> None:
        """Take in windows."""
        assert chunk.stamp is not None
        good = chunk.stamp[chunk.stamp != NO_STAMP]
        self.unreadable += len(chunk.stamp) - len(good)
        if not len(good):
            return
        if self.first is None:
            self.first = int(good[0])
        stamps = good if self.last is None else np.concatenate([[self.last], good])
        self.last = int(good[-1])
        distances = np.diff(stamps)
        forward = distances[distances > 0]
        if self.usual is None and len(forward) >= 3:
            self.usual = float(np.median(forward))
        self._look(distances)

    def merge(self, other: Clock) -> None:
        """Take in the windows that came after these."""
        self.unreadable += other.unreadable
        self.usual = self.usual or other.usual
        if self.last is not None and other.first is not None:
            self._look(np.array([other.first - self.last]))
        self.first = other.first if self.first is None else self.first
        self.last = self.last if other.last is None else other.last
        self.steps += other.steps
        self.detail = self.detail or other.detail

    def _look(self, distances: Any) -> None:
        far = np.inf if self.usual is None else 2 * self.usual + SECOND
        wrong = np.flatnonzero((distances < BACK_US) | (distances > far))
        self.steps += len(wrong)
        if len(wrong) and not self.detail:
            step = float(distances[wrong[0]]) / SECOND
            way = "went back" if step < 0 else "jumped"
            usual = (
                f"windows are {self.usual / SECOND:.1f} s apart"
                if self.usual
                else "windows follow each other"
            )
            self.detail = f"the clock {way} by {abs(step):.1f} s between two windows ({usual})"
