"""Compiles what is C++ in the emulated home: the mxBase library, and the deliverable's program on top of it.

Both go into the home on disk, `lib/` and `bin/Mcnn`; `opensource/` and `old/` are made for other programs' build scripts. What was built from the same sources is left alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.emulator.home import HOUSE, SCRIPT_MODE, variables
from bench.emulator.opensource import put_opensource
from cases.errors import OmgateError

PROGRAM_SOURCES = HOUSE / "cases" / "mcnn" / "infer" / "mxbase"
PROGRAM = "Mcnn"
LIBRARY = "libmxbase_emulated.so"
LINK = "libmxbase.so"

APT = "apt-get install g++ cmake libopencv-dev"

BUILD_SECONDS = 1800.0
"""A minute or two are usual; OpenCV's headers on a loaded machine take their time."""


class CannotBuild(OmgateError):
    """Something that a build needs is not here, or the compiler refused."""


def build(home: Path, say: Callable[[str], None] = print) -> None:
    """Build the library and the program into `home`, telling of each. Raises CannotBuild."""
    say(_library(home))
    say(put_opensource(home))
    if (PROGRAM_SOURCES / "build.sh").is_file():
        say(_program(home))
    else:
        say(f"no program: {PROGRAM_SOURCES}/build.sh is not here")


def library(home: Path) -> Path | None:
    """Return the home's mxBase library; None where it was not built yet."""
    path = home / "lib" / LINK
    return path if path.is_file() else None


def program(home: Path) -> Path | None:
    """Return the deliverable's program; None where it was not built, or from other sources than those that are here."""
    path = home / "bin" / PROGRAM
    return path if path.is_file() and _stamp_of(home) == _program_digest() else None


def _library(home: Path) -> str:
    if library(home) is not None:
        return f"{home / 'lib' / LIBRARY}: is built"
    sources = home / "src"
    if not any(sources.glob("*.cpp")):
        raise CannotBuild(f"{sources}: no C++ sources in this emulated home: take a whole omgate")
    compiler = _compiler()
    with tempfile.TemporaryDirectory(prefix=".building-", dir=home) as folder:
        made = Path(folder) / "lib"
        made.mkdir()
        if shutil.which("cmake"):
            work = str(Path(folder) / "work")
            place = f"-DCMAKE_LIBRARY_OUTPUT_DIRECTORY={made}"
            _run(["cmake", "-S", str(sources), "-B", work, "-DCMAKE_BUILD_TYPE=Release", place], home)
            _run(["cmake", "--build", work, "--parallel", str(os.cpu_count() or 1)], home)
        else:
            flags = ["-std=c++11", "-O2", "-fPIC", "-shared", "-pthread", "-DMXBASE_OLD_GENERATION"]
            flags.append(f"-Wl,-soname,{LIBRARY}")
            files = [str(path) for path in sorted(sources.glob("*.cpp"))]
            command = [
                compiler,
                *flags,
                f"-I{home / 'include'}",
                f"-I{sources}",
                *files,
                "-o",
                str(made / LIBRARY),
            ]
            _run(command, home)
        if not (made / LIBRARY).is_file():
            raise CannotBuild(f"{sources}: its build made no {LIBRARY}")
        (home / "lib").mkdir(exist_ok=True)
        (made / LIBRARY).chmod(0o640)
        os.replace(made / LIBRARY, home / "lib" / LIBRARY)
        link = Path(folder) / LINK
        link.symlink_to(LIBRARY)
        os.replace(link, home / "lib" / LINK)
    return f"{home / 'lib' / LIBRARY}: built"


def _program(home: Path) -> str:
    target = home / "bin" / PROGRAM
    if program(home) is not None:
        return f"{target}: is built"
    _need_opencv(_compiler())
    if not shutil.which("cmake"):
        raise CannotBuild(f"no cmake here, which the program's build needs: {APT}")
    with tempfile.TemporaryDirectory(prefix=".building-", dir=home) as folder:
        made = Path(folder) / "output"
        made.mkdir()
        places = {"MXBASE_BUILD_DIR": str(Path(folder) / "work"), "MXBASE_OUTPUT": str(made)}
        _run(["bash", str(PROGRAM_SOURCES / "build.sh")], home, PROGRAM_SOURCES, places)
        if not (made / PROGRAM).is_file():
            raise CannotBuild(f"{PROGRAM_SOURCES}/build.sh made no {PROGRAM}")
        (made / PROGRAM).chmod(SCRIPT_MODE)
        os.replace(made / PROGRAM, target)
    _stamp(home).write_text(_program_digest(), encoding="ascii")
    return f"{target}: built"


def _compiler() -> str:
    compiler = os.environ.get("CXX") or "g++"
    if not shutil.which(compiler):
        raise CannotBuild(f"no C++ compiler here ({compiler}): {APT}")
    return compiler


def _need_opencv(compiler: str) -> None:
    """Ask the compiler for OpenCV's headers, where Debian puts them and where it looks by itself."""
    if os.environ.get("OpenCV_DIR"):  # noqa: SIM112 - CMake's name
        return
    done = subprocess.run(
        [
            compiler,
            "-E",
            "-x",
            "c++",
            "-I/usr/include/opencv4",
            "-I/usr/local/include/opencv4",
            "-",
            "-o",
            os.devnull,
        ],
        input="#include <opencv2/core/version.hpp>\n#include <opencv2/imgcodecs.hpp>\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotBuild(f"no OpenCV headers here, which the program reads images with: {APT}")


def _run(
    command: list[str], home: Path, folder: Path | None = None, more: dict[str, str] | None = None
) -> None:
    environ = {**os.environ, **variables(home), **(more or {})}
    try:
        done = subprocess.run(
            command,
            cwd=folder or home,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=BUILD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotBuild(f"{command[0]} could not be run: {error}") from error
    if done.returncode:
        lines = done.stdout.strip().splitlines()
        errors = [line for line in lines if "error" in line.lower()]
        said = "\n  ".join((errors or lines)[:10])
        raise CannotBuild(f"{' '.join(command[:3])} ... failed (exit {done.returncode}):\n  {said}")


def _program_digest() -> str:
    total = hashlib.sha256()
    for path in sorted(PROGRAM_SOURCES.rglob("*")):
        inside = path.relative_to(PROGRAM_SOURCES)
        if path.is_file() and inside.parts[0] not in ("build", "output") and path.name != PROGRAM:
            total.update(f"{inside.as_posix()}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def _stamp(home: Path) -> Path:
    return home / "bin" / f".{PROGRAM}.digest"


def _stamp_of(home: Path) -> str | None:
    try:
        return _stamp(home).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
