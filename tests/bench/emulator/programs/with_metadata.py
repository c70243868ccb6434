"""Sends a buffer with metadata and asks a named sink for the metadata of named elements, and for its text where that fails."""

import json

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import (
    MetadataInputVector,
    MxBufferInput,
    MxMetadataInput,
    StreamManagerApi,
    StringVector,
)

manager = StreamManagerApi()
assert manager.InitManager() == 0
config = {
    "s": {
        "stream_config": {"deviceId": "0"},
        "appsrc0": {"factory": "appsrc", "next": "mxpi_tensorinfer0"},
        "mxpi_tensorinfer0": {
            "factory": "mxpi_tensorinfer",
            "props": {"dataSource": "appsrc0", "modelPath": "model/scaled.om"},
            "next": "appsink0",
        },
        "appsink0": {"factory": "appsink"},
    }
}
assert manager.CreateMultipleStreams(json.dumps(config).encode()) == 0


def ask(payload, shape, wanted=(b"mxpi_tensorinfer0",), milliseconds=5000):
    packages = MxpiDataType.MxpiTensorPackageList()
    packages.tensorPackageVec.add().tensorVec.add(dataStr=payload, tensorShape=shape)
    metadata = MxMetadataInput()
    metadata.dataSource = b"appsrc0"
    metadata.dataType = b"MxTools.MxpiTensorPackageList"
    metadata.serializedMetadata = packages.SerializeToString()
    vector = MetadataInputVector()
    vector.push_back(metadata)
    assert manager.SendData(b"s", b"appsrc0", vector, MxBufferInput()) == 0
    sources = StringVector()
    for name in wanted:
        sources.push_back(name)
    return manager.GetResult(b"s", b"appsink0", sources, milliseconds)


rows = []
for row in np.load("inputs.npz")["x"]:
    output = ask(row.tobytes(), [1, 3])
    assert output.errorCode == 0, output.errorMsg
    (first,) = output.metadataVec
    assert first.errorCode == 0
    assert first.dataType.endswith(b"MxpiTensorPackageList")
    packages = MxpiDataType.MxpiTensorPackageList.FromString(first.serializedMetadata)
    rows.append(np.frombuffer(packages.tensorPackageVec[0].tensorVec[0].dataStr, np.float32))
short = ask(b"12345678", [1, 2])
empty = manager.GetResult(b"s", b"appsink0", StringVector([b"mxpi_tensorinfer0"]), 20)
assert b"Get empty result, or exceed the time limit" in empty.errorMsg
np.savez("results.npz", y=rows, short=short.errorCode, empty=empty.errorCode)
assert manager.DestroyAllStreams() == 0
