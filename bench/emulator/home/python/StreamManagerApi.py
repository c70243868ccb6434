"""StreamManagerApi of omgate's emulated SDK home: names, types, codes and blocking behaviour of the real module.

Programs written for MindX SDK / Vision SDK run on it unchanged. Text is bytes, a str is a TypeError; arguments are positional.
"""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

from omgate_emulator import codes, log
from omgate_emulator.arguments import as_bytes, as_int, as_items, as_struct, as_unsigned, pick, single
from omgate_emulator.buffers import Output, short_name
from omgate_emulator.data import (
    InProtobufVector,
    MetadataInputVector,
    MetadataOutputVector,
    MxBufferAndMetadataOutput,
    MxBufferInput,
    MxBufferOutput,
    MxDataInput,
    MxDataInputExt,
    MxDataOutput,
    MxMetadataInput,
    MxMetadataOutput,
    MxProtobufIn,
    MxProtobufOut,
    OutProtobufVector,
    RoiBox,
    RoiBoxVector,
    StringVector,
)
from omgate_emulator.manager import StreamManager

__all__ = [
    "InProtobufVector",
    "MetadataInputVector",
    "MetadataOutputVector",
    "MxBufferAndMetadataOutput",
    "MxBufferInput",
    "MxBufferOutput",
    "MxDataInput",
    "MxDataInputExt",
    "MxDataOutput",
    "MxMetadataInput",
    "MxMetadataOutput",
    "MxProtobufIn",
    "MxProtobufOut",
    "OutProtobufVector",
    "RoiBox",
    "RoiBoxVector",
    "StreamManagerApi",
    "StringVector",
]

DELAY_MILLISECONDS = 3000
"""How long GetResult waits unless it is told otherwise."""

NOT_INITIALISED = "The manager is not initialised: call InitManager first."

TEXT = ("std::string const &", as_bytes)
SEND = as_struct(MxDataInput)
BUFFER = as_struct(MxBufferInput)
METADATA = as_items(MetadataInputVector)
PROTOBUFS = as_items(InProtobufVector)
STRINGS = as_items(StringVector)


