"""A list of tensor packages whose payloads stay where the sender put them.

An image of megabytes would be copied by protobuf each time that it is parsed or read. Here the payloads are views into the
serialised message, and protobuf parses the few bytes around them. Wire format: protobuf's encoding document.
"""

from __future__ import annotations

from typing import Any, Iterator, List, NamedTuple, Tuple, Union

import MxpiDataType_pb2

messages: Any = MxpiDataType_pb2
"""The SDK's messages; generated code has no types."""

HOST_MALLOC = 3
"""MxpiMemoryType of what was sent, whatever the sender called it."""

ADDRESS = 1 << 20
"""Stands for an in-process address in tensorDataPtr and dataPtr: never null, never of use."""

PACKAGES, TENSORS, PAYLOAD = 1, 2, 7
"""Field numbers: the list's packages, a package's tensors, a tensor's dataStr."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


Payload = Union[bytes, memoryview]


class Piece(NamedTuple):
    """One field on the wire: its number and type, where it begins, where its value begins and ends."""

    number: int
    kind: int
    start: int
    value: int
    end: int


class TensorList:
    """Tensor packages: `message` without payloads, and `payloads[package][tensor]`."""

    def __init__(self, message: Any, payloads: List[List[Payload]]) -> None:
        self.message = message
        self.payloads = payloads

    @property
    def DESCRIPTOR(self) -> Any:
        """The message's type, as every message tells it."""
        return self.message.DESCRIPTOR

    @property
    def count(self) -> int:
        """The number of tensors in all packages."""
        return sum(len(views) for views in self.payloads)

    def SerializeToString(self) -> bytes:
        """Return the message with its payloads."""
        whole = type(self.message)()
        whole.CopyFrom(self.message)
        for number, package in enumerate(whole.tensorPackageVec):
            for index, tensor in enumerate(package.tensorVec):
                tensor.dataStr = bytes(self.payloads[number][index])
        return whole.SerializeToString()  # type: ignore[no-any-return]


def received_tensors(serialised: bytes) -> TensorList:
    """Return what the SDK makes of a MxpiTensorPackageList that is sent: sizes from the payloads, host memory. Raises DecodeError."""
    tensors = parse_tensors(serialised)
    for number, package in enumerate(tensors.message.tensorPackageVec):
        for index, tensor in enumerate(package.tensorVec):
            tensor.tensorDataSize = len(tensors.payloads[number][index])
            tensor.tensorDataPtr = ADDRESS
            tensor.memType = HOST_MALLOC
    return tensors


def parse_tensors(serialised: bytes) -> TensorList:
    """Return the tensor packages of a serialised MxpiTensorPackageList. Raises DecodeError."""
    message = messages.MxpiTensorPackageList()
    try:
        rest, payloads = _split(memoryview(serialised))
    except (ValueError, IndexError):
        # Not as the encoding document says: protobuf shall decide.
        message.ParseFromString(serialised)
        return TensorList(message, _payloads_of(message))
    message.ParseFromString(bytes(rest))
    return TensorList(message, payloads)


def _payloads_of(message: Any) -> List[List[Payload]]:
    payloads: List[List[Payload]] = []
    for package in message.tensorPackageVec:
        payloads.append([memoryview(tensor.dataStr) for tensor in package.tensorVec])
        for tensor in package.tensorVec:
            tensor.ClearField("dataStr")
    return payloads


def _split(view: memoryview) -> Tuple[bytearray, List[List[Payload]]]:
    """Return the list's bytes without payloads, and the payloads."""
    rest = bytearray()
    payloads: List[List[Payload]] = []
    for piece in _pieces(view, 0, len(view)):
        if (piece.number, piece.kind) == (PACKAGES, BYTES):
            package, views = _split_package(view, piece)
            payloads.append(views)
            rest += _field(PACKAGES, package)
        else:
            rest += view[piece.start : piece.end]
    return rest, payloads


def _split_package(view: memoryview, outer: Piece) -> Tuple[bytearray, List[Payload]]:
    package = bytearray()
    views: List[Payload] = []
    for piece in _pieces(view, outer.value, outer.end):
        if (piece.number, piece.kind) == (TENSORS, BYTES):
            tensor, payload = _split_tensor(view, piece)
            views.append(payload)
            package += _field(TENSORS, tensor)
        else:
            package += view[piece.start : piece.end]
    return package, views


def _split_tensor(view: memoryview, outer: Piece) -> Tuple[bytearray, memoryview]:
    tensor, payload = bytearray(), memoryview(b"")
    for piece in _pieces(view, outer.value, outer.end):
        if (piece.number, piece.kind) == (PAYLOAD, BYTES):
            payload = view[piece.value : piece.end]
        else:
            tensor += view[piece.start : piece.end]
    return tensor, payload


def _pieces(view: memoryview, begin: int, end: int) -> Iterator[Piece]:
    """Yield the fields between two positions. Raises ValueError, IndexError for what is none."""
    while begin < end:
        tag, value = _varint(view, begin)
        kind = tag & 7
        if kind == VARINT:
            stop = _varint(view, value)[1]
        elif kind == FIXED64:
            stop = value + 8
        elif kind == FIXED32:
            stop = value + 4
        elif kind == BYTES:
            size, value = _varint(view, value)
            stop = value + size
        else:
            raise ValueError(f"wire type {kind}")
        if stop > end or tag < 8:
            raise ValueError("a field that goes beyond its message")
        yield Piece(tag >> 3, kind, begin, value, stop)
        begin = stop


def _varint(view: memoryview, begin: int) -> Tuple[int, int]:
    """Return the number at `begin` and where it ends."""
    number = 0
    for index in range(10):
        byte = view[begin + index]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, begin + index + 1
    raise ValueError("a number of more than ten bytes")


def _field(number: int, content: bytearray) -> bytearray:
    """Return a length-delimited field."""
    field = bytearray([number << 3 | BYTES])
    size = len(content)
    while size >= 0x80:
        field.append(size & 0x7F | 0x80)
        size >>= 7
    field.append(size)
    return field + content
