"""Classifies token lists: three sources of int32, all sent as if they were float32, as the language models' scripts do."""

import json

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import *  # noqa: F403

PIPELINE = {
    "bert": {
        "stream_config": {"deviceId": "0"},
        "appsrc0": {"factory": "appsrc", "next": "mxpi_tensorinfer0:0"},
        "appsrc1": {"factory": "appsrc", "next": "mxpi_tensorinfer0:1"},
        "appsrc2": {"factory": "appsrc", "next": "mxpi_tensorinfer0:2"},
        "mxpi_tensorinfer0": {
            "props": {"dataSource": "appsrc0,appsrc1,appsrc2", "modelPath": "model/text.om"},
            "factory": "mxpi_tensorinfer",
            "next": "appsink0",
        },
        "appsink0": {"factory": "appsink"},
    }
}


def send_source(appsrc_id, tensor, stream_name, stream_manager):
    tensor_package_list = MxpiDataType.MxpiTensorPackageList()
    tensor_vec = tensor_package_list.tensorPackageVec.add().tensorVec.add()
    tensor_vec.deviceId = 0
    tensor_vec.memType = 0
    for axis in tensor.shape:
        tensor_vec.tensorShape.append(axis)
    tensor_vec.tensorDataType = 0
    tensor_vec.dataStr = tensor.tobytes()
    tensor_vec.tensorDataSize = len(tensor.tobytes())
    protobuf_in = MxProtobufIn()  # noqa: F405
    protobuf_in.key = "appsrc{}".format(appsrc_id).encode("utf-8")
    protobuf_in.type = b"MxTools.MxpiTensorPackageList"
    protobuf_in.protobuf = tensor_package_list.SerializeToString()
    vector = InProtobufVector()  # noqa: F405
    vector.push_back(protobuf_in)
    return stream_manager.SendProtobuf(stream_name, appsrc_id, vector) >= 0


stream_manager = StreamManagerApi()  # noqa: F405
assert stream_manager.InitManager() == 0
assert stream_manager.CreateMultipleStreams(json.dumps(PIPELINE).encode()) == 0
inputs = np.load("inputs.npz")
logits = []
for row in range(len(inputs["ids"])):
    for number, name in enumerate(("ids", "mask", "segments")):
        assert send_source(number, inputs[name][row : row + 1], b"bert", stream_manager)
    key_vec = StringVector()  # noqa: F405
    key_vec.push_back(b"mxpi_tensorinfer0")
    infer_result = stream_manager.GetProtobuf(b"bert", 0, key_vec)
    assert infer_result.size() == 1
    result = MxpiDataType.MxpiTensorPackageList()
    result.ParseFromString(infer_result[0].messageBuf)
    logits.append(np.frombuffer(result.tensorPackageVec[0].tensorVec[0].dataStr, dtype="<f4"))
np.savez("results.npz", logits=np.stack(logits))
stream_manager.DestroyAllStreams()
