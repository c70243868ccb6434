"""`ImageProcessor` and `dvpp` of the emulated `mindx.sdk.base`: the image units of a device (JPEGD, PNGD, VPC, JPEGE), by OpenCV on the host.

Limits, sizes and codes are those of an Atlas inference card with Ascend 310P (Vision SDK, ImageProcessorDptr.hpp and DvppWrapper); what the
sources do not tell is marked unconfirmed. The pixels are OpenCV's, NOT those of the device's filters and decoder (see base_pixels).
"""

from __future__ import annotations

import os
from enum import Enum
from typing import Any, List, Sequence, Tuple

import numpy as np

from omgate_emulator.base_image import HEIGHT_STEP, WIDTH_STEP, Color, Dim, Image, Rect, Size
from omgate_emulator.base_pixels import (
    SEMI_PLANAR,
    align,
    extended,
    from_bgr,
    image_format,
    part,
    planes,
    put,
    resized,
    to_bgr,
)
from omgate_emulator.base_tensor import FAILURE, INVALID_PARAMETER, device_exists, failed

INVALID_FORMAT = 8005
"""APP_ERR_DVPP_INVALID_FORMAT (its number: unconfirmed)."""

JPEG_SIDES, PNG_SIDES, ENCODED_SIDES = (32, 8192), (32, 4096), (32, 8192)
INPUT_SIDES = ((18, 6), (4096, 4096))
YUV_INPUT_SIDES = ((18, 6), (8192, 8192))
RESIZED_SIDES = ((32, 6), (4096, 4096))
CROPPED_SIDES = ((18, 6), (4096, 4096))
SCALES = (1 / 32, 16.0)
DECODED_STEPS = (64, 16)
"""Aligned sides of what JPEGD gives are multiples of these (310P, unconfirmed; 128 on a 310)."""

DECODABLE = (image_format.nv12, image_format.nv21, image_format.rgb, image_format.bgr)
MOST_BYTES = 1 << 30
LEAST_WIDTH = 32
"""Aligned width of the narrowest image that the units make (a crop of 18 has it)."""


class interpolation(Enum):
    """How an image is resized; the emulator knows two ways, by the nearest pixel and bilinear."""

    huaweiu_high_order_filter = 0
    bilinear_similar_opencv = 1
    nearest_neighbor_opencv = 2
    bilinear_similar_tensorflow = 3
    nearestneighbor_tensorflow = 4


class borderType(Enum):
    """What padding is made of."""

    border_constant = 0
    border_replicate = 1
    border_reflect = 2
    border_reflect_101 = 3


_BORDERS = borderType  # for the method whose argument has this name
NEAREST = (interpolation.nearest_neighbor_opencv, interpolation.nearestneighbor_tensorflow)


def _value(kind: Any, given: Any) -> Any:
    """A member of an enumeration by itself or by its number. Raises RuntimeError 1004."""
    try:
        return kind(given.value if isinstance(given, Enum) else given)
    except ValueError:
        raise failed(f"{given!r} is no {kind.__name__}.", INVALID_PARAMETER) from None


def _within(what: str, width: int, height: int, limits: Tuple[Tuple[int, int], Tuple[int, int]]) -> None:
    (least_width, least_height), (most_width, most_height) = limits
    if not (least_width <= width <= most_width and least_height <= height <= most_height):
        raise failed(
            f"{what}: {width} x {height} is not in {least_width} x {least_height} to {most_width} x {most_height}.",
            INVALID_PARAMETER,
        )


