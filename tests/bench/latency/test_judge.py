"""Which figures of a run can be held against the baseline, and what comes of it; all of them are one family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.latency.judge import Measured, ask
from cases.case import Case, load_all
from reports.baseline import Baseline, BaselineDigests, BaselineImage, path_of, write
from reports.family import judge_family
from reports.image import ImageRecord
from reports.noise import Noise, remember
from reports.reasons import Reason
from reports.run import SCHEMA, BackendEntry, Run, SummaryEntry
from reports.speed_samples import kept, speed_samples
from reports.summary import summarise
from reports.timing import Timing
from reports.verdict import Status, Verdict, cannot_tell
from tests.bench import tiny

pytest.importorskip("onnx")

HOST = {"host": {"processor": "a processor", "cores": 4}, "soc": "cpu"}
IMAGE = ImageRecord(
    case="c",
    backend="b",
    image="IMG_1",
    status="ok",
    true_count=1.0,
    predicted_count=1.0,
    metrics={},
    digest="d",
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    (found,) = load_all(tiny.house(tmp_path_factory.mktemp("house"), images=2))
    return found


def timings(seconds: float, seed: int, n: int = 200, **fields: Any) -> tuple[Timing, Timing]:
    """Single stream and pipelined, 1 % of noise."""
    random = np.random.default_rng(seed)
    values = {"case": "tiny-blobs", "backend": "reference", "data": "d1", **fields}
    noise = [tuple((seconds * np.exp(random.normal(0, 0.01, n))).tolist()) for _ in range(2)]
    return (
        Timing(scenario="single-stream", depth=1, samples=noise[0], intervals=noise[0], **values),
        Timing(scenario="pipelined", depth=4, samples=noise[1], intervals=noise[1], **values),
    )


@pytest.fixture
def store(case: Case, tmp_path: Path) -> Callable[..., None]:
    """Writes the case's baseline with the speed of these timings."""

    def put(speed: tuple[Timing, ...], **fields: Any) -> None:
        path = path_of(case.folder / "baselines", case.name, "reference", "cpu", "fp32")
        baseline = Baseline(
            schema=1,
            case=case.name,
            backend="reference",
            soc="cpu",
            precision="fp32",
            run="old-run",
            who="li",
            when="2026-11-22T23:05:01.000000Z",
            reason="test",
            digests=BaselineDigests(case=case.digest()),
            summary=summarise([IMAGE]),
            images={"IMG_1": BaselineImage(digest="d", predicted_count=1.0, true_count=1.0)},
            speed={figure.metric: kept(figure) for figure in speed_samples(speed)},
            **{"fingerprint": HOST, **fields},
        )
        write(path, baseline)

    return put


def verdicts(case: Case, runs: Path, new: tuple[Timing, ...], **fields: Any) -> dict[str, Verdict]:
    """The verdicts on a run with these timings."""
    values: dict[str, Any] = {
        "wanted": ("single-stream", "pipelined"),
        "environment": HOST,
        "failed": None,
        "soc": "cpu",
        "with_accuracy": True,
        **fields,
    }
    summary = SummaryEntry(case=case.name, backend="reference", summary=summarise([IMAGE]))
    entry = BackendEntry(case=case.name, name="reference", soc=values["soc"], precision="fp32")
    run = Run(
        schema=SCHEMA,
        id="new-run",
        label="",
        started="",
        environment=values["environment"],
        backends=(entry,),
        summaries=(summary,) if values["with_accuracy"] else (),
    )
    measured = Measured(case, "reference", values["wanted"], new, values["failed"])
    asked = ask(run, [measured], runs)
    return {item.kind: verdict for item, verdict in zip(asked, judge_family(asked), strict=True)}


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_ten_per_cent_slower_is_regressed_in_both(
    case: Case, store: Callable[..., None], tmp_path: Path
) -> None:
    store(timings(0.010, 1))
    found = verdicts(case, tmp_path, timings(0.011, 2))
    assert {kind: verdict.status for kind, verdict in found.items()} == {
        "latency": Status.REGRESSED,
        "throughput": Status.REGRESSED,
    }
    assert [number.metric for number in found["latency"].numbers] == ["latency/single-stream"]
    assert [number.metric for number in found["throughput"].numbers] == ["throughput/pipelined-4"]
    assert "Holm, 2 figures" in found["latency"].reasons[0].message


def test_the_same_again_and_one_per_cent_are_no_regression(
    case: Case, store: Callable[..., None], tmp_path: Path
) -> None:
    store(timings(0.010, 1))
    for seconds, seed in ((0.010, 2), (0.0101, 3)):
        for verdict in verdicts(case, tmp_path, timings(seconds, seed)).values():
            assert verdict.status in (Status.PASS, Status.CANNOT_TELL, Status.DRIFT)
    assert verdicts(case, tmp_path, timings(0.010, 2))["latency"].status is Status.PASS


