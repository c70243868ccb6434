"""Operations of the emulated `mindx.sdk.base` on tensors: element by element, colours, axes. Computed on the host, by numpy and OpenCV.

Sources: Vision SDK, mxBase/src/python (PyTensorOperations) and its PerElementOperations.cpp. uint8 results are rounded to the nearest integer
and kept within 0 to 255 (rounding, and a division by 0, are unconfirmed).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import numpy as np

from omgate_emulator.base_pixels import from_bgr, image_format, to_bgr
from omgate_emulator.base_tensor import (
    FAILURE,
    HOST,
    INVALID_PARAMETER,
    KINDS,
    Tensor,
    dtype,
    failed,
    transpose,
)

UNREALIZED = 1005

COMPUTED = (dtype.uint8, dtype.float16, dtype.float32)
"""Types that operations take, from the narrowest to the widest."""


def _tensors(
    name: str, tensors: Sequence[Any], types: Sequence[dtype] = COMPUTED, one_type: bool = True
) -> None:
    """Raises TypeError for what is no tensor, RuntimeError 1004 for tensors that do not fit."""
    for number, tensor in enumerate(tensors, 1):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"in method '{name}', argument {number} of type 'PyBase::Tensor const &'")
    first = tensors[0]
    for tensor in tensors:
        if tensor.device == HOST or tensor.device != first.device:
            raise failed(f"{name}: tensors on one device, not on the host", INVALID_PARAMETER)
        if tensor.dtype not in types or (one_type and tensor.dtype is not first.dtype):
            raise failed(f"{name}: {tensor.dtype.name} can't be computed with", INVALID_PARAMETER)
        if tensor.shape != first.shape:
            raise failed(f"{name}: shapes {first.shape} and {tensor.shape}", INVALID_PARAMETER)


def _made(values: Any, kind: dtype, device: int) -> Tensor:
    """A tensor of computed values, as its type holds them."""
    if kind is dtype.uint8 and values.dtype != np.uint8:
        values = np.clip(np.rint(np.nan_to_num(values)), 0, 255)
    with np.errstate(over="ignore", invalid="ignore"):
        content = np.ascontiguousarray(values.astype(KINDS[kind]))
    return Tensor.of(content.tobytes(), kind, content.shape, device)


def _both(
    name: str, tensors: Tuple[Any, Any], work: Callable[[Any, Any], Any], one_type: bool = True
) -> Tensor:
    _tensors(name, tensors, one_type=one_type)
    kind = max((tensor.dtype for tensor in tensors), key=COMPUTED.index)
    wide = np.float32 if kind is not dtype.uint8 else np.float64
    with np.errstate(all="ignore"):
        values = work(*(tensor._array().astype(wide) for tensor in tensors))
    return _made(values, kind, tensors[0].device)


def add(inputTensor1: Tensor, inputTensor2: Tensor) -> Tensor:
    """Return the sum of two tensors of one type and shape. Raises RuntimeError."""
    return _both("add", (inputTensor1, inputTensor2), np.add)


def subtract(inputTensor1: Tensor, inputTensor2: Tensor) -> Tensor:
    """Return the difference. Raises RuntimeError."""
    return _both("subtract", (inputTensor1, inputTensor2), np.subtract)


def multiply(inputTensor1: Tensor, inputTensor2: Tensor, scale: float = 1.0) -> Tensor:
    """Return scale times the product. Raises RuntimeError."""
    return _both("multiply", (inputTensor1, inputTensor2), lambda one, two: one * two * scale)


def divide(inputTensor1: Tensor, inputTensor2: Tensor, scale: float = 1.0) -> Tensor:
    """Return scale times the quotient, of the wider type where they have two; uint8 by 0 is 0. Raises RuntimeError."""

    def quotient(one: Any, two: Any) -> Any:
        return np.where(two == 0, 0, one * scale / two) if one.dtype == np.float64 else one * scale / two

    return _both("divide", (inputTensor1, inputTensor2), quotient, one_type=False)


def min_operator(inputTensor1: Tensor, inputTensor2: Tensor) -> Tensor:
    """Return the smaller of each two elements. Raises RuntimeError."""
    return _both("min_operator", (inputTensor1, inputTensor2), np.minimum)


def max_operator(inputTensor1: Tensor, inputTensor2: Tensor) -> Tensor:
    """Return the larger of each two elements. Raises RuntimeError."""
    return _both("max_operator", (inputTensor1, inputTensor2), np.maximum)


def clip(inputTensor: Tensor, minVal: float, maxVal: float) -> Tensor:
    """Return the elements within minVal to maxVal. Raises RuntimeError."""
    _tensors("clip", [inputTensor])
    if minVal > maxVal:
        raise failed(f"clip: {minVal} is above {maxVal}", INVALID_PARAMETER)
    return _made(
        np.clip(inputTensor._array().astype(np.float32), minVal, maxVal),
        inputTensor.dtype,
        inputTensor.device,
    )


def convert_to(inputTensor: Tensor, dataType: Any) -> Tensor:
    """Return the elements as another type; what that can't hold is undefined but for uint8 (unconfirmed). Raises RuntimeError."""
    wanted = dtype(dataType.value if isinstance(dataType, Enum) else dataType)
    _tensors("convert_to", [inputTensor], tuple(KINDS))
    if wanted not in KINDS:
        raise failed("convert_to: no type", INVALID_PARAMETER)
    return _made(inputTensor._array(), wanted, inputTensor.device)


