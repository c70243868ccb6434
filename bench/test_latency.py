"""Speed: latency with one image in flight, throughput with several, of every case on every backend, against its stored baseline.

On pytest-benchmark, whose timer is the clock of the worker that drives the device. Judged last, when all figures of the run are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from bench.latency.plugin import Judged, Swept, Timed


def test_latency(single_stream: Timed, benchmark: BenchmarkFixture) -> None:
    """Seconds an image takes on the device, alone; the warm-up is found and left out."""
    single_stream.hand_over(benchmark)


def test_throughput(pipelined: Timed, benchmark: BenchmarkFixture) -> None:
    """Images per second with as many in flight as the accuracy run has."""
    pipelined.hand_over(benchmark)


def test_sweep(swept: Swept) -> None:
    """Images per second and latency with 1, 2, 4, 8 ... in flight (--sweep); the report shows the knee."""
    assert swept.points()


def test_speed(speed: Judged) -> None:
    """All figures of the run held against the baselines, as one family."""
    speed.settle()
