"""Geometry: how a picture comes to lie in the network's input, and its ground truth on the network's output grid.

One implementation for every backend and for training. A policy is a name and a size: `pad-1024` (centred, black around: the MCNN
deliverable's rule), `resize-1024`, `native-4` (each side down to a multiple of 4, no padding: the published checkpoint's evaluation).
What was done to a picture is returned as data (`Geometry`) and goes into the record.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cases.errors import OmgateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POLICIES: tuple[str, ...] = ("pad-1024", "resize-1024", "native-4")
ABOVE: tuple[str, ...] = ("refuse", "downscale")

_POLICY = re.compile(r"(pad|resize)-([1-9][0-9]{0,4})(?:x([1-9][0-9]{0,4}))?|(native)-([1-9][0-9]{0,2})")


class PreprocessError(OmgateError):
    """A policy that does not exist, or an image that it can't take."""


class TooLargeError(PreprocessError):
    """An image that does not fit into the pad, and a case that says `refuse`."""


@dataclass(frozen=True)
class Policy:
    """A policy's name taken apart: `pad` and `resize` have a size (height, width) in pixels, `native` a multiple."""

    kind: str
    size: tuple[int, int] | None
    multiple: int


@dataclass(frozen=True)
class Geometry:
    """What was done to one image; all lengths in pixels."""

    policy: str
    source_height: int  # the decoded file
    source_width: int
    height: int  # the image inside the network's input, after any scaling
    width: int
    top: int  # where it lies there
    left: int
    input_height: int  # the network's input
    input_width: int

    @property
    def scaled(self) -> bool:
        """True where the image was resized."""
        return (self.height, self.width) != (self.source_height, self.source_width)

    def as_dict(self) -> dict[str, int | str]:
        """The fields by name, as the run record keeps them."""
        return asdict(self)


def parse_policy(name: str) -> Policy:
    """The parts of a policy's name: `pad-N`, `pad-HxW`, `resize-N`, `resize-HxW`, `native-N`. Raises PreprocessError."""
    match = _POLICY.fullmatch(name)
    if match is None:
        raise PreprocessError(
            f"preprocessing policy {name!r}: allowed are pad-N, resize-N and native-N, such as {', '.join(POLICIES)}"
        )
    kind, first, second, native, multiple = match.groups()
    if native:
        return Policy("native", None, int(multiple))
    return Policy(kind, (int(first), int(second or first)), 1)


def plan(
    policy: str, height: int, width: int, above: str = "refuse", size: tuple[int, int] | None = None
) -> Geometry:
    """The geometry for an image of height x width pixels; touches no pixel.

    `above` says what `pad` does with an image that is larger than the pad: "refuse" it, or "downscale" it in its own proportions.
    `size`, (height, width) of the case's input where it is fixed, must agree with the policy's. Raises PreprocessError.
    """
    parsed = parse_policy(policy)
    if above not in ABOVE:
        raise PreprocessError(f"above = {above!r}: allowed are {' and '.join(ABOVE)}")
    if size is not None and parsed.size is not None and size != parsed.size:
        raise PreprocessError(f"policy {policy} does not agree with an input of {size[0]} x {size[1]} pixels")
    if height < 1 or width < 1:
        raise PreprocessError(f"an image of {height} x {width} pixels has nothing to measure")
    if parsed.size is None:
        return _native(policy, parsed.multiple, height, width)
    input_height, input_width = parsed.size
    if parsed.kind == "resize":
        return Geometry(policy, height, width, input_height, input_width, 0, 0, input_height, input_width)
    return _pad(policy, height, width, above, parsed.size)


def _native(policy: str, multiple: int, height: int, width: int) -> Geometry:
    inside = height // multiple * multiple, width // multiple * multiple
    if 0 in inside:
        raise PreprocessError(f"{height} x {width} pixels are fewer than {policy} needs: {multiple} a side")
    return Geometry(policy, height, width, *inside, 0, 0, *inside)


