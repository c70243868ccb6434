"""The arithmetic of an attribution: what telescopes, which images count, which factors a rung has."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.attribution import Absent, Factor
from reports.ladder import Counted, NoLadder, Step, attribute

COUNT = st.floats(-1e6, 1e6, allow_nan=False)
LATER: list[Factor] = ["ground-truth", "preprocessing", "framework", "precision", "runtime", "pipeline"]


def step(factor: Factor | None, predicted: list[float], true: float = 10.0, label: str = "") -> Step:
    names = [f"IMG_{number}" for number in range(1, len(predicted) + 1)]
    return Step(
        factor=factor,
        label=label or f"after {factor}",
        true=dict.fromkeys(names, true),
        counted={name: Counted(count) for name, count in zip(names, predicted, strict=True)},
    )


NAMES = ["IMG_1", "IMG_2", "IMG_3"]
START = step(None, [10.0, 12.0, 9.0], label="start")
SECOND = step("preprocessing", [10.0, 15.0, 9.0])
THIRD = step("precision", [11.0, 15.0, 9.0])


@given(
    st.integers(1, 9).flatmap(
        lambda n: st.lists(st.lists(COUNT, min_size=n, max_size=n), min_size=2, max_size=7)
    )
)
def test_the_rungs_sum_up_to_the_whole_difference(counts: list[list[float]]) -> None:
    steps = [step(LATER[at - 1] if at else None, row, true=float(at)) for at, row in enumerate(counts)]
    names = [f"IMG_{number}" for number in range(1, len(counts[0]) + 1)]
    found = attribute("case", names, steps)
    scale = max(abs(found.mae_start), abs(found.mae_end), *(rung.mae_after for rung in found.rungs), 1e-300)
    assert math.fsum(rung.mae_change for rung in found.rungs) == pytest.approx(
        found.mae_change, rel=1e-9, abs=1e-9 * scale
    )
    assert math.fsum(rung.bias_change for rung in found.rungs) == pytest.approx(
        found.bias_change, rel=1e-9, abs=1e-9 * scale
    )
    assert found.mae_change == found.mae_end - found.mae_start
    for before, after in pairwise(found.rungs):
        assert (before.after, before.mae_after) == (after.before, after.mae_before)
    for rung in found.rungs:
        assert rung.mae_low is None or rung.mae_low <= rung.mae_high  # type: ignore[operator]


def test_a_rung_holds_the_change_of_its_own_factor() -> None:
    found = attribute("case", NAMES, [START, SECOND, THIRD])
    pads, half = found.rungs
    assert (pads.factors, half.factors) == (("preprocessing",), ("precision",))
    assert (pads.changed, [moved.image for moved in pads.moved]) == (1, ["IMG_2"])
    assert (pads.moved[0].old, pads.moved[0].new, pads.moved[0].difference) == (12.0, 15.0, 3.0)
    assert [pads.mae_change, pads.bias_change] == pytest.approx([1.0, 1.0])
    assert [half.mae_change, half.bias_change] == pytest.approx([1 / 3, 1 / 3])
    assert (found.start, found.end) == ("start", "after precision")
    assert (found.n, found.expected, found.warnings) == (3, 3, ())


def test_an_image_that_moved_by_rounding_is_not_counted() -> None:
    found = attribute("case", NAMES, [START, step("framework", [10.0 * (1 + 9e-6), 12.0, 9.0 * (1 + 2e-5)])])
    assert [moved.image for moved in found.rungs[0].moved] == ["IMG_3"]


def test_the_rung_of_the_ground_truth_rule_shows_true_counts() -> None:
    after = step("ground-truth", [10.0, 12.0, 9.0], true=8.0)
    rung = attribute("case", NAMES, [START, after]).rungs[0]
    assert {(moved.old, moved.new) for moved in rung.moved} == {(10.0, 8.0)}
    assert rung.bias_change == pytest.approx(2.0)


def test_a_step_that_is_absent_is_merged_into_the_next() -> None:
    absent = Absent("framework", "no ONNX")
    found = attribute("case", NAMES, [START, SECOND, absent, THIRD])
    assert [rung.factors for rung in found.rungs] == [("preprocessing",), ("framework", "precision")]
    assert found.absent == (absent,)


def test_a_step_outside_the_ladder_is_in_no_rung() -> None:
    ladder: list[Step | Absent] = [
        Absent("preprocessing", "no MindSpore", "outside"),
        START,
        Absent("framework", "none", "none"),
        THIRD,
    ]
    found = attribute("case", NAMES, [*ladder, Absent("runtime", "no OM", "outside")])
    assert [rung.factors for rung in found.rungs] == [("precision",)]
    assert [absent.factor for absent in found.absent] == ["preprocessing", "framework", "runtime"]


def test_only_images_that_every_step_has_are_used_and_the_others_are_told() -> None:
    torn = Step(
        factor="preprocessing",
        label="pad-1024",
        true=SECOND.true,
        counted={name: SECOND.counted[name] for name in ("IMG_1", "IMG_3")},
        failures={"IMG_2": "not-finite: 1 of 9 values"},
    )
    found = attribute("case", NAMES, [START, torn, THIRD], ["limited"])
    assert (found.n, found.expected) == (2, 3)
    assert found.rungs[0].n == 2
    limited, lost = found.warnings
    assert limited == "limited"
    assert lost == "left out, 1 of 3 images without a count on pad-1024: IMG_2 (not-finite: 1 of 9 values)"


def test_an_image_whose_data_changed_between_two_steps_is_left_out() -> None:
    before = step(None, [10.0, 12.0])
    first = {**before.counted, "IMG_1": Counted(10.0, "aaaa"), "IMG_2": Counted(12.0, "cccc")}
    second = {**before.counted, "IMG_1": Counted(10.0, "bbbb"), "IMG_2": Counted(13.0, "cccc")}
    steps = [
        Step(factor=None, label="a", true=before.true, counted=first),
        Step(factor="runtime", label="b", true=before.true, counted=second),
        Step(factor="pipeline", label="c", true=before.true, counted=before.counted),
    ]
    found = attribute("case", ["IMG_1", "IMG_2"], steps)
    assert found.n == 1
    assert "data changed between two steps: IMG_1" in found.warnings[0]


@pytest.mark.parametrize(
    ("ladder", "said"),
    [
        ([START, Absent("preprocessing", "the images are gone", "outside")], "the images are gone"),
        ([], "fewer than two"),
        ([START, step("precision", [])], "no image went through every step"),
    ],
)
def test_no_ladder_says_why(ladder: list[Step | Absent], said: str) -> None:
    with pytest.raises(NoLadder, match=said):
        attribute("case", NAMES, ladder)


def test_one_image_has_no_interval() -> None:
    rung = attribute("case", ["IMG_2"], [START, SECOND]).rungs[0]
    assert (rung.mae_low, rung.mae_high, rung.bias_low) == (None, None, None)
    assert rung.mae_change == pytest.approx(3.0)
