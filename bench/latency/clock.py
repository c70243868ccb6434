"""The clock that pytest-benchmark reads: it stands where the measurement says, and moves by one image a round.

The series is measured first, because only the whole series shows where its warm-up ends and how many rounds are left; then it is handed to
pytest-benchmark, one round an image. That loses nothing: the seconds are the device's own, and they read the same later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


class SeriesClock:
    """A clock over samples in seconds: a round begins with `rewind`, and `step` moves it by the next sample."""

    def __init__(self, samples: Sequence[float]) -> None:
        self._samples = iter(samples)
        self._now = 0.0

    def rewind(self) -> None:
        """Back to 0: differences lose no digits however long the series is."""
        self._now = 0.0

    def step(self) -> None:
        """Passes the next sample."""
        self._now = next(self._samples)

    # pytest-benchmark's files say by a timer's name what was measured, so each clock has its own.

    def device_seconds(self) -> float:
        """The time, where the samples are of the device: region `infer`, by the clock of the worker."""
        return self._now

    def host_seconds(self) -> float:
        """The time, where the samples are from answer to answer, by this machine's clock."""
        return self._now


def attach(node: pytest.Item, timer: Any) -> None:
    """Makes this the timer of the node's `benchmark` fixture, which must not have been made yet."""
    node.add_marker(pytest.mark.benchmark(timer=timer))


def hand_over(benchmark: BenchmarkFixture, clock: SeriesClock, rounds: int) -> None:
    """Gives pytest-benchmark one round for each sample of the clock."""
    benchmark.pedantic(clock.step, setup=clock.rewind, rounds=rounds)
