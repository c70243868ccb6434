"""`pytest bench/ --perfstats` on the emulated SDK: statistics of one run alone, collected, judged; and the installation untouched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.perfstats import measure as measuring
from bench.perfstats import plan, read
from bench.perfstats.passes import Pixels, send
from bench.perfstats.sdkconf import parse
from bench.perfstats.switch import own_config
from cases.errors import OmgateError
from reports.perfstats import Entry
from reports.perfstats import read as read_perfstats
from tests.bench import tiny

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tiny.house(tmp_path_factory.mktemp("house"))
    tiny.add_om(made)
    return made


@pytest.fixture(scope="module")
def run(cases: Path) -> tuple[Path, str]:
    """A run with statistics, and what it printed."""
    done = tiny.measure(cases, "--emulate", "--backend=om-sdk", "--backend=om-mxbase", "--perfstats")
    assert done.returncode == 0, done.stdout + done.stderr
    return tiny.newest(cases), done.stdout


def collected(cases: Path, *arguments: str) -> str:
    done = tiny.measure(cases, "--collect-only", "-q", *arguments)
    return done.stdout + done.stderr


def test_without_the_option_nothing_is_collected(cases: Path) -> None:
    assert "perfstats" not in collected(cases)
    text = collected(cases, "--perfstats")
    assert "test_perfstats[tiny-blobs-om-sdk]" in text
    assert text.count("test_perfstats[") == 1


def test_the_record_has_the_windows_the_logs_and_the_cross_check(run: tuple[Path, str]) -> None:
    folder, _ = run
    found = read_perfstats(folder)
    assert found is not None
    (entry,) = found.entries
    assert (entry.case, entry.backend, entry.soc, entry.method) == (
        "tiny-blobs",
        "om-sdk",
        "emulated",
        "own-config",
    )
    full = [window for window in entry.windows if window.kind == "e2e" and window.kept and window.count]
    assert len(full) >= 5
    assert entry.passes > 1
    assert entry.images == 5 * entry.passes
    assert sum(window.count or 0 for window in entry.windows if window.kind == "e2e") == entry.images
    assert entry.cross_check is not None
    assert entry.cross_check.sdk_us < entry.cross_check.host_us
    logs = folder / "perfstats" / "tiny-blobs-om-sdk"
    assert {path.name.split(".log.")[1].split(".")[0] for path in logs.glob("performance*")} == {
        "e2e",
        "plugin",
        "tpr",
    }
    assert parse((logs / "sdk.conf").read_bytes()).enable_ps
    assert not list(logs.glob(".work"))
    again = read([folder / "perfstats"], drop_first=entry.drop_first, drop_last=entry.drop_last)
    assert again.processes == entry.result.processes


def test_the_verdict_is_of_its_own_kind_and_accuracy_is_whole(run: tuple[Path, str]) -> None:
    folder, printed = run
    document: dict[str, Any] = json.loads((folder / "run.json").read_text())
    assert document["finished"]
    kinds = [(item["backend"], item["kind"]) for item in document["verdicts"]]
    assert sorted(kinds) == [("om-mxbase", "accuracy"), ("om-sdk", "accuracy"), ("om-sdk", "perfstats")]
    verdict = next(item["verdict"] for item in document["verdicts"] if item["kind"] == "perfstats")
    assert verdict["reasons"][0]["code"] == "no-baseline"
    assert len(tiny.lines(folder)) == 10
    assert any("om-mxbase: no performance statistics" in text for text in document["warnings"])
    assert "longest element" in printed
    assert "om-sdk (emulated)" in printed


def test_a_promoted_run_is_what_the_next_is_judged_by(cases: Path, run: tuple[Path, str]) -> None:
    promotion = tiny.promote(cases)
    assert promotion.returncode == 0, promotion.stderr
    (path,) = (cases / "tiny" / "baselines").glob("*/om-sdk-*.json")
    samples = json.loads(path.read_text())["perfstats"]["samples"]
    assert "perfstats/e2e" in [item["metric"] for item in samples]
    # Resumed, with the option of the run: nothing is measured again, and the verdict is now on numbers.
    done = tiny.measure(cases, f"--resume={run[0].name}", "-k", "perfstats")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((run[0] / "run.json").read_text())
    verdict = next(item["verdict"] for item in document["verdicts"] if item["kind"] == "perfstats")
    assert (verdict["status"], verdict["reasons"][:1]) == ("pass", []) or verdict["numbers"]


# --- one measurement, in this process -----------------------------------------------------------------------------------------


class Worker:
    """A worker's spec, the emulated home and pixels, for `measure`."""

    def __init__(self, cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from bench import sdk
        from bench.backends import get
        from bench.backends.base import Options, worker
        from bench.emulator.home import VARIABLE, make_home
        from cases.case import load_all
        from cases.dataset import Dataset, prepare
        from cases.ground_truth import TruthCache

        for name, value in tiny.environment(cases).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("XDG_STATE_HOME", str(cases.parent / "state"))
        # A home of its own: one test edits it, and what others did on it meanwhile would be in its statistics.
        monkeypatch.setenv(VARIABLE, str(cases.parent / "sdk"))
        monkeypatch.setenv("MX_SDK_HOME", str(make_home()))
        (case,) = load_all(cases)
        backend = get("om-sdk")
        backend.prepare(case)
        found = sdk.find()
        assert found is not None
        self.home = found.path
        self.spec = worker(backend, case, Options())
        cache = TruthCache()
        self.images = Pixels(
            Dataset.open(case.data.root).samples, lambda sample: prepare(sample, case, cache)
        )

    def measure(self, run: Path, **options: Any) -> Entry:
        return measuring.measure(
            self.spec, self.home, self.images, 0.02, run, "tiny-blobs", "om-sdk", "emulated", **options
        )


@pytest.fixture
def worker(cases: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr(plan, "FULL_WINDOWS", 1)
    return Worker(cases, monkeypatch)


def test_an_edit_of_the_home_gives_the_same_and_is_undone(worker: Worker, tmp_path: Path) -> None:
    conf = worker.home / "config" / "sdk.conf"
    before = conf.read_bytes()
    entry = worker.measure(tmp_path, methods=("edited-home",))
    assert entry.method == "edited-home"
    assert sum(window.count or 0 for window in entry.windows if window.kind == "e2e") == entry.images
    assert conf.read_bytes() == before


def test_an_sdk_that_does_not_look_in_its_working_directory_is_noticed(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = own_config(worker.home, tmp_path, 1)
    monkeypatch.setattr(measuring, "own_config", lambda home, work, interval: switch)
    assert switch.cwd is not None
    os.remove(switch.cwd / "config" / "sdk.conf")  # it will read the home's, where statistics are off
    with pytest.raises(OmgateError, match=r"writes no statistics \(own-config: no statistics log after 3 s"):
        worker.measure(tmp_path / "run", methods=("own-config",))


def test_a_worker_that_dies_ends_the_measurement_with_what_there_is(worker: Worker, tmp_path: Path) -> None:
    import dataclasses

    spec = dataclasses.replace(
        worker.spec, environ={**worker.spec.environ, "OMGATE_EMULATOR_FAULT": "hang@7"}, image_seconds=1.0
    )
    sent = send(spec, worker.images, plan.plan(5, 0.02), lambda: True)
    assert len(sent.round_trips) == 6
    assert "1 s" in sent.problem


def test_pixels_are_decoded_once_up_to_a_bound(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.perfstats import passes

    calls = []

    class Prepared:
        def __init__(self, name: int) -> None:
            import numpy as np

            calls.append(name)
            self.pixels = np.zeros((1, 1, 10, 10), np.uint8)

    monkeypatch.setattr(passes, "PIXELS_BYTES", 250)
    images = Pixels(range(4), Prepared)
    assert [len(list(images)) for _ in range(2)] == [4, 4]
    assert calls == [0, 1, 2, 3, 2, 3]


KILLED = """
import sys, time
from pathlib import Path
from bench.perfstats.switch import edited_home
with edited_home(Path(sys.argv[1]), Path(sys.argv[2]), 2):
    print("on", flush=True)
    time.sleep(600)
"""


def test_every_run_begins_by_undoing_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.perfstats.measurements import Measurements
    from bench.progress import Bar
    from reports.record import RunWriter

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    conf = tmp_path / "sdk" / "config" / "sdk.conf"
    conf.parent.mkdir(parents=True)
    conf.write_bytes(b"enable_ps=false\n")
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "sdk"), str(tmp_path / "run")],
        cwd=tiny.HOUSE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "on\n"
    child.kill()
    child.wait()
    assert parse(conf.read_bytes()).enable_ps
    with RunWriter.create(tmp_path / "runs") as writer:
        Measurements(writer, None, {}, Bar(quiet=True), lambda case, backend: None).begin([])  # type: ignore[arg-type]
        assert "killed" in writer.run.warnings[0]
    assert conf.read_bytes() == b"enable_ps=false\n"
