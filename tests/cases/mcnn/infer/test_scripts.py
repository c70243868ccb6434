"""The deliverable's scripts: what they hand to atc and docker, what they refuse, how they end."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from bench.emulator.om import read_om
from cases.air import stand_in_air
from tests.cases.mcnn.infer.deliverable import INFER, Done, pooling, run

CONVERT = INFER / "convert" / "convert_om.sh"
DOCKER = INFER / "docker_start_infer.sh"
PREPARE = INFER / "prepare_test_data.sh"

HOSTILE = "a 'b' \"c\" $(touch pwned) `touch pwned` * ; & \\"


@pytest.fixture
def fake(tmp_path: Path) -> dict[str, str]:
    """An environment whose atc and docker write their arguments to arguments.json and end with FAKE_STATUS."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("atc", "docker"):
        program = folder / name
        program.write_text(
            "#!/usr/bin/env python3\nimport json, os, sys\n"
            f"json.dump(sys.argv[1:], open({str(tmp_path / 'arguments.json')!r}, 'w'))\n"
            "sys.exit(int(os.environ['FAKE_STATUS']))\n"
        )
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "FAKE_STATUS": "0"}


def arguments(tmp_path: Path) -> list[str]:
    return list(json.loads((tmp_path / "arguments.json").read_text()))


def convert(environ: dict[str, str], folder: Path, *words: str) -> Done:
    return run(["bash", CONVERT, *words], environ, folder)


@pytest.mark.parametrize(("ending", "framework", "shape"), [("air", "1", ["--input_shape=x:1,1,1024,1024"]), ("onnx", "5", [])])  # fmt: skip
def test_what_atc_is_given(
    tmp_path: Path, fake: dict[str, str], ending: str, framework: str, shape: list[str]
) -> None:
    model = tmp_path / f"m.{ending}"
    model.touch()
    assert convert(fake, tmp_path, f"--model={model}", "--output=out").status == 0
    assert sorted(arguments(tmp_path)) == sorted([
        f"--model={model}", f"--framework={framework}", "--output=out", "--soc_version=Ascend310",
        "--input_format=NCHW", *shape,
    ])  # fmt: skip


def test_options_and_hostile_paths_reach_atc_whole(tmp_path: Path, fake: dict[str, str]) -> None:
    model = tmp_path / f"{HOSTILE}.onnx"
    model.touch()
    given = ["--soc_version=Ascend310P3", "--input_shape=in put:1,1,512,512", f"--output={HOSTILE}"]
    assert convert(fake, tmp_path, *given, f"--model={model}").status == 0
    assert {*given, f"--model={model}", "--framework=5"} <= set(arguments(tmp_path))
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("status", ["0", "1", "97", "255"])
def test_the_exit_status_is_atcs(tmp_path: Path, fake: dict[str, str], status: str) -> None:
    (tmp_path / "m.air").touch()
    done = convert({**fake, "FAKE_STATUS": status}, tmp_path, "--model=m.air", "--output=m")
    assert done.status == int(status)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output=m"], "--model=FILE is missing"),
        (["--model=m.air"], "--output=NAME is missing"),
        (["--model=m.air", "--output=m", "--soc_version="], "--soc_version= is empty"),
        (["--model=gone.air", "--output=m"], "--model=gone.air: no such file"),
        (["--model=m.ckpt", "--output=m"], "must end in .air or .onnx"),
        (["--model=m.air", "--output=m", "--precision=fp16"], "no such option: --precision=fp16"),
        (["--model", "m.air", "--output=m"], "no such option: --model"),
        (["--modelfile=m.air", "--output=m"], "no such option: --modelfile=m.air"),
    ],
)
def test_what_convert_refuses(tmp_path: Path, fake: dict[str, str], words: list[str], said: str) -> None:
    (tmp_path / "m.air").touch()
    (tmp_path / "m.ckpt").touch()
    done = convert(fake, tmp_path, *words)
    assert done.status == 1
    assert said in done.err
    assert not (tmp_path / "arguments.json").exists()


