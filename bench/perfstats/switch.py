"""Statistics switched on for one run alone.

Preferred: a folder of the run's own with `config/sdk.conf`, as the working directory of the process: current SDKs look there first, and
the installation is not touched. For those that do not (2.0.x and 3.0: unconfirmed) the installed sdk.conf is edited, and what undoes
the edit is written down before: should the run be killed, the next one undoes it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.perfstats import sdkconf
from bench.perfstats.names import parse as parse_name
from cases.errors import OmgateError
from reports.files import safe_name, write_atomically
from reports.perfstats import Method

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

CONFIG, SDK_CONF, LOGGING_CONF = "config", "sdk.conf", "logging.conf"
FILE_MODE, FOLDER_MODE = 0o640, 0o750
"""The widest that the SDK accepts; in ./config it passes over a file that others can read."""

TEMPORARY = "omgate-"
"""Begins the last part of the name of a new sdk.conf on its way to its place."""

PREFIX = "omgate-perfstats-"
"""Begins the name of a temporary folder for logs."""

FILE_NAME = "performance-statistics.log"
QUEUE_INTERVAL_MS, QUEUE_TIMES = 50, 20
"""A queue record each second, as often as the shortest window."""

QUEUE_SECONDS = QUEUE_INTERVAL_MS * QUEUE_TIMES / 1000


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics are on. `cwd`: the working directory that the process must have, None for any; `logs`: where they will be."""

    method: Method
    cwd: Path | None
    logs: Path
    interval_seconds: int

    @property
    def written(self) -> bool:
        """Whether the SDK has written any statistics log."""
        return any(parse_name(path.name) for path in self.logs.glob("*"))

    def collect(self, target: Path) -> tuple[Path, ...]:
        """Move the logs into `target` (made when needed), and return where they are now."""
        target.mkdir(parents=True, exist_ok=True)
        found = sorted(
            path
            for path in self.logs.glob("*")
            if parse_name(path.name) and path.is_file() and not path.is_symlink()
        )
        moved = tuple(Path(shutil.move(path, target / path.name)) for path in found)
        if self.logs.parent.name.startswith(PREFIX):  # a temporary folder, see `_logs`
            shutil.rmtree(self.logs.parent, ignore_errors=True)
        return moved


def own_config(home: Path, folder: Path, interval_seconds: int) -> Switch:
    """Make `folder/config` from the home's sdk.conf and logging.conf, with statistics on, and return how to use it.

    The logs go to `folder/logs`, or to a temporary folder where its path has blanks: sdk.conf can't hold these. Raises OmgateError
    where the home has no sdk.conf that can be read and edited.
    """
    folder = folder.resolve()
    config = folder / CONFIG
    config.mkdir(parents=True, exist_ok=True)
    config.chmod(FOLDER_MODE)
    logs = _logs(folder)
    _private(
        config / SDK_CONF, sdkconf.edit(_read(home / CONFIG / SDK_CONF), _changes(logs, interval_seconds))
    )
    logging = home / CONFIG / LOGGING_CONF
    if logging.is_file():  # looked up in the same order, but apart
        _private(config / LOGGING_CONF, _read(logging))
    return Switch(method="own-config", cwd=folder, logs=logs, interval_seconds=interval_seconds)


@contextlib.contextmanager
def edited_home(
    home: Path, folder: Path, interval_seconds: int, journals: Path | None = None
) -> Iterator[Switch]:
    """Edit the home's own sdk.conf for as long as the context lasts; undone at its end, or by `recover` after a kill.

    Raises OmgateError where another run holds the file, where it can't be read or written, or where it was changed meanwhile.
    """
    path = (home / CONFIG / SDK_CONF).resolve()
    journals = journals or journals_folder()
    lock = _lock(journals, path)
    if lock is None:
        raise OmgateError(f"{path}: another run has switched statistics on there; wait for its end")
    with lock:
        journal = _journal(journals, path)
        if journal.exists():
            _undo(journal)
        original = _read(path)
        folder.mkdir(parents=True, exist_ok=True)
        logs = _logs(folder.resolve())
        edited = sdkconf.edit(original, _changes(logs, interval_seconds))
        note = _Journal(
            path=str(path),
            original=base64.b64encode(original).decode("ascii"),
            edited=hashlib.sha256(edited).hexdigest(),
        )
        write_atomically(journal, msgspec.json.encode(note))
        try:
            _replace(path, edited)
            yield Switch(method="edited-home", cwd=None, logs=logs, interval_seconds=interval_seconds)
        finally:
            problem = _undo(journal)
        if problem:
            raise OmgateError(problem)


