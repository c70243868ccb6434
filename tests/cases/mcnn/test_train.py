"""The published recipe: what a training decides, that it goes on bit by bit after a kill, that two ranks are one training."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cases.errors import OmgateError
from cases.mcnn import train
from cases.mcnn.training import loop, states
from cases.mcnn.training import patches as loader
from cases.mcnn.training.journal import Journal, Line
from cases.mcnn.training.options import TrainOptions
from cases.mcnn.training.schedule import FILLER
from tests.cases.mcnn import patches as sets

HOUSE = Path(__file__).parents[3]
SIDE = 32

SMALL = f"""
import sys
sys.path.insert(0, {str(HOUSE)!r})
from cases.mcnn.training import patches
patches.SIDE = {SIDE}
from cases.mcnn.train import main
sys.exit(main(sys.argv[1:]))
"""


def started(words: list[str], *before: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-c", SMALL, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    )


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line of a training that can't begin."""
    assert train.main(list(words)) == 2
    error = capsys.readouterr().err
    assert error.startswith("train: ")
    assert error.count("\n") == 1
    return error


def weights(path: Path) -> dict[str, np.ndarray]:
    import mindspore as ms

    found = ms.load_checkpoint(str(path))
    return {name: value.asnumpy() for name, value in found.items() if name != "omgate"}


def told(folder: Path) -> list[dict[str, Any]]:
    """The log's lines without what a clock said."""
    timed = ("images_per_second", "seconds_left")
    lines = [json.loads(text) for text in (folder / "train.jsonl").read_text().splitlines()]
    for line in lines:
        line.get("options", {}).pop("ckpt_path", None)
    return [{name: value for name, value in line.items() if name not in timed} for line in lines]


