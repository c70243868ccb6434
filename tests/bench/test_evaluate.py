"""One result for every sample, in order, whatever a sample or a worker does."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.backends.base import worker_text
from bench.device_lock import DeviceBusy, device_lock
from bench.evaluate import Evaluation, Result, evaluate
from bench.gateway import WorkerSpec

HEIGHT, WIDTH = 32, 64


@dataclass(frozen=True)
class Prepared:
    """What cases.dataset.prepare gives."""

    pixels: Any
    true_count: float
    true_grid: Any
    geometry: Any = None
    digest: str = "d"
    seconds: dict[str, float] = field(
        default_factory=lambda: {"decode": 0.1, "truth": 0.2, "preprocess": 0.3}
    )


class SampleError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def prepare(sample: SimpleNamespace) -> Prepared:
    if sample.name == "broken":
        raise SampleError("bad-image", "broken.jpg: truncated")
    if sample.name == "bug":
        raise ZeroDivisionError("oops")
    pixels = np.full((1, 1, HEIGHT, WIDTH), sample.level, np.uint8)
    return Prepared(pixels, float(sample.level), np.zeros((HEIGHT // 4, WIDTH // 4), np.float32))


def samples(count: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(name=f"IMG_{number}", level=number % 256) for number in range(count)]


def spec(device: str | None = None, image_seconds: float = 30, **config: Any) -> WorkerSpec:
    source = worker_text("simulated")
    return WorkerSpec(
        "simulated", source, config, device=device, open_seconds=30, image_seconds=image_seconds
    )


def run(number: int, depth: int = 4, **config: Any) -> tuple[list[Result], Evaluation]:
    with evaluate(samples(number), prepare, spec(**config), depth=depth) as evaluation:
        results = list(evaluation)
    assert [result.sequence for result in results] == list(range(number))
    return results, evaluation


def reasons(results: list[Result]) -> dict[int, str | None]:
    return {result.sequence: result.reason for result in results if result.status != "ok"}


@pytest.mark.parametrize("depth", [1, 4])
def test_results_come_in_order_with_counts_summed_in_float64(depth: int) -> None:
    results, evaluation = run(20, depth, seconds=0.5)
    for result in results:
        assert result.density is not None
        assert result.density.shape == (HEIGHT // 4, WIDTH // 4)
        assert result.predicted_count == result.density.sum(dtype=np.float64)
        assert result.predicted_count == pytest.approx(result.sequence * 0.001 * HEIGHT * WIDTH / 16)
        assert (result.name, result.status, result.true_count) == (
            f"IMG_{result.sequence}",
            "ok",
            float(result.sequence),
        )
        assert set(result.seconds) == {"decode", "truth", "preprocess", "transfer", "infer", "postprocess"}
        assert result.seconds["infer"] == 0.5
        assert set(result.worker) == {"host", "device", "pid"}
    assert evaluation.restarts == 0
    assert evaluation.images_per_second is not None


def test_no_samples() -> None:
    assert run(0)[0] == []


@pytest.mark.parametrize("at", [0, 5, 11])
@pytest.mark.parametrize(
    ("kind", "reason"), [("SIGKILL", "worker-died"), ("SIGSEGV", "worker-died"), ("raise", "worker-error")]
)
def test_a_fault_costs_exactly_its_image(at: int, kind: str, reason: str) -> None:
    results, evaluation = run(12, faults=[{"kind": kind, "at": at}])
    assert reasons(results) == {at: reason}
    failed = results[at]
    assert failed.true_count == at
    assert failed.predicted_count is None
    assert evaluation.restarts == (1 if reason == "worker-died" and at < 11 else 0)
    before = {result.worker["pid"] for result in results[: at + 1]}
    assert len(before) == 1, "the failed result names the worker that it ended"


def test_a_hang_costs_exactly_its_image() -> None:
    results, _ = run(8, image_seconds=1.0, faults=[{"kind": "hang", "at": 2}])
    assert reasons(results) == {2: "worker-timeout"}


def test_many_faults_in_one_run() -> None:
    faults = {
        0: "SIGKILL",
        1: "SIGKILL",
        3: "nan",
        4: "inf",
        5: "shape",
        6: "dtype",
        7: "raise-submit",
        8: "exit",
    }
    results, evaluation = run(10, faults=[{"kind": kind, "at": at} for at, kind in faults.items()])
    assert reasons(results) == {
        0: "worker-died",
        1: "worker-died",
        3: "not-finite",
        4: "not-finite",
        5: "bad-output",
        6: "bad-output",
        7: "worker-error",
        8: "worker-died",
    }
    details = {result.sequence: result.detail for result in results}
    assert details[3] == "1 of 128 values of the density map are NaN or infinite"
    assert details[5] == "the network gave (1, 1, 7, 16) float32, expected (1, 1, 8, 16) float32"
    assert details[6] == "the network gave (1, 1, 8, 16) float64, expected (1, 1, 8, 16) float32"
    assert evaluation.restarts == 3


def test_a_negative_density_is_a_warning() -> None:
    results, _ = run(2, faults=[{"kind": "negative", "at": 1}])
    assert [result.status for result in results] == ["ok", "ok"]
    assert results[1].warnings == ("negative density: the lowest value is -0.5",)


def test_a_sample_that_can_not_be_prepared_is_a_failed_result_in_its_place() -> None:
    given = samples(6)
    given[0].name = given[3].name = "broken"
    given[4].name = "bug"
    results = list(evaluate(given, prepare, spec()))
    assert reasons(results) == {0: "bad-image", 3: "bad-image", 4: "sample-error"}
    assert results[3].detail == "broken.jpg: truncated"
    assert results[4].detail == "ZeroDivisionError: oops"


def test_a_backend_that_dies_twice_on_opening_is_given_up(tmp_path: Path) -> None:
    state = tmp_path / "openings"
    fault = {"kind": "SIGKILL", "times": 99, "state": str(state)}
    prepared = []

    def count(sample: SimpleNamespace) -> Prepared:
        prepared.append(sample.name)
        return prepare(sample)

    results = list(evaluate(samples(40), count, spec(open_fault=fault)))
    assert set(reasons(results).values()) == {"backend-unavailable"}
    assert [result.name for result in results] == [f"IMG_{number}" for number in range(40)]
    assert all("SIGKILL" in (result.detail or "") for result in results)
    assert state.read_text().count("opened") == 2
    assert len(prepared) < 12, "no images are decoded for nothing"


def test_one_death_on_opening_is_forgiven(tmp_path: Path) -> None:
    fault = {"kind": "SIGKILL", "times": 1, "state": str(tmp_path / "openings")}
    assert reasons(run(3, open_fault=fault)[0]) == {}


def test_a_refusal_is_not_tried_again(tmp_path: Path) -> None:
    fault = {"kind": "raise", "times": 99, "state": str(tmp_path / "openings")}
    results, _ = run(3, open_fault=fault)
    assert set(reasons(results).values()) == {"backend-unavailable"}
    assert "RuntimeError: scripted fault" in (results[0].detail or "")
    assert (tmp_path / "openings").read_text().count("opened") == 1


def test_preparation_and_submission_stay_within_their_bounds(tmp_path: Path) -> None:
    drawn = []
    ahead = []

    def source() -> Any:
        for sample in samples(60):
            drawn.append(sample)
            yield sample

    journal = tmp_path / "journal"
    with evaluate(source(), prepare, spec(journal=str(journal)), depth=3, preparers=2) as evaluation:
        for result in evaluation:
            ahead.append(len(drawn) - result.sequence)
            submitted = journal.read_text().count("submit")
            assert submitted <= result.sequence + 3
    assert max(ahead) <= (3 + 2) + 3 + 1  # ahead in preparation, in flight, the result in hand


def test_a_consumer_that_leaves_ends_the_worker(tmp_path: Path) -> None:
    with evaluate(samples(50), prepare, spec()) as evaluation:
        pid = next(evaluation).worker["pid"]
    assert not Path(f"/proc/{pid}").exists()
    assert list(evaluation) == []


def test_a_busy_device_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with device_lock("ascend-0"), pytest.raises(DeviceBusy):
        next(evaluate(samples(2), prepare, spec(device="ascend-0")))
    with evaluate(samples(2), prepare, spec(device="ascend-0")) as evaluation:
        next(evaluation)
        with pytest.raises(DeviceBusy), device_lock("ascend-0"):
            pass
    with device_lock("ascend-0"):
        pass


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="SCHED_BATCH is Linux's")
def test_the_host_does_not_preempt_the_worker() -> None:
    """Also a worker that was started in place of one that had died; afterwards the caller's thread is as it was."""
    before = os.sched_getscheduler(0)
    assert before == os.SCHED_OTHER, "the tests themselves run under another policy"
    here: set[int] = set()
    workers: dict[int, set[int]] = {}

    def prepare_and_look(sample: SimpleNamespace) -> Prepared:
        here.add(os.sched_getscheduler(0))
        return prepare(sample)

    faults = [{"kind": "SIGKILL", "at": 2}]
    with evaluate(samples(6), prepare_and_look, spec(faults=faults)) as evaluation:
        for result in evaluation:
            here.add(os.sched_getscheduler(0))
            if result.status == "ok":
                pid = evaluation.info["pid"]
                threads = {int(thread) for thread in os.listdir(f"/proc/{pid}/task")}
                workers[pid] = {os.sched_getscheduler(thread) for thread in threads}
    assert evaluation.restarts == 1
    assert len(workers) == 2
    assert here == {os.SCHED_BATCH}
    assert set.union(*workers.values()) == {os.SCHED_OTHER}
    assert os.sched_getscheduler(0) == before
