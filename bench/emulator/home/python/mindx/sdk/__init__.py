"""The SDK's newer Python interface, emulated: `stream` (pipelines), `base` (inference alone) and the messages of pipelines.

All names of `base` are names of this package, too, as in the SDK: `from mindx.sdk import Tensor, base`. The parts are imported when they
are asked for: `base` needs numpy, all others need protobuf.
"""

from __future__ import annotations

import importlib
from typing import Any

PARTS = ("base", "stream", "MxpiDataType_pb2", "StreamManagerApi")


def __getattr__(name: str) -> Any:
    if name in PARTS:
        return importlib.import_module(f"{__name__}.{name}")
    if not name.startswith("_"):
        base = importlib.import_module(f"{__name__}.base")
        if hasattr(base, name):
            return getattr(base, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
