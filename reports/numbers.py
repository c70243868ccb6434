"""The metrics that a verdict rests on, paired: old, new, difference and its interval, beside the gate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from reports.errors import ReportError
from reports.image import ImageRecord
from reports.summary import mean, mean_absolute, root_mean_square

if TYPE_CHECKING:
    from reports.baseline import BaselineImage
    from reports.statistics import Statistic

Unit = Literal["counts", "1", "dB", "s", "images/s", "us", "ratio"]
GateUnit = Literal["counts", "%"]
Metrics = Mapping[str, float | None]

SMALLEST_COUNT = 1.0
"""Counts below one person are compared as if they were one: a relative difference of nothing means nothing."""

GUARD = "max_count_change"
"""The gate on the largest change of one image's count."""


class Gate(msgspec.Struct, frozen=True):
    """How much worse a metric may get: `tolerance` in counts (the metric's own unit) or in % of the baseline's value."""

    metric: str
    tolerance: float
    unit: GateUnit


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A number that a verdict rests on; fields and units in docs/record.md."""

    metric: str
    unit: Unit
    old: float | None = None
    new: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    samples: int = 0
    gated: bool = False
    tolerance: float | None = None
    tolerance_unit: GateUnit | None = None
    allowed: float | None = None
    kind: Literal["exact", "noisy"] = "exact"
    region: str | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval says that the difference holds beyond these images."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Pair:
    """The same image before and after; counts."""

    image: str
    old: BaselineImage
    new: ImageRecord

    @property
    def before(self) -> float:
        """The baseline's predicted count."""
        return self.old.predicted_count

    @property
    def after(self) -> float:
        """The run's predicted count; the image is `ok`."""
        assert self.new.predicted_count is not None
        return self.new.predicted_count

    @property
    def difference(self) -> float:
        """New - old predicted count."""
        return self.after - self.before

    @property
    def size(self) -> float:
        """The count that a change is relative to."""
        return max(abs(self.before), abs(self.after), SMALLEST_COUNT)

    @property
    def change(self) -> float:
        """The change relative to the count."""
        return abs(self.difference) / self.size


@dataclass(frozen=True)
class Metric:
    """How a metric is made: `value` of one image (true, predicted, its metrics), `whole` of all; `worse` is -1 where more is better.

    `statistic` is what the bootstrap computes; None: no interval. `of_counts`: it can't move while no count does.
    """

    title: str
    unit: Unit
    value: Callable[[float, float, Metrics], float | None]
    whole: Callable[[Sequence[float]], float | None]
    statistic: Statistic | None
    of_counts: bool = False
    worse: int = 1


def _error(true: float, predicted: float, metrics: Metrics) -> float:
    return predicted - true


def _relative_error(true: float, predicted: float, metrics: Metrics) -> float | None:
    return abs(predicted - true) / true if true > 0 else None


def _absolute_mean(errors: Sequence[float]) -> float | None:
    whole = mean(errors)
    return None if whole is None else abs(whole)


def _stored(name: str) -> Callable[[float, float, Metrics], float | None]:
    return lambda true, predicted, metrics: metrics.get(name)


METRICS: dict[str, Metric] = {
    "mae": Metric("MAE", "counts", _error, mean_absolute, "mae", of_counts=True),
    "rmse": Metric("MSE (root)", "counts", _error, root_mean_square, "rmse", of_counts=True),
    "bias": Metric("|bias|", "counts", _error, _absolute_mean, None, of_counts=True),
    "relative_mae": Metric("relative MAE", "1", _relative_error, mean, "mean", of_counts=True),
    "game1": Metric("GAME(1)", "counts", _stored("game1"), mean, "mean"),
    "game2": Metric("GAME(2)", "counts", _stored("game2"), mean, "mean"),
    "game3": Metric("GAME(3)", "counts", _stored("game3"), mean, "mean"),
    "psnr": Metric("PSNR", "dB", _stored("psnr"), mean, "mean", worse=-1),
    "ssim": Metric("SSIM", "1", _stored("ssim"), mean, "mean", worse=-1),
}
"""Metrics that can be gated, beside max_count_change."""

ALWAYS = ("mae", "rmse")
"""Metrics that every verdict shows, gated or not."""


