"""Every step of a deliverable's life on a disk that is full, and on one that is read-only: one line, exit code 2, nothing that looks whole."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.cli import main
from cases.mcnn.training import patches as loader
from cases.synthetic import generate
from tests.cases.mcnn import patches as sets

MODEL = Path(__file__).parents[2] / "cases" / "mcnn" / "model"
UNFINISHED = (".writing-", ".exporting-", ".converting-")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a tmpfs of so many KiB; skips where that is not allowed."""
    mounted: list[Path] = []

    def mount(kib: int, read_only: bool = False) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        options = f"size={kib}k" + (",ro" if read_only else "")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "omgate", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no tmpfs can be mounted here: {done.stderr.decode(errors='replace').strip()}")
        mounted.append(folder)
        return folder

    if shutil.which("mount") is None or os.geteuid():
        pytest.skip("mounting a small tmpfs needs root")
    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def refused(*words: object) -> str:
    """The last line on stderr of a command that could not be done (MindSpore may log before it)."""
    out, err = io.StringIO(), io.StringIO()
    assert main([str(word) for word in words], out, err) == 2, out.getvalue()
    lines = err.getvalue().splitlines()
    assert lines[-1].startswith("omgate: ")
    return lines[-1]


def left(folder: Path) -> set[str]:
    """Names of the files in a folder; unfinished ones are none of them, and must be gone."""
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert not [path for path in folder.rglob("*") if path.name.startswith(UNFINISHED)]
    return names


@pytest.fixture(params=["full", "read-only"])
def state(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def words_of(state: str) -> str:
    return "No space left on device" if state == "full" else "Read-only file system"


def test_prepare(state: str, disk: Callable[..., Path]) -> None:
    folder = disk(64, state == "read-only")
    error = refused("prepare", "synthetic", folder / "set", "--count", 2)
    assert words_of(state) in error
    assert str(folder) in error
    assert not any(name.endswith((".jpg", ".mat")) for name in left(folder))


def test_prepare_patches(state: str, disk: Callable[..., Path], tmp_path: Path) -> None:
    generate(tmp_path / "set", range(100_000, 100_001))
    folder = disk(100, state == "read-only")
    (tmp_path / "set" / "formatted_trainval").symlink_to(folder)
    error = refused("prepare", "synthetic", tmp_path / "set", "--seed=100000", "--count=1", "--patches")
    assert words_of(state) in error
    for image in folder.rglob("*.png"):  # a patch's image is written after its density
        assert (image.parent.with_name(f"{image.parent.name}_den") / f"{image.stem}.csv").exists()
    left(folder)


def test_train(
    state: str, disk: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mindspore")
    monkeypatch.setattr(loader, "SIDE", 32)
    sets.write(tmp_path / "set", images=2)
    folder = disk(400, state == "read-only")
    error = refused("train", *sets.arguments(tmp_path / "set", ckpt_path=folder / "out", epoch_size=1))
    assert words_of(state) in error
    assert str(folder / "out") in error
    assert left(folder) <= {"train.jsonl"}


@pytest.mark.parametrize("suffix", ["onnx", "mindir", "air"])
def test_export(state: str, suffix: str, disk: Callable[..., Path]) -> None:
    pytest.importorskip("mindspore")
    pytest.importorskip("onnx")
    folder = disk(300, state == "read-only")
    error = refused(
        "export", MODEL / "mcnn-synthetic.ckpt", folder / f"m.{suffix}", "--height=32", "--width=32"
    )
    assert words_of(state) in error
    assert left(folder) == set()


def test_convert(state: str, disk: Callable[..., Path]) -> None:
    pytest.importorskip("onnx")
    folder = disk(100, state == "read-only")
    error = refused("convert", "--emulate", f"--output={folder / 'mcnn'}")
    assert words_of(state) in error
    assert left(folder) == set()
