"""Numbers of one image's density map against its ground truth, at the network's output resolution.

Both maps are (h, w) on the network's output grid; the geometry says where the image lies in the network's input, so that
cells and windows are cut on the image and not on its padding. Summaries over images are in reports/summary.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cases.preprocess import Geometry

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_C1 = 0.01**2
SSIM_C2 = 0.03**2
"""Window, sigma and constants of Wang et al. 2004 for a dynamic range of 1."""


def per_image(
    density: NDArray[np.float32],
    true_grid: NDArray[np.float32],
    geometry: Geometry,
    names: Iterable[str] = ("game1", "game2", "game3", "psnr", "ssim"),
) -> dict[str, float]:
    """Return the named metrics of one image; one that has no value for this image is left out.

    Names: "game0" to "game9", "psnr", "ssim"; others (mae, rmse, ...) are summaries over images and are passed over.
    """
    wanted = tuple(names)
    found: dict[str, float | None] = {}
    levels = tuple(int(name[4:]) for name in wanted if name[:4] == "game" and name[4:].isdigit())
    found.update(
        (f"game{level}", value) for level, value in game(density, true_grid, geometry, levels).items()
    )
    maps = (density, true_grid, geometry)
    similarity: dict[str, Callable[..., float | None]] = {"psnr": psnr, "ssim": ssim}
    found.update((name, similarity[name](*maps)) for name in wanted if name in similarity)
    return {name: value for name in wanted if (value := found.get(name)) is not None}


def game(
    density: NDArray[np.float32], true_grid: NDArray[np.float32], geometry: Geometry, levels: Iterable[int]
) -> dict[int, float]:
    """Return GAME(L) for each level: the sum over 2^L x 2^L cells of |predicted - true| in the cell, in counts.

    Grid Average Mean absolute Error, Guerrero-Gomez-Olmedo et al., "Extremely Overlapping Vehicle Counting", 2015
    (TRANCOS): a sum over cells, so it never falls with L, and GAME(0) is |count difference|. The grid divides the image's
    area; a pixel that a line crosses is shared in proportion. The outer cells reach to the map's edge, so that density in
    the padding counts, too.
    """
    wanted = sorted(set(levels), reverse=True)
    if not wanted:
        return {}
    height, width = density.shape
    finest = wanted[0]
    rows = _shares(height, geometry.top, geometry.height, geometry.input_height, 1 << finest)
    columns = _shares(width, geometry.left, geometry.width, geometry.input_width, 1 << finest)
    difference = density.astype(np.float64) - true_grid
    cells = rows @ difference @ columns.T
    values = {}
    for level in range(finest, -1, -1):
        if level in wanted:
            values[level] = float(np.abs(cells).sum())
        if level:
            side = 1 << (level - 1)  # a cell of the next coarser grid is four of this one
            cells = cells.reshape(side, 2, side, 2).sum(axis=(1, 3))
    return values


@lru_cache(maxsize=16)  # the images of a test set have few sizes
def _shares(size: int, start: int, length: int, input_size: int, cells: int) -> NDArray[np.float64]:
    """Return (cells, size): which share of each map row lies in each of the equal parts of the image's extent; not to be written to.

    This is the difference of a linearly interpolated cumulative sum at the parts' borders, as a matrix.
    """
    scale = size / input_size
    borders = (start + length * np.arange(cells + 1) / cells) * scale
    borders[0], borders[-1] = 0.0, size
    up_to = np.clip(borders[:, None] - np.arange(size)[None, :], 0.0, 1.0)
    shares: NDArray[np.float64] = np.diff(up_to, axis=0)
    return shares


def psnr(density: NDArray[np.float32], true_grid: NDArray[np.float32], geometry: Geometry) -> float | None:
    """Return 10 log10(peak^2 / mse) in dB over the image's area, peak = the true map's maximum.

    None where it has no value: an all-zero truth, or two equal maps. Values are comparable only within omgate: the field's
    implementations differ in resolution and normalisation (CSRNet interpolates to the image's size first).
    """
    area = _image_area(density.shape, geometry)
    peak = float(true_grid.max(initial=0.0))
    error = (density[area] - true_grid[area]).astype(np.float64)
    mse = float(np.mean(np.square(error)))
    return 10.0 * float(np.log10(peak * peak / mse)) if peak > 0 and mse > 0 else None


def ssim(density: NDArray[np.float32], true_grid: NDArray[np.float32], geometry: Geometry) -> float | None:
    """Return the mean structural similarity over the image's area, both maps divided by the true map's maximum.

    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE TIP
    2004: Gaussian window 11x11 with sigma 1.5, C1 = 0.01^2, C2 = 0.03^2, averaged where the window lies inside, population
    moments. None for an all-zero truth or an area smaller than the window.
    """
    import cv2

    area = _image_area(density.shape, geometry)
    peak = float(true_grid.max(initial=0.0))
    if peak <= 0 or min(density[area].shape) < SSIM_WINDOW:
        return None
    x: NDArray[np.float32] = density[area] / np.float32(peak)
    y: NDArray[np.float32] = true_grid[area] / np.float32(peak)
    inside = slice(SSIM_WINDOW // 2, -(SSIM_WINDOW // 2))

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        blurred = cv2.GaussianBlur(values, (SSIM_WINDOW, SSIM_WINDOW), SSIM_SIGMA)
        return np.asarray(blurred, np.float32)[inside, inside]

    mean_x, mean_y = mean(x), mean(y)
    mean_xy = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    # The numerator and denominator need the two variances only as their sum: one window pass for both.
    variances = mean(np.square(x) + np.square(y)) - squares
    covariance = mean(x * y) - mean_xy
    alike = (2 * mean_xy + SSIM_C1) * (2 * covariance + SSIM_C2)
    score = alike / ((squares + SSIM_C1) * (variances + SSIM_C2))
    return float(score.mean(dtype=np.float64))


def _image_area(shape: tuple[int, ...], geometry: Geometry) -> tuple[slice, slice]:
    """Return the map's rows and columns that the image touches."""
    rows = shape[0] / geometry.input_height
    columns = shape[1] / geometry.input_width
    return (
        slice(int(geometry.top * rows), int(np.ceil((geometry.top + geometry.height) * rows))),
        slice(int(geometry.left * columns), int(np.ceil((geometry.left + geometry.width) * columns))),
    )
