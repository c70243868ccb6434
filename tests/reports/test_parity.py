from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import pytest

from reports.image import ImageRecord
from reports.parity import Comparison, Side, halves, judge
from reports.reasons import Reason, ReasonCode
from reports.tolerance import HalfDeviation, MapPair, Rule

Image = Callable[..., ImageRecord]
NAMES = ("IMG_1", "IMG_2", "IMG_3")


def side(backend: str, precision: str = "fp32", soc: str = "cpu", model: str | None = None) -> Side:
    return Side(backend=backend, soc=soc, precision=precision, model=model)


def pair(image: str, count: float = 101.0, other: float = 101.0, **fields: object) -> MapPair:
    values: dict[str, object] = {
        "identical": count == other,
        "relative_l2": abs(count - other) / other,
        "cosine": 1.0 if count == other else 0.999,
        "game": (1.0, 2.0, 3.0),
        **fields,
    }
    return MapPair(image=image, count=count, other_count=other, **values)  # type: ignore[arg-type]


@pytest.fixture
def comparison(image: Image) -> Callable[..., Comparison]:
    """ckpt against reference on three images that are the same; fields override, `mine` replaces records of ckpt by name."""

    def build(mine: dict[str, ImageRecord | None] | None = None, **fields: object) -> Comparison:
        chosen = {name: image(name) for name in NAMES} | (mine or {})
        values: dict[str, object] = {
            "run": "RUN",
            "case": "mcnn-synthetic",
            "side": side("ckpt"),
            "other": side("reference"),
            "expected": NAMES,
            "records": tuple(record for record in chosen.values() if record),
            "other_records": tuple(image(name, backend="reference") for name in NAMES),
            "pairs": tuple(pair(name) for name in NAMES),
            **fields,
        }
        return Comparison(**values)  # type: ignore[arg-type]

    return build


Build = Callable[..., Comparison]


def codes(found: Comparison) -> tuple[str, list[str]]:
    parity = judge(found)
    return parity.status, [reason.code for reason in parity.reasons]


def test_identical_maps_pass_and_are_called_identical(comparison: Build) -> None:
    parity = judge(comparison())
    assert (parity.status, parity.reasons, parity.all_identical) == ("pass", (), True)
    assert (parity.n, parity.identical, parity.max_difference, parity.worst) == (3, 3, 0.0, ())
    assert (parity.game1, parity.game2, parity.game3) == (1.0, 2.0, 3.0)


def test_a_shifted_image_is_beyond_and_the_tolerance_that_would_have_passed_is_named(
    comparison: Build,
) -> None:
    found = comparison(pairs=(pair("IMG_1"), pair("IMG_2", 104.0), pair("IMG_3")))
    parity = judge(found)
    assert parity.status == "regressed"
    assert parity.reasons[0].code == "parity-exceeded"
    assert "IMG_2 the most: 104 against 101, 3.00 apart, allowed 0.01" in parity.reasons[0].message
    assert "0.0298 of the count instead of 0.0001 would have passed" in parity.reasons[0].message
    assert parity.would_pass is not None
    assert parity.would_pass.same == 0.0298
    assert [image.image for image in parity.worst] == ["IMG_2"]
    assert parity.worst[0].difference == 3.0
    assert parity.worst[0].tolerance == pytest.approx(0.0101)
    assert judge(found, Rule(same=0.0298, same_map=1.0)).status == "pass"


def test_the_mean_is_shown_to_be_equivalent_where_no_common_offset_is_left(comparison: Build) -> None:
    pairs = tuple(
        pair(name, 101.0 + offset) for name, offset in zip(NAMES, (0.001, -0.001, 0.0005), strict=True)
    )
    found = judge(comparison(pairs=pairs)).equivalence
    assert found is not None
    assert found.equivalent
    assert found.margin == pytest.approx(1e-4 * 101)
    assert (found.samples, found.low is not None and found.low < 0.0005 / 3 < (found.high or 0)) == (3, True)


