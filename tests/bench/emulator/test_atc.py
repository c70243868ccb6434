"""The emulated atc: its lines, its exit codes, and what it refuses."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.emulator.atc import FAILURE, STAND_IN_AIR, START, SUCCESS, main
from bench.emulator.om import read_om
from tests.bench.emulator.test_half import two_layers

LAUNCHER = str(Path(__file__).parents[3] / "bench" / "emulator" / "bin" / "atc")


def atc(*arguments: str) -> tuple[int, list[str]]:
    out = io.StringIO()
    return main(arguments, out), out.getvalue().splitlines()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.onnx"
    path.write_bytes(two_layers(np.ones((1, 1, 1, 1), np.float32)))
    return path


def test_converts_onnx_and_a_stand_in_air(model: Path) -> None:
    air = model.with_suffix(".air")
    air.write_bytes(STAND_IN_AIR + model.read_bytes())
    for framework, source in (("5", model), ("1", air)):
        target = model.parent / f"out{framework}"
        code, lines = atc(
            f"--framework={framework}",
            f"-model={source}",
            f"--output={target}",
            "--soc_version=Ascend310",
            "--input_shape=x:1,1,4,4",
        )
        assert (code, lines) == (0, [START, SUCCESS])
        assert read_om(Path(f"{target}.om")).header.options["soc_version"] == "Ascend310"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"framework": "1"}, "genuine AIR"),
        ({"framework": "3"}, "E10007"),
        ({"framework": ""}, "E10007"),
        ({"model": "none.onnx"}, "can't be read"),
        ({"soc_version": "Ascend311"}, "no such SoC"),
        ({"soc_version": ""}, "--soc_version is required"),
        ({"input_shape": "im_data:1,1,4,4"}, "E10016"),
        ({"input_shape": "x:1,1,8,8"}, "exported with"),
        ({"input_shape": "x"}, "E10001"),
        ({"precision_mode": "must_keep_origin_dtype"}, "E10001"),
        ({"precision_mode": "force_fp16", "precision_mode_v2": "fp16"}, "exclude each other"),
        ({"nonsense": "1"}, "unknown"),
    ],
)
def test_a_mistake_is_a_failure_with_its_reason_and_no_file(
    model: Path, changed: dict[str, str], text: str
) -> None:
    options = {
        "framework": "5",
        "model": str(model),
        "output": str(model.parent / "m"),
        "soc_version": "Ascend310",
    } | changed
    code, lines = atc(*(f"--{name}={value}" for name, value in options.items()))
    assert code == 1
    assert lines[:2] == [START, FAILURE]
    assert text in lines[2]
    assert not (model.parent / "m.om").exists()


def test_the_launcher_runs_from_another_folder(model: Path) -> None:
    arguments = ["--framework=5", "--model=m.onnx", "--output=m", "--soc_version=Ascend310"]
    run = subprocess.run(
        [sys.executable, LAUNCHER, *arguments], cwd=model.parent, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout.splitlines(), run.stderr) == (0, [START, SUCCESS], "")
    assert read_om(model.parent / "m.om").header.source == "m.onnx"
