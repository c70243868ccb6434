"""An image with the true and the predicted density over it, as JPEG in data: addresses."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.pictures import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Density = NDArray[np.float32]

LONG_SIDE = 320
"""Pixels of a picture's longer side, here and in a run's record."""

QUALITY = 62
SHARPEST = 0.995
"""The quantile of the densities above which everything is as bright as can be: one crowded cell must not darken all others."""

DARKENED = 0.55
"""What is left of the image's light, so that the density stands out."""

COVERING = 1.6
"""How fast the density's colour covers the image: wholly from a level of 1 / 1.6 on."""


@dataclass(frozen=True)
class Overlay:
    """Three pictures (data: addresses) of one image, `width` x `height` pixels; `brightest`: people a cell at the scale's upper end."""

    image: str
    truth: str
    predicted: str | None
    width: int
    height: int
    brightest: float


def shrink(grey: NDArray[np.uint8]) -> bytes:
    """An image (H, W) uint8 as a JPEG whose longer side has at most LONG_SIDE pixels."""
    import cv2

    scale = LONG_SIDE / max(grey.shape)
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return _jpeg(grey)


def overlay(picture: Picture, predicted: Density | None, geometry: Mapping[str, int | str]) -> Overlay | None:
    """The pictures of one image, both densities on one scale; `predicted` (h, w), None: its map was not kept. None: the JPEG is broken.

    The maps are cut to where the image lies in the network's input (`geometry`, see docs/record.md).
    """
    import cv2
    import numpy as np

    grey = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        return None
    maps = [_cut(density, geometry) for density in (picture.truth, predicted) if density is not None]
    # A few crowded cells are the whole picture of a small scene: the quantile is that of the cells with people in them.
    filled = np.concatenate([density[density > 1e-4].ravel() for density in maps])
    brightest = float(np.quantile(filled, SHARPEST)) if filled.size else 0.0
    drawn = [_address(_jpeg(_blend(grey, density, brightest))) for density in maps]
    return Overlay(
        image=_address(picture.jpeg),
        truth=drawn[0],
        predicted=drawn[1] if len(drawn) > 1 else None,
        width=grey.shape[1],
        height=grey.shape[0],
        brightest=brightest,
    )


def _cut(density: Density, geometry: Mapping[str, int | str]) -> Density:
    """The part of a map under the image itself, without the border that preprocessing added; all of it where the geometry is not known."""
    keys = ("top", "left", "height", "width", "input_height", "input_width")
    numbers = [value for key in keys if isinstance(value := geometry.get(key), int)]
    if len(numbers) < len(keys) or not all(numbers[2:]):
        return density
    top, left, height, width, input_height, input_width = numbers
    down, across = density.shape[0] / input_height, density.shape[1] / input_width
    part = density[
        int(top * down) : max(int(top * down) + 1, round((top + height) * down)),
        int(left * across) : max(int(left * across) + 1, round((left + width) * across)),
    ]
    return part if part.size else density


def _blend(grey: NDArray[np.uint8], density: Density, brightest: float) -> NDArray[np.uint8]:
    """The image, darkened, with the density's colours over it where there are people."""
    import cv2
    import numpy as np

    colours, bare = _palette()
    scaled = density / brightest if brightest > 0 else np.zeros_like(density)
    level = cv2.resize(
        np.nan_to_num(scaled).astype(np.float32),
        (grey.shape[1], grey.shape[0]),
        interpolation=cv2.INTER_LINEAR,
    )
    # The root: a crowd's far end is a tenth as dense as its middle, and must be seen.
    steps = (255 * np.sqrt(np.clip(level, 0, 1))).astype(np.uint8)
    under = cv2.multiply(grey, cv2.LUT(steps, bare), scale=DARKENED / 255)
    blended: NDArray[np.uint8] = cv2.add(
        cv2.applyColorMap(steps, colours), cv2.cvtColor(under, cv2.COLOR_GRAY2BGR)
    )
    return blended


def _palette() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For each of 256 levels: the colour (256, 1, 3) as far as it covers the image, and how much of the image is left (256,), of 255."""
    import cv2
    import numpy as np

    cover = np.minimum(1.0, np.arange(256) / 255 * COVERING)
    full = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_INFERNO)
    return (full * cover[:, np.newaxis, np.newaxis]).astype(np.uint8), (255 * (1 - cover)).astype(np.uint8)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    import cv2

    good, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not good:
        raise ValueError(f"no JPEG could be made of an image of shape {picture.shape}")
    return bytes(content.tobytes())


def _address(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
