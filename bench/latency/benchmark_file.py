"""benchmark.json of a run: what pytest-benchmark knows of the speed tests, in its own format, whether or not --benchmark-json was given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from reports.files import write_atomically
from reports.percentiles import SHOWN, not_supported, percentile

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from reports.record import RunWriter
    from reports.timing import Timing

BENCHMARK_FILE = "benchmark.json"

GROUPS = {
    "single-stream": "latency on the device, one image in flight (region infer)",
    "pipelined": "from answer to answer, images in flight (OPS: images/s)",
}


def describe(benchmark: BenchmarkFixture, timing: Timing) -> None:
    """Names the benchmark's parameters, and adds what pytest-benchmark has no column for; before it runs."""
    name = f"{timing.case}-{timing.backend}"
    benchmark.params = {"pair": name, "case": timing.case, "backend": timing.backend}
    benchmark.group = GROUPS[timing.scenario]
    benchmark.extra_info |= {
        "scenario": timing.scenario,
        "depth": timing.depth,
        "warm_up": timing.warm_up,
        "steady": timing.steady,
        "clock": timing.clock,
        "images_per_second": timing.images_per_second,
        **{f"p{percent}": _shown(timing, percent) for percent in SHOWN},
    }


def _shown(timing: Timing, percent: int) -> float | str:
    value = percentile(timing.samples, percent)
    return not_supported(len(timing.samples)) if value is None else value


def note(writer: RunWriter, benchmark: BenchmarkFixture) -> None:
    """Adds a benchmark that has run to the run's file. Where pytest-benchmark keeps no statistics there is nothing to add."""
    if benchmark.stats is None:
        return
    path = writer.folder / BENCHMARK_FILE
    run = writer.run
    try:
        known: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        known = {"benchmarks": []}
    entry = benchmark.stats.as_dict(include_data=True)
    others = [other for other in known["benchmarks"] if other.get("fullname") != entry["fullname"]]
    content = {
        "machine_info": run.environment.get("host") or {},
        "commit_info": {"id": run.digests.commit, "dirty": None if run.digests.clean is None else not run.digests.clean},
        "benchmarks": [*others, entry],
        "datetime": run.started,
        "version": run.environment.get("packages", {}).get("pytest-benchmark"),
    }  # fmt: skip
    write_atomically(path, msgspec.json.format(msgspec.json.encode(content, enc_hook=str), indent=1) + b"\n")
