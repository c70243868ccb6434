"""MindX SDK streams: the om-sdk backend's device half, written against StreamManagerApi as documented.

config: `home` (the SDK's folder), `pipeline` (JSON text, checked by the host), `stream`, `source` (the appsrc's name), `infer` (the
name under which the results lie), `codes` (error code -> meaning).

Images go in by SendProtobuf and results come out by GetProtobuf, in order. The unique-id mode can't carry tensors: mxpi_tensorinfer reads
metadata, which SendDataWithUniqueId does not make, and GetResultWithUniqueId gives JSON without the tensors' bytes (Vision SDK, MxpiTensorInfer
and MxpiDataSerialize).

One manager lives in one process, which is this one. GetProtobuf has no timeout: when a buffer never comes out, the host's deadline
ends this process.
"""

import hashlib
import io
import queue
import time
from typing import Any, Dict, List, Tuple

import numpy
import omgate_sdk_log

TYPES = {0: "<f4", 1: "<f2", 2: "|i1", 3: "<i4", 4: "|u1", 6: "<i2", 7: "<u2", 8: "<u4", 9: "<i8", 10: "<u8", 11: "<f8", 12: "|b1"}  # fmt: skip
"""tensorDataType -> numpy's type (MxpiDataType.proto)."""

TENSORS = b"MxTools.MxpiTensorPackageList"

_api: Any = None
_messages: Any = None
_manager: Any = None
_config: Dict[str, Any] = {}
_sent: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
_last_answer = 0.0


def open(config: Dict[str, Any]) -> Dict[str, Any]:
    """Start the stream manager, create the stream (the SDK loads the model), and return what it runs on."""
    global _manager, _messages
    _config.update(config)
    _import()
    _manager = _api.StreamManagerApi()
    _check(_manager.InitManager(), "InitManager")
    try:
        omgate_sdk_log.mark(config["home"])
        text = config["pipeline"].encode("utf-8")
        _check(_manager.CreateMultipleStreams(text), "CreateMultipleStreams")
    except BaseException:
        close()
        raise
    with io.open(config["model"], "rb") as model:
        digest = hashlib.sha256(model.read()).hexdigest()
    return {
        "device": "device %s" % config["device"],
        "framework": "MindX SDK streams",
        "framework_version": config["version"],
        "soc": config["soc"],
        "precision": "fp16",
        "model_sha256": digest,
        "region": "infer: from when the stream had this image and the last result was out, until its result was out; copies included",
    }


def submit(sequence: int, arrays: List[Any]) -> None:
    """Send an image (1, 1, H, W) uint8 into the stream as float32 with the same levels."""
    start = time.perf_counter()
    image = arrays[0].astype("<f4")
    _send(image)
    end = time.perf_counter()
    _sent.put((sequence, end, end - start))


def collect() -> Tuple[int, List[Any], Dict[str, float]]:
    """Take the oldest image's result: its first tensor, as float32 where it is a floating-point one."""
    global _last_answer
    sequence, sent, transfer = _sent.get()
    tensor = _receive()
    now = time.perf_counter()
    seconds = {"transfer": transfer, "infer": now - max(sent, _last_answer)}
    _last_answer = now
    return sequence, [tensor], seconds


def close() -> None:
    """Destroy the streams, whatever became of them."""
    global _manager
    manager, _manager = _manager, None
    if manager is not None:
        manager.DestroyAllStreams()


def _import() -> None:
    """Import the API as either generation installs it: plain modules on PYTHONPATH, or the package mindx.sdk."""
    global _api, _messages
    try:
        import MxpiDataType_pb2
        import StreamManagerApi

        _api, _messages = StreamManagerApi, MxpiDataType_pb2
    except ImportError:
        import mindx.sdk.MxpiDataType_pb2 as messages
        from mindx.sdk import stream

        _api, _messages = stream, messages


def _send(image: Any) -> None:
    protobuf = _api.MxProtobufIn()
    protobuf.key = _config["source"].encode()
    protobuf.type = TENSORS
    protobuf.protobuf = _serialized(image)
    vector = _api.InProtobufVector()
    vector.push_back(protobuf)
    _check(
        _manager.SendProtobuf(_config["stream"].encode(), _config["source"].encode(), vector), "SendProtobuf"
    )


def _serialized(image: Any) -> bytes:
    """Return the MxpiTensorPackageList that holds this image alone, with one copy of its bytes.

    Protobuf's own way copies them twice more, each time with the interpreter held, while the stream's threads wait for it. So what is small is
    serialised by protobuf, and the bytes are put behind it: field 7 of the tensor, in field 2 of the package, in field 1 of the list.
    """
    tensor = _messages.MxpiTensor()
    tensor.tensorShape.extend(image.shape)
    tensor.tensorDataType = 0
    tensor.tensorDataSize = image.nbytes
    tensor.memType = 0
    head = tensor.SerializeToString() + b"\x3a" + _varint(image.nbytes)
    package = b"\x12" + _varint(len(head) + image.nbytes)
    whole = b"\x0a" + _varint(len(package) + len(head) + image.nbytes)
    return b"".join((whole, package, head, memoryview(image).cast("B")))


def _varint(value: int) -> bytes:
    """Return protobuf's encoding of a length: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _receive() -> Any:
    keys = _api.StringVector()
    keys.push_back(_config["infer"].encode())
    found = _manager.GetProtobuf(_config["stream"].encode(), 0, keys)
    if found.size() == 0:
        raise RuntimeError(
            "GetProtobuf gave no result for this image, which is all it says of a failed inference"
            + omgate_sdk_log.told(_config["home"])
        )
    answer = found[0]
    if answer.errorCode != 0:
        _check(answer.errorCode, "GetProtobuf")
    package_list = _messages.MxpiTensorPackageList()
    package_list.ParseFromString(_bytes(answer.messageBuf))
    if not package_list.tensorPackageVec or not package_list.tensorPackageVec[0].tensorVec:
        raise RuntimeError("the result holds no tensor")
    tensor = package_list.tensorPackageVec[0].tensorVec[0]
    return _array(tensor.dataStr, tensor.tensorDataType, list(tensor.tensorShape))


def _array(data: bytes, number: int, shape: List[int]) -> Any:
    if number not in TYPES:
        raise RuntimeError("the result's tensorDataType is %d, which is none" % number)
    array = numpy.frombuffer(data, TYPES[number])
    size = 1
    for dimension in shape:
        size *= dimension
    if array.size != size:
        raise RuntimeError(
            "the result holds %d values (%d bytes) for the shape %s" % (array.size, len(data), shape)
        )
    array = array.reshape(shape)
    return array if array.dtype.kind != "f" else numpy.ascontiguousarray(array, numpy.float32)


def _bytes(value: Any) -> bytes:
    """mindx.sdk's getters give str where the bytes happen to be UTF-8."""
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


def _check(code: int, call: str) -> None:
    """Raise unless the code is 0; the message has its meaning and what the SDK's log says."""
    if code == 0:
        return
    meaning = _config["codes"].get(str(code), "a code that is not documented")
    raise RuntimeError("%s answered %d (%s)%s" % (call, code, meaning, omgate_sdk_log.told(_config["home"])))
