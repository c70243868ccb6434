"""Backends of two runs from two machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.across import stored_pair
from reports.deviation import DEVIATION_FILE, read_deviation, write_deviation
from reports.diff.across import across
from reports.diff.model import Diff, exit_code, statuses_of
from reports.image import ImageRecord
from reports.maps import MapStore
from reports.parity import Parity
from reports.record import RunRecord
from reports.tolerance import HalfDeviation

Make = Callable[..., RunRecord]
NAMES = [f"IMG_{n}" for n in range(1, 21)]


def counts(change: Callable[[int, float], float] = lambda n, count: count) -> dict[str, float]:
    return {f"IMG_{n}": change(n, 50.0 * n + 3.0 * (-1) ** n) for n in range(1, 21)}


def on_910(make: Make, predicted: dict[str, float] | None = None, **fields: object) -> RunRecord:
    return make("night-910", predicted, backends=("ckpt",), soc="Ascend910", precision="fp32", **fields)


def on_310(
    make: Make, predicted: dict[str, float] | None = None, deviation: float = 0.1, **fields: object
) -> RunRecord:
    record = make("night-310", predicted, **fields)
    if deviation:
        write_deviation(
            record.folder, "demo", [HalfDeviation(name, 100.0, 100.0 + deviation, 1e-3) for name in NAMES]
        )
    return record


def compare(old: RunRecord, new: RunRecord) -> Diff:
    return across(old, new, stored_pair)


def only(found: Diff) -> Parity:
    (parity,) = found.across
    return parity


def codes(parity: Parity) -> list[str]:
    return [reason.code for reason in parity.reasons]


def test_within_the_deviation_is_a_pass(make: Make) -> None:
    found = compare(on_910(make), on_310(make, counts(lambda n, count: count + 0.05)))
    parity = only(found)
    assert (parity.backend, parity.other, parity.status, parity.n) == ("om-sdk", "ckpt", "pass", 20)
    assert parity.max_difference == pytest.approx(0.05)
    assert parity.tolerance is not None
    assert parity.tolerance.halves == 2  # a 910 computes convolutions in FP16, too
    assert codes(parity) == ["map-missing"]
    assert exit_code(statuses_of(found), strict=True) == 0


def test_beyond_it_is_a_regression_that_says_what_would_have_passed(make: Make) -> None:
    found = compare(on_910(make), on_310(make, counts(lambda n, count: count + 2.0 * (n == 3))))
    assert (only(found).status, codes(only(found))[0]) == ("regressed", "parity-exceeded")
    assert only(found).would_pass is not None
    assert exit_code(statuses_of(found), strict=False) == 1


def test_the_deviation_may_be_in_either_run(make: Make) -> None:
    old, new = on_910(make), on_310(make, counts(lambda n, count: count + 0.05), deviation=0)
    write_deviation(old.folder, "demo", [HalfDeviation(name, 100.0, 100.1, 1e-3) for name in NAMES])
    assert only(compare(old, new)).status == "pass"


def test_without_a_deviation_it_cannot_be_told(make: Make) -> None:
    found = compare(on_910(make), on_310(make, counts(lambda n, count: count + 0.05), deviation=0))
    assert (only(found).status, codes(only(found))) == ("cannot-tell", ["no-deviation", "map-missing"])
    assert exit_code(statuses_of(found), strict=False) == 3


def test_two_fp32_sides_need_none(make: Make) -> None:
    old = make("a", backends=("ckpt",), soc="cpu", precision="fp32")
    new = make(
        "b", counts(lambda n, count: count * (1 + 5e-5)), backends=("reference",), soc="cpu", precision="fp32"
    )
    assert only(compare(old, new)).status == "pass"


def test_maps_are_compared_where_both_are_kept(make: Make) -> None:
    old, new = on_910(make), on_310(make)
    density = np.full((8, 8), 0.5, np.float32)
    other = density.copy()
    other[0, 0] += 8.0
    with_map(old, "ckpt", "IMG_1", density)
    with_map(new, "om-sdk", "IMG_1", other)
    parity = only(compare(with_geometry(old), with_geometry(new)))
    assert parity.max_relative_l2 == pytest.approx(2.0, rel=1e-3)
    assert (parity.status, codes(parity)) == ("regressed", ["parity-exceeded", "map-missing"])
    assert parity.game1 == pytest.approx(8.0)
    assert "19 of 20 images by their counts alone" in parity.reasons[-1].message


def test_the_same_counts_and_maps_are_identical(make: Make) -> None:
    old, new = on_910(make), on_310(make)
    for record, backend in ((old, "ckpt"), (new, "om-sdk")):
        for name in NAMES:
            with_map(record, backend, name, np.full((8, 8), 0.5, np.float32))
    parity = only(compare(with_geometry(old), with_geometry(new)))
    assert parity.all_identical
    assert (parity.status, parity.reasons) == ("pass", ())


def test_what_one_run_judged_itself_is_left_out(make: Make) -> None:
    old = make("a", backends=("reference", "ckpt"), soc="cpu", precision="fp32")
    new = make("b", backends=("reference", "om-sdk"))
    assert [(parity.backend, parity.other) for parity in compare(old, new).across] == [("om-sdk", "ckpt")]


def test_nothing_to_compare_says_what_there_is(make: Make) -> None:
    found = compare(make("a"), make("b"))
    assert (found.across, found.status) == ((), "cannot-tell")
    assert "demo on om-sdk" in found.warnings[-1]
    assert exit_code(statuses_of(found), strict=False) == 3


def test_other_pixels_cannot_be_told(make: Make) -> None:
    parity = only(compare(on_910(make), on_310(make, pixels="other ")))
    assert (parity.status, parity.n) == ("cannot-tell", 0)
    assert "data-differs" in codes(parity)


def test_another_case_definition_cannot_be_told(make: Make) -> None:
    parity = only(compare(on_910(make), on_310(make, counts(lambda n, count: count + 9), policy="native-4")))
    assert (parity.status, "case-differs" in codes(parity)) == ("cannot-tell", True)


def test_a_killed_run_cannot_be_told(make: Make) -> None:
    parity = only(compare(on_910(make, finish=False, keep=12), on_310(make)))
    assert (parity.status, parity.n, "incomplete-run" in codes(parity)) == ("cannot-tell", 12, True)
    assert "on ckpt in night-910" in parity.reasons[-2].message


def test_limited_and_other_test_sets_cannot_be_told(make: Make) -> None:
    limited = only(compare(on_910(make), on_310(make, limit=5)))
    assert (limited.status, limited.n, "limited-run" in codes(limited)) == ("cannot-tell", 5, True)
    fewer = {name: count for name, count in counts().items() if name != "IMG_9"}
    other = only(compare(on_910(make), on_310(make, fewer)))
    assert (other.status, other.n, "data-differs" in codes(other)) == ("cannot-tell", 19, True)


def test_a_nan_on_one_side_is_no_parity(make: Make) -> None:
    parity = only(
        compare(on_910(make), on_310(make, counts(lambda n, count: float("nan") if n == 5 else count)))
    )
    assert (parity.status, codes(parity)[0]) == ("regressed", "not-finite")


def test_emulated_against_a_device_cannot_be_told(make: Make) -> None:
    parity = only(compare(on_910(make), on_310(make, soc="emulated")))
    assert (parity.status, codes(parity)[0]) == ("cannot-tell", "emulated-vs-device")


def with_map(record: RunRecord, backend: str, image: str, density: np.ndarray) -> None:
    MapStore(record.folder / "maps").save("demo", backend, image, density, 1.0)


def with_geometry(record: RunRecord) -> RunRecord:
    """The geometry of an 8 x 8 map that the image fills."""
    from dataclasses import replace

    import msgspec

    geometry = {
        "policy": "pad-8",
        "source_height": 8,
        "source_width": 8,
        "height": 8,
        "width": 8,
        "top": 0,
        "left": 0,
        "input_height": 8,
        "input_width": 8,
    }
    images = tuple(msgspec.structs.replace(image, geometry=geometry) for image in record.images)
    return replace(record, images=images)


# --- the file -----------------------------------------------------------------------------------------------------------------


def test_a_deviation_is_kept_case_by_case(tmp_path: Path) -> None:
    one, two = ([HalfDeviation(name, 1.0, 1.1, 0.1)] for name in ("a", "b"))
    write_deviation(tmp_path, "one", one)
    write_deviation(tmp_path, "two", two)
    write_deviation(tmp_path, "one", [*one, *two])
    assert read_deviation(tmp_path, "one") == (*one, *two)
    assert read_deviation(tmp_path, "two") == tuple(two)
    assert read_deviation(tmp_path, "three") == ()


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema": 2, "cases": []}', b"\xff"])
def test_a_broken_deviation_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / DEVIATION_FILE).write_bytes(content)
    assert read_deviation(tmp_path, "one") == ()


def test_an_image_of_one_run_alone_is_not_paired() -> None:
    record = ImageRecord("demo", "ckpt", "a", "ok", predicted_count=1.0)
    pair = stored_pair(Path("/nowhere"), record, Path("/nowhere"), record)
    assert (pair.identical, pair.game, pair.relative_l2) == (True, None, None)
