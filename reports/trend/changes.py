"""Where a series of figures changed: exact ones compared exactly, noisy ones by the levels that explain them best.

For noisy figures: ruptures (Truong, Oudre, Vayatis, Selective review of offline change point detection methods, Signal Processing 167, 2020),
PELT with the cost of a shift in the mean, of the logarithms, so that changes are relative. Three things keep noise from being change:
- the scale comes from differences of neighbours and from the residuals of a running median, neither of which a step widens;
- what lies further than CLIP scales from the running median is drawn in, so that a night on a busy machine is not a level of its own;
- the penalty, c log(n) (1 + k / n), was chosen by simulation: independent noise, normal or with heavy tails, makes a change point in about 1 of
  100 histories, with spikes in one night of twenty in about 4 (tests/reports/trend/test_changes.py). A step of five times the noise is
  found from the third or fourth run after it on.
Known limit: noise that lasts for several nights (a warm season, a neighbour) is a level for all that this can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST = 12
"""Points below which no change point of a noisy figure is looked for: the scale itself isn't known before."""

SHORTEST = 3
"""Points of the shortest level."""

WINDOW = 7
"""Of the running median, points; it stands for the level where up to three neighbours are spikes."""

CLIP = 2.5
"""Scales from the running median up to which a value counts as it is."""

PENALTY, SMALL = 5.0, 10.0
"""c and k of the penalty: with k, a short history needs a larger change."""

SMALLEST_SCALE = 1e-3
"""Relative noise that is reckoned with at least: figures that repeat to the last digit have no level to compare with."""

LONGEST = 1500
"""Newest points that are looked at: the search is quadratic, and this is four years of nights."""


def exact_changes(values: Sequence[float], allowed: Sequence[float]) -> list[int]:
    """Where an exact figure is not what it was: indices into `values`; `allowed[i]` is how far value i may be from the one before."""
    return [
        index
        for index in range(1, len(values))
        if not abs(values[index] - values[index - 1]) <= allowed[index]
    ]


def noisy_changes(values: Sequence[float]) -> list[int]:
    """Where the level of a noisy figure changes: the first index of each new level; none below FEWEST values, which must be above 0."""
    import numpy as np

    if len(values) < FEWEST:
        return []
    skipped = max(0, len(values) - LONGEST)
    logs = np.log(np.asarray(values[skipped:], dtype=np.float64))
    middle = _running_median(logs)
    scale = max(_scale(logs, middle), SMALLEST_SCALE)
    tame = np.clip(logs, middle - CLIP * scale, middle + CLIP * scale) / scale
    if float(np.ptp(tame)) < 1.0:
        return []
    import ruptures

    n = len(tame)
    penalty = PENALTY * float(np.log(n)) * (1.0 + SMALL / n)
    ends = (
        ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(tame.reshape(-1, 1)).predict(pen=penalty)
    )
    return [skipped + int(end) for end in ends[:-1]]


def _running_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of WINDOW values around each, mirrored at the ends."""
    import numpy as np

    padded = np.pad(values, WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)
    median: NDArray[np.float64] = np.median(windows, axis=1)
    return median


def _scale(values: NDArray[np.float64], middle: NDArray[np.float64]) -> float:
    """The standard deviation of the noise: the larger of two robust estimates (median absolute deviation times 1.4826)."""
    import numpy as np

    steps = np.diff(values)
    neighbours = np.median(np.abs(steps - np.median(steps))) / np.sqrt(2.0)
    return float(1.4826 * max(neighbours, np.median(np.abs(values - middle))))