def test_help_of_the_scripts(tmp_path: Path, fake: dict[str, str]) -> None:
    for script in (CONVERT, DOCKER):
        done = run(["bash", script, "--help"], fake, tmp_path)
        assert (done.status, done.err) == (0, "")
        assert f"bash {script.name}" in done.out
    assert not (tmp_path / "arguments.json").exists()


def test_without_atc_it_says_so(tmp_path: Path, fake: dict[str, str]) -> None:
    (tmp_path / "m.air").touch()
    done = convert({**fake, "PATH": "/usr/bin:/bin"}, tmp_path, "--model=m.air", "--output=m")
    assert done.status == 1
    assert "no atc here" in done.err


@pytest.mark.parametrize("ending", ["air", "onnx"])
def test_the_emulated_atc_takes_both_forms(tmp_path: Path, environ: dict[str, str], ending: str) -> None:
    model = tmp_path / f"mcnn.{ending}"
    model.write_bytes(pooling() if ending == "onnx" else stand_in_air(pooling()))
    done = convert(environ, tmp_path, f"--model=mcnn.{ending}", "--output=mcnn")
    assert done.status == 0, done.out
    assert "ATC run success" in done.out
    assert read_om(tmp_path / "mcnn.om").header.options["soc_version"] == "Ascend310"


@pytest.mark.parametrize("name", ["x", "im_data", "a 'name' $(touch pwned)"])
def test_an_onnx_needs_no_input_shape_whatever_its_input_is_called(
    tmp_path: Path, environ: dict[str, str], name: str
) -> None:
    (tmp_path / "m.onnx").write_bytes(pooling(name=name))
    done = convert(environ, tmp_path, "--model=m.onnx", "--output=mcnn", "--input_shape=")
    assert done.status == 0, done.out
    assert (tmp_path / "mcnn.om").is_file()
    assert not (tmp_path / "pwned").exists()


def test_an_onnx_without_fixed_sizes_is_told_to_give_them(tmp_path: Path, environ: dict[str, str]) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_model_from_string(pooling(name="x"))
    for value in (*model.graph.input, *model.graph.output):
        for dimension, size in zip(value.type.tensor_type.shape.dim[2:], "hw", strict=True):
            dimension.dim_param = f"{value.name}_{size}"
    onnx.save(model, tmp_path / "open.onnx")
    done = convert(environ, tmp_path, "--model=open.onnx", "--output=open")
    assert done.status != 0
    assert '--input_shape="x:' in done.out
    assert not (tmp_path / "open.om").exists()
    done = convert(environ, tmp_path, "--model=open.onnx", "--output=open", "--input_shape=x:1,1,1024,1024")
    assert done.status == 0, done.out


def test_a_failure_of_the_emulated_atc_is_passed_on(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "mcnn.air").write_bytes(b"a genuine AIR, for all that anyone here knows")
    done = convert(environ, tmp_path, "--model=mcnn.air", "--output=mcnn")
    assert done.status != 0
    assert "ATC run failed" in done.out


# --- docker -------------------------------------------------------------------------------------------------------------------


def container(data: str, image: str = "infer:21.0.2") -> list[str]:
    return [
        "run", "-it",
        "--device=/dev/davinci0", "--device=/dev/davinci_manager", "--device=/dev/devmm_svm", "--device=/dev/hisi_hdc",
        "-v", "/usr/local/Ascend/driver:/usr/local/Ascend/driver", "-v", f"{data}:{data}", image, "/bin/bash",
    ]  # fmt: skip


