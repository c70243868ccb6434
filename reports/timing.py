"""Measurements of speed: what timings.jsonl of a run holds, one line each, and its short form in run.json. Schema: docs/record.md."""

from __future__ import annotations

from typing import Literal

import msgspec

from reports.percentiles import percentile
from reports.reasons import Reason

TIMINGS_FILE = "timings.jsonl"

Scenario = Literal["single-stream", "pipelined", "sweep"]
"""One image in flight; several; the same for a row of depths."""

Clock = Literal["device", "worker"]
"""Whose clock the seconds of region `infer` are of: the device's interface gave them, or the worker measured around its call."""

REGION = "infer"
"""The timed stretch of `samples`; decoding, preprocessing and transport are outside."""

WINDOW = 5
"""Answers at least that one sample of throughput spans: single gaps between answers of a pipeline are no rate, they come in bursts."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: a case on a backend with `depth` images in flight.

    `samples`: seconds of region `infer` of each image, in order, warm-up left out. `round_trip`: seconds from handing an image to the
    worker to its answer, the host's clock, same order. `intervals`: seconds from the answer before it to its answer, the host's clock, same
    order. `images_per_second`: over the steady part, None where nothing supports it. `warm_up`: images left out before the steady state;
    `steady`: whether there was one. `data`: digest over the images that were measured in turn. `started`: an instant.
    `warnings`: what makes it less than it looks (no steady state, a busy machine); they travel with the verdict.
    """

    case: str
    backend: str
    scenario: Scenario
    depth: int
    samples: tuple[float, ...]
    round_trip: tuple[float, ...] = ()
    intervals: tuple[float, ...] = ()
    images_per_second: float | None = None
    wall_seconds: float | None = None
    warm_up: int = 0
    steady: bool = True
    clock: Clock = "worker"
    data: str = ""
    started: str = ""
    warnings: tuple[Reason, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, int]:
        """(case, backend, scenario, depth)."""
        return self.case, self.backend, self.scenario, self.depth

    def rates(self) -> tuple[float, ...]:
        """Images per second of one window of answers after the other; a window spans what is in flight, and at least WINDOW answers."""
        size = max(WINDOW, self.depth)
        found = []
        for start in range(0, len(self.intervals) - size + 1, size):
            seconds = sum(self.intervals[start : start + size])
            if seconds > 0:
                found.append(size / seconds)
        return tuple(found)


class TimingSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement in short, for run.json: seconds of region `infer`; a percentile is None where `n` does not support it.

    `round_trip`: median seconds from handing an image over to its answer, the host's clock.
    """

    case: str
    backend: str
    scenario: Scenario
    depth: int
    n: int
    minimum: float | None = None
    median: float | None = None
    mean: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    maximum: float | None = None
    round_trip: float | None = None
    images_per_second: float | None = None
    warm_up: int = 0
    steady: bool = True
    clock: Clock = "worker"
    region: str = "infer"

    @property
    def key(self) -> tuple[str, str, str, int]:
        """(case, backend, scenario, depth)."""
        return self.case, self.backend, self.scenario, self.depth


def summarise_timing(timing: Timing) -> TimingSummary:
    """A measurement in short."""
    samples = timing.samples
    return TimingSummary(
        case=timing.case,
        backend=timing.backend,
        scenario=timing.scenario,
        depth=timing.depth,
        n=len(samples),
        minimum=min(samples, default=None),
        median=percentile(samples, 50),
        mean=sum(samples) / len(samples) if samples else None,
        p90=percentile(samples, 90),
        p95=percentile(samples, 95),
        p99=percentile(samples, 99),
        maximum=max(samples, default=None),
        round_trip=percentile(timing.round_trip, 50),
        images_per_second=timing.images_per_second,
        warm_up=timing.warm_up,
        steady=timing.steady,
        clock=timing.clock,
        region=REGION,
    )
