"""The stream manager behind StreamManagerApi and mindx.sdk.stream: what a process shares, and a manager's own streams.

Methods return the SDK's codes and never raise for what a program does; names are text here, bytes on the surface.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from omgate_emulator import codes, config, log
from omgate_emulator.buffers import Buffer, MessageError, Output, buffer_of_data, received
from omgate_emulator.engine import Engine, EngineError
from omgate_emulator.factories import PipelineError
from omgate_emulator.pipeline import FORBIDDEN, describe, parse
from omgate_emulator.statistics import Statistics
from omgate_emulator.stream import Stream

FILE_BYTES_LIMIT = 100 << 20
WHERE = "MxStreamManager.cpp:1"

Target = Union[int, str]


class Process:
    """What InitManager sets up once for all managers of the process: log, statistics, the engine (the device)."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._users = 0
        self._engine: Optional[Engine] = None
        self._statistics: Optional[Statistics] = None

    def join(self) -> Tuple[int, Any, Any]:
        """Add a manager; return a code, the statistics and the engine."""
        with self._lock:
            code = log.init()
            if code:
                return code, None, None
            if not os.environ.get("MX_SDK_HOME"):
                log.error(
                    "MX_SDK_HOME is not set: source the SDK's set_env.sh", WHERE, codes.INVALID_PARAMETER
                )
                return codes.INVALID_PARAMETER, None, None
            if self._statistics is None:
                conf = config.sdk_conf()
                if not conf.path:
                    log.warn("no sdk.conf could be loaded: built-in values hold", WHERE)
                self._statistics = Statistics(conf)
                self._statistics.start()
            try:
                self._engine = self._engine or Engine.start()
            except EngineError as error:
                log.error(f"the device can't be initialised: {error.message}", WHERE, error.code)
                return error.code, None, None
            self._users += 1
            return codes.OK, self._statistics, self._engine

    def leave(self) -> None:
        """Remove a manager; the last one ends the statistics (with their last window) and the engine."""
        with self._lock:
            self._users -= 1
            if self._users > 0:
                return
            if self._statistics is not None:
                self._statistics.stop()
                self._statistics = None
            if self._engine is not None:
                self._engine.close()
                self._engine = None


PROCESS = Process()