def test_without_a_baseline_it_cannot_be_told(case: Case, tmp_path: Path) -> None:
    path_of(case.folder / "baselines", case.name, "reference", "cpu", "fp32").unlink(missing_ok=True)
    found = verdicts(case, tmp_path, timings(0.010, 1))
    assert {tuple(codes(verdict)) for verdict in found.values()} == {("no-baseline",)}
    # One footnote for both.
    assert len({verdict.reasons for verdict in found.values()}) == 1
    assert "omgate baseline promote new-run" in found["latency"].reasons[0].advice


def test_a_baseline_without_speed_is_no_baseline_of_it(
    case: Case, store: Callable[..., None], tmp_path: Path
) -> None:
    store(())
    found = verdicts(case, tmp_path, timings(0.010, 1))
    assert codes(found["latency"]) == ["no-baseline"]
    assert "old-run" in found["latency"].reasons[0].message


OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another processor": ({}, {"environment": {"host": {"processor": "other", "cores": 4}}}, "processor"),
    "fewer cores": ({}, {"environment": {"host": {"processor": "a processor", "cores": 2}}}, "cores"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_times_of_another_machine_cannot_be_compared(
    case: Case, store: Callable[..., None], tmp_path: Path, other: str
) -> None:
    _, fields, says = OTHERS[other]
    store(timings(0.010, 1))
    found = verdicts(case, tmp_path, timings(0.010, 2), **fields)
    assert {tuple(codes(verdict)) for verdict in found.values()} == {("fingerprint-differs",)}
    assert says in found["latency"].reasons[0].message


def test_times_of_other_images_cannot_be_compared(
    case: Case, store: Callable[..., None], tmp_path: Path
) -> None:
    store(timings(0.010, 1))
    assert codes(verdicts(case, tmp_path, timings(0.010, 2, data="d2"))["latency"]) == ["data-differs"]


def test_another_depth_cannot_be_compared(case: Case, store: Callable[..., None], tmp_path: Path) -> None:
    store(timings(0.010, 1))
    single, pipelined = timings(0.010, 2)
    found = verdicts(case, tmp_path, (single, msgspec.structs.replace(pipelined, depth=8)))
    assert found["latency"].status is Status.PASS
    assert codes(found["throughput"]) == ["fingerprint-differs"]
    assert "images in flight 8" in found["throughput"].reasons[0].message


def test_what_disturbed_the_measurement_travels_with_its_verdict(
    case: Case, store: Callable[..., None], tmp_path: Path
) -> None:
    store(timings(0.010, 1))
    warning = Reason("throttled", "too hot", "cool it")
    found = verdicts(case, tmp_path, timings(0.010, 2, warnings=(warning,)))
    assert found["latency"].status is Status.PASS
    assert found["latency"].reasons == (warning,)


def test_a_worker_that_died_is_the_reason(case: Case, tmp_path: Path) -> None:
    from reports.reasons import ReasonCode

    died = cannot_tell(ReasonCode.WORKER_DIED, "it died")
    assert {tuple(codes(verdict)) for verdict in verdicts(case, tmp_path, (), failed=died).values()} == {
        ("worker-died",)
    }


def test_too_few_images_for_a_rate_are_told(case: Case, store: Callable[..., None], tmp_path: Path) -> None:
    store(timings(0.010, 1))
    found = verdicts(case, tmp_path, timings(0.010, 2, n=4))
    assert codes(found["throughput"]) == ["few-samples"]
    assert "--benchmark-max-time" in found["throughput"].reasons[0].advice


def test_only_what_was_wanted_is_judged(case: Case, store: Callable[..., None], tmp_path: Path) -> None:
    store(timings(0.010, 1))
    assert set(verdicts(case, tmp_path, timings(0.010, 2)[:1], wanted=("single-stream",))) == {"latency"}


def test_a_self_tests_noise_is_reckoned_with(case: Case, store: Callable[..., None], tmp_path: Path) -> None:
    store(timings(0.010, 1))
    noise = Noise(
        case=case.name,
        backend="reference",
        soc="cpu",
        region="infer",
        processor="a processor",
        cores=4,
        within=0.01,
        between=0.2,
        blocks=8,
        samples=80,
        seconds=1.0,
        when="",
    )
    remember(tmp_path, noise)
    found = verdicts(case, tmp_path, timings(0.011, 2))
    assert found["latency"].status is Status.CANNOT_TELL
    assert found["throughput"].status is Status.REGRESSED


def test_a_run_of_speed_alone_is_not_told_to_be_promoted(case: Case, tmp_path: Path) -> None:
    path_of(case.folder / "baselines", case.name, "reference", "cpu", "fp32").unlink(missing_ok=True)
    verdict = verdicts(case, tmp_path, timings(0.010, 2), with_accuracy=False)["latency"]
    assert codes(verdict) == ["no-baseline"]
    assert "promote that run" in verdict.reasons[0].advice
    assert "new-run" not in verdict.reasons[0].advice
