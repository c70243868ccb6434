"""Images of the emulated `mindx.sdk.base`: typed pixels with an original and an aligned size, on the host or on a device.

Sources: Vision SDK, mxBase/src/python (PyImage, Base.i) and mxbase/module/MbCV/Image. The files of `serialize` are the emulator's own.
"""

from __future__ import annotations

import json
import os
from enum import Enum
from typing import Any, Optional, Tuple

import numpy as np

from omgate_emulator.base_pixels import CHANNELS, SEMI_PLANAR, align, empty, image_format, part, put
from omgate_emulator.base_tensor import (
    DEVICES,
    FAILURE,
    HOST,
    INVALID_PARAMETER,
    NO_DEVICE,
    Tensor,
    device_exists,
    dtype,
    failed,
)

WIDTH_STEP, HEIGHT_STEP = 16, 2
"""Aligned sizes are multiples of these."""

SIDES, ALIGNED_SIDES = (6, 8192), (16, 8192)
SERIALIZED = b"omgate emulated image 1\n"


class Size:
    """Width and height in pixels."""

    def __init__(self, width: int = 0, height: int = 0) -> None:
        self.width = width
        self.height = height


class Point:
    """A place in an image, in pixels."""

    def __init__(self, x: int = 0, y: int = 0) -> None:
        self.x, self.y = x, y


class Rect:
    """A part of an image, in pixels: from (x0, y0) to before (x1, y1)."""

    def __init__(self, x0: int = 0, y0: int = 0, x1: int = 0, y1: int = 0) -> None:
        self.x0, self.y0, self.x1, self.y1 = x0, y0, x1, y1


class Dim:
    """Pixels that are added at each side."""

    def __init__(self, left: int = 0, right: int = 0, top: int = 0, bottom: int = 0) -> None:
        self.left, self.right, self.top, self.bottom = left, right, top, bottom


class Color:
    """A value for each of three channels, 0 to 255."""

    def __init__(self, channel_zero: int = 0, channel_one: int = 0, channel_two: int = 0) -> None:
        self.channel_zero, self.channel_one, self.channel_two = channel_zero, channel_one, channel_two