class StreamManager:
    """One manager and its streams."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._streams: Dict[str, Stream] = {}
        self._statistics: Any = None
        self._engine: Any = None

    def init(self, arguments: Sequence[str] = ()) -> int:
        """InitManager: 0; 1004 without MX_SDK_HOME or with a forbidden character; 1013 without a device. A second call is 0."""
        with self._lock:
            if self._engine is not None:
                return codes.OK
            for argument in arguments:  # They would be GStreamer's.
                if FORBIDDEN.search(argument):
                    return _refuse(
                        codes.INVALID_PARAMETER, f"an argument has a forbidden character: {argument!r}"
                    )
            code, self._statistics, self._engine = PROCESS.join()
            return code

    def create(self, pipeline: bytes) -> int:
        """CreateMultipleStreams: streams in name order; the first that fails stops the rest, and those before it stay."""
        code = self.init()  # For who was refused by InitManager and goes on all the same, or comes back after DestroyAllStreams.
        if code:
            return code
        try:
            for name, value in parse(pipeline):
                self._create_one(name, value)
        except PipelineError as error:
            return _refuse(error.code, str(error))
        return codes.OK

    def create_from_file(self, path: str) -> int:
        """CreateMultipleStreamsFromFile: 1029 for what is no file, 1001 above 100 MB."""
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                return _refuse(codes.INVALID_PATH, f"{path!r} is not a regular file")
            if status.st_size > FILE_BYTES_LIMIT:
                return _refuse(
                    codes.FAILURE, f"{path!r} has {status.st_size} bytes, allowed {FILE_BYTES_LIMIT}"
                )
            with open(path, "rb") as file:
                pipeline = file.read()
        except (OSError, ValueError) as error:
            return _refuse(codes.INVALID_PATH, f"{path!r} can't be read: {error}")
        return self.create(pipeline)

    def create_stream(self, name: str, members: Dict[str, Any]) -> int:
        """Create one stream from its object (mindx.sdk.stream builds streams this way)."""
        code = self.init()
        if code:
            return code
        try:
            self._create_one(name, members)
        except PipelineError as error:
            return _refuse(error.code, str(error))
        return codes.OK

    def stop(self, name: str) -> int:
        """StopStream: 6002 for a stream that is not there, or no more."""
        with self._lock:
            stream = self._streams.pop(name, None)
        if stream is None:
            return self._missing(name)
        if not _too_late():
            stream.stop()
        return codes.OK

    def destroy(self) -> int:
        """DestroyAllStreams. Another `init` is possible, but a process has statistics only once."""
        if _too_late():
            return codes.OK
        with self._lock:
            streams, self._streams = list(self._streams.values()), {}
            for stream in streams:
                stream.stop()
            if self._engine is not None:
                self._engine = self._statistics = None
                PROCESS.leave()
        log.info("all streams are destroyed", WHERE)
        return codes.OK

    def stream(self, name: str) -> Optional[Stream]:
        """Return the stream of that name."""
        return self._streams.get(name)

    def send_data(self, name: str, target: Target, data: bytes, custom: str = "") -> int:
        """SendData with a buffer alone."""
        return self._send(name, target, [custom], lambda: buffer_of_data(data))

    def send_metadata(
        self,
        name: str,
        element: str,
        metadata: Sequence[Tuple[str, str, bytes]],
        data: bytes,
        frame: bytes,
        vision: bytes,
    ) -> int:
        """SendData with messages (key, type, serialised) and a buffer."""
        try:
            messages = [(key, received(kind, serialised)) for key, kind, serialised in metadata]
        except MessageError as error:
            return _refuse(error.code, str(error))
        return self._send(
            name,
            element,
            [key for key, _ in messages],
            lambda: _with_messages(buffer_of_data(data, frame, vision), messages),
        )

    def send_protobuf(self, name: str, target: Target, protobufs: Sequence[Tuple[str, str, bytes]]) -> int:
        """SendProtobuf of (key, type, serialised)."""
        try:
            messages = [(key, received(kind, serialised)) for key, kind, serialised in protobufs]
        except MessageError as error:
            return _refuse(error.code, str(error))
        return self._send(
            name, target, [key for key, _ in messages], lambda: _with_messages(Buffer(), messages)
        )

    def send_data_unique(self, name: str, target: Target, data: bytes, custom: str = "") -> int:
        """SendDataWithUniqueId: the id, -1 for any failure."""
        code = self._check_send(name, target, [custom])
        if code:
            return -1
        code, number = self._streams[name].send_unique(target, partial(_with_id, data))
        return -1 if code else number

    def result(self, name: str, number: int, milliseconds: int) -> Output:
        """GetResult by number: 6002 for an unknown stream, 1004 for a negative number, 1002 for all else, a timeout too."""
        stream = self.stream(name)
        code = codes.OK
        if FORBIDDEN.search(name):
            code = codes.INNER
        elif stream is None:
            code = self._missing(name)
        elif number < 0:
            code = codes.INVALID_PARAMETER
        else:
            output = stream.fetch(number, milliseconds / 1000)
            if output is not None:
                return output
            log.warn(f"stream {name}: no result of sink {number} within {milliseconds} ms", WHERE)
            code = codes.INNER
        return _failed(code, log.error_text(code))

    def result_of(self, name: str, element: str, milliseconds: int) -> Output:
        """GetResult by the appsink's name: 1004, 6002, 6008, 6011; a timeout is 1001."""
        stream = self.stream(name)
        if FORBIDDEN.search(name + "\0" + element):
            return _failed(codes.INVALID_PARAMETER, "GetResult: a name has a forbidden character")
        if stream is None:
            return _failed(self._missing(name), f"Stream({name}) not exist.")
        if stream.mode != "normal":
            return _failed(codes.MODE_NOT_MATCHED, "GetResult does not match the way in which data was sent")
        number = stream.sink_number(element)
        if number is None:
            return _failed(codes.ELEMENT_INVALID, f"{element} is not the name of an appsink of the stream")
        output = stream.fetch(number, milliseconds / 1000)
        if output is not None:
            return output
        text = f"Get empty result, or exceed the time limit({milliseconds})."
        return _failed(codes.FAILURE, text + log.error_text(codes.FAILURE))

    def result_unique(self, name: str, unique_id: int, milliseconds: int) -> Output:
        """GetResultWithUniqueId: 6010 where there is none in time, nor will be."""
        stream = self.stream(name)
        if stream is None:
            code = self._missing(name)
            return _failed(code, log.error_text(code))
        outputs = stream.fetch_unique(unique_id, milliseconds / 1000)
        if outputs:
            return outputs[0]
        return _failed(codes.STREAM_TIMEOUT, "Time out, can not get result in time.")

    def protobuf(self, name: str, number: int, keys: Sequence[str]) -> Optional[Output]:
        """GetProtobuf: waits for ever; None at once for an unknown stream or sink, no keys, a wrong mode, or nothing sent yet."""
        stream = self.stream(name)
        if stream is None or not keys or any(FORBIDDEN.search(key) for key in keys):
            log.error(
                f"GetProtobuf: no stream {name!r}, or no keys to ask for", WHERE, codes.INVALID_PARAMETER
            )
            return None
        return stream.fetch(number, None)

    def _create_one(self, name: str, members: Any) -> None:
        with self._lock:
            if name in self._streams:
                raise PipelineError(codes.STREAM_EXISTS, f"stream {name} exists already")
            self._streams[name] = Stream(describe(name, members), self._statistics, self._engine)
        log.info(f"created stream {name}", WHERE)

    def _send(self, name: str, target: Target, texts: List[str], make: Any) -> int:
        return self._check_send(name, target, texts) or self._streams[name].send(target, make)

    def _check_send(self, name: str, target: Target, texts: List[str]) -> int:
        for text in [name, *texts, *([target] if isinstance(target, str) else [])]:
            if FORBIDDEN.search(text):
                return _refuse(codes.INVALID_PARAMETER, f"a name or key has a forbidden character: {text!r}")
        if isinstance(target, int) and target < 0:
            return _refuse(codes.INVALID_PARAMETER, f"the plugin's number is {target}: it can't be negative")
        return codes.OK if name in self._streams else self._missing(name)

    def _missing(self, name: str) -> int:
        return _refuse(codes.STREAM_NOT_EXIST, f"there is no stream {name!r}")


def _too_late() -> bool:
    """Whether the interpreter ends, which freezes threads for ever, with all that they hold.

    Published programs destroy their streams in `__del__` of a global object, which comes only then. The engine ends with the process;
    the last window of the statistics, which the SDK's own threads would still write, is lost.
    """
    return sys.is_finalizing()


def _with_id(data: bytes, unique_id: int) -> Buffer:
    return buffer_of_data(data, unique_id=unique_id)


def _with_messages(buffer: Buffer, messages: Sequence[Tuple[str, Any]]) -> Buffer:
    for key, message in messages:
        buffer.attach(key, message)
    return buffer


def _failed(code: int, text: str) -> Output:
    return Output(code, text.encode("utf-8", "surrogateescape"), {})


def _refuse(code: int, text: str) -> int:
    log.error(text, WHERE, code)
    return code
