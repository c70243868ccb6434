"""`omgate emulator`: its exports, its folder, its build."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from bench.cli import main
from bench.emulator import build
from bench.emulator.home import VARIABLE, variables

FAKE_COMPILER = """#!/bin/sh
# Stands for g++: the library is a file that names its sources.
while [ $# -gt 0 ]; do
    case $1 in
        -o) shift; target=$1 ;;
        *.cpp) sources="$sources $(basename "$1")" ;;
        -E) exit 0 ;;
    esac
    shift
done
echo "$sources" >"$target"
"""


OLD_HEADERS = "as MX_SDK_HOME, the headers of SDK 2.0 to 6.x"


def told(out: str) -> list[str]:
    """What the build says of each of its parts."""
    return [line.rpartition(": ")[2].partition(";")[0] for line in out.splitlines()]


def omgate(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["emulator", *arguments], out, err)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the home will be; a name that a shell would take apart."""
    folder = tmp_path / "the user's $HOME"
    monkeypatch.setenv(VARIABLE, str(folder))
    monkeypatch.delenv("MX_SDK_HOME", raising=False)
    return folder


def test_env_is_for_eval(home: Path) -> None:
    code, out, err = omgate("env")
    assert (code, err) == (0, "")
    done = subprocess.run(
        ["sh", "-c", 'eval "$1"; env -0', "sh", out],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    exported = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    assert {name: exported[name] for name in variables(home)} == variables(home)
    assert (home / "EMULATED").is_file()
    assert all(line.startswith("export ") for line in out.splitlines())


def test_path_makes_the_home(home: Path) -> None:
    assert omgate("path") == (0, f"{home}\n", "")
    assert (home / "bin" / "atc").is_file()


def test_help_teaches(home: Path) -> None:
    out = omgate("--help")[1]
    for text in ('eval "$(omgate emulator env)"', "OMGATE_EMULATOR_FAULT", "--emulate", "build"):
        assert text in out
    assert not home.exists()


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with what a shell script needs, and nothing to compile with."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "bash", "basename", "dirname", "mkdir", "cat", "cp", "mv", "touch"):
        (folder / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)
    return folder


@pytest.fixture
def sources(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one C++ source of its own, and a program's folder with a build.sh that needs no compiler."""
    assert omgate("path")[0] == 0
    shutil.rmtree(home / "src", ignore_errors=True)
    (home / "src").mkdir()
    (home / "src" / "one.cpp").write_text("int one;\n")
    program = tmp_path / "mxbase"
    program.mkdir()
    (program / "build.sh").write_text(
        'mkdir -p "$MXBASE_BUILD_DIR"; echo "#$MX_SDK_HOME" >"$MXBASE_BUILD_DIR/x"; mv "$MXBASE_BUILD_DIR/x" "$MXBASE_OUTPUT/Mcnn"\n'
    )
    monkeypatch.setattr(build, "PROGRAM_SOURCES", program)
    return program


def test_a_missing_compiler_is_named_with_the_way_out(sources: Path, tools: Path) -> None:
    code, out, err = omgate("build")
    assert (code, out) == (3, "")
    assert "no C++ compiler here (g++): apt-get install g++ cmake libopencv-dev" in err


def test_missing_opencv_and_cmake_are_named(sources: Path, tools: Path, home: Path) -> None:
    compiler = tools / "g++"
    compiler.write_text(FAKE_COMPILER.replace("exit 0", "exit 1"))
    compiler.chmod(0o755)
    code, out, err = omgate("build")
    assert code == 3
    assert "libmxbase_emulated.so: built" in out
    assert "no OpenCV headers here" in err
    compiler.write_text(FAKE_COMPILER)
    code, out, err = omgate("build")
    assert code == 3
    assert "libmxbase_emulated.so: is built" in out
    assert "no cmake here" in err
    assert build.program(home) is None


def test_library_and_program_are_built_once(sources: Path, tools: Path, home: Path) -> None:
    for name, text in (("g++", FAKE_COMPILER), ("cmake", CMAKE)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    code, out, err = omgate("build")
    assert (code, err) == (0, ""), err
    assert told(out) == ["built", OLD_HEADERS, "built"]
    assert (home / "lib" / "libmxbase.so").readlink() == Path("libmxbase_emulated.so")
    assert build.library(home) == home / "lib" / "libmxbase.so"
    assert build.program(home) == home / "bin" / "Mcnn"
    assert (home / "bin" / "Mcnn").read_text() == f"#{home}\n"
    assert stat.S_IMODE((home / "bin" / "Mcnn").stat().st_mode) == 0o750
    assert not list(home.glob(".building-*"))
    out = omgate("build")[1]
    assert told(out) == ["is built", OLD_HEADERS, "is built"]
    (sources / "build.sh").write_text((sources / "build.sh").read_text() + "# changed\n")
    assert build.program(home) is None
    out = omgate("build")[1]
    assert told(out) == ["is built", OLD_HEADERS, "built"]


CMAKE = """#!/bin/sh
# Stands for cmake: configuring notes where the library is to go, building writes it.
case $1 in
    -S) for argument; do case $argument in -DCMAKE_LIBRARY_OUTPUT_DIRECTORY=*) mkdir -p "$4"; echo "${argument#*=}" >"$4/where" ;; esac; done ;;
    --build) touch "$(cat "$2/where")/libmxbase_emulated.so" ;;
esac
"""


def test_a_compiler_that_refuses_is_quoted(sources: Path, tools: Path, home: Path) -> None:
    compiler = tools / "g++"
    compiler.write_text("#!/bin/sh\necho one.cpp:1: note; echo 'one.cpp:1: error: no such thing'; exit 1\n")
    compiler.chmod(0o755)
    code, _, err = omgate("build")
    assert code == 3
    assert "error: no such thing" in err
    assert "note" not in err
    assert build.library(home) is None


def test_without_program_sources_the_library_is_built(sources: Path, tools: Path, home: Path) -> None:
    (sources / "build.sh").unlink()
    (tools / "g++").write_text(FAKE_COMPILER)
    (tools / "g++").chmod(0o755)
    code, out, _ = omgate("build")
    assert code == 0
    assert "no program" in out
    assert os.path.exists(home / "lib" / "libmxbase.so")