class StreamManagerApi:
    """Creates streams, sends data into them and fetches results. Methods return APP_ERROR codes, 0 for success."""

    def __init__(self) -> None:
        self._manager: Optional[StreamManager] = None

    def InitManager(self, *args: Any) -> int:
        """Initialise log, statistics and device: 0, 1004 without MX_SDK_HOME, 1013 without a device."""
        _, found = pick(((), (STRINGS,)), "InitManager", args)
        if self._manager is None:
            self._manager = StreamManager()
        return self._manager.init([_text(argument) for argument in found[0]] if found else [])

    def CreateMultipleStreams(self, *args: Any) -> int:
        """CreateMultipleStreams(text): create the streams of a pipeline's JSON text."""
        (text,) = single("CreateMultipleStreams", (TEXT,), args)
        return codes.NOT_INITIALISED if self._manager is None else self._manager.create(text)

    def CreateMultipleStreamsFromFile(self, *args: Any) -> int:
        """CreateMultipleStreamsFromFile(path): create the streams of a pipeline file."""
        (path,) = single("CreateMultipleStreamsFromFile", (TEXT,), args)
        return codes.NOT_INITIALISED if self._manager is None else self._manager.create_from_file(_text(path))

    def StopStream(self, *args: Any) -> int:
        """StopStream(stream): stop and remove one stream."""
        (name,) = single("StopStream", (TEXT,), args)
        return codes.NOT_INITIALISED if self._manager is None else self._manager.stop(_text(name))

    def DestroyAllStreams(self) -> int:
        """Stop all streams; end the statistics and give the device back."""
        return codes.NOT_INITIALISED if self._manager is None else self._manager.destroy()

    def SendData(self, *args: Any) -> int:
        """SendData(stream, number or element, MxDataInput), SendData(stream, element, MetadataInputVector, MxBufferInput)."""
        which, found = pick(
            (
                (as_bytes, as_int, SEND),
                (as_bytes, as_bytes, SEND),
                (as_bytes, as_bytes, METADATA, BUFFER),
            ),
            "SendData",
            args,
        )
        if self._manager is None:
            return codes.NOT_INITIALISED
        name, target = _text(found[0]), _target(found[1])
        if which < 2:
            return self._manager.send_data(name, target, found[2].data, _text(found[2].customParam))
        metadata = [
            (_text(item.dataSource), _text(item.dataType), item.serializedMetadata) for item in found[2]
        ]
        buffer = found[3]
        return self._manager.send_metadata(
            name, str(target), metadata, buffer.data, buffer.mxpiFrameInfo, buffer.mxpiVisionInfo
        )

    def GetResult(self, *args: Any) -> Any:
        """GetResult(stream, number, ms=3000) -> MxDataOutput, GetResult(stream, appsink, StringVector, ms=3000) -> MxBufferAndMetadataOutput."""
        which, found = pick(
            (
                (as_bytes, as_int),
                (as_bytes, as_int, as_unsigned),
                (as_bytes, as_bytes, STRINGS),
                (as_bytes, as_bytes, STRINGS, as_unsigned),
            ),
            "GetResult",
            args,
        )
        milliseconds = found[-1] if which % 2 else DELAY_MILLISECONDS
        if which < 2:
            if self._manager is None:
                return _data_output(Output(codes.NOT_INITIALISED, b"", {}))
            return _data_output(self._manager.result(_text(found[0]), found[1], milliseconds))
        if self._manager is None:
            return _metadata_output(Output(codes.STREAM_NOT_EXIST, NOT_INITIALISED.encode(), {}), [])
        return _metadata_output(
            self._manager.result_of(_text(found[0]), _text(found[1]), milliseconds), found[2]
        )

    def SendDataWithUniqueId(self, *args: Any) -> int:
        """SendDataWithUniqueId(stream, number or element, MxDataInput): the id for GetResultWithUniqueId, -1 for any failure."""
        _, found = pick(((as_bytes, as_int, SEND), (as_bytes, as_bytes, SEND)), "SendDataWithUniqueId", args)
        if self._manager is None:
            return codes.NOT_INITIALISED
        data = found[2]
        return self._manager.send_data_unique(
            _text(found[0]), _target(found[1]), data.data, _text(data.customParam)
        )

    def GetResultWithUniqueId(self, *args: Any) -> MxDataOutput:
        """GetResultWithUniqueId(stream, id, ms): the result of an id; errorCode 6010 where there is none in time."""
        signature = (TEXT, ("unsigned long", _as_unsigned_long), ("unsigned int", as_unsigned))
        name, number, milliseconds = single("GetResultWithUniqueId", signature, args)
        if self._manager is None:
            return _data_output(Output(codes.NOT_INITIALISED, b"", {}))
        return _data_output(self._manager.result_unique(_text(name), number, milliseconds))

    def SendProtobuf(self, *args: Any) -> int:
        """SendProtobuf(stream, number or element, InProtobufVector)."""
        _, found = pick(
            ((as_bytes, as_int, PROTOBUFS), (as_bytes, as_bytes, PROTOBUFS)), "SendProtobuf", args
        )
        if self._manager is None:
            return codes.NOT_INITIALISED
        protobufs = [(_text(item.key), _text(item.type), item.protobuf) for item in found[2]]
        return self._manager.send_protobuf(_text(found[0]), _target(found[1]), protobufs)

    def GetProtobuf(self, *args: Any) -> OutProtobufVector:
        """GetProtobuf(stream, number, keys): the messages that the next buffer has of these keys.

        Waits for ever, and an error leaves the vector empty.
        """
        signature = (TEXT, ("int const &", as_int), ("std::vector< std::string > const &", STRINGS))
        name, number, keys = single("GetProtobuf", signature, args)
        found = OutProtobufVector()
        if self._manager is None:
            answer = MxProtobufOut()
            answer.errorCode, answer.messageName = codes.NOT_INITIALISED, NOT_INITIALISED.encode()
            found.push_back(answer)
            return found
        output = self._manager.protobuf(_text(name), number, [_text(key) for key in keys])
        if output is None:
            return found
        for key in keys:
            message = output.messages.get(_text(key))
            if message is None:
                log.warn(
                    f"GetProtobuf: the buffer has no message of the key {_text(key)}", "MxsmStream.cpp:1"
                )
                continue
            answer = MxProtobufOut()
            answer.errorCode = output.code
            answer.messageName, answer.messageBuf = key, message.SerializeToString()
            found.push_back(answer)
        return found


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _target(value: Any) -> Any:
    return _text(value) if isinstance(value, bytes) else value


def _as_unsigned_long(value: Any) -> int:
    return as_unsigned(value, 64)


def _data_output(output: Output) -> MxDataOutput:
    result = MxDataOutput()
    result.errorCode, result.data = output.code, output.data
    return result


def _metadata_output(output: Output, sources: List[bytes]) -> MxBufferAndMetadataOutput:
    result = MxBufferAndMetadataOutput()
    if output.code:
        result.SetErrorInfo(output.code, output.data)
        return result
    buffer = MxBufferOutput()
    buffer.data = output.data
    result.bufferOutput = buffer
    found: List[Tuple[bytes, Any]] = [(source, output.messages.get(_text(source))) for source in sources]
    for _, message in found:
        if message is not None:  # A missing source is left out: positions shift.
            metadata = MxMetadataOutput()
            metadata.dataType = short_name(message).encode()
            metadata.serializedMetadata = message.SerializeToString()
            result.metadataVec.push_back(metadata)
    return result
