"""The engine of the emulated SDK: loads emulated .om files and runs them for one client, the SDK's Python modules or its C++ library.

Started as `<home>/bin/omgate-engine FD [MEMORY]`: numbers of an inherited stream socket, and of a file in memory that the client shares; it
answers one request at a time (bench/emulator/wire.py) and ends when the client does. Both interfaces of the SDK stand on it, so both give the same numbers.

    op=hello                                  -> code=0 version=1 soc=emulated devices=4
    op=load path=/abs/x.om device=0           -> code=0 model=0 batch=1 inputs=1 input.0.name=.. .dtype=.. .shape=.. .bytes=.. outputs=..
    op=infer model=0 bytes=N,.. [batch=N]     + tensors -> code=0 seconds=.. bytes=N,.. shapes=1,1,4,4;.. + tensors, or crash=1
    op=unload model=0                         -> code=0
An answer with another code has a message. Codes are the SDK's (ErrorCodes.h).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.emulator.faults import FaultError, Faults, read_faults
from bench.emulator.wire import Memory, WireError, read_message, write_message

if TYPE_CHECKING:
    import numpy as np

    from bench.emulator.model import Model, TensorInfo

VERSION = 1
CRASH_SECONDS = 0.5
"""Until a crash strikes: results that were ready before it are out of the process by then, so that its own image is blamed, not theirs."""

DEVICES = 4
"""As many as a card with Ascend 310 has. The SDK's C++ side is told at hello; its Python side, which answers without an engine too, has
the number once more, and a test holds the two together."""

FAILURE = 1001
INVALID_PARAMETER = 1004
INIT_FAIL = 1013

SEND_BYTES = 1 << 20
"""Wished size of what the socket holds on its way to the client; Linux gives 416 KB without privilege."""

PR_SET_TIMERSLACK = 29
"""prctl(2): how late this thread's sleeps may end, in nanoseconds; 50,000 unless it is set."""

LOOK_SECONDS = 1.0
"""How often the watcher looks whether its parent is still the one that started it."""


