"""The emulated SDK home on disk: where it is, how it is made, what a user of it exports.

A home is a copy of `bench/emulator/home` with the interpreter written into its scripts, in a folder named by the digest of both:
another omgate or another interpreter gets a home of its own, and a home that is there is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from cases.errors import OmgateError

SOURCES = Path(__file__).resolve().parent / "home"
HOUSE = SOURCES.parents[2]

VARIABLE = "OMGATE_EMULATOR_HOME"
"""Environment variable: the folder to use instead of one in the user's cache."""

MARKER = "EMULATED"
"""A file of this name lies in an emulated home, and in no real one."""

DIGEST = ".omgate-digest"
"""In a home: the digest of what it was made from."""

FOLDER_MODE, FILE_MODE, SCRIPT_MODE = 0o750, 0o640, 0o750
"""The SDK refuses files that others can read, or that the group can write."""

KEPT_HOMES = 8
KEPT_SECONDS = 86400.0
"""Homes of other digests beyond the newest eight go when a day has passed since they were last made sure of: none of them is in use."""

_SKIPPED = {"__pycache__", "build", "lib"}
"""Not copied: what Python and a build leave behind."""


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the home is or will be: OMGATE_EMULATOR_HOME, else a folder of its digest in the user's cache."""
    return _named(environ) or _cache() / digest()


def is_emulated(home: Path) -> bool:
    """True where `home` says of itself that it is emulated."""
    return (home / MARKER).is_file()


def make_home() -> Path:
    """Return the emulated home, made if it is not there yet: whole or not at all, also when several make it. Raises OmgateError."""
    wanted = digest()
    home = home_folder()
    if _digest_of(home) == wanted:
        with contextlib.suppress(OSError):
            os.utime(home)
        return home
    if home.exists() and not is_emulated(home) and (not home.is_dir() or any(home.iterdir())):
        raise OmgateError(f"{VARIABLE}={home}: is something else than an emulated home: name a new folder")
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=home.parent))
        try:
            _fill(temporary, home, wanted)
            _put(temporary, home, wanted)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise OmgateError(
            f"the emulated SDK home {home} can't be made: {error.strerror or error}; name another folder: {VARIABLE}=DIR"
        ) from error
    if _named(os.environ) is None:
        _clear_old(home)
    return home


def variables(home: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what the home's set_env.sh exports, on top of `environ`: paths come before those that are there."""
    plugins = home / "opensource"

    def before(name: str, folder: str) -> str:
        there = environ.get(name, "")
        new = str(home / folder)
        return there if new in there.split(":") else f"{new}:{there}" if there else new

    return {
        "MX_SDK_HOME": str(home),
        "ASCEND_HOME": environ.get("ASCEND_HOME") or str(home),
        "GST_PLUGIN_SCANNER": str(plugins / "libexec/gstreamer-1.0/gst-plugin-scanner"),
        "GST_PLUGIN_PATH": f"{plugins / 'lib/gstreamer-1.0'}:{home / 'lib/plugins'}",
        "LD_LIBRARY_PATH": before("LD_LIBRARY_PATH", "lib"),
        "PATH": before("PATH", "bin"),
        "PYTHONPATH": before("PYTHONPATH", "python"),
    }


def digest() -> str:
    """Return 16 hex digits over the sources' names and contents, the Python environment and the place of this package.

    The environment, not its interpreter's path: `python` and `python3` in one are the same.
    """
    total = hashlib.sha256(f"{sys.prefix}\0{sys.version}\0{HOUSE}\0".encode("utf-8", "surrogateescape"))
    for path in _sources():
        content = path.read_bytes()
        name = path.relative_to(SOURCES).as_posix()
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()[:16]


def _named(environ: Mapping[str, str]) -> Path | None:
    text = environ.get(VARIABLE, "")
    return Path(text).absolute() if text else None


def _cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("omgate", appauthor=False)) / "emulator"


def _sources() -> Iterator[Path]:
    for path in sorted(SOURCES.rglob("*")):
        skipped = _SKIPPED & set(path.relative_to(SOURCES).parts)
        if path.is_file() and not skipped and path.suffix != ".pyc":
            yield path


def _digest_of(home: Path) -> str | None:
    try:
        return (home / DIGEST).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _fill(folder: Path, home: Path, wanted: str) -> None:
    """Copy the sources into `folder`, which is to become `home`."""
    words = {name: shlex.quote(value) for name, value in _words(home).items()}
    for path in _sources():
        target = folder / path.relative_to(SOURCES)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        if target.parent.name == "bin" or target.suffix in (".sh", ".info"):
            for word, value in words.items():
                content = content.replace(word.encode(), os.fsencode(value))
        target.write_bytes(content)
        target.chmod(SCRIPT_MODE if target.parent.name == "bin" else FILE_MODE)
    (folder / "lib").mkdir(exist_ok=True)
    (folder / DIGEST).write_text(f"{wanted}\n", encoding="ascii")
    (folder / DIGEST).chmod(FILE_MODE)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(FOLDER_MODE)


def _words(home: Path) -> dict[str, str]:
    """What the scripts' and version.info's words stand for."""
    return {
        "@PYTHON@": sys.executable,
        "@HOUSE@": str(HOUSE),
        "@HOME@": str(home),
        "@ARCH@": platform.machine(),
    }


def _put(temporary: Path, home: Path, wanted: str) -> None:
    """Put the finished folder in place; another process may do the same at this moment."""
    aside = temporary.with_name(f"{temporary.name}-old")
    for _ in range(3):
        try:
            os.rename(temporary, home)  # Takes the place of an empty folder, of no other.
            return
        except OSError:
            if _digest_of(home) == wanted:
                return
        with contextlib.suppress(FileNotFoundError):
            os.rename(home, aside)
        shutil.rmtree(aside, ignore_errors=True)
    os.rename(temporary, home)


def _clear_old(home: Path) -> None:
    """Remove homes of other digests that nobody has asked for lately."""
    homes = []
    for folder in home.parent.iterdir():
        with contextlib.suppress(OSError):
            if folder != home and (is_emulated(folder) or folder.name.startswith(".making-")):
                homes.append((folder.stat().st_mtime, folder))
    for moment, folder in sorted(homes, reverse=True)[KEPT_HOMES:]:
        if time.time() - moment > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