def test_a_common_offset_just_within_every_images_tolerance_passes_and_is_not_equivalent(
    comparison: Build,
) -> None:
    pairs = tuple(
        pair(name, 101.0 + offset) for name, offset in zip(NAMES, (0.0100, 0.0099, 0.0095), strict=True)
    )
    parity = judge(comparison(pairs=pairs))
    assert parity.status == "pass"
    assert parity.equivalence is not None
    assert not parity.equivalence.equivalent
    assert parity.equivalence.low is not None
    assert parity.equivalence.low > 0


def test_a_nan_on_one_side_is_a_failure(comparison: Build, image: Image) -> None:
    bad = image("IMG_2", math.nan, status="failed", reason="not-finite", detail="4 of 16 values are NaN")
    parity = judge(comparison(mine={"IMG_2": bad}, pairs=(pair("IMG_1"), pair("IMG_3"))))
    assert parity.status == "regressed"
    assert parity.reasons[0].code == "not-finite"
    assert (
        parity.reasons[0].message
        == "1 of 3 images are NaN or infinite on ckpt: IMG_2: 4 of 16 values are NaN"
    )


def test_a_nan_in_a_map_is_a_failure_and_not_in_the_numbers(comparison: Build) -> None:
    parity = judge(comparison(pairs=(pair("IMG_1"), pair("IMG_2", math.nan), pair("IMG_3"))))
    assert (parity.status, parity.reasons[0].code, parity.n) == ("regressed", "not-finite", 2)
    assert parity.max_difference == 0.0


@pytest.mark.parametrize(
    ("record", "code"),
    [(None, "incomplete-run"), ({"status": "failed", "reason": "worker-timeout"}, "worker-timeout")],
)
def test_an_image_that_one_side_lacks_is_a_failure(
    comparison: Build, image: Image, record: dict[str, object] | None, code: str
) -> None:
    lost = None if record is None else image("IMG_2", **record)
    found = comparison(mine={"IMG_2": lost}, pairs=(pair("IMG_1"), pair("IMG_3")))
    assert codes(found) == ("regressed", [code])
    assert "on ckpt: IMG_2" in judge(found).reasons[0].message


def test_what_neither_side_has_cannot_be_told(comparison: Build, image: Image) -> None:
    bad = {"status": "failed", "reason": "bad-image", "detail": "torn"}
    others = tuple(image(name, backend="reference", **(bad if name == "IMG_2" else {})) for name in NAMES)
    found = comparison(
        mine={"IMG_2": image("IMG_2", **bad)}, other_records=others, pairs=(pair("IMG_1"), pair("IMG_3"))
    )
    assert codes(found) == ("cannot-tell", ["bad-image"])
    assert "on both: IMG_2: torn" in judge(found).reasons[0].message


def test_a_backend_that_never_ran_is_not_one_that_answers_otherwise(comparison: Build, image: Image) -> None:
    failed = {"status": "failed", "reason": "backend-unavailable"}
    found = comparison(mine={name: image(name, **failed) for name in NAMES}, pairs=())
    assert codes(found) == ("cannot-tell", ["backend-unavailable"])


def test_another_geometry_is_a_failure_and_its_map_is_not_compared(comparison: Build, image: Image) -> None:
    moved = image("IMG_2", geometry={"policy": "pad-1024", "top": 2})
    parity = judge(comparison(mine={"IMG_2": moved}))
    assert (parity.status, parity.reasons[0].code, parity.n) == ("regressed", "geometry-differs", 2)
    assert "IMG_2: top 2 against 1" in parity.reasons[0].message


def test_other_data_and_lost_maps_cannot_be_told(comparison: Build, image: Image) -> None:
    assert codes(comparison(mine={"IMG_2": image("IMG_2", digest="other")})) == (
        "cannot-tell",
        ["data-differs"],
    )
    assert codes(comparison(pairs=(pair("IMG_1"), pair("IMG_3")))) == ("cannot-tell", ["map-missing"])
    assert codes(comparison(limited=True)) == ("cannot-tell", ["limited-run"])


def test_nothing_to_compare_is_no_pass(comparison: Build) -> None:
    assert codes(comparison(records=(), other_records=(), pairs=())) == ("cannot-tell", ["incomplete-run"])
    assert judge(comparison(records=(), other_records=(), pairs=())).max_difference is None


