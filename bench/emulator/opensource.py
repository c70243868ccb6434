"""What a program's own build script looks for in an SDK home beside mxBase: OpenCV, glog and cpprest, and the headers of older SDKs.

Published CMakeLists link `glog cpprest mxbase opencv_world` from `$MX_SDK_HOME/opensource`. In the emulated home OpenCV is this
system's, under the SDK's name; the other two have no code of their own there, because the log macros are in mxBase's library.
"""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

FOLDER = "opensource"

OLD = "old"
"""The same home with the headers of SDK 2.0 to 6.x as its include/: a second MX_SDK_HOME."""

_OLD_HEADERS = "include-old"
_NAMED_ONLY = ("glog", "cpprest")


def put_opensource(home: Path) -> str:
    """Make the home's opensource/ and old/, over what an earlier build made; return what to tell of them."""
    libraries = home / FOLDER / "lib"
    libraries.mkdir(parents=True, exist_ok=True)
    (home / FOLDER / "include").mkdir(exist_ok=True)
    for name in _NAMED_ONLY:
        _write(libraries / f"lib{name}.so", "the log is in libmxbase", [home / "lib" / "libmxbase.so"])
    _put_old(home)
    told = f"{home / OLD}: as MX_SDK_HOME, the headers of SDK 2.0 to 6.x"
    headers, library = home / FOLDER / "include" / "opencv4", libraries / "libopencv_world.so"
    root = _opencv_root()
    parts = _opencv_libraries(root) if root else []
    if root is None or not parts:
        headers.unlink(missing_ok=True)
        library.unlink(missing_ok=True)
        return f"{told}; no OpenCV of this system for {home / FOLDER}"
    _link(headers, root / "include" / "opencv4")
    _write(library, "this system's OpenCV, which has its parts apart", parts)
    return told


def _put_old(home: Path) -> None:
    """Links to all that the home has, by its own names; include/ is the older one."""
    old = home / OLD
    old.mkdir(exist_ok=True)
    for path in home.iterdir():
        if path.name not in (OLD, "include", _OLD_HEADERS) and not path.name.startswith(".building-"):
            _link(old / path.name, Path("..") / path.name)
    _link(old / "include", Path("..") / _OLD_HEADERS)


def _opencv_root() -> Path | None:
    """The prefix that OpenCV is installed below: the one of OpenCV_DIR (`PREFIX/lib/cmake/opencv4`), else Debian's or a built one."""
    named = os.environ.get("OpenCV_DIR", "")  # noqa: SIM112 - CMake's name
    roots = [*Path(named).absolute().parents][:4] if named else []
    for root in (*roots, Path("/usr"), Path("/usr/local")):
        if (root / "include" / "opencv4" / "opencv2" / "core" / "version.hpp").is_file():
            return root
    return None


def _opencv_libraries(root: Path) -> list[Path]:
    for folder in (f"lib/{platform.machine()}-linux-gnu", "lib64", "lib"):
        found = sorted((root / folder).glob("libopencv_*.so"))
        if found:
            return found
    return []


def _write(path: Path, why: str, libraries: list[Path]) -> None:
    """A linker script in the place of a library: the linker takes these instead, and of them only those that are needed."""
    names = " ".join(f'"{library}"' for library in libraries)
    text = f"/* Emulated: {why}. */\nINPUT ( AS_NEEDED ( {names} ) )\n"
    with _beside(path) as new:
        new.write_text(text, encoding="utf-8", errors="surrogateescape")


def _link(path: Path, target: Path) -> None:
    with _beside(path) as new:
        new.symlink_to(target)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name to make a file under, which then takes the place of `path` at once: another build may be at the same home."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=path.parent) as folder:
        new = Path(folder) / path.name
        yield new
        os.replace(new, path)
