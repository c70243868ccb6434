"""The figures of one run that a trend follows, out of its run.json alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reports.run import Run, SummaryEntry
from reports.timing import TimingSummary
from reports.trend.model import Kind

EXACT = {
    "mae": ("counts", 1),
    "rmse": ("counts", 1),
    "bias": ("counts", 1),
    "relative_mae": ("1", 1),
    "game1": ("counts", 1),
    "game2": ("counts", 1),
    "game3": ("counts", 1),
    "psnr": ("dB", -1),
    "ssim": ("1", -1),
}
"""Metrics of accuracy: unit, and +1 where greater is worse."""

USUAL = ("mae", "rmse", "images_per_second")
"""What is shown beside the measurements of speed, where no metric is asked for."""


@dataclass(frozen=True)
class Value:
    """One figure of a run. `size`: what rounding is relative to, for an exact one. `clock`: whose, where it can be another one's."""

    case: str
    backend: str
    metric: str
    unit: str
    kind: Kind
    worse: Literal[1, -1]
    value: float
    size: float = 0.0
    clock: str = ""


def values(run: Run) -> Iterator[Value]:
    """Every figure of a run, those of accuracy first."""
    for entry in run.summaries:
        yield from _accuracy(entry)
    for timing in run.timings:
        yield from _speed(timing)


def _accuracy(entry: SummaryEntry) -> Iterator[Value]:
    summary = entry.summary
    size = max(abs(summary.mean_predicted or 0.0), abs(summary.mean_true or 0.0), 1.0)
    for metric, (unit, worse) in EXACT.items():
        value = getattr(summary, metric)
        if value is not None:
            scale = size if unit == "counts" else max(abs(value), 1.0)
            yield Value(
                entry.case, entry.backend, metric, unit, "exact", 1 if worse > 0 else -1, value, scale
            )
    if summary.images_per_second:
        rate = summary.images_per_second
        yield Value(entry.case, entry.backend, "images_per_second", "images/s", "noisy", -1, rate)


def _speed(timing: TimingSummary) -> Iterator[Value]:
    """Latency with one image in flight, throughput with several, under the names that verdicts give them."""
    key = timing.case, timing.backend
    if timing.scenario == "single-stream":
        clock = f"{timing.clock}'s clock"
        for name, value in (("latency", timing.median), ("latency-p90", timing.p90)):
            if value:
                yield Value(*key, f"{name}/{timing.scenario}", "s", "noisy", 1, value, clock=clock)
    elif timing.images_per_second:
        name = f"throughput/{timing.scenario}-{timing.depth}"
        yield Value(*key, name, "images/s", "noisy", -1, timing.images_per_second)


def is_usual(metric: str) -> bool:
    """Whether a metric is shown where none is asked for; every depth of a sweep would be too many."""
    return metric in USUAL or ("/" in metric and "/sweep-" not in metric)
