"""How long a window is, and how often the test set is gone through, so that a run has enough full windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.perfstats.sdkconf import RANGES
from cases.errors import OmgateError

FULL_WINDOWS = 5
"""Full windows after the first result (perf-logs reference, "Steady-state selection")."""

FRAMES_A_WINDOW = 10
"""Frames that a window should have, so that min and max say something; a longer interval where one image takes long."""

LOST_WINDOWS = 2
"""The first window with frames is a part of one, and so is the last."""


@dataclass(frozen=True)
class Plan:
    """`interval_seconds` of a window (whole seconds, at least 1), and `passes` over the test set."""

    interval_seconds: int
    passes: int


def plan(images: int, image_seconds: float) -> Plan:
    """Return interval and passes for `images` that take about `image_seconds` each.

    At least FULL_WINDOWS full windows after the first result, even if the images take half the estimate; the interval is the shortest
    one that holds FRAMES_A_WINDOW images, so that few passes do. Raises OmgateError for no images and for times that are none.
    """
    if images < 1 or not math.isfinite(image_seconds) or image_seconds <= 0:
        raise OmgateError(
            f"--perfstats: {images} images of {image_seconds} s each: nothing to plan; the estimate must be above 0"
        )
    low, high = RANGES["ps_interval_time"]
    interval = min(max(math.ceil(image_seconds * FRAMES_A_WINDOW), low), high)
    wanted = (FULL_WINDOWS + LOST_WINDOWS) * interval
    once = images * image_seconds / 2  # an estimate may be wrong; twice as fast must still do
    return Plan(interval, max(1, math.ceil(wanted / once)))
