"""The exact density maps of a run, float32, kept only until the run is finished: parity compares them bit for bit.

`maps/` keeps float16, and of a large test set the worst alone: enough to look at, not to compare. One file an image, written as results
arrive, so that memory does not grow with the test set; on disk 2,000 maps of 256 x 256 are 0.5 GB a backend. A killed run keeps them, so that
`--resume` compares what an uninterrupted run would have compared.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from reports.files import TEMPORARY, hashed_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT_FOLDER = "exact"
"""Name of the folder in a run's folder."""


class ExactStore:
    """Exact maps by case, backend and image. Nothing here raises for a disk that is full: what could not be kept is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._problem = ""

    @property
    def problem(self) -> str:
        """Why maps are not kept any more; empty while they are."""
        return self._problem

    @property
    def exists(self) -> bool:
        """Whether any map was kept."""
        return self._folder.is_dir()

    def path(self, case: str, backend: str, image: str) -> Path:
        """Where the map of an image is, if it was kept; safe whatever the names hold."""
        return self._folder / hashed_name(case) / hashed_name(backend) / f"{hashed_name(image)}.npy"

    def save(self, case: str, backend: str, image: str, density: NDArray[np.float32]) -> bool:
        """Keep a map (h, w) float32; False where it can't be written.

        After the first failure nothing more is kept and what was is removed: the run's record needs the room more.
        """
        import numpy as np

        if self._problem:
            return False
        path = self.path(case, backend, image)
        temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                np.save(file, np.asarray(density, dtype=np.float32), allow_pickle=False)
            os.replace(temporary, path)
        except OSError as error:
            self._problem = f"{path}: can't be written ({error.strerror or error})"
            self.remove()
            return False
        return True

    def load(self, case: str, backend: str, image: str) -> NDArray[np.float32] | None:
        """The map of an image (h, w) float32; None if it was not kept, or is broken."""
        import numpy as np

        try:
            density: NDArray[np.float32] = np.load(self.path(case, backend, image), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return density if density.dtype == np.float32 and density.ndim == 2 else None

    def remove(self) -> None:
        """Remove all maps."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self._folder)
