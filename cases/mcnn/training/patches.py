"""Training and validation images with their density maps, in memory, as the network takes them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cases import dataset, ground_truth, preprocess
from cases.mcnn.training.options import TrainingError
from cases.mcnn.training.schedule import FILLER
from cases.wording import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 256
"""Pixels of a training image with its black around (mindspore models, MCNN src/data_loader.py)."""

STRIDE = 4
"""The network's output is a quarter of its input."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


@dataclass(frozen=True)
class Patches:
    """pixels (N, 1, SIDE, SIDE) uint8, levels 0..255; density (N, 1, SIDE / 4, SIDE / 4) float32, people a cell; people (N,) float64."""

    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    density: NDArray[np.float32]
    people: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def digest(self) -> str:
        """Of names, pixels and densities: the same for the same training."""
        found = hashlib.sha256("\n".join(self.names).encode("utf-8", "surrogateescape"))
        found.update(self.pixels.data)
        found.update(self.density.data)
        return found.hexdigest()

    def batch(
        self, chosen: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """The network's input (B, 1, H, W) float32, its target, and the weights (B,): 0 where `chosen` is FILLER."""
        weights = (chosen != FILLER).astype(np.float32)
        places = np.maximum(chosen, 0)
        return self.pixels[places].astype(np.float32), self.density[places], weights


def load(images: Path, truths: Path, option: str) -> Patches:
    """All images of a folder with the CSVs of their names. Raises TrainingError; `option` is the option that named the folder.

    The density of a cell is the sum of the pixels under it, so the total is kept; the published loader samples the map at a quarter and
    multiplies by 16, which loses up to a percent of it.
    """
    pairs = _pairs(images, truths, option)
    pixels = np.zeros((len(pairs), 1, SIDE, SIDE), np.uint8)
    density = np.zeros((len(pairs), 1, SIDE // STRIDE, SIDE // STRIDE), np.float32)
    people = np.zeros(len(pairs))

    def take(number: int) -> None:
        image, table = pairs[number]
        grey = dataset.decode(image)
        height, width = grey.shape
        if height > SIDE or width > SIDE:
            raise TrainingError(
                f"{shown(image)}: {height} x {width} pixels, at most {SIDE} x {SIDE} can be trained on;"
                " cut patches with: omgate prepare"
            )
        geometry = preprocess.plan(f"pad-{SIDE}", height, width)
        truth = ground_truth.read(table, (height, width))
        pixels[number] = preprocess.apply(grey, geometry)[0]
        density[number, 0] = preprocess.place_density(truth.density, geometry, STRIDE)
        people[number] = truth.count

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(take, range(len(pairs))))
    return Patches(tuple(image.stem for image, _ in pairs), pixels, density, people)


def _pairs(images: Path, truths: Path, option: str) -> list[tuple[Path, Path]]:
    for folder, name in ((images, option), (truths, option.replace("_path", "_gt_path"))):
        if not folder.is_dir():
            raise TrainingError(
                f"--{name}: no folder {shown(folder)}; make patches with: omgate prepare shanghaitech SOURCE DEST"
            )
    found: dict[str, Path] = {}
    for path in sorted(images.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise TrainingError(f"{shown(path)}: {shown(found[path.stem].name)} has the same name; keep one")
        found[path.stem] = path
    if not found:
        raise TrainingError(f"--{option}: no image ({', '.join(SUFFIXES)}) in {shown(images)}")
    missing = [stem for stem in found if not (truths / f"{stem}.csv").is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise TrainingError(f"{shown(truths)}: no {shown(missing[0])}.csv for the image of that name{more}")
    return [(path, truths / f"{stem}.csv") for stem, path in found.items()]
