"""Measurements of speed: what timings.jsonl of a run holds, one line each, and its short form in run.json. Schema: docs/record.md."""

from __future__ import annotations

from typing import Literal

import msgspec

TIMINGS_FILE = "timings.jsonl"

Scenario = Literal["single-stream", "pipelined", "sweep"]
"""One image in flight; several; the same for a row of depths."""

Clock = Literal["device", "worker"]
"""Whose clock the seconds of region `infer` are of: the device's interface gave them, or the worker measured around its call."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: a case on a backend with `depth` images in flight.

    `samples`: seconds of region `infer` of each image, in order, warm-up left out. `round_trip`: seconds from handing an image to the
    worker to its answer, the host's clock, same order. `images_per_second`: over the steady part, None where nothing supports it.
    `warm_up`: images left out before the steady state; `steady`: whether there was one. `started`: an instant.
    """

    case: str
    backend: str
    scenario: Scenario
    depth: int
    samples: tuple[float, ...]
    round_trip: tuple[float, ...] = ()
    images_per_second: float | None = None
    wall_seconds: float | None = None
    warm_up: int = 0
    steady: bool = True
    clock: Clock = "worker"
    started: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, int]:
        """(case, backend, scenario, depth)."""
        return self.case, self.backend, self.scenario, self.depth


class TimingSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement in short, for run.json: seconds of region `infer`; a percentile is None where `n` does not support it."""

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
    images_per_second: float | None = None
    warm_up: int = 0
    steady: bool = True
    clock: Clock = "worker"
    region: str = "infer"
