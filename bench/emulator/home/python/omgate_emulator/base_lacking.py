"""What the SDK's `base` has and the emulator lacks: video and post-processing. The names are there; using them raises RuntimeError."""

from __future__ import annotations

from typing import Any

from omgate_emulator import log

UNREALIZED = 1005


class Lacking:
    """A part of the SDK that the emulator lacks: its name can be imported, any use raises RuntimeError."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **named: Any) -> Any:
        text = f"mindx.sdk.base.{self._name}: the emulated SDK lacks it, it has Tensor, Model and Image"
        log.error(text, "base.py:2", UNREALIZED)
        raise RuntimeError(text + log.error_text(UNREALIZED))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Lacking(f"{self._name}.{name}")


LACKING = frozenset(
    [
        "AttributeInfo",
        "BTensor",
        "ClassInfo",
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
        "batch",
        "h264_baseline_level",
        "h264_high_level",
        "h264_main_level",
        "h265_main_level",
        "post",
        "resize_info",
        "resize_ms_keep_ratio",
        "resize_stretching",
        "resize_tf_keep_ratio",
    ]
)
"""Names of the SDK's module (Vision SDK, mxBase/mindx/sdk/base) for video and post-processing: importable, of no use here.

BTensor and batch are of older SDKs alone; published programs name them."""
