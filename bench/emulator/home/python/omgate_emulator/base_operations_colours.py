"""`cvt_color` of the emulated `mindx.sdk.base`: a picture in a tensor in other colours. Computed on the host, by OpenCV.

Limits, shapes and codes: Vision SDK, CoreOperationsOnTensors.cpp. The pixels are NOT the device's (see base_pixels).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, Dict

import numpy as np

from omgate_emulator.base_operations import run_on_device
from omgate_emulator.base_pixels import align, from_bgr, image_format, to_bgr
from omgate_emulator.base_tensor import (
    HOST,
    INVALID_PARAMETER,
    Tensor,
    dtype,
    failed,
    tensor_argument,
    wrong_argument,
)

UNREALIZED = 1005
WIDTHS, HEIGHTS = (10, 4096), (6, 4096)
GRAY_WIDTH = 18
"""Least width where one side is gray or 4:2:0."""

WIDTH_STEP, ROWS_STEP = 16, 3
"""A 4:2:0 picture's width, and its rows with those of the chroma, are multiples of these."""


class cvt_color_mode(Enum):
    """From which colours to which, by the SDK's numbers (Base.i)."""

    color_yuvsp4202gray = 0
    color_yvusp4202gray = 1
    color_yuvsp4202rgb = 2
    color_yvusp4202rgb = 3
    color_yuvsp4202bgr = 4
    color_yvusp4202bgr = 5
    color_rgb2gray = 6
    color_bgr2gray = 7
    color_bgr2rgb = 8
    color_rgb2bgr = 9
    color_rgb2rgba = 10
    color_rgba2gray = 11
    color_rgba2rgb = 12
    color_gray2rgb = 13
    color_rgba2mrgba = 14
    color_bgr2yuvsp420 = 15
    color_rgb2yuvsp420 = 16
    color_rgb2yvusp420 = 17
    color_bgr2yvusp420 = 18


_FORMATS = {
    "yuvsp420": image_format.nv12,
    "yvusp420": image_format.nv21,
    "rgb": image_format.rgb,
    "bgr": image_format.bgr,
    "gray": image_format.yuv_400,
}
_COLOURS = re.compile("color_(yuvsp420|yvusp420|rgba|rgb|bgr|gray)2(.+)")
_CHANNELS: Dict[str, int] = {"rgb": 3, "bgr": 3, "rgba": 4}
_NARROW = ("gray", "yuvsp420", "yvusp420")


def cvt_color(inputTensor: Tensor, cvtColorMode: Any, keepMargin: bool = False) -> Tensor:
    """Return a picture (H, W, C) of uint8 in other colours, also (H, W) from one channel; 4:2:0 has 3/2 rows for each, and one channel.

    With `keepMargin` the width becomes a multiple of 16, by zeros (on a device undefined), but not from gray. Raises TypeError, and
    RuntimeError 1004 for sizes, channels, types and places that the SDK refuses, 1005 for rgba2mrgba, which the emulator lacks.
    """
    tensor_argument("cvt_color", 1, inputTensor)
    number = cvtColorMode.value if isinstance(cvtColorMode, Enum) else cvtColorMode
    if not isinstance(number, int):
        raise wrong_argument("cvt_color", 2, "MxBase::CvtColorMode const &")
    if number not in [mode.value for mode in cvt_color_mode]:
        raise failed(f"cvt_color: there is no mode {number}", INVALID_PARAMETER)
    mode = cvt_color_mode(number)
    source, target = _COLOURS.fullmatch(mode.name).groups()  # type: ignore[union-attr]
    _check(inputTensor, mode, source, target)
    if mode is cvt_color_mode.color_rgba2mrgba:
        raise failed("cvt_color: the emulator lacks rgba2mrgba", UNREALIZED)
    run_on_device("cvt_color", inputTensor.device)
    pixels = _converted(inputTensor._array().reshape([*inputTensor.shape[:2], -1]), source, target)
    content = pixels.reshape([*pixels.shape[:2], -1])
    if keepMargin and source != "gray":
        beyond = align(content.shape[1], WIDTH_STEP) - content.shape[1]
        content = np.pad(content, ((0, 0), (0, beyond), (0, 0)))
    return Tensor.of(content.tobytes(), dtype.uint8, content.shape, inputTensor.device)


def _check(tensor: Tensor, mode: cvt_color_mode, source: str, target: str) -> None:
    """Raises RuntimeError 1004 for a tensor that the mode does not take."""
    shape = tensor.shape
    if tensor.device == HOST or tensor.dtype is not dtype.uint8:
        raise _refused(mode, "a tensor of uint8 on a device", f"{tensor.dtype.name} on {tensor.device}")
    if len(shape) not in (2, 3):
        raise _refused(mode, "a shape (H, W, C) or (H, W)", shape)
    # The SDK looks at no channels of (H, W), and reads behind its end where there should be several.
    if [*shape, 1][2] != _CHANNELS.get(source, 1):
        raise _refused(mode, f"{_CHANNELS.get(source, 1)} channels", shape)
    least = GRAY_WIDTH if source in _NARROW or target in _NARROW else WIDTHS[0]
    if not least <= shape[1] <= WIDTHS[1] or not HEIGHTS[0] <= shape[0] <= HEIGHTS[1]:
        raise _refused(mode, f"a width from {least} to {WIDTHS[1]}, a height within {HEIGHTS}", shape)
    if source.endswith("420") and (shape[1] % WIDTH_STEP or shape[0] % ROWS_STEP):
        raise _refused(mode, f"a width by {WIDTH_STEP}, rows by {ROWS_STEP}", shape)


def _refused(mode: cvt_color_mode, wanted: str, seen: Any) -> RuntimeError:
    return failed(f"cvt_color {mode.name}: {wanted} is wanted, not {seen}", INVALID_PARAMETER)


def _converted(pixels: Any, source: str, target: str) -> Any:
    """Pixels (H, W, C) of one name in the colours of another."""
    if target == "rgba":
        return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])  # the alpha is unconfirmed
    if source == "rgba":
        pixels, source = np.ascontiguousarray(pixels[:, :, :3]), "rgb"
    if source == target:
        return pixels
    flat = pixels if source in _CHANNELS else pixels[:, :, 0]
    return from_bgr(to_bgr(flat, _FORMATS[source]), _FORMATS[target])
