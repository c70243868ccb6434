"""Synthetic scenes to train on: pictures as the network will meet them, and random crops of them without end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cases import density, synthetic

LEVELS = 255.0
DENSITY_SCALE = 20.0  # mean squared error near one for an untrained network
CROP = 256  # pixels, as in the published recipe
STRIDE = 4
MARGIN = 256  # pixels of black around a picture: as much as the deliverable's padding may bring into one crop
NARROW = 64  # pixels of it that most crops may reach into
WIDE_SHARE = 0.12  # of crops that may lie anywhere, wholly in the black too


@dataclass(frozen=True)
class TrainingImage:
    """One padded picture (H, W) uint8 and its density on the network's grid (H/4, W/4) float32."""

    pixels: NDArray[np.uint8]
    target: NDArray[np.float32]
    people: int


def load_scene(seed: int) -> TrainingImage:
    """One training scene as the network will meet it: through a JPEG file, as 8-bit grey, with a black margin."""
    import cv2

    scene = synthetic.plan(seed)
    pixels = cv2.imdecode(np.frombuffer(synthetic.encode(scene), np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise RuntimeError(f"scene of seed {seed}: its JPEG can't be decoded again")
    truth = density.density_map(scene.points(), scene.height, scene.width)
    bottom = MARGIN + (-scene.height) % STRIDE + max(0, CROP - scene.height - 2 * MARGIN)
    right = MARGIN + (-scene.width) % STRIDE + max(0, CROP - scene.width - 2 * MARGIN)
    margins = ((MARGIN, bottom), (MARGIN, right))
    padded = np.pad(np.asarray(pixels, dtype=np.uint8), margins)
    return TrainingImage(padded, pool(np.pad(truth, margins)), len(scene.people))


def pool(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sums over cells of STRIDE x STRIDE pixels, (H, W) to (H/4, W/4) float32; the total is kept."""
    height, width = values.shape
    cells = values.reshape(height // STRIDE, STRIDE, width // STRIDE, STRIDE)
    return cells.sum(axis=(1, 3)).astype(np.float32)


def crops(
    images: Sequence[TrainingImage], random: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Endless random crops: (1, 1, 256, 256) float32 in 0..1 and (1, 1, 64, 64) float32 people per cell times DENSITY_SCALE.

    A picture's chance grows with its area, so that every square pixel of crowd is seen alike.
    """
    areas = np.array([image.pixels.size for image in images], dtype=np.float64)
    chances = areas / areas.sum()
    while True:
        image = images[int(random.choice(len(images), p=chances))]
        height, width = image.target.shape
        cells = CROP // STRIDE
        kept_off = 0 if random.random() < WIDE_SHARE else _kept_off(min(height, width), cells)
        row = int(random.integers(kept_off, height - cells + 1 - kept_off))
        column = int(random.integers(kept_off, width - cells + 1 - kept_off))
        pixels = image.pixels[row * STRIDE : row * STRIDE + CROP, column * STRIDE : column * STRIDE + CROP]
        target = image.target[row : row + cells, column : column + cells]
        if random.random() < 0.5:
            pixels, target = pixels[:, ::-1], target[:, ::-1]
        scaled = (pixels.astype(np.float32) / LEVELS)[None, None]
        yield np.ascontiguousarray(scaled), np.ascontiguousarray(target * DENSITY_SCALE)[None, None]


def _kept_off(shorter: int, cells: int) -> int:
    """Cells of margin that a usual crop stays out of; fewer where the picture is smaller than a crop."""
    return max(0, min((MARGIN - NARROW) // STRIDE, (shorter - cells) // 2))
