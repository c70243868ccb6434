"""Pictures kept in a run's record, so that its report can show them on a machine without the test set: `images/` of a run's folder.

A few images of each case only (`bench/pictures.py` chooses them): a JPEG of the image, small, and its ground truth on the model's grid. They
show people, so a run with --no-images keeps none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.errors import ReportError
from reports.files import TEMPORARY, hashed_name
from reports.maps import MapStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PICTURES_FOLDER = "images"
"""Name of the folder in a run's folder."""

TRUTH = "ground-truth"
"""What stands for a backend's name in the path of a true density."""


@dataclass(frozen=True)
class Picture:
    """An image of the test set: JPEG bytes of its pixels, scaled down, and the true density (h, w) float32 on the model's whole grid."""

    jpeg: bytes
    truth: NDArray[np.float32]


class PictureStore:
    """The pictures in a run's folder."""

    def __init__(self, run_folder: Path) -> None:
        self._folder = Path(run_folder) / PICTURES_FOLDER
        # Never more than what is saved: which images are worth it is decided before, not by their error.
        self._truths = MapStore(self._folder, limit=10_000)

    @property
    def exists(self) -> bool:
        """Whether any picture was kept."""
        return self._folder.is_dir()

    def _jpeg(self, case: str, image: str) -> Path:
        return self._folder / hashed_name(case) / "pixels" / f"{hashed_name(image)}.jpg"

    def save(self, case: str, image: str, picture: Picture) -> None:
        """Keeps a picture. ReportError if it can't be written."""
        self._truths.save(case, TRUTH, image, picture.truth, 0.0)
        path = self._jpeg(case, image)
        temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(picture.jpeg)
            os.replace(temporary, path)
        except OSError as error:
            raise ReportError(f"{path}: can't be written ({error.strerror or error}); free space") from error

    def load(self, case: str, image: str) -> Picture | None:
        """The picture of an image; None if it was not kept or is broken: a report is made without it then."""
        try:
            truth = self._truths.load(case, TRUTH, image)
            return None if truth is None else Picture(self._jpeg(case, image).read_bytes(), truth)
        except (OSError, ReportError):
            return None
