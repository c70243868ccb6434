"""Series of times for simulations: made ones, and ones resampled from recorded latencies.

tests/data/latencies-onnxruntime-cpu.json says what was recorded. OMGATE_SIMULATIONS=10 makes every simulation ten times longer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Source = Callable[[int], Floats]

RECORDED = Path(__file__).parents[1] / "data" / "latencies-onnxruntime-cpu.json"
TIMES = int(os.environ.get("OMGATE_SIMULATIONS", "1"))


def independent(generator: np.random.Generator, spread: float = 0.05) -> Source:
    return lambda n: np.exp(generator.normal(0, spread, n))


def with_outliers(generator: np.random.Generator) -> Source:
    """One in twenty takes 1.5 to 8 times as long."""

    def source(n: int) -> Floats:
        longer = np.where(generator.random(n) < 0.05, generator.uniform(1.5, 8, n), 1.0)
        return np.exp(generator.normal(0, 0.05, n)) * longer

    return source


def correlated(generator: np.random.Generator, share: float, spread: float = 0.05) -> Source:
    """Each sample keeps `share` of the deviation of the one before it (autoregressive, order 1)."""
    from scipy.signal import lfilter

    def source(n: int) -> Floats:
        noise = generator.normal(0, np.sqrt(1 - share**2), n)
        noise[0] = generator.normal()
        return np.exp(spread * np.asarray(lfilter([1.0], [1.0, -share], noise)))

    return source


def warming(generator: np.random.Generator) -> Source:
    """A level that rises or falls by some 3 % over the run, differently in each."""
    noise = independent(generator)
    return lambda n: noise(n) * np.exp(generator.normal(0, 0.03) * np.linspace(-0.5, 0.5, n))


def quantised(generator: np.random.Generator) -> Source:
    """A clock with steps of 1 %: many ties."""
    noise = independent(generator)
    return lambda n: np.round(noise(n), 2)


def recorded_runs() -> list[Floats]:
    """Eight recorded runs (800,), seconds."""
    return [np.array(run) * 1e-6 for run in json.loads(RECORDED.read_text(encoding="utf-8"))["runs_us"]]


def resampled(generator: np.random.Generator, stretch: int = 100) -> Source:
    """Stretches of the first recorded run, strung together: its outliers and its drift over so many samples stay as they were."""
    run = recorded_runs()[0]

    def source(n: int) -> Floats:
        starts = generator.integers(0, len(run) - stretch, -(-n // stretch))
        return np.concatenate([run[start : start + stretch] for start in starts])[:n]

    return source
