"""One source, a tee, two models, two sinks: results of the same picture are fetched by the sinks' numbers."""

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import InProtobufVector, MxProtobufIn, StreamManagerApi, StringVector

PIPELINE = b"""{
 "branches": {
  "stream_config": {"deviceId": "0"},
  "appsrc0": {"factory": "appsrc", "next": "tee0"},
  "tee0": {"factory": "tee", "next": ["queue0", "queue1"]},
  "queue0": {"factory": "queue", "next": "mxpi_tensorinfer0"},
  "queue1": {"factory": "queue", "next": "mxpi_tensorinfer1"},
  "mxpi_tensorinfer0": {"factory": "mxpi_tensorinfer", "next": "appsink0",
    "props": {"dataSource": "appsrc0", "modelPath": "model/scaled.om", "waitingTime": 2000}},
  "mxpi_tensorinfer1": {"factory": "mxpi_tensorinfer", "next": "appsink1",
    "props": {"dataSource": "appsrc0", "modelPath": "model/summed.om", "skipModelCheck": "1"}},
  "appsink0": {"factory": "appsink"},
  "appsink1": {"factory": "appsink"}
 }
}"""
manager = StreamManagerApi()
assert manager.InitManager() == 0
assert manager.CreateMultipleStreams(PIPELINE) == 0
rows = np.load("inputs.npz")["x"]
for row in rows:  # all are sent before the first is fetched
    packages = MxpiDataType.MxpiTensorPackageList()
    packages.tensorPackageVec.add().tensorVec.add(dataStr=row.tobytes(), tensorShape=row.shape)
    message = MxProtobufIn()
    message.key = b"appsrc0"
    message.type = b"MxTools.MxpiTensorPackageList"
    message.protobuf = packages.SerializeToString()
    assert manager.SendProtobuf(b"branches", 0, InProtobufVector([message])) == 0
found = {b"mxpi_tensorinfer0": [], b"mxpi_tensorinfer1": []}
for _ in rows:
    for sink, key in enumerate(found):
        (answer,) = manager.GetProtobuf(b"branches", sink, StringVector([key]))
        packages = MxpiDataType.MxpiTensorPackageList.FromString(answer.messageBuf)
        tensors = packages.tensorPackageVec[0].tensorVec
        found[key].append(np.concatenate([np.frombuffer(tensor.dataStr, np.float32) for tensor in tensors]))
np.savez("results.npz", scaled=found[b"mxpi_tensorinfer0"], summed=found[b"mxpi_tensorinfer1"])
manager.DestroyAllStreams()
