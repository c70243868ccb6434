from __future__ import annotations

import re

import numpy as np
import pytest

from reports.performance import BETWEEN, Figure, judge_figures
from reports.rank import mann_whitney
from reports.ratio import ratio_of_medians
from reports.verdict import Status, Verdict
from tests.reports.series import TIMES, Source, correlated, independent, resampled, warming, with_outliers


def figure(old: object, new: object, **fields: object) -> Figure:
    values: dict[str, object] = {"metric": "latency/single-stream", "unit": "s", "region": "infer", **fields}
    return Figure(
        old=tuple(np.asarray(old, float).tolist()), new=tuple(np.asarray(new, float).tolist()), **values
    )  # type: ignore[arg-type]


def judge(old: object, new: object, **fields: object) -> Verdict:
    return judge_figures([figure(old, new, **fields)])[0]


@pytest.fixture
def steady() -> Source:
    """12 ms, 3 % of noise."""
    noise = independent(np.random.default_rng(0), 0.03)
    return lambda n: 0.012 * noise(n)


def test_ten_percent_slower_is_regressed_and_says_why(steady: Source) -> None:
    verdict = judge(steady(182), 1.1 * steady(182))
    number = verdict.numbers[0]
    assert verdict.status is Status.REGRESSED
    assert (number.unit, number.region, number.kind, number.samples) == ("s", "infer", "noisy", 182)
    assert number.excludes_zero
    assert number.p_value is not None
    assert number.p_value < 0.001
    assert number.allowed == pytest.approx(0.05 * number.old)
    assert re.search(
        r"median 1\d\.\d+ ms -> 1\d\.\d+ ms, \+\d+\.\d %, interval .*worse, beyond the threshold of 5 %",
        verdict.reasons[0].message,
    )
    assert "omgate selftest" in verdict.reasons[0].advice


def test_one_percent_slower_passes_or_can_t_tell(steady: Source) -> None:
    for _ in range(20):
        assert judge(steady(182), 1.01 * steady(182)).status in (Status.PASS, Status.CANNOT_TELL)


def test_three_percent_slower_is_a_drift_where_runs_are_known_to_agree(steady: Source) -> None:
    verdict = judge(steady(600), 1.03 * steady(600), between=0.001)
    assert verdict.status is Status.DRIFT
    assert verdict.reasons[0].code == "below-tolerance"
    assert "runs here differ by 0.1 %" in verdict.reasons[0].advice


def test_faster_is_improved_and_of_a_rate_more_is_better(steady: Source) -> None:
    assert judge(steady(182), 0.9 * steady(182)).status is Status.IMPROVED
    rates = {"metric": "throughput/pipelined-4", "unit": "images/s", "worse": -1}
    assert judge(steady(60), 0.9 * steady(60), **rates).status is Status.REGRESSED
    assert judge(steady(60), 1.1 * steady(60), **rates).status is Status.IMPROVED


def test_a_throughput_may_fall_by_its_threshold_and_not_more() -> None:
    exact = np.full(40, 100.0) + np.tile([-0.01, 0.01], 20)
    rates = {"unit": "images/s", "worse": -1, "between": 0.0}
    assert judge(exact, exact - 4.9, **rates).status is Status.DRIFT
    assert judge(exact, exact - 5.1, **rates).status is Status.REGRESSED


def test_runs_that_differ_by_themselves_need_more_than_a_difference(steady: Source) -> None:
    assert judge(steady(182), 1.06 * steady(182), between=0.04).status is Status.CANNOT_TELL


def test_too_few_samples_can_t_tell_and_say_how_many(steady: Source) -> None:
    verdict = judge(steady(3), steady(3))
    assert verdict.status is Status.CANNOT_TELL
    assert verdict.reasons[0].code == "few-samples"
    assert "needs about 1 more samples, and 1 more in the baseline" in verdict.reasons[0].advice
    assert verdict.numbers[0].low is None


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ((), (1.0,), "few-samples"),
        ((1.0,), (), "few-samples"),
        ((1.0, 1.0), (0.0, 1.0), "not-finite"),
        ((1.0,), (float("nan"),), "not-finite"),
    ],
)
def test_what_can_t_be_measured_never_passes(
    old: tuple[float, ...], new: tuple[float, ...], code: str
) -> None:
    verdict = judge(old, new)
    assert verdict.status is Status.CANNOT_TELL
    assert verdict.reasons[0].code == code


def test_a_noisy_machine_asks_for_samples_on_both_sides() -> None:
    noise = independent(np.random.default_rng(2), 0.3)
    verdict = judge(noise(60), noise(60))
    assert verdict.status is Status.CANNOT_TELL
    assert asked(verdict) is not None
    assert "can't be excluded" in verdict.reasons[0].message