def test_what_docker_is_given(tmp_path: Path, fake: dict[str, str]) -> None:
    data = tmp_path / HOSTILE
    data.mkdir()
    done = run(["bash", DOCKER, "infer:21.0.2", data], fake, tmp_path)
    assert (done.status, done.err) == (0, "")
    assert arguments(tmp_path) == container(str(data))
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["-v", "two\nlines", "ends in a line break\n"])
def test_a_relative_folder_becomes_absolute(tmp_path: Path, fake: dict[str, str], name: str) -> None:
    (tmp_path / name).mkdir()
    assert run(["bash", DOCKER, "--", "infer:21.0.2", name], fake, tmp_path).status == 0
    assert arguments(tmp_path) == container(str(tmp_path / name))


def test_a_dry_run_prints_what_would_be_run(tmp_path: Path, fake: dict[str, str]) -> None:
    data = tmp_path / HOSTILE
    data.mkdir()
    done = run(["bash", DOCKER, "--dry-run", "infer:21.0.2", data], {**fake, "DOCKER": "podman"}, tmp_path)
    assert done.status == 0
    assert shlex.split(done.out) == ["podman", *container(str(data))]
    assert not (tmp_path / "arguments.json").exists()


@pytest.mark.parametrize("words", [["--device", "3"], ["--device=3"]])
def test_another_device_can_be_chosen(tmp_path: Path, fake: dict[str, str], words: list[str]) -> None:
    assert run(["bash", DOCKER, *words, "infer:21.0.2", tmp_path], fake, tmp_path).status == 0
    chosen = [word.replace("davinci0", "davinci3") for word in container(str(tmp_path))]
    assert arguments(tmp_path) == chosen


def test_dockers_exit_status_is_passed_on(tmp_path: Path, fake: dict[str, str]) -> None:
    assert run(["bash", DOCKER, "image", tmp_path], {**fake, "FAKE_STATUS": "125"}, tmp_path).status == 125


@pytest.mark.parametrize(
    "words", [[], ["image"], ["image", ".", "more"], ["", "."], ["image", "nowhere"], ["--privileged", "image", "."],
              ["image", "with:colon"], ["--", "--privileged", "."], ["--device"], ["--device=x", "image", "."], ["--device=", "image", "."]]
)  # fmt: skip
def test_what_docker_start_refuses(tmp_path: Path, fake: dict[str, str], words: list[str]) -> None:
    (tmp_path / "with:colon").mkdir()
    done = run(["bash", DOCKER, *words], fake, tmp_path)
    assert done.status == 2
    assert "--help" in done.err
    assert not (tmp_path / "arguments.json").exists()


# --- test data ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def prepare(tmp_path: Path) -> Path:
    """The script in a deliverable of its own."""
    infer = tmp_path / "infer"
    (infer / "test_data").mkdir(parents=True)
    (infer / PREPARE.name).write_bytes(PREPARE.read_bytes())
    return infer / PREPARE.name


def test_test_data_is_linked(prepare: Path, tmp_path: Path, fake: dict[str, str]) -> None:
    for name in ("first", HOSTILE):
        for part in ("images", "ground_truth_csv"):
            (tmp_path / name / part).mkdir(parents=True)
        done = run(["bash", prepare, name], fake, tmp_path)
        assert done.status == 0, done.err
        for part in ("images", "ground_truth_csv"):
            assert (prepare.parent / "test_data" / part).resolve() == tmp_path / name / part


def test_what_prepare_refuses(prepare: Path, tmp_path: Path, fake: dict[str, str]) -> None:
    assert "no folder" in run(["bash", prepare, "nowhere"], fake, tmp_path).err
    (tmp_path / "half" / "images").mkdir(parents=True)
    (tmp_path / "half" / "ground_truth").mkdir()
    done = run(["bash", prepare, "half"], fake, tmp_path)
    assert done.status == 1
    assert "no ground_truth_csv/ in" in done.err
    assert "pytest bench/ derives it" in done.err
    (tmp_path / "half" / "ground_truth_csv").mkdir()
    (prepare.parent / "test_data" / "images").mkdir()
    done = run(["bash", prepare, "half"], fake, tmp_path)
    assert (done.status, "is there and no link" in done.err) == (1, True)
