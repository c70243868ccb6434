"""Detection with a model of batch 16 and three outputs of three types; uint8 and int32 go out as data type 0, memory type 1."""

import json

import MxpiDataType_pb2 as pb
import numpy as np
import StreamManagerApi as api

BATCH = 16
KINDS = ("<f4", "<i4", "<f2")

pipeline = {
    "detection": {
        "appsrc0": {"factory": "appsrc", "next": "mxpi_tensorinfer0"},
        "mxpi_tensorinfer0": {
            "factory": "mxpi_tensorinfer",
            "props": {"dataSource": "appsrc0", "modelPath": "model/detection.om", "waitingTime": "1000"},
            "next": "appsink0",
        },
        "appsink0": {"factory": "appsink"},
    }
}


def tensors_of(index, inputs):
    packages = pb.MxpiTensorPackageList()
    package = packages.tensorPackageVec.add()
    for name in ("ids", "picture", "scale"):
        row = inputs[name][index : index + 1]
        package.tensorVec.add(
            dataStr=row.tobytes(), tensorShape=row.shape, tensorDataType=0, memType=1, tensorDataSize=7777777
        )
    return packages.SerializeToString()


manager = api.StreamManagerApi()
assert manager.InitManager() == 0
assert manager.CreateMultipleStreams(json.dumps(pipeline).encode()) == 0
inputs = np.load("inputs.npz")
total = len(inputs["ids"])
for index in range(total):
    item = api.MxProtobufIn()
    item.key, item.type, item.protobuf = (
        b"appsrc0",
        b"MxTools.MxpiTensorPackageList",
        tensors_of(index, inputs),
    )
    assert manager.SendProtobuf(b"detection", b"appsrc0", api.InProtobufVector([item])) == 0
found = ([], [], [])
for _ in range(total):  # the last ones wait for a batch that is never full
    (result,) = manager.GetProtobuf(b"detection", 0, api.StringVector([b"mxpi_tensorinfer0"]))
    packages = pb.MxpiTensorPackageList.FromString(result.messageBuf)
    for number, tensor in enumerate(packages.tensorPackageVec[0].tensorVec):
        assert tensor.tensorShape[0] == 1
        assert tensor.tensorDataType == (0, 3, 1)[number]
        found[number].append(np.frombuffer(tensor.dataStr, KINDS[number]))
np.savez("results.npz", a=found[0], b=found[1], c=found[2])
manager.DestroyAllStreams()
