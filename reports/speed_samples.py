"""The figures of speed of a case on a backend: what of a run's measurements is judged, and what a baseline keeps of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from reports.timing import REGION, Scenario, Timing

MOST_KEPT = 1_000
"""Samples that a baseline keeps of one figure; of more, as many evenly spaced ones."""

DIGITS = 9
"""Decimals of a kept sample in seconds: no clock here tells less than a nanosecond. Of a rate, significant digits."""

SpeedKind = Literal["latency", "throughput"]


class SpeedSamples(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: samples in order of time, seconds of an image or images per second of a window of answers.

    `n`: samples before thinning. `data`: digest over the images that were measured in turn.
    """

    kind: SpeedKind
    scenario: Scenario
    depth: int
    unit: Literal["s", "images/s"]
    n: int
    samples: tuple[float, ...]
    region: str = REGION
    steady: bool = True
    data: str = ""

    @property
    def metric(self) -> str:
        """Its name: latency/single-stream, throughput/pipelined-4."""
        return f"{self.kind}/{self.scenario}{f'-{self.depth}' if self.scenario != 'single-stream' else ''}"

    @property
    def worse(self) -> Literal[1, -1]:
        """+1 where greater is worse, -1 where less is."""
        return 1 if self.kind == "latency" else -1


def speed_samples(timings: Iterable[Timing]) -> tuple[SpeedSamples, ...]:
    """The figures that are judged: latency with one image in flight, throughput with several. A sweep looks for the knee and is not judged."""
    found = []
    for timing in timings:
        if timing.scenario == "single-stream" and timing.samples:
            found.append(_figure("latency", timing, timing.samples))
        if timing.scenario == "pipelined" and (rates := timing.rates()):
            found.append(_figure("throughput", timing, rates))
    return tuple(found)


def _figure(kind: SpeedKind, timing: Timing, samples: Sequence[float]) -> SpeedSamples:
    return SpeedSamples(
        kind=kind,
        scenario=timing.scenario,
        depth=timing.depth,
        unit="s" if kind == "latency" else "images/s",
        # A rate is of the host's clock, from answer to answer: transport is inside.
        region=REGION if kind == "latency" else "answers",
        n=len(samples),
        samples=tuple(samples),
        steady=timing.steady,
        data=timing.data,
    )


def kept(figure: SpeedSamples) -> SpeedSamples:
    """The figure as a baseline keeps it: at most MOST_KEPT samples, evenly spaced in time, without digits that mean nothing."""
    return msgspec.structs.replace(
        figure,
        samples=tuple(
            round(value, DIGITS) if figure.unit == "s" else float(f"{value:.{DIGITS}g}")
            for value in thinned(figure.samples)
        ),
    )


def thinned(samples: Sequence[float], most: int = MOST_KEPT) -> tuple[float, ...]:
    """At most so many of the samples, evenly spaced, the first and the last among them; order stays."""
    if len(samples) <= most:
        return tuple(samples)
    step = (len(samples) - 1) / (most - 1)
    return tuple(samples[round(number * step)] for number in range(most))
