"""Messages arrive as they were sent; anything else on the line is an error, and never a wait for memory."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.emulator.wire import (
    HEADER_BYTES_LIMIT,
    PAYLOAD_BYTES_LIMIT,
    PREFIX,
    Memory,
    WireError,
    read_message,
    write_message,
)


def sent(content: bytes) -> tuple[dict[str, str], memoryview] | None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(content)
        ours.shutdown(socket.SHUT_WR)
        return read_message(theirs)


def test_a_message_arrives_whole() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        write_message(
            ours,
            {"op": "infer", "text": "a=b\nc", "name": "密度"},
            [memoryview(b"12"), memoryview(b""), memoryview(b"3")],
        )
        ours.close()
        assert read_message(theirs) == ({"op": "infer", "text": "a=b c", "name": "密度"}, bytearray(b"123"))
        assert read_message(theirs) is None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", "begins with"),
        (b"OMGE", "cut off"),
        (PREFIX.pack(b"OMGE", HEADER_BYTES_LIMIT + 1, 0), "limits"),
        (PREFIX.pack(b"OMGE", 0, PAYLOAD_BYTES_LIMIT + 1), "limits"),
        (PREFIX.pack(b"OMGE", 4, 0) + b"op", "cut off"),
        (PREFIX.pack(b"OMGE", 2, 0) + b"op", "without `=`"),
        (PREFIX.pack(b"OMGE", 4, 0) + b"a=\xff\xfe", "UTF-8"),
        (PREFIX.pack(b"OMGE", 0, 9) + b"1", "cut off"),
    ],
)
def test_what_is_no_message_is_an_error(content: bytes, text: str) -> None:
    with pytest.raises(WireError, match=text):
        sent(content)


def said(header: str, memory: Memory | None) -> bytes:
    """The payload of a message with this header and the byte that follows it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(PREFIX.pack(b"OMGE", len(header), 0) + header.encode() + b"\0")
        message = read_message(theirs, memory)
        ours.close()
        assert message is not None
        assert read_message(theirs) is None
        return bytes(message[1])


def test_a_payload_in_shared_memory(tmp_path: Path) -> None:
    with (tmp_path / "memory").open("wb+", buffering=0) as file:
        memory = Memory(file.fileno())
        file.write(b"1234")
        assert said("memory=3", memory) == b"123"
        file.write(b"5" * 9000)  # it grew, and is mapped again
        assert said("memory=9004", memory) == b"1234" + b"5" * 9000
        os.pwrite(file.fileno(), b"6", 0)
        assert said("memory=2", memory) == b"62"


@pytest.mark.parametrize("size", ["9001", "0", "-1", "x", str(PAYLOAD_BYTES_LIMIT + 1)])
def test_a_size_that_the_shared_memory_does_not_have(tmp_path: Path, size: str) -> None:
    with (tmp_path / "memory").open("wb+", buffering=0) as file:
        file.write(bytes(9000))
        with pytest.raises(WireError, match=f"memory={size}"):
            said(f"memory={size}", Memory(file.fileno()))


def test_a_client_that_speaks_of_memory_and_shares_none() -> None:
    with pytest.raises(WireError, match="no shared memory"):
        said("memory=1", None)


@given(st.binary(max_size=64))
def test_hostile_bytes_end_in_an_error_or_in_nothing(content: bytes) -> None:
    with contextlib.suppress(WireError):
        assert sent(content) is None or content.startswith(b"OMGE")
