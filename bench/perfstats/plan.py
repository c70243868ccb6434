"""How long a window is, and how long images go through, so that a run has enough full windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.perfstats.sdkconf import RANGES
from cases.errors import OmgateError

FULL_WINDOWS = 12
"""Full windows after the first result. Five are the least for a steady state (perf-logs reference, "Steady-state selection"), and the
least with which a rank test of four figures can reach 5 % by Holm; but windows resemble the ones before
them, and twelve are then worth some five to eight independent ones."""

FRAMES_A_WINDOW = 40
"""Frames that a window should have: its rate is a whole number of them by the interval, so that one more or less is 2.5 %."""

LONGEST_SECONDS = 6
"""Up to so long a window is made for its frames' sake; the deliverables' own instructions use 6 s. Longer only for slower images."""

LOST_WINDOWS = 2
"""The first window with frames is a part of one, and so is the last."""


@dataclass(frozen=True)
class Plan:
    """`interval_seconds` of a window (whole seconds, at least 1); `passes` over the test set that are expected.

    `seconds` is what holds: whole passes are made until so long has gone by since the first image, however good the estimate was.
    """

    interval_seconds: int
    passes: int

    @property
    def seconds(self) -> float:
        """From the first image on, so that there are FULL_WINDOWS between the first window with frames and the last."""
        return float(self.interval_seconds * (FULL_WINDOWS + LOST_WINDOWS))


def plan(images: int, image_seconds: float) -> Plan:
    """Return interval and passes for `images` that take about `image_seconds` each, one after the other.

    The interval is that of FRAMES_A_WINDOW images, up to LONGEST_SECONDS; never below one image, or every other window would be idle.
    Raises OmgateError for no images and for times that are none.
    """
    if images < 1 or not math.isfinite(image_seconds) or image_seconds <= 0:
        raise OmgateError(
            f"--perfstats: {images} images of {image_seconds} s each: nothing to plan; the estimate must be above 0"
        )
    low, high = RANGES["ps_interval_time"]
    windows = FULL_WINDOWS + LOST_WINDOWS
    once = images * image_seconds
    wanted = min(math.ceil(image_seconds * FRAMES_A_WINDOW), LONGEST_SECONDS)
    interval = min(max(wanted, math.ceil(image_seconds), low), high)
    return Plan(interval, max(1, math.ceil(windows * interval / once)))
