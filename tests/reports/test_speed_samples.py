"""The figures of a run, and what a baseline keeps of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.baseline import read
from reports.promotion import Promotion
from reports.reasons import Reason
from reports.record import RunRecord
from reports.speed_samples import MOST_KEPT, kept, speed_samples, thinned
from reports.timing import Timing
from reports.timings_file import append_timing


def timing(scenario: str = "single-stream", depth: int = 1, n: int = 40, **fields: object) -> Timing:
    values: dict[str, object] = {
        "case": "mcnn-synthetic",
        "backend": "ckpt",
        "scenario": scenario,
        "depth": depth,
        "samples": tuple(0.01 + 1e-5 * (number % 7) + 1e-13 for number in range(n)),
        "intervals": (0.01,) * n,
        **fields,
    }
    return Timing(**values)  # type: ignore[arg-type]


def test_latency_is_judged_alone_and_throughput_in_flight() -> None:
    found = speed_samples([timing(), timing("pipelined", 4), timing("sweep", 8)])
    assert [figure.metric for figure in found] == ["latency/single-stream", "throughput/pipelined-4"]
    assert [figure.unit for figure in found] == ["s", "images/s"]
    assert [figure.worse for figure in found] == [1, -1]
    assert found[0].samples == timing().samples
    assert found[1].samples == pytest.approx([100.0] * 8)


def test_too_few_answers_are_no_rate() -> None:
    assert speed_samples([timing("pipelined", 16, n=15)]) == ()


@given(st.integers(0, 5000), st.integers(2, 1000))
def test_thinning_keeps_the_order_the_ends_and_the_distances(n: int, most: int) -> None:
    samples = list(range(n))
    found = list(thinned([float(value) for value in samples], most))
    assert len(found) == min(n, most)
    assert found == sorted(set(found))
    if n:
        assert (found[0], found[-1]) == (0.0, n - 1)
        gaps = {int(after - before) for before, after in pairwise(found)}
        assert not gaps or max(gaps) - min(gaps) <= 1


def test_a_baseline_keeps_a_bounded_number_of_samples_to_the_nanosecond() -> None:
    (figure,) = speed_samples([timing(n=3 * MOST_KEPT)])
    stored = kept(figure)
    assert stored.n == 3 * MOST_KEPT
    assert len(stored.samples) == MOST_KEPT
    assert stored.samples[0] == 0.01
    assert all(value == round(value, 9) for value in stored.samples)


def test_promotion_takes_the_speed_along_one_line_a_figure(
    finished: Callable[..., RunRecord], promote_it: Callable[..., Promotion], folder: Path
) -> None:
    record = finished()
    for entry in (timing(), timing("pipelined", 4), timing("sweep", 2)):
        append_timing(record.folder, entry)
    done = promote_it(record, folder)
    stored = read(done.path)
    assert set(stored.speed) == {"latency/single-stream", "throughput/pipelined-4"}
    assert stored.speed["latency/single-stream"].n == 40
    lines = [line for line in done.path.read_text().splitlines() if "/single-stream" in line]
    assert len(lines) == 1


def test_what_disturbed_the_measurement_is_a_note_of_the_baseline(
    finished: Callable[..., RunRecord], promote_it: Callable[..., Promotion], folder: Path
) -> None:
    record = finished()
    append_timing(record.folder, timing(warnings=(Reason("throttled", "the chip was too hot"),)))
    notes = promote_it(record, folder).notes
    assert notes == ("its speed (single-stream) was measured under a warning: the chip was too hot",)


def test_a_run_without_measurements_is_promoted_without_speed(
    finished: Callable[..., RunRecord], promote_it: Callable[..., Promotion], folder: Path
) -> None:
    assert read(promote_it(finished(), folder).path).speed == {}