def transpose_operator(inputTensor: Tensor, axes: Sequence[int]) -> Tensor:
    """Return the tensor with its axes in this order. Raises RuntimeError."""
    _tensors("transpose_operator", [inputTensor], tuple(KINDS))
    return transpose(inputTensor, axes)


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


def cvt_color(inputTensor: Tensor, cvtColorMode: Any, keepMargin: bool = False) -> Tensor:
    """Return a picture (H, W, C), or with a batch of 1 before it, of uint8 in other colours; `keepMargin` changes nothing here.

    Colours of 4:2:0 are (3 H / 2, W, 1). Raises RuntimeError.
    """
    mode = cvt_color_mode(cvtColorMode.value if isinstance(cvtColorMode, Enum) else cvtColorMode)
    _tensors("cvt_color", [inputTensor], (dtype.uint8,))
    source, target = _COLOURS.fullmatch(mode.name).groups()  # type: ignore[union-attr]
    if mode is cvt_color_mode.color_rgba2mrgba:
        raise failed("cvt_color: the emulator lacks rgba2mrgba", UNREALIZED)
    batch = inputTensor.shape[:-3]
    shape = inputTensor.shape[-3:]
    if batch not in ([], [1]) or len(shape) != 3 or shape[2] != _CHANNELS.get(source, 1):
        raise failed(f"cvt_color: {mode.name} of the shape {inputTensor.shape}", INVALID_PARAMETER)
    if source.endswith("420") and (shape[0] % 3 or shape[1] % 2):
        raise failed(f"cvt_color: {mode.name} of the shape {inputTensor.shape}", INVALID_PARAMETER)
    pixels = _converted(inputTensor._array().reshape(shape), source, target)
    if pixels is None:
        raise failed(f"cvt_color: {mode.name} failed", FAILURE)
    content = np.ascontiguousarray(pixels).reshape([*batch, *pixels.shape[:2], -1])
    return Tensor.of(content.tobytes(), dtype.uint8, content.shape, inputTensor.device)


def _converted(pixels: Any, source: str, target: str) -> Optional[Any]:
    """Pixels of one name in the colours of another."""
    if target == "rgba":
        return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    if source == "rgba":
        pixels, source = np.ascontiguousarray(pixels[:, :, :3]), "rgb"
    if source == target:
        return pixels
    flat = pixels if source in _CHANNELS else pixels[:, :, 0]
    return from_bgr(to_bgr(flat, _FORMATS[source]), _FORMATS[target])
