"""The run record: a folder that is readable whenever its writer is killed, and that can be continued. Schema: docs/record.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from reports.catalogue import Pruned, RunEntry, find, list_runs, prune, unreadable_runs
from reports.errors import ReportError
from reports.files import remove_leftovers, write_atomically
from reports.image import ImageRecord, Key, clean_text, last_of_each, normalise
from reports.lock import FolderLock
from reports.run import (
    IMAGES_FILE,
    MAPS_FOLDER,
    RUN_FILE,
    SCHEMA,
    BackendEntry,
    CaseEntry,
    Digests,
    Run,
    SummaryEntry,
    VerdictEntry,
    instant,
    new_id,
    read_run,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reports.maps import MapStore
    from reports.summary import Summary
    from reports.verdict import Verdict

__all__ = [
    "SCHEMA",
    "BackendEntry",
    "CaseEntry",
    "Digests",
    "ImageRecord",
    "Pruned",
    "Run",
    "RunEntry",
    "RunRecord",
    "RunWriter",
    "SummaryEntry",
    "VerdictEntry",
    "find",
    "list_runs",
    "prune",
    "read",
    "unreadable_runs",
]


@dataclass(frozen=True)
class RunRecord:
    """A run as it was found: `images` hold the last record of each (case, backend, image); `torn` if the last line was cut off."""

    folder: Path
    run: Run
    images: tuple[ImageRecord, ...]
    torn: bool = False
    warnings: tuple[str, ...] = ()

    def images_of(self, case: str, backend: str) -> tuple[ImageRecord, ...]:
        """The records of one case on one backend, in the order in which they were written."""
        return tuple(image for image in self.images if image.case == case and image.backend == backend)

    def missing(self, case: str, backend: str) -> tuple[str, ...]:
        """The images that the run set out to evaluate and has no record of."""
        entry = self.run.case(case)
        recorded = {image.image for image in self.images_of(case, backend)}
        return tuple(image for image in entry.images if image not in recorded) if entry else ()


@dataclass(frozen=True)
class _Lines:
    """What images.jsonl holds; `size_bytes` up to the last whole line."""

    records: list[ImageRecord]
    size_bytes: int
    torn: bool
    warnings: tuple[str, ...]


def _read_lines(path: Path) -> _Lines:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return _Lines([], 0, False, ())
    except OSError as error:
        raise ReportError(f"{path}: can't be read ({error.strerror or error})") from error
    whole = data.rfind(b"\n") + 1
    decoder = msgspec.json.Decoder(ImageRecord)
    records, warnings = [], []
    for number, line in enumerate(data[:whole].split(b"\n")[:-1], start=1):
        try:
            records.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            warnings.append(f"{path.name}:{number}: no image record, passed over ({error})")
    return _Lines(records, whole, whole < len(data), tuple(warnings))


def read(folder: Path | str) -> RunRecord:
    """The record in a run's folder, finished or not. ReportError if there is none, or run.json is broken."""
    path = Path(folder)
    run = read_run(path)
    lines = _read_lines(path / IMAGES_FILE)
    return RunRecord(path, run, tuple(last_of_each(lines.records)), lines.torn, lines.warnings)


