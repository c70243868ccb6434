"""ONNX Runtime on the CPU in FP32: the reference backend's device half.

config: `model` (path), `shape` (N, C, H, W of the warm-up image), `threads` (intra-op; None or 0: ONNX Runtime's own default)
"""

import collections
import hashlib
import io
import time
from typing import Any, Deque, Dict, List, Tuple

import numpy
import onnxruntime

_session: Any = None
_input_name = ""
_waiting: Deque[Tuple[int, Any, float]] = collections.deque()  # (sequence, image, transfer seconds)


def open(config: Dict[str, Any]) -> Dict[str, Any]:
    """Load the model, run it once on a black image, and return what it runs on."""
    global _session, _input_name
    with io.open(config["model"], "rb") as file:
        model = file.read()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = config.get("threads") or 0
    options.log_severity_level = 3
    _session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    inputs = _session.get_inputs()
    outputs = _session.get_outputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or outputs[0].type != "tensor(float)":
        raise ValueError(
            "%s takes %s and gives %s; one FP32 input and an FP32 density map are needed"
            % (config["model"], [i.type for i in inputs], [o.type for o in outputs])
        )
    _input_name = inputs[0].name
    _infer(numpy.zeros(config["shape"], numpy.float32))
    return {
        "device": "CPU",
        "framework": "onnxruntime",
        "framework_version": onnxruntime.__version__,
        "provider": _session.get_providers()[0],
        "precision": "fp32",
        "model_sha256": hashlib.sha256(model).hexdigest(),
    }


def submit(sequence: int, arrays: List[Any]) -> None:
    """Take an image (1, 1, H, W) uint8; it becomes float32 with the same levels."""
    start = time.perf_counter()
    image = arrays[0].astype(numpy.float32)
    _waiting.append((sequence, image, time.perf_counter() - start))


def collect() -> Tuple[int, List[Any], Dict[str, float]]:
    """Run the oldest image; its density map is (1, 1, h, w) float32."""
    sequence, image, transfer = _waiting.popleft()
    start = time.perf_counter()
    density = _infer(image)
    return sequence, [density], {"transfer": transfer, "infer": time.perf_counter() - start}


def close() -> None:
    """Let the model go."""
    global _session
    _session = None


def _infer(image: Any) -> Any:
    return _session.run(None, {_input_name: image})[0]
