"""Messages arrive as they were sent; anything else on the line is an error, and never a wait for memory."""

from __future__ import annotations

import contextlib
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.emulator.wire import (
    HEADER_BYTES_LIMIT,
    PAYLOAD_BYTES_LIMIT,
    PREFIX,
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


@given(st.binary(max_size=64))
def test_hostile_bytes_end_in_an_error_or_in_nothing(content: bytes) -> None:
    with contextlib.suppress(WireError):
        assert sent(content) is None or content.startswith(b"OMGE")
