"""Performance judged: the speed figures of a run against samples of the baseline, all of them as one family.

Times are noisy, so nothing is regressed on its size alone: a practical threshold must be exceeded, and there must be evidence, which
is a rank test and an interval that agree. What can't be decided is `cannot-tell`, with the samples that would decide it.
docs/glossary.md says it in plain words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from reports.comparable import Conditions, comparable
from reports.detectable import Needed, detectable, fewest, needed
from reports.holm import holm
from reports.numbers import Number
from reports.percentiles import fewest_for, not_supported, percentile, percentile_support
from reports.ratio import Ratio, ratio_of_medians
from reports.reasons import Reason, ReasonCode
from reports.verdict import Status, Verdict

__all__ = [
    "ALPHA",
    "BETWEEN",
    "THRESHOLD",
    "Conditions",
    "Figure",
    "comparable",
    "fewest_for",
    "judge_figures",
    "not_supported",
    "percentile",
    "percentile_support",
]

ALPHA = 0.05
"""Chance that a run in which nothing changed has any alarm among its performance figures."""

THRESHOLD = 0.05
"""Relative change from which on it matters to people."""

BETWEEN = 0.005
"""Relative standard deviation of a run's median from run to run, where nothing is known about it: an assumption, not a measurement.
Another start of the process lies elsewhere in memory and meets another machine; effects of some percent have been seen on processors
(Mytkowicz et al., Producing Wrong Data Without Doing Anything Obviously Wrong, 2009; Kalibera and Jones, Rigorous Benchmarking in
Reasonable Time, 2013). `omgate selftest` measures it."""

FAR = 100_000
"""Samples from which on "about N more" is no advice any more."""

SpeedUnit = Literal["s", "images/s", "us"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of speed, before and after: samples in order of time, as `unit` says.

    `metric`: "latency/single-stream", "throughput/pipelined-4", "perfstats/mxpi_tensorinfer0". `region`: the timed stretch.
    `worse`: +1 where greater is worse, -1 where less is. `threshold`: relative change of the median that matters. `between`: relative
    standard deviation of a run's median from run to run, as `omgate selftest` or several runs showed; None: BETWEEN is assumed.
    """

    metric: str
    unit: SpeedUnit
    region: str
    old: tuple[float, ...]
    new: tuple[float, ...]
    worse: Literal[1, -1] = 1
    threshold: float = THRESHOLD
    between: float | None = None

    @property
    def floor(self) -> float:
        """The run-to-run deviation that is reckoned with."""
        return BETWEEN if self.between is None else self.between


class _Measured(msgspec.Struct, frozen=True):
    """A figure that could be computed: the ratio of its medians, and the p-value before Holm."""

    figure: Figure
    ratio: Ratio
    p_value: float


class _Unusable(msgspec.Struct, frozen=True):
    figure: Figure
    reason: Reason


def judge_figures(figures: Sequence[Figure], alpha: float = ALPHA) -> list[Verdict]:
    """A verdict on each figure, in their order; the chance of any alarm where nothing changed is at most `alpha` for all together.

    regressed: worse by more than the threshold, with evidence: p <= alpha after Holm over all figures, where p is the larger of the rank
    test's and that of the ratio of medians, and the ratio's interval excludes 1. drift: evidence, within the threshold. improved: evidence
    of the opposite. pass: no evidence, and the interval lies within +-threshold. Else cannot-tell: needs about N more samples.
    """
    seen = [_measure(figure, alpha) for figure in figures]
    # A figure with too few samples for an interval can raise no alarm, so it is no member of the family.
    tested = {
        index: item.p_value
        for index, item in enumerate(seen)
        if isinstance(item, _Measured) and item.ratio.low is not None
    }
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    return [
        _judge(item, adjusted.get(index, 1.0), alpha, max(1, len(tested)))
        if isinstance(item, _Measured)
        else Verdict(
            status=Status.CANNOT_TELL,
            reasons=(item.reason,),
            numbers=(_plain_number(item.figure),),
            n=len(item.figure.new),
        )
        for index, item in enumerate(seen)
    ]


# --- measuring ----------------------------------------------------------------------------------------------------------------