class Image:
    """Pixels of a format. `width` and `height` are the aligned size, `original_width` and `original_height` that of the picture.

    Made from an array (H, W, channels) of uint8 with the original or the aligned size, whose strides are not looked at, as with a
    Tensor. Without sizes the aligned one is the next that a device takes. Raises RuntimeError 1004.
    """

    def __init__(
        self, b: Any = None, format: Any = None, imageSizeInfo: Optional[Tuple[Any, Any]] = None
    ) -> None:
        self._kind, self._device = image_format.nv12, HOST
        self._original = (0, 0)
        self.pixels: Any = None
        if b is not None:
            self._kind = image_format(format.value if isinstance(format, Enum) else format)
            self._take(b, imageSizeInfo)

    @classmethod
    def of(cls, pixels: Any, kind: image_format, original: Tuple[int, int], device: int) -> Image:
        """Return an image of these pixels; `original`: width and height of the picture in them, from the upper left corner."""
        image = cls()
        image.pixels, image._kind, image._original, image._device = pixels, kind, original, device
        return image

    def _take(self, array: Any, sizes: Optional[Tuple[Any, Any]]) -> None:
        channels = CHANNELS.get(self._kind)
        if channels is None:
            raise failed(
                "An image can be made of yuv_400, rgb, bgr, argb, abgr, bgra, rgba.", INVALID_PARAMETER
            )
        shape = tuple(getattr(array, "shape", ()))
        if getattr(array, "dtype", None) != np.uint8 or len(shape) != 3 or shape[2] != channels:
            raise failed(
                f"An image of {self._kind.name} is an array (H, W, {channels}) of uint8.", INVALID_PARAMETER
            )
        original, aligned = _sizes(shape, sizes)
        given = (shape[1], shape[0])
        if given not in (original, aligned):
            raise failed("The array has neither the original nor the aligned size.", INVALID_PARAMETER)
        flat = Tensor(array).content.reshape(shape)
        self.pixels = empty(self._kind, *aligned)
        put(self.pixels, self._kind, 0, 0, flat[:, :, 0] if channels == 1 else flat)
        self._original = original

    @property
    def device(self) -> int:
        """Number of the device, -1 on the host."""
        return self._device

    @property
    def format(self) -> image_format:
        """The format of the pixels."""
        return self._kind

    @property
    def width(self) -> int:
        """Aligned width."""
        return 0 if self.pixels is None else int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Aligned height."""
        rows = 0 if self.pixels is None else int(self.pixels.shape[0])
        return rows * 2 // 3 if self._kind in SEMI_PLANAR else rows

    @property
    def original_width(self) -> int:
        """Width of the picture."""
        return self._original[0]

    @property
    def original_height(self) -> int:
        """Height of the picture."""
        return self._original[1]

    def to_device(self, deviceId: int) -> None:
        """Move the pixels to a device, in place. Raises RuntimeError."""
        if not device_exists(deviceId):
            raise failed(f"No device {deviceId}: the emulated machine has {DEVICES}", NO_DEVICE)
        self._device = deviceId

    def to_host(self) -> None:
        """Move the pixels to the host, in place."""
        self._device = HOST

    def to_tensor(self) -> Tensor:
        """Return all pixels of the aligned size, (1, rows, width, channels) of uint8; 4:2:0 has 3/2 rows for each."""
        return self._tensor(self.pixels)

    get_tensor = to_tensor

    def get_original_tensor(self) -> Tensor:
        """Return the picture's pixels without those that aligning added; not of YUV but yuv_400 (RuntimeError here, an empty tensor there)."""
        if self._kind not in CHANNELS:
            raise failed(f"The original tensor of {self._kind.name} can't be had.", INVALID_PARAMETER)
        return self._tensor(part(self.pixels, self._kind, 0, 0, *self._original))

    def _tensor(self, pixels: Any) -> Tensor:
        if pixels is None:
            raise failed("The image is empty.", FAILURE)
        shape = (1, pixels.shape[0], pixels.shape[1], pixels.shape[2] if pixels.ndim == 3 else 1)
        return Tensor.of(np.ascontiguousarray(pixels).tobytes(), dtype.uint8, shape, self._device)

    def dump_buffer(self, filePath: Any, forceOverwrite: bool = False) -> None:
        """Write the bare pixels of the aligned size to a file. Raises RuntimeError."""
        self._write(filePath, b"", forceOverwrite)

    def serialize(self, filePath: Any, forceOverwrite: bool = False) -> None:
        """Write the image to a file, for `unserialize` of this emulator alone. Raises RuntimeError."""
        about = {
            "format": self._kind.value,
            "original": self._original,
            "shape": getattr(self.pixels, "shape", ()),
        }
        self._write(filePath, SERIALIZED + json.dumps(about).encode() + b"\n", forceOverwrite)

    def _write(self, path: Any, head: bytes, force: bool) -> None:
        if self.pixels is None:
            raise failed("The image is empty.", INVALID_PARAMETER)
        try:
            with open(os.fsdecode(path), "wb" if force else "xb") as file:
                file.write(head + np.ascontiguousarray(self.pixels).tobytes())
        except OSError as error:
            raise failed(f"{os.fsdecode(path)}: {error.strerror}", FAILURE) from None

    def unserialize(self, filePath: Any) -> None:
        """Become the image of a file. Raises RuntimeError for one that `serialize` of this emulator did not write."""
        path = os.fsdecode(filePath)
        try:
            with open(path, "rb") as file:
                if file.readline() != SERIALIZED:
                    raise ValueError("not written by this emulator")
                about = json.loads(file.readline().decode("ascii"))
                pixels = np.frombuffer(file.read(), np.uint8).reshape(about["shape"]).copy()
            self._kind, self._original = (
                image_format(about["format"]),
                (int(about["original"][0]), int(about["original"][1])),
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise failed(f"{path}: {error}", FAILURE) from None
        self.pixels, self._device = pixels, HOST


def _sizes(
    shape: Tuple[int, ...], given: Optional[Tuple[Any, Any]]
) -> Tuple[Tuple[int, int], Tuple[int, int]]:
    """The original and the aligned (width, height): those given, or what the array's own size gives. Raises RuntimeError."""
    if given is None or not any((size.width, size.height) != (0, 0) for size in given):
        original = (shape[1], shape[0])
        aligned = (align(shape[1], WIDTH_STEP), max(align(shape[0], HEIGHT_STEP), ALIGNED_SIDES[0]))
    else:
        original, aligned = ((int(size.width), int(size.height)) for size in given)
    for side, step in zip(aligned, (WIDTH_STEP, HEIGHT_STEP)):  # noqa: B905
        if side % step or not ALIGNED_SIDES[0] <= side <= ALIGNED_SIDES[1]:
            raise failed(
                f"An aligned side is {ALIGNED_SIDES} and a multiple of {step}, not {side}.", INVALID_PARAMETER
            )
    if any(not SIDES[0] <= side <= most for side, most in zip(original, aligned)):  # noqa: B905
        raise failed(
            f"An original size from {SIDES[0]} to the aligned one, not {original}.", INVALID_PARAMETER
        )
    return original, aligned


def tensor_to_image(tensor: Tensor, imageFormat: Any) -> Image:
    """Return an image of a tensor's pixels: (rows, width, channels) of uint8, with a batch of 1 before it or none; yuv_400 (rows, width).

    Widths and heights become aligned ones, by zeros (unconfirmed: undefined on a device). Raises RuntimeError 1004.
    """
    kind = image_format(imageFormat.value if isinstance(imageFormat, Enum) else imageFormat)
    shape = tensor.shape
    if kind not in CHANNELS and kind not in SEMI_PLANAR:
        raise failed(f"The emulator has no tensor of {kind.name}.", INVALID_PARAMETER)
    if tensor.dtype is not dtype.uint8 or len(shape) not in (2, 3, 4) or (len(shape) == 4 and shape[0] != 1):
        raise failed("A tensor of uint8 with 2 to 4 dimensions, and a batch of 1.", INVALID_PARAMETER)
    if (kind is image_format.yuv_400) != (len(shape) == 2):
        raise failed("Two dimensions are for yuv_400, and for it alone.", INVALID_PARAMETER)
    rows, width, channels = [*shape, 1][:3] if len(shape) == 2 else shape[-3:]
    if channels != CHANNELS.get(kind, 1) or (kind in SEMI_PLANAR and rows * 2 % 3):
        raise failed(f"The shape {shape} is none of {kind.name}.", INVALID_PARAMETER)
    height = rows * 2 // 3 if kind in SEMI_PLANAR else rows
    pixels = empty(kind, align(width, WIDTH_STEP), align(height, HEIGHT_STEP))
    values = tensor._array().reshape((rows, width) if channels == 1 else (rows, width, channels))
    if kind in SEMI_PLANAR and (height % 2 or width % 2):
        raise failed(f"The sides of {kind.name} are even.", INVALID_PARAMETER)
    put(pixels, kind, 0, 0, values)
    return Image.of(pixels, kind, (width, height), tensor.device)
