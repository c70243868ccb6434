"""The cloud's entry: with folders, and with a stand-in for moxing whose bucket is a folder. One short training on the CPU."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from cases.mcnn.training import patches as loader
from cases.mcnn.training.options import TrainingError, TrainOptions
from tests.cases.mcnn import patches as sets

SCRIPT = Path(__file__).parents[4] / "cases" / "mcnn" / "modelarts" / "start_train.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location("start_train", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Bucket:
    """moxing.file on a folder; obs://bucket/x is folder/bucket/x."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copied: list[tuple[str, str]] = []

    def _path(self, url: str) -> Path:
        return self.folder / url.removeprefix("obs://") if url.startswith("obs://") else Path(url)

    def copy_parallel(self, src_url: str, dst_url: str) -> None:
        self.copied.append((src_url, dst_url))
        if not self._path(src_url).is_dir():
            raise RuntimeError(f"stat:404 {src_url}\nmore")
        shutil.copytree(self._path(src_url), self._path(dst_url), dirs_exist_ok=True)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = Bucket(tmp_path / "obs")
    monkeypatch.setitem(sys.modules, "moxing", SimpleNamespace(file=made))
    return made


def refused(script: ModuleType, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert script.main(list(words)) == 2
    error = capsys.readouterr().err
    assert error.startswith("start_train: ")
    assert error.count("\n") == 1
    return error


def test_the_hyper_parameters_are_the_documents(script: ModuleType) -> None:
    given = script.parser().parse_args(["--data_url=d", "--train_url=t"])
    assert (given.batch_size, given.lr, given.momentum, given.epoch_size) == (1, None, 0.0, 800)
    assert (given.buffer_size, given.save_checkpoint_steps, given.keep_checkpoint_max) == (1000, 1, 10)
    assert (given.air_name, given.device_target) == ("mcnn", "Ascend")
    assert not hasattr(given, "ckpt_path")


def test_from_a_bucket_to_a_checkpoint_in_the_bucket(
    script: ModuleType, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The training itself is tests/cases/mcnn/test_train.py's: here it loads what was brought, and writes two files."""

    def trained(options: TrainOptions) -> None:
        found = loader.load(Path(options.train_path), Path(options.train_gt_path), "train_path")
        Path(options.ckpt_path).mkdir(parents=True, exist_ok=True)
        (Path(options.ckpt_path) / "best.ckpt").write_text(f"{len(found)} images, resume {options.resume}")
        (Path(options.ckpt_path) / f"{options.air_name}.air").write_bytes(b"air")

    monkeypatch.setattr(script, "run", trained)
    sets.write(
        bucket.folder / "mcnn" / "data" / "formatted_trainval" / "shanghaitech_part_A_patches_9", images=2
    )
    words = ["--data_url=obs://mcnn/data", "--train_url=obs://mcnn/train_output", "--air_name=own"]
    assert script.main(words) == 0
    output = bucket.folder / "mcnn" / "train_output"
    assert sorted(path.name for path in output.iterdir()) == ["best.ckpt", "own.air"]
    assert (output / "best.ckpt").read_text() == "2 images, resume False"
    assert "the results are in obs://mcnn/train_output" in capsys.readouterr().out
    assert [source.startswith("obs://") for source, _ in bucket.copied] == [True, False]

    (output / "mcnn-3_1.ckpt").write_bytes(b"state")
    assert script.main([*words, "--resume"]) == 0  # the states come here first
    assert [source for source, _ in bucket.copied][3] == "obs://mcnn/train_output"
    assert (output / "best.ckpt").read_text() == "2 images, resume True"


def test_folders_of_this_machine_need_no_moxing(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(script, "run", seen.append)
    monkeypatch.setitem(sys.modules, "moxing", None)
    sets.write(tmp_path / "data")
    assert (
        script.main([f"--data_url={tmp_path / 'data'}", f"--train_url={tmp_path / 'out'}", "--lr=0.5"]) == 0
    )
    assert (seen[0].train_gt_path, seen[0].lr) == (str(tmp_path / "data" / "train_den"), 0.5)
    assert seen[0].ckpt_path == str(tmp_path / "out")


def test_what_a_failed_training_had_written_is_brought_home(
    script: ModuleType,
    bucket: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(options: TrainOptions) -> None:
        Path(options.ckpt_path).mkdir(parents=True)
        (Path(options.ckpt_path) / "mcnn-3_1.ckpt").write_bytes(b"state")
        raise TrainingError("the loss is nan")

    monkeypatch.setattr(script, "run", fail)
    sets.write(tmp_path / "data")
    error = refused(script, capsys, f"--data_url={tmp_path / 'data'}", "--train_url=obs://b/out")
    assert "the loss is nan" in error
    assert (bucket.folder / "b" / "out" / "mcnn-3_1.ckpt").read_bytes() == b"state"


def test_another_moxing_is_told_from_the_clouds(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "moxing", SimpleNamespace(__file__="/x/moxing.py", file="a string"))
    error = refused(script, capsys, "--data_url=obs://b/data", "--train_url=obs://b/out")
    assert "obs://b/data: the moxing here (/x/moxing.py) is another package" in error
    sets.write(tmp_path / "data")
    assert "obs://b/out: the moxing" in refused(
        script, capsys, f"--data_url={tmp_path / 'data'}", "--train_url=obs://b/out"
    )
    monkeypatch.setitem(sys.modules, "moxing", None)
    assert "needs moxing" in refused(script, capsys, "--data_url=obs://b/data", "--train_url=/tmp/out")


def test_data_that_is_not_there_is_named(
    script: ModuleType, bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "could not be copied" in refused(script, capsys, "--data_url=obs://b/none", "--train_url=/tmp/out")
    assert "no folder" in refused(script, capsys, "--data_url=/none", "--train_url=/tmp/out")
    (tmp_path / "empty").mkdir()
    error = refused(script, capsys, f"--data_url={tmp_path / 'empty'}", "--train_url=/tmp/out")
    assert "expected one (omgate prepare makes it)" in error


def test_it_starts_from_the_top_of_the_code_folder_too(tmp_path: Path) -> None:
    house = SCRIPT.parents[3]
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "cases").symlink_to(house / "cases")
    shutil.copy(SCRIPT, tmp_path / "code" / "start_train.py")
    for program in (SCRIPT, tmp_path / "code" / "start_train.py"):
        done = subprocess.run(
            [sys.executable, "-P", str(program), "--data_url=/none", "--train_url=/none"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr == "start_train: --data_url: no folder /none\n"
