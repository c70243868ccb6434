from __future__ import annotations

import json
import math
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.files import hashed_name, safe_name
from reports.image import ImageRecord
from reports.maps import MapStore
from reports.record import Digests, RunWriter, find, list_runs, prune, read, unreadable_runs
from reports.run import Run, new_id
from reports.summary import summarise
from reports.verdict import Number, Reason, Status, Verdict, cannot_tell
from reports.verdict import ReasonCode as Code

HOUSE = Path(__file__).resolve().parents[2]
Begin = Callable[..., RunWriter]
Image = Callable[..., ImageRecord]


def schema(name: str) -> jsonschema.Draft202012Validator:
    text = (HOUSE / "docs" / "schema" / f"{name}.schema.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text), format_checker=jsonschema.FormatChecker())


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "images.jsonl").read_bytes().split(b"\n")[:-1]]


# --- the schema ---


def test_a_run_with_everything_in_it_holds_against_both_schemas(begin: Begin, image: Image) -> None:
    writer = begin()
    records = [
        image("IMG_1"),
        image("IMG_2", math.nan),
        image("IMG_3", status="failed", reason="bad-image", detail="torn"),
    ]
    for record in records:
        writer.append(record)
    number = Number(
        metric="mae", unit="counts", old=1.0, new=2.0, difference=1.0, low=0.5, high=1.5, p_value=0.01
    )
    verdict = Verdict(
        status=Status.REGRESSED, reasons=(Reason("gate-exceeded", "m", "a"),), numbers=(number,), n=1
    )
    writer.put_summary("mcnn-synthetic", "ckpt", summarise(records, (50,), 2.0), 2.0)
    writer.put_verdict("mcnn-synthetic", "ckpt", verdict)
    writer.put_verdict("mcnn-synthetic", "reference", cannot_tell(Code.BACKEND_UNAVAILABLE, "no onnxruntime"))
    writer.warn("footnote")
    writer.finish()
    schema("run").validate(json.loads((writer.folder / "run.json").read_text()))
    for line in lines(writer.folder):
        schema("images").validate(line)
    assert read(writer.folder).run.verdict("mcnn-synthetic", "ckpt") == verdict


def test_the_schemas_name_every_field_and_no_other() -> None:
    assert set(schema("images").schema["properties"]) == set(ImageRecord.__struct_fields__)
    assert set(schema("run").schema["properties"]) == set(Run.__struct_fields__)


def test_the_schemas_refuse_what_is_wrong(image: Image) -> None:
    good = msgspec.to_builtins(image("IMG_1"))
    for wrong in ({"status": "fine"}, {"predicted_count": None}, {"extra": 1}, {"metrics": {"ssim": "0.9"}}):
        with pytest.raises(jsonschema.ValidationError):
            schema("images").validate({**good, **wrong})


def test_every_field_is_described_in_the_document() -> None:
    text = (HOUSE / "docs" / "record.md").read_text()
    for field in (*ImageRecord.__struct_fields__, *Run.__struct_fields__, *Verdict.__struct_fields__):
        assert f"`{field}`" in text, field


# --- writing and reading ---


def test_what_was_appended_is_readable_at_once_by_another_reader(begin: Begin, image: Image) -> None:
    writer = begin()
    for done, name in enumerate(("IMG_1", "IMG_2"), start=1):
        writer.append(image(name))
        record = read(writer.folder)
        assert len(record.images) == done
        assert record.run.finished is None
    assert record.images[0] == image("IMG_1")
    assert record.missing("mcnn-synthetic", "ckpt") == ("IMG_3",)
    writer.finish()
    assert read(writer.folder).run.finished is not None


def test_counts_are_stored_with_all_their_digits(begin: Begin, image: Image) -> None:
    with begin() as writer:
        writer.append(image("IMG_1", predicted=0.1 + 0.2, true=1 / 3))
    assert read(writer.folder).images[0].predicted_count == 0.1 + 0.2


def test_an_image_is_never_written_twice(begin: Begin, image: Image) -> None:
    with begin() as writer:
        assert writer.append(image("IMG_1", 1.0))
        assert not writer.append(image("IMG_1", 2.0))
        assert writer.append(image("IMG_1", backend="reference"))
    assert len(lines(writer.folder)) == 2
    with RunWriter.resume(writer.folder) as writer:
        assert writer.done("mcnn-synthetic", "ckpt") == {"IMG_1"}
        assert not writer.append(image("IMG_1", 3.0))
    assert len(lines(writer.folder)) == 2


