"""The way the field's own script works: read, pad, send, wait, parse the ground truth, next. Prints what it runs on and its images per second."""

import json
import os
import sys
import time

import cv2
import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import InProtobufVector, MxProtobufIn, StreamManagerApi, StringVector


def main(pipeline, images, truths, number):
    manager = StreamManagerApi()
    assert manager.InitManager() == 0
    with open(pipeline, "rb") as file:
        text = file.read()
    assert manager.CreateMultipleStreams(text) == 0
    (stream,) = (name.encode() for name in json.loads(text))
    names = sorted(os.listdir(images))
    errors = []
    start = time.perf_counter()
    for index in range(number):
        name = names[index % len(names)]
        errors.append(
            one(manager, stream, os.path.join(images, name), os.path.join(truths, name[:-3] + "csv"))
        )
    elapsed = time.perf_counter() - start
    manager.DestroyAllStreams()
    print("Python {}.{}, numpy {}: {!r}".format(*sys.version_info[:2], np.__version__, number / elapsed))
    return errors


def one(manager, stream, image, truth):
    picture = cv2.imread(image, 0).astype(np.float32)
    height, width = picture.shape
    top, left = 512 - height // 2, 512 - width // 2
    picture = np.pad(picture, ((top, 1024 - height - top), (left, 1024 - width - left)))[None, None]
    packages = MxpiDataType.MxpiTensorPackageList()
    tensor = packages.tensorPackageVec.add().tensorVec.add()
    tensor.tensorDataType = 0
    tensor.tensorShape.extend(picture.shape)
    tensor.dataStr = picture.tobytes()
    tensor.tensorDataSize = len(picture)
    given = MxProtobufIn()
    given.key = b"appsrc0"
    given.type = b"MxTools.MxpiTensorPackageList"
    given.protobuf = packages.SerializeToString()
    vector = InProtobufVector()
    vector.push_back(given)
    assert manager.SendProtobuf(stream, 0, vector) == 0
    keys = StringVector()
    keys.push_back(b"mxpi_tensorinfer0")
    found = manager.GetProtobuf(stream, 0, keys)
    assert found.size() == 1
    result = MxpiDataType.MxpiTensorPackageList()
    result.ParseFromString(found[0].messageBuf)
    density = np.frombuffer(result.tensorPackageVec[0].tensorVec[0].dataStr, np.float32)
    return float(np.sum(density)) - float(np.loadtxt(truth, delimiter=",").astype(np.float32).sum())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
