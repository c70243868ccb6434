"""Lets mxpi_dataserialize write results as JSON and fetches the text: what a model gave, and classes that were sent along."""

import json

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import InProtobufVector, MxProtobufIn, StreamManagerApi

PIPELINE = {
    "classification": {
        "stream_config": {"deviceId": "0"},
        "appsrc0": {"factory": "appsrc", "next": "mxpi_tensorinfer0"},
        "mxpi_tensorinfer0": {
            "props": {"dataSource": "appsrc0", "modelPath": "model/scaled.om", "waitingTime": "2000"},
            "factory": "mxpi_tensorinfer",
            "next": "mxpi_dataserialize0",
        },
        "mxpi_dataserialize0": {
            "props": {"outputDataKeys": "mxpi_tensorinfer0"},
            "factory": "mxpi_dataserialize",
            "next": "appsink0",
        },
        "appsink0": {"props": {"blocksize": "4096000"}, "factory": "appsink"},
    },
    "labels": {
        "appsrc0": {"factory": "appsrc", "next": "mxpi_dataserialize0"},
        "mxpi_dataserialize0": {
            "props": {"outputDataKeys": "appsrc0"},
            "factory": "mxpi_dataserialize",
            "next": "appsink0",
        },
        "appsink0": {"factory": "appsink"},
    },
}


def ask(manager, stream, kind, message):
    data = MxProtobufIn()
    data.key = b"appsrc0"
    data.type = kind
    data.protobuf = message.SerializeToString()
    vector = InProtobufVector()
    vector.push_back(data)
    manager.SendProtobuf(stream, 0, vector)
    result = manager.GetResult(stream, 0, 5000)
    if result.errorCode != 0:
        raise SystemExit(
            "GetResult error. errorCode=%d, errorMsg=%s" % (result.errorCode, result.data.decode())
        )
    return json.loads(result.data.decode())


def run():
    manager = StreamManagerApi()
    ret = manager.InitManager()
    if ret != 0:
        raise SystemExit("Failed to init Stream manager, ret=%s" % str(ret))
    ret = manager.CreateMultipleStreams(json.dumps(PIPELINE).encode())
    if ret != 0:
        raise SystemExit("Failed to create Stream, ret=%s" % str(ret))
    shapes, confidences, names = [], [], []
    for row in np.load("inputs.npz")["x"]:
        packages = MxpiDataType.MxpiTensorPackageList()
        tensor = packages.tensorPackageVec.add().tensorVec.add()
        tensor.dataStr = row.tobytes()
        tensor.tensorShape.extend([1, len(row)])
        found = ask(manager, b"classification", b"MxTools.MxpiTensorPackageList", packages)
        # Lists of one message type lie under that type's name.
        tensor = found["MxpiTensorPackage"][0]["tensorVec"][0]
        shapes.append([*tensor["tensorShape"], tensor["tensorDataSize"], tensor["tensorDataType"]])
        classes = MxpiDataType.MxpiClassList()
        for number, value in enumerate(row):
            classes.classVec.add(classId=number, className="class%d" % number, confidence=value)
        found = ask(manager, b"labels", b"MxTools.MxpiClassList", classes)["MxpiClass"]
        confidences.append([entry["confidence"] for entry in found])
        names.append([entry["className"] for entry in found])
    np.savez("results.npz", shapes=shapes, confidences=confidences, names=names)
    manager.DestroyAllStreams()


run()
