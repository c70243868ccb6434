"""Exports of the checkpoint: AIR without Ascend is a stand-in, and says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cases.air import STAND_IN_AIR
from cases.mcnn.export import main

HOUSE = Path(__file__).parents[3]
MODEL = HOUSE / "cases" / "mcnn" / "model"

onnxruntime = pytest.importorskip("onnxruntime")


def result(content: bytes, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: image})[0])


@pytest.mark.parametrize("arguments", [["m.air"], ["m", "--format", "air"], ["m.air", "--format=air"]])
def test_a_stand_in_is_made_of_an_onnx_file_without_mindspore(tmp_path: Path, arguments: list[str]) -> None:
    pytest.importorskip("onnx")
    code = "import sys; sys.modules['mindspore'] = None; from cases.mcnn.export import main; sys.exit(main())"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(HOUSE)!r}); {code}",
            MODEL / "mcnn-synthetic.onnx",
            *arguments,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("m.air: a stand-in, not an AIR")
    assert (tmp_path / "m.air").read_bytes().startswith(STAND_IN_AIR)
    assert [path.name for path in tmp_path.iterdir()] == ["m.air"]


def test_a_stand_in_of_the_checkpoint_computes_what_its_onnx_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ms = pytest.importorskip("mindspore")
    pytest.importorskip("onnx")
    if ms.get_context("device_target") == "Ascend":
        pytest.skip("here AIR itself is exported")
    checkpoint = MODEL / "mcnn-synthetic.ckpt"
    for output in ("m.air", "m.onnx"):
        arguments = [str(checkpoint), str(tmp_path / output), "--height=32", "--width=64"]
        assert main(arguments) == 0
    assert "a stand-in, not an AIR" in capsys.readouterr().out
    image = np.random.default_rng(0).integers(0, 256, (1, 1, 32, 64)).astype(np.float32)
    air = (tmp_path / "m.air").read_bytes()
    assert air.startswith(STAND_IN_AIR)
    found = result(air[len(STAND_IN_AIR) :], image)
    assert found.shape == (1, 1, 8, 16)
    np.testing.assert_array_equal(found, result((tmp_path / "m.onnx").read_bytes(), image))


@pytest.mark.parametrize(
    ("checkpoint", "output", "text"),
    [
        ("m.ckpt", "m.om", "allowed are .onnx, .mindir, .air"),
        ("m.onnx", "m.mindir", "only a stand-in .air"),
        ("none.onnx", "m.air", "can't be read"),
        ("m.onnx", "none/m.air", "no folder"),
        ("m.onnx", "m.air", "not an ONNX model"),
    ],
)
def test_what_can_not_be_exported_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], checkpoint: str, output: str, text: str
) -> None:
    pytest.importorskip("onnx")
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    assert main([str(tmp_path / checkpoint), str(tmp_path / output)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("export: ")
    assert error.count("\n") == 1
    assert text in error
    assert not (tmp_path / "m.air").exists()
