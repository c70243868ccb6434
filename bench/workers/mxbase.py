"""mxBase in Python (mindx.sdk.base): the device half of the om-mxbase backend's `python` driver.

config: `home` (the SDK's folder), `version`, `soc`, `model` (path), `device` (number), `codes`
(error code as text -> its name and meaning), `note` (why it is this driver; may be empty).

Written against the API as documented, for both of its generations: the class `Model` or the function `model`, tensors that go to the device by
themselves or only inside `infer`. What the binding does beyond its documents is guarded here: `infer` answers a failure with an
empty list, a constructor's failure always reads "1007, memory", a Tensor ignores strides, and reading a result that is still on the
device ends the process.
"""

import collections
import hashlib
import io
import time
from typing import Any, Deque, Dict, List, Tuple

import numpy
import omgate_sdk_log

_base: Any = None
_model: Any = None
_config: Dict[str, Any] = {}
_waiting: Deque[Tuple[int, Any, float]] = collections.deque()  # (sequence, image, conversion seconds)


def open(config: Dict[str, Any]) -> Dict[str, Any]:
    """Initialise mxBase, load the model, and return what it runs on."""
    global _base, _model
    _config.clear()
    _config.update(config)
    from mindx.sdk import base

    _base = base
    omgate_sdk_log.mark(config["home"])
    code = base.mx_init()
    if code not in (0, None):
        raise RuntimeError("mx_init answered %s%s" % (_meaning(code), omgate_sdk_log.told(_config["home"])))
    omgate_sdk_log.mark(config["home"])
    try:
        _model = _load(config["model"], config["device"])
    except BaseException:
        close()
        raise
    with io.open(config["model"], "rb") as model:
        digest = hashlib.sha256(model.read()).hexdigest()
    return {
        "device": "device %s" % config["device"],
        "framework": "mxBase",
        "framework_version": config["version"],
        "driver": "python",
        "note": config["note"],
        "soc": config["soc"],
        "precision": "fp16",
        "model_sha256": digest,
        "region": "transfer: conversion and %s; infer: Model.infer%s; fetch: copy to the host"
        % (
            ("copy to the device", "")
            if hasattr(base.Tensor, "to_device")
            else ("making the Tensor", ", copy to the device included")
        ),
    }


def submit(sequence: int, arrays: List[Any]) -> None:
    """Take an image (1, 1, H, W) uint8; it becomes contiguous float32 with the same levels. No call of the SDK: that has one thread."""
    start = time.perf_counter()
    image = numpy.ascontiguousarray(arrays[0], numpy.float32)
    _waiting.append((sequence, image, time.perf_counter() - start))


def collect() -> Tuple[int, List[Any], Dict[str, float]]:
    """Run the oldest image; its density map is the model's first output."""
    sequence, image, conversion = _waiting.popleft()
    density, region = _infer(image)
    region["transfer"] += conversion
    return sequence, [density], region


def close() -> None:
    """Let the model go, then end mxBase: an object that outlives mx_deinit crashes the interpreter's end."""
    global _base, _model
    base, _base, _model = _base, None, None
    if base is not None:
        base.mx_deinit()


def _load(path: str, device: int) -> Any:
    make = getattr(_base, "Model", None) or getattr(_base, "model", None)
    if make is None:
        raise RuntimeError("mindx.sdk.base has neither Model nor model: not an mxBase that is known")
    try:
        return make(path, device)
    except Exception as error:
        # The binding swallows what happened and raises its code of a failed allocation, whatever it was.
        raise RuntimeError(
            "the model %s was not loaded: %s (that code stands for any failure here)%s"
            % (path, error, omgate_sdk_log.told(_config["home"]))
        ) from error


def _infer(image: Any) -> Tuple[Any, Dict[str, float]]:
    """Return the first output as float32, and seconds by region."""
    start = time.perf_counter()
    tensor = _base.Tensor(image)
    if hasattr(tensor, "to_device"):
        tensor.to_device(_config["device"])
    moved = time.perf_counter()
    outputs = _model.infer([tensor])
    done = time.perf_counter()
    # Older bindings are said to give one Tensor in place of a list.
    outputs = [outputs] if hasattr(outputs, "to_host") else list(outputs)
    wanted = getattr(_model, "output_num", None)
    if not outputs or (isinstance(wanted, int) and len(outputs) != wanted):
        raise RuntimeError(
            "infer gave %d outputs%s, which is all it says of a failed inference%s"
            % (
                len(outputs),
                "" if wanted is None else ", the model has %s" % wanted,
                omgate_sdk_log.told(_config["home"]),
            )
        )
    outputs[0].to_host()
    density = numpy.array(outputs[0], copy=True)
    if density.dtype.kind == "f":
        density = numpy.ascontiguousarray(density, numpy.float32)
    del outputs, tensor
    end = time.perf_counter()
    return density, {"transfer": moved - start, "infer": done - moved, "fetch": end - done}


def _meaning(code: Any) -> str:
    return "%s (%s)" % (code, _config["codes"].get(str(code), "a code that is not documented"))
