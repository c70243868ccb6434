"""A deterministic device: scripted seconds, counts and faults, so that the harness is tested without a device or a clock.

config, all optional:
    seconds       float, or a list by sequence number: the device's own time for an image (default 0.0)
    sleep         true: the device really takes that long (benchmarks; on Linux to some 60 us); false: it only says so (tests)
    asynchronous  true: the device has a queue of its own and works on it while nobody waits; false: it works in `collect`
    counts        list by sequence number: the map is uniform with this sum. Default: every `stride`-th pixel times `scale`
    stride, scale the density map's reduction (4) and factor (0.001)
    faults        list of {"kind": KIND, "at": sequence number}; see FAULTS
    open_fault    {"kind": KIND, "times": n, "state": path of a file that counts the openings across processes}
    journal       path of a file that gets a line for every step: open, warm-up, submit 0, collect 0, close
"""

import collections
import contextlib
import ctypes
import io
import os
import signal
import subprocess
import sys
import time
from typing import Any, Deque, Dict, List, Optional, Tuple

import numpy

FAULTS = (
    "raise",  # RuntimeError when the image is collected
    "raise-submit",  # the same when it is submitted
    "SIGKILL",
    "SIGSEGV",
    "SIGSTOP",  # stops reading, too
    "exit",  # exit status 3
    "hang",
    "nan",
    "inf",
    "negative",
    "shape",
    "dtype",
    "stdout",  # prints, from Python, from native code and from a child process
)

PR_SET_TIMERSLACK = 29
"""prctl(2)"""

_config: Dict[str, Any] = {}
_faults: Dict[int, str] = {}
_queue: Deque[Tuple[int, Any, float, float]] = (
    collections.deque()
)  # (sequence, density map, transfer seconds, ready at)
_buffer: Any = None
_busy_until = 0.0


def open(config: Dict[str, Any]) -> Dict[str, Any]:
    """Take the script; return what a device's worker returns."""
    global _config, _faults
    _config = config
    _journal("open")
    if config.get("sleep"):
        sleep_exactly()
    fault = config.get("open_fault")
    if fault and _openings(fault["state"]) <= fault["times"]:
        _strike(fault["kind"])
    _faults = {}
    for entry in config.get("faults") or ():
        if entry["kind"] not in FAULTS:
            raise ValueError("fault %r is none of %s" % (entry["kind"], ", ".join(FAULTS)))
        _faults[entry["at"]] = entry["kind"]
    _journal("warm-up")
    return {
        "device": "simulated",
        "framework": "simulated",
        "framework_version": "1",
        "provider": "simulated",
        "precision": "fp32",
    }


def submit(sequence: int, arrays: List[Any]) -> None:
    """Take an image (1, 1, H, W) uint8, convert it as a real worker does, and queue it.

    The map is made here, so that `collect` takes the device's time and no more.
    """
    global _buffer, _busy_until
    _journal("submit %d" % sequence)
    if _faults.get(sequence) == "raise-submit":
        raise RuntimeError("scripted fault at image %d" % sequence)
    start = time.perf_counter()
    if _buffer is None or _buffer.shape != arrays[0].shape:
        _buffer = numpy.empty(arrays[0].shape, numpy.float32)
    numpy.copyto(_buffer, arrays[0])
    transfer = time.perf_counter() - start if _config.get("sleep") else 0.0
    _busy_until = max(_busy_until, time.perf_counter()) + _seconds(sequence)
    _queue.append((sequence, _density(sequence, arrays[0]), transfer, _busy_until))


def collect() -> Tuple[int, List[Any], Dict[str, float]]:
    """Give the oldest image's density map (1, 1, H / stride, W / stride) float32."""
    sequence, density, transfer, ready_at = _queue.popleft()
    _journal("collect %d" % sequence)
    seconds = _seconds(sequence)
    if _config.get("sleep"):
        rest = ready_at - time.perf_counter() if _config.get("asynchronous") else seconds
        if rest > 0:
            time.sleep(rest)
    fault = _faults.get(sequence)
    if fault:
        _strike(fault)
    return sequence, [_alter(density, fault)], {"transfer": transfer, "infer": seconds}


def close() -> None:
    """Note the end in the journal."""
    _journal("close")


def sleep_exactly() -> None:
    """Take from this thread's sleeps the 50 us by which Linux lets each one run over."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)


def _seconds(sequence: int) -> float:
    seconds = _config.get("seconds") or 0.0
    return float(seconds[sequence % len(seconds)] if isinstance(seconds, list) else seconds)


def _density(sequence: int, image: Any) -> Any:
    stride = _config.get("stride") or 4
    counts = _config.get("counts")
    if counts:
        height, width = image.shape[2] // stride, image.shape[3] // stride
        count = counts[sequence % len(counts)]
        return numpy.full((1, 1, height, width), count / (height * width), numpy.float32)
    return image[:, :, ::stride, ::stride] * numpy.float32(_config.get("scale") or 0.001)


def _strike(fault: str) -> None:
    """Do what a faulty runtime does in place of answering."""
    if fault == "raise":
        raise RuntimeError("scripted fault")
    if fault in ("SIGKILL", "SIGSEGV", "SIGSTOP"):
        os.kill(os.getpid(), getattr(signal, fault))
        time.sleep(3600)
    if fault == "exit":
        os._exit(3)
    if fault == "hang":
        time.sleep(3600)
    if fault == "stdout":
        sys.stdout.write("a line from Python\n")
        sys.stdout.flush()
        os.write(1, b"a line from native code\n")
        subprocess.call(["echo", "a line from a child process"])


def _alter(density: Any, fault: Optional[str]) -> Any:
    if fault in ("nan", "inf", "negative"):
        density[0, 0, 1, 1] = {"nan": numpy.nan, "inf": numpy.inf, "negative": -0.5}[fault]
    if fault == "shape":
        return density[:, :, 1:, :]
    if fault == "dtype":
        return density.astype(numpy.float64)
    return density


def _openings(path: str) -> int:
    with io.open(path, "a+", encoding="utf-8") as file:
        file.write("opened\n")
        file.seek(0)
        return len(file.readlines())


def _journal(line: str) -> None:
    if _config.get("journal"):
        with io.open(_config["journal"], "a", encoding="utf-8") as file:
            file.write(line + "\n")
