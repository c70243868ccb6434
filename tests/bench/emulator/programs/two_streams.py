"""Two streams of one file, used in turn; the second one's result goes through a queue."""

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import InProtobufVector, MxProtobufIn, StreamManagerApi, StringVector

manager = StreamManagerApi()
assert manager.InitManager([]) == 0
assert manager.CreateMultipleStreamsFromFile(b"two.pipeline") == 0


def message_of(row):
    packages = MxpiDataType.MxpiTensorPackageList()
    packages.tensorPackageVec.add().tensorVec.add(dataStr=row.tobytes(), tensorShape=[1, 3])
    message = MxProtobufIn()
    message.key, message.type = b"appsrc0", b"MxTools.MxpiTensorPackageList"
    message.protobuf = packages.SerializeToString()
    return message


def infer(stream, row):
    assert manager.SendProtobuf(stream, 0, InProtobufVector([message_of(row)])) == 0
    (answer,) = manager.GetProtobuf(stream, 0, StringVector([b"mxpi_tensorinfer0"]))
    packages = MxpiDataType.MxpiTensorPackageList.FromString(answer.messageBuf)
    return [np.frombuffer(tensor.dataStr, np.float32) for tensor in packages.tensorPackageVec[0].tensorVec]


left, right = [], []
for row in np.load("inputs.npz")["x"]:
    left.append(infer(b"left", row)[0])
    right.append(np.concatenate(infer(b"right", row)))
assert manager.StopStream(b"left") == 0
unknown = manager.SendProtobuf(b"none", 0, InProtobufVector([message_of(row)]))
np.savez("results.npz", left=left, right=right, unknown=unknown)
manager.DestroyAllStreams()
