"""A deliverable small enough for tests: its own folder under a `cases` folder, nothing in bench/ knows it.

The network blurs, averages 2 x 2 pixels and scales: density (1, 1, H/2, W/2) >= 0. ONNX only; its test set is `images` pictures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HOUSE = Path(__file__).parents[2]

CASE = """
name = "{name}"
title = "a tiny deliverable"
synthetic = true
backends = ["reference", "ckpt"]
metrics = ["mae", "rmse", "game1", "psnr", "ssim"]
strata = [10]

[forms]
onnx = "model/tiny.onnx"

[input]
shape = [1, 1, 64, 64]
layout = "NCHW"
pixels = "grey-uint8"

[output]
stride = 2

[preprocess]
policy = "pad-64"
above = "refuse"

[ground_truth]
rule = "raw-sum"

[data]
root = "data"

[[gates]]
metric = "mae"
tolerance = 2.0
unit = "%"

[limits]
open_seconds = 60
image_seconds = 30
"""


def write_model(path: Path, scale: float = 1.0) -> None:
    """An ONNX network of two convolutions; `scale` multiplies the weights of its first filter."""
    from onnx import TensorProto, checker, helper, save

    first = np.stack([np.full((1, 3, 3), scale / 9), np.full((1, 3, 3), 0.5 / 9)]).astype(np.float32)
    second = np.full((1, 2, 2, 2), 1 / 40_000, np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w1"], ["a"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("Conv", ["b", "w2"], ["c"], strides=[2, 2], kernel_shape=[2, 2]),
            helper.make_node("Relu", ["c"], ["y"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 32, 32])],
        [
            helper.make_tensor("w1", TensorProto.FLOAT, first.shape, first.tobytes(), raw=True),
            helper.make_tensor("w2", TensorProto.FLOAT, second.shape, second.tobytes(), raw=True),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, str(path))


def write_image(path: Path, seed: int, height: int = 48, width: int = 60) -> None:
    """A JPEG of blobs on noise."""
    import cv2

    random = np.random.default_rng(seed)
    picture = random.normal(90, 10, (height, width))
    for _ in range(int(random.integers(3, 20))):
        centre = (int(random.integers(width)), int(random.integers(height)))
        cv2.circle(picture, centre, int(random.integers(2, 7)), float(random.integers(120, 255)), -1)
    good, content = cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8))
    assert good
    path.write_bytes(content.tobytes())


def write_truth(path: Path, seed: int, height: int = 48, width: int = 60) -> None:
    """A density CSV with a few people."""
    random = np.random.default_rng([seed, 1])
    density = np.zeros((height, width))
    for _ in range(int(random.integers(2, 25))):
        density[random.integers(height), random.integers(width)] += 1
    np.savetxt(path, density, delimiter=",", fmt="%g")


def house(folder: Path, images: int = 5, name: str = "tiny-blobs") -> Path:
    """A `cases` folder with one model and its test set; returns it."""
    model = folder / "cases" / "tiny"
    for part in ("images", "ground_truth_csv"):
        (model / "data" / part).mkdir(parents=True)
    write_model(model / "model" / "tiny.onnx")
    (model / f"{name}.toml").write_text(CASE.format(name=name), encoding="utf-8")
    for number in range(1, images + 1):
        write_image(model / "data" / "images" / f"IMG_{number}.jpg", number)
        write_truth(model / "data" / "ground_truth_csv" / f"IMG_{number}.csv", number)
    return folder / "cases"


PIPELINE = {
    "tiny": {
        "appsrc0": {"factory": "appsrc", "next": "mxpi_tensorinfer0"},
        "mxpi_tensorinfer0": {
            "factory": "mxpi_tensorinfer",
            "props": {"dataSource": "appsrc0", "modelPath": "../model/tiny.om"},
            "next": "appsink0",
        },
        "appsink0": {"factory": "appsink"},
    }
}


def add_om(cases: Path, image_seconds: float = 30) -> None:
    """Gives the deliverable the two OM backends; with `--emulate` its ONNX becomes their OM."""
    folder = cases / "tiny"
    (folder / "sdk").mkdir()
    (folder / "sdk" / "tiny.pipeline").write_text(json.dumps(PIPELINE), encoding="utf-8")
    for file in folder.glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        text = text.replace('["reference", "ckpt"]', '["reference", "ckpt", "om-sdk", "om-mxbase"]')
        text = text.replace(
            "[input]", '[sdk]\npipeline = "sdk/tiny.pipeline"\n\n[mxbase]\nprogram = "mxbase/Tiny"\n\n[input]'
        )
        file.write_text(
            text.replace("image_seconds = 30", f"image_seconds = {image_seconds}"), encoding="utf-8"
        )


def command(cases: Path, *arguments: str, report: bool = False) -> list[str]:
    """`pytest bench/` on the tiny deliverable; records go to `runs` beside `cases`. A report takes a second that few tests need."""
    runs = cases.parent / "runs"
    # Speed has tests of its own; here it would only take time.
    speed = [] if any("latency" in argument for argument in arguments) else ["--ignore=bench/test_latency.py"]
    fixed = ["-p", "no:cacheprovider", f"--run-dir={runs}", *speed]
    fixed += [] if report else ["--no-report"]
    return [sys.executable, "-m", "pytest", "bench/", *fixed, *arguments]


def environment(cases: Path) -> dict[str, str]:
    """The process's environment, with cases and a cache of the test's own."""
    own = {"OMGATE_CASES": str(cases), "OMGATE_CACHE": str(cases.parent / "cache"), "COLUMNS": "200"}
    return {**os.environ, **own}


def measure(cases: Path, *arguments: str, report: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs `pytest bench/` to its end."""
    return subprocess.run(
        command(cases, *arguments, report=report),
        cwd=HOUSE,
        env=environment(cases),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def newest(cases: Path) -> Path:
    """The folder of the run that began last."""
    return max((cases.parent / "runs").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)


def promote(cases: Path) -> subprocess.CompletedProcess[str]:
    """`omgate baseline promote` of the newest run."""
    runs = cases.parent / "runs"
    typed = ["baseline", "promote", newest(cases).name, "--reason", "test", f"--run-dir={runs}"]
    return subprocess.run(
        [sys.executable, "-m", "bench.cli", *typed],
        cwd=HOUSE,
        env=environment(cases),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def lines(run: Path) -> list[dict[str, object]]:
    """The image records of a run."""
    return [json.loads(line) for line in (run / "images.jsonl").read_text(encoding="utf-8").splitlines()]
