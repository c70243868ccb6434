"""Sends float16 as data type 0 through elements whose names have no numbers; the stream has no stream_config."""

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import InProtobufVector, MxProtobufIn, StreamManagerApi, StringVector

PIPELINE = b"""{
    "half": {
        "camera": {"factory": "appsrc", "next": "infer"},
        "infer": {"factory": "mxpi_tensorinfer", "next": "appsink0",
                  "props": {"dataSource": "camera", "modelPath": "./model/half.om"}},
        "appsink0": {"factory": "appsink"}
    }
}"""

manager = StreamManagerApi()
if manager.InitManager():
    raise SystemExit("init")
if manager.CreateMultipleStreams(PIPELINE):
    raise SystemExit("create")
outputs = []
for row in np.load("inputs.npz")["x"]:
    array = np.ascontiguousarray(row[None], dtype=np.float16)
    list_ = MxpiDataType.MxpiTensorPackageList()
    vector = list_.tensorPackageVec.add().tensorVec.add()
    vector.tensorDataType = 0
    vector.tensorDataSize = -1
    vector.dataStr = array.tobytes()
    vector.tensorShape.extend(array.shape)
    message = MxProtobufIn()
    message.key = b"camera"
    message.type = b"MxTools.MxpiTensorPackageList"
    message.protobuf = list_.SerializeToString()
    if manager.SendProtobuf(b"half", b"camera", InProtobufVector([message])):
        raise SystemExit("send")
    for answer in manager.GetProtobuf(b"half", 0, StringVector([b"infer"])):
        list_.ParseFromString(answer.messageBuf)
        outputs.append(np.frombuffer(list_.tensorPackageVec[0].tensorVec[0].dataStr, dtype=np.float16))
np.savez("results.npz", y=np.array(outputs))
manager.DestroyAllStreams()
