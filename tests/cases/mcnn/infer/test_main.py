"""sdk/main.py on the emulated home: counts, footer, failures, exit statuses; the same counts as the C++ program's."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.programs.read import parse
from tests.cases.mcnn.infer.deliverable import INFER, Done, TestSet, density, run

pytest.importorskip("google.protobuf")

SDK = INFER / "sdk"
NAMES = ["IMG_1", "IMG_10", "IMG_2"]


@pytest.fixture
def pipeline(tmp_path: Path, om: Path) -> Path:
    """The deliverable's pipeline, on this model."""
    document = json.loads((SDK / "mcnn.pipeline").read_text(encoding="utf-8"))
    document["mcnn_opencv"]["mxpi_tensorinfer0"]["props"]["modelPath"] = str(om)
    path = tmp_path / "mcnn.pipeline"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def count(test_set: TestSet, pipeline: Path, environ: dict[str, str], *words: Any, fault: str = "") -> Done:
    command = ["bash", SDK / "run.sh", f"{test_set.images}/", f"{test_set.labels}/", "--pipeline", pipeline]
    return run([*command, *words], {**environ, "OMGATE_EMULATOR_FAULT": fault} if fault else environ)


def test_counts_and_footer(
    test_set: TestSet, pipeline: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    done = count(test_set, pipeline, environ, "--output", tmp_path / "maps")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    begin = next(index for index, line in enumerate(lines) if "True value:" in line)
    errors = []
    for line, name in zip(lines[begin:], NAMES, strict=False):
        expected = density(test_set.pixels[name])
        predicted, truth = float(expected.sum(dtype=np.float64)), test_set.truths[name]
        assert line == f"{test_set.images}/{name}.png True value: {truth} predictive value: {predicted}"
        np.testing.assert_array_equal(
            np.fromfile(tmp_path / "maps" / f"{name}.f32", "<f4").reshape(256, 256), expected
        )
        errors.append(predicted - truth)
    stars, title, accuracy, again, performance, rate, covered = lines[begin + 3 :]
    assert stars == again == "*" * 45
    assert (title, performance) == ("Final accuracy of the project:", "Overall project performance:")
    found = re.fullmatch(r"MAE: (\S+)   MSE: (\S+)", accuracy)
    assert found
    assert float(found[1]) == pytest.approx(np.abs(errors).mean(), rel=1e-15)
    assert float(found[2]) == pytest.approx(np.sqrt(np.square(errors).mean()), rel=1e-15)
    assert re.fullmatch(r"\S+ images/seconds", rate)
    assert covered.startswith("images/seconds covers reading, padding, transfer and inference of 3 images")


def test_the_harness_reads_it_without_a_complaint(
    test_set: TestSet, pipeline: Path, environ: dict[str, str]
) -> None:
    found = parse(count(test_set, pipeline, environ).out, "out")
    assert (found.kind, found.complete, found.warnings) == ("sdk-main", True, ())
    assert [Path(image.name).stem for image in found.images] == NAMES


def test_both_programs_give_the_same_counts(
    test_set: TestSet, pipeline: Path, om: Path, mcnn: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    python = parse(count(test_set, pipeline, environ, "--output", tmp_path / "python").out, "out")
    native = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "native"], environ)
    assert [image.predicted for image in python.images] == [line["predicted"] for line in native.lines[:-1]]
    for name in NAMES:
        one, other = (tmp_path / folder / f"{name}.f32" for folder in ("python", "native"))
        assert one.read_bytes() == other.read_bytes()


