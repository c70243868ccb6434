"""Who may become the baseline, promoting, going back."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from reports.accuracy import compare_accuracy
from reports.baseline import load, promoted_ids
from reports.errors import ReportError
from reports.image import ImageRecord
from reports.parity import Parity
from reports.promotion import Promotion, promote, undo
from reports.record import Digests, RunRecord, RunWriter, read
from reports.verdict import Context, Gate, Status

Begin = Callable[..., RunWriter]
Image = Callable[..., ImageRecord]
Finished = Callable[..., RunRecord]
Promote = Callable[..., Promotion]
PAIR = ("mcnn-synthetic", "ckpt")
UNIT = (*PAIR, "cpu", "fp32")
NOW = datetime(2026, 11, 22, 23, 5, 1, tzinfo=UTC)


def test_what_was_promoted_is_what_the_next_run_is_judged_against(
    promote_it: Promote, finished: Finished, folder: Path
) -> None:
    record = finished(1.0)
    done = promote_it(record, folder, reason="  first delivery ")
    assert done.path == folder / "mcnn-synthetic" / "ckpt-cpu-fp32.json"
    found = load(folder, *UNIT)
    assert found == done.baseline
    assert found is not None
    assert (found.run, found.who, found.when) == (record.run.id, "li", "2026-11-22T23:05:01.000000Z")
    assert (found.reason, found.notes) == ("first delivery", ())
    assert found.fingerprint == {"soc": "cpu"}
    assert (found.digests.model, found.digests.data, found.digests.case) == ("m1", "d1", "c1")
    assert found.latency["infer"].median == 0.25
    context = Context(
        run="new",
        case=PAIR[0],
        backend=PAIR[1],
        soc="cpu",
        case_digest="c1",
        expected=("IMG_1", "IMG_2", "IMG_3"),
        same_machine=True,
    )
    gates = (Gate("mae", 0.5, "counts"),)
    assert compare_accuracy(found, record.images, gates, context).status is Status.PASS
    assert compare_accuracy(found, finished(3.0).images, gates, context).status is Status.REGRESSED


def test_undo_goes_back_again_and_again(promote_it: Promote, finished: Finished, folder: Path) -> None:
    baselines = [promote_it(finished(error), folder, f"number {error}").baseline for error in (1.0, 2.0, 3.0)]
    assert promoted_ids([folder]) == {baseline.run for baseline in baselines}
    for expected in (baselines[1], baselines[0]):
        back = undo(folder, *UNIT, who="wang", now=NOW)
        assert back is not None
        assert msgspec.structs.replace(back, undone=()) == expected
        assert load(folder, *UNIT) == back
    assert [(entry.run, entry.undone_by) for entry in back.undone] == [
        (baselines[2].run, "wang"),
        (baselines[1].run, "wang"),
    ]
    again = promote_it(finished(4.0), folder, "again").baseline
    assert [earlier.run for earlier in again.history] == [baselines[0].run]
    assert len(again.undone) == 2
    assert undo(folder, *UNIT, who="wang") is not None
    assert undo(folder, *UNIT, who="wang") is None
    assert load(folder, *UNIT) is None
    with pytest.raises(ReportError, match="nothing to undo"):
        undo(folder, *UNIT, who="wang")


def test_who_when_and_why_of_all_stay_and_whole_contents_of_ten(
    promote_it: Promote, finished: Finished, folder: Path
) -> None:
    for number in range(13):
        last = promote_it(finished(1.0 + number), folder, f"number {number}").baseline
    assert [earlier.reason for earlier in last.history] == [f"number {n}" for n in range(12)]
    assert [earlier.content is not None for earlier in last.history] == [False, False] + [True] * 10
    for _ in range(10):
        undo(folder, *UNIT, who="w")
    with pytest.raises(ReportError, match="not kept whole"):
        undo(folder, *UNIT, who="w")


def test_runs_that_prove_nothing_are_refused(
    promote_it: Promote, finished: Finished, image: Image, folder: Path
) -> None:
    good = [image("IMG_1"), image("IMG_2")]
    failed = image("IMG_3", status="failed", reason="worker-died", predicted_count=None)
    cases: list[tuple[RunRecord, str]] = [
        (finished(finish=False), "was not finished .*--resume"),
        (finished(images=good), "1 of 3 images have no result: IMG_3"),
        (finished(images=[*good, failed]), r"1 of 3 images failed \(worker-died\): IMG_3"),
        (finished(images=[*good, image("IMG_3", math.nan)]), r"failed \(not-finite\): IMG_3"),
        (finished(images=[*good, image("IMG_3", digest=None)]), "no digest of their data: IMG_3"),
        (finished(case={"limit": 3, "available": 24}), "limited to 3 of 24 images"),
        (finished(case={"data_overridden": True}), "used --data"),
        (finished(digests=Digests()), "no digest of the case"),
        (finished(backend={"available": False, "reason": "no mindspore"}), "could not run: no mindspore"),
        (finished(images=[]), "no image was evaluated"),
    ]
    for record, text in cases:
        with pytest.raises(ReportError, match=text):
            promote_it(record, folder)
    assert not folder.exists()


def test_an_emulated_run_is_never_a_devices_baseline(begin: Begin, image: Image, folder: Path) -> None:
    def om(soc: str) -> RunRecord:
        with begin(
            ("IMG_1",), backend={"name": "om-sdk", "soc": soc}, environment={"soc": "emulated"}
        ) as writer:
            writer.append(image("IMG_1", backend="om-sdk"))
            writer.finish()
        return read(writer.folder)

    with pytest.raises(ReportError, match="an emulated run can't be the baseline of Ascend310"):
        promote(om("Ascend310"), "mcnn-synthetic", "om-sdk", folder, reason="r", who="w")
    done = promote(om("emulated"), "mcnn-synthetic", "om-sdk", folder, reason="r", who="w")
    assert done.path.name == "om-sdk-emulated-fp32.json"


def test_data_given_by_hand_are_fine_where_they_are_the_baselines(
    promote_it: Promote, finished: Finished, image: Image, folder: Path
) -> None:
    promote_it(finished(), folder)
    record = finished(2.0, case={"data_overridden": True})
    assert promote_it(record, folder, "same data").replaced is not None
    names = ("IMG_1", "IMG_2", "IMG_3")
    other = [image(name, digest="other") for name in names]
    with pytest.raises(ReportError, match="used --data"):
        promote_it(finished(images=other, case={"data_overridden": True}), folder)


def test_a_promotion_needs_its_why_and_happens_once(
    promote_it: Promote, finished: Finished, folder: Path
) -> None:
    record = finished()
    with pytest.raises(ReportError, match="--reason TEXT"):
        promote_it(record, folder, reason=" \n")
    promote_it(record, folder)
    with pytest.raises(ReportError, match="already"):
        promote_it(record, folder)


@pytest.mark.parametrize(("clean", "note"), [(None, "not known"), (False, "had changes beside commit abc")])
def test_an_unclean_tree_is_noted(
    promote_it: Promote, finished: Finished, folder: Path, clean: bool | None, note: str
) -> None:
    digests = Digests(cases={"mcnn-synthetic": "c1"}, commit="abc", clean=clean)
    done = promote_it(finished(digests=digests), folder)
    assert note in done.notes[0]
    assert load(folder, *UNIT) == done.baseline


def test_a_parity_that_failed_is_noted_with_the_baseline_of_either_side(
    promote_it: Promote, finished: Finished, folder: Path
) -> None:
    apart = Parity(
        case="mcnn-synthetic", backend="om-sdk", other="ckpt", status="regressed", max_difference=6.25
    )
    agreed = Parity(case="mcnn-synthetic", backend="ckpt", other="reference", status="pass")
    record = finished()
    record = replace(record, run=msgspec.structs.replace(record.run, parity=(apart, agreed)))
    notes = promote_it(record, folder).notes
    assert [note for note in notes if "further apart" in note] == [
        "in this run om-sdk and ckpt were further apart than the tolerance (counts by up to 6.25)"
    ]


def test_what_the_run_does_not_have_is_named(finished: Finished, folder: Path) -> None:
    with pytest.raises(ReportError, match="no mcnn-synthetic on reference; it has mcnn-synthetic on ckpt"):
        promote(finished(), "mcnn-synthetic", "reference", folder, reason="r", who="w")


def edited(path: Path, edit: Callable[[dict[str, object]], object]) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content, indent=1))


def test_a_broken_history_is_not_gone_back_to(promote_it: Promote, finished: Finished, folder: Path) -> None:
    promote_it(finished(1.0), folder)
    path = promote_it(finished(2.0), folder).path
    edited(path, lambda content: content["history"][0]["content"]["summary"].update(mae=7.0))  # type: ignore[index]
    before = path.read_bytes()
    with pytest.raises(ReportError, match="the baseline before"):
        undo(folder, *UNIT, who="w")
    assert path.read_bytes() == before