class RequestError(Exception):
    """A request that is answered with a code and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """A header and its payload, contiguous parts."""

    header: Mapping[str, object]
    payload: tuple[memoryview, ...] = ()


@dataclass
class Engine:
    """What one client has loaded, and how many inferences it has asked for."""

    environ: Mapping[str, str]
    models: dict[int, Model] = field(default_factory=dict)
    inferences: int = 0
    loaded: int = 0
    arrived: float = 0.0
    """When the request under way began to arrive, by time.perf_counter()."""

    def answer(self, header: Mapping[str, str], payload: memoryview) -> Answer:
        """Answer one request; whatever goes wrong is a code and a message."""
        from bench.emulator.model import ModelError

        operations = {"hello": self.hello, "load": self.load, "infer": self.infer, "unload": self.unload}
        try:
            faults = read_faults(self.environ)
            operation = operations.get(header.get("op", ""))
            if operation is None:
                raise RequestError(INVALID_PARAMETER, f"op={header.get('op')}: unknown to this engine")
            return operation(header, payload, faults)
        except (RequestError, ModelError) as error:
            return Answer({"code": error.code, "message": error})
        except FaultError as error:
            return Answer({"code": INVALID_PARAMETER, "message": error})
        except Exception as error:  # a runtime may raise anything; its client is to see the words
            return Answer({"code": FAILURE, "message": f"{type(error).__name__}: {error}"})

    def hello(self, header: Mapping[str, str], payload: memoryview, faults: Faults) -> Answer:
        """Say who this is."""
        if faults.device_missing:
            raise RequestError(INIT_FAIL, "aclInit failed: no device (fault device-missing)")
        return Answer({"code": 0, "version": VERSION, "soc": "emulated", "devices": DEVICES})

    def load(self, header: Mapping[str, str], payload: memoryview, faults: Faults) -> Answer:
        """Load an emulated .om and describe it."""
        from bench.emulator.model import load_model

        device = _number(header, "device", 0)
        if not 0 <= device < DEVICES:
            raise RequestError(
                INVALID_PARAMETER, f"no device {device}: the emulated machine has {DEVICES}, numbered from 0"
            )
        model = load_model(Path(header.get("path", "")))
        number, self.loaded = self.loaded, self.loaded + 1
        self.models[number] = model
        described: dict[str, object] = {"code": 0, "model": number, "batch": model.batch}
        if model.gears:
            described["gears"] = _commas(model.gears)
        if model.layout != "NCHW":
            described["layout"] = model.layout
        described.update(_describe("input", model.inputs))
        described.update(_describe("output", model.outputs))
        return Answer(described)

    def infer(self, header: Mapping[str, str], payload: memoryview, faults: Faults) -> Answer:
        """Run a model on the payload; faults strike here."""
        self.inferences += 1
        struck = faults.at(self.inferences)
        if "hang" in struck:
            threading.Event().wait()
        if "slow" in struck:
            time.sleep(struck["slow"])
        if "crash" in struck:
            time.sleep(CRASH_SECONDS)
            return Answer({"code": FAILURE, "crash": 1, "message": "fault crash"})
        if "error" in struck:
            raise RequestError(int(struck["error"]), f"fault error at inference {self.inferences}")
        model = self._model(header)
        sizes = _numbers(header, "bytes")
        if sum(sizes) != len(payload):
            raise RequestError(FAILURE, f"{len(payload)} bytes came, bytes= announces {sum(sizes)}")
        batch = _number(header, "batch", 0) or None
        if batch is None and model.gears:
            raise RequestError(FAILURE, f"batch=N is missing: the model has gears {_commas(model.gears)}")
        if faults.device_seconds is None:
            outputs, seconds = model.run(payload, sizes, batch)
        else:
            outputs, seconds = model.zeros(sizes, batch), faults.device_seconds
        outputs = [_struck(output, struck) for output in outputs]
        shapes = ";".join(_commas(output.shape) for output in outputs)
        parts = tuple(output.reshape(-1).view("uint8").data for output in outputs)
        sizes_out = _commas([part.nbytes for part in parts])
        answer = Answer({"code": 0, "seconds": f"{seconds:.9f}", "bytes": sizes_out, "shapes": shapes}, parts)
        if faults.device_seconds is not None:
            # The input's way to the device is part of its time, and so is what was done until here.
            _sleep_until(self.arrived + faults.device_seconds)
        return answer

    def unload(self, header: Mapping[str, str], payload: memoryview, faults: Faults) -> Answer:
        """Forget a model."""
        self._model(header)
        del self.models[_number(header, "model", -1)]
        return Answer({"code": 0})

    def _model(self, header: Mapping[str, str]) -> Model:
        number = _number(header, "model", -1)
        if number not in self.models:
            raise RequestError(INVALID_PARAMETER, f"no model {number} is loaded")
        return self.models[number]


def serve(stream: socket.socket, environ: Mapping[str, str], shared: int | None = None) -> None:
    """Answer requests until the client closes. Raises WireError and OSError."""
    engine, memory = Engine(environ), Memory(shared)
    while stream.recv(1, socket.MSG_PEEK):
        engine.arrived = time.perf_counter()
        request = read_message(stream, memory)
        if request is None:
            break
        answer = engine.answer(*request)
        write_message(stream, answer.header, answer.payload)


def main(arguments: Sequence[str]) -> int:
    """Serve the inherited socket whose number is the first argument; 0 at its end, 1 where the client was cut off, 2 for wrong use."""
    try:
        stream = socket.socket(fileno=os.dup(int(arguments[0]))) if 1 <= len(arguments) <= 2 else None
        shared = int(arguments[1]) if len(arguments) == 2 else None
    except (ValueError, OSError, OverflowError):
        stream = None
    if stream is None:
        print(
            "omgate-engine: needs the number of an inherited socket; the emulated SDK starts it, nobody else",
            file=sys.stderr,
        )
        return 2
    os.close(int(arguments[0]))
    os.dup2(2, 1)  # The client's stdout is not the engine's to write to.
    # An output of 256 x 256 floats goes out in one piece, and the client is woken once.
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    _end_sleeps_in_time()
    # Ctrl-C is for the client, which ends in its own time and then closes the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(stream.fileno(), os.getppid()), daemon=True).start()
    try:
        serve(stream, os.environ, shared)
    except (WireError, OSError) as error:
        print(f"omgate-engine: {error}", file=sys.stderr)
        return 1
    return 0


def _watch(descriptor: int, parent: int) -> None:
    """End the process when its client is gone, even in the middle of an inference.

    Not PR_SET_PDEATHSIG: it strikes when the *thread* ends that started this process, and a client may start it from any.
    """
    poll = select.poll()
    poll.register(descriptor, 0)  # POLLHUP and POLLERR are always told.
    while True:
        gone = any(
            event & (select.POLLHUP | select.POLLERR | select.POLLNVAL)
            for _, event in poll.poll(LOOK_SECONDS * 1000)
        )
        if gone or os.getppid() != parent:
            os._exit(0)


def _describe(kind: str, tensors: Sequence[TensorInfo]) -> dict[str, object]:
    lines: dict[str, object] = {f"{kind}s": len(tensors)}
    for index, tensor in enumerate(tensors):
        prefix = f"{kind}.{index}"
        lines[f"{prefix}.name"] = tensor.name
        lines[f"{prefix}.dtype"] = tensor.dtype
        lines[f"{prefix}.shape"] = _commas(tensor.shape)
        lines[f"{prefix}.bytes"] = tensor.size_bytes
    return lines


def _struck(output: np.ndarray, struck: Mapping[str, float]) -> np.ndarray:
    """An output as the faults leave it: NaN everywhere, half of its last rows, nothing."""
    import numpy as np

    if "nan" in struck and np.issubdtype(output.dtype, np.floating):
        output = np.full_like(output, np.nan)
    if "shape" in struck:
        axis = max(range(output.ndim), key=lambda index: (output.shape[index] > 1, index), default=None)
        output = (
            output.reshape(-1)[:0]
            if axis is None
            else np.ascontiguousarray(output.take(range(output.shape[axis] // 2), axis))
        )
    if "empty" in struck:
        output = output.reshape(-1)[:0]
    return output


def _end_sleeps_in_time() -> None:
    """Let this thread's sleeps end when they should: the kernel's own slack makes a simulated device of 10 ms one of 10.05."""
    with contextlib.suppress(OSError, AttributeError):  # no Linux
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)


def _sleep_until(moment: float) -> None:
    """Sleep until `time.perf_counter()` says `moment`; a sleep may end a little late, never early."""
    while (left := moment - time.perf_counter()) > 0:
        time.sleep(left)


def _number(header: Mapping[str, str], key: str, default: int) -> int:
    text = header.get(key, "").strip()
    try:
        return int(text) if text else default
    except ValueError:
        raise RequestError(INVALID_PARAMETER, f"{key}={text}: needs a whole number") from None


def _numbers(header: Mapping[str, str], key: str) -> list[int]:
    text = header.get(key, "")
    try:
        numbers = [int(part) for part in text.split(",")] if text else []
    except ValueError:
        numbers = [-1]
    if any(number < 0 for number in numbers):
        raise RequestError(INVALID_PARAMETER, f"{key}={text}: needs whole numbers with commas between them")
    return numbers


def _commas(numbers: Sequence[int]) -> str:
    return ",".join(str(number) for number in numbers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
