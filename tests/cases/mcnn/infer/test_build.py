"""Builds: both generations of the SDK's headers, both kinds of std::string, and the README's commands from end to end."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.programs.read import parse
from tests.cases.mcnn.infer.deliverable import INFER, Done, TestSet, run

MXBASE = INFER / "mxbase"
HOUSE = INFER.parents[2]


def built(home: Path, environ: dict[str, str], folder: Path, **more: str) -> Done:
    places = {"MXBASE_BUILD_DIR": str(folder / "build"), "MXBASE_OUTPUT": str(folder)}
    return run(["bash", MXBASE / "build.sh"], {**environ, **places, **more}, folder, 600)


def without_times(done: Done) -> list[dict[str, object]]:
    return [{key: value for key, value in line.items() if "seconds" not in key} for line in done.lines]


def test_the_old_headers_give_the_same_program(
    mcnn: Path, home: Path, om: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    made = built(home, environ, tmp_path, MXBASE_INCLUDE=str(home / "include-old"))
    assert made.status == 0, made.out + made.err
    old = tmp_path / "Mcnn"
    # What only one generation has shows which headers the build saw.
    assert [b"TensorContext" in path.read_bytes() for path in (old, mcnn)] == [True, False]
    new = run([mcnn, om, test_set.images, test_set.labels, tmp_path / "new"], environ)
    done = run([old, om, test_set.images, test_set.labels, tmp_path / "old"], environ)
    assert done.status == 0, done.err
    assert without_times(done) == without_times(new)
    failed = run([old, om, test_set.images, "-", tmp_path / "old", "--device", "7"], environ)
    assert (failed.status, "device 7 can't be used" in failed.err) == (3, True)


@pytest.mark.parametrize("standard", ["c++11", "c++14", "c++17"])
@pytest.mark.parametrize("headers", ["include", "include-old"])
def test_what_knows_the_sdk_compiles_by_each_standard(home: Path, headers: str, standard: str) -> None:
    if not shutil.which("g++"):
        pytest.skip("no C++ compiler here")
    for name in ("Sdk.cpp", "Mcnn.cpp", "Lines.cpp", "main.cpp"):
        command = ["g++", f"-std={standard}", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
        done = subprocess.run(
            [*command, "-isystem", str(home / headers), str(MXBASE / "src" / name)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def an_sdk(folder: Path, home: Path, old_strings: bool, own_opencv: bool) -> Path:
    """An SDK home whose library is compiled with one of the two std::strings."""
    (folder / "lib").mkdir(parents=True)
    (folder / "include").symlink_to(home / "include")
    source = folder / "library.cpp"
    source.write_text(
        "#include <string>\nnamespace MxBase { struct DeviceManager { int InitDevices(std::string); };\n"
        "int DeviceManager::InitDevices(std::string path) { return (int)path.size(); } }\n"
    )
    flag = f"-D_GLIBCXX_USE_CXX11_ABI={int(not old_strings)}"
    library = folder / "lib" / "libmxbase.so"
    subprocess.run(["g++", flag, "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    if own_opencv:
        (folder / "opensource" / "lib").mkdir(parents=True)
        shutil.copy(library, folder / "opensource" / "lib" / "libopencv_world.so")
    return folder


@pytest.mark.parametrize(
    ("old_strings", "own_opencv", "said"),
    [
        (True, True, "old std::string (_GLIBCXX_USE_CXX11_ABI=0)"),
        (False, True, "new std::string"),
        (False, False, "new std::string"),
        (True, False, "they do not link"),
    ],
)
def test_the_library_says_which_strings_it_takes(
    mcnn: Path,
    home: Path,
    environ: dict[str, str],
    tmp_path: Path,
    old_strings: bool,
    own_opencv: bool,
    said: str,
) -> None:
    environ["MX_SDK_HOME"] = str(an_sdk(tmp_path / "sdk", home, old_strings, own_opencv))
    done = run(["cmake", "-S", MXBASE, "-B", tmp_path / "build"], environ)
    assert said in " ".join((done.out + done.err).split())
    assert (done.status == 0) == ("link" not in said)
    flags = [path.read_text() for path in (tmp_path / "build").rglob("flags.make")]
    assert any("_GLIBCXX_USE_CXX11_ABI=0" in text for text in flags) == (old_strings and own_opencv)


def test_what_build_refuses(home: Path, environ: dict[str, str], tmp_path: Path) -> None:
    if not shutil.which("cmake") or not shutil.which("g++"):
        pytest.skip("no cmake or no C++ compiler here")
    said = {
        ("MX_SDK_HOME", ""): "MX_SDK_HOME is not set",
        ("MX_SDK_HOME", str(tmp_path / "nowhere")): "is no folder",
        ("MXBASE_INCLUDE", str(tmp_path)): "no MxBase headers in",
        ("PATH", "/usr/bin/nowhere:/bin/nowhere"): "no cmake here",
    }
    for (name, value), text in said.items():
        bash = shutil.which("bash")
        places = {"MXBASE_BUILD_DIR": str(tmp_path / "build"), "MXBASE_OUTPUT": str(tmp_path / "output")}
        words = [bash, MXBASE / "build.sh"]
        if name == "PATH":
            done = run(words, {**environ, **places, name: _with_dirname_alone(tmp_path)}, tmp_path)
        else:
            done = run(words, {**environ, **places, name: value}, tmp_path)
        assert done.status != 0
        assert text in done.err
    assert not (tmp_path / "output" / "Mcnn").exists()


def _with_dirname_alone(folder: Path) -> str:
    (folder / "bin").mkdir()
    (folder / "bin" / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    return str(folder / "bin")


def commands(mark: str) -> str:
    """The README's block of commands that has this mark."""
    text = (INFER / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {mark} -->\n```sh\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def test_the_delivery_documents_commands_from_end_to_end(
    mcnn: Path, test_set: TestSet, environ: dict[str, str], tmp_path: Path
) -> None:
    """The block for a device, as it stands, on the emulated home; with the case's own network."""
    infer = tmp_path / "mcnn" / "infer"
    left = shutil.ignore_patterns(
        "build", "Mcnn", "__pycache__", "*.om", "*.air", "*.f32", "images", "ground_truth_csv"
    )
    shutil.copytree(INFER, infer, ignore=left)
    shutil.copytree(INFER.parent / "model", infer.parent / "model")
    export = next(line for line in commands("emulated").splitlines() if "cases.mcnn.export" in line)
    export = export.replace("python", sys.executable, 1)
    script = commands("hardware-only").replace("[SOURCE]", f"'{test_set.root}'")
    for words in (
        "bash convert_om.sh --model=../model/mcnn.air --output=../model/mcnn",
        "bash build.sh",
        "./Mcnn ../model/mcnn.om ../test_data/images/ ../test_data/ground_truth_csv/ ./output",
        "bash run.sh ../test_data/images/ ../test_data/ground_truth_csv/",
    ):
        assert f"\n{words}\n" in script
    done = run(
        ["bash", "-ec", f"{export}\n{script}"],
        {**environ, "PYTHONPATH": f"{environ['PYTHONPATH']}:{HOUSE}"},
        infer,
        600,
    )
    assert done.status == 0, done.out + done.err
    native = [line for line in done.lines if "image" in line]
    python = parse("\n".join(line for line in done.out.splitlines() if not line.startswith("{")), "out")
    assert python.complete
    assert [line["predicted"] for line in native] == [image.predicted for image in python.images]
    assert all(line["predicted"] > 0 for line in native)
    for line in native:
        density = np.fromfile(infer / "mxbase" / "output" / line["map"], "<f4")
        assert density.sum(dtype=np.float64) == pytest.approx(line["predicted"], rel=1e-12)
