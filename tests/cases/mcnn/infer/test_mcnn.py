"""Mcnn, the C++ program, on the emulated home: counts, maps, lines, failures, exit statuses."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.programs.read import parse
from tests.cases.mcnn.infer.deliverable import Done, TestSet, density, make_om, run

GLOG = re.compile(r"[IWEF]\d{8} \d\d:\d\d:\d\d\.\d{6} +\d+ [\w.]+:\d+\] (.*)")


def texts(done: Done) -> list[str]:
    """The log lines without their prefix."""
    return [match[1] for line in done.err.splitlines() if (match := GLOG.fullmatch(line))]


def failures(done: Done) -> dict[str, str]:
    return {line["image"]: line["reason"] for line in done.lines if line.get("status") == "failed"}


def test_counts_maps_and_final_figures_are_exact(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    output = tmp_path / "new" / "output"
    done = run([mcnn, om, f"{test_set.images}/", f"{test_set.labels}/", output], environ)
    assert done.status == 0, done.err
    *images, last = done.lines
    assert [line["image"] for line in images] == ["IMG_1.png", "IMG_10.png", "IMG_2.png"]
    errors = []
    for index, line in enumerate(images):
        name = Path(line["image"]).stem
        expected = density(test_set.pixels[name])
        assert line["status"] == "ok"
        assert line["index"] == index
        assert line["predicted"] == expected.sum(dtype=np.float64)
        assert line["true"] == test_set.truths[name]
        assert line["shape"] == [1, 1, 256, 256]
        found = np.fromfile(output / line["map"], "<f4").reshape(256, 256)
        np.testing.assert_array_equal(found, expected)
        errors.append(line["predicted"] - line["true"])
        assert all(
            line[f"{region}_seconds"] > 0 for region in ("decode", "preprocess", "transfer", "infer", "fetch")
        )
    assert last["done"] is True
    assert (last["images"], last["failed"]) == (3, 0)
    assert last["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-15)
    assert last["rmse"] == pytest.approx(np.sqrt(np.square(errors).mean()), rel=1e-15)
    assert sorted(entry.name for entry in output.iterdir()) == ["IMG_1.f32", "IMG_10.f32", "IMG_2.f32"]


def test_the_log_has_the_lines_of_the_field(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    # Without a slash at their end, where the published program finds no label.
    done = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "output"], environ)
    found = texts(done)
    assert found[:13] == [
        "The shape of Model Input Tensors is as follows:",
        "  Tensor 0:",
        *(f"   dim: {axis}: {size}" for axis, size in enumerate((1, 1, 1024, 1024))),
        "The shape of Model Output Tensors is as follows:",
        "  Tensor 0:",
        *(f"   dim: {axis}: {size}" for axis, size in enumerate((1, 1, 256, 256))),
        "IMG_1.png",
    ]
    begin = found.index("2")
    assert found[begin + 1 : begin + 9] == [
        "IMG_2.png",
        "1,683,1024",
        "dataSize:1048576",
        "output_size:1",
        "output0_datatype:0",
        "output0_shape:1, 1, 256, 256",
        "output0_bytesize:262144",
        str(test_set.labels / "IMG_2.csv"),
    ]
    assert [line.partition(":")[0] for line in found[begin + 9 :]] == [
        "pre",
        "gt",
        "mae",
        "mae",
        "mse",
        "[Process Delay] cost",
    ]
    assert re.fullmatch(r"\[Process Delay\] cost: \S+ ms\tfps: \S+ imgs/sec", found[-1])


def test_readers_of_both_kinds_of_line_agree(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    done = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "output"], environ)
    machine, log = parse(done.out, "out"), parse(done.err, "err")
    assert (machine.kind, log.kind) == ("machine", "mcnn")
    assert machine.warnings == log.warnings == ()
    assert machine.complete
    assert log.complete
    for exact, rounded in zip(machine.images, log.images, strict=True):
        assert (exact.name, exact.true) == (rounded.name, rounded.true)
        assert rounded.predicted == pytest.approx(exact.predicted, rel=1e-5)


def test_images_that_fail_are_named_and_the_others_go_on(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    test_set.add("HIGH", np.full((1025, 8), 16, np.uint8), 1.0)
    test_set.add("WIDE", np.full((8, 1600), 16, np.uint8), 1.0)
    test_set.add("UNLABELLED", np.full((8, 8), 16, np.uint8), None)
    (test_set.images / "TORN.JPG").write_bytes(b"\xff\xd8 no image")
    (test_set.labels / "TORN.csv").write_text("1\n")
    (test_set.images / "notes.txt").write_text("no image")
    (test_set.images / ".hidden.png").write_bytes(b"no image")
    (test_set.images / "folder.png").mkdir()
    done = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "output"], environ)
    assert done.status == 1
    assert failures(done) == {
        "HIGH.png": "too-large",
        "WIDE.png": "too-large",
        "TORN.JPG": "unreadable",
        "UNLABELLED.png": "no-label",
    }
    assert [line["image"] for line in done.lines if line.get("status") == "ok"] == [
        "IMG_1.png",
        "IMG_10.png",
        "IMG_2.png",
    ]
    assert all(line["predicted"] is None for line in done.lines if line.get("status") == "failed")
    assert (done.lines[-1]["images"], done.lines[-1]["failed"]) == (7, 4)
    assert sorted(path.stem for path in (tmp_path / "output").iterdir()) == ["IMG_1", "IMG_10", "IMG_2"]
    assert "1025 x 8 pixels; at most 1024 x 1024" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"1,2\n3\n", "line 2: 1 values in this row, 2 in the first"),
        (b"1,x\n", "line 1: 'x' is no count"),
        (b"1,nan\n", "'nan' is no count"),
        (b"1,-2\n", "'-2' is no count"),
        (b"1,0x10\n", "'0x10' is no count"),
        (b"1,,2\n", "'' is no count"),
        (b"1,2\n\n3,4\n", "line 3: a row after a blank line"),
        (b"", "it holds no row"),
    ],
)
def test_a_label_that_is_no_density_map_fails_its_image(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path, text: bytes, said: str
) -> None:
    (test_set.labels / "IMG_10.csv").write_bytes(text)
    done = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "output"], environ)
    assert done.status == 1
    assert failures(done) == {"IMG_10.png": "no-label"}
    assert said in done.lines[1]["detail"]


def test_labels_as_spreadsheets_write_them(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    (test_set.labels / "IMG_1.csv").write_bytes(b"\xef\xbb\xbf0, 0.5,1.25e-3\r\n0,0,+2.\r\n\r\n")
    done = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "output"], environ)
    assert done.lines[0]["true"] == 0.5 + 1.25e-3 + 2.0


def test_without_labels_nothing_is_compared(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    shutil.rmtree(test_set.labels)
    done = run([mcnn, om, test_set.images, "-", tmp_path / "output", "--device", "0"], environ)
    assert done.status == 0
    assert [line["true"] for line in done.lines[:-1]] == [None, None, None]
    assert (done.lines[-1]["mae"], done.lines[-1]["rmse"]) == (None, None)
    assert not [line for line in texts(done) if line.startswith(("gt:", "mae:", "mse:"))]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("nan@2", "not-finite"),
        ("empty@2", "infer-failed"),
        ("shape@2", "infer-failed"),
        ("error=1001@2", "infer-failed"),
    ],
)
def test_a_fault_of_the_device_costs_its_image_alone(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path, fault: str, reason: str
) -> None:
    done = run(
        [mcnn, om, test_set.images, test_set.labels, tmp_path / "output"],
        {**environ, "OMGATE_EMULATOR_FAULT": fault},
    )
    assert done.status == 1
    assert failures(done) == {"IMG_10.png": reason}
    assert done.lines[2]["predicted"] == density(test_set.pixels["IMG_2"]).sum(dtype=np.float64)


def test_a_crash_leaves_the_lines_and_maps_of_the_images_before(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    output = tmp_path / "output"
    done = run([mcnn, om, test_set.images, "-", output], {**environ, "OMGATE_EMULATOR_FAULT": "crash@3"})
    assert done.status == -11
    assert [line["map"] for line in done.lines] == ["IMG_1.f32", "IMG_10.f32"]
    assert sorted(path.name for path in output.iterdir()) == ["IMG_1.f32", "IMG_10.f32"]
    assert texts(done)[-2] == "IMG_2.png"  # whose crash it was; the last is its size


@pytest.mark.parametrize("words", [[], ["m.om", "images"], ["m.om", "i", "-", "o", "extra"], ["m.om", "i", "-", "o", "--devise", "0"],
                                   ["m.om", "i", "-", "o", "--device", "x"], ["m.om", "i", "-", "o", "--device"], ["m.om", "", "-", "o"]])  # fmt: skip
def test_used_wrongly(mcnn: Path, environ: dict[str, str], words: list[str]) -> None:
    done = run([mcnn, *words], environ)
    assert (done.status, done.out) == (2, "")
    assert "--help" in done.err


def test_help(mcnn: Path, environ: dict[str, str]) -> None:
    done = run([mcnn, "--help"], environ)
    assert done.status == 0
    assert done.out.startswith("usage: ./Mcnn MODEL.om IMAGES LABELS OUTPUT")


def test_folders_that_can_not_be_used(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    file = tmp_path / "file"
    file.write_text("")
    said = {
        (empty, "-", tmp_path / "o"): "holds no image",
        (tmp_path / "nowhere", "-", tmp_path / "o"): "can't be read: No such file",
        (test_set.images, tmp_path / "nowhere", tmp_path / "o"): "no folder of labels",
        (test_set.images, "-", file): "is no folder",
    }
    for words, text in said.items():
        done = run([mcnn, om, *words], environ)
        assert (done.status, done.out) == (2, "")
        assert text in done.err


def test_two_images_of_one_label_are_refused(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    shutil.copy(test_set.images / "IMG_1.png", test_set.images / "IMG_1.bmp")
    done = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "output"], environ)
    assert done.status == 2
    assert "IMG_1.bmp and IMG_1.png would share one label" in done.err


def test_a_model_or_device_that_can_not_be_used(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    small = make_om(other, 512)
    genuine = tmp_path / "genuine.om"
    genuine.write_bytes(b"IMOD" + bytes(300))
    genuine.chmod(0o640)
    end = [test_set.images, "-", tmp_path / "output"]
    said = {
        (tmp_path / "no.om", *end): "no.om can't be loaded (Init answered 1016)",
        (genuine, *end): "genuine.om can't be loaded",
        (small, *end): "this model takes 1 x 1 x 512 x 512; convert it for 1 x 1 x 1024 x 1024",
        (om, *end, "--device", "7"): "device 7 can't be used (the SDK answered 1004)",
    }
    for words, text in said.items():
        done = run([mcnn, *words], environ)
        assert (done.status, done.out) == (3, "")
        assert text in done.err
    done = run([mcnn, om, *end], {**environ, "OMGATE_EMULATOR_FAULT": "device-missing"})
    assert done.status == 3
    assert "InitDevices answered 1013" in done.err


@pytest.mark.parametrize(
    "stem", [b'a "quoted" \\ name', b"two\nlines \t\x7f", "人群 é 👥".encode(), b"bytes \xff\xc3\xed\xa0\x80\xf0\x8f\xbf\xbf end"]
)  # fmt: skip
def test_hostile_names_come_back_byte_for_byte(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path, stem: bytes
) -> None:
    images, labels = os.fsencode(test_set.images), os.fsencode(test_set.labels)
    shutil.copy(images + b"/IMG_1.png", images + b"/" + stem + b".png")
    shutil.copy(labels + b"/IMG_1.csv", labels + b"/" + stem + b".csv")
    done = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "output"], environ)
    assert done.status == 0, done.err
    names = [os.fsencode(line["image"]) for line in done.lines[:-1]]
    assert stem + b".png" in names
    maps = {os.fsencode(line["map"]) for line in done.lines[:-1]}
    assert maps == set(os.listdir(os.fsencode(tmp_path / "output")))
    # A line break in a name begins no new line of the log.
    assert len(texts(done)) == len(done.err.splitlines()) - 1


def test_a_map_that_can_not_be_written_fails_its_image(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "output" / "IMG_10.f32").mkdir(parents=True)
    done = run([mcnn, om, test_set.images, "-", tmp_path / "output"], environ)
    assert done.status == 1
    assert failures(done) == {"IMG_10.png": "not-written"}
    assert sorted(path.name for path in (tmp_path / "output").iterdir()) == [
        "IMG_1.f32",
        "IMG_10.f32",
        "IMG_2.f32",
    ]


def test_lost_output_is_no_success(
    mcnn: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    command = f"'{mcnn}' '{om}' '{test_set.images}' - '{tmp_path / 'output'}' >/dev/full"
    done = run(["bash", "-c", command], environ)
    assert done.status == 1
    assert "standard output can't be written" in done.err
