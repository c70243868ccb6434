from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cases.mcnn import train_synthetic as train
from cases.mcnn.training import scenes

TRAINED = Path(__file__).parents[3] / "cases" / "mcnn" / "model"


def test_pooling_keeps_the_sum_and_the_place() -> None:
    values = np.zeros((8, 12))
    values[5, 9] = 2.0
    pooled = scenes.pool(values)
    assert pooled.shape == (2, 3)
    assert pooled[1, 2] == 2.0
    assert pooled.sum() == 2.0


def test_the_learning_rate_steps_at_half_and_three_quarters() -> None:
    rates = train.learning_rates(
        train.Options(scenes=1, steps=8, learning_rate=1.0, seed=1, evaluate_every=1)
    )
    assert rates == [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]


def test_the_cosine_schedule_ends_at_a_hundredth() -> None:
    rates = train.learning_rates(
        train.Options(scenes=1, steps=100, learning_rate=1.0, seed=1, evaluate_every=1, schedule="cosine")
    )
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)
    assert 0.01 <= rates[-1] < 0.012


def test_crops_hold_the_people_that_they_show() -> None:
    pixels = np.zeros((512, 512), np.uint8)
    target = np.zeros((128, 128), np.float32)
    pixels[200:204, 300:304] = 255
    target[50, 75] = 1.0
    source = scenes.crops([scenes.TrainingImage(pixels, target, 1)], np.random.default_rng(3))
    seen = 0
    for _ in range(60):
        image, cells = next(source)
        assert image.shape == (1, 1, 256, 256)
        assert cells.shape == (1, 1, 64, 64)
        lit = image[0, 0, ::4, ::4]
        np.testing.assert_array_equal(lit > 0, cells[0, 0] > 0)
        seen += int(cells.sum() > 0)
    assert seen


def test_folding_the_scales_leaves_the_function_unchanged() -> None:
    ms = pytest.importorskip("mindspore")
    from cases.mcnn.network import Mcnn

    ms.set_context(mode=ms.PYNATIVE_MODE)
    network = Mcnn()
    train.initialise(network, np.random.default_rng(5))
    levels = np.random.default_rng(6).integers(0, 256, (1, 1, 32, 32)).astype(np.float32)
    scaled = network(ms.Tensor(levels / np.float32(scenes.LEVELS))).asnumpy() / scenes.DENSITY_SCALE
    for parameter, values in zip(network.get_parameters(), train.folded(network).values(), strict=True):
        parameter.set_data(ms.Tensor(values))
    assert scaled.sum() > 0
    np.testing.assert_allclose(network(ms.Tensor(levels)).asnumpy(), scaled, rtol=1e-4, atol=1e-7)


def test_a_short_training_writes_a_checkpoint_and_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mindspore")
    from cases.mcnn.checkpoint import load_strictly
    from cases.mcnn.network import Mcnn

    monkeypatch.setattr(train, "VALIDATION_SCENES", 1)
    monkeypatch.setattr(scenes, "CROP", 64)
    output = tmp_path / "mcnn.ckpt"
    arguments = ["--output", str(output), "--scenes", "1", "--steps", "2", "--evaluate-every", "2"]
    assert train.main(arguments) == 0
    assert output.stat().st_size == 512_971
    network = Mcnn()
    load_strictly(network, output)
    first = network.branch1[0].conv.weight.asnumpy()
    assert 0 < np.abs(first).max() < 0.01  # folded: for levels 0..255, not 0..1
    lines = [json.loads(line) for line in output.with_suffix(".train.jsonl").read_text().splitlines()]
    assert lines[0]["options"]["seed"] == 64678
    assert lines[-1]["finished"] is True
    assert lines[-1]["checkpoint_sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert "MAE on the validation images" in (tmp_path / "mcnn.train.svg").read_text()


def test_a_killed_training_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mindspore")
    monkeypatch.setattr(train, "VALIDATION_SCENES", 1)
    monkeypatch.setattr(scenes, "CROP", 64)
    monkeypatch.setattr(train, "STATE_EVERY", 2)
    options = ["--scenes", "1", "--steps", "5", "--evaluate-every", "2"]

    def run(name: str, *more: str) -> int:
        return train.main(["--output", str(tmp_path / name), *options, *more])

    assert run("whole.ckpt") == 0
    killed = train.Training._step

    def kill(self: train.Training, step: int, *rest: Any) -> None:
        if step == 4:
            raise KeyboardInterrupt
        killed(self, step, *rest)

    monkeypatch.setattr(train.Training, "_step", kill)
    with pytest.raises(KeyboardInterrupt):
        run("parts.ckpt")
    monkeypatch.setattr(train.Training, "_step", killed)
    kept = (tmp_path / "parts.state.ckpt").read_bytes(), (tmp_path / "parts.train.jsonl").read_bytes()
    assert run("parts.ckpt") == 2
    assert kept == (
        (tmp_path / "parts.state.ckpt").read_bytes(),
        (tmp_path / "parts.train.jsonl").read_bytes(),
    )
    assert run("parts.ckpt", "--resume", "--seed", "3") == 2
    assert run("parts.ckpt", "--resume") == 0
    for name in ("whole.ckpt", "whole.last.ckpt"):
        assert (tmp_path / name).read_bytes() == (tmp_path / name.replace("whole", "parts")).read_bytes()
    whole, parts = (
        [json.loads(line) for line in (tmp_path / f"{name}.train.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    )
    timed = {"images_per_second", "seconds"}
    assert [{k: v for k, v in line.items() if k not in timed} for line in whole] == [
        {k: v for k, v in line.items() if k not in timed} for line in parts
    ]
    assert not list(tmp_path.glob("*.state.ckpt"))


def test_a_network_that_died_is_told_and_not_trained_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    ms = pytest.importorskip("mindspore")
    monkeypatch.setattr(train, "VALIDATION_SCENES", 1)
    monkeypatch.setattr(train, "STATE_EVERY", 2)
    monkeypatch.setattr(train, "SILENT_STEPS", 5)
    initialise = train.initialise

    def dead(network: Any, random: np.random.Generator) -> None:
        initialise(network, random)
        network.fuse[0].conv.bias.set_data(ms.Tensor(np.full(1, -1e3, np.float32)))

    monkeypatch.setattr(train, "initialise", dead)
    output = tmp_path / "mcnn.ckpt"
    options = ["--scenes", "1", "--steps", "20", "--evaluate-every", "20"]
    assert train.main(["--output", str(output), *options]) == 2
    assert "step 5: the network said nobody on the last 5 crops" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mcnn.train.jsonl"]
    lines = [json.loads(line) for line in output.with_suffix(".train.jsonl").read_text().splitlines()]
    assert lines[-1] == {"step": 5, "dead": True}


def test_nothing_to_go_on_from_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    pytest.importorskip("mindspore")
    monkeypatch.setattr(train, "VALIDATION_SCENES", 1)
    output = tmp_path / "mcnn.ckpt"
    assert train.main(["--output", str(output), "--scenes", "1", "--steps", "2", "--resume"]) == 2
    assert "no " in capsys.readouterr().err
    assert not output.exists()
