"""The images of a measurement: prepared once, held in memory, measured in turn, because decoding is no part of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cases.case import Case
    from cases.dataset import Sample

MOST_IMAGES = 32
"""The first so many of the test set; the same for every measurement, whatever its length, so that two are of the same images."""

MOST_BYTES = 64 << 20
"""Of their pixels: 64 images of 1024 x 1024."""


@dataclass(frozen=True)
class Images:
    """Pixels (1, 1, H, W) uint8 of each image, and the digest over all of them."""

    pixels: tuple[NDArray[np.uint8], ...]
    data: str

    def at(self, number: int) -> NDArray[np.uint8]:
        """The pixels of measurement number `number`, from 0: in turn."""
        return self.pixels[number % len(self.pixels)]


def load_images(case: Case, samples: Sequence[Sample]) -> Images:
    """The first of these samples that can be prepared, up to the bounds; none where none can."""
    from cases.dataset import SampleError, prepare
    from cases.ground_truth import TruthCache

    found: list[NDArray[np.uint8]] = []
    cache, size_bytes, state = TruthCache(), 0, hashlib.sha256()
    for sample in samples[:MOST_IMAGES]:
        try:
            prepared = prepare(sample, case, cache)
        except SampleError:
            continue  # the accuracy test says so
        if found and size_bytes + prepared.pixels.nbytes > MOST_BYTES:
            break
        found.append(prepared.pixels)
        size_bytes += prepared.pixels.nbytes
        state.update(f"{prepared.digest}\n".encode())
    return Images(tuple(found), state.hexdigest()[:32] if found else "")
