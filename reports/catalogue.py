"""The folder of runs: which there are, which one a name means, and clearing old ones."""

from __future__ import annotations

import contextlib
import difflib
import os
import shutil
import stat
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reports.errors import ReportError
from reports.run import LOCK_FILE, RUN_FILE, Run, moment_of, read_run


@dataclass(frozen=True)
class RunEntry:
    """A run and where it lies."""

    folder: Path
    run: Run

    @property
    def running(self) -> bool:
        """Whether a process is writing it at this moment."""
        from reports.lock import FolderLock

        if not (self.folder / LOCK_FILE).exists():
            return False
        try:
            FolderLock.take(self.folder).release()
        except ReportError:
            return True
        return False


@dataclass(frozen=True)
class Pruned:
    """What `prune` removed and what it kept against the rule; ids. `failed`: id -> why it could not be removed."""

    removed: tuple[str, ...]
    promoted: tuple[str, ...]
    running: tuple[str, ...]
    failed: dict[str, str]


def _run_folders(runs_dir: Path) -> list[Path]:
    """Folders (no links to folders) that hold a run.json (no link to one)."""
    try:
        entries = sorted(os.scandir(runs_dir), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReportError(f"{runs_dir}: can't be read ({error.strerror or error})") from error
    found = []
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            continue
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.lstat(os.path.join(entry.path, RUN_FILE)).st_mode):
                found.append(Path(entry.path))
    return found


def _scan(runs_dir: Path) -> tuple[list[RunEntry], list[tuple[Path, str]]]:
    entries, unreadable = [], []
    for folder in _run_folders(runs_dir):
        try:
            entries.append(RunEntry(folder, read_run(folder)))
        except ReportError as error:
            unreadable.append((folder, str(error)))
    entries.sort(key=lambda entry: (entry.run.started, entry.run.id), reverse=True)
    return entries, unreadable


def list_runs(runs_dir: Path | str) -> list[RunEntry]:
    """The runs in a folder, the newest first; none if the folder is not there."""
    return _scan(Path(runs_dir))[0]


def unreadable_runs(runs_dir: Path | str) -> list[tuple[Path, str]]:
    """The folders with a run.json that can't be read, and why."""
    return _scan(Path(runs_dir))[1]


def find(runs_dir: Path | str, name: str) -> Path:
    """The folder of the run with this id, else the newest with this label, else the run in this folder.

    ReportError if there is none, with the nearest names.
    """
    entries, unreadable = _scan(Path(runs_dir))
    for entry in entries:
        if name in (entry.run.id, entry.folder.name):
            return entry.folder
    if name:
        for entry in entries:
            if entry.run.label == name:
                return entry.folder
        with contextlib.suppress(OSError, ValueError):
            if (Path(name) / RUN_FILE).is_file():
                read_run(Path(name))
                return Path(name)
    for folder, problem in unreadable:
        if name == folder.name:
            raise ReportError(problem)
    raise ReportError(_no_run(Path(runs_dir), name, entries))


def _no_run(runs_dir: Path, name: str, entries: list[RunEntry]) -> str:
    shown = name if len(name) <= 80 else f"{name[:77]}..."
    if not entries:
        return f"no run {shown!r}: {runs_dir} holds no run; record one with `pytest bench/`"
    known = list(
        dict.fromkeys(
            [label for entry in entries if (label := entry.run.label)] + [e.run.id for e in entries]
        )
    )
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or [known[0]]
    return f"no run {shown!r} in {runs_dir} (id, label or folder); nearest: {', '.join(near)}; all: `omgate runs`"


def prune(
    runs_dir: Path | str,
    *,
    keep: int | None = None,
    older_than: timedelta | None = None,
    protected: Collection[str] = (),
    now: datetime | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Removes old runs: those that are not among the newest `keep`, and older than `older_than`; given both, both must hold.

    Never one of the `protected` ids (promoted into a baseline), never one that a process is writing, nothing that is no run folder, and
    nothing behind a link. Neither `keep` nor `older_than`, or a negative one: ReportError.
    """
    if keep is None and older_than is None:
        raise ReportError("prune: nothing says what is old; give --keep N or --older-than DAYS")
    if (keep is not None and keep < 0) or (older_than is not None and older_than < timedelta(0)):
        raise ReportError("prune: --keep and --older-than are numbers from 0 up")
    moment = now or datetime.now(UTC)
    removed: list[str] = []
    promoted: list[str] = []
    running: list[str] = []
    failed: dict[str, str] = {}
    for position, entry in enumerate(list_runs(runs_dir)):
        if (keep is not None and position < keep) or not _older(entry.run, older_than, moment):
            continue
        if entry.run.id in protected or entry.folder.name in protected:
            promoted.append(entry.run.id)
            continue
        try:
            gone = _remove(entry.folder, dry_run)
        except OSError as error:
            failed[entry.run.id] = str(error)
            continue
        (removed if gone else running).append(entry.run.id)
    return Pruned(tuple(removed), tuple(promoted), tuple(running), failed)


def _older(run: Run, age: timedelta | None, now: datetime) -> bool:
    if age is None:
        return True
    try:
        return now - moment_of(run.started) > age
    except ValueError:
        return False


def _remove(folder: Path, dry_run: bool) -> bool:
    """Remove a run's folder, run.json last, so that what a kill leaves is still a run that can be pruned; False if it is running."""
    from reports.lock import FolderLock

    had_lock = (folder / LOCK_FILE).exists()
    if dry_run and not had_lock:
        return True
    try:
        lock = FolderLock.take(folder)
    except ReportError:
        return False
    try:
        if dry_run:
            return True
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if entry.name not in (RUN_FILE, LOCK_FILE)]
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        os.unlink(folder / RUN_FILE)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder / LOCK_FILE)
        os.rmdir(folder)
        return True
    finally:
        lock.release()