class ImageProcessor:
    """The image units of one device. Its methods raise RuntimeError: 1004 for most of what a device refuses; the reason is in the log."""

    def __init__(self, deviceId: int = 0) -> None:
        if not device_exists(deviceId):
            raise failed(f"ImageProcessor: no device {deviceId}", FAILURE)
        self._device = deviceId

    def decode(self, inputPath: Any, decodeFormat: Any = image_format.nv12) -> Image:
        """Return the image of a JPEG file in this format, or of a PNG file as rgb or rgba (bgr where asked)."""
        path = os.fsdecode(inputPath)
        try:
            with open(path, "rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise failed(f"{path}: {error.strerror}", INVALID_PARAMETER) from None
        return self._decoded(content, decodeFormat)

    def decode_bytes(self, data: bytes, dataSize: int, decodeFormat: Any = image_format.nv12) -> Image:
        """The same of bytes, all of them."""
        if not isinstance(data, bytes) or len(data) != dataSize:
            raise failed("decode_bytes: bytes, and how many they are", INVALID_PARAMETER)
        return self._decoded(data, decodeFormat)

    def _decoded(self, content: bytes, wanted: Any) -> Image:
        import cv2

        kind = _value(image_format, wanted)
        is_jpeg, is_png = content[:2] == b"\xff\xd8", content[:2] == b"\x89P"
        if not (is_jpeg or is_png) or len(content) > MOST_BYTES:
            raise failed("Only JPEG and PNG can be decoded.", INVALID_PARAMETER)
        if is_jpeg and kind not in DECODABLE:
            raise failed(f"A JPEG can't be decoded to {kind.name}.", INVALID_FORMAT)
        width, height = _jpeg_size(content) if is_jpeg else _png_size(content)
        least, most = JPEG_SIDES if is_jpeg else PNG_SIDES
        _within("decode", width, height, ((least, least), (most, most)))
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION if is_jpeg else cv2.IMREAD_UNCHANGED
        found = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        if found is None or found.dtype != np.uint8:
            raise failed("The picture is broken, or has more than 8 bits a channel.", INVALID_PARAMETER)
        if is_png:
            found, kind = _of_png(found, kind)
        pixels = found if kind is image_format.rgba else from_bgr(found, kind)
        return self._image(
            pixels, kind, (width, height), DECODED_STEPS if is_jpeg else (WIDTH_STEP, HEIGHT_STEP)
        )

    def encode(self, inputImage: Image, savePath: Any, encodeLevel: int = 100) -> None:
        """Write a JPEG file, NAME.jpg; the level is 1 to 100."""
        path = os.fsdecode(savePath)
        if not os.path.basename(path).endswith(".jpg"):
            raise failed(f"{path}: the name of an encoded image ends in .jpg", INVALID_PARAMETER)
        content = self.encode_bytes(inputImage, encodeLevel)
        try:
            with open(path, "wb") as file:
                file.write(content)
        except OSError as error:
            raise failed(f"{path}: {error.strerror}", FAILURE) from None

    def encode_bytes(self, inputImage: Image, encodeLevel: int = 100) -> bytes:
        """Return a JPEG of an nv12, nv21, rgb or bgr image on this device; the level is 1 to 100."""
        import cv2

        self._here(inputImage)
        if inputImage.format not in DECODABLE:
            raise failed(f"{inputImage.format.name} can't be encoded.", INVALID_FORMAT)
        least, most = ENCODED_SIDES
        width, height = inputImage.original_width, inputImage.original_height
        _within("encode", width, height, ((least, least), (most, most)))
        if not 1 <= encodeLevel <= 100:
            raise failed(f"The level of an encoded image is 1 to 100, not {encodeLevel}.", INVALID_PARAMETER)
        bgr = to_bgr(inputImage.pixels, inputImage.format)[:height, :width]
        return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, encodeLevel])[1])

    def resize(
        self, inputImage: Image, resize: Size, interpolation: Any = interpolation.huaweiu_high_order_filter
    ) -> Image:
        """Return the picture at another size: 1/32 to 16 times each side."""
        self._input(inputImage)
        return self._resized(inputImage, self._whole(inputImage), resize, interpolation)

    def _resized(self, image: Image, rect: Rect, size: Size, filter_: Any) -> Image:
        nearest = _value(interpolation, filter_) in NEAREST
        left, top, width, height = self._region(image, rect)
        _within("resize", size.width, size.height, RESIZED_SIDES)
        if not all(SCALES[0] <= scale <= SCALES[1] for scale in (size.width / width, size.height / height)):
            raise failed(f"A scale is {SCALES}.", INVALID_PARAMETER)
        picture = part(image.pixels, image.format, left, top, width, height)
        pixels = resized(picture, image.format, size.width, size.height, nearest)
        return self._image(pixels, image.format, (size.width, size.height), (WIDTH_STEP, HEIGHT_STEP))

    def padding(self, inputImage: Image, padDim: Dim, color: Color, borderType: Any) -> Image:
        """Return the picture with more pixels at its sides; for 4:2:0 an even number of them, the next one up.

        The colour's channels are the format's own: Y, U, V for nv12 (unconfirmed).
        """
        self._input(inputImage)
        kind, border = inputImage.format, _value(_BORDERS, borderType)
        step = 2 if kind in SEMI_PLANAR else 1
        sides = [align(side, step) for side in (padDim.top, padDim.bottom, padDim.left, padDim.right)]
        left, top, width, height = self._region(inputImage, self._whole(inputImage))
        values = [color.channel_zero, color.channel_one, color.channel_two]
        if min(sides) < 0 or any(not 0 <= value <= 255 for value in values):
            raise failed("Padding is 0 or more, a colour 0 to 255.", INVALID_PARAMETER)
        new = (width + sides[2] + sides[3], height + sides[0] + sides[1])
        _within("padding", *new, limits=CROPPED_SIDES)
        picture = part(inputImage.pixels, kind, left, top, width, height)
        pixels = _bordered(picture, kind, sides, border, values)
        return self._image(pixels, kind, new, (WIDTH_STEP, HEIGHT_STEP))

    def crop(self, inputImage: Any = None, inputImageVec: Any = None, cropRectVec: Any = None) -> List[Image]:
        """Return parts of an image, or of each of a list of images: all of the first one, then of the second.

        As in the SDK, arguments count by their order, whatever they are called.
        """
        given = [value for value in (inputImage, inputImageVec, cropRectVec) if value is not None]
        if len(given) != 2 or not isinstance(given[1], (list, tuple)):
            raise TypeError(
                "Wrong number or type of arguments for overloaded function 'ImageProcessor_crop'."
            )
        images = [given[0]] if isinstance(given[0], Image) else list(given[0])
        return [self._cropped(image, rect) for image in images for rect in given[1]]

    def _cropped(self, image: Image, rect: Rect) -> Image:
        self._input(image)
        left, top, width, height = self._region(image, rect)
        pixels = part(image.pixels, image.format, left, top, width, height)
        return self._image(pixels, image.format, (width, height), (WIDTH_STEP, HEIGHT_STEP))

    def crop_resize(self, inputImage: Image, cropResizeVec: Sequence[Tuple[Rect, Size]]) -> List[Image]:
        """Return parts of an image, each at a size of its own."""
        self._input(inputImage)
        filter_ = interpolation.huaweiu_high_order_filter
        return [self._resized(inputImage, rect, size, filter_) for rect, size in cropResizeVec]

    def crop_paste(self, inputImage: Image, cropPasteRect: Tuple[Rect, Rect], pastedImage: Image) -> None:
        """Write a part of an image into a part of another one, in place, resized to it."""
        self._input(inputImage)
        self._input(pastedImage)
        if inputImage.format is not pastedImage.format:
            raise failed("crop_paste: both images have one format", INVALID_PARAMETER)
        kind = inputImage.format
        left, top, width, height = self._region(inputImage, cropPasteRect[0])
        to_left, to_top, to_width, to_height = self._region(pastedImage, cropPasteRect[1])
        picture = part(inputImage.pixels, kind, left, top, width, height)
        put(pastedImage.pixels, kind, to_left, to_top, resized(picture, kind, to_width, to_height))

    def convert_format(self, inputImage: Image, outputFormat: Any) -> Image:
        """Return the image as another of nv12, nv21, rgb and bgr; the same one is refused."""
        self._input(inputImage)
        kind = _value(image_format, outputFormat)
        if kind is inputImage.format or kind not in DECODABLE or inputImage.format not in DECODABLE:
            raise failed(f"{inputImage.format.name} can't become {kind.name}.", INVALID_PARAMETER)
        pixels = from_bgr(to_bgr(inputImage.pixels, inputImage.format), kind)
        return Image.of(pixels, kind, (inputImage.original_width, inputImage.original_height), self._device)

    # --- what is looked at before ------------------------------------------------------------------------------------------

    def _here(self, image: Any) -> None:
        if not isinstance(image, Image):
            raise TypeError("in method 'ImageProcessor', argument 2 of type 'PyBase::Image const &'")
        if image.device != self._device or image.pixels is None:
            raise failed(f"The image is empty, or not on device {self._device}.", INVALID_PARAMETER)

    def _input(self, image: Any) -> None:
        self._here(image)
        if image.format not in DECODABLE:
            raise failed(f"The image units do not take {image.format.name}.", INVALID_PARAMETER)
        limits = YUV_INPUT_SIDES if image.format in SEMI_PLANAR else INPUT_SIDES
        _within("input image", image.original_width, image.original_height, limits)

    def _whole(self, image: Image) -> Rect:
        return Rect(0, 0, image.original_width, image.original_height)

    def _region(self, image: Image, rect: Rect) -> Tuple[int, int, int, int]:
        """Left, top, width, height; for 4:2:0 even, the last row or column with the one that aligning added. Raises RuntimeError."""
        if not (0 <= rect.x0 < rect.x1 <= image.width and 0 <= rect.y0 < rect.y1 <= image.height):
            raise failed("A rectangle is not within the image.", INVALID_PARAMETER)
        left, top, width, height = rect.x0, rect.y0, rect.x1 - rect.x0, rect.y1 - rect.y0
        if image.format in SEMI_PLANAR:
            left, top = left // 2 * 2, top // 2 * 2
            width, height = align(rect.x1 - left, 2), align(rect.y1 - top, 2)
        _within("rectangle", width, height, CROPPED_SIDES)
        return left, top, width, height

    def _image(
        self, pixels: Any, kind: image_format, original: Tuple[int, int], steps: Tuple[int, int]
    ) -> Image:
        """The pixels on this device, the last ones repeated up to aligned sides (what a device has there is unconfirmed)."""
        height = pixels.shape[0] * 2 // 3 if kind in SEMI_PLANAR else pixels.shape[0]
        width = max(align(pixels.shape[1], steps[0]), LEAST_WIDTH)
        return Image.of(extended(pixels, kind, width, align(height, steps[1])), kind, original, self._device)


