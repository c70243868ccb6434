"""The pytest side of speed: the fixtures of bench/test_latency.py, `--sweep`, and what pytest-benchmark's options mean here.

A speed test is known by its fixture. All speeds of a case on a backend are measured when the first of them is asked for, in one worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import pytest

from cases.errors import OmgateError

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from bench.latency.speeds import Key, Wanted
    from bench.plugin import Measured
    from reports.timing import Scenario, Timing
    from reports.verdict import Verdict

NEEDED: dict[str, tuple[Scenario, ...]] = {
    "single_stream": ("single-stream",),
    "pipelined": ("pipelined",),
    "swept": ("sweep",),
    "speed": ("single-stream", "pipelined"),
}
"""Fixtures of the speed tests, and the scenarios that each of them rests on."""

ORDER: tuple[Scenario, ...] = ("single-stream", "pipelined", "sweep")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--sweep."""
    parser.getgroup("omgate").addoption(
        "--sweep",
        action="store_true",
        help="also measure throughput with 1, 2, 4, 8 ... images in flight, until more of them give no more images per second",
    )


@pytest.hookimpl(trylast=True)  # after -k, and after pytest-benchmark
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuses options of pytest-benchmark that can't be followed; keeps sweeps for --sweep; judges also under --benchmark-only."""
    from bench.latency.options import refuse, typed

    ours = [item for item in items if fixture_of(item)]
    if not ours:
        return
    try:
        refuse(typed(config))
    except OmgateError as error:
        raise pytest.UsageError(f"omgate: {error}") from None
    if not config.getoption("sweep"):
        kept = [item for item in items if fixture_of(item) != "swept"]
        if not kept:
            raise pytest.UsageError("omgate: a sweep is made with --sweep")
        items[:] = kept
    if config.getoption("benchmark_only"):
        for item in ours:
            if fixture_of(item) == "speed":  # it judges what the benchmarks measured
                item.own_markers = [marker for marker in item.own_markers if not _is_only(marker)]


def _is_only(marker: pytest.Mark) -> bool:
    """The skip that --benchmark-only puts on what has no `benchmark` fixture."""
    return marker.name == "skip" and "--benchmark-only" in str(marker.kwargs.get("reason"))


def fixture_of(item: pytest.Item) -> str:
    """The fixture by which a test is a speed test; empty for any other test."""
    return next((name for name in NEEDED if name in getattr(item, "fixturenames", ())), "")


def wanted_of(session: pytest.Session) -> Wanted:
    """What the speed tests that are left ask for, without what can't run here; nothing is measured where they are skipped or disabled."""
    from bench.latency.options import bounds_of, is_skipped
    from bench.latency.speeds import Wanted
    from bench.plugin import _own_pairs

    config = session.config
    off = is_skipped(config) or _is_disabled(config)
    needed: dict[Key, set[Scenario]] = {}
    cases = {}
    for item in session.items:
        name = fixture_of(item)
        for pair in _own_pairs(item) if name else ():
            if not pair.missing:
                needed.setdefault((pair.case.name, pair.backend), set()).update(NEEDED[name])
                cases[pair.case.name] = pair.case
    return Wanted(
        scenarios={
            key: tuple(scenario for scenario in ORDER if scenario in found)
            for key, found in needed.items()
            if not off
        },
        cases=cases,
        bounds=bounds_of(config),
        alone=frozenset(set(needed) - _measured_otherwise(session)),
    )


def _measured_otherwise(session: pytest.Session) -> set[Key]:
    """(case, backend) of which a test asks for more than the speed."""
    from bench.plugin import _own_pairs, _selected_pairings, _selected_tracings

    if session.config.getoption("benchmark_only"):
        return set()
    others = [item for item in session.items if not fixture_of(item)]
    found = {(pair.case.name, pair.backend) for item in others for pair in _own_pairs(item)}
    for pairing in _selected_pairings(session):
        found |= {(pairing.case.name, pairing.backend), (pairing.case.name, pairing.other)}
    traced = {tracing.case.name for tracing in _selected_tracings(session)}
    speeds = {
        (pair.case.name, pair.backend)
        for item in session.items
        for pair in _own_pairs(item)
        if pair.case.name in traced
    }
    return found | speeds


def _is_disabled(config: pytest.Config) -> bool:
    """Whether --benchmark-disable holds; --benchmark-enable overrides it."""
    return bool(config.getoption("benchmark_disable")) and not config.getoption("benchmark_enable")


