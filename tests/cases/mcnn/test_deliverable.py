"""The committed checkpoint, ONNX and baselines of the synthetic case hold what the project says of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cases.case import Case, load
from reports.baseline import Baseline, list_baselines

HOUSE = Path(__file__).parents[3]
MCNN = HOUSE / "cases" / "mcnn"


@pytest.fixture(scope="module")
def case() -> Case:
    return load(MCNN / "mcnn-synthetic.toml")


@pytest.fixture(scope="module")
def baselines() -> dict[str, Baseline]:
    files = list_baselines(MCNN / "baselines", "mcnn-synthetic")
    assert all(file.baseline for file in files), [file.problem for file in files]
    return {file.baseline.backend: file.baseline for file in files if file.baseline}


def test_both_backends_have_a_baseline_of_all_images(baselines: dict[str, Baseline]) -> None:
    assert {"reference", "ckpt"} <= baselines.keys()
    assert all(len(baseline.images) == 24 for baseline in baselines.values())


def test_the_checkpoint_is_good_enough_that_a_regression_means_something(
    baselines: dict[str, Baseline],
) -> None:
    """MAE at most 15 % of the mean count, and clearly better than predicting the training mean."""
    true = np.array([image.true_count for image in baselines["ckpt"].images.values()])
    predicted = np.array([image.predicted_count for image in baselines["ckpt"].images.values()])
    log = (MCNN / "model" / "mcnn-synthetic.train.jsonl").read_text(encoding="utf-8").splitlines()
    training_mean = json.loads(log[0])["training_mean_people"]
    mae = np.abs(predicted - true).mean()
    assert mae <= 0.15 * true.mean()
    assert mae < np.abs(training_mean - true).mean() / 4


def test_checkpoint_and_reference_agree_on_every_image(baselines: dict[str, Baseline]) -> None:
    for name, image in baselines["ckpt"].images.items():
        other = baselines["reference"].images[name]
        assert other.digest == image.digest
        assert image.predicted_count == pytest.approx(other.predicted_count, rel=1e-4), name


def test_the_baselines_are_of_the_committed_model_files(case: Case, baselines: dict[str, Baseline]) -> None:
    from bench.backends.base import sha256

    assert case.forms.ckpt
    assert case.forms.onnx
    assert baselines["ckpt"].digests.model == sha256(case.forms.ckpt)
    assert baselines["reference"].digests.model == sha256(case.forms.onnx)
    assert baselines["ckpt"].digests.case == case.digest()


def test_the_log_belongs_to_a_finished_training_off_the_test_seeds() -> None:
    from cases.synthetic import TEST_SEEDS

    lines = [
        json.loads(line)
        for line in (MCNN / "model" / "mcnn-synthetic.train.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert lines[-1]["finished"] is True
    assert lines[0]["seeds"][0] > max(TEST_SEEDS)


def scaled(source: Path, target: Path, factor: float) -> None:
    """The ONNX network with the weights of one live filter scaled: the one that the fusion listens to most."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(source))
    weights = {item.name: item for item in model.graph.initializer}
    fusion = next(
        numpy_helper.to_array(item) for item in weights.values() if list(item.dims) == [1, 30, 1, 1]
    )
    channel = int(fusion[0, :, 0, 0].argmax())
    branch, row = next(
        (b, channel - start) for b, start, end in ((1, 0, 8), (2, 8, 18), (3, 18, 30)) if channel < end
    )
    shape = {1: (8, 16, 7, 7), 2: (10, 20, 5, 5), 3: (12, 24, 3, 3)}[branch]
    item = next(item for item in weights.values() if tuple(item.dims) == shape)
    values = numpy_helper.to_array(item).copy()
    values[row] *= factor
    item.CopyFrom(numpy_helper.from_array(values, item.name))
    onnx.save(model, str(target))


def test_a_fault_in_one_filter_is_judged_by_its_size(case: Case, tmp_path: Path) -> None:
    """1 %, 5 % and 20 % more weight in one live filter: severity rises, the last two are never a pass, images are named."""
    pytest.importorskip("onnx")
    order = ["pass", "drift", "regressed"]
    found = []
    for percent in (1, 5, 20):
        assert case.forms.onnx
        scaled(case.forms.onnx, tmp_path / "faulty.onnx", 1 + percent / 100)
        arguments = ["--case", "mcnn-synthetic", "--backend", "reference", "--label", f"faulty-{percent}"]
        arguments += ["-k", "accuracy"]
        paths = [f"--onnx={tmp_path / 'faulty.onnx'}", f"--run-dir={tmp_path / 'runs'}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "bench/", "-p", "no:cacheprovider", "-rs", *arguments, *paths],
            cwd=HOUSE,
            env={**os.environ, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        folder = next((tmp_path / "runs").glob(f"*-faulty-{percent}-*"))
        verdict = json.loads((folder / "run.json").read_text(encoding="utf-8"))["verdicts"][0]["verdict"]
        found.append(verdict["status"])
        assert verdict["moved"] or verdict["status"] == "pass"
        assert done.returncode == (1 if verdict["status"] == "regressed" else 0), done.stdout
    assert [order.index(status) for status in found] == sorted(order.index(status) for status in found), found
    assert "pass" not in found[1:], found
