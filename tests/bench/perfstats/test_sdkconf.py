"""sdk.conf by the SDK's rules, edits that change one value alone, and how long to measure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.perfstats.plan import FULL_WINDOWS, plan
from bench.perfstats.sdkconf import edit, parse
from cases.errors import OmgateError

SHIPPED = b"# statistics\nenable_ps=false\nps_log_dir=logs # here\nps_log_filename=performance-statistics.log\nps_interval_time=60\nps_queue_size_times=100\n"


def test_the_first_key_counts_and_a_comment_ends_a_line() -> None:
    found = parse(SHIPPED + b"ps_interval_time=5\n")
    assert (found.interval_seconds, found.log_dir, found.enable_ps) == (60, "logs", False)


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (b"", 1),
        (b"ps_interval_time=x\n", 1),
        (b"ps_interval_time=6s\n", 6),
        (b"ps_interval_time=99999999\n", 86400),
        (b"ps_interval_time=0\n", 1),
    ],
)
def test_what_is_missing_or_unreadable_is_the_smallest(content: bytes, seconds: int) -> None:
    assert parse(content).interval_seconds == seconds


@pytest.mark.parametrize(
    ("text", "on"), [(b"true", True), (b"TRUE", True), (b"1", False), (b"yes", False), (b"true\r", False)]
)
def test_only_the_words_true_and_false_are_booleans(text: bytes, on: bool) -> None:
    assert parse(b"enable_ps=" + text + b"\n").enable_ps is on


def test_a_file_that_cannot_be_loaded_leaves_statistics_off_under_another_name() -> None:
    found = parse(b"enable_ps=true\n" + b"#" * 10_001)
    assert (found.enable_ps, found.log_filename) == (False, "performance—statistics.log")


def test_an_edit_keeps_every_other_byte() -> None:
    edited = edit(SHIPPED, {"enable_ps": True, "ps_max_log_size": 20})
    assert edited == SHIPPED.replace(b"enable_ps=false", b"enable_ps=true") + b"ps_max_log_size=20\n"


@given(st.binary(max_size=300), st.integers(1, 86400))
def test_what_was_edited_is_what_is_read(content: bytes, seconds: int) -> None:
    found = parse(edit(content, {"enable_ps": True, "ps_interval_time": seconds}))
    assert (found.enable_ps, found.interval_seconds) == (True, seconds)


def test_a_value_that_would_be_cut_off_is_refused() -> None:
    with pytest.raises(OmgateError, match="begins a comment"):
        edit(SHIPPED, {"ps_log_dir": "a#b"})


@given(st.integers(1, 5000), st.floats(1e-4, 100))
def test_a_plan_has_its_full_windows(images: int, seconds: float) -> None:
    found = plan(images, seconds)
    assert found.interval_seconds >= 1
    assert found.passes * images * seconds >= (FULL_WINDOWS + 2) * found.interval_seconds - 1e-6
    assert found.seconds == (FULL_WINDOWS + 2) * found.interval_seconds
    assert found.interval_seconds >= min(seconds, 86400)


def test_nothing_to_plan() -> None:
    with pytest.raises(OmgateError, match="nothing to plan"):
        plan(0, 1.0)
