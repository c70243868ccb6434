"""How long the statistics take: 10,000 resamples of 182 and of 4,372 images (goals: well under 0.1 s, under 1 s), beside scipy's bootstrap."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from reports.bca import bca_bootstrap
from reports.performance import Figure, judge_figures
from reports.statistics import paired_bootstrap, sign_flip

ROUNDS = 3


def best(work: Callable[[], object]) -> float:
    """The shortest processor time (s) of three rounds."""
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def by_scipy(old: np.ndarray, new: np.ndarray, resamples: int) -> object:
    """The same interval as scipy makes it: its index matrix is all in memory, so in batches."""
    from scipy.stats import bootstrap

    def difference(before: np.ndarray, after: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(after).mean(axis=axis) - np.abs(before).mean(axis=axis)

    return bootstrap((old, new), difference, paired=True, n_resamples=resamples, batch=1000, method="BCa")


@pytest.mark.speed
@pytest.mark.parametrize("images", [182, 4372])
def test_paired_statistics(images: int) -> None:
    generator = np.random.default_rng(0)
    old = generator.normal(0, 30, images)
    new = old + generator.normal(1, 5, images)
    seconds = {
        "paired bootstrap (percentile)": best(lambda: paired_bootstrap(old, new)),
        "paired bootstrap (BCa)": best(lambda: bca_bootstrap(old, new)),
        "sign flips": best(lambda: sign_flip(old, new)),
        "scipy.stats.bootstrap (BCa)": best(lambda: by_scipy(old, new, 10_000)),
    }
    print(f"\n{images} images, 10,000 resamples, processor time, best of {ROUNDS}")
    for name, value in seconds.items():
        print(f"  {name:32} {value:7.3f} s")


@pytest.mark.speed
@pytest.mark.parametrize("samples", [182, 4372])
def test_performance_figures(samples: int) -> None:
    generator = np.random.default_rng(0)

    def series() -> tuple[float, ...]:
        return tuple(np.exp(generator.normal(0, 0.05, samples)))

    figures = [
        Figure(metric=f"m{number}", unit="s", region="infer", old=series(), new=series())
        for number in range(20)
    ]
    seconds = best(lambda: judge_figures(figures))
    print(f"\n20 performance figures of {samples} samples a side judged: {seconds:.3f} s of processor time")
