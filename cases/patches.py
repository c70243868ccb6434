"""Training patches: nine random cuts of a quarter of each side from every training image, as the published recipe takes them.

Places are drawn from the seed and the image's number, so the same seed gives the same patches whatever was there before. The generator
is NumPy's, the recipe's is MATLAB's: the same rule, not the same places.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cases import density
from cases.errors import OmgateError
from cases.wording import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# svishwa/crowdcount-mcnn, data_preparation/create_training_set_shtech.m
SEED = 95461354
PATCHES = 9
VALIDATION_SHARE = 0.1
UNIT = 64  # a patch has 16 pixels for each whole 64 of the image's side: a quarter, in multiples of 16

LISTING = "patches.csv"


@dataclass(frozen=True)
class Source:
    """An image to cut patches from: its name and file, and its heads (N, 2), x and y, 1-based pixels, inside the image."""

    name: str
    image: Path
    points: NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """One patch: where it lies in its image (pixels, 0-based), and on which side of the training it is."""

    name: str
    split: str
    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class PatchReport:
    """What cutting came to: the folder, patches for training and validation, how many were written and how many kept."""

    folder: Path
    train: int
    val: int
    written: int
    kept: int


def validation_images(images: int, seed: int) -> set[int]:
    """Places of the images (from 0) that validate: ceil(a tenth) - 1 drawn at random, 29 of 300; at least one of two or more."""
    import numpy as np

    fewest = 1 if images > 1 else 0
    count = max(fewest, math.ceil(VALIDATION_SHARE * images) - 1)
    shuffled = np.random.Generator(np.random.PCG64(seed)).permutation(images)
    return {int(place) for place in shuffled[:count]}


def places(name: str, number: int, split: str, height: int, width: int, seed: int) -> list[Cut]:
    """The patches of an image of height x width pixels, at least UNIT each."""
    import numpy as np

    tall, wide = height // UNIT * 16, width // UNIT * 16
    random = np.random.Generator(np.random.PCG64([seed, number]))
    return [
        Cut(
            f"{name}_{patch}",
            split,
            int(random.integers(height - tall + 1)),
            int(random.integers(width - wide + 1)),
            tall,
            wide,
        )
        for patch in range(1, PATCHES + 1)
    ]


def cut(
    sources: Sequence[Source],
    folder: Path,
    seed: int = SEED,
    progress: Callable[[int, int], None] | None = None,
) -> PatchReport:
    """Writes `folder/{train,val}/NAME_k.png` (grey) and `folder/{train,val}_den/NAME_k.csv`; `progress(done, total)` counts images.

    Goes on after a break: a patch's image is written after its density, so a patch whose image is there is whole. Raises OmgateError.
    """
    from cases.dataset import decode

    validating = validation_images(len(sources), seed)
    sizes: list[tuple[int, int]] = []
    for source in sources:
        height, width = decode(source.image).shape
        if min(height, width) < UNIT:
            raise OmgateError(
                f"{shown(source.image)}: {height} x {width} pixels; a training image has at least {UNIT} a side; no patches were cut"
            )
        sizes.append((height, width))
    cuts = [
        places(source.name, number, "val" if number in validating else "train", *sizes[number], seed)
        for number, source in enumerate(sources)
    ]
    for name in ("train", "train_den", "val", "val_den"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _begin(folder / LISTING, [one for of_image in cuts for one in of_image])
    written = 0
    for number, source in enumerate(sources):
        missing = [one for one in cuts[number] if not _image_of(folder, one).exists()]
        if missing:
            _write(source, missing, folder)
            written += len(missing)
        if progress is not None:
            progress(number + 1, len(sources))
    val = sum(one.split == "val" for of_image in cuts for one in of_image)
    total = PATCHES * len(sources)
    return PatchReport(folder, total - val, val, written, total - written)


def cut_scenes(
    dest: Path, seeds: Sequence[int], seed: int, progress: Callable[[int, int], None] | None = None
) -> PatchReport:
    """Cuts training patches of the scenes that `cases.synthetic.generate` wrote, into `dest/formatted_trainval/synthetic_patches_9/`.

    Raises OmgateError, for test scenes too: a model that was trained on what it is measured on proves nothing.
    """
    from cases.synthetic import TEST_SEEDS, TRAINING_SEEDS, plan

    if any(number in TEST_SEEDS for number in seeds):
        raise OmgateError(
            f"seeds {seeds[0]} to {seeds[-1]}: those from {TEST_SEEDS[0]} to {TEST_SEEDS[-1]} are test scenes, not to be trained on;"
            f" begin at --seed {TRAINING_SEEDS[0]}"
        )
    sources = [
        Source(f"IMG_{number}", dest / "images" / f"IMG_{number}.jpg", plan(one).points())
        for number, one in enumerate(seeds, 1)
    ]
    folder = dest / "formatted_trainval" / f"synthetic_patches_{PATCHES}"
    return cut(sources, folder, seed, progress)


def _image_of(folder: Path, one: Cut) -> Path:
    return folder / one.split / f"{one.name}.png"


def _write(source: Source, missing: list[Cut], folder: Path) -> None:
    import cv2

    from cases.dataset import decode

    grey = decode(source.image)
    height, width = grey.shape
    whole = density.density_map(source.points, height, width)
    for one in missing:
        rows, columns = slice(one.top, one.top + one.height), slice(one.left, one.left + one.width)
        good, content = cv2.imencode(".png", grey[rows, columns])
        if not good:
            raise OmgateError(f"{shown(source.image)}: OpenCV could not write a PNG of {one.name}")
        density.write_csv(folder / f"{one.split}_den" / f"{one.name}.csv", whole[rows, columns])
        density.write_atomically(_image_of(folder, one), content.tobytes())


def _begin(listing: Path, cuts: list[Cut]) -> None:
    """Writes down first what will be made, so that going on with another seed or other images is noticed."""
    lines = ["patch,split,top,left,height,width"]
    lines += [f"{one.name},{one.split},{one.top},{one.left},{one.height},{one.width}" for one in cuts]
    content = ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
    if os.path.lexists(listing) and listing.read_bytes() != content:
        raise OmgateError(
            f"{shown(listing)}: other patches lie here already; give another folder, or remove this one"
        )
    density.write_atomically(listing, content)
