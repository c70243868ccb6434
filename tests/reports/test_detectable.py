from __future__ import annotations

import math

import numpy as np
import pytest

from reports.detectable import PLANNED, Needed, detectable, fewest, needed, reach


def test_the_fewest_samples_of_a_rank_test() -> None:
    assert [fewest(alpha) for alpha in (0.05, 0.05 / 6, 0.05 / 20)] == [4, 5, 6]


def test_what_is_detectable_is_detected_in_four_of_five() -> None:
    generator = np.random.default_rng(0)
    shift = math.log1p(detectable(0.01, 0.05))
    found = np.abs(generator.normal(shift, 0.01, 20_000)) > 1.96 * 0.01
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_the_asked_number_gives_the_asked_spread() -> None:
    more = needed(0.02, 0.02, 100, 100, 0.0, 0.05, 0.05)
    assert more is not None
    new, old = 100 + more.new, 100 + more.old
    spread = math.sqrt(0.04 / new + 0.04 / old)
    assert spread <= math.log1p(0.05) / reach(0.05, PLANNED) <= spread * 1.02


def test_a_long_baseline_asks_only_the_run() -> None:
    more = needed(0.002, 0.03, 5000, 20, 0.0, 0.05, 0.05)
    assert more is not None
    assert more.old == 0
    assert more.new > 0


def test_runs_that_differ_too_much_ask_for_nothing() -> None:
    assert needed(0.01, 0.01, 100, 100, 0.03, 0.05, 0.05) is None
    assert needed(0.001, 0.001, 100, 100, 0.0, 0.05, 0.05) == Needed(1, 0)
