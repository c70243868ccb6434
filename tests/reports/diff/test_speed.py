from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import msgspec
import pytest

from reports.diff.build import diff
from reports.diff.model import Diff, exit_code, statuses_of
from reports.perfstats import Entry, PerfStats, Process, Queue, Stream, Window, put
from reports.reasons import Reason
from reports.record import RunRecord
from reports.timing import Timing

Make = Callable[..., RunRecord]


def samples(median: float, count: int = 400, seed: int = 0) -> tuple[float, ...]:
    """Latencies of 1 % spread around a median, seconds."""
    drawn = random.Random(f"{median} {seed}")
    return tuple(median * (1 + drawn.gauss(0, 0.01)) for _ in range(count))


def timed(record: RunRecord, *timings: Timing, tail: bytes = b"") -> RunRecord:
    lines = b"".join(msgspec.json.encode(timing) + b"\n" for timing in timings)
    (record.folder / "timings.jsonl").write_bytes(lines + tail)
    return record


def timing(values: Sequence[float], **fields: object) -> Timing:
    known: dict[str, object] = {"case": "demo", "backend": "om-sdk", "scenario": "single-stream", "depth": 1}
    return Timing(samples=tuple(values), **{**known, **fields})  # type: ignore[arg-type]


def pipelined(interval: float, seed: int = 0) -> Timing:
    """Four in flight: an answer each `interval` seconds."""
    intervals = samples(interval, 2000, seed)
    return timing(samples(4 * interval, 2000, seed), scenario="pipelined", depth=4, intervals=intervals)


def verdicts(found: Diff) -> list[tuple[str, str]]:
    return [(speed.what, str(speed.verdict.status)) for item in found.measured for speed in item.speed]


def test_a_slower_run_regresses_and_the_same_does_not(make: Make) -> None:
    old = timed(make("old"), timing(samples(0.010)), pipelined(0.003))
    slow = timed(
        make("new"),
        timing(samples(0.012, seed=1)),
        pipelined(0.003, seed=1),
    )
    found = diff(old, slow)
    assert verdicts(found) == [("latency/single-stream", "regressed"), ("throughput/pipelined-4", "pass")]
    assert exit_code(statuses_of(found), strict=False) == 1
    same = timed(make("new"), timing(samples(0.010, seed=2)))
    assert verdicts(diff(old, same)) == [("latency/single-stream", "pass")]


def test_few_samples_cannot_be_told(make: Make) -> None:
    old, new = (timed(make(), timing(samples(0.010, 3, seed))) for seed in (0, 1))
    assert verdicts(diff(old, new)) == [("latency/single-stream", "cannot-tell")]


def test_another_clock_or_processor_refuses_and_names_the_old_run(make: Make) -> None:
    old = timed(make("old"), timing(samples(0.010), clock="device"))
    new = timed(make("new"), timing(samples(0.010, seed=1), clock="worker"))
    found = diff(old, new)
    (speed,) = found.measured[0].speed
    (reason,) = speed.verdict.reasons
    assert (speed.verdict.status, reason.code) == ("cannot-tell", "fingerprint-differs")
    assert "run old" in reason.message
    assert "baseline" not in reason.message + reason.advice


def test_a_processor_matters_where_the_host_computes(make: Make) -> None:
    fields = {"backends": ("reference",), "soc": "cpu"}
    pair = [
        timed(make(host=host, **fields), timing(samples(0.01, seed=seed), backend="reference"))
        for seed, host in enumerate(({"processor": "A", "cores": 2}, {"processor": "B", "cores": 2}))
    ]
    assert verdicts(diff(*pair)) == [("latency/single-stream", "cannot-tell")]


def test_a_sweep_is_shown_and_not_judged(make: Make) -> None:
    old, new = (
        timed(make(), timing((0.01,), scenario="sweep", depth=8, images_per_second=rate))
        for rate in (100.0, 50.0)
    )
    (item,) = diff(old, new).measured
    (figure,) = item.figures
    assert (figure.name, figure.unit, figure.change, item.speed) == (
        "throughput/sweep-8",
        "images/s",
        -0.5,
        (),
    )


def test_warnings_of_a_measurement_travel_with_its_verdict(make: Make) -> None:
    busy = Reason("busy", "the machine was busy")
    old, new = (timed(make(), timing(samples(0.010, seed=seed), warnings=(busy,))) for seed in (0, 1))
    (speed,) = diff(old, new).measured[0].speed
    assert [reason.code for reason in speed.verdict.reasons].count("busy") == 1


def test_torn_and_broken_lines_are_passed_over(make: Make) -> None:
    old, new = timed(make(), timing(samples(0.01))), make("new")
    torn = timed(new, timing(samples(0.01, seed=1)), tail=b'{"case')
    assert verdicts(diff(old, torn)) == [("latency/single-stream", "pass")]
    broken = diff(old, timed(new, timing(samples(0.01, seed=1)), tail=b'{"case\n'))
    assert verdicts(broken) == [("latency/single-stream", "pass")]
    assert any("timings.jsonl:2" in warning for warning in broken.warnings)


def test_without_measurements_there_is_nothing_to_say(make: Make) -> None:
    (item,) = diff(make(), timed(make(), timing(samples(0.01)))).measured
    assert (item.speed, item.figures) == ((), ())


# --- the SDK's statistics -----------------------------------------------------------------------------------------------------


def with_statistics(record: RunRecord, e2e_us: float, queue: int = 7) -> RunRecord:
    drawn = random.Random(e2e_us)
    windows = [
        Window(
            kind=kind,
            stream="s",
            element=element,
            start_seconds=10.0 * n,
            count=100,
            mean_us=mean * (1 + drawn.gauss(0, 0.003)),
            min_us=1,
            max_us=99999,
        )
        for n in range(60)
        for kind, element, mean in (("e2e", "", e2e_us), ("modelInference", "infer0", 3000.0))
    ]
    stream = Stream(
        e2e=None,
        plugins={},
        throughput=None,
        queues={"q": Queue(capacity=50, max=queue, samples=5, mean=3.0)},
    )
    entry = Entry(
        case="demo",
        backend="om-sdk",
        soc="Ascend310",
        interval_seconds=10,
        passes=1,
        method="own-config",
        drop_first=0,
        drop_last=0,
        result=PerfStats(processes=(Process(process="p", pid=1, streams={"s": stream}),), warnings=()),
        windows=tuple(windows),
    )
    put(record.folder, entry)
    return record


def test_statistics_are_judged_by_their_windows(make: Make) -> None:
    found = diff(with_statistics(make("old"), 4000.0), with_statistics(make("new"), 5000.0, queue=9))
    (item,) = found.measured
    assert verdicts(found) == [("perfstats", "regressed")]
    numbers = {number.metric: number for number in item.speed[0].verdict.numbers}
    assert numbers["perfstats/e2e"].new == pytest.approx(5000.0, rel=0.01)
    assert numbers["perfstats/infer0/modelInference"].old == pytest.approx(3000.0, rel=0.01)
    assert [(figure.name, figure.old, figure.new) for figure in item.figures] == [
        ("s: queue q, most", 7.0, 9.0)
    ]


def test_statistics_of_one_side_are_no_comparison(make: Make) -> None:
    (item,) = diff(make("old"), with_statistics(make("new"), 5000.0)).measured
    assert (item.speed, item.figures) == ((), ())
