"""`deviation.json` of a run: what FP16 does to the reference, image by image, so that another run can be held against this one.

The run measures it for its own parity (bench/comparisons.py); `omgate diff --across` derives its tolerances from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from reports.files import write_atomically
from reports.tolerance import HalfDeviation

DEVIATION_FILE = "deviation.json"
SCHEMA = 1


class CaseDeviation(msgspec.Struct, frozen=True):
    """The deviation of every image of a case for which FP16 and FP32 both gave a finite map."""

    case: str
    images: tuple[HalfDeviation, ...]


class DeviationFile(msgspec.Struct, frozen=True):
    """The whole file."""

    schema: int
    cases: tuple[CaseDeviation, ...] = ()


def write_deviation(folder: Path, case: str, images: Sequence[HalfDeviation]) -> None:
    """Adds or replaces the deviation of a case in a run's folder. Raises ReportError if it can't be written."""
    others = [entry for entry in _read(folder).cases if entry.case != case]
    content = DeviationFile(SCHEMA, (*others, CaseDeviation(case, tuple(images))))
    write_atomically(folder / DEVIATION_FILE, msgspec.json.encode(content) + b"\n")


def read_deviation(folder: Path, case: str) -> tuple[HalfDeviation, ...]:
    """The deviation of a case in a run's folder; empty where it was not measured, or the file can't be read."""
    return next((entry.images for entry in _read(folder).cases if entry.case == case), ())


def _read(folder: Path) -> DeviationFile:
    try:
        found = msgspec.json.decode((folder / DEVIATION_FILE).read_bytes(), type=DeviationFile)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return DeviationFile(SCHEMA)
    return found if found.schema == SCHEMA else DeviationFile(SCHEMA)
