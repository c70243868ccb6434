"""Speed through `pytest bench/`, on the emulated SDK's device of an exact duration: measured, promoted, judged.

The device takes 80 ms, so that what a busy machine adds to each image (some milliseconds) is small against the 10 % that must be found.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reports.record import read
from reports.run import Run
from reports.timings_file import read_timings
from reports.verdict import Status
from tests.bench import tiny

pytest.importorskip("onnx")

SECONDS = 0.080
IMAGES = 20

Done = subprocess.CompletedProcess[str]


def go(cases: Path, seconds: float, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Done:
    """A run of accuracy and speed on om-sdk, whose device takes so many seconds an image."""
    monkeypatch.setenv("OMGATE_EMULATOR_DEVICE_SECONDS", str(seconds))
    fixed = ("--emulate", "--backend", "om-sdk", "-k", "accuracy or latency", "-rsf", "--benchmark-quiet")
    return tiny.measure(cases, *fixed, f"--benchmark-min-rounds={IMAGES}", *arguments)


def run_of(cases: Path) -> Run:
    return read(tiny.newest(cases)).run


def codes(run: Run, kind: str) -> list[str]:
    verdict = run.verdict("tiny-blobs", "om-sdk", kind)
    assert verdict is not None
    return [reason.code for reason in verdict.reasons]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done, Path]:
    """A cases folder, its first run at 80 ms, promoted, and that run's folder."""
    cases = tiny.house(tmp_path_factory.mktemp("house"), images=4)
    tiny.add_om(cases)
    with pytest.MonkeyPatch.context() as monkeypatch:
        done = go(cases, SECONDS, monkeypatch)
    folder = tiny.newest(cases)
    promotion = tiny.promote(cases)
    assert promotion.returncode == 0, promotion.stderr
    return cases, done, folder


def test_a_first_run_measures_and_cannot_compare(first: tuple[Path, Done, Path]) -> None:
    _, done, folder = first
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "nothing to hold the speed against: there is no baseline" in done.stdout
    run = read(folder).run
    assert run.finished is not None
    assert codes(run, "latency")[0] == codes(run, "throughput")[0] == "no-baseline"


def test_the_record_holds_each_measurement(first: tuple[Path, Done, Path]) -> None:
    _, _, folder = first
    single, pipelined = read_timings(folder).found
    assert (single.scenario, single.depth, pipelined.scenario, pipelined.depth) == (
        "single-stream",
        1,
        "pipelined",
        4,
    )
    for timing in (single, pipelined):
        assert len(timing.samples) >= IMAGES
        assert min(timing.samples) > 0
        assert timing.data
    # The device takes its time; what the machine adds is not known.
    assert min(single.samples) >= SECONDS
    assert [entry.key for entry in read(folder).run.timings] == [single.key, pipelined.key]
    summary = read(folder).run.timings[0]
    assert summary.median is not None
    assert (summary.n, summary.p90) == (len(single.samples), None)


def test_the_machine_was_watched(first: tuple[Path, Done, Path]) -> None:
    _, _, folder = first
    samples = [json.loads(line) for line in (folder / "monitor.jsonl").read_text().splitlines()]
    assert [sample["before"] for sample in samples].count(True) == 1
    assert len(samples) >= 3
    assert samples[-1]["own_cores"] is not None


def test_pytest_benchmark_was_given_the_devices_seconds(first: tuple[Path, Done, Path]) -> None:
    _, _, folder = first
    content: dict[str, Any] = json.loads((folder / "benchmark.json").read_text())
    found = {entry["name"].partition("[")[0]: entry for entry in content["benchmarks"]}
    single, pipelined = read_timings(folder).found
    assert found["test_latency"]["stats"]["data"] == list(single.samples)
    assert found["test_latency"]["options"]["timer"] == "device_seconds"
    assert found["test_throughput"]["stats"]["data"] == list(pipelined.intervals)
    assert found["test_throughput"]["options"]["timer"] == "host_seconds"
    assert found["test_latency"]["extra_info"]["p99"] == f"not supported (n = {len(single.samples)})"
    assert found["test_latency"]["params"]["backend"] == "om-sdk"


def test_ten_per_cent_slower_is_regressed(
    first: tuple[Path, Done, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, _, _ = first
    done = go(cases, 1.1 * SECONDS, monkeypatch)
    run = run_of(cases)
    latency = run.verdict("tiny-blobs", "om-sdk", "latency")
    assert latency is not None
    assert latency.status is Status.REGRESSED, done.stdout
    assert done.returncode == 1
    assert "regressed: gate-exceeded: latency/single-stream" in done.stdout
    assert "FAILED bench/test_latency.py::test_speed[tiny-blobs-om-sdk]" in done.stdout
    # The model is as good as before: its accuracy is another question.
    accuracy = run.verdict("tiny-blobs", "om-sdk")
    assert accuracy is not None
    assert accuracy.status is Status.PASS


def test_one_per_cent_slower_is_no_regression(
    first: tuple[Path, Done, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, _, _ = first
    done = go(cases, 1.01 * SECONDS, monkeypatch)
    for kind in ("latency", "throughput"):
        verdict = run_of(cases).verdict("tiny-blobs", "om-sdk", kind)
        assert verdict is not None
        assert verdict.status is not Status.REGRESSED, done.stdout
        (number,) = verdict.numbers
        assert number.old
        assert number.new
    assert done.returncode == 0


def test_a_worker_that_dies_is_a_reason_and_not_a_number(
    first: tuple[Path, Done, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, _, _ = first
    monkeypatch.setenv("OMGATE_EMULATOR_FAULT", "crash@9")
    done = go(cases, 0.002, monkeypatch)
    run = run_of(cases)
    # Its four images are behind it when the ninth inference of a worker ends it.
    assert run.verdict("tiny-blobs", "om-sdk") is not None
    assert codes(run, "latency") == ["worker-died"]
    assert run.finished is not None
    assert done.returncode == 0
    assert "skipped" in done.stdout