@pytest.fixture
def single_stream(measured: Measured, request: pytest.FixtureRequest) -> Timed:
    """Latency with one image in flight; pytest-benchmark's timer is the device's clock. Comes before `benchmark`."""
    return _timed(measured, request, "single-stream")


@pytest.fixture
def pipelined(measured: Measured, request: pytest.FixtureRequest) -> Timed:
    """Throughput with several images in flight; pytest-benchmark's timer goes from answer to answer. Comes before `benchmark`."""
    return _timed(measured, request, "pipelined")


def _timed(measured: Measured, request: pytest.FixtureRequest, scenario: Scenario) -> Timed:
    from bench.latency.clock import SeriesClock, attach
    from bench.latency.options import is_skipped
    from reports.verdict import Verdict

    if is_skipped(request.config):
        pytest.skip("Skipping benchmark (--benchmark-skip active).")
    if _is_disabled(request.config):
        return Timed(measured, scenario, None, SeriesClock(()))
    found = measured.session.performance.speeds.timing(measured.pair.case, measured.pair.backend, scenario)
    clock = SeriesClock(() if isinstance(found, Verdict) else _samples(found))
    attach(request.node, clock.device_seconds if scenario == "single-stream" else clock.host_seconds)
    return Timed(measured, scenario, found, clock)


def _samples(timing: Timing) -> tuple[float, ...]:
    """What is handed to pytest-benchmark: times on the device, or from answer to answer."""
    return timing.samples if timing.scenario == "single-stream" else timing.intervals


@dataclass(frozen=True)
class Timed:
    """A measurement, or the verdict that says why there is none; None where --benchmark-disable holds."""

    measured: Measured
    scenario: Scenario
    found: Timing | Verdict | None
    clock: object

    def hand_over(self, benchmark: BenchmarkFixture) -> None:
        """Gives it to pytest-benchmark, an image a round; the test is skipped (failed under --gate) where there is none."""
        from bench.latency.benchmark_file import describe, note
        from bench.latency.clock import SeriesClock, hand_over
        from reports.verdict import Verdict

        session, pair = self.measured.session, self.measured.pair
        if self.found is None:
            benchmark.pedantic(session.performance.speeds.try_one, args=(pair.case, pair.backend))
            return
        if isinstance(self.found, Verdict):
            self.measured.settle(self.found)
            return
        assert isinstance(self.clock, SeriesClock)
        describe(benchmark, self.found)
        hand_over(benchmark, self.clock, len(_samples(self.found)))
        note(session.writer, benchmark)


@pytest.fixture
def swept(measured: Measured) -> Swept:
    """Throughput and latency over the number of images in flight (--sweep)."""
    return Swept(measured)


@dataclass(frozen=True)
class Swept:
    """The sweep of a case on a backend. It looks for the knee and judges nothing."""

    measured: Measured

    def points(self) -> tuple[Timing, ...]:
        """The measurements by depth; the test is skipped (failed under --gate) where there are none."""
        from reports.verdict import Verdict

        found = self.measured.session.performance.speeds.sweep(
            self.measured.pair.case, self.measured.pair.backend
        )
        if isinstance(found, Verdict):
            self.measured.settle(found)
            return ()
        return found


@pytest.fixture
def speed(measured: Measured, request: pytest.FixtureRequest) -> Judged:
    """The speed of a case on a backend, judged with that of all others of the run."""
    from bench.latency.options import is_skipped

    if is_skipped(request.config):
        pytest.skip("Skipping benchmark (--benchmark-skip active).")
    if _is_disabled(request.config):
        _not_measured(measured)
    return Judged(measured)


def _not_measured(measured: Measured) -> NoReturn:
    from bench.plugin import _undecided

    _undecided("cannot-tell: not-measured: --benchmark-disable; leave it out", measured.gate)


@dataclass(frozen=True)
class Judged:
    """The verdicts on latency and throughput of a case on a backend."""

    measured: Measured

    def settle(self) -> None:
        """Passes, warns, skips or fails the test by the worse of them; its first line is that verdict."""
        from reports.family import join

        session, pair = self.measured.session, self.measured.pair
        self.measured.settle(
            join(session.performance.verdicts(pair.case, pair.backend, "latency", "throughput"))
        )
