"""A measurement in short, its rates, and the knee of a sweep."""

from __future__ import annotations

import pytest

from reports.knee import knee, power
from reports.timing import WINDOW, Timing, TimingSummary, summarise_timing


def timing(samples: list[float], **fields: object) -> Timing:
    values: dict[str, object] = {
        "case": "c",
        "backend": "b",
        "scenario": "single-stream",
        "depth": 1,
        "samples": tuple(samples),
        **fields,
    }
    return Timing(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n", "supported"),
    [(1, ()), (63, ()), (64, ("p90",)), (130, ("p90", "p95")), (661, ("p90", "p95")), (662, ("p90", "p95", "p99"))],
)  # fmt: skip
def test_percentiles_are_there_where_the_samples_support_them(n: int, supported: tuple[str, ...]) -> None:
    summary = summarise_timing(timing([0.01 + 0.0001 * number for number in range(n)]))
    assert summary.n == n
    assert summary.median is not None
    assert tuple(name for name in ("p90", "p95", "p99") if getattr(summary, name) is not None) == supported


def test_without_samples_nothing_is_said() -> None:
    summary = summarise_timing(timing([]))
    assert (summary.n, summary.median, summary.mean, summary.minimum, summary.p90) == (
        0,
        None,
        None,
        None,
        None,
    )


def test_a_summary_is_of_the_devices_time_and_tells_the_way_beside_it() -> None:
    summary = summarise_timing(
        timing([0.01, 0.03, 0.02], round_trip=(0.05, 0.06, 0.07), warm_up=2, steady=False)
    )
    assert (summary.minimum, summary.median, summary.maximum) == (0.01, 0.02, 0.03)
    assert summary.round_trip == 0.06
    assert (summary.warm_up, summary.steady, summary.region) == (2, False, "infer")


def test_a_rate_spans_a_window_so_that_bursts_do_not_count() -> None:
    # Four answers at once, then a pause: 4 images in 40 ms, whatever the gaps.
    burst = (0.0399, 0.00003, 0.00003, 0.00004) * 10
    rates = timing([0.01] * 40, depth=8, scenario="pipelined", intervals=burst).rates()
    assert len(rates) == 5
    assert rates == pytest.approx([100.0] * 5)


def test_windows_are_never_shorter_than_a_few_answers() -> None:
    assert len(timing([0.01] * 12, intervals=(0.01,) * 12).rates()) == 12 // WINDOW
    assert timing([0.01] * 4, intervals=(0.01,) * 4).rates() == ()


def point(depth: int, rate: float | None, way: float | None) -> TimingSummary:
    return TimingSummary(
        case="c", backend="b", scenario="sweep", depth=depth, n=9, images_per_second=rate, round_trip=way
    )


def test_the_knee_of_a_device_with_four_places_is_four() -> None:
    # 10 ms an image, four at once: up to 4 each one more costs nothing, beyond it waits (Little's law: rate = depth / way).
    sweep = [point(depth, min(depth, 4) / 0.01, 0.01 * max(1, depth / 4)) for depth in (1, 2, 4, 8, 16)]
    assert knee(sweep) is sweep[2]


def test_the_knee_of_a_device_that_takes_one_at_a_time_is_one() -> None:
    sweep = [point(depth, 100.0, 0.01 * depth) for depth in (1, 2, 4)]
    assert knee(sweep) is sweep[0]


def test_a_little_more_throughput_does_not_buy_much_more_waiting() -> None:
    sweep = [point(4, 400.0, 0.010), point(8, 404.0, 0.020), point(16, 408.0, 0.039)]
    assert knee(sweep) is sweep[0]


def test_of_equals_the_smallest_depth_is_the_knee() -> None:
    assert knee([point(2, 200.0, 0.01), point(1, 200.0, 0.01)]) == point(1, 200.0, 0.01)


def test_without_numbers_there_is_no_knee() -> None:
    assert knee([]) is None
    assert knee([point(1, None, 0.01), point(2, 3.0, None)]) is None
    assert power(point(1, 0.0, 0.01)) is None
