"""What flows through a stream: a buffer's bytes, the messages that elements attached to it, and the errors that they met.

A tee gives the same buffer to all its branches, as GStreamer does: what one branch attaches, the other sees. Bytes are passed by
reference and never changed, so an image of megabytes is copied only where protobuf does it.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Tuple

from google.protobuf.message import DecodeError

from omgate_emulator import codes
from omgate_emulator.log import error_text
from omgate_emulator.tensors import ADDRESS, HOST_MALLOC, messages, received_tensors

PACKAGE = "MxTools."
MESSAGE_BYTES_LIMIT = 2147483637
"""Longest serialised message that is taken (Vision SDK, PyDataHelper)."""

SOURCE_KEY = "appsrc"
FRAME_KEY = "ReservedFrameInfo"
"""Keys of the messages that SendData attaches; the first is `appsrc` whatever the element is called."""

RESERVED = ("ReserveMetadataGraph", "ReservedVisionList", "ErrorInfo")


class MessageError(Exception):
    """A message that can't be attached; `code` is what the sending method returns."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Output(NamedTuple):
    """What an appsink holds: a code and its data or text, and the messages by key."""

    code: int
    data: bytes
    messages: Dict[str, Any]


class Buffer:
    """One buffer on its way."""

    __slots__ = ("data", "errors", "messages", "unique_id")

    def __init__(self, data: bytes = b"", unique_id: Optional[int] = None) -> None:
        self.data = data
        self.unique_id = unique_id
        self.messages: Dict[str, Any] = {}
        self.errors: Dict[str, Tuple[int, str]] = {}

    def attach(self, key: str, message: Any) -> None:
        """Attach a message. Raises MessageError for a key that is empty, reserved or there already."""
        if not key:
            raise MessageError(codes.METADATA_KEY_EMPTY, "the key of a message is empty")
        if key in RESERVED:
            raise MessageError(codes.INVALID_PARAMETER, f"the key {key} is reserved")
        if key in self.messages:
            raise MessageError(
                codes.METADATA_KEY_EXISTS, f"the buffer already has a message with the key {key}"
            )
        self.messages[key] = message

    def output(self) -> Output:
        """Return what an appsink makes of this buffer: of several errors all texts, and the last one's code."""
        if not self.errors:
            return Output(codes.OK, self.data or b"{}", self.messages)
        found = [self.errors[name] for name in sorted(self.errors)]
        text = "".join(text + "\n" for _, text in found)
        return Output(found[-1][0], text.encode("utf-8"), self.messages)


def buffer_of_data(
    data: bytes, frame_info: bytes = b"", vision_info: bytes = b"", unique_id: Optional[int] = None
) -> Buffer:
    """Return the buffer that SendData makes, with its vision list and frame information (serialised, ignored where broken)."""
    buffer = Buffer(data, unique_id)
    visions = messages.MxpiVisionList()
    _merge(visions.visionVec.add().visionInfo, vision_info)
    frame = messages.MxpiFrameInfo()
    _merge(frame, frame_info)
    buffer.attach(SOURCE_KEY, visions)
    buffer.attach(FRAME_KEY, frame)
    return buffer


def received(type_name: str, serialised: bytes) -> Any:
    """Return the message that a program sends, as the SDK keeps it: sizes set from the payload, memory type host.

    `type_name` is the full name (MxTools.MxpiTensorPackageList). Raises MessageError 1001 for an unknown type, bytes that are no
    such message, and a tensor or vision list without an entry.
    """
    kind = getattr(messages, type_name[len(PACKAGE) :], None) if type_name.startswith(PACKAGE) else None
    if kind is None or not hasattr(kind, "DESCRIPTOR") or not hasattr(kind, "ParseFromString"):
        raise MessageError(
            codes.FAILURE, f"{type_name!r}: no such message type; the full name is needed, {PACKAGE}Mxpi..."
        )
    if len(serialised) > MESSAGE_BYTES_LIMIT:
        raise MessageError(
            codes.FAILURE, f"a message of {len(serialised)} bytes, allowed {MESSAGE_BYTES_LIMIT}"
        )
    try:
        if type_name == PACKAGE + "MxpiTensorPackageList":
            tensors = received_tensors(serialised)
            _not_empty(tensors.count, type_name)
            return tensors
        message = kind()
        message.ParseFromString(serialised)
    except DecodeError as error:
        raise MessageError(codes.FAILURE, f"not a {type_name}: {error}") from error
    if type_name == PACKAGE + "MxpiVisionList":
        for vision in message.visionVec:
            vision.visionData.dataSize = len(vision.visionData.dataStr)
            vision.visionData.dataPtr = ADDRESS
            vision.visionData.memType = HOST_MALLOC
        _not_empty(len(message.visionVec), type_name)
    return message


def short_name(message: Any) -> str:
    """Return the message's type without its package."""
    return str(message.DESCRIPTOR.name)


def with_code(text: str, code: int) -> str:
    """Return `text` with the code's words after it, as the SDK writes errors."""
    return text + error_text(code)


def _not_empty(count: int, type_name: str) -> None:
    if not count:
        raise MessageError(codes.FAILURE, f"a {type_name} with nothing in it")


def _merge(message: Any, serialised: bytes) -> None:
    try:
        message.MergeFromString(serialised)
    except DecodeError:
        message.Clear()