def test_the_defaults_are_the_documents() -> None:
    given = TrainOptions(**vars(train.parser().parse_args([])))
    assert (given.batch_size, given.momentum, given.epoch_size, given.buffer_size) == (1, 0.0, 800, 1000)
    assert (given.save_checkpoint_steps, given.keep_checkpoint_max, given.air_name) == (1, 10, "mcnn")
    assert (given.device_target, given.ckpt_path, given.seed) == ("Ascend", "./train_output", 64678)
    assert given.learning_rate(1) == 0.00001
    assert given.learning_rate(8) == 0.000028
    assert TrainOptions(lr=0.5).learning_rate(8) == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", "0"),
        ("epoch_size", "-1"),
        ("buffer_size", "0"),
        ("save_checkpoint_steps", "0"),
        ("keep_checkpoint_max", "0"),
        ("device_target", "TPU"),
        ("lr", "nan"),
        ("momentum", "0.9"),
        ("seed", "-1"),
        ("device_id", "-2"),
        ("air_name", "a/b"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_option(
    capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    error = refusal(capsys, f"--{name}={value}")
    assert f"--{name}: " in error
    assert "allowed" in error or "expected" in error


def test_a_train_folder_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets.write(tmp_path)
    words = sets.arguments(tmp_path, ckpt_path=tmp_path / "out", val_gt_path=tmp_path / "none")
    error = refusal(capsys, *words)
    assert "--val_gt_path: no folder" in error
    assert "omgate prepare" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("break_it", "text"),
    [
        (lambda root: (root / "train_den" / "IMG_2.csv").unlink(), "no IMG_2.csv for the image"),
        (lambda root: (root / "train_den" / "IMG_2.csv").write_text("1,2\n"), "IMG_2.csv"),
        (lambda root: (root / "val" / "IMG_1.png").write_bytes(b"none"), "IMG_1.png"),
        (lambda root: [path.unlink() for path in (root / "train").iterdir()], "no image"),
        (lambda root: (root / "train" / "IMG_1.jpg").write_bytes(b""), "the same name"),
    ],
)
def test_a_broken_set_is_one_line_that_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], break_it: Any, text: str
) -> None:
    sets.write(tmp_path)
    break_it(tmp_path)
    assert text in refusal(capsys, *sets.arguments(tmp_path, ckpt_path=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_image_that_is_too_large_is_refused_with_the_way_out(tmp_path: Path) -> None:
    sets.write(tmp_path, side=260)
    with pytest.raises(OmgateError, match="at most 256 x 256 can be trained on; cut patches"):
        loader.load(tmp_path / "train", tmp_path / "train_den", "train_path")


def test_what_is_loaded_holds_the_people_in_the_middle_of_black(tmp_path: Path) -> None:
    sets.write(tmp_path, images=3, side=48)
    found = loader.load(tmp_path / "train", tmp_path / "train_den", "train_path")
    assert found.pixels.shape == (3, 1, 256, 256)
    assert found.density.shape == (3, 1, 64, 64)
    np.testing.assert_allclose(found.density.sum((1, 2, 3)), found.people, rtol=1e-5)
    np.testing.assert_allclose(found.people, np.round(found.people), atol=1e-4)
    lit = found.pixels.any(axis=(0, 1))
    assert [int(lit.any(1).argmax()), int(lit.any(0).argmax())] == [104, 104]
    assert not found.density[:, :, :25].any()


def test_a_place_without_an_image_weighs_nothing(tmp_path: Path) -> None:
    sets.write(tmp_path)
    found = loader.load(tmp_path / "train", tmp_path / "train_den", "train_path")
    pixels, density, weights = found.batch(np.array([2, FILLER]))
    assert (pixels.shape, density.shape) == ((2, 1, 256, 256), (2, 1, 64, 64))
    assert (pixels.dtype, density.dtype, weights.dtype) == (np.float32,) * 3
    np.testing.assert_array_equal(pixels[0], found.pixels[2])
    assert weights.tolist() == [1.0, 0.0]


def test_the_digest_of_a_set_changes_with_one_level(tmp_path: Path) -> None:
    sets.write(tmp_path)
    found = loader.load(tmp_path / "train", tmp_path / "train_den", "train_path")
    before = found.digest
    found.pixels[0, 0, 128, 128] ^= 1
    assert found.digest != before


def test_a_folder_with_a_training_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "best.ckpt").write_bytes(b"mine")
    assert "go on with it by --resume" in refusal(capsys, f"--ckpt_path={tmp_path}", "--device_target=CPU")
    assert "no state" in refusal(capsys, f"--ckpt_path={tmp_path}", "--device_target=CPU", "--resume")
    assert (tmp_path / "best.ckpt").read_bytes() == b"mine"


def test_the_log_of_a_resumed_training_ends_where_its_state_stands(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin(Line(kind="start", ranks=1), None)
    for epoch in (1, 2, 3):
        journal.add(Line(kind="step", epoch=epoch, step=5, loss=0.5))
    with (tmp_path / "train.jsonl").open("a") as stream:
        stream.write('{"kind":"st')
    journal.begin(Line(kind="start", ranks=1), (2, 5))
    assert [(line["kind"], line.get("epoch")) for line in told(tmp_path)] == [
        ("start", None),
        ("step", 1),
        ("step", 2),
    ]


def test_another_target_than_this_mindspore_has_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ms = pytest.importorskip("mindspore")
    if ms.get_context("device_target") == "Ascend":
        pytest.skip("here there is an Ascend")
    sets.write(tmp_path)
    words = sets.arguments(tmp_path, ckpt_path=tmp_path / "out", device_target="Ascend")
    assert train.main(words) == 2
    error = capfd.readouterr().err.splitlines()
    assert error[-1].startswith("train: --device_target Ascend: this MindSpore")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def uninterrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Path, list[str]]:
    """The folder of a training of 20 steps in this process, and its options without the folder."""
    pytest.importorskip("mindspore")
    sets.write(tmp_path / "set", images=10, side=SIDE)
    words = sets.arguments(tmp_path / "set", epoch_size=2, buffer_size=4, lr=0.001, keep_checkpoint_max=3)
    monkeypatch.setattr(loader, "SIDE", SIDE)
    assert train.main([*words, f"--ckpt_path={tmp_path / 'whole'}"]) == 0
    out = capsys.readouterr().out
    assert "note: no mcnn.air: MindSpore exports AIR on Ascend alone" in out
    assert f"curve: {tmp_path / 'whole' / 'train.svg'}; log: {tmp_path / 'whole' / 'train.jsonl'}" in out
    return tmp_path / "whole", words


def test_a_killed_and_resumed_training_ends_bit_equal(
    tmp_path: Path, uninterrupted: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    whole, words = uninterrupted
    assert [(epoch, step) for epoch, step, _ in states.listed(whole)] == [(2, 8), (2, 9), (2, 10)]
    assert whole.joinpath("best.ckpt").stat().st_size == 512_971

    folder = tmp_path / "killed"
    process = started([*words, f"--ckpt_path={folder}"])
    deadline = time.monotonic() + 60
    while not any(state[:2] >= (1, 6) for state in states.listed(folder)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    stood = states.listed(folder)[-1][:2]
    assert stood < (2, 10), "it ended before it was killed"

    capsys.readouterr()
    assert train.main([*words, f"--ckpt_path={folder}", "--resume"]) == 0
    assert f"goes on after epoch {stood[0]} step {stood[1]}" in capsys.readouterr().err
    for name in ("mcnn-2_10.ckpt", "best.ckpt"):
        one, other = weights(whole / name), weights(folder / name)
        assert one.keys() == other.keys()
        assert all(one[key].tobytes() == other[key].tobytes() for key in one), name
    assert len(weights(whole / "mcnn-2_10.ckpt")) == 26 * 3 + 3  # Adam's two moments, its powers, the step
    assert told(folder) == told(whole)
    first, *_, last = told(folder)
    assert len(first["train_digest"]) == len(first["val_digest"]) == 64
    assert last["checkpoint_sha256"] == hashlib.sha256((folder / "best.ckpt").read_bytes()).hexdigest()
    assert "learning_rate was 0.001, is 0.002: only the same training can go on" in refusal(
        capsys, *words, f"--ckpt_path={folder}", "--resume", "--lr=0.002"
    )


def test_two_ranks_are_one_training_of_twice_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5 images on 2 ranks: the last step of an epoch has one image, and a rank with none."""
    pytest.importorskip("mindspore")
    launcher = Path(sys.executable).with_name("msrun")
    if not launcher.exists():
        pytest.skip("this MindSpore has no msrun")
    sets.write(tmp_path / "set", images=5, side=SIDE)
    words = sets.arguments(tmp_path / "set", epoch_size=2, lr=0.001, save_checkpoint_steps=100)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = tmp_path / "small.py"
    script.write_text(SMALL)
    done = subprocess.run(
        [
            str(launcher),
            *("--worker_num=2", "--local_worker_num=2", f"--master_port={port}", "--join=True"),
            f"--log_dir={tmp_path / 'logs'}",
            *(str(script), *words, f"--ckpt_path={tmp_path / 'two'}"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{launcher.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    logs = "".join(path.read_text() for path in sorted((tmp_path / "logs").glob("worker_*.log")))
    assert done.returncode == 0, done.stdout[-2000:] + logs[-4000:]
    monkeypatch.setattr(loader, "SIDE", SIDE)
    assert train.main([*words, f"--ckpt_path={tmp_path / 'one'}", "--batch_size=2"]) == 0
    for name in ("best.ckpt", "mcnn-2_3.ckpt"):
        one, two = weights(tmp_path / "one" / name), weights(tmp_path / "two" / name)
        assert one.keys() == two.keys()
        for key in one:
            np.testing.assert_allclose(two[key], one[key], rtol=1e-3, atol=1e-6, err_msg=key)
    lines = told(tmp_path / "two")
    assert lines[0]["ranks"] == 2
    assert [line["kind"] for line in lines].count("evaluation") == 2


class SaysNobody:
    """A network whose last ReLU is dead."""

    def set_train(self, mode: bool) -> None:
        pass

    def __call__(self, pixels: Any) -> Any:
        return pixels * 0


class TwoImages:
    pixels = np.zeros((2, 1, 8, 8), np.uint8)
    people = np.array([3.0, 5.0])

    def __len__(self) -> int:
        return 2


def test_a_network_that_says_nobody_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mindspore")
    training = object.__new__(loop.Training)
    training.network, training.validation = SaysNobody(), TwoImages()  # type: ignore[assignment]
    training.standing = SimpleNamespace(epoch=7)  # type: ignore[assignment]
    training.journal = Journal(tmp_path)
    assert training._evaluated() == (4.0, np.sqrt(17))
    said = capsys.readouterr()
    assert "epoch 7: the network says nobody on each validation image" in said.out + said.err