# --- FP16 ---


def test_an_fp16_side_gets_the_references_deviation(comparison: Build) -> None:
    found = comparison(
        side=side("om-sdk", "fp16", "emulated"),
        pairs=(pair("IMG_1", 101.5), pair("IMG_2"), pair("IMG_3")),
        deviations=tuple(HalfDeviation(name, 101.0, 101.4, 0.01) for name in NAMES),
    )
    parity = judge(found)
    assert parity.status == "pass"
    assert parity.tolerance is not None
    assert parity.tolerance.highest == pytest.approx(0.0101 + 3 * 0.4)
    tight = msgspec.structs.replace(found, deviations=tuple(HalfDeviation(name, 101.0, 101.1, 0.01) for name in NAMES))  # fmt: skip
    assert "4.9 times the FP16 deviation instead of 3 would have passed" in judge(tight).reasons[0].message


def test_without_the_deviation_an_fp16_side_cannot_be_told(comparison: Build) -> None:
    reason = Reason(ReasonCode.NO_DEVIATION.value, "no onnx", "")
    found = comparison(
        side=side("om-sdk", "fp16"), pairs=(pair("IMG_1", 101.5), *map(pair, NAMES[1:])), no_deviation=reason
    )
    parity = judge(found)
    assert (parity.status, parity.reasons, parity.tolerance) == ("cannot-tell", (reason,), None)
    assert parity.max_difference == 0.5


def test_halves() -> None:
    reference, ckpt, npu = side("reference"), side("ckpt"), side("ckpt", soc="Ascend910")
    sdk, mxbase = (side(name, "fp16", "Ascend310", "m") for name in ("om-sdk", "om-mxbase"))
    assert halves(ckpt, reference) == 0
    assert halves(npu, reference) == 1
    assert halves(sdk, reference) == 1
    assert halves(sdk, npu) == 2
    assert halves(mxbase, sdk) == 1
    assert halves(mxbase, msgspec.structs.replace(sdk, model="other")) == 2
    assert halves(mxbase, msgspec.structs.replace(sdk, soc="emulated")) == 2


def test_the_same_om_with_other_output_is_said_though_it_passes(comparison: Build) -> None:
    fields = {
        "side": side("om-mxbase", "fp16", "Ascend310", "m"),
        "other": side("om-sdk", "fp16", "Ascend310", "m"),
        "deviations": tuple(HalfDeviation(name, 101.0, 101.4, 0.01) for name in NAMES),
    }
    assert codes(comparison(**fields)) == ("pass", [])
    moved = comparison(**fields, pairs=(pair("IMG_1", 101.1), *map(pair, NAMES[1:])))
    assert codes(moved) == ("pass", ["same-om-other-output"])


def test_emulated_says_nothing_about_a_device(comparison: Build) -> None:
    found = comparison(
        side=side("om-sdk", "fp16", "emulated"),
        other=side("ckpt", soc="Ascend910"),
        pairs=tuple(pair(name, 900.0) for name in NAMES),
        deviations=tuple(HalfDeviation(name, 101.0, 101.4, 0.01) for name in NAMES),
    )
    assert codes(found) == ("cannot-tell", ["emulated-vs-device"])


def test_the_five_worst_are_those_that_used_most_of_their_tolerance(comparison: Build, image: Image) -> None:
    names = tuple(f"IMG_{number}" for number in range(8))
    pairs = tuple(pair(name, 101.0 + number * 0.001) for number, name in enumerate(names))
    found = comparison(
        expected=names,
        records=tuple(map(image, names)),
        other_records=tuple(image(name, backend="reference") for name in names),
        pairs=pairs,
    )
    assert [image.image for image in judge(found).worst] == [f"IMG_{number}" for number in (7, 6, 5, 4, 3)]


def test_it_survives_being_written_and_read(comparison: Build) -> None:
    parity = judge(comparison(pairs=(pair("IMG_1", 104.0), *map(pair, NAMES[1:]))))
    assert msgspec.json.decode(msgspec.json.encode(parity), type=type(parity)) == parity
