"""Pipelines put together in Python: nodes, a stream of them, what goes in and what comes out (Vision SDK's manual, "stream").

A thin layer over the same streams as StreamManagerApi's. What fails raises RuntimeError with the code in its text, except where a
result carries it (`error_code`). Text may be str or bytes.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence

from omgate_emulator import codes, log, nodes
from omgate_emulator.buffers import Buffer, Output, buffer_of_data, short_name
from omgate_emulator.manager import StreamManager
from omgate_emulator.nodes import PluginNode, compact
from omgate_emulator.streamdata import (
    BufferInput,
    BufferOutput,
    CropRoiBox,
    CropRoiBoxVector,
    DataOutput,
    MetadataInput,
    MetadataInputVector,
    MetadataOutput,
    MetadataOutputVector,
    MxDataInput,
    MxDataInputVector,
    MxDataOutput,
    MxDataOutputVector,
    StringVector,
    Text,
    as_text,
    raw,
    text_of,
)

__all__ = [
    "BufferInput",
    "BufferOutput",
    "CropRoiBox",
    "CropRoiBoxVector",
    "DataOutput",
    "FunctionalStream",
    "MetadataInput",
    "MetadataInputVector",
    "MetadataOutput",
    "MetadataOutputVector",
    "MxDataInput",
    "MxDataInputVector",
    "MxDataOutput",
    "MxDataOutputVector",
    "PluginNode",
    "SequentialStream",
    "StringVector",
]

DELAY_MS = 3000
"""How long get_result waits where no time is given."""

SOURCES = (1, 1024)
"""Fewest and most sources of send_multi_data_with_unique_id."""


class Stream:
    """Base of both kinds of streams. Each has a manager of its own, which lives from `build` to `stop`."""

    def __init__(self, name: Text) -> None:
        self._name = as_text(name).decode("utf-8", "surrogateescape")
        self._device = "0"
        self._manager: Optional[StreamManager] = None

    def _elements(self) -> nodes.Described:
        raise NotImplementedError

    def set_device_id(self, deviceId: Text) -> None:
        """Use this device, a text of digits; before `build`."""
        self._device = as_text(deviceId).decode("utf-8", "surrogateescape")

    def to_json(self) -> str:
        """Return the stream's own part of a pipeline file: its elements, without its name. Raises RuntimeError."""
        return compact(self._members())

    def build(self) -> None:
        """Create the stream and start it. Raises RuntimeError."""
        members = self._members()
        manager = StreamManager()
        _succeed("init failed.", manager.init())
        code = manager.create_stream(self._name, members)
        if code:
            manager.destroy()
        _succeed("build stream failed.", code)
        self._manager = manager

    def stop(self) -> None:
        """End the stream. Raises RuntimeError."""
        manager, self._manager = self._built(), None
        _succeed("stop stream failed.", manager.stop(self._name))
        manager.destroy()

    def send(self, elementName: Text, metadataVec: Sequence[MetadataInput], dataBuffer: BufferInput) -> None:
        """Send a buffer with metadata to a source. Raises RuntimeError where it is not taken."""
        metadata = [
            (text_of(item, "data_source"), text_of(item, "data_type"), raw(item, "serialized_metadata"))
            for item in MetadataInputVector(list(metadataVec))
        ]
        buffer = [raw(dataBuffer, name) for name in ("data", "frame_info", "vision_info")]
        element = as_text(elementName).decode("utf-8", "surrogateescape")
        code = self._built().send_metadata(self._name, element, metadata, *buffer)
        _succeed("Failed to send data.", code)

    def get_result(
        self, elementName: Text, dataSourceVec: Sequence[Text], msTimeOut: int = DELAY_MS
    ) -> DataOutput:
        """Return the next result of a sink with the metadata of these elements; wait at most that long (milliseconds)."""
        element = as_text(elementName).decode("utf-8", "surrogateescape")
        keys = [as_text(key).decode("utf-8", "surrogateescape") for key in dataSourceVec]
        found = self._built().result_of(self._name, element, msTimeOut)
        output = DataOutput()
        if found.code:
            output.set_error_info(found.code, found.data)
            return output
        buffer = BufferOutput()
        buffer.data = found.data
        output.buffer_output = buffer
        messages = [found.messages[key] for key in keys if key in found.messages]
        output.metadata_list = MetadataOutputVector([_metadata_output(message) for message in messages])
        return output

    def send_multi_data_with_unique_id(
        self, inPluginNum: int, dataInputVec: Sequence[MxDataInput], uniqueId: int = 0
    ) -> int:
        """Send one buffer to each of the first `inPluginNum` sources; return their common id. Raises RuntimeError.

        C++ writes the id into its third argument, which Python can't: that it is returned is unconfirmed.
        """
        stream = self._built().stream(self._name)
        if not SOURCES[0] <= inPluginNum <= SOURCES[1]:
            raise RuntimeError("inPluginNum is invalid.")
        if stream is None:
            raise RuntimeError("build stream first.")
        makes = [_buffer(raw(item, "data")) for item in MxDataInputVector(list(dataInputVec))]
        code, number = stream.send_multi(range(inPluginNum), makes)
        _succeed("Failed to send data.", code)
        return number

    def get_multi_result_with_unique_id(self, uniqueId: int, timeOutMs: int = DELAY_MS) -> List[MxDataOutput]:
        """Return the results of an id, one for each sink. Raises RuntimeError where they are not all there in time."""
        stream = self._built().stream(self._name)
        found = stream.fetch_unique(uniqueId, timeOutMs / 1000, multi=True) if stream is not None else []
        if not found:
            raise RuntimeError("Failed to get result." + log.error_text(codes.STREAM_TIMEOUT))
        return [_data_output(output) for output in found]

    def _members(self) -> Dict[str, Any]:
        try:
            return {"stream_config": {"deviceId": self._device}, **self._elements()}
        except ValueError as error:
            raise RuntimeError(f"stream {self._name}: {error}") from None

    def _built(self) -> StreamManager:
        if self._manager is None:
            raise RuntimeError("build stream first.")
        return self._manager