def test_where_samples_do_not_help_it_says_so(steady: Source) -> None:
    verdict = judge(steady(182), steady(182), between=0.05)
    assert verdict.status is Status.CANNOT_TELL
    assert "more samples alone do not help" in verdict.reasons[0].advice


def test_a_level_that_wanders_is_said() -> None:
    noise = independent(np.random.default_rng(3), 0.01)
    rising = np.exp(np.linspace(0, 0.3, 160))
    verdict = judge(noise(160), noise(160) * rising)
    assert verdict.status is Status.CANNOT_TELL
    assert "the level wandered by" in verdict.reasons[0].message


def test_the_family_shares_one_alpha_and_keeps_its_order(steady: Source) -> None:
    slower = figure(steady(182), 1.02 * steady(182), metric="slower", between=0.0)
    same = [figure(steady(40), steady(40), metric=f"m{k}", between=0.0) for k in range(9)]
    few = figure(steady(2), steady(2), metric="few")
    alone = judge_figures([slower])[0]
    verdicts = judge_figures([*same, slower, few])
    assert [verdict.numbers[0].metric for verdict in verdicts] == [
        *(f"m{k}" for k in range(9)),
        "slower",
        "few",
    ]
    together = verdicts[9]
    assert alone.numbers[0].p_value is not None
    assert together.numbers[0].p_value == pytest.approx(10 * alone.numbers[0].p_value)
    assert "(Holm, 10 figures)" in together.reasons[0].message


def test_evidence_is_the_weaker_of_rank_test_and_ratio(steady: Source) -> None:
    for between, slower in ((0.0, 1.02), (0.03, 1.2)):
        old, new = steady(60), slower * steady(60)
        ratio = ratio_of_medians(old, new, between)
        both = mann_whitney(old, new, ratio.old_time, ratio.new_time), ratio.p_value
        assert judge(old, new, between=between).numbers[0].p_value == max(both) > 0.0


def test_the_same_samples_give_the_same_verdict(steady: Source) -> None:
    one = figure(steady(50), steady(50))
    assert judge_figures([one]) == judge_figures([one])


# --- simulations ---------------------------------------------------------------------------------------------------------------

ALARMS = (Status.REGRESSED, Status.DRIFT, Status.IMPROVED)
"""What an A/A should not give."""

SOURCES = {
    "independent": independent,
    "outliers": with_outliers,
    "warming": warming,
    "correlated": lambda generator: correlated(generator, 0.5),
    "recorded": resampled,
}


@pytest.mark.parametrize("name", SOURCES)
def test_an_a_a_raises_no_more_alarms_than_promised(name: str) -> None:
    """150 families of two figures each; 5 % are promised, the binomial error is 0.018. Nothing is granted to runs (between = 0)."""
    source: Source = SOURCES[name](np.random.default_rng(21))
    trials = 150 * TIMES
    alarms = 0
    for _ in range(trials):
        verdicts = judge_figures([figure(source(182), source(182), between=0.0) for _ in range(2)])
        alarms += any(verdict.status in ALARMS for verdict in verdicts)
    assert alarms / trials <= 0.09


def test_runs_that_differ_as_assumed_raise_no_more_alarms_than_promised() -> None:
    generator = np.random.default_rng(22)
    source = independent(generator, 0.02)
    trials = 200 * TIMES
    alarms = 0
    for _ in range(trials):
        old, new = (source(400) * np.exp(generator.normal(0, BETWEEN)) for _ in range(2))
        alarms += judge(old, new).status in ALARMS
    assert alarms / trials <= 0.09


def asked(verdict: Verdict) -> tuple[int, int] | None:
    """(run, baseline): the samples that the advice asks for, None where it asks for none."""
    found = re.search(
        r"about (\d+) more samples(?:, and (\d+) more in the baseline)?", verdict.reasons[0].advice
    )
    return (int(found[1]), int(found[2] or 0)) if found else None


@pytest.mark.parametrize("name", ["recorded", "outliers"])
def test_a_true_slow_down_by_5_percent_is_found_at_the_number_of_samples_asked_for(name: str) -> None:
    """Two runs too short to tell, one 5 % slower; then both as long as the tool asked. 4 of 5 are promised; the binomial error is 0.06."""
    source: Source = SOURCES[name](np.random.default_rng(23))
    start = 182 if name == "recorded" else 15
    found = []
    while len(found) < 40 * TIMES:
        old, new = source(40_000), 1.05 * source(40_000)
        more = (
            asked(verdict)
            if (verdict := judge(old[:start], new[:start])).status is Status.CANNOT_TELL
            else None
        )
        if more is None or max(more) + start > len(old):
            continue
        again = judge(old[: start + more[1]], new[: start + more[0]])
        found.append(again.status in (Status.REGRESSED, Status.DRIFT))
    assert np.mean(found) >= 0.7
