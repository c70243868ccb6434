"""Messages between the engine and its client, over a stream socket.

A message, little-endian: `OMGE`, length of the header (u32), length of the payload (u64), the header (UTF-8 lines `key=value`),
the payload (tensors, one after the other). The clients (the emulated SDK's Python modules and its C++ library) write the same.

A client may share a file in memory with the engine. A request whose header says `memory=N` carries no payload: its N bytes are the first of
that file, complete when one more byte follows the message. A socket holds 200 KB: 4 MB through it are copied twice, wake both sides twenty
times and cost 0.6 ms of processor time more.
"""

from __future__ import annotations

import mmap
import socket
import struct
from collections.abc import Iterable, Mapping

MAGIC = b"OMGE"
PREFIX = struct.Struct("<4sIQ")
HEADER_BYTES_LIMIT = 1 << 20
PAYLOAD_BYTES_LIMIT = 8 << 30
"""Beyond these a length is damage: refused before memory is asked for."""


class WireError(Exception):
    """The other side does not speak this protocol, or was cut off in a message."""


class Memory:
    """Memory that payloads are read into, again and again: fresh pages for megabytes cost as much as their copy.

    shared: descriptor of the file that the client writes its payloads to, if it has one.
    """

    def __init__(self, shared: int | None = None) -> None:
        self._bytes = bytearray()
        self._file = shared
        self._map: mmap.mmap | None = None

    def take(self, size: int) -> memoryview:
        """Return `size` bytes, which the next call may give again."""
        if size > len(self._bytes):
            self._bytes = bytearray(size)
        return memoryview(self._bytes)[:size]

    def shared(self, announced: str) -> memoryview:
        """Return what the client has written to the shared file: `announced` bytes. Raises WireError where there are not so many."""
        try:
            size = int(announced)
            if self._file is None or not 0 < size <= PAYLOAD_BYTES_LIMIT:
                raise ValueError("no shared memory, or not of such a size")
            if self._map is None or size > len(self._map):
                self._map = mmap.mmap(self._file, 0)
            if size > len(self._map):
                raise ValueError(f"it has {len(self._map)} bytes")
            return memoryview(self._map)[:size]
        except (ValueError, OSError) as error:
            raise WireError(f"a message with memory={announced[:20]}: {error}") from error


def read_message(
    stream: socket.socket, memory: Memory | None = None
) -> tuple[dict[str, str], memoryview] | None:
    """Return the next message's header and payload; None where the other side has closed between two messages. Raises WireError.

    memory: where the payload may lie; it is then valid until the next message.
    """
    prefix = _exactly(stream, PREFIX.size, may_end=True)
    if prefix is None:
        return None
    magic, header_bytes, payload_bytes = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise WireError(f"a message begins with {bytes(magic)!r}, not {MAGIC!r}")
    if header_bytes > HEADER_BYTES_LIMIT or payload_bytes > PAYLOAD_BYTES_LIMIT:
        raise WireError(
            f"a message of {header_bytes} + {payload_bytes} bytes (limits {HEADER_BYTES_LIMIT} + {PAYLOAD_BYTES_LIMIT})"
        )
    text = _exactly(stream, header_bytes) or b""
    payload = (memory or Memory()).take(payload_bytes)
    _fill(stream, payload)
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise WireError(f"a header that is no UTF-8: {error.reason}") from error
    header = {}
    for line in filter(None, lines):
        key, equals, value = line.partition("=")
        if not equals:
            raise WireError(f"a header line without `=`: {line[:80]!r}")
        header[key] = value
    if "memory" in header:
        _exactly(stream, 1)
        payload = (memory or Memory()).shared(header["memory"])
    return header, payload


def write_message(
    stream: socket.socket, header: Mapping[str, object], payload: Iterable[memoryview] = ()
) -> None:
    """Send a message; a value's line breaks become blanks. `payload`: contiguous parts. Raises OSError."""
    text = "".join(f"{key}={one_line(str(value))}\n" for key, value in header.items())
    content = text.encode("utf-8", "backslashreplace")
    parts = [part.cast("B") for part in payload if part.nbytes]
    stream.sendall(PREFIX.pack(MAGIC, len(content), sum(part.nbytes for part in parts)) + content)
    for part in parts:
        stream.sendall(part)


def one_line(text: str) -> str:
    """`text` with its line breaks as blanks."""
    return " ".join(text.split("\n")).replace("\r", " ")


def _exactly(stream: socket.socket, size: int, may_end: bool = False) -> bytearray | None:
    content = bytearray(size)
    return content if _fill(stream, memoryview(content), may_end) else None


def _fill(stream: socket.socket, view: memoryview, may_end: bool = False) -> bool:
    """Receive until `view` is full; False where the other side had closed before the first byte, and may."""
    done = 0
    while done < view.nbytes:
        got = stream.recv_into(view[done:], 0, socket.MSG_WAITALL)
        if not got:
            if may_end and not done:
                return False
            raise WireError(f"cut off after {done} of {view.nbytes} bytes")
        done += got
    return True
