"""Messages between the engine and its client, over a stream socket.

A message, little-endian: `OMGE`, length of the header (u32), length of the payload (u64), the header (UTF-8 lines `key=value`),
the payload (tensors, one after the other). The clients (the emulated SDK's Python modules and its C++ library) write the same.
"""

from __future__ import annotations

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


def read_message(stream: socket.socket) -> tuple[dict[str, str], bytearray] | None:
    """Return the next message's header and payload; None where the other side has closed between two messages. Raises WireError."""
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
    payload = _exactly(stream, payload_bytes) or bytearray()
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
    view, done = memoryview(content), 0
    while done < size:
        got = stream.recv_into(view[done:])
        if not got:
            if may_end and not done:
                return None
            raise WireError(f"cut off after {done} of {size} bytes")
        done += got
    return content
