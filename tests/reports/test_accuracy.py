from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import pytest

from reports.accuracy import compare_accuracy
from reports.baseline import Baseline, BaselineDigests, BaselineImage
from reports.errors import ReportError
from reports.image import ImageRecord
from reports.reasons import TITLES, ReasonCode
from reports.summary import summarise
from reports.verdict import Context, Gate, Status, Verdict, cannot_tell, worst

Image = Callable[..., ImageRecord]
NAMES = tuple(f"IMG_{n}" for n in range(1, 25))
MAE_GATE = (Gate("mae", 1.0, "counts"),)


@pytest.fixture
def images(image: Image) -> list[ImageRecord]:
    """24 images of 100 people each, overcounted by 5: MAE 5, MSE (root) 5."""
    return [image(name, 105.0, 100.0) for name in NAMES]


def baseline_of(images: Sequence[ImageRecord], **fields: object) -> Baseline:
    values: dict[str, object] = {
        "schema": 1,
        "case": "mcnn-synthetic",
        "backend": "ckpt",
        "soc": "cpu",
        "precision": "fp32",
        "run": "old-run",
        "who": "w",
        "when": "2026-11-22T00:00:00.000000Z",
        "reason": "r",
        "digests": BaselineDigests(case="c1"),
        "summary": summarise(images),
        "images": {
            image.image: BaselineImage(
                digest=image.digest or "",
                predicted_count=image.predicted_count or 0.0,
                true_count=image.true_count or 0.0,
                metrics=image.metrics,
            )
            for image in images
        },
        **fields,
    }
    return Baseline(**values)  # type: ignore[arg-type]


def context(**fields: object) -> Context:
    values: dict[str, object] = {
        "run": "new-run",
        "case": "mcnn-synthetic",
        "backend": "ckpt",
        "soc": "cpu",
        "case_digest": "c1",
        "expected": NAMES,
        "same_machine": True,
        **fields,
    }
    return Context(**values)  # type: ignore[arg-type]


def moved(images: Sequence[ImageRecord], **by: float) -> list[ImageRecord]:
    """The images with the counts of some of them moved: IMG_3=+2.0."""
    return [
        msgspec.structs.replace(
            image, predicted_count=(image.predicted_count or 0.0) + by.get(image.image, 0.0)
        )
        for image in images
    ]


def all_moved(images: Sequence[ImageRecord], by: float) -> list[ImageRecord]:
    return moved(images, **dict.fromkeys(NAMES, by))


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


# --- comparing what can be compared ---


