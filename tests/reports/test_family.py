from __future__ import annotations

import numpy as np
import pytest

from reports.family import Asked, join, judge_family
from reports.performance import Figure
from reports.reasons import Reason, ReasonCode
from reports.verdict import Status, Verdict, cannot_tell

NOISE = np.random.default_rng(5)


def figure(metric: str, factor: float = 1.0) -> Figure:
    """A figure of 300 samples of 10 ms with 3 % of noise on each side."""
    old, new = (0.010 * scale * NOISE.lognormal(0, 0.03, 300) for scale in (1.0, factor))
    return Figure(metric=metric, unit="s", region="infer", old=tuple(old), new=tuple(new))


def asked(kind: str, *figures: Figure, warnings: tuple[Reason, ...] = ()) -> Asked:
    return Asked(case="demo", backend="om-sdk", kind=kind, figures=figures, warnings=warnings)


def test_all_that_was_asked_is_one_family() -> None:
    """A clear change is told with the number of all figures, those of the SDK's statistics included."""
    found = judge_family(
        [
            asked("latency", figure("latency/single-stream", 1.2)),
            asked("perfstats", figure("perfstats/e2e", 1.2), figure("perfstats/mxpi_tensorinfer0")),
        ]
    )
    assert [verdict.status for verdict in found] == [Status.REGRESSED, Status.REGRESSED]
    assert all("(Holm, 3 figures)" in verdict.reasons[0].message for verdict in found)


def test_weak_evidence_that_would_do_alone_does_not_among_many() -> None:
    weak = next(
        made
        for made in (figure("latency/single-stream", 1.012) for _ in range(500))
        if judge_family([asked("latency", made)])[0].status is Status.DRIFT
        and judge_family([asked("latency", made)])[0].numbers[0].p_value > 0.02  # type: ignore[operator]
    )
    others = asked("perfstats", *(figure(f"perfstats/element{number}") for number in range(9)))
    alone, among = (
        judge_family([asked("latency", weak)])[0],
        judge_family([asked("latency", weak), others])[0],
    )
    assert alone.numbers[0].p_value is not None
    assert among.numbers[0].p_value == pytest.approx(min(1.0, 10 * alone.numbers[0].p_value))
    assert among.status is not Status.DRIFT


def test_a_verdict_that_is_there_keeps_its_place_and_its_warnings() -> None:
    noisy = Reason("noisy-machine", "17 % of the time was another's")
    nothing = Asked(
        case="demo",
        backend="ckpt",
        kind="latency",
        verdict=cannot_tell(ReasonCode.NO_BASELINE, "nothing to hold it against"),
        warnings=(noisy,),
    )
    first, second = judge_family(
        [nothing, asked("latency", figure("latency/single-stream"), warnings=(noisy,))]
    )
    assert [reason.code for reason in first.reasons] == ["no-baseline", "noisy-machine"]
    assert second.reasons[-1] == noisy
    assert second.n == 300


def test_several_verdicts_as_one() -> None:
    mild, bad = (
        Verdict(status=status, reasons=(Reason(code, "told"),), n=n)
        for status, code, n in ((Status.DRIFT, "below-tolerance", 8), (Status.REGRESSED, "gate-exceeded", 5))
    )
    found = join([mild, bad])
    assert (found.status, found.n) == (Status.REGRESSED, 8)
    assert [reason.code for reason in found.reasons] == ["gate-exceeded", "below-tolerance"]
    assert join([]).status is Status.CANNOT_TELL
