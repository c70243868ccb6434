"""Exports of the checkpoint: AIR without Ascend is a stand-in, and says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

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
    told = capsys.readouterr().out
    assert "m.air: a stand-in, not an AIR" in told
    assert "m.onnx: verified against the checkpoint" in told
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


def test_a_mindir_is_run_against_the_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mindspore")
    arguments = [str(MODEL / "mcnn-synthetic.ckpt"), str(tmp_path / "m"), "--format=mindir"]
    assert main([*arguments, "--height=32", "--width=36"]) == 0
    assert "m.mindir: verified against the checkpoint: they differ by" in capsys.readouterr().out
    assert (tmp_path / "m.mindir").stat().st_mode & 0o777 == 0o644


def test_an_export_that_differs_is_not_put_in_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network of the checkpoint against an export of another one: its fusion 1 % larger."""
    ms = pytest.importorskip("mindspore")
    from cases.mcnn import export as module

    whole = module._exported

    def other(network: Any, *rest: Any) -> Path:
        changed = module._network(MODEL / "mcnn-synthetic.ckpt")
        weight = changed.fuse[0].conv.weight
        weight.set_data(ms.Tensor(weight.asnumpy() * 1.01))
        return whole(changed, *rest)

    monkeypatch.setattr(module, "_exported", other)
    (tmp_path / "m.onnx").write_bytes(b"before")
    arguments = [str(MODEL / "mcnn-synthetic.ckpt"), str(tmp_path / "m.onnx"), "--height=32", "--width=32"]
    assert main(arguments) == 2
    assert "differs from the checkpoint by" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_bytes() == b"before"


@pytest.mark.parametrize(
    ("checkpoint", "words", "text"),
    [
        ("torn.ckpt", [], "not a readable MindSpore checkpoint"),
        ("none.ckpt", [], "not a readable MindSpore checkpoint"),
        ("other.ckpt", [], "missing branch1.0.conv.bias"),
        ("other.ckpt", ["--height=3"], "--height 3"),
    ],
)
def test_a_wrong_checkpoint_or_size_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], checkpoint: str, words: list[str], text: str
) -> None:
    ms = pytest.importorskip("mindspore")
    (tmp_path / "torn.ckpt").write_bytes((MODEL / "mcnn-synthetic.ckpt").read_bytes()[:9000])
    ms.save_checkpoint([{"name": "w", "data": ms.Tensor([1.0])}], str(tmp_path / "other.ckpt"))
    capfd.readouterr()
    assert main([str(tmp_path / checkpoint), str(tmp_path / "m.onnx"), *words]) == 2
    error = capfd.readouterr().err.splitlines()
    assert error[-1].startswith("export: ")
    assert text in error[-1]
    assert not list(tmp_path.glob("*.onnx"))
