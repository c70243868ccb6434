"""The numbers of one case on one backend: MAE, MSE (root) and their company, in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from reports.image import ImageRecord, last_of_each, normalise
from reports.reasons import ReasonCode

MEAN_METRICS = ("game1", "game2", "game3", "psnr", "ssim")
"""Per-image metrics whose mean is in the summary."""


class Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """Images with `low` < true count <= `high` (the first also holds its `low`, 0; None: no bound). Counts."""

    low: float
    high: float | None
    n: int
    mae: float | None
    rmse: float | None
    bias: float | None


class Failure(msgspec.Struct, frozen=True):
    """An image that gave no count, and why."""

    image: str
    reason: str
    detail: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Over the `n` images with status `ok`; units in docs/record.md. None where no image supports the value."""

    n: int
    failed: int
    mae: float | None
    rmse: float | None
    bias: float | None
    relative_mae: float | None
    mean_true: float | None
    mean_predicted: float | None
    game1: float | None
    game2: float | None
    game3: float | None
    psnr: float | None
    ssim: float | None
    images_per_second: float | None
    strata: tuple[Stratum, ...]
    failures: tuple[Failure, ...]
    not_finite: tuple[str, ...]


def mean(values: Sequence[float]) -> float | None:
    """The mean, exactly rounded (`math.fsum`): independent of the order; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def mean_absolute(errors: Sequence[float]) -> float | None:
    """MAE of signed errors, counts."""
    return mean([abs(error) for error in errors])


def root_mean_square(errors: Sequence[float]) -> float | None:
    """MSE (root) of signed errors, counts. Scaled, so that no finite error overflows."""
    scale = max((abs(error) for error in errors), default=0.0)
    if not errors or scale == 0.0:
        return 0.0 if errors else None
    return scale * math.sqrt(math.fsum((error / scale) ** 2 for error in errors) / len(errors))


def _stratum(low: float, high: float | None, records: Sequence[ImageRecord], first: bool) -> Stratum:
    errors = [
        record.error
        for record in records
        if record.true_count is not None
        and (record.true_count > low or first)
        and (high is None or record.true_count <= high)
    ]
    return Stratum(
        low=low,
        high=high,
        n=len(errors),
        mae=mean_absolute(errors),
        rmse=root_mean_square(errors),
        bias=mean(errors),
    )


def _strata(records: Sequence[ImageRecord], bounds: Sequence[float]) -> tuple[Stratum, ...]:
    if not bounds:
        return ()
    upper = sorted(set(bounds))
    lower = [0.0, *upper]
    return tuple(
        _stratum(low, high, records, first=index == 0)
        for index, (low, high) in enumerate(zip(lower, [*upper, None], strict=True))
    )


def summarise(
    images: Iterable[ImageRecord], strata: Sequence[float] = (), wall_seconds: float | None = None
) -> Summary:
    """The summary of one case on one backend.

    `strata` are upper bounds of the true count; `wall_seconds` is the time the evaluation took, for images/s. An image with a
    NaN or an Inf counts as failed and is named in `not_finite`; of an image recorded twice the last counts.
    """
    records = last_of_each(normalise(image) for image in images)
    good = [record for record in records if record.status == "ok"]
    failed = [record for record in records if record.status != "ok"]
    errors = [record.error for record in good]
    relative = [
        abs(record.error) / record.true_count
        for record in good
        if record.true_count and record.true_count > 0
    ]
    means = {
        name: mean([value for record in good if (value := record.metrics.get(name)) is not None])
        for name in MEAN_METRICS
    }
    return Summary(
        n=len(good),
        failed=len(failed),
        mae=mean_absolute(errors),
        rmse=root_mean_square(errors),
        bias=mean(errors),
        relative_mae=mean(relative),
        mean_true=mean([record.true_count for record in good if record.true_count is not None]),
        mean_predicted=mean(
            [record.predicted_count for record in good if record.predicted_count is not None]
        ),
        images_per_second=len(good) / wall_seconds if wall_seconds and wall_seconds > 0 else None,
        strata=_strata(good, strata),
        failures=tuple(Failure(record.image, record.reason or "", record.detail or "") for record in failed),
        not_finite=tuple(record.image for record in failed if record.reason == ReasonCode.NOT_FINITE),
        **means,
    )