def recover(journals: Path | None = None) -> tuple[str, ...]:
    """Undo the edits that killed runs left; return what was done, a sentence each. Edits of living runs are left alone."""
    journals = journals or journals_folder()
    done = []
    for journal in sorted(journals.glob("*.json")):
        try:
            path = Path(msgspec.json.decode(journal.read_bytes(), type=_Journal).path)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            done.append(f"{journal}: no journal of an edit; look at it, then remove it")
            continue
        lock = _lock(journals, path)
        if lock is None:
            continue
        with lock:
            if journal.exists():  # another start may have been faster
                done.append(
                    _undo(journal)
                    or f"{path}: statistics were left on by a run that was killed; the file is as it was before"
                )
    return tuple(done)


def journals_folder() -> Path:
    """Where edits are written down: in the state of the user, so that the next run finds them whatever its SDK."""
    import platformdirs

    return platformdirs.user_state_path("omgate") / "perfstats"


class _Journal(msgspec.Struct, frozen=True):
    """An edit: of which file, its bytes before (base64), and the SHA-256 of those after."""

    path: str
    original: str
    edited: str


def _journal(journals: Path, path: Path) -> Path:
    return (
        journals
        / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}-{safe_name(path.parent.parent.name)}.json"
    )


def _lock(journals: Path, path: Path) -> AbstractContextManager[object] | None:
    """The held lock of an edited file, let go of at the context's end; None while another process holds it.

    The kernel lets go of it when its holder is killed.
    """
    import filelock

    journals.mkdir(parents=True, exist_ok=True)
    try:
        return filelock.FileLock(_journal(journals, path).with_suffix(".lock"), timeout=0).acquire()
    except filelock.Timeout:
        return None


def _undo(journal: Path) -> str:
    """Put the original back and remove the journal. A file that somebody else changed stays; returns the sentence about it."""
    note = msgspec.json.decode(journal.read_bytes(), type=_Journal)
    path, original = Path(note.path), base64.b64decode(note.original)
    try:
        now = path.read_bytes()
    except FileNotFoundError:
        now = b""
    problem = ""
    for leftover in path.parent.glob(f".{path.name}.{TEMPORARY}*"):  # of a kill within `_replace`
        leftover.unlink()
    if hashlib.sha256(now).hexdigest() == note.edited:
        _replace(path, original)
    elif now != original:
        kept = journal.with_suffix(".original")
        write_atomically(kept, original)
        problem = (
            f"{path} was changed while statistics were on, and is left so; what it was before is in {kept}"
        )
    journal.unlink()
    return problem


def _replace(path: Path, content: bytes) -> None:
    """Replace a file as a whole, with its owner and mode: a kill at any moment leaves the old or the new content."""
    state = path.stat()
    temporary = path.with_name(f".{path.name}.{TEMPORARY}{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if (state.st_uid, state.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, state.st_uid, state.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(state.st_mode))
            os.fsync(descriptor)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OmgateError(
            f"{path}: can't be edited ({error.strerror or error}); switch enable_ps on by hand, or use an SDK that reads ./config"
        ) from error


def _private(path: Path, content: bytes) -> None:
    write_atomically(path, content)
    path.chmod(FILE_MODE)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OmgateError(
            f"{path}: can't be read ({error.strerror or error}); is MX_SDK_HOME an SDK's folder?"
        ) from error


def _logs(folder: Path) -> Path:
    """Where the logs go: below the folder, or in a temporary one where sdk.conf can't hold its path."""
    text = str(folder)
    if any(char.isspace() or char == "#" for char in text) or not text.isascii():
        return Path(tempfile.mkdtemp(prefix=PREFIX)).resolve() / "logs"
    return folder / "logs"


def _changes(logs: Path, interval_seconds: int) -> dict[str, str | int | bool]:
    return {
        "enable_ps": True,
        "ps_log_dir": str(logs),
        "ps_log_filename": FILE_NAME,
        "ps_interval_time": interval_seconds,
        "ps_max_log_size": 20,
        "ps_queue_size_interval_time": QUEUE_INTERVAL_MS,
        "ps_queue_size_times": QUEUE_TIMES,
    }
