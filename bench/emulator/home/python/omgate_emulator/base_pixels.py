"""Pixels of the emulated `mindx.sdk.base`: formats, their memory, and how one becomes another. Computed on the host, by OpenCV.

An image's pixels are an array: (3 H / 2, W) for the semi-planar 4:2:0 formats (a plane of Y, one of chroma pairs), (H, W) for one channel,
(H, W, channels) else. Conversions are those of JPEG (BT.601, full range). What a device's DVPP computes differs in rounding and in its
filters: these pixels are NOT the device's.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Tuple

import numpy as np


class image_format(Enum):
    """Formats by the SDK's numbers (Vision SDK, Base.i)."""

    yuv_400 = 0
    nv12 = 1
    nv21 = 2
    yuv_sp_422 = 3
    yvu_sp_422 = 4
    yuv_sp_444 = 5
    yvu_sp_444 = 6
    yuyv_packed_422 = 7
    uyvy_packed_422 = 8
    yvyu_packed_422 = 9
    vyuy_packed_422 = 10
    yuv_packed_444 = 11
    rgb = 12
    bgr = 13
    argb = 14
    abgr = 15
    rgba = 16
    bgra = 17


SEMI_PLANAR = (image_format.nv12, image_format.nv21)
CHANNELS = {
    image_format.yuv_400: 1,
    image_format.rgb: 3,
    image_format.bgr: 3,
    image_format.argb: 4,
    image_format.abgr: 4,
    image_format.rgba: 4,
    image_format.bgra: 4,
}
"""Channels of the formats that an image can be made in from an array."""


def align(value: int, step: int) -> int:
    """The next multiple of step."""
    return -(-value // step) * step


def empty(kind: image_format, width: int, height: int) -> Any:
    """Pixels of a format, all 0; `height` is even for 4:2:0."""
    if kind in SEMI_PLANAR:
        return np.zeros((height * 3 // 2, width), np.uint8)
    channels = CHANNELS[kind]
    return np.zeros((height, width) if channels == 1 else (height, width, channels), np.uint8)


def planes(pixels: Any) -> Tuple[Any, Any]:
    """Views of a 4:2:0 array: Y (H, W) and chroma (H / 2, W / 2, 2)."""
    height = pixels.shape[0] * 2 // 3
    return pixels[:height], pixels[height:].reshape(height // 2, -1, 2)


def part(pixels: Any, kind: image_format, left: int, top: int, width: int, height: int) -> Any:
    """A rectangle of an image as an image of its own; for 4:2:0 its corner and its size are even."""
    if kind not in SEMI_PLANAR:
        return pixels[top : top + height, left : left + width].copy()
    made = empty(kind, width, height)
    for whole, piece, step in zip(planes(pixels), planes(made), (1, 2)):  # noqa: B905 - strict came after Python 3.7
        rows = slice(top // step, (top + height) // step)
        piece[...] = whole[rows, left // step : (left + width) // step]
    return made


def put(pixels: Any, kind: image_format, left: int, top: int, what: Any) -> None:
    """Write an image into another one of the same format, in place."""
    pairs = zip(planes(pixels), planes(what), (1, 2)) if kind in SEMI_PLANAR else [(pixels, what, 1)]  # noqa: B905
    for whole, piece, step in pairs:
        height, width = piece.shape[:2]
        whole[top // step : top // step + height, left // step : left // step + width] = piece


def resized(pixels: Any, kind: image_format, width: int, height: int, nearest: bool = False) -> Any:
    """The image at another size, bilinear or by the nearest pixel; odd sides of 4:2:0 become even by repeating the last pixels."""
    import cv2

    filter_ = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    if kind not in SEMI_PLANAR:
        return cv2.resize(pixels, (width, height), interpolation=filter_)
    made = empty(kind, align(width, 2), align(height, 2))
    for whole, piece, step in zip(planes(pixels), planes(made), (1, 2)):  # noqa: B905
        size = (align(width, step) // step, align(height, step) // step)
        _fill(piece, cv2.resize(np.ascontiguousarray(whole), size, interpolation=filter_))
    return made


def extended(pixels: Any, kind: image_format, width: int, height: int) -> Any:
    """The image with its last row and column repeated up to a larger size."""
    made = empty(kind, width, height)
    pairs = zip(planes(made), planes(pixels)) if kind in SEMI_PLANAR else [(made, pixels)]  # noqa: B905
    for whole, piece in pairs:
        _fill(whole, piece)
    return made


def _fill(whole: Any, piece: Any) -> None:
    """Write a plane into the upper left corner of another one, and its last row and column into the rest."""
    height, width = piece.shape[:2]
    whole[:height, :width] = piece
    whole[:height, width:] = piece[:, -1:]
    whole[height:] = whole[height - 1 : height]


def from_bgr(bgr: Any, kind: image_format) -> Any:
    """An image of nv12, nv21, rgb, bgr or yuv_400; sides become even for 4:2:0 by repeating the last row and column."""
    import cv2

    if kind is image_format.bgr:
        return bgr
    if kind is image_format.rgb:
        return np.ascontiguousarray(bgr[:, :, ::-1])
    if kind is image_format.yuv_400:
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    height, width = bgr.shape[:2]
    if height % 2 or width % 2:
        bgr = cv2.copyMakeBorder(bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        height, width = bgr.shape[:2]
    full = cv2.cvtColor(bgr, cv2.COLOR_BGR2YCrCb)
    made = empty(kind, width, height)
    luma, chroma = planes(made)
    luma[...] = full[:, :, 0]
    halves = cv2.resize(full[:, :, 1:], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma[...] = halves if kind is image_format.nv21 else halves[:, :, ::-1]  # OpenCV has Cr first
    return made


def to_bgr(pixels: Any, kind: image_format) -> Any:
    """An image of nv12, nv21, rgb, bgr or yuv_400 as BGR."""
    import cv2

    if kind is image_format.bgr:
        return pixels
    if kind is image_format.rgb:
        return np.ascontiguousarray(pixels[:, :, ::-1])
    if kind is image_format.yuv_400:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    luma, chroma = planes(pixels)
    pairs = chroma if kind is image_format.nv21 else chroma[:, :, ::-1]
    whole = cv2.resize(np.ascontiguousarray(pairs), luma.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.cvtColor(np.dstack([luma, whole]), cv2.COLOR_YCrCb2BGR)
