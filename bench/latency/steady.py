"""Where the warm-up of a series of times ends: found in the series, never assumed.

MSER-5 (White, An Effective Truncation Heuristic for Bias Reduction in Simulation Output, 1997; White, Cobb and Spratt 2000 compared five rules
and kept it): of all beginnings that could be cut off, cut the one that leaves the mean of the rest with the smallest standard error. It works on
batches of five. Two things are other here, because latencies have outliers and series are short: a batch counts by its median, and a beginning is cut off
only where it stands out from the rest. The same test says whether the rest is of one level. (On white noise the rule alone finds no steady state in
up to 14 % of the series, because its minimum lies anywhere; so it errs in 1 %, and finds a step of 20 % in 99 %: tests/bench/latency/test_steady.py.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

BATCH = 5
"""Samples of a batch, as the 5 in MSER-5; fewer in a short series, so that at least ten batches stand for it."""

FEWEST = 10
"""Samples below which no beginning can be told from noise."""

STANDS_OUT = 4.0
"""Standard errors by which a level differs from another; the rule has chosen where to cut, so the customary 2 would be too few."""

NORMAL = 1.4826
"""Standard deviation of a normal distribution whose median absolute deviation is 1."""

MOST_SHARE = 0.5
"""Of the series: the longest beginning that is left out. What is left must be of one level, else there was no steady state."""


@dataclass(frozen=True)
class Steady:
    """How many samples at the beginning are warm-up, and whether there was a steady state after them; `why` not, in words."""

    warm_up: int
    found: bool
    why: str = ""


def find_steady(series: Sequence[float]) -> Steady:
    """The end of the warm-up of a series in order of time. At most half of it is left out."""
    n = len(series)
    if n < FEWEST:
        return Steady(0, False, f"{n} images are too few to tell a warm-up from noise")
    size = min(BATCH, max(1, n // 10))
    batches = [median(series[start : start + size]) for start in range(0, n - size + 1, size)]
    spread = _spread(batches)
    # The rule may cut off more than the warm-up, so much more that it no longer stands out: then a shorter beginning does.
    cut = next((cut for cut in range(_mser(batches), 0, -1) if _stands_out(batches, cut, spread)), 0)
    rest = batches[cut:]
    if _stands_out(rest, len(rest) // 2, spread):
        half = int(MOST_SHARE * len(batches)) * size
        return Steady(half, False, f"no steady state found in {n} images: the time per image kept moving")
    return Steady(cut * size, True)


def _spread(batches: Sequence[float]) -> float:
    """The standard deviation of a batch about its level, wherever that moves: from the differences of neighbours, by their median."""
    return NORMAL * median(abs(one - other) for one, other in pairwise(batches)) / 2**0.5


def _stands_out(batches: Sequence[float], cut: int, spread: float) -> bool:
    """Whether the first `cut` batches are of another level than the rest, by their medians."""
    if not cut:
        return False
    head, rest = batches[:cut], batches[cut:]
    return abs(median(head) - median(rest)) > STANDS_OUT * spread * (1.0 / len(head) + 1.0 / len(rest)) ** 0.5


def _mser(batches: Sequence[float]) -> int:
    """The number of batches to cut off: where sum((y - mean) ** 2) / count ** 2 of the rest is smallest, the earliest of equals.

    A beginning of more than MOST_SHARE is no candidate.
    """
    best, cut = float("inf"), 0
    # From the end, so that each rest is the one before it and a batch more (Welford).
    mean, squares = 0.0, 0.0
    for count, start in enumerate(range(len(batches) - 1, -1, -1), 1):
        away = batches[start] - mean
        mean += away / count
        squares += away * (batches[start] - mean)
        if start <= MOST_SHARE * len(batches) and squares / count**2 <= best:
            best, cut = squares / count**2, start
    return cut