def test_the_same_counts_pass_without_a_reason(images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(baseline_of(images), images, MAE_GATE, context())
    assert (verdict.status, verdict.reasons, verdict.changed, verdict.n) == (Status.PASS, (), 0, 24)
    number = verdict.number("mae")
    assert number is not None
    assert (number.old, number.new, number.difference, number.low, number.high) == (5.0, 5.0, 0.0, 0.0, 0.0)
    assert (number.gated, number.tolerance, number.allowed) == (True, 1.0, 1.0)
    rmse = verdict.number("rmse")
    assert rmse is not None
    assert not rmse.gated


def test_rounding_is_no_change(images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(baseline_of(images), all_moved(images, 0.001), MAE_GATE, context())
    assert (verdict.status, verdict.changed, verdict.moved) == (Status.PASS, 0, ())


def test_a_small_change_on_the_same_machine_is_a_drift_and_elsewhere_numerics(
    images: list[ImageRecord],
) -> None:
    new = all_moved(images, 0.05)
    here = compare_accuracy(baseline_of(images), new, MAE_GATE, context(same_machine=True))
    there = compare_accuracy(baseline_of(images), new, MAE_GATE, context(same_machine=False))
    assert (here.status, here.changed) == (Status.DRIFT, 24)
    assert (there.status, there.changed, there.within_numerics) == (Status.PASS, 0, 24)
    assert codes(there) == ["within-numerics"]
    assert "0.048 %" in there.reasons[0].message
    assert there.largest_relative_change == pytest.approx(0.05 / 105.05)


def test_beyond_numerics_is_a_change_on_any_machine(images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(
        baseline_of(images), all_moved(images, 0.2), MAE_GATE, context(same_machine=False)
    )
    assert (verdict.status, verdict.changed, verdict.within_numerics) == (Status.DRIFT, 24, 0)


@pytest.mark.parametrize(
    ("by", "status"),
    [
        (0.5, Status.DRIFT),
        (1.0, Status.DRIFT),
        (1.01, Status.REGRESSED),
        (-0.5, Status.IMPROVED),
        (-2.0, Status.IMPROVED),
    ],
)
def test_the_gate_decides(images: list[ImageRecord], by: float, status: Status) -> None:
    verdict = compare_accuracy(baseline_of(images), all_moved(images, by), MAE_GATE, context())
    assert verdict.status is status


def test_severity_follows_the_size_of_the_damage(images: list[ImageRecord]) -> None:
    order = [Status.PASS, Status.DRIFT, Status.REGRESSED]
    found = [
        compare_accuracy(baseline_of(images), all_moved(images, by), MAE_GATE, context()).status
        for by in (0.0, 0.3, 3.0)
    ]
    assert found == order


def test_one_image_beyond_the_gate_is_regressed_though_the_interval_includes_zero(
    images: list[ImageRecord],
) -> None:
    verdict = compare_accuracy(baseline_of(images), moved(images, IMG_7=48.0), MAE_GATE, context())
    assert verdict.status is Status.REGRESSED
    message = verdict.reasons[0].message
    assert "MAE rose by 2.00 counts (5.00 -> 7.00), beyond the gate of 1 counts" in message
    assert "exact on these 24 images" in message
    assert "includes 0" in message
    assert [item.image for item in verdict.moved] == ["IMG_7"]
    assert "IMG_7 (+48.00)" in verdict.reasons[0].advice


def test_the_five_that_moved_most_are_named_in_order(images: list[ImageRecord]) -> None:
    new = moved(images, IMG_1=1.0, IMG_2=-9.0, IMG_3=3.0, IMG_4=4.0, IMG_5=5.0, IMG_6=6.0)
    verdict = compare_accuracy(baseline_of(images), new, MAE_GATE, context())
    assert [item.image for item in verdict.moved] == ["IMG_2", "IMG_6", "IMG_5", "IMG_4", "IMG_3"]
    assert (verdict.moved[0].old, verdict.moved[0].new, verdict.moved[0].difference) == (105.0, 96.0, -9.0)
    assert verdict.changed == 6


def test_a_tolerance_in_percent_is_of_the_baselines_value(images: list[ImageRecord]) -> None:
    gates = (Gate("mae", 10.0, "%"),)
    at = compare_accuracy(baseline_of(images), all_moved(images, 0.4), gates, context())
    over = compare_accuracy(baseline_of(images), all_moved(images, 0.6), gates, context())
    assert (at.status, over.status) == (Status.DRIFT, Status.REGRESSED)
    number = over.number("mae")
    assert number is not None
    assert number.allowed == pytest.approx(0.5)


def test_many_changes_that_cancel_are_a_drift_and_few_are_told(images: list[ImageRecord]) -> None:
    half = {name: (4.0 if n % 2 else -4.0) for n, name in enumerate(NAMES)}
    many = compare_accuracy(baseline_of(images), moved(images, **half), MAE_GATE, context())
    few = compare_accuracy(baseline_of(images), moved(images, IMG_1=-1.0), MAE_GATE, context())
    assert (many.status, codes(many)) == (Status.DRIFT, ["many-images-changed"])
    assert (few.status, codes(few)) == (Status.PASS, ["few-images-changed"])


def test_a_worse_metric_is_not_hidden_by_a_better_one(image: Image) -> None:
    old = [image(name, 100.0 + 4 * (n % 2), 100.0) for n, name in enumerate(NAMES)]
    new = [image(name, 101.0 if n else 120.0, 100.0) for n, name in enumerate(NAMES)]
    gates = (Gate("mae", 0.1, "counts"), Gate("rmse", 0.1, "counts"))
    verdict = compare_accuracy(baseline_of(old), new, gates, context())
    assert verdict.status is Status.REGRESSED
    assert "MSE (root) rose" in verdict.reasons[0].message


def test_one_image_can_have_a_gate_of_its_own(images: list[ImageRecord]) -> None:
    new = moved(images, IMG_3=-9.0, IMG_4=9.0)
    gates = (Gate("mae", 50.0, "counts"), Gate("max_count_change", 8.0, "counts"))
    verdict = compare_accuracy(baseline_of(images), new, gates, context())
    assert verdict.status is Status.REGRESSED
    assert "the count of IMG_3 changed by -9.00 (105.00 -> 96.00)" in verdict.reasons[0].message
    wide = (Gate("mae", 50.0, "counts"), Gate("max_count_change", 9.0, "%"))
    assert compare_accuracy(baseline_of(images), new, wide, context()).status is not Status.REGRESSED


def test_a_density_map_that_moved_is_seen_though_no_count_did(
    image: Image, images: list[ImageRecord]
) -> None:
    new = [msgspec.structs.replace(item, metrics={**item.metrics, "ssim": 0.7}) for item in images]
    verdict = compare_accuracy(baseline_of(images), new, (Gate("ssim", 0.1, "counts"),), context())
    assert verdict.status is Status.REGRESSED
    assert "SSIM fell by 0.20" in verdict.reasons[0].message


def test_a_gated_metric_that_nobody_recorded_is_no_pass(images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(baseline_of(images), images, (Gate("game3", 1.0, "counts"),), context())
    assert verdict.status is Status.CANNOT_TELL


# --- what forbids a pass ---


def test_without_a_baseline_the_command_that_records_one_is_given(images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(None, images, MAE_GATE, context())
    assert (verdict.status, codes(verdict)) == (Status.CANNOT_TELL, ["no-baseline"])
    assert "omgate baseline promote new-run --reason TEXT" in verdict.reasons[0].advice
    number = verdict.number("mae")
    assert number is not None
    assert (number.old, number.new) == (None, 5.0)


@pytest.mark.parametrize(
    ("run", "base"), [("emulated", "Ascend310"), ("Ascend310", "emulated"), ("emulated", "cpu")]
)
def test_emulated_and_device_are_never_compared(images: list[ImageRecord], run: str, base: str) -> None:
    verdict = compare_accuracy(baseline_of(images, soc=base), images, MAE_GATE, context(soc=run))
    assert (verdict.status, codes(verdict)) == (Status.CANNOT_TELL, ["emulated-vs-device"])


def test_another_soc_is_the_question_and_no_reason_to_refuse(images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(
        baseline_of(images, soc="Ascend310"), images, MAE_GATE, context(soc="Ascend310P")
    )
    assert verdict.status is Status.PASS


def test_another_case_definition_is_not_compared(images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(baseline_of(images), images, MAE_GATE, context(case_digest="c2"))
    assert (verdict.status, codes(verdict)) == (Status.CANNOT_TELL, ["case-differs"])


def test_images_whose_data_differ_are_named(images: list[ImageRecord]) -> None:
    new = [msgspec.structs.replace(i, digest="other") if i.image in ("IMG_2", "IMG_9") else i for i in images]
    verdict = compare_accuracy(baseline_of(images), new, MAE_GATE, context())
    assert (verdict.status, codes(verdict)) == (Status.CANNOT_TELL, ["data-differs"])
    assert "IMG_2, IMG_9" in verdict.reasons[0].message
    assert verdict.n == 22


def test_data_that_are_not_known_are_not_the_same(images: list[ImageRecord]) -> None:
    new = [msgspec.structs.replace(images[0], digest=None), *images[1:]]
    assert codes(compare_accuracy(baseline_of(images), new, MAE_GATE, context())) == ["data-differs"]


def test_an_image_more_or_less_is_other_data(image: Image, images: list[ImageRecord]) -> None:
    more = compare_accuracy(
        baseline_of(images), [*images, image("IMG_99")], MAE_GATE, context(expected=(*NAMES, "IMG_99"))
    )
    less = compare_accuracy(baseline_of(images), images[:-1], MAE_GATE, context(expected=NAMES[:-1]))
    assert "1 image not in the baseline: IMG_99" in more.reasons[0].message
    assert "1 image of the baseline not in the data: IMG_24" in less.reasons[0].message
    assert more.status is less.status is Status.CANNOT_TELL


@pytest.mark.parametrize(
    "reason", ["bad-image", "worker-died", "worker-timeout", "missing-truth", "something-new"]
)
def test_a_failed_image_never_passes(image: Image, images: list[ImageRecord], reason: str) -> None:
    failed = image("IMG_1", status="failed", reason=reason, detail="what was seen", predicted_count=None)
    verdict = compare_accuracy(baseline_of(images), [failed, *images[1:]], MAE_GATE, context())
    assert verdict.status is Status.CANNOT_TELL
    assert f"1 of 24 images failed ({reason}): IMG_1: what was seen" in verdict.reasons[0].message
    assert verdict.n == 23


def test_a_nan_never_passes_and_is_named(image: Image, images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(
        baseline_of(images), [*images[:-1], image("IMG_24", math.nan)], MAE_GATE, context()
    )
    assert (verdict.status, codes(verdict)) == (Status.CANNOT_TELL, ["not-finite"])
    assert "IMG_24: predicted_count is nan" in verdict.reasons[0].message


def test_a_missing_result_never_passes(images: list[ImageRecord]) -> None:
    verdict = compare_accuracy(baseline_of(images), images[:20], MAE_GATE, context())
    assert (verdict.status, codes(verdict)) == (Status.CANNOT_TELL, ["incomplete-run"])
    assert "4 of 24 images have no result: IMG_21, IMG_22, IMG_23, IMG_24" in verdict.reasons[0].message
    assert compare_accuracy(baseline_of(images), [], MAE_GATE, context()).status is Status.CANNOT_TELL


def test_what_regressed_without_the_failed_image_is_regressed(
    image: Image, images: list[ImageRecord]
) -> None:
    failed = image("IMG_1", status="failed", reason="worker-died", predicted_count=None)
    verdict = compare_accuracy(
        baseline_of(images), [failed, *all_moved(images, 3.0)[1:]], MAE_GATE, context()
    )
    assert (verdict.status, codes(verdict)) == (Status.REGRESSED, ["gate-exceeded", "worker-died"])


@pytest.mark.parametrize("by", [0.0, 3.0, -3.0])
def test_a_limited_run_shows_its_numbers_and_never_passes(images: list[ImageRecord], by: float) -> None:
    limited = context(expected=NAMES[:3], limited=True)
    verdict = compare_accuracy(baseline_of(images), all_moved(images, by)[:3], MAE_GATE, limited)
    assert (verdict.status, verdict.reasons[0].code) == (Status.CANNOT_TELL, "limited-run")
    number = verdict.number("mae")
    assert number is not None
    assert (verdict.n, number.difference) == (3, pytest.approx(by))


def test_without_a_gate_nothing_passes(images: list[ImageRecord]) -> None:
    assert codes(compare_accuracy(baseline_of(images), images, (), context())) == ["no-gate"]


def test_records_of_other_pairs_are_left_out(image: Image, images: list[ImageRecord]) -> None:
    other = image("IMG_1", 999.0, 100.0, backend="reference")
    assert compare_accuracy(baseline_of(images), [*images, other], MAE_GATE, context()).status is Status.PASS


@pytest.mark.parametrize(
    ("gate", "text"),
    [
        (Gate("maee", 1.0, "counts"), "allowed: mae"),
        (Gate("mae", -1.0, "counts"), "a number from 0 up"),
        (Gate("mae", math.nan, "%"), "a number from 0 up"),
        (Gate("mae", 1.0, "heads"), "allowed: counts, %"),  # type: ignore[arg-type]
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(images: list[ImageRecord], gate: Gate, text: str) -> None:
    with pytest.raises(ReportError, match=text):
        compare_accuracy(baseline_of(images), images, (gate,), context())


def test_the_worst_of_many() -> None:
    order = [Status.REGRESSED, Status.CANNOT_TELL, Status.DRIFT, Status.IMPROVED, Status.PASS]
    for place, status in enumerate(order):
        assert worst([*reversed(order[place:])]) is status
    assert worst([]) is Status.CANNOT_TELL
    assert worst([cannot_tell(ReasonCode.BACKEND_UNAVAILABLE, "m"), Status.PASS]) is Status.CANNOT_TELL


def test_every_reason_has_a_title_in_both_languages() -> None:
    assert set(TITLES) == set(ReasonCode)
    assert all(english.isascii() and not chinese.isascii() for english, chinese in TITLES.values())