class SequentialStream(Stream):
    """A stream in which each node reads from the one added before it."""

    def __init__(self, name: Text) -> None:
        super().__init__(name)
        self._nodes: List[PluginNode] = []

    def add(self, pluginNode: PluginNode) -> None:
        """Add a node at the end."""
        if not isinstance(pluginNode, PluginNode):
            raise TypeError(f"add takes a PluginNode, not {type(pluginNode).__name__}")
        self._nodes.append(pluginNode)

    def _elements(self) -> nodes.Described:
        return nodes.sequential(self._nodes)


class FunctionalStream(Stream):
    """A stream of nodes that were linked by calling them: `sink(model(source))`."""

    def __init__(
        self, name: Text, inputs: Sequence[PluginNode] = (), outputs: Sequence[PluginNode] = ()
    ) -> None:
        super().__init__(name)
        self._inputs, self._outputs = list(inputs), list(outputs)
        for node in self._inputs + self._outputs:
            if not isinstance(node, PluginNode):
                raise TypeError(f"FunctionalStream takes PluginNodes, not {type(node).__name__}")

    def _elements(self) -> nodes.Described:
        found = nodes.functional(self._inputs)
        for node in self._outputs:
            if node.plugin_name() not in found:
                raise ValueError(f"the output {node.factory()} can't be reached from the inputs")
        return found


def _succeed(text: str, code: int) -> None:
    if code:
        raise RuntimeError(text + log.error_text(code))


def _buffer(data: bytes) -> Callable[[int], Buffer]:
    return lambda unique_id: buffer_of_data(data, unique_id=unique_id)


def _metadata_output(message: Any) -> MetadataOutput:
    made = MetadataOutput()
    made.data_type = short_name(message)
    made.serialized_metadata = message.SerializeToString()
    return made


def _data_output(output: Output) -> MxDataOutput:
    made = MxDataOutput()
    made.errorCode, made.dataSize, made.data = output.code, len(output.data), output.data
    return made
