"""Density maps of a run, float16 npz, written as results arrive: all of a small set, the worst of a large one."""

from __future__ import annotations

import io
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reports.errors import ReportError
from reports.files import TEMPORARY, hashed_name, remove_leftovers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORST_ONLY = "worst-only"
"""Name of the empty file that says that only the worst maps are kept here."""

FLOAT16_MAX = 65504.0


@dataclass
class _Shelf:
    """The maps of one case on one backend: absolute error and file by image."""

    folder: Path
    errors: dict[Path, float] = field(default_factory=dict)
    worst_only: bool = False


class MapStore:
    """Keeps up to `limit` maps a case x backend; past that the `worst` by absolute error so far."""

    def __init__(self, folder: Path, limit: int = 200, worst: int = 50) -> None:
        self._folder = Path(folder)
        self._limit = limit
        self._worst = worst
        self._shelves: dict[tuple[str, str], _Shelf] = {}

    def path(self, case: str, backend: str, image: str) -> Path:
        """Where the map of an image is, if it was kept; safe whatever the names hold."""
        return self._folder / hashed_name(case) / hashed_name(backend) / f"{hashed_name(image)}.npz"

    def save(
        self, case: str, backend: str, image: str, density: NDArray[np.float32], absolute_error: float
    ) -> Path | None:
        """Writes a map (h, w), people a cell; None if it is not among the worst so far. ReportError if it can't be written."""
        error = absolute_error if math.isfinite(absolute_error) else math.inf
        shelf = self._shelf(case, backend)
        path = self.path(case, backend, image)
        others = {other: of for other, of in shelf.errors.items() if other != path}
        if shelf.worst_only and len(others) >= self._worst and error <= min(others.values(), default=-1.0):
            return None
        try:
            _write(path, image, density, error)
            shelf.errors[path] = error
            self._trim(shelf)
        except OSError as failure:
            raise ReportError(
                f"{path}: can't be written ({failure.strerror or failure}); free space"
            ) from failure
        return path if path in shelf.errors else None

    def load(self, case: str, backend: str, image: str) -> NDArray[np.float32] | None:
        """The map of an image (h, w) float32, people a cell; None if it was not kept. ReportError if it is broken."""
        path = self.path(case, backend, image)
        return read_map(path) if path.is_file() else None

    def _shelf(self, case: str, backend: str) -> _Shelf:
        """The maps that are there, those of an earlier process included."""
        key = case, backend
        if key not in self._shelves:
            folder = self.path(case, backend, "").parent
            shelf = _Shelf(folder)
            if folder.is_dir():
                remove_leftovers(folder)
                shelf.worst_only = (folder / WORST_ONLY).exists()
                shelf.errors = {path: _error_of(path) for path in sorted(folder.glob("*.npz"))}
            else:
                folder.mkdir(parents=True, exist_ok=True)
            self._shelves[key] = shelf
        return self._shelves[key]

    def _trim(self, shelf: _Shelf) -> None:
        if not shelf.worst_only and len(shelf.errors) > self._limit:
            (shelf.folder / WORST_ONLY).touch()
            shelf.worst_only = True
        if not shelf.worst_only:
            return
        ranked = sorted(shelf.errors, key=lambda path: (-shelf.errors[path], path.name))
        for path in ranked[self._worst :]:
            path.unlink(missing_ok=True)
            del shelf.errors[path]


def _write(path: Path, image: str, density: NDArray[np.float32], error: float) -> None:
    import numpy as np

    values = np.asarray(density, dtype=np.float32)
    peak = float(np.max(np.abs(values), initial=0.0))
    scale = 2.0 ** math.ceil(math.log2(peak / FLOAT16_MAX)) if FLOAT16_MAX < peak < math.inf else 1.0
    buffer = io.BytesIO()
    with np.errstate(over="ignore"):
        small = (values / scale).astype(np.float16)
    np.savez(
        buffer, density=small, scale=np.float64(scale), image=np.str_(image), absolute_error=np.float64(error)
    )
    # Not fsynced, unlike run.json: it is written between two results, and a lost map is only a lost picture.
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    temporary.write_bytes(buffer.getbuffer())
    os.replace(temporary, path)


def read_map(path: Path) -> NDArray[np.float32]:
    """The density map (h, w) float32 in a file, people a cell. ReportError if it is broken."""
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as stored:
            density: NDArray[np.float32] = stored["density"].astype(np.float32) * np.float32(stored["scale"])
            return density
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ReportError(f"{path}: no density map ({error})") from error


def _error_of(path: Path) -> float:
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as stored:
            return float(stored["absolute_error"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return -1.0
