"""The SDK's numbers held against the harness's own: doubts become warnings."""

from __future__ import annotations

import pytest

from bench.perfstats.checks import checked, cross_check
from bench.perfstats.measure import image_seconds
from bench.perfstats.passes import Sent
from bench.perfstats.plan import FULL_WINDOWS
from cases.errors import OmgateError
from reports.perfstats import Entry, PerfStats, Window


def windows(counts: list[int], mean_us: float = 10_000.0) -> list[Window]:
    """Windows of these counts, the first and the last left out of the steady state."""
    return [
        Window(
            kind="e2e",
            stream="s",
            start_seconds=number,
            count=count,
            mean_us=mean_us if count else None,
            kept=0 < number < len(counts) - 1,
        )
        for number, count in enumerate(counts)
    ]


def entry(counts: list[int], mean_us: float = 10_000.0) -> Entry:
    return Entry(
        case="c",
        backend="om-sdk",
        soc="emulated",
        interval_seconds=1,
        passes=1,
        method="own-config",
        drop_first=1,
        drop_last=1,
        result=PerfStats(processes=(), warnings=()),
        windows=tuple(windows(counts, mean_us)),
    )


def codes(found: Entry) -> list[str]:
    return [warning.reason for warning in found.result.warnings]


FULL = [3, *[5] * FULL_WINDOWS, 2]
SENT = 5 + 5 * FULL_WINDOWS


def test_what_agrees_has_no_warning() -> None:
    found = checked(entry(FULL), Sent(round_trips=[0.011] * SENT))
    assert codes(found) == []
    assert found.cross_check is not None
    assert found.cross_check.agrees


def test_the_same_images_are_compared() -> None:
    slow_ends = [1.0] * 3 + [0.011] * (SENT - 5) + [1.0] * 2
    check = cross_check(windows(FULL), Sent(round_trips=slow_ends))
    assert check is not None
    assert check.host_us == pytest.approx(11_000)
    assert (check.sdk_count, check.host_count) == (SENT - 5, SENT - 5)


@pytest.mark.parametrize(
    ("host_seconds", "said"),
    [(0.0094, ["clocks-differ"]), (0.0096, []), (0.0149, []), (0.021, ["mostly-outside"])],
)
def test_a_span_that_is_longer_than_what_contains_it_is_not_believed(
    host_seconds: float, said: list[str]
) -> None:
    found = checked(entry(FULL), Sent(round_trips=[host_seconds] * SENT))
    assert codes(found) == said


def test_lost_images_failed_ones_few_windows_and_a_lost_worker_are_said() -> None:
    sent = Sent(round_trips=[0.011] * 20, failed=2, problem="om-sdk was killed by signal 9")
    assert codes(checked(entry([3, 5, 5, 5]), sent)) == [
        "worker-lost",
        "images-failed",
        "images-differ",
        "few-windows",
    ]


def test_without_a_window_there_is_nothing_to_compare() -> None:
    found = checked(entry([3]), Sent(round_trips=[0.011] * 3))
    assert found.cross_check is None
    assert "few-windows" in codes(found)


def test_the_time_of_an_image_is_that_of_accuracys_images() -> None:
    assert image_seconds([{"infer": 0.5, "transfer": 0.25, "decode": 9.0}, {"decode": 1.0}]) == 0.75
    with pytest.raises(OmgateError, match="no image has a result"):
        image_seconds([{"decode": 1.0}])