def test_images_that_fail_are_named_and_the_others_go_on(
    test_set: TestSet, pipeline: Path, environ: dict[str, str]
) -> None:
    test_set.add("HIGH", np.full((1025, 8), 16, np.uint8), 1.0)
    test_set.add("UNLABELLED", np.full((8, 8), 16, np.uint8), None)
    (test_set.images / "TORN.JPG").write_bytes(b"\xff\xd8 no image")
    (test_set.labels / "TORN.csv").write_text("1\n")
    test_set.add("RAGGED", np.full((8, 8), 16, np.uint8), 1.0)
    (test_set.labels / "RAGGED.csv").write_text("1,2\n3\n")
    done = count(test_set, pipeline, environ)
    assert done.status == 1
    assert [Path(image.name).stem for image in parse(done.out, "out").images] == NAMES
    assert "HIGH.png: 1025 x 8 pixels; at most 1024 x 1024" in done.err
    assert "TORN.JPG: can't be read" in done.err
    assert "UNLABELLED.png: " in done.err
    assert "RAGGED.csv:2: 1 values, 2 in the first row" in done.err
    assert "4 of 7 images failed" in done.err


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("nan@2", "the density map holds NaN or infinity"),
        ("empty@2", "holds 0 values"),
        ("shape@2", "the density map is"),
        ("error=1001@2", "GetProtobuf gave nothing"),
    ],
)
def test_a_fault_of_the_device_costs_its_image_alone(
    test_set: TestSet, pipeline: Path, environ: dict[str, str], fault: str, said: str
) -> None:
    done = count(test_set, pipeline, environ, fault=fault)
    assert done.status == 1
    assert "IMG_10.png: " in done.err
    assert said in done.err
    assert [Path(image.name).stem for image in parse(done.out, "out").images] == ["IMG_1", "IMG_2"]


def test_a_stream_that_hangs_ends_at_the_deadline(
    test_set: TestSet, pipeline: Path, environ: dict[str, str]
) -> None:
    done = count(test_set, pipeline, environ, "--deadline", "1", fault="hang@2")
    assert done.status == 1
    assert "IMG_10.png: no result within 1 s" in done.err
    assert "IMG_2.png: not measured, as the stream hangs" in done.err
    assert "MAE: " in done.out


def test_what_can_not_start(
    test_set: TestSet, pipeline: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    missing = count(test_set, pipeline, environ, fault="device-missing")
    assert (missing.status, "InitManager answered 1013" in missing.err) == (3, True)
    for text, said in {
        "{}": "no pipeline of one stream",
        '{"s": {"a": {"factory": "appsrc"}}}': "no pipeline of one stream",
        "no json": "no pipeline of one stream",
        pipeline.read_text(encoding="utf-8").replace("pooling.om", "nowhere.om"): "no model",
        # A key that no JSON check sees: the SDK refuses it.
        pipeline.read_text(encoding="utf-8").replace(
            '"waitingTime"', '"waitedTime"'
        ): "CreateMultipleStreams answered 6015",
    }.items():
        other = tmp_path / "other.pipeline"
        other.write_text(text, encoding="utf-8")
        done = count(test_set, other, environ)
        assert done.status == 3, text
        assert said in done.err


def test_used_wrongly(test_set: TestSet, pipeline: Path, environ: dict[str, str], tmp_path: Path) -> None:
    run_sh = ["bash", SDK / "run.sh"]
    assert run(run_sh, environ).status == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run([*run_sh, empty, test_set.labels, "--pipeline", pipeline], environ)
    assert (done.status, "holds no image" in done.err) == (2, True)
    done = run([*run_sh, test_set.images, tmp_path / "nowhere", "--pipeline", pipeline], environ)
    assert (done.status, "no folder of ground truth" in done.err) == (2, True)
    assert run([*run_sh, test_set.images, test_set.labels, "--deadline", "-1"], environ).status == 2
    assert run([*run_sh, "--help"], environ).status == 0


def test_without_an_sdk_it_says_so(test_set: TestSet, environ: dict[str, str]) -> None:
    words = [test_set.images, test_set.labels]
    del environ["MX_SDK_HOME"]
    done = run(["bash", SDK / "run.sh", *words], environ)
    assert (done.status, "MX_SDK_HOME is not set" in done.err) == (1, True)
    del environ["PYTHONPATH"]
    done = run([sys.executable, SDK / "main.py", *words], environ)
    assert (done.status, "source the SDK's set_env.sh" in done.err) == (3, True)


@pytest.mark.parametrize("path", sorted(SDK.glob("*.py")), ids=lambda path: path.name)
def test_python_3_7_takes_the_syntax(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))
