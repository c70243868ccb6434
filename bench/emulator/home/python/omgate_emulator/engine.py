"""Client of the engine: the process of the emulated home that loads and runs emulated .om files.

One engine serves one client over a socket pair, one request at a time; both the Python and the C++ side of the home talk to it,
so that both give the same numbers. A message, little-endian: ``OMGE``, length of the header (u32), length of the payload (u64),
the header (UTF-8 lines ``key=value``), the payload (tensors one after the other). Where the system has files in memory, inputs go
through one: the header says ``memory=N``, N bytes are written to the file's beginning, and one byte says that they are there.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket
import struct
import subprocess
import threading
from typing import Dict, List, NamedTuple, Sequence, Tuple, Union

MAGIC = b"OMGE"
FRAME = struct.Struct("<4sIQ")
HEADER_BYTES_LIMIT = 1 << 20
"""A header is a few kilobytes; a longer one means that the two sides have lost step."""

CLOSE_SECONDS = 2.0
"""How long an engine whose socket was closed may take to end before it is killed."""

DEVICES = 4
"""Devices of the emulated machine, as many as a card with Ascend 310 has: published programs ask for number 3."""

NO_DEVICE = 1004
"""The SDK's answer to the number of a device that is not there (Vision SDK, DeviceManager.cpp, Tensor.cpp, ImageDptr.hpp)."""

BUFFERS = 64
"""Buffers handed to one sendmsg; Linux takes 1024 (IOV_MAX)."""


Buffer = Union[bytes, bytearray, memoryview]
"""A tensor's bytes, anywhere."""


class EngineError(Exception):
    """The engine refused, or is gone; `code` is an APP_ERROR or an ACL code, `message` one line."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.message = message


class TensorInfo(NamedTuple):
    """An input or output of a model; `dtype` is a TensorDataType number, -1 in `shape` a dynamic dimension."""

    name: str
    dtype: int
    shape: Tuple[int, ...]
    size_bytes: int


class Answer(NamedTuple):
    """A header's keys and the tensors that came with it."""

    header: Dict[str, str]
    tensors: List[bytes]