def _measure(figure: Figure, alpha: float) -> _Measured | _Unusable:
    from reports.rank import mann_whitney

    if not figure.old or not figure.new:
        side = "the baseline" if not figure.old else "the run"
        message = f"{figure.metric}: no sample in {side}"
        advice = f"measure it: at least {fewest(alpha)} samples on each side"
        return _Unusable(figure, Reason(ReasonCode.FEW_SAMPLES.value, message, advice))
    bad = [value for value in (*figure.old, *figure.new) if not (math.isfinite(value) and value > 0)]
    if bad:
        message = f"{figure.metric}: {len(bad)} samples are no positive numbers, the first {bad[0]!r}"
        return _Unusable(
            figure, Reason(ReasonCode.NOT_FINITE.value, message, "look at the clock that gave them")
        )
    ratio = ratio_of_medians(figure.old, figure.new, figure.floor, confidence=1.0 - alpha)
    p_value = mann_whitney(figure.old, figure.new, ratio.old_time, ratio.new_time)
    return _Measured(figure, ratio, max(p_value, ratio.p_value))


def _median(samples: Sequence[float]) -> float | None:
    return percentile(samples, 50) if samples and all(map(math.isfinite, samples)) else None


def _plain_number(figure: Figure) -> Number:
    """The figure without an interval; its threshold is the gate."""
    old, new = _median(figure.old), _median(figure.new)
    return Number(
        metric=figure.metric,
        unit=figure.unit,
        old=old,
        new=new,
        difference=None if old is None or new is None else new - old,
        samples=len(figure.new),
        gated=True,
        tolerance=100.0 * figure.threshold,
        tolerance_unit="%",
        allowed=None if old is None else figure.threshold * old,
        kind="noisy",
        region=figure.region,
    )


def _number(item: _Measured, adjusted: float) -> Number:
    """The medians and their difference; its interval is that of the ratio, times the old median."""
    number = _plain_number(item.figure)
    ratio, old = item.ratio, number.old or 0.0
    return msgspec.structs.replace(
        number,
        low=None if ratio.low is None else (ratio.low - 1.0) * old,
        high=None if ratio.high is None else (ratio.high - 1.0) * old,
        p_value=adjusted,
    )


# --- judging ------------------------------------------------------------------------------------------------------------------


def _judge(item: _Measured, adjusted: float, alpha: float, family: int) -> Verdict:
    status, reasons = _decide(item, adjusted, alpha, family)
    return Verdict(
        status=status, reasons=tuple(reasons), numbers=(_number(item, adjusted),), n=item.ratio.new_samples
    )


def _decide(item: _Measured, adjusted: float, alpha: float, family: int) -> tuple[Status, list[Reason]]:
    figure, ratio = item.figure, item.ratio
    if ratio.low is None or ratio.high is None:
        return Status.CANNOT_TELL, [_too_few(item, alpha, family)]
    change = figure.worse * (ratio.estimate - 1.0)
    evidence = adjusted <= alpha and not ratio.low <= 1.0 <= ratio.high
    within = max(abs(ratio.low - 1.0), abs(ratio.high - 1.0)) <= figure.threshold
    threshold = f"the threshold of {100 * figure.threshold:g} %"
    told = f"{_sentence(item)}; p = {_p(adjusted)}{_of_family(family)}"
    if evidence and change > figure.threshold:
        text = f"{told}: worse, beyond {threshold}"
        return Status.REGRESSED, [Reason(ReasonCode.GATE_EXCEEDED.value, text, _noise(figure))]
    if evidence and change > 0:
        far = "" if within else "; the interval reaches beyond it"
        text = f"{told}: worse, within {threshold}{far}"
        return Status.DRIFT, [Reason(ReasonCode.BELOW_TOLERANCE.value, text, _noise(figure))]
    if evidence:
        return Status.IMPROVED, [Reason(ReasonCode.BETTER.value, f"{told}: better", _noise(figure))]
    if within:
        return Status.PASS, []
    text = f"{told}: no evidence of a change, and one beyond {threshold} can't be excluded{_wandered(ratio)}"
    return Status.CANNOT_TELL, [Reason(ReasonCode.FEW_SAMPLES.value, text, _more(item, alpha, family))]