def test_a_reader_takes_the_last_of_each_image(begin: Begin, image: Image) -> None:
    with begin() as writer:
        writer.append(image("IMG_1", 1.0))
    path = writer.folder / "images.jsonl"
    path.write_bytes(path.read_bytes() + msgspec.json.encode(image("IMG_1", 2.0)) + b"\n")
    assert [record.predicted_count for record in read(writer.folder).images] == [2.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_count_that_is_not_finite_is_a_failure_with_the_images_name(
    begin: Begin, image: Image, value: float
) -> None:
    with begin() as writer:
        writer.append(image("IMG_1", predicted=value))
        writer.append(image("IMG_2", metrics={"ssim": value}))
    for record in read(writer.folder).images:
        assert (record.status, record.reason) == ("failed", "not-finite")
    assert "NaN" not in (writer.folder / "images.jsonl").read_text()
    assert read(writer.folder).images[1].detail == f"ssim is {value}"


def test_a_file_torn_at_any_byte_is_readable_and_resumes_to_the_same_record(
    begin: Begin, image: Image
) -> None:
    names = ("IMG_1", "IMG_2", "IMG_3")
    with begin(names) as writer:
        for name in names:
            writer.append(image(name))
    path = writer.folder / "images.jsonl"
    whole, complete = path.read_bytes(), read(writer.folder).images
    ends = [match.end() for match in re.finditer(b"\n", whole)]
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        record = read(writer.folder)
        assert len(record.images) == sum(end <= size for end in ends)
        assert record.torn == (size not in (0, *ends))
        if size % 97 == 0 or size in ends:
            with RunWriter.resume(writer.folder) as again:
                for name in names:
                    again.append(image(name))
            assert path.read_bytes() == whole
            assert read(writer.folder).images == complete


def test_a_line_that_is_no_record_is_passed_over_with_a_warning(begin: Begin, image: Image) -> None:
    with begin() as writer:
        writer.append(image("IMG_1"))
    path = writer.folder / "images.jsonl"
    path.write_bytes(b"\0\0\0\n" + path.read_bytes())
    record = read(writer.folder)
    assert [found.image for found in record.images] == ["IMG_1"]
    assert "images.jsonl:1:" in record.warnings[0]


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from reports.image import ImageRecord
from reports.record import CaseEntry, RunWriter
names = tuple(f"IMG_{n}" for n in range(400))
writer = RunWriter.create(Path(sys.argv[2]), "kill", cases=(CaseEntry(name="c", images=names, available=400),))
print(writer.folder, flush=True)
for n, name in enumerate(names):
    writer.append(ImageRecord("c", "b", name, "ok", true_count=float(n), predicted_count=n + 0.5, digest="d"))
    if n % 5 == 0:
        writer.warn(f"at {n}")
print("done", flush=True)
"""


def test_killed_at_random_moments_it_is_readable_not_locked_and_continues(tmp_path: Path) -> None:
    chance = random.Random(5)
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(HOUSE), str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            folder = Path(child.stdout.readline().strip())
            wanted = chance.randrange(1, 380)
            images = folder / "images.jsonl"
            while images.stat().st_size < wanted * 150 and child.poll() is None:
                try:
                    RunWriter.resume(folder).close()
                except ReportError as error:
                    assert "a process is writing" in str(error)  # noqa: PT017 -- either outcome is right
                else:
                    break  # it was done before it could be killed
                read(folder)
            child.send_signal(signal.SIGKILL)
        record = read(folder)
        with RunWriter.resume(folder) as writer:
            todo = [name for name in record.run.cases[0].images if name not in writer.done("c", "b")]
            for name in todo:
                count = float(name[4:])
                new = ImageRecord(
                    "c", "b", name, "ok", true_count=count, predicted_count=count + 0.5, digest="d"
                )
                assert writer.append(new)
            writer.finish()
        found = read(folder)
        assert [image.true_count for image in found.images] == [float(n) for n in range(400)]
        assert not list(folder.glob(".*.part"))


def test_resuming_refuses_other_data_and_notes_other_code(begin: Begin) -> None:
    begin_with = Digests(models={"mcnn-synthetic/ckpt": "m1"}, data={"mcnn-synthetic": "d1"}, commit="abc")
    with begin(digests=begin_with) as writer:
        pass
    other = msgspec.structs.replace(begin_with, data={"mcnn-synthetic": "d2"})
    with pytest.raises(ReportError, match="data of mcnn-synthetic is d2, the run began with d1"):
        RunWriter.resume(writer.folder, digests=other)
    with RunWriter.resume(writer.folder, digests=msgspec.structs.replace(begin_with, commit="xyz")) as again:
        assert "xyz" in again.run.warnings[0]
        assert len(again.run.resumed) == 1


def test_a_full_disk_leaves_whole_lines(begin: Begin, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = begin()
    writer.append(image("IMG_1"))
    real = os.write
    calls = []

    def half(file: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) == 1:
            return real(file, data[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(ReportError, match="No space left on device"):
        writer.append(image("IMG_2"))
    monkeypatch.undo()
    assert not read(writer.folder).torn
    assert writer.append(image("IMG_2"))
    assert len(read(writer.folder).images) == 2
    writer.close()


def test_a_newer_schema_and_a_broken_file_are_refused_in_one_line(begin: Begin) -> None:
    with begin() as writer:
        pass
    path = writer.folder / "run.json"
    path.write_text('{"schema": 2, "anything": []}')
    with pytest.raises(ReportError, match="schema: seen 2, this omgate reads up to 1"):
        read(writer.folder)
    path.write_text("{")
    with pytest.raises(ReportError, match="no run record"):
        read(writer.folder)
    assert [folder for folder, _ in unreadable_runs(writer.folder.parent)] == [writer.folder]


def test_a_field_that_is_not_known_yet_is_passed_over(begin: Begin, image: Image) -> None:
    with begin() as writer:
        pass
    path = writer.folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tomorrow": 1}))
    line = {**msgspec.to_builtins(image("IMG_1")), "tomorrow": 1}
    (writer.folder / "images.jsonl").write_text(json.dumps(line) + "\n")
    assert read(writer.folder).images[0] == image("IMG_1")


# --- names ---

HOSTILE = [
    "",
    ".",
    "..",
    "../../etc",
    "a/b\\c",
    "line\nbreak\0",
    "x" * 500,
    "基线 八点零",
    "CON",
    "-rf",
    "a b*?",
    "\udcff",
    "é",
]


@pytest.mark.parametrize("label", HOSTILE)
def test_an_id_is_safe_whatever_the_label(tmp_path: Path, label: str) -> None:
    with RunWriter.create(tmp_path, label) as writer:
        pass
    assert re.fullmatch(r"\d{8}T\d{6}Z-[A-Za-z0-9._-]{1,40}-[a-z0-9]{6}", writer.run.id)
    assert ".." not in writer.run.id
    assert writer.folder.parent == tmp_path
    schema("run").validate(json.loads((writer.folder / "run.json").read_text()))
    if label and label.isprintable():
        assert find(tmp_path, label) == writer.folder or label in (".", "..")


def test_an_id_says_when_and_what() -> None:
    moment = datetime(2026, 11, 22, 23, 5, 1, tzinfo=UTC)
    assert re.fullmatch(r"20261122T230501Z-cann-8\.0-[a-z0-9]{6}", new_id("cann-8.0", moment))


@given(st.text(), st.text())
def test_safe_names_hold_no_hostile_character_and_hashed_ones_differ(one: str, other: str) -> None:
    assert re.fullmatch(r"([A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?)?", safe_name(one))
    assert len(hashed_name(one)) <= 70
    assert (hashed_name(one).lower() == hashed_name(other).lower()) == (one == other)


def test_find_takes_id_newest_label_or_folder(begin: Begin, tmp_path: Path) -> None:
    first, second = begin(), begin()
    for writer in (first, second):
        writer.finish()
    runs = tmp_path / "runs"
    assert find(runs, first.run.id) == first.folder
    assert find(runs, "cann-8.0") == second.folder
    assert find(tmp_path / "elsewhere", str(first.folder)) == first.folder


def test_find_names_the_nearest(begin: Begin, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="holds no run"):
        find(tmp_path / "runs", "cann-8.0")
    begin().finish()
    with pytest.raises(ReportError, match=r"no run 'cann-8\.1' .* nearest: cann-8\.0"):
        find(tmp_path / "runs", "cann-8.1")
    with pytest.raises(ReportError, match="no run ''"):
        find(tmp_path / "runs", "")


# --- pruning ---


def runs_of(begin: Begin, ages_days: list[int], tmp_path: Path) -> list[str]:
    ids = []
    for age in ages_days:
        writer = begin(now=datetime(2026, 11, 22, tzinfo=UTC) - timedelta(days=age))
        writer.finish()
        ids.append(writer.run.id)
    return ids


NOW = datetime(2026, 11, 22, 1, tzinfo=UTC)


def test_prune_keeps_the_newest_and_the_promoted(begin: Begin, tmp_path: Path) -> None:
    ids = runs_of(begin, [1, 2, 3, 4], tmp_path)
    trial = prune(tmp_path / "runs", keep=1, protected={ids[2]}, now=NOW, dry_run=True)
    assert len(list_runs(tmp_path / "runs")) == 4
    done = prune(tmp_path / "runs", keep=1, protected={ids[2]}, now=NOW)
    assert done == trial
    assert set(done.removed) == {ids[1], ids[3]}
    assert done.promoted == (ids[2],)
    assert {entry.run.id for entry in list_runs(tmp_path / "runs")} == {ids[0], ids[2]}


def test_prune_by_age_and_both(begin: Begin, tmp_path: Path) -> None:
    ids = runs_of(begin, [1, 10, 20], tmp_path)
    assert prune(tmp_path / "runs", older_than=timedelta(days=15), now=NOW, dry_run=True).removed == (ids[2],)
    assert prune(tmp_path / "runs", keep=3, older_than=timedelta(days=5), now=NOW).removed == ()
    assert prune(tmp_path / "runs", keep=2, older_than=timedelta(days=5), now=NOW).removed == (ids[2],)


def test_prune_never_touches_a_running_one(begin: Begin, tmp_path: Path) -> None:
    writer = begin()
    assert list_runs(tmp_path / "runs")[0].running
    assert prune(tmp_path / "runs", keep=0).running == (writer.run.id,)
    writer.finish()
    assert not list_runs(tmp_path / "runs")[0].running
    assert prune(tmp_path / "runs", keep=0).removed == (writer.run.id,)
    assert not writer.folder.exists()


def test_prune_leaves_foreign_folders_and_links_alone(begin: Begin, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    begin().finish()
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "precious").write_text("x")
    real = list_runs(runs)[0].folder
    (real / "maps").symlink_to(outside / "deep")
    (real / "extra").mkdir()
    (real / "extra" / "link").symlink_to(outside)
    moved = tmp_path / "moved"
    begin(label="moved").finish()
    linked = find(runs, "moved")
    linked.rename(moved)
    (runs / "link").symlink_to(moved)
    (runs / "notes").mkdir()
    (runs / "notes" / "run.json").write_text('{"name": "a jogger"}')
    (runs / "borrowed").mkdir()
    (runs / "borrowed" / "run.json").symlink_to(moved / "run.json")
    (runs / "file").write_text("x")
    assert len(prune(runs, keep=0).removed) == 1
    assert not real.exists()
    assert sorted(path.name for path in runs.iterdir()) == ["borrowed", "file", "link", "notes"]
    assert (moved / "run.json").exists()
    assert (outside / "deep" / "precious").exists()


def test_prune_needs_to_be_told_what_is_old(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="--keep N"):
        prune(tmp_path)
    with pytest.raises(ReportError, match="from 0 up"):
        prune(tmp_path, keep=-1)


# --- maps ---


def test_all_maps_of_a_small_set_and_the_worst_of_a_large_one(tmp_path: Path) -> None:
    store = MapStore(tmp_path, limit=6, worst=3)
    density = np.linspace(0, 2, 12, dtype=np.float32).reshape(3, 4)
    for n in range(6):
        assert store.save("c", "b", f"IMG_{n}", density, float(n)) is not None
    assert len(list(tmp_path.rglob("*.npz"))) == 6
    # The seventh makes it a large set, also for a process that comes later.
    assert store.save("c", "b", "IMG_6", density, 2.5) is None
    store = MapStore(tmp_path, limit=6, worst=3)
    assert store.save("c", "b", "IMG_7", density, 9.0) is not None
    assert store.save("c", "b", "IMG_8", density, 0.1) is None
    kept = [n for n in range(9) if store.load("c", "b", f"IMG_{n}") is not None]
    assert kept == [4, 5, 7]
    loaded = store.load("c", "b", "IMG_7")
    np.testing.assert_allclose(loaded, density, rtol=1e-3)


@pytest.mark.parametrize("name", HOSTILE)
def test_map_files_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    store = MapStore(tmp_path / "maps")
    path = store.save(name, name, name.encode("utf-8", "replace").decode(), np.ones((2, 2), np.float32), 1.0)
    assert path is not None
    assert path.resolve().is_relative_to(tmp_path / "maps")


def test_a_map_beyond_float16_is_scaled(tmp_path: Path) -> None:
    store = MapStore(tmp_path)
    store.save("c", "b", "i", np.array([[1e6, 1.0]], np.float32), 1.0)
    np.testing.assert_allclose(store.load("c", "b", "i"), [[1e6, 1.0]], rtol=0.05)


def test_a_recorded_image_has_its_map(begin: Begin, image: Image) -> None:
    with begin() as writer:
        writer.append(image("IMG_1"), density=np.ones((2, 2), np.float32))
        assert writer.maps.load("mcnn-synthetic", "ckpt", "IMG_1") is not None
