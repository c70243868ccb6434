"""MindSpore in graph mode, on Ascend or on the CPU: the ckpt backend's device half.

config: `model` (path of the checkpoint), `network` (text of the file that defines it), `class_name`, `shape` (N, C, H, W of
the warm-up image), `target` ("Ascend", "CPU", None: Ascend where there is one), `device_id`, `threads` (None: MindSpore's own
default)

A graph is compiled for each input shape: opening pays for the shape in `shape`; another shape pays when it first comes.
The checkpoint is loaded strictly. MindSpore itself only warns about a parameter that is missing, and answers with
untrained weights.
"""

import collections
import glob
import hashlib
import io
import linecache
import sys
import time
import types
from typing import Any, Deque, Dict, List, Tuple

import mindspore
import numpy

NETWORK_FILE = "<omgate network>"
"""The name that the network's lines carry; graph mode reads the source of `construct` under it."""

LISTED_NAMES = 40
"""So many differing names are listed in full; the rest are counted."""

_network: Any = None
_waiting: Deque[Tuple[int, Any, float]] = collections.deque()  # (sequence, tensor, transfer seconds)


def open(config: Dict[str, Any]) -> Dict[str, Any]:
    """Build the network, load its checkpoint strictly, compile it, and return what it runs on."""
    global _network
    target = config.get("target") or ("Ascend" if glob.glob("/dev/davinci[0-9]*") else "CPU")
    _choose_device(target, config.get("device_id") or 0, config.get("threads"))
    _network = getattr(_module(config["network"]), config["class_name"])()
    with io.open(config["model"], "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    _load_strictly(_network, config["model"])
    _network.set_train(False)
    _infer(mindspore.Tensor(numpy.zeros(config["shape"], numpy.float32)))
    return {
        "device": "CPU" if target == "CPU" else "%s:%d" % (target, config.get("device_id") or 0),
        "framework": "mindspore",
        "framework_version": mindspore.__version__,
        "provider": target,
        "device_name": _device_name(target),
        "precision": "fp32",
        "model_sha256": digest,
    }


def submit(sequence: int, arrays: List[Any]) -> None:
    """Take an image (1, 1, H, W) uint8; it becomes a float32 tensor with the same levels."""
    start = time.perf_counter()
    tensor = mindspore.Tensor(arrays[0].astype(numpy.float32))
    _waiting.append((sequence, tensor, time.perf_counter() - start))


def collect() -> Tuple[int, List[Any], Dict[str, float]]:
    """Run the oldest image; its density map is (1, 1, h, w) float32."""
    sequence, tensor, transfer = _waiting.popleft()
    start = time.perf_counter()
    density = _infer(tensor)
    return sequence, [density], {"transfer": transfer, "infer": time.perf_counter() - start}


def close() -> None:
    """Let the network go."""
    global _network
    _network = None


def _infer(tensor: Any) -> Any:
    return _network(tensor).asnumpy()  # asnumpy waits for the device


def _choose_device(target: str, device_id: int, threads: Any) -> None:
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    try:
        mindspore.set_context(device_target=target)
        if target != "CPU":
            mindspore.set_context(device_id=device_id)
    except (ValueError, RuntimeError) as error:
        raise RuntimeError(
            "MindSpore %s can't use %s here (%s); install the build for it, or choose --device cpu"
            % (mindspore.__version__, target, str(error).split("\n")[0])
        ) from error
    if threads:
        mindspore.set_context(runtime_num_threads=threads)


def _device_name(target: str) -> str:
    if target == "CPU":
        return "cpu"
    try:
        return str(mindspore.hal.get_device_name(0, target))
    except Exception:
        return target  # MindSpore before 2.3 has no hal


def _module(source: str) -> Any:
    """Return the module made of this text; `inspect.getsource` finds its lines without a file."""
    module = types.ModuleType("omgate_network")
    module.__file__ = NETWORK_FILE
    sys.modules[module.__name__] = module
    linecache.cache[NETWORK_FILE] = (len(source), None, source.splitlines(True), NETWORK_FILE)
    exec(compile(source, NETWORK_FILE, "exec"), module.__dict__)
    return module


def _load_strictly(network: Any, path: str) -> None:
    """Load a checkpoint whose names, shapes and types are the network's own; raise ValueError otherwise."""
    try:
        loaded = mindspore.load_checkpoint(path)
    except Exception as error:
        raise ValueError(
            "%s is not a MindSpore checkpoint: %s" % (path, str(error).split("\n")[0])
        ) from error
    wanted = network.parameters_dict()
    differences: List[str] = []
    _list(differences, "missing", [name for name in wanted if name not in loaded])
    _list(differences, "unexpected", [name for name in loaded if name not in wanted])
    shared = [name for name in wanted if name in loaded]
    for what in ("shape", "dtype"):
        differing = []
        for name in shared:
            seen, allowed = getattr(loaded[name], what), getattr(wanted[name], what)
            if seen != allowed:
                differing.append("%s is %s, not %s" % (name, seen, allowed))
        _list(differences, "other " + what, differing)
    if differences:
        raise ValueError("%s does not fit %s: %s" % (path, type(network).__name__, "; ".join(differences)))
    not_loaded = mindspore.load_param_into_net(network, loaded, strict_load=True)
    left = [name for names in (not_loaded or ()) for name in names]
    if left:
        raise ValueError("%s: MindSpore did not load %s" % (path, ", ".join(left)))


def _list(differences: List[str], title: str, names: List[str]) -> None:
    if names:
        rest = len(names) - LISTED_NAMES
        more = " and %d more" % rest if rest > 0 else ""
        differences.append("%s: %s%s" % (title, ", ".join(names[:LISTED_NAMES]), more))