def _pad(policy: str, height: int, width: int, above: str, size: tuple[int, int]) -> Geometry:
    inside_height, inside_width = height, width
    if height > size[0] or width > size[1]:
        if above == "refuse":
            raise TooLargeError(
                f"{height} x {width} pixels do not fit into {policy}; scale the image down, or set above = "
                '"downscale" under [preprocess] in the case file'
            )
        ratio = min(size[0] / height, size[1] / width)
        inside_height = min(size[0], max(1, round(height * ratio)))
        inside_width = min(size[1], max(1, round(width * ratio)))
    # The deliverable's rule: an odd size has its extra pixel of padding before the image (mindspore models, MCNN infer/sdk/main.py).
    top, left = size[0] // 2 - inside_height // 2, size[1] // 2 - inside_width // 2
    return Geometry(policy, height, width, inside_height, inside_width, top, left, *size)


def apply(image: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.uint8]:
    """The network's input (1, 1, H, W) uint8 from a grey image (h, w) uint8; exact where nothing is scaled, else bilinear (OpenCV)."""
    import numpy as np

    if image.shape != (geometry.source_height, geometry.source_width) or image.dtype != np.uint8:
        raise PreprocessError(
            f"an image of {image.dtype} {image.shape}; this geometry is for uint8 "
            f"({geometry.source_height}, {geometry.source_width})"
        )
    if geometry.scaled:
        import cv2

        image = np.asarray(
            cv2.resize(image, (geometry.width, geometry.height), interpolation=cv2.INTER_LINEAR),
            dtype=np.uint8,
        )
    pixels = np.zeros((1, 1, geometry.input_height, geometry.input_width), np.uint8)
    bottom, right = geometry.top + geometry.height, geometry.left + geometry.width
    pixels[0, 0, geometry.top : bottom, geometry.left : right] = image
    return pixels


def place_density(density: NDArray[np.float64], geometry: Geometry, stride: int) -> NDArray[np.float32]:
    """Ground truth on the network's output grid, (H // stride, W // stride) float32, from a density (h, w) of the whole image.

    A density pixel's people are shared among the grid cells that it covers, by area; computed in float64, so the sum is kept (the rounding
    to float32 costs less than 1e-7 of it). The density may be coarser than the image: it is stretched over it. Where the input is no
    multiple of the stride, the last row and column of cells take what the network drops.
    """
    import numpy as np

    values = np.asarray(density, dtype=np.float64)
    rows = _shares(values.shape[0], geometry.top, geometry.height, geometry.input_height, stride)
    columns = _shares(values.shape[1], geometry.left, geometry.width, geometry.input_width, stride)
    folded = _fold(_fold(values, columns, axis=1), rows, axis=0)
    grid = np.zeros((geometry.input_height // stride, geometry.input_width // stride), np.float32)
    grid[rows.first : rows.first + folded.shape[0], columns.first : columns.first + folded.shape[1]] = folded
    return grid


@dataclass(frozen=True)
class _Starts:
    """One axis where each density pixel lies in one grid cell: the first pixel of each cell, from cell `first` on."""

    first: int
    starts: NDArray[np.intp]


@dataclass(frozen=True)
class _Weights:
    """One axis where density pixels lie across cells: the share (cells, pixels) of each, from cell `first` on; columns sum to 1."""

    first: int
    weights: NDArray[np.float64]


def _shares(pixels: int, offset: int, length: int, input_length: int, stride: int) -> _Starts | _Weights:
    import numpy as np

    last = input_length // stride - 1
    if last < 0:
        raise PreprocessError(f"an input of {input_length} pixels has no cell of {stride}")
    if pixels == length:
        cells = np.minimum((offset + np.arange(pixels)) // stride, last)
        starts = np.flatnonzero(np.diff(cells, prepend=-1))
        return _Starts(int(cells[0]), starts)
    edges = offset + np.arange(pixels + 1) * (length / pixels)
    first, end = min(offset // stride, last), min(-(-(offset + length) // stride), last + 1)
    lower = np.arange(first, end, dtype=np.float64) * stride
    upper = lower + stride
    lower[0], upper[-1] = -np.inf, np.inf
    overlap = np.minimum(edges[1:], upper[:, None]) - np.maximum(edges[:-1], lower[:, None])
    weights = np.maximum(overlap, 0.0)
    return _Weights(first, weights / weights.sum(axis=0))


def _fold(values: NDArray[np.float64], shares: _Starts | _Weights, axis: int) -> NDArray[np.float64]:
    import numpy as np

    if isinstance(shares, _Starts):
        return np.asarray(np.add.reduceat(values, shares.starts, axis=axis))
    return np.asarray(shares.weights @ values if axis == 0 else values @ shares.weights.T)
