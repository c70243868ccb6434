"""The stopwatch, on a simulated device whose seconds are scripted."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from bench.gateway import WorkerDied
from bench.latency.bounds import Bounds
from bench.latency.loop import SpeedError, run
from tests.bench.latency.simulated import device, images, process

LONG = 60.0


def journal(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_the_times_are_the_devices_own(tmp_path: Path) -> None:
    script = [0.010 + 0.001 * number for number in range(20)]
    with device(seconds=script) as session:
        series = run(session, images(), 1, Bounds(least=20, most=20, seconds=LONG, most_warm_up=0))
    assert series.infer == script
    assert len(series.round_trip) == len(series.intervals) == 20
    assert all(seconds > 0 for seconds in [*series.round_trip, *series.intervals])


def test_one_image_in_flight_is_one_image_in_flight(tmp_path: Path) -> None:
    log = tmp_path / "journal"
    with device(seconds=0.01, journal=str(log)) as session:
        run(session, images(), 1, Bounds(least=6, most=6, seconds=LONG, most_warm_up=0))
    steps = [line.split()[0] for line in journal(log)]
    assert steps[2:-1] == ["submit", "collect"] * 6


def test_several_in_flight_never_exceed_the_depth() -> None:
    class Counting:
        """Counts what is in flight of the session behind it."""

        def __init__(self, session: object) -> None:
            self.session, self.now, self.most = session, 0, 0

        def submit(self, sequence: int, array: object) -> None:
            self.now += 1
            self.most = max(self.most, self.now)
            self.session.submit(sequence, array)  # type: ignore[attr-defined]

        def receive(self) -> object:
            self.now -= 1
            return self.session.receive()  # type: ignore[attr-defined]

    with device(seconds=0.001) as session:
        counting = Counting(session)
        series = run(counting, images(), 7, Bounds(least=40, most=40, seconds=LONG, most_warm_up=0))  # type: ignore[arg-type]
    assert counting.most == 7
    assert counting.now == 0
    assert len(series.infer) == 40


def test_a_worker_in_a_process_of_its_own() -> None:
    with process(seconds=0.01) as session:
        series = run(session, images(), 4, Bounds(least=30, most=30, seconds=LONG, most_warm_up=0))
    assert series.infer == [0.01] * 30
    # Answers lie one behind the other; each image has waited for those before it.
    assert sum(series.intervals) >= series.wall_seconds * 0.99
    assert series.wall_seconds >= max(series.round_trip)


def test_images_are_taken_in_turn_and_sequences_go_on() -> None:
    with device(seconds=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) as session:
        bounds = Bounds(least=3, most=3, seconds=LONG, most_warm_up=0)
        assert run(session, images(), 1, bounds).infer == [1.0, 2.0, 3.0]
        assert run(session, images(), 1, bounds, first=3).infer == [4.0, 5.0, 6.0]


def test_time_ends_it_but_not_below_the_least() -> None:
    class Clock:
        """Ten seconds pass at each look."""

        now = 0.0

        def __call__(self) -> float:
            self.now += 10.0
            return self.now

    with device(seconds=0.01) as session:
        series = run(session, images(), 1, Bounds(least=8, most=100, seconds=1.0), clock=Clock())
        assert len(series.infer) == 8


def test_the_warm_up_is_measured_again() -> None:
    script = [0.05] * 20 + [0.01] * 400
    with device(seconds=script) as session:
        series = run(session, images(), 4, Bounds(least=60, most=60, seconds=LONG))
    assert len(series.infer) >= 80


def test_a_series_that_never_settles_ends() -> None:
    with device(seconds=[0.01 * (1 + number / 100) for number in range(2000)]) as session:
        series = run(session, images(), 1, Bounds(least=60, most=60, seconds=LONG))
    assert len(series.infer) < 1000


def test_a_precise_mean_ends_it() -> None:
    with device(seconds=[0.01, 0.0101]) as session:
        series = run(session, images(), 1, Bounds(most=5000, seconds=LONG, precision=0.01))
    assert len(series.infer) < 100


@pytest.mark.parametrize("fault", ["raise", "raise-submit"])
def test_an_image_at_which_the_runtime_raises_leaves_no_series(fault: str) -> None:
    with (
        device(seconds=0.01, faults=[{"kind": fault, "at": 4}]) as session,
        pytest.raises(SpeedError) as seen,
    ):
        run(session, images(), 2, Bounds(least=10, most=10, seconds=LONG))
    assert seen.value.code == "worker-error"
    assert "scripted fault" in str(seen.value)


def test_a_device_without_a_clock_is_refused() -> None:
    with device(seconds=0.0) as session, pytest.raises(SpeedError, match="region infer"):
        run(session, images(), 1, Bounds(least=3, most=3))


def test_a_worker_that_dies_is_told() -> None:
    with process(seconds=0.01, faults=[{"kind": "SIGKILL", "at": 4}]) as session, pytest.raises(WorkerDied):
        run(session, images(), 2, Bounds(least=10, most=10, seconds=LONG))


@pytest.mark.parametrize("collect", [True, False])
def test_garbage_is_collected_as_asked(collect: bool) -> None:
    seen = []
    with device(seconds=0.01) as session:
        run(
            session,
            images(),
            1,
            Bounds(least=2, most=2, collect_garbage=collect),
            tick=lambda done, total: seen.append(gc.isenabled()),
        )
    assert set(seen) == {collect}
    assert gc.isenabled()
