"""The om-sdk loop against the field's own way on the same emulated device of 10 ms: send one, wait for it, parse its ground truth.

Both go through the emulated StreamManagerApi; the device takes 10 ms an image by its clock and computes nothing, so the rates are
those of the loops. The field's way parses each density CSV with numpy.loadtxt; the harness has parsed each once in its life. Sizes: that of
all images of ShanghaiTech part B, and the largest that the model takes.

The ratio hangs on that loadtxt: numpy 1.23 wrote it anew in C, some eight times as fast. The deliverable's own line is `python3.7 main.py`, and
the last numpy for that Python is 1.21. OMGATE_BENCHMARK_FIELD_PYTHON names such an interpreter (with numpy, OpenCV, protobuf) and the field's
way is run by it, too.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.backends import get
from bench.backends.base import Options, worker
from bench.emulator.home import make_home
from bench.evaluate import evaluate
from bench.metrics import per_image
from bench.sdk import find, variables
from cases.case import load
from cases.dataset import Dataset, prepare
from cases.ground_truth import TruthCache
from tests.benchmarks.scenes import FILES, WIDTH, case, write_scenes

CASE = Path(__file__).parents[2] / "cases/mcnn/mcnn-synthetic.toml"
PROGRAM = Path(__file__).parent / "programs/send_one_get_one.py"
DEVICE_SECONDS = 0.010
IMAGES = 200
ROUNDS = 3
GOAL = 10.0
METRICS = ("game1", "game2", "game3", "psnr", "ssim")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Path:
    home = make_home()
    monkeypatch.setenv("MX_SDK_HOME", str(home))
    monkeypatch.setenv("OMGATE_EMULATOR_DEVICE_SECONDS", str(DEVICE_SECONDS))
    return home


def harness(root: Path, cache: TruthCache, record: Path) -> float:
    """Images per second of omgate's loop: preparation, worker, metrics, a record line for each."""
    deliverable = load(CASE)
    get("om-sdk").prepare(deliverable)
    samples = (list(Dataset.open(root).samples) * (IMAGES // FILES + 1))[:IMAGES]
    scene: Any = case()
    spec = worker(get("om-sdk"), deliverable, Options())
    with (
        record.open("a") as lines,
        evaluate(samples, lambda sample: prepare(sample, scene, cache), spec) as evaluation,
    ):
        for result in evaluation:
            assert result.status == "ok", result.detail
            assert result.density is not None
            metrics = per_image(result.density, result.true_grid, result.geometry, METRICS)
            lines.write(json.dumps({"image": result.name, "count": result.predicted_count, **metrics}) + "\n")
            lines.flush()
        rate = evaluation.images_per_second
    assert rate is not None
    return rate


def field(root: Path, pipeline: Path, python: str) -> tuple[str, float]:
    """What runs the field's own way, and its images per second."""
    home = find()
    assert home is not None
    done = subprocess.run(
        [
            python,
            str(PROGRAM),
            str(pipeline),
            str(root / "images"),
            str(root / "ground_truth_csv"),
            str(FILES),
        ],
        env={**os.environ, **variables(home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    versions, _, rate = done.stdout.strip().splitlines()[-1].partition(": ")
    return versions, float(rate)


@pytest.mark.speed
@pytest.mark.parametrize("height", [768, 1024])
def test_images_per_second(home: Path, tmp_path: Path, height: int) -> None:
    root = tmp_path / "data"
    root.mkdir()
    write_scenes(root, dense=True, height=height)
    config = get("om-sdk").worker_config(load(CASE), Options())
    pipeline = tmp_path / "mcnn.pipeline"
    pipeline.write_text(config["pipeline"], encoding="utf-8")
    cache = TruthCache(tmp_path / "cache")
    for sample in Dataset.open(root).samples:
        prepare(sample, SimpleNamespace(**vars(case())), cache)
    pythons = [sys.executable, *filter(None, [os.environ.get("OMGATE_BENCHMARK_FIELD_PYTHON")])]
    ours: list[float] = []
    theirs: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        ours.append(harness(root, cache, tmp_path / "record.jsonl"))
        for python in pythons:
            versions, rate = field(root, pipeline, python)
            theirs.setdefault(versions, []).append(rate)
    cache.close()
    fast = statistics.median(ours)
    print(
        f"\nimages per second on an emulated device of {DEVICE_SECONDS * 1e3:g} ms, {WIDTH}x{height}, median of {ROUNDS}"
    )
    print(f"  om-sdk loop of the harness   {fast:7.1f}   ({fast * DEVICE_SECONDS:.2f} of the device alone)")
    for versions, rates in theirs.items():
        slow = statistics.median(rates)
        print(
            f"  send one, get one            {slow:7.1f}   ratio {fast / slow:5.1f} (goal {GOAL:g}), on {versions}"
        )