class Memory:
    """A file in memory that inputs are written to. Mapped: writing 4 MB through the descriptor costs 0.5 ms more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._map: mmap.mmap | None = None

    def write(self, views: Sequence[memoryview], size: int) -> None:
        """Write the views, `size` bytes together, one after the other. Raises OSError."""
        if self._map is None or size > len(self._map):
            os.ftruncate(self._descriptor, size)
            self._map = mmap.mmap(self._descriptor, size)
        begin = 0
        for view in views:
            self._map[begin : begin + view.nbytes] = view
            begin += view.nbytes

    def close(self) -> None:
        """Give the memory back."""
        self._map = None
        os.close(self._descriptor)


class Model:
    """A model that the engine holds: its tensors, its batch (of gears: the largest) and the batch gears (empty: fixed)."""

    def __init__(self, engine: Engine, header: Dict[str, str]) -> None:
        self._engine = engine
        self.number = int(header["model"])
        self.batch = int(header["batch"])
        self.gears = list(_numbers(header.get("gears", "")))
        self.layout = header.get("layout", "NCHW")
        self.inputs = _tensors(header, "input")
        self.outputs = _tensors(header, "output")

    def infer(
        self, inputs: Sequence[Buffer], batch: int | None = None
    ) -> Tuple[List[bytes], List[Tuple[int, ...]], float]:
        """Return the outputs, their shapes, and the seconds of the execution alone. Raises EngineError.

        `inputs` may be any contiguous buffers; `batch` is the gear to use, for a model that has gears.
        """
        fields = {
            "op": "infer",
            "model": str(self.number),
            "bytes": ",".join(str(memoryview(tensor).nbytes) for tensor in inputs),
        }
        if batch is not None:
            fields["batch"] = str(batch)
        header, tensors = self._engine.ask(fields, inputs)
        shapes = header.get("shapes", "")
        return (
            tensors,
            [_numbers(shape) for shape in shapes.split(";")] if tensors else [],
            float(header["seconds"]),
        )

    def unload(self) -> None:
        """Give the model back. Raises EngineError."""
        self._engine.ask({"op": "unload", "model": str(self.number)})


class Engine:
    """One running engine. Several threads may use it: requests wait for each other."""

    def __init__(
        self, process: subprocess.Popen[bytes], connection: socket.socket, memory: int | None = None
    ) -> None:
        self._process = process
        self._connection = connection
        self._memory = None if memory is None else Memory(memory)
        self._lock = threading.Lock()
        self._broken = False

    @classmethod
    def start(cls) -> Engine:
        """Start the engine of the home that MX_SDK_HOME names. Raises EngineError: 1028, 1004, 1002, 1013 (no device)."""
        home = os.environ.get("MX_SDK_HOME", "")
        if not home:
            raise EngineError(1028, "MX_SDK_HOME is not set: source the set_env.sh of the SDK home")
        program = os.path.join(home, "bin", "omgate-engine")
        if not os.path.isfile(program):
            raise EngineError(
                1004,
                f"MX_SDK_HOME={home} has no bin/omgate-engine, so it is not omgate's emulated home:"
                " source the set_env.sh of one home only",
            )
        ours, theirs = socket.socketpair()
        memory = _memory()
        inherited = [theirs.fileno(), *([] if memory is None else [memory])]
        try:
            process = subprocess.Popen(
                [program, *map(str, inherited)], stdin=subprocess.DEVNULL, pass_fds=inherited
            )
        except OSError as error:
            ours.close()
            if memory is not None:
                os.close(memory)
            raise EngineError(1004, f"{program} can't be started: {error.strerror}") from error
        finally:
            theirs.close()
        engine = cls(process, ours, memory)
        try:
            engine.ask({"op": "hello"})
        except EngineError:
            engine.close()
            raise
        return engine

    def load(self, path: str, device: int) -> Model:
        """Return the model in the file `path`. Raises EngineError: 1016, 18, 1010, 1004."""
        absolute = os.path.abspath(path)
        if "\n" in absolute:
            raise EngineError(1029, f"{absolute!r}: a path with a line break")
        if not 0 <= device < DEVICES:
            raise EngineError(
                NO_DEVICE, f"no device {device}: the emulated machine has {DEVICES}, numbered from 0"
            )
        # One process stands for all devices.
        return Model(self, self.ask({"op": "load", "path": absolute, "device": str(device)}).header)

    def ask(self, fields: Dict[str, str], payload: Sequence[Buffer] = ()) -> Answer:
        """Return the answer to one request. Raises EngineError for any code but 0, and 1002 where the engine is gone."""
        with self._lock:
            if self._broken:
                raise EngineError(1002, "the emulator's engine has ended: see what it wrote to stderr")
            try:
                self._send(fields, payload)
                answer = self._receive()
            except (OSError, EOFError, ValueError) as error:
                self._broken = True
                raise EngineError(1002, self._epitaph(error)) from error
        if answer.header.get("crash") == "1":
            # The knob of the tests: a driver that brings the whole program down.
            os.kill(os.getpid(), signal.SIGSEGV)
        code = int(answer.header.get("code", "1002"))
        if code:
            raise EngineError(code, answer.header.get("message", f"the engine refused {fields['op']}"))
        return answer

    def close(self) -> None:
        """End the engine; a second call does nothing. A request that is under way gets EngineError."""
        self._broken = True
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._connection.close()
        with self._lock:
            memory, self._memory = self._memory, None
            if memory is not None:
                memory.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, fields: Dict[str, str], payload: Sequence[Buffer]) -> None:
        views = [memoryview(tensor).cast("B") for tensor in payload if memoryview(tensor).nbytes]
        size = sum(view.nbytes for view in views)
        if self._memory is None or not size:
            self._send_message(fields, views, size)
            return
        # The message first: the engine takes the time of the input's way from its arrival on.
        self._send_message({**fields, "memory": str(size)}, [], 0)
        self._memory.write(views, size)
        self._connection.sendall(b"\0")

    def _send_message(self, fields: Dict[str, str], views: Sequence[memoryview], size: int) -> None:
        header = "\n".join(f"{key}={value}" for key, value in fields.items()).encode("utf-8")
        left = [memoryview(FRAME.pack(MAGIC, len(header), size) + header), *views]
        while left:  # sendmsg: an image of megabytes goes from the caller's memory, without a copy of ours
            sent = self._connection.sendmsg(left[:BUFFERS])
            while left and sent >= left[0].nbytes:
                sent -= left.pop(0).nbytes
            if sent:
                left[0] = left[0][sent:]

    def _receive(self) -> Answer:
        magic, header_bytes, payload_bytes = FRAME.unpack(self._exactly(FRAME.size))
        if magic != MAGIC or header_bytes > HEADER_BYTES_LIMIT:
            raise ValueError("an answer that does not begin as one")
        lines = self._exactly(header_bytes).decode("utf-8").split("\n")
        header = dict(line.split("=", 1) for line in lines if "=" in line)
        sizes = _numbers(header.get("bytes", "")) if payload_bytes or "bytes" in header else ()
        if sum(sizes) != payload_bytes:
            raise ValueError(f"an answer of {payload_bytes} bytes that announces {sum(sizes)}")
        return Answer(header, [self._exactly(size) for size in sizes])

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = self._connection.recv(count, socket.MSG_WAITALL)
            if not part:
                raise EOFError("the connection was closed")
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _epitaph(self, error: Exception) -> str:
        try:
            status = self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            return f"the emulator's engine (pid {self._process.pid}) can't be understood: {error}"
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"the emulator's engine (pid {self._process.pid}) {how}: see what it wrote to stderr"


def _memory() -> int | None:
    """Return the descriptor of a new file in memory; None where there is no such thing (macOS, Python 3.7)."""
    create = getattr(os, "memfd_create", None)
    try:
        return None if create is None else int(create("omgate-engine"))
    except OSError:  # a sandbox, a kernel before 3.17
        return None


def _tensors(header: Dict[str, str], side: str) -> List[TensorInfo]:
    return [
        TensorInfo(
            header[f"{side}.{index}.name"],
            int(header[f"{side}.{index}.dtype"]),
            _numbers(header[f"{side}.{index}.shape"]),
            int(header[f"{side}.{index}.bytes"]),
        )
        for index in range(int(header[f"{side}s"]))
    ]


def _numbers(text: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in text.split(",")) if text else ()