def _too_few(item: _Measured, alpha: float, family: int) -> Reason:
    """The reason where there are too few samples for an interval."""
    ratio = item.ratio
    old, new = ratio.old_samples / ratio.old_time, ratio.new_samples / ratio.new_time
    worth = (
        f", worth {old:.0f} and {new:.0f} independent ones, because each resembles the one before it"
        if max(ratio.old_time, ratio.new_time) > 1.5
        else ""
    )
    message = f"{item.figure.metric}: {ratio.old_samples} samples before, {ratio.new_samples} now{worth}: too few for an interval"
    message += _wandered(ratio)
    least = fewest(alpha / family)
    more_old, more_new = (
        max(0, math.ceil(least * time) - count)
        for time, count in ((ratio.old_time, ratio.old_samples), (ratio.new_time, ratio.new_samples))
    )
    return Reason(
        ReasonCode.FEW_SAMPLES.value, message, f"needs {_samples(Needed(more_new, more_old))} to begin with"
    )


def _more(item: _Measured, alpha: float, family: int) -> str:
    """How many more samples would decide, or that none would."""
    figure, ratio = item.figure, item.ratio
    # A level that wanders is taken to average out over a longer measurement; whether it does, that one will show.
    old_spread = math.hypot(ratio.old_spread, ratio.old_wander)
    new_spread = math.hypot(ratio.new_spread, ratio.new_wander)
    more = needed(
        old_spread,
        new_spread,
        ratio.old_samples,
        ratio.new_samples,
        ratio.floor,
        figure.threshold,
        alpha / family,
    )
    if more is not None and max(more.new, more.old) < FAR:
        least = fewest(alpha / family)
        more = Needed(max(more.new, least - ratio.new_samples), max(more.old, least - ratio.old_samples))
        return f"needs {_samples(more)}"
    smallest = detectable(math.hypot(old_spread, new_spread, ratio.floor), alpha / family)
    return (
        f"more samples alone do not help here: a difference of {100 * smallest:.2g} % is the smallest that can be found;"
        f" use a quieter machine, warm up longer, or several runs. {_noise(figure)}"
    )


def _samples(more: Needed) -> str:
    if more.new == 0:
        return f"about {more.old} more samples in the baseline"
    text = f"about {more.new} more samples"
    return f"{text}, and {more.old} more in the baseline" if more.old > 0 else text


# --- wording ------------------------------------------------------------------------------------------------------------------


def _sentence(item: _Measured) -> str:
    """What the median did: old, new, the relative change and its interval."""
    figure, ratio = item.figure, item.ratio
    old, new = _median(figure.old) or 0.0, _median(figure.new) or 0.0
    text = (
        f"{figure.metric} (region {figure.region}): median {show_speed(old, figure.unit)} ->"
        f" {show_speed(new, figure.unit)}, {_percent(ratio.estimate)}"
    )
    if ratio.low is None or ratio.high is None:
        return text
    return f"{text}, interval {_percent(ratio.low)} .. {_percent(ratio.high)}"


def show_speed(value: float, unit: SpeedUnit) -> str:
    """A time or a rate for a sentence, in the unit that people read."""
    if unit == "images/s":
        return f"{value:.4g} images/s"
    seconds = value * 1e-6 if unit == "us" else value
    for factor, name in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1.0 or name == "us":
            return f"{seconds * factor:.4g} {name}"
    raise AssertionError


def _percent(ratio: float) -> str:
    return f"{100.0 * (ratio - 1.0):+.1f} %"


def _p(value: float) -> str:
    return "<0.0001" if value < 1e-4 else f"{value:.2g}"


def _of_family(family: int) -> str:
    return f" (Holm, {family} figures)" if family > 1 else ""


def _noise(figure: Figure) -> str:
    """What the verdict assumes about runs, so that a reader can disagree."""
    if figure.between is None:
        return f"runs are assumed to differ by {100 * BETWEEN:g} % by themselves; omgate selftest measures it"
    return f"runs here differ by {100 * figure.between:.2g} % by themselves"


def _wandered(ratio: Ratio) -> str:
    largest = max(ratio.old_wander, ratio.new_wander)
    return f"; the level wandered by {100 * largest:.2g} % within a run" if largest > 0 else ""
