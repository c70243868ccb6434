"""Pairs of runs made on purpose, and what a diff must say of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from reports.diff.build import diff
from reports.diff.model import Diff, Measured, exit_code, statuses_of
from reports.image import ImageRecord
from reports.numbers import Gate
from reports.record import BackendEntry, RunRecord
from reports.verdict import Verdict

Make = Callable[..., RunRecord]


def counts(change: Callable[[int, float], float]) -> dict[str, float]:
    return {f"IMG_{n}": change(n, 50.0 * n + 3.0 * (-1) ** n) for n in range(1, 21)}


def only(found: Diff) -> Measured:
    (item,) = found.measured
    return item


def accuracy(found: Diff) -> Verdict:
    verdict = only(found).accuracy
    assert verdict is not None
    return verdict


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def exits(found: Diff, strict: bool = False) -> int:
    return exit_code(statuses_of(found), strict)


# --- the pairs of the issue ---------------------------------------------------------------------------------------------------


def test_identical_runs(make: Make) -> None:
    found = diff(make("old"), make("new"))
    assert (found.status, accuracy(found).changed, accuracy(found).n) == ("pass", 0, 20)
    assert (accuracy(found).reasons, accuracy(found).moved, found.changes) == ((), (), ())
    assert only(found).alarm is None
    assert (exits(found), exits(found, strict=True)) == (0, 0)


def test_one_image_changed_by_another_om(make: Make) -> None:
    found = diff(make("old"), make("new", counts(lambda n, count: count + 7.0 * (n == 4)), om="om-2"))
    verdict = accuracy(found)
    assert (verdict.changed, verdict.n) == (1, 20)
    (moved,) = verdict.moved
    assert (moved.image, moved.old, moved.new, moved.difference) == ("IMG_4", 203.0, 210.0, 7.0)
    mae = verdict.number("mae")
    assert mae is not None
    assert mae.difference == pytest.approx(7.0 / 20)
    assert (found.status, exits(found)) == ("regressed", 1)  # 0.35 of an MAE of 3: beyond 2 %


def test_every_image_that_moved_is_named(make: Make) -> None:
    found = diff(make("old"), make("new", counts(lambda n, count: count + n / 10), om="om-2"))
    moved = accuracy(found).moved
    assert len(moved) == 20
    assert [image.image for image in moved[:2]] == ["IMG_20", "IMG_19"]


def test_all_changed_by_rounding_is_no_change(make: Make) -> None:
    found = diff(make("old"), make("new", counts(lambda n, count: count * (1 + 9e-6))))
    verdict = accuracy(found)
    assert (found.status, verdict.changed, verdict.within_numerics) == ("pass", 0, 0)
    assert verdict.largest_relative_change == pytest.approx(9e-6, rel=1e-3)


def test_another_processor_is_allowed_its_numerics(make: Make) -> None:
    new = counts(lambda n, count: count * (1 + 9e-4))
    other = {"processor": "Xeon", "cores": 2}
    found = diff(
        make("old", backends=("reference",), soc="cpu"),
        make("new", new, backends=("reference",), soc="cpu", host=other),
    )
    assert (found.status, accuracy(found).within_numerics, codes(accuracy(found))) == (
        "pass",
        20,
        ["within-numerics"],
    )
    same = diff(
        make("old", backends=("reference",), soc="cpu"), make("new", new, backends=("reference",), soc="cpu")
    )
    assert (accuracy(same).changed, same.status) == (20, "drift")


def test_the_same_om_with_other_output_is_an_alarm(make: Make) -> None:
    found = diff(make("old"), make("new", counts(lambda n, count: count + 0.05 * (n == 3))))
    alarm = only(found).alarm
    assert alarm is not None
    assert alarm.code == "same-om-other-output"
    assert "1 of 20 images" in alarm.message
    assert "not deterministic" in alarm.message
    assert codes(accuracy(found))[0] == "same-om-other-output"
    assert (found.status, exits(found)) == ("cannot-tell", 3)


def test_the_alarm_on_another_cann_names_it_and_is_a_drift(make: Make) -> None:
    new = make("new", counts(lambda n, count: count - 0.05 * (n == 2)), cann="8.5")
    found = diff(make("old"), new)
    assert only(found).alarm is not None
    assert "cann nnrt 8.0 -> nnrt 8.5" in only(found).alarm.message  # type: ignore[union-attr]
    assert (found.status, exits(found), exits(found, strict=True)) == ("drift", 0, 1)


def test_the_alarm_does_not_hide_a_regression(make: Make) -> None:
    found = diff(make("old"), make("new", counts(lambda n, count: count + 50)))
    assert found.status == "regressed"
    assert codes(accuracy(found))[0] == "same-om-other-output"


def test_no_alarm_for_another_om_another_soc_or_an_unknown_one(make: Make) -> None:
    moved = counts(lambda n, count: count + 1)
    assert only(diff(make("old"), make("new", moved, om="om-2"))).alarm is None
    assert only(diff(make("old"), make("new", moved, soc="Ascend310P"))).alarm is None
    new = make("new", moved)
    unknown = replace(
        new, run=msgspec.structs.replace(new.run, digests=msgspec.structs.replace(new.run.digests, models={}))
    )
    found = diff(make("old"), unknown)
    assert only(found).alarm is None
    assert "not recorded" in only(found).conclusion.en


def test_no_alarm_for_a_checkpoint(make: Make) -> None:
    moved = counts(lambda n, count: count + 1)
    assert only(diff(make(backends=("ckpt",)), make("new", moved, backends=("ckpt",)))).alarm is None


def test_other_pixels_cannot_be_told(make: Make) -> None:
    found = diff(make("old"), make("new", pixels="other ", data="e"))
    assert (found.status, codes(accuracy(found)), accuracy(found).n) == ("cannot-tell", ["data-differs"], 0)
    assert exits(found) == 3
    assert ("data", "demo") in {(change.axis, change.where) for change in found.changes}


def test_other_images_cannot_be_told(make: Make) -> None:
    fewer = {name: count for name, count in counts(lambda n, count: count).items() if name != "IMG_7"}
    found = diff(make("old"), make("new", fewer))
    assert (found.status, accuracy(found).n) == ("cannot-tell", 19)
    assert codes(accuracy(found)) == ["data-differs"]


def test_another_case_definition_cannot_be_told(make: Make) -> None:
    found = diff(make("old"), make("new", policy="native-4"))
    assert (found.status, codes(accuracy(found))) == ("cannot-tell", ["case-differs"])
    assert "run old" in accuracy(found).reasons[0].message


def test_a_killed_new_run_cannot_be_told(make: Make) -> None:
    new = make("new", finish=False, keep=12)
    found = diff(make("old"), new)
    assert (found.status, accuracy(found).n, codes(accuracy(found))) == (
        "cannot-tell",
        12,
        ["incomplete-run"],
    )
    assert f"--resume {new.run.id}" in accuracy(found).reasons[0].advice
    assert any("not finished" in warning for warning in found.warnings)


def test_a_killed_old_run_cannot_be_told(make: Make) -> None:
    old = make("old", finish=False, keep=12)
    found = diff(old, make("new"))
    assert (found.status, accuracy(found).n, codes(accuracy(found))) == (
        "cannot-tell",
        12,
        ["incomplete-run"],
    )
    assert f"--resume {old.run.id}" in accuracy(found).reasons[0].advice
    assert "in run old" in accuracy(found).reasons[0].message


def test_a_killed_run_that_regressed_did(make: Make) -> None:
    found = diff(
        make("old"), make("new", counts(lambda n, count: count + 50), finish=False, keep=12, om="om-2")
    )
    assert (found.status, exits(found)) == ("regressed", 1)
    assert "incomplete-run" in codes(accuracy(found))


def test_emulated_against_device_cannot_be_told(make: Make) -> None:
    found = diff(make("old"), make("new", soc="emulated"))
    assert (found.status, codes(accuracy(found)), exits(found)) == ("cannot-tell", ["emulated-vs-device"], 3)
    assert found.new.emulated == ("demo/om-sdk",)


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_nan_on_one_side_is_never_a_pass(make: Make, side: str) -> None:
    nan = counts(lambda n, count: float("nan") if n == 5 else count)
    old, new = (make("old", nan), make("new")) if side == "old" else (make("old"), make("new", nan))
    found = diff(old, new)
    assert (found.status, codes(accuracy(found)), accuracy(found).n) == ("cannot-tell", ["not-finite"], 19)
    assert "IMG_5" in accuracy(found).reasons[0].message
    assert ("in run old" in accuracy(found).reasons[0].message) is (side == "old")


def test_a_nan_on_both_sides_is_named_for_both(make: Make) -> None:
    nan = counts(lambda n, count: float("nan") if n == 5 else count)
    found = diff(make("old", nan), make("new", nan))
    assert codes(accuracy(found)) == ["not-finite", "not-finite"]
    assert found.status == "cannot-tell"


def test_what_the_old_run_has_alone_cannot_be_told(make: Make) -> None:
    found = diff(make("old", backends=("om-sdk", "om-mxbase")), make("new"))
    gone = next(item for item in found.measured if item.only_in)
    assert (gone.backend, gone.only_in) == ("om-mxbase", "old")
    assert (found.status, exits(found)) == ("cannot-tell", 3)


def test_what_the_new_run_has_alone_is_shown(make: Make) -> None:
    found = diff(make("old"), make("new", backends=("om-sdk", "om-mxbase")))
    assert [(item.backend, item.only_in) for item in found.measured] == [("om-sdk", ""), ("om-mxbase", "new")]
    assert (found.status, exits(found)) == ("pass", 0)


def test_no_case_in_common_cannot_be_told(make: Make) -> None:
    found = diff(make("old", case="one"), make("new", case="two"))
    assert [(item.case, item.only_in) for item in found.measured] == [("two", "new"), ("one", "old")]
    assert exits(found) == 3


def test_a_backend_that_could_not_run_says_why(make: Make) -> None:
    new = make("new")
    entry = BackendEntry(
        case="demo",
        name="om-sdk",
        soc="cpu",
        precision="fp16",
        available=False,
        reason="no device",
        advice="plug it in",
    )
    found = diff(make("old"), replace(new, run=msgspec.structs.replace(new.run, backends=(entry,))))
    assert only(found).only_in == "old"
    assert [(note.code, note.message) for note in only(found).notes] == [("backend-unavailable", "no device")]


@pytest.mark.parametrize(("old", "new"), [(8, None), (None, 8), (8, 8), (8, 12)])
def test_a_limited_run_cannot_be_told(make: Make, old: int | None, new: int | None) -> None:
    found = diff(make("old", limit=old), make("new", limit=new))
    assert (found.status, codes(accuracy(found)), accuracy(found).n) == ("cannot-tell", ["limited-run"], 8)


def test_a_run_without_gates_passes_only_where_nothing_changed(make: Make) -> None:
    assert diff(make("old", gated=False), make("new", gated=False)).status == "pass"
    moved = make("new", counts(lambda n, count: count + 1), gated=False, om="om-2")
    found = diff(make("old", gated=False), moved)
    assert (found.status, codes(accuracy(found))) == ("cannot-tell", ["no-gate"])
    given = diff(make("old", gated=False), moved, {"demo": (Gate("mae", 10.0, "counts"),)})
    assert given.status == "drift"


def test_the_new_runs_gates_count(make: Make) -> None:
    old = make("old", gated=False)
    found = diff(old, make("new"), {"demo": (Gate("rmse", 1.0, "counts"),)})
    assert [number.metric for number in accuracy(found).numbers if number.gated] == ["mae"]


def test_an_improvement_is_one(make: Make) -> None:
    found = diff(make("old"), make("new", counts(lambda n, count: 50.0 * n), om="om-2"))
    assert (found.status, exits(found)) == ("improved", 0)


def test_a_torn_line_is_said(make: Make) -> None:
    new = make("new", finish=False, keep=12)
    with open(new.folder / "images.jsonl", "ab") as file:
        file.write(b'{"case":"de')
    from reports.record import read

    found = diff(make("old"), read(new.folder))
    assert any("torn" in warning for warning in found.warnings)


# --- what may be concluded ----------------------------------------------------------------------------------------------------


def sentence(old: RunRecord, new: RunRecord) -> str:
    return only(diff(old, new)).conclusion.en


def test_the_conclusions_are_different_sentences(make: Make) -> None:
    old = make("old")
    same = sentence(old, make("new"))
    runtime = sentence(old, make("new", cann="8.5"))
    converted = sentence(old, make("new", om="om-2"))
    both = sentence(old, make("new", om="om-2", cann="8.5"))
    assert len({same, runtime, converted, both}) == 4
    assert "CANN (nnrt 8.0 -> nnrt 8.5)" in runtime
    assert "not from the model or its conversion" in runtime
    assert "from the model or its conversion, not from what runs it" in converted
    assert "either" in both
    assert "--om=FILE" in both


@pytest.mark.parametrize(
    ("backend", "word", "option"), [("ckpt", "checkpoint", "--ckpt"), ("reference", "ONNX model", "--onnx")]
)
def test_each_backend_has_its_own_model_and_software(
    make: Make, backend: str, word: str, option: str
) -> None:
    old = make("old", backends=(backend,), environment={"framework": "a 1", "packages": {"onnxruntime": "1"}})
    new = make(
        "new",
        backends=(backend,),
        om="om-2",
        environment={"framework": "a 2", "packages": {"onnxruntime": "2"}},
    )
    said = sentence(old, new)
    assert word in said
    assert option in said


def test_what_is_not_known_on_one_side_is_a_change(make: Make) -> None:
    said = sentence(make("old"), make("new", environment={"cann": None}))
    assert "CANN (nnrt 8.0 -> unknown)" in said


def test_the_environment_is_listed_what_decides_first(make: Make) -> None:
    old = make("old", environment={"host": {"name": "a", "kernel": "5"}})
    new = make("new", cann="8.5", environment={"host": {"name": "b", "kernel": "6"}, "volatile": {"load": 9}})
    found = diff(old, new)
    assert [(change.axis, change.old, change.new, change.decides) for change in found.changes] == [
        ("cann", "nnrt 8.0", "nnrt 8.5", True),
        ("kernel", "5", "6", False),
        ("host", "a", "b", False),
    ]


def test_options_that_name_a_run_are_no_difference(make: Make) -> None:
    old = make("old", options={"label": "a", "run_dir": "/x", "emulate": False, "device": None})
    new = make("new", options={"label": "b", "run_dir": "/y", "device": "1"})
    assert [(change.axis, change.new) for change in diff(old, new).changes] == [("option --device", "1")]


def test_an_image_recorded_for_another_backend_is_not_taken(make: Make) -> None:
    old, new = make("old"), make("new")
    stray = ImageRecord("demo", "ckpt", "IMG_1", "ok", true_count=1.0, predicted_count=9e9, digest="IMG_1")
    assert diff(old, replace(new, images=(*new.images, stray))).status == "pass"
