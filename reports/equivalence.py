"""Equivalence: not "no difference was found", but "a difference that matters was ruled out"."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

FEWEST = 2


class Equivalence(msgspec.Struct, frozen=True):
    """Two one-sided tests of a mean difference against +-`margin`, in the differences' unit.

    `equivalent`: both one-sided tests reject at `alpha`. `p_value`: the larger of the two. `low`, `high`: the interval at confidence
    1 - 2 alpha, which lies within the margin exactly when they do; None below two pairs. `would_pass`: the smallest margin at which they
    would, None below two pairs.
    """

    equivalent: bool
    p_value: float
    mean: float
    low: float | None
    high: float | None
    margin: float
    alpha: float
    samples: int

    @property
    def would_pass(self) -> float | None:
        """The smallest margin within which the two are equivalent on these pairs."""
        return None if self.low is None or self.high is None else max(abs(self.low), abs(self.high))


def equivalent(differences: Sequence[float], margin: float, alpha: float = 0.05) -> Equivalence:
    """Whether the mean of paired differences (N,) lies within +-`margin` (TOST; Schuirmann 1987), by Student's t.

    Known limit: it speaks of the mean over images of this kind; single images can differ by any amount. Differences without spread are
    exact: the mean alone decides. Raises ValueError for no differences, NaN, Inf, or a margin that is not above 0.
    """
    import numpy as np
    from scipy.special import stdtr, stdtrit

    values = np.asarray(differences, dtype=np.float64)
    n = values.size
    if values.ndim != 1 or n == 0 or not np.isfinite(values).all():
        raise ValueError(f"finite differences are needed, seen {n} of shape {values.shape}")
    if not margin > 0:
        raise ValueError(f"margin {margin!r}: above 0 is needed")
    mean = float(values.mean())
    if n < FEWEST:
        return Equivalence(False, 1.0, mean, None, None, margin, alpha, n)
    error = float(values.std(ddof=1)) / math.sqrt(n)
    if error <= 1e-15 * abs(mean):
        inside = abs(mean) < margin
        return Equivalence(inside, 0.0 if inside else 1.0, mean, mean, mean, margin, alpha, n)
    p_value = float(stdtr(n - 1, (abs(mean) - margin) / error))
    reach = float(stdtrit(n - 1, 1.0 - alpha)) * error
    return Equivalence(p_value <= alpha, p_value, mean, mean - reach, mean + reach, margin, alpha, n)