def check_gates(gates: Sequence[Gate]) -> None:
    """Raise ReportError for a metric that can't be gated, an unknown unit, or a tolerance that is no number from 0 up."""
    known = (*METRICS, GUARD)
    seen: set[str] = set()
    for gate in gates:
        if gate.metric not in known:
            raise ReportError(f"gate: metric {gate.metric!r} can't be gated; allowed: {', '.join(known)}")
        if gate.metric in seen:
            raise ReportError(f"gate {gate.metric}: given twice; keep one")
        if gate.unit not in ("counts", "%"):
            raise ReportError(f"gate {gate.metric}: unit {gate.unit!r}; allowed: counts, %")
        if not (math.isfinite(gate.tolerance) and gate.tolerance >= 0):
            raise ReportError(
                f"gate {gate.metric}: tolerance {gate.tolerance!r}; allowed: a number from 0 up"
            )
        seen.add(gate.metric)


def _with_gate(number: Number, gate: Gate | None, reference: float | None) -> Number:
    """The number beside its gate; % is of `reference`, the old value."""
    if gate is None:
        return number
    allowed: float | None = gate.tolerance
    if gate.unit == "%":
        allowed = None if reference is None else abs(reference) * gate.tolerance / 100.0
    return msgspec.structs.replace(
        number, gated=True, tolerance=gate.tolerance, tolerance_unit=gate.unit, allowed=allowed
    )


def _values(metric: Metric, pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    old, new = [], []
    for pair in pairs:
        before = metric.value(pair.old.true_count, pair.before, pair.old.metrics)
        after = metric.value(pair.new.true_count or 0.0, pair.after, pair.new.metrics)
        if before is not None and after is not None:
            old.append(before)
            new.append(after)
    return old, new


def _compared(name: str, pairs: Sequence[Pair]) -> Number:
    metric = METRICS[name]
    old, new = _values(metric, pairs)
    was, now = metric.whole(old), metric.whole(new)
    if was is None or now is None:
        return Number(metric=name, unit=metric.unit)
    low = high = p_value = None
    if old == new:
        low = high = 0.0
        p_value = 1.0
    elif metric.statistic is not None:
        from reports.statistics import paired_bootstrap, sign_flip

        interval = paired_bootstrap(old, new, metric.statistic)
        low, high = interval.low, interval.high
        p_value = sign_flip(old, new, metric.statistic)
    return Number(
        metric=name,
        unit=metric.unit,
        old=was,
        new=now,
        difference=now - was,
        low=low,
        high=high,
        p_value=p_value,
        samples=len(old),
    )


def _guarded(pairs: Sequence[Pair], gate: Gate) -> Number:
    """The largest change of one image's count; % is of that image's old count."""

    def size(pair: Pair) -> float:
        relative_to = max(abs(pair.before), SMALLEST_COUNT) if gate.unit == "%" else 1.0
        return abs(pair.difference) / relative_to

    pair = max(pairs, key=size)
    number = Number(
        metric=GUARD,
        unit="counts",
        old=pair.before,
        new=pair.after,
        difference=pair.difference,
        samples=len(pairs),
    )
    return _with_gate(number, gate, max(abs(pair.before), SMALLEST_COUNT))


def compare_numbers(pairs: Sequence[Pair], gates: Sequence[Gate]) -> tuple[Number, ...]:
    """The gated metrics in the gates' order, then MAE and rmse if they are not gated. Empty without pairs."""
    if not pairs:
        return ()
    numbers = []
    for gate in gates:
        if gate.metric == GUARD:
            numbers.append(_guarded(pairs, gate))
        else:
            number = _compared(gate.metric, pairs)
            numbers.append(_with_gate(number, gate, number.old))
    gated = {gate.metric for gate in gates}
    return (*numbers, *(_compared(name, pairs) for name in ALWAYS if name not in gated))


def new_numbers(images: Sequence[ImageRecord], gates: Sequence[Gate]) -> tuple[Number, ...]:
    """The same metrics where there is nothing to compare with: only `new`."""
    numbers = []
    for name in dict.fromkeys([*(gate.metric for gate in gates if gate.metric != GUARD), *ALWAYS]):
        metric = METRICS[name]
        values = [
            value
            for image in images
            if image.true_count is not None
            and image.predicted_count is not None
            and (value := metric.value(image.true_count, image.predicted_count, image.metrics)) is not None
        ]
        number = Number(metric=name, unit=metric.unit, new=metric.whole(values), samples=len(values))
        numbers.append(_with_gate(number, next((gate for gate in gates if gate.metric == name), None), None))
    return tuple(numbers)
