"""The scenarios, measured one after the other on one open worker: single stream, pipelined, a sweep of depths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.latency.bounds import Bounds
from bench.latency.loop import Series, run
from bench.latency.steady import Steady
from reports.reasons import Reason, ReasonCode
from reports.run import instant
from reports.timing import Scenario, Timing

if TYPE_CHECKING:
    from bench.gateway import Session
    from bench.latency.images import Images

SWEEP_IMAGES, SWEEP_SECONDS = 100, 2.0
"""Bounds of each depth of a sweep, where nobody asks for others."""

DEEPEST = 64
"""Images in flight of a sweep's last point, where it comes so far: 64 MiB of pixels on their way."""

RISE = 1.05
"""A sweep goes on while a depth gives so many times the images per second of the one before."""

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Target:
    """What is measured: an open worker with what it said of itself, the images, and the depth that the accuracy run uses."""

    case: str
    backend: str
    session: Session
    images: Images
    depth: int
    info: dict[str, Any]

    @property
    def alone(self) -> int:
        """Images to hand over at once so that one is in flight on the device.

        More than one for the deliverable's own program: it takes a folder of images, one after another, and starts anew for each
        handful; one image at a time would measure its start.
        """
        return self.depth if self.info.get("driver") == "native" else 1


class Stopwatch:
    """Measures one target; sequence numbers go on from scenario to scenario."""

    def __init__(self, target: Target, bounds: Bounds, tick: Tick = lambda done, total: None) -> None:
        self._target = target
        self._bounds = bounds
        self._tick = tick
        self._sent = 0

    def single_stream(self) -> Timing:
        """One image in flight."""
        return self._measure("single-stream", 1, self._target.alone, self._bounds)

    def pipelined(self) -> Timing:
        """As many images in flight as the accuracy run has."""
        return self._measure("pipelined", self._target.depth, self._target.depth, self._bounds)

    def sweep(self) -> Iterator[Timing]:
        """1, 2, 4, 8 ... images in flight, until that gives no more images per second, and one depth beyond."""
        before, flat, depth = 0.0, False, 1
        while depth <= DEEPEST and not flat:
            timing = self._measure("sweep", depth, depth, _shorter(self._bounds))
            yield timing
            rate = timing.images_per_second or 0.0
            flat = rate < RISE * before
            before, depth = max(rate, before), 2 * depth

    def one(self) -> None:
        """One image, of which nothing is kept: what --benchmark-disable asks for."""
        run(self._target.session, self._target.images, 1, Bounds(least=1, most=1), self._sent)
        self._sent += 1

    def _measure(self, scenario: Scenario, depth: int, in_flight: int, bounds: Bounds) -> Timing:
        target, started = self._target, instant(datetime.now(UTC))
        series = run(target.session, target.images, in_flight, bounds, self._sent, tick=self._tick)
        self._sent += len(series.infer)
        steady = _steady(series, bounds, depth)
        keep = slice(steady.warm_up, None)
        # By the host's clock single-stream and native handing-over differ: nothing is said of the way there.
        way = series.round_trip[keep] if in_flight == depth else []
        intervals = series.intervals[keep]
        seconds = sum(intervals)
        return Timing(
            case=target.case,
            backend=target.backend,
            scenario=scenario,
            depth=depth,
            samples=tuple(series.infer[keep]),
            round_trip=tuple(way),
            intervals=tuple(intervals),
            images_per_second=len(intervals) / seconds if len(intervals) > depth and seconds > 0 else None,
            wall_seconds=series.wall_seconds,
            warm_up=steady.warm_up,
            steady=steady.found,
            data=target.images.data,
            started=started,
            warnings=_unsteady(steady),
        )


def _steady(series: Series, bounds: Bounds, depth: int) -> Steady:
    """Where the warm-up ends, as far as it may be left out."""
    if not bounds.most_warm_up:
        return Steady(0, True)
    found = series.steady(depth)
    if found.warm_up > bounds.most_warm_up:
        why = f"the first {found.warm_up} images are warm-up, --benchmark-warmup-iterations allows {bounds.most_warm_up}"
        return Steady(bounds.most_warm_up, False, why)
    return found


def _unsteady(steady: Steady) -> tuple[Reason, ...]:
    if steady.found:
        return ()
    advice = "measure longer: --benchmark-min-rounds=N or --benchmark-max-time=SECONDS"
    return (Reason(ReasonCode.NOT_STEADY.value, steady.why, advice),)


def _shorter(bounds: Bounds) -> Bounds:
    """The bounds of one depth of a sweep: shorter where the run's own are the usual ones."""
    usual = Bounds()
    if (bounds.most, bounds.seconds) != (usual.most, usual.seconds):
        return bounds
    return replace(bounds, most=SWEEP_IMAGES, seconds=SWEEP_SECONDS)


def scenarios(stopwatch: Stopwatch, wanted: Sequence[Scenario]) -> Iterator[Timing]:
    """The measurements of these scenarios, each as soon as it is made."""
    if "single-stream" in wanted:
        yield stopwatch.single_stream()
    if "pipelined" in wanted:
        yield stopwatch.pipelined()
    if "sweep" in wanted:
        yield from stopwatch.sweep()