def _bordered(
    picture: Any, kind: image_format, sides: Sequence[int], border: borderType, values: Sequence[int]
) -> Any:
    """The picture with so many more pixels above, below, at the left, at the right."""
    import cv2

    flags = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT, cv2.BORDER_REFLECT_101)
    flag = flags[border.value]
    if kind not in SEMI_PLANAR:
        return cv2.copyMakeBorder(picture, *sides, flag, value=values)
    luma, chroma = (np.ascontiguousarray(plane) for plane in planes(picture))
    pair = values[1:] if kind is image_format.nv12 else values[:0:-1]
    luma = cv2.copyMakeBorder(luma, *sides, flag, value=values[:1])
    chroma = cv2.copyMakeBorder(chroma, *(side // 2 for side in sides), flag, value=pair)
    return np.vstack([luma, chroma.reshape(luma.shape[0] // 2, -1)])


def _of_png(found: Any, wanted: image_format) -> Tuple[Any, image_format]:
    """BGR or RGBA pixels of a PNG, and the format that the SDK gives it: with alpha rgba, else rgb, or bgr where that was asked for."""
    import cv2

    if found.ndim == 3 and found.shape[2] == 4:
        return cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA), image_format.rgba
    bgr = cv2.cvtColor(found, cv2.COLOR_GRAY2BGR) if found.ndim == 2 else found
    return bgr, image_format.bgr if wanted is image_format.bgr else image_format.rgb


def _png_size(content: bytes) -> Tuple[int, int]:
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _jpeg_size(content: bytes) -> Tuple[int, int]:
    """Width and height in a JPEG's frame header (ITU T.81, B.2.2), before anything is decoded; 0 where there is none."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(
                content[at + 5 : at + 7], "big"
            )
        at += 1 if marker == 0xFF else 2 + length
    return 0, 0


def image(inputPath: Any, deviceId: int, decodeFormat: Any) -> Image:
    """Return a file's image on a device."""
    return ImageProcessor(deviceId).decode(inputPath, decodeFormat)


class dvpp:
    """The image units as functions."""

    @staticmethod
    def read_image(inputPath: Any, deviceId: int, decodeFormat: Any) -> Image:
        """Return a file's image on a device."""
        return image(inputPath, deviceId, decodeFormat)

    @staticmethod
    def resize(
        inputImage: Image, resize: Size, interpolation: Any = interpolation.huaweiu_high_order_filter
    ) -> Image:
        """Return an image, on its device, at another size."""
        return ImageProcessor(inputImage.device).resize(inputImage, resize, interpolation)
