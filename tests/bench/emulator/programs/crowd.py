"""Counts heads the way the crowd-counting deliverable does: one image sent, one map fetched, by the numbers of source and sink."""

import os
import sys

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import InProtobufVector, MxProtobufIn, StreamManagerApi, StringVector

STREAM = b"crowd"
PLUGIN = 0


def send(manager, picture):
    packages = MxpiDataType.MxpiTensorPackageList()
    tensor = packages.tensorPackageVec.add().tensorVec.add()
    tensor.memType = 0
    tensor.tensorShape.extend(picture.shape)
    tensor.tensorDataType = 0
    tensor.dataStr = picture.tobytes()
    tensor.tensorDataSize = len(picture)  # the length of the first axis: 1
    message = MxProtobufIn()
    message.key = b"appsrc0"
    message.type = b"MxTools.MxpiTensorPackageList"
    message.protobuf = packages.SerializeToString()
    messages = InProtobufVector()
    messages.push_back(message)
    return manager.SendProtobuf(STREAM, PLUGIN, messages)


def fetch(manager):
    keys = StringVector()
    keys.push_back(b"mxpi_tensorinfer0")
    results = manager.GetProtobuf(STREAM, PLUGIN, keys)
    if results.size() == 0 or results[0].errorCode != 0:
        sys.exit("no result")
    assert results[0].messageName == b"mxpi_tensorinfer0"
    packages = MxpiDataType.MxpiTensorPackageList()
    packages.ParseFromString(results[0].messageBuf)
    return np.frombuffer(packages.tensorPackageVec[0].tensorVec[0].dataStr, dtype=np.float32)


def centred(picture, size):
    height, width = picture.shape
    top, left = size // 2 - height // 2, size // 2 - width // 2
    padding = ((top, size - top - height), (left, size - left - width))
    return np.pad(picture, padding).astype(np.float32).reshape(1, 1, size, size)


def main(folder):
    manager = StreamManagerApi()
    if manager.InitManager() != 0:
        sys.exit("InitManager failed")
    with open("crowd.pipeline", "rb") as file:
        if manager.CreateMultipleStreams(file.read()) != 0:
            sys.exit("CreateMultipleStreams failed")
    counts = {}
    for name in sorted(os.listdir(folder)):
        if send(manager, centred(np.load(os.path.join(folder, name)), 16)) != 0:
            sys.exit("SendProtobuf failed")
        counts[name[:-4]] = fetch(manager)
    np.savez("results.npz", **counts)
    manager.DestroyAllStreams()


if __name__ == "__main__":
    main(sys.argv[1])
