"""pytest-benchmark's options through `pytest bench/`: those that choose what runs, and those that are its own, work as they do elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.record import read
from reports.timings_file import read_timings
from tests.bench import tiny

pytest.importorskip("onnx")

SPEED = ("--backend", "reference", "-k", "latency", "-rsf", "--benchmark-min-rounds=12")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.house(tmp_path_factory.mktemp("house"), images=3)


def latency_of(path: Path) -> dict[str, Any]:
    """test_latency in a file of pytest-benchmark."""
    found: list[dict[str, Any]] = json.loads(path.read_text())["benchmarks"]
    return next(entry for entry in found if entry["name"].startswith("test_latency"))


def test_saved_shown_swept_and_gated_then_resumed_and_compared(cases: Path, tmp_path: Path) -> None:
    """Two runs for all that is pytest-benchmark's own, and for --sweep, --gate and --resume, because each takes seconds."""
    store = f"--benchmark-storage=file://{tmp_path / 'store'}"
    done = tiny.measure(
        cases,
        *SPEED,
        "--gate",
        "--sweep",
        store,
        "--benchmark-netrc",
        "--benchmark-save=first",
        "--benchmark-save-data",
        f"--benchmark-json={tmp_path / 'out.json'}",
        "--benchmark-sort=name",
        "--benchmark-group-by=param:backend",
        "--benchmark-columns=median,rounds",
        "--benchmark-name=short",
        "--benchmark-time-unit=us",
        "--benchmark-verbose",
        "--benchmark-disable-gc",
        "--benchmark-warmup=off",
    )
    # There is no baseline: what can't be told fails under the gate.
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 3 passed" in done.stdout
    assert (
        "FAILED bench/test_latency.py::test_speed[tiny-blobs-reference] - Failed: cannot-tell" in done.stdout
    )
    assert "benchmark 'backend=reference': 2 tests" in done.stdout
    (header,) = [line for line in done.stdout.splitlines() if line.startswith("Name (time in us)")]
    assert header.split()[-2:] == ["Median", "Rounds"]

    folder = tiny.newest(cases)
    single, pipelined, *sweep = read_timings(folder).found
    assert (single.scenario, len(single.samples), single.warm_up) == ("single-stream", 12, 0)
    assert pipelined.scenario == "pipelined"
    assert [timing.depth for timing in sweep] == [1, 2, 4, 8, 16, 32, 64][: len(sweep)]
    assert len(sweep) >= 2
    (saved,) = (tmp_path / "store").rglob("*_first.json")
    for path in (saved, tmp_path / "out.json", folder / "benchmark.json"):
        latency = latency_of(path)
        assert latency["stats"]["data"] == list(single.samples)
        assert latency["options"]["disable_gc"] is True

    # Twice as fast before: pytest-benchmark's own comparison sees it.
    content = json.loads(saved.read_text())
    for entry in content["benchmarks"]:
        entry["stats"]["median"] /= 2
    saved.write_text(json.dumps(content))
    before = (folder / "timings.jsonl").read_bytes()
    done = tiny.measure(
        cases,
        *SPEED,
        f"--resume={folder.name}",
        store,
        "--benchmark-autosave",
        "--benchmark-compare=0001",
        "--benchmark-compare-fail=median:10%",
    )
    assert "(0001_first)" in done.stdout
    assert "(NOW)" in done.stdout
    assert "Performance has regressed" in done.stdout + done.stderr
    assert done.returncode != 0
    assert len(list((tmp_path / "store").rglob("*.json"))) == 2
    assert (folder / "timings.jsonl").read_bytes() == before, "a resumed run measures nothing twice"


def test_skip_measures_nothing(cases: Path) -> None:
    done = tiny.measure(cases, *SPEED, "--benchmark-skip")
    assert done.returncode == 0
    assert "3 skipped" in done.stdout
    assert "--benchmark-skip" in done.stdout


def test_disable_sends_one_image_and_keeps_nothing(cases: Path) -> None:
    done = tiny.measure(cases, *SPEED, "--benchmark-disable")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed, 1 skipped" in done.stdout
    assert "not-measured: --benchmark-disable" in done.stdout
    run = read(tiny.newest(cases)).run
    assert read_timings(tiny.newest(cases)).found == run.timings == ()
    assert run.finished is not None


def test_only_measures_speed_and_judges_it(cases: Path) -> None:
    """With --benchmark-disable and, overriding it, --benchmark-enable; with --benchmark-quiet and --benchmark-max-time."""
    done = tiny.measure(
        cases,
        "--backend=reference",
        "--benchmark-only",
        "--benchmark-disable",
        "--benchmark-enable",
        "--benchmark-quiet",
        "--benchmark-max-time=0.3",
        "-rs",
        "-k",
        "latency or accuracy",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_accuracy.py s" in done.stdout
    assert "Legend:" not in done.stdout
    record = read(tiny.newest(cases))
    assert record.images == ()
    assert record.run.finished is not None
    # Judged: there is no baseline, and it says so instead of passing.
    assert {entry.kind for entry in record.run.verdicts} == {"latency", "throughput"}
    assert "no-baseline" in done.stdout
    assert len(read_timings(record.folder).found[0].samples) > 12


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("-k", "latency", "--benchmark-timer=time.process_time"),
            "--benchmark-timer: not for the speed tests of bench/: times are of the device",
        ),
        (("-k", "sweep"), "a sweep is made with --sweep"),
    ],
)
def test_what_cannot_be_followed_ends_the_run_before_it_begins(
    cases: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = tiny.measure(cases, "--backend=reference", *arguments, "bench/test_latency.py")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
