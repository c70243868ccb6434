"""What the performance statistics count between two records: durations, buffers, levels of queues (Vision SDK, PerformanceStatistics).

Times are microseconds of the wall clock, as in the SDK: a step of the clock is an outlier here as it is there.
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from typing import Callable, Deque, Dict, List, NamedTuple

from omgate_emulator import log

OUTSTANDING = 1000
"""Start times that one statistic holds; the oldest is dropped for a newer one."""

WARN_EVERY_US = 10 * 1000 * 1000
NEVER_PRINTED_US = 999999999999
"""The least duration before there is one."""

Wall = Callable[[], int]
"""A clock: microseconds since 1970."""


class Window(NamedTuple):
    """The durations of one window, in microseconds; all zero when there were none."""

    frequency: int
    total_us: int
    min_us: int
    max_us: int

    def fields(self) -> Dict[str, str]:
        """Return the window as the record's fields: numbers are JSON strings, the average is cut, not rounded."""
        average = abs(self.total_us) // self.frequency if self.frequency else 0
        return {
            "average": str(-average if self.total_us < 0 else average),
            "frequency": str(self.frequency),
            "maxTime": str(self.max_us),
            "minTime": str(self.min_us),
            "totalTime": str(self.total_us),
        }


class Limited:
    """A warning that is logged at most every ten seconds of its statistic's clock."""

    def __init__(self, text: str, where: str) -> None:
        self._text, self._where, self._last_us = text, where, 0

    def at(self, now_us: int, detail: str = "") -> None:
        """Log the warning unless it was logged less than ten seconds ago."""
        if not 0 < now_us - self._last_us < WARN_EVERY_US:
            self._last_us = now_us
            log.warn(self._text + detail, self._where)


class Durations:
    """The durations of one statistic since its last record."""

    def __init__(self, wall: Wall) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._clear()

    def take(self) -> Window:
        """Return what was counted, and begin again."""
        with self._lock:
            least = self._min_us if self._frequency else 0
            window = Window(self._frequency, self._total_us, least, self._max_us)
            self._clear()
            return window

    def _clear(self) -> None:
        self._frequency = self._total_us = self._max_us = 0
        self._min_us = NEVER_PRINTED_US

    def _add(self, duration_us: int) -> None:
        self._min_us = min(self._min_us, duration_us)
        self._max_us = max(self._max_us, duration_us)
        self._frequency += 1
        self._total_us += duration_us
        if self._total_us <= 0:  # the clock was set back: what came before is silently forgotten
            self._total_us, self._frequency = duration_us, 1


class Passages(Durations):
    """Durations whose begin and end are seen in different places, matched first in, first out (`e2e`)."""

    def __init__(self, wall: Wall) -> None:
        super().__init__(wall)
        self._begun: Deque[int] = deque()
        self._full = Limited("PerformanceStatistics startTimeQueue is full.", "PerformanceStatistics.cpp:43")

    def begin(self) -> None:
        """A buffer has left the source; of more than a thousand under way the oldest is forgotten."""
        with self._lock:
            now = self._wall()
            self._begun.append(now)
            full = len(self._begun) > OUTSTANDING
            if full:
                self._begun.popleft()
        if full:
            self._full.at(now)

    def end(self) -> None:
        """A buffer has come to the sink."""
        with self._lock:
            if self._begun:
                self._add(self._wall() - self._begun.popleft())
                return
        log.warn("PerformanceStatistics startTimeQueue is empty.", "PerformanceStatistics.cpp:58")


class Spans(Durations):
    """Durations of calls: one place sees the begin and the end (`plugin`, `modelInference`)."""

    def begin(self) -> int:
        """Return the token for `end`."""
        return self._wall()

    def end(self, token: int, blocked_us: int = 0) -> None:
        """The call that began with `token` is over; `blocked_us` of it went into waiting for elements further down."""
        with self._lock:
            self._add(self._wall() - token - blocked_us)


class Buffers:
    """Buffers that reached the end of a stream since the last record."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def count(self) -> None:
        """One more."""
        with self._lock:
            self._count += 1

    def take(self) -> int:
        """Return how many there were, and begin again."""
        with self._lock:
            count, self._count = self._count, 0
            return count


class Level:
    """The levels of one queue since the last record; polled by one thread alone."""

    def __init__(self, stream: str, element: str, max_size_buffers: int, size: Callable[[], int]) -> None:
        self.stream, self.element, self.max_size_buffers = stream, element, max_size_buffers
        self._size = size
        self._recent: List[int] = []
        self._high = Limited(
            f"The size of queue({element}) in stream({stream}) reached warning value",
            "QueueSizeStatistics.cpp:71",
        )

    def poll(self, warn_percent: int, now_us: int) -> None:
        """Read the level once; warn where it is at `warn_percent` of the queue's length or above (at least 1)."""
        size = self._size()
        self._recent.append(size)
        if size >= max(1, self.max_size_buffers * warn_percent // 100):
            self._high.at(now_us, f", current size is {size}.")

    def take(self) -> List[int]:
        """Return the levels, oldest first, and begin again."""
        recent, self._recent = self._recent, []
        return recent


class Nothing:
    """Stands for any of them while statistics are off."""

    def begin(self) -> int:
        """Nothing to begin."""
        return 0

    def end(self, token: int = 0, blocked_us: int = 0) -> None:
        """Nothing to end."""

    def count(self) -> None:
        """Nothing to count."""


def rate(count: int, interval_s: int) -> float:
    """Return buffers per second as the SDK rounds it: a float32, widened; 0.0 for an interval of 0."""
    if interval_s == 0:
        return 0.0
    single = struct.Struct("<f")
    (quotient,) = single.unpack(single.pack(single.unpack(single.pack(count))[0] / interval_s))
    return float(quotient)
