from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.image import ImageRecord
from reports.summary import root_mean_square, summarise

Image = Callable[..., ImageRecord]


def test_the_numbers_are_the_definitions(image: Image) -> None:
    images = [image("a", 12.0, 10.0), image("b", 96.0, 100.0), image("c", 1.0, 0.0)]
    found = summarise(images, wall_seconds=1.5)
    assert (found.n, found.failed) == (3, 0)
    assert found.mae == pytest.approx((2 + 4 + 1) / 3)
    assert found.rmse == pytest.approx(math.sqrt((4 + 16 + 1) / 3))
    assert found.bias == pytest.approx((2 - 4 + 1) / 3)
    assert found.relative_mae == pytest.approx((0.2 + 0.04) / 2), "an empty scene has no relative error"
    assert found.mean_true == pytest.approx(110 / 3)
    assert found.mean_predicted == pytest.approx(109 / 3)
    assert found.game1 == pytest.approx((3 + 5 + 2) / 3)
    assert found.game2 is None
    assert found.psnr == pytest.approx(30.0)
    assert found.images_per_second == pytest.approx(2.0)


def test_strata_hold_every_image_once(image: Image) -> None:
    images = [image(str(true), true + 1.0, true) for true in (0.0, 50.0, 50.1, 200.0, 900.0)]
    found = summarise(images, strata=(200, 50)).strata
    assert [(stratum.low, stratum.high, stratum.n) for stratum in found] == [
        (0, 50, 2),
        (50, 200, 2),
        (200, None, 1),
    ]
    assert [stratum.bias for stratum in found] == pytest.approx([1.0, 1.0, 1.0])


def test_an_empty_stratum_is_there_without_numbers(image: Image) -> None:
    found = summarise([image("a", 12.0, 10.0)], strata=(5,)).strata
    assert (found[0].n, found[0].mae) == (0, None)


def test_an_image_that_is_not_finite_is_named_and_counts_as_failed(image: Image) -> None:
    images = [
        image("good", 11.0, 10.0),
        image("nan", math.nan),
        image("inf", math.inf),
        image("map", metrics={"ssim": math.nan}),
        image("broken", status="failed", reason="bad-image", detail="truncated"),
    ]
    found = summarise(images)
    assert (found.n, found.failed, found.mae) == (1, 4, 1.0)
    assert found.not_finite == ("nan", "inf", "map")
    assert [failure.image for failure in found.failures] == ["nan", "inf", "map", "broken"]
    assert found.failures[-1].detail == "truncated"


def test_of_an_image_recorded_twice_the_last_counts(image: Image) -> None:
    assert summarise([image("a", 11.0, 10.0), image("a", 13.0, 10.0)]).mae == 3.0


def test_nothing_has_no_numbers() -> None:
    found = summarise([], strata=(10,), wall_seconds=0.0)
    assert (found.n, found.mae, found.rmse, found.images_per_second) == (0, None, None, None)


@given(st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=40))
def test_the_root_lies_between_the_mean_and_the_largest(errors: list[float]) -> None:
    root = root_mean_square(errors)
    assert root is not None
    largest = max(abs(error) for error in errors)
    assert root <= largest * (1 + 1e-12)
    assert root >= sum(abs(error) / len(errors) for error in errors) * (1 - 1e-12)
