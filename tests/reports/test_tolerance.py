from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.tolerance import Gate, HalfDeviation, MapPair, Rule, summarise_deviation


def pair(
    image: str, count: float, other: float, relative_l2: float | None = 0.0, identical: bool = False
) -> MapPair:
    return MapPair(
        image=image,
        count=count,
        other_count=other,
        identical=identical,
        relative_l2=relative_l2,
        cosine=1.0,
        game=(0.0, 0.0, 0.0),
    )


def deviation(image: str, count: float, difference: float, relative_l2: float = 0.0) -> HalfDeviation:
    return HalfDeviation(image, count, count + difference, relative_l2)


def test_two_fp32_sides_may_differ_by_a_ten_thousandth_of_the_count_or_of_one_person() -> None:
    gate = Gate([pair("a", 5000.0, 5000.0), pair("b", 0.0, 0.2)], [], halves=0)
    assert [gate.allowed(each) for each in (pair("a", 0, 5000.0), pair("b", 0, 0.2))] == pytest.approx(
        [0.5, 1e-4]
    )
    assert gate.tolerance.deviation is None


def test_an_image_gets_its_own_deviation_where_that_is_the_larger() -> None:
    found = [deviation("a", 100.0, 4.0), deviation("b", 100.0, 0.0), deviation("c", 100.0, 0.0)]
    gate = Gate([pair("a", 100.0, 100.0)], found, halves=1)
    rms = math.sqrt(16 / 3)
    assert gate.allowed(pair("a", 0, 100.0)) == pytest.approx(0.01 + 3 * 4.0)
    assert gate.allowed(pair("b", 0, 100.0)) == pytest.approx(0.01 + 3 * rms)


def test_a_deviation_that_is_zero_by_chance_leaves_the_usual_one_and_in_proportion_above_the_usual_count() -> (
    None
):
    found = [
        deviation("small", 10.0, 0.0),
        deviation("usual", 100.0, 1.0),
        deviation("large", 1000.0, 0.0),
    ]
    gate = Gate([pair("usual", 100.0, 100.0)], found, halves=1, rule=Rule(same=0.0))
    rms, usual = math.sqrt(1 / 3), math.sqrt((100 + 10_000 + 1_000_000) / 3)
    assert gate.allowed(pair("small", 0, 10.0)) == pytest.approx(3 * rms)
    assert gate.allowed(pair("large", 0, 1000.0)) == pytest.approx(3 * rms * 1000 / usual)


def test_a_small_counts_large_relative_deviation_does_not_widen_the_tolerance_of_a_crowd() -> None:
    found = [deviation("small", 1.0, 0.5), deviation("crowd", 1000.0, 0.5)]
    gate = Gate([pair("crowd", 1000.0, 1000.0)], found, halves=1)
    assert gate.allowed(pair("crowd", 0, 1000.0)) < 3.0  # the largest relative deviation would allow 1500


def test_two_halves_may_be_twice_as_far_apart() -> None:
    found = [deviation("a", 100.0, 1.0, 0.01)]
    one, two = (Gate([pair("a", 100.0, 100.0)], found, halves=number).tolerance for number in (1, 2))
    assert two.highest - 0.01 == pytest.approx(2 * (one.highest - 0.01))
    assert two.relative_l2 - 1e-3 == pytest.approx(2 * (one.relative_l2 - 1e-3))


def test_the_deviation_is_summed_up() -> None:
    found = summarise_deviation([deviation("a", 1.0, -3.0, 0.2), deviation("b", 1.0, 1.0, 0.1)])
    assert (found.n, found.rms, found.largest, found.largest_relative_l2) == (2, math.sqrt(5), 3.0, 0.2)


@given(
    count=st.floats(0, 5000),
    shift=st.floats(-500, 500).filter(lambda value: abs(value) > 1e-6),
    own=st.floats(1e-4, 50),
    distance=st.floats(0, 2),
    halves=st.integers(0, 2),
)
def test_what_is_named_would_have_passed_and_little_less_would_not(
    count: float, shift: float, own: float, distance: float, halves: int
) -> None:
    pairs = [pair("a", count + shift, count, distance), pair("b", count, count, 0.0)]
    found = [deviation("a", count, own), deviation("b", count, -own)]
    excess = Gate(pairs, found, halves).excess()
    if excess is None:
        return
    named, usual = excess.would_pass, Rule()
    rule = Rule(
        factor=named.factor or usual.factor,
        same=named.same or usual.same,
        same_map=max(usual.same_map, named.relative_l2 or 0.0),
    )
    assert Gate(pairs, found, halves, rule).excess() is None
    for value, name in ((named.factor, "factor"), (named.same, "same"), (named.relative_l2, "relative L2")):
        assert value is None or f"{value:g}" in excess.text, name
    less = Rule(factor=rule.factor * 0.98, same=rule.same if named.factor else rule.same * 0.98, same_map=2.0)
    if named.counts:
        assert named.image == "a"
        assert named.counts >= abs(pairs[0].count - pairs[0].other_count) * (1 - 1e-9)
        assert Gate(pairs, found, halves, less).excess() is not None


def test_where_fp16_changes_nothing_the_counts_are_named_alone() -> None:
    excess = Gate([pair("a", 103.0, 100.0)], [deviation("a", 100.0, 0.0)], halves=1).excess()
    assert excess is not None
    assert (excess.would_pass.factor, excess.would_pass.counts) == (None, 3.0)
    assert "3.00 counts would have passed" in excess.text


def test_the_map_has_a_gate_of_its_own() -> None:
    gate = Gate([pair("a", 100.0, 100.0, 0.02), pair("b", 100.0, 100.0, None)], [], halves=0)
    excess = gate.excess()
    assert excess is not None
    assert "1 of 2 images have maps further apart than allowed, a the most: relative L2 0.02" in excess.text
    assert (excess.would_pass.relative_l2, excess.would_pass.counts) == (0.02, None)
