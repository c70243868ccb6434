"""What the SDK's `base` has and the emulator lacks: images, video, post-processing. The names are there; using them raises RuntimeError."""

from __future__ import annotations

from typing import Any

from omgate_emulator import log
from omgate_emulator.base_tensor import FAILURE, device_exists, failed

UNREALIZED = 1005


class Lacking:
    """A part of the SDK that the emulator lacks: its name can be imported, any use raises RuntimeError."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **named: Any) -> Any:
        text = f"mindx.sdk.base.{self._name}: the emulated SDK lacks it, it has Tensor and Model"
        log.error(text, "base.py:2", UNREALIZED)
        raise RuntimeError(text + log.error_text(UNREALIZED))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Lacking(f"{self._name}.{name}")


class ImageProcessor:
    """Made as the SDK's; what it does needs the image units of a device, so every method raises RuntimeError."""

    def __init__(self, deviceId: int) -> None:
        if not device_exists(deviceId):
            raise failed(f"ImageProcessor: no device {deviceId}", FAILURE)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Lacking(f"ImageProcessor.{name}")


class Point:
    """A place in an image, in pixels."""

    def __init__(self, x: int = 0, y: int = 0) -> None:
        self.x, self.y = x, y


class Rect:
    """A part of an image, in pixels."""

    def __init__(self, x0: int = 0, y0: int = 0, x1: int = 0, y1: int = 0) -> None:
        self.x0, self.y0, self.x1, self.y1 = x0, y0, x1, y1


LACKING = frozenset(
    [
        "AttributeInfo",
        "BTensor",
        "ClassInfo",
        "Color",
        "Dim",
        "Image",
        "KeyPointDetectionInfo",
        "ObjectInfo",
        "ResizeType",
        "ResizedImageInfo",
        "SemanticSegInfo",
        "StreamFormat",
        "TextObjectInfo",
        "TextsInfo",
        "VdecCallBacker",
        "VencCallBacker",
        "VideoDecodeConfig",
        "VideoDecoder",
        "VideoEncodeConfig",
        "VideoEncoder",
        "abgr",
        "argb",
        "batch",
        "bgr",
        "bgra",
        "bilinear_similar_opencv",
        "bilinear_similar_tensorflow",
        "borderType",
        "border_constant",
        "border_reflect",
        "border_reflect_101",
        "border_replicate",
        "dvpp",
        "h264_baseline_level",
        "h264_high_level",
        "h264_main_level",
        "h265_main_level",
        "huaweiu_high_order_filter",
        "image",
        "image_format",
        "interpolation",
        "nearest_neighbor_opencv",
        "nearestneighbor_tensorflow",
        "nv12",
        "nv21",
        "post",
        "resize_info",
        "resize_ms_keep_ratio",
        "resize_stretching",
        "resize_tf_keep_ratio",
        "rgb",
        "rgba",
        "uyvy_packed_422",
        "vyuy_packed_422",
        "yuv_400",
        "yuv_packed_444",
        "yuv_sp_422",
        "yuv_sp_444",
        "yuyv_packed_422",
        "yvu_sp_422",
        "yvu_sp_444",
        "yvyu_packed_422",
    ]
)
"""Names of the SDK's module (Vision SDK, mxBase/mindx/sdk/base) for images, video and post-processing: importable, of no use here.

BTensor and batch are of older SDKs alone; published programs name them."""
