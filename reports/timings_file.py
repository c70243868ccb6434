"""timings.jsonl: measurements of speed as they are made, one line each; whatever kills the run, whole lines stay."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from reports.errors import ReportError
from reports.timing import TIMINGS_FILE, Timing


@dataclass(frozen=True)
class Timings:
    """What a run's timings.jsonl holds: the last measurement of each key, in order; `warnings` name lines that were passed over."""

    found: tuple[Timing, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, case: str, backend: str) -> tuple[Timing, ...]:
        """The measurements of a case on a backend."""
        return tuple(timing for timing in self.found if (timing.case, timing.backend) == (case, backend))


def append_timing(folder: Path, timing: Timing) -> None:
    """Writes one line into a run's folder, in the hands of the system when this returns. Raises ReportError; whole lines stay then."""
    path = folder / TIMINGS_FILE
    line = msgspec.json.encode(timing) + b"\n"
    try:
        with open(path, "ab") as file:
            whole = _whole_bytes(path)
            file.truncate(whole)
            try:
                file.write(line)
                file.flush()
            except OSError:
                os.truncate(path, whole)
                raise
    except OSError as error:
        raise ReportError(f"{path}: can't be written ({error.strerror or error})") from error


def read_timings(folder: Path) -> Timings:
    """The measurements of a run; none where it made none. ReportError if the file can't be read."""
    path = folder / TIMINGS_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Timings()
    except OSError as error:
        raise ReportError(f"{path}: can't be read ({error.strerror or error})") from error
    decoder = msgspec.json.Decoder(Timing)
    last: dict[tuple[str, str, str, int], Timing] = {}
    warnings = []
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].split(b"\n")[:-1], start=1):
        try:
            timing = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            warnings.append(f"{path.name}:{number}: no measurement, passed over ({error})")
            continue
        last[timing.key] = timing
    return Timings(tuple(last.values()), tuple(warnings))


def _whole_bytes(path: Path) -> int:
    """The size up to the last whole line: what a kill has torn is cut off."""
    return path.read_bytes().rfind(b"\n") + 1
