"""MCNN as a stream of the SDK: images go in, density maps come out in the same order."""

import json
import os
import queue
import threading
from typing import Any, Callable, Dict, Tuple

import numpy

try:
    import MxpiDataType_pb2 as messages
except ImportError:  # newer SDKs install it in their package
    import mindx.sdk.MxpiDataType_pb2 as messages
from StreamManagerApi import InProtobufVector, MxProtobufIn, StreamManagerApi, StringVector

FLOAT32 = 0
"""tensorDataType of float32 (MxpiDataType.proto)."""

LOGS = "the reason is in the SDK's log, ~/log/mindxsdk/logs"

END_SECONDS = 10.0
"""DestroyAllStreams takes a moment; with a stream that hangs it may never come back."""


class NotStarted(Exception):
    """Pipeline, model or device can't be used."""


class InferenceFailed(Exception):
    """One image has no result; the stream goes on."""


class Overdue(Exception):
    """A result did not come in time; none will come any more."""


class CountingStream:
    """The stream of a pipeline file. Use `close` whatever happens: a device stays taken otherwise."""

    def __init__(self, pipeline: str) -> None:
        text = self._read(pipeline)
        self._manager = StreamManagerApi()
        self._answers = _Answers(self._get)
        code = self._manager.InitManager()
        if code != 0:
            raise NotStarted("the stream manager did not start (InitManager answered %d); %s" % (code, LOGS))
        code = self._manager.CreateMultipleStreams(text)
        if code != 0:
            self.close()
            raise NotStarted("%s: CreateMultipleStreams answered %d; %s" % (pipeline, code, LOGS))

    def send(self, tensor: Any) -> None:
        """Send an image (1, 1, H, W) float32 into the stream. Raises InferenceFailed."""
        packages = messages.MxpiTensorPackageList()
        sent = packages.tensorPackageVec.add().tensorVec.add()
        sent.tensorShape.extend(tensor.shape)
        sent.tensorDataType = FLOAT32
        sent.dataStr = tensor.tobytes()
        sent.tensorDataSize = len(sent.dataStr)
        protobuf = MxProtobufIn()
        protobuf.key = self._source
        protobuf.type = b"MxTools.MxpiTensorPackageList"
        protobuf.protobuf = packages.SerializeToString()
        vector = InProtobufVector()
        vector.push_back(protobuf)
        code = self._manager.SendProtobuf(self._name, 0, vector)
        if code != 0:
            raise InferenceFailed("SendProtobuf answered %d; %s" % (code, LOGS))

    def receive(self, seconds: float) -> Any:
        """Return the density map (1, 1, h, w) float32 of the oldest image under way. Raises InferenceFailed, or Overdue."""
        found = self._answers.next(seconds)
        if found.size() == 0:
            raise InferenceFailed("the inference failed (GetProtobuf gave nothing); %s" % LOGS)
        if found[0].errorCode != 0:
            raise InferenceFailed("GetProtobuf answered %d; %s" % (found[0].errorCode, LOGS))
        packages = messages.MxpiTensorPackageList()
        packages.ParseFromString(found[0].messageBuf)
        tensors = [tensor for package in packages.tensorPackageVec for tensor in package.tensorVec]
        if len(tensors) != 1 or tensors[0].tensorDataType != FLOAT32:
            raise InferenceFailed("the result is not one float32 tensor")
        shape = tuple(tensors[0].tensorShape)
        values = numpy.frombuffer(tensors[0].dataStr, "<f4")
        if values.size != int(numpy.prod(shape)):
            raise InferenceFailed("the result holds %d values for the shape %s" % (values.size, list(shape)))
        return values.reshape(shape)

    def close(self) -> None:
        """Destroy the stream; at most END_SECONDS are waited for that."""
        ending = threading.Thread(target=self._manager.DestroyAllStreams, daemon=True)
        ending.start()
        ending.join(END_SECONDS)

    def _get(self) -> Any:
        keys = StringVector()
        keys.push_back(self._result)
        return self._manager.GetProtobuf(self._name, 0, keys)

    def _read(self, path: str) -> bytes:
        """Return the pipeline's text, with a modelPath that holds in any working directory. Raises NotStarted."""
        try:
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
            ((name, elements),) = document.items()
            source, infer = _named(elements, "appsrc"), _named(elements, "mxpi_tensorinfer")
            model = elements[infer]["props"]["modelPath"]
            model = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(path)), model))
        except OSError as error:
            raise NotStarted("the pipeline %s can't be read: %s" % (path, error.strerror)) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotStarted(
                "%s: no pipeline of one stream with an appsrc and an mxpi_tensorinfer that has a modelPath (%s: %s)"
                % (path, type(error).__name__, error)
            ) from None
        if not os.path.isfile(model):
            raise NotStarted("no model %s: make it with convert/convert_om.sh" % model)
        elements[infer]["props"]["modelPath"] = model
        self._name, self._source, self._result = name.encode(), source.encode(), infer.encode()
        return json.dumps(document, ensure_ascii=False).encode("utf-8")


def _named(elements: Dict[str, Any], factory: str) -> str:
    """Return the name of the only element that this factory makes. Raises ValueError."""
    (name,) = [name for name, element in elements.items() if element.get("factory") == factory]
    return str(name)


class _Answers:
    """Asks in a thread of its own: GetProtobuf has no time limit, and nothing interrupts it."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._wanted: "queue.Queue[None]" = queue.Queue()
        self._given: "queue.Queue[Tuple[Any, Any]]" = queue.Queue()
        threading.Thread(target=self._serve, daemon=True).start()

    def next(self, seconds: float) -> Any:
        self._wanted.put(None)
        try:
            answer, error = self._given.get(timeout=seconds)
        except queue.Empty:
            raise Overdue("no result within %g s" % seconds) from None
        if error is not None:
            raise error
        return answer

    def _serve(self) -> None:
        while True:
            self._wanted.get()
            try:
                self._given.put((self._ask(), None))
            except Exception as error:
                self._given.put((None, error))
