"""Scenarios on the simulated device: what is kept, what is warm-up, where a sweep ends."""

from __future__ import annotations

from typing import Any

import pytest

from bench.gateway import Session
from bench.latency.bounds import Bounds
from bench.latency.measure import Stopwatch, Target, scenarios
from reports.knee import knee
from reports.timing import summarise_timing
from tests.bench.latency.simulated import device, images

SHORT = Bounds(least=40, most=40, seconds=60.0)


def stopwatch(session: Session, bounds: Bounds = SHORT, depth: int = 4, **info: Any) -> Stopwatch:
    return Stopwatch(Target("c", "b", session, images(), depth, info), bounds)


def test_single_stream_and_pipelined_one_after_the_other() -> None:
    with device(seconds=0.002) as session:
        found = list(scenarios(stopwatch(session), ("single-stream", "pipelined")))
    assert [timing.key for timing in found] == [("c", "b", "single-stream", 1), ("c", "b", "pipelined", 4)]
    for timing in found:
        assert set(timing.samples) == {0.002}
        assert len(timing.samples) == len(timing.round_trip) == len(timing.intervals)
        assert len(timing.samples) >= 40
        assert timing.data == "d1"
        assert timing.started.endswith("Z")
        assert timing.images_per_second is not None


def test_the_warm_up_is_left_out_of_everything() -> None:
    with device(seconds=[0.05] * 10 + [0.01] * 200) as session:
        timing = stopwatch(session, Bounds(least=60, most=60, seconds=60.0)).single_stream()
    assert (timing.warm_up, timing.steady) == (10, True)
    assert set(timing.samples) == {0.01}
    assert len(timing.samples) == len(timing.intervals) == 60


def test_nothing_is_left_out_where_that_is_asked() -> None:
    with device(seconds=[0.05] * 10 + [0.01] * 200) as session:
        timing = stopwatch(session, Bounds(least=60, most=60, seconds=60.0, most_warm_up=0)).single_stream()
    assert (timing.warm_up, len(timing.samples), timing.samples[0]) == (0, 60, 0.05)


def test_a_longer_warm_up_than_allowed_is_told() -> None:
    with device(seconds=[0.05] * 10 + [0.01] * 200) as session:
        timing = stopwatch(session, Bounds(least=60, most=60, seconds=60.0, most_warm_up=5)).single_stream()
    assert (timing.warm_up, timing.steady) == (5, False)
    assert [warning.code for warning in timing.warnings] == ["not-steady"]
    assert "--benchmark-warmup-iterations" in timing.warnings[0].message


def test_a_device_that_gets_slower_all_the_time_has_no_steady_state() -> None:
    with device(seconds=[0.01 * (1 + number / 100) for number in range(2000)]) as session:
        timing = stopwatch(session, Bounds(least=100, most=100, seconds=60.0)).single_stream()
    assert not timing.steady
    assert [warning.code for warning in timing.warnings] == ["not-steady"]


def test_a_program_that_takes_a_folder_gets_more_than_one_image() -> None:
    with device(seconds=0.002) as session:
        alone = stopwatch(session, depth=32, driver="native")._target.alone
        assert (alone, stopwatch(session, depth=32)._target.alone) == (32, 1)
        timing = stopwatch(session, depth=32, driver="native").single_stream()
    assert timing.depth == 1
    assert timing.round_trip == ()


def test_a_sweep_ends_when_more_images_in_flight_give_no_more() -> None:
    with device(seconds=0.004, sleep=True) as session:
        found = list(scenarios(stopwatch(session), ("sweep",)))
    depths = [timing.depth for timing in found]
    assert depths == [1, 2, 4, 8, 16, 32, 64][: len(depths)]
    assert 2 <= len(depths) < 7
    rates = [timing.images_per_second or 0.0 for timing in found]
    assert rates[-1] < 1.05 * max(rates[:-1])
    assert knee([summarise_timing(timing) for timing in found]) is not None


@pytest.mark.parametrize("bounds", [Bounds(), Bounds(least=7, most=7)])
def test_a_sweeps_point_is_short_unless_asked(bounds: Bounds) -> None:
    from bench.latency.measure import SWEEP_IMAGES, SWEEP_SECONDS, _shorter

    short = _shorter(bounds)
    assert (short.most, short.seconds) == (
        (SWEEP_IMAGES, SWEEP_SECONDS) if bounds == Bounds() else (7, bounds.seconds)
    )
