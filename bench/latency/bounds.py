"""How long a measurement goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

IMAGES = 200
"""Images of a measurement where nobody asks for another number: enough for a p95 (130) with room for a warm-up."""

SECONDS = 4.0
"""Seconds of a measurement where nobody asks for another time; a processor that takes 0.5 s an image gets through 8."""

LEAST = 2
"""Images that are measured whatever the time says, where nobody asks: an image of the slowest processors takes 2 s."""

MOST = 100_000
"""Images of any measurement: its samples are held in memory and are one line of a file."""


@dataclass(frozen=True)
class Bounds:
    """When a measurement is over: `least` images at any price, then at `most` images or after `seconds` of the host's clock.

    `precision`, `confidence`: it is also over when the mean is known to within this fraction. `most_warm_up`: images that may be left out at
    the beginning; 0: none is. `collect_garbage`: False keeps Python's garbage collection of this process out of the way.
    """

    least: int = LEAST
    most: int = IMAGES
    seconds: float = SECONDS
    precision: float | None = None
    confidence: float = 0.99
    most_warm_up: int = MOST
    collect_garbage: bool = True

    def is_precise(self, samples: Sequence[float]) -> bool:
        """Whether the mean is known as precisely as asked; False where nobody asked.

        As pytest-benchmark's --benchmark-precision: the normal quantile of the mean's standard error, relative to the mean.
        """
        if self.precision is None or len(samples) < max(2, self.least):
            return False
        mean = fmean(samples)
        margin = NormalDist().inv_cdf(0.5 + self.confidence / 2.0) * stdev(samples) / math.sqrt(len(samples))
        return mean > 0 and margin <= self.precision * mean
