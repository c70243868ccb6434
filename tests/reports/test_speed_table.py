"""The speed part of the closing table."""

from __future__ import annotations

from typing import Any

from reports.numbers import Number
from reports.reasons import Reason
from reports.speed_table import SpeedRow, speed_table
from reports.timing import Scenario, TimingSummary
from reports.verdict import Status, Verdict


def summary(scenario: Scenario, n: int = 200, **fields: Any) -> TimingSummary:
    return TimingSummary(case="c", backend="b", scenario=scenario, depth=1, n=n, **fields)


def verdict(status: Status, change: float | None = None, *reasons: Reason) -> Verdict:
    number = Number(
        metric="latency/single-stream", unit="s", old=0.01, new=0.011, difference=change and 0.01 * change
    )
    return Verdict(status=status, reasons=reasons, numbers=(number,) if change is not None else ())


NOISY = Reason("noisy-machine", "other processes used 1.2 of 2 cores", "measure again")
ROW = SpeedRow(
    case="mcnn-synthetic",
    backend="om-sdk",
    verdicts={
        "latency": verdict(Status.REGRESSED, 0.1, Reason("gate-exceeded", "it is slower"), NOISY),
        "throughput": verdict(Status.PASS, -0.02, Reason("noisy-machine", "other processes used 1.4 of 2 cores", "measure again")),
    },
    alone=summary("single-stream", median=0.011, p90=0.0125),
    pipelined=summary("pipelined", images_per_second=91.234),
)  # fmt: skip
BARE = SpeedRow(
    case="mcnn-synthetic",
    backend="reference",
    verdicts={"latency": verdict(Status.CANNOT_TELL, None, Reason("worker-died", "it died"))},
)


def test_the_table() -> None:
    lines = speed_table([ROW, BARE], 120, first_note=3).splitlines()
    assert [" ".join(line.split()) for line in lines[:3]] == [
        "speed case backend latency Δ p90 images/s Δ n",
        "regressed [3-4] mcnn-synthetic om-sdk 11 ms +10.0 % 12.5 ms 91.23 -2.0 % 200",
        "cannot-tell [5] mcnn-synthetic reference - - - - - -",
    ]
    # A warning that differs in its numbers alone is said once, the worst verdict's.
    assert lines[3:] == [
        "[3] mcnn-synthetic on om-sdk: gate-exceeded: it is slower",
        "[4] mcnn-synthetic on om-sdk: noisy-machine: other processes used 1.2 of 2 cores. measure again",
        "[5] mcnn-synthetic on reference: worker-died: it died",
    ]


def test_a_narrow_terminal_gets_a_sentence_each() -> None:
    text = speed_table([ROW], 60)
    assert "mcnn-synthetic on om-sdk: latency 11 ms, Δ +10.0 %," in text.replace("\n", " ")
    assert max(len(line) for line in text.splitlines() if not line.startswith("[")) <= 60


def test_a_percentile_that_is_not_supported_is_not_shown() -> None:
    few = SpeedRow(case="c", backend="b", verdicts={}, alone=summary("single-stream", 20, median=0.011))
    assert speed_table([few], 120).splitlines()[1].split()[3:] == [
        "11",
        "ms",
        "-",
        "n",
        "<",
        "64",
        "-",
        "-",
        "20",
    ]


def test_without_measurements_there_is_no_table() -> None:
    assert speed_table([]) == ""


def test_colour_is_asked_for() -> None:
    assert "\x1b[" in speed_table([ROW], 120, color=True)
    assert "\x1b[" not in speed_table([ROW], 120)