class RunWriter:
    """Writes a run's record; begin with `create` or `resume`, end with `finish` (all done) or `close` (it can be resumed)."""

    def __init__(
        self, folder: Path, run: Run, lock: FolderLock, recorded: list[ImageRecord], size_bytes: int
    ) -> None:
        self._folder = folder
        self._run = run
        self._lock = lock
        self._done: dict[Key, None] = dict.fromkeys(record.key for record in recorded)
        self._size_bytes = size_bytes
        self._file = os.open(
            folder / IMAGES_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666
        )
        self._maps: MapStore | None = None
        self._open = True

    @classmethod
    def create(
        cls,
        runs_dir: Path | str,
        label: str = "",
        *,
        options: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        cases: tuple[CaseEntry, ...] = (),
        backends: tuple[BackendEntry, ...] = (),
        digests: Digests | None = None,
        now: datetime | None = None,
    ) -> Self:
        """Begins a run in a new folder of `runs_dir`. ReportError if it can't be written."""
        moment = now or datetime.now(UTC)
        folder = _new_folder(Path(runs_dir), label, moment)
        run = Run(
            schema=SCHEMA,
            id=folder.name,
            label=clean_text(label),
            started=instant(moment),
            options=dict(options or {}),
            environment=dict(environment or {}),
            cases=cases,
            backends=backends,
            digests=digests or Digests(),
        )
        # The lock first: what has a run.json and no lock held can be pruned.
        lock = FolderLock.take(folder)
        try:
            write_atomically(folder / RUN_FILE, _encode(run))
            return cls(folder, run, lock, [], 0)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def resume(
        cls, folder: Path | str, *, digests: Digests | None = None, now: datetime | None = None
    ) -> Self:
        """Continues a run: cuts off a torn last line, keeps everything else.

        With `digests` (of what would be measured now) it is checked that model, data and case are still those of the record. ReportError if
        they are not, if a process still writes the run, or if there is no run.
        """
        path = Path(folder)
        run = read_run(path)
        lock = FolderLock.take(path)
        try:
            run = read_run(path)
            warnings = run.warnings
            if digests is not None:
                _check_same(run, digests)
                if digests.commit != run.digests.commit:
                    warnings = (
                        *warnings,
                        f"resumed with code of commit {digests.commit}, begun with {run.digests.commit}",
                    )
            remove_leftovers(path)
            lines = _read_lines(path / IMAGES_FILE)
            if lines.torn:
                os.truncate(path / IMAGES_FILE, lines.size_bytes)
            moment = instant(now or datetime.now(UTC))
            run = msgspec.structs.replace(
                run, resumed=(*run.resumed, moment), finished=None, warnings=warnings
            )
            write_atomically(path / RUN_FILE, _encode(run))
            return cls(path, run, lock, lines.records, lines.size_bytes)
        except BaseException:
            lock.release()
            raise

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self._folder

    @property
    def run(self) -> Run:
        """run.json as it was last written."""
        return self._run

    @property
    def maps(self) -> MapStore:
        """The run's density maps."""
        from reports.maps import MapStore

        if self._maps is None:
            self._maps = MapStore(self._folder / MAPS_FOLDER)
        return self._maps

    def done(self, case: str, backend: str) -> set[str]:
        """The names of the images that are recorded already, whatever their status."""
        return {
            image for of_case, of_backend, image in self._done if of_case == case and of_backend == backend
        }

    def append(self, record: ImageRecord, density: NDArray[np.float32] | None = None) -> bool:
        """Writes one line, in the hands of the system when this returns; False, and nothing written, if the image is recorded already.

        `density` (h, w), people a cell, is saved first, so that a recorded image has its map. NaN and Inf are stored as null, and their
        image as failed. ReportError if it can't be written; the file holds whole lines then.
        """
        self._check_open()
        stored = normalise(record)
        if stored.key in self._done:
            return False
        if density is not None and stored.status == "ok":
            self.maps.save(stored.case, stored.backend, stored.image, density, abs(stored.error))
        line = msgspec.json.encode(stored) + b"\n"
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            os.ftruncate(self._file, self._size_bytes)
            raise ReportError(
                f"{self._folder / IMAGES_FILE}: can't be written ({error.strerror or error}); then --resume {self._run.id}"
            ) from error
        self._size_bytes += len(line)
        self._done[stored.key] = None
        return True

    def update(self, **fields: Any) -> None:
        """Replaces fields of run.json, atomically: options, environment, cases, backends, digests, summaries, verdicts, warnings."""
        self._check_open()
        fixed = {"schema", "id", "started", "resumed"} & set(fields)
        if fixed:
            raise ValueError(f"{', '.join(sorted(fixed))} of a run can't be changed")
        run = msgspec.structs.replace(self._run, **fields)
        write_atomically(self._folder / RUN_FILE, _encode(run))
        self._run = run

    def put_backend(self, entry: BackendEntry) -> None:
        """Adds or replaces what is known of one backend on one case, such as what its worker said."""
        others = [e for e in self._run.backends if (e.case, e.name) != (entry.case, entry.name)]
        self.update(backends=(*others, entry))

    def put_summary(
        self, case: str, backend: str, summary: Summary, wall_seconds: float | None = None
    ) -> None:
        """Adds or replaces the summary of one case on one backend."""
        others = [e for e in self._run.summaries if (e.case, e.backend) != (case, backend)]
        entry = SummaryEntry(case=case, backend=backend, summary=summary, wall_seconds=wall_seconds)
        self.update(summaries=(*others, entry))

    def put_verdict(self, case: str, backend: str, verdict: Verdict, kind: str = "accuracy") -> None:
        """Adds or replaces a verdict."""
        others = [e for e in self._run.verdicts if (e.case, e.backend, e.kind) != (case, backend, kind)]
        self.update(verdicts=(*others, VerdictEntry(case=case, backend=backend, verdict=verdict, kind=kind)))

    def warn(self, *texts: str) -> None:
        """Adds footnotes; one that is there already is not repeated."""
        self.update(warnings=tuple(dict.fromkeys([*self._run.warnings, *texts])))

    def finish(self, now: datetime | None = None) -> Run:
        """Stamps the run as finished and closes it; returns run.json as it was written."""
        self.update(finished=instant(now or datetime.now(UTC)))
        self.close()
        return self._run

    def close(self) -> None:
        """Lets go of the run, finished or not; may be called again."""
        if self._open:
            self._open = False
            os.close(self._file)
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError(f"run {self._run.id} is closed")


def _new_folder(runs_dir: Path, label: str, moment: datetime) -> Path:
    while True:
        folder = runs_dir / new_id(label, moment)
        try:
            runs_dir.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            return folder
        except FileExistsError:
            if not runs_dir.is_dir():
                raise ReportError(f"{runs_dir}: is no folder; runs need one (--run-dir=DIR)") from None
        except OSError as error:
            raise ReportError(
                f"{folder}: can't be made ({error.strerror or error}); choose --run-dir=DIR"
            ) from error


def _plain(value: Any) -> str:
    """What JSON has no form for, in options and environment: paths, enumerations, dates."""
    return str(value)


def _encode(run: Run) -> bytes:
    return msgspec.json.format(msgspec.json.encode(run, enc_hook=_plain), indent=1) + b"\n"


def _check_same(run: Run, digests: Digests) -> None:
    for what in ("models", "data", "cases"):
        old, new = getattr(run.digests, what), getattr(digests, what)
        for name in sorted(old.keys() & new.keys()):
            if None not in (old[name], new[name]) and old[name] != new[name]:
                raise ReportError(
                    f"run {run.id}: {what.removesuffix('s')} of {name} is {new[name]}, the run began with {old[name]};"
                    " start a new run instead of --resume"
                )
