"""The stopwatch: one open worker, so many images in flight, and for each image its times, until the bounds say enough."""

from __future__ import annotations

import gc
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from bench.latency.steady import Steady, find_steady
from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.gateway import Answer, Session
    from bench.latency.bounds import Bounds
    from bench.latency.images import Images

REGION = "infer"

FIRST = 2
"""Images in flight until the first answer tells how long one takes: what is in flight can't be called back."""

LATELY = 4
"""Answers whose distance tells how long the next one will take."""

LOOKS = 3
"""Times that a warm-up is looked for while measuring; a series that never settles has an end, too."""


class SpeedError(OmgateError):
    """A measurement with a hole in it; `code` is its reason code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Series:
    """What was measured, in order of time, warm-up included: seconds of each image.

    `infer`: by the worker's clock. `round_trip`: from handing over to answer. `intervals`: from the answer before (of the first: from its
    handing over). `wall_seconds`: of the whole.
    """

    infer: list[float] = field(default_factory=list)
    round_trip: list[float] = field(default_factory=list)
    intervals: list[float] = field(default_factory=list)
    wall_seconds: float = 0.0

    def steady(self, depth: int) -> Steady:
        """Where the warm-up ends: of the worker's seconds, and with several in flight of the gaps between answers, too."""
        found = find_steady(self.infer)
        if depth == 1:
            return found
        return max(found, find_steady(self.intervals), key=lambda steady: (not steady.found, steady.warm_up))


def run(
    session: Session,
    images: Images,
    depth: int,
    bounds: Bounds,
    first: int = 0,
    clock: Callable[[], float] = time.monotonic,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Series:
    """The times of images in turn, `depth` of them in flight; sequence numbers count from `first`. All are answered when it returns.

    Raises SpeedError where the runtime raises at an image or does not time it; WorkerFailure where the worker dies or hangs.
    """
    series, in_flight = Series(), deque[float]()
    plan = _Plan(series, depth, bounds)
    start = last = clock()
    sent = 0
    with _garbage(bounds.collect_garbage):
        while True:
            while len(in_flight) < depth and plan.more(sent, clock() - start):
                in_flight.append(clock())
                session.submit(first + sent, images.at(sent))
                sent += 1
            if not in_flight:
                break
            answer = session.receive()
            handed = in_flight.popleft()
            series.infer.append(_seconds(answer))
            series.round_trip.append(answer.arrived - handed)
            series.intervals.append(answer.arrived - (last if len(series.infer) > 1 else handed))
            last = answer.arrived
            tick(len(series.infer), max(bounds.least, len(series.infer)))
    series.wall_seconds = last - start
    return series


class _Plan:
    """Whether another image is to be handed over: it is asked for, and there is time for it behind those in flight."""

    def __init__(self, series: Series, depth: int, bounds: Bounds) -> None:
        self._series = series
        self._depth = depth
        self._bounds = bounds
        self._warm_up = 0
        self._looked = 0

    def more(self, sent: int, elapsed: float) -> bool:
        """Whether to hand over image number `sent`, `elapsed` seconds after the first."""
        series, bounds = self._series, self._bounds
        answered = len(series.infer)
        if not answered:
            return sent < FIRST
        self._look_for_warm_up(sent, answered)
        if sent < bounds.least + self._warm_up:
            return True
        if sent >= bounds.most + self._warm_up or elapsed >= bounds.seconds:
            return False
        if answered % max(LATELY, answered // 16) == 0 and bounds.is_precise(series.infer[self._warm_up :]):
            return False
        # What is in flight takes its time, too: the last answer should not come long after the time is over.
        return elapsed + (sent - answered) * median(series.intervals[-LATELY:]) <= bounds.seconds

    def _look_for_warm_up(self, sent: int, answered: int) -> None:
        """Where all that was asked for is answered: what of it is warm-up is measured again."""
        asked = self._bounds.least + self._warm_up
        if self._looked < LOOKS and self._bounds.most_warm_up and answered == sent >= asked:
            self._looked += 1
            self._warm_up = min(self._series.steady(self._depth).warm_up, self._bounds.most_warm_up)


def _seconds(answer: Answer) -> float:
    """The worker's own seconds of an answer."""
    if answer.problem:
        raise SpeedError("worker-error", f"the runtime raised at an image: {answer.problem}")
    seconds = answer.seconds.get(REGION)
    if seconds is None or not (math.isfinite(seconds) and seconds > 0):
        raise SpeedError("not-finite", f"the worker gave {seconds} s for region {REGION} of an image")
    return seconds


@contextmanager
def _garbage(collect: bool) -> Iterator[None]:
    """Python's garbage collection of this process as asked, and as it was afterwards."""
    before = gc.isenabled()
    if not collect:
        gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
