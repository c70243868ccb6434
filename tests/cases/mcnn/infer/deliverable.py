"""A model whose counts numpy knows, a small test set, and how the deliverable's programs are run."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

INFER = Path(__file__).parents[4] / "cases" / "mcnn" / "infer"

SIZES = {"IMG_1": (50, 61), "IMG_10": (33, 20), "IMG_2": (683, 1024)}
"""Height and width, odd ones among them; in the order of their names' bytes."""


@dataclass
class Done:
    """A program that has ended."""

    status: int
    out: str
    err: str
    lines: list[dict[str, Any]] = field(default_factory=list)  # the machine lines


def run(
    command: list[Any], environ: dict[str, str], folder: Path | None = None, seconds: float = 120
) -> Done:
    done = subprocess.run(
        [str(word) if not isinstance(word, bytes) else word for word in command],
        env=environ,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    out = done.stdout.decode("utf-8")
    machine = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return Done(done.returncode, out, done.stderr.decode("utf-8", "backslashreplace"), machine)


@dataclass(frozen=True)
class TestSet:
    """A folder with images/ and ground_truth_csv/; the images' pixels and the sums of the CSVs by name."""

    __test__ = False
    root: Path
    pixels: dict[str, np.ndarray]
    truths: dict[str, float]

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def labels(self) -> Path:
        return self.root / "ground_truth_csv"

    def add(self, name: str, pixels: np.ndarray, truth: float | None) -> None:
        cv2 = pytest.importorskip("cv2")
        assert cv2.imwrite(str(self.images / f"{name}.png"), pixels)
        self.pixels[name] = pixels
        if truth is not None:
            np.savetxt(self.labels / f"{name}.csv", np.full((4, 5), truth / 20), delimiter=",")
            self.truths[name] = truth


def density(pixels: np.ndarray) -> np.ndarray:
    """The map (256, 256) that the model of these tests gives: means of 4 x 4 pixels, the image centred in 1024 x 1024."""
    height, width = pixels.shape
    padded = np.zeros((1024, 1024), np.float32)
    top, left = 512 - height // 2, 512 - width // 2
    padded[top : top + height, left : left + width] = pixels
    return padded.reshape(256, 4, 256, 4).mean((1, 3))


def pooling(side: int = 1024, name: str = "im_data") -> bytes:
    """An ONNX graph of MCNN's shapes: (1, 1, side, side) -> means of 4 x 4."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("AveragePool", [name], ["density"], kernel_shape=[4, 4], strides=[4, 4])
    graph = helper.make_graph(
        [node],
        "pooling",
        [helper.make_tensor_value_info(name, kind, [1, 1, side, side])],
        [helper.make_tensor_value_info("density", kind, [1, 1, side // 4, side // 4])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)
    return bytes(model.SerializeToString())


def make_om(folder: Path, side: int = 1024) -> Path:
    from bench.emulator.atc import main

    (folder / "pooling.onnx").write_bytes(pooling(side))
    out = io.StringIO()
    words = [
        f"--model={folder / 'pooling.onnx'}",
        f"--output={folder / 'pooling'}",
        "--soc_version=Ascend310",
    ]
    assert main(["--framework=5", *words], out) == 0, out.getvalue()
    return folder / "pooling.om"
