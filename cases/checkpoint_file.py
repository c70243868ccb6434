"""What a MindSpore checkpoint file holds, read without MindSpore: names, shapes and types of its parameters.

A protobuf message with a repeated field 1 `Value { tag = 1; tensor = 2 { dims = 1; tensor_type = 2; tensor_content = 3 } }`
(mindspore/train/checkpoint.proto), and, where it was saved with a check sum, 17 bytes `crc_num` + the number after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cases.errors import OmgateError

CRC_BYTES = 17


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, shape (empty for a scalar), type as MindSpore writes it (`Float32`), and bytes of values."""

    name: str
    shape: tuple[int, ...]
    kind: str
    size_bytes: int


def parameters(content: bytes) -> tuple[Parameter, ...]:
    """The parameters in a checkpoint's bytes, in file order. Raises OmgateError where they are no checkpoint, or a torn one."""
    if content[-CRC_BYTES:].startswith(b"crc_num"):
        content = content[:-CRC_BYTES]
    try:
        found = tuple(_parameter(value) for field, value in _fields(content) if field == 1)
    except (LookupError, ValueError) as error:
        raise OmgateError(f"not a MindSpore checkpoint, or a torn one ({error})") from None
    if not found:
        raise OmgateError("not a MindSpore checkpoint: no parameter in it")
    return found


def _parameter(content: bytes | int) -> Parameter:
    outer = dict(_fields(_bytes(content)))
    name, tensor = _bytes(outer[1]).decode("utf-8"), _bytes(outer.get(2, b""))
    shape: list[int] = []
    kind, size_bytes = "", 0
    for field, value in _fields(tensor):
        if field == 1:
            shape += [value] if isinstance(value, int) else list(_varints(value))
        elif field == 2:
            kind = _bytes(value).decode("ascii")
        elif field == 3:
            size_bytes = len(_bytes(value))
    return Parameter(name, tuple(shape), kind, size_bytes)


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where bytes are expected")
    return value


def _fields(content: bytes) -> Iterator[tuple[int, bytes | int]]:
    """(field's number, value) of a protobuf message: bytes for wire type 2, a number for 0; others are skipped."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        wire = key & 7
        if wire == 0:
            number, place = _varint(content, place)
            yield key >> 3, number
            continue
        if wire == 2:
            length, place = _varint(content, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire} at byte {place}")
        if place + length > len(content):
            raise ValueError(f"cut off at byte {len(content)}")
        if wire == 2:
            yield key >> 3, content[place : place + length]
        place += length


def _varints(content: bytes) -> Iterator[int]:
    place = 0
    while place < len(content):
        number, place = _varint(content, place)
        yield number


def _varint(content: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place
        if shift > 63:
            raise ValueError(f"a number without an end at byte {place}")
