"""Does what should not be done, and keeps what the interface says to each."""

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from StreamManagerApi import InProtobufVector, MxDataInput, MxProtobufIn, StreamManagerApi, StringVector

said = {}
manager = StreamManagerApi()
said["create before init"] = manager.CreateMultipleStreams(b"{}")
assert manager.InitManager() == 0
said["no json"] = manager.CreateMultipleStreams(b"{ // a comment\n}")
said["unknown factory"] = manager.CreateMultipleStreams(b'{"a": {"appsrc0": {"factory": "mxpi_nonsense"}}}')
said["no model"] = manager.CreateMultipleStreams(
    b'{"a": {"appsrc0": {"factory": "appsrc", "next": "m"}, "m": {"factory": "mxpi_tensorinfer", "next": "appsink0",'
    b' "props": {"dataSource": "appsrc0", "modelPath": "model/none.om"}}, "appsink0": {"factory": "appsink"}}}'
)
pipeline = (
    b'{"s": {"appsrc0": {"factory": "appsrc", "next": "m0"}, "m0": {"factory": "mxpi_tensorinfer", "next": "appsink0",'
    b' "props": {"dataSource": "appsrc0", "modelPath": "model/scaled.om"}}, "appsink0": {"factory": "appsink"}}}'
)
assert manager.CreateMultipleStreams(pipeline) == 0
said["twice"] = manager.CreateMultipleStreams(pipeline)


def message(payload, kind=b"MxTools.MxpiTensorPackageList", packages=1):
    made = MxpiDataType.MxpiTensorPackageList()
    for _ in range(packages):
        made.tensorPackageVec.add().tensorVec.add(dataStr=payload)
    item = MxProtobufIn()
    item.key, item.type, item.protobuf = b"appsrc0", kind, made.SerializeToString()
    return InProtobufVector([item])


keys = StringVector([b"m0"])
said["fetch before the first send"] = manager.GetProtobuf(b"s", 0, keys).size()
said["wrong type"] = manager.SendProtobuf(b"s", 0, message(b"", b"MxpiTensorPackageList"))
said["empty list"] = manager.SendProtobuf(b"s", 0, message(b"", packages=0))
said["unknown stream"] = manager.SendProtobuf(b"t", 0, message(b""))
said["unknown source"] = manager.SendProtobuf(b"s", 3, message(b""))
said["wrong size"] = manager.SendProtobuf(b"s", 0, message(b"1234"))
said["its result"] = manager.GetProtobuf(b"s", 0, keys).size()
assert manager.SendProtobuf(b"s", 0, message(b"1234")) == 0
output = manager.GetResult(b"s", 0, 5000)
said["its code"] = output.errorCode
assert b"4 bytes" in output.data
assert b"12 bytes" in output.data
said["other mode"] = manager.SendDataWithUniqueId(b"s", 0, MxDataInput())
said["nothing there"] = manager.GetResult(b"s", 0, 10).errorCode
for name, call in {
    "str": lambda: manager.SendProtobuf("s", 0, message(b"")),
    "keyword": lambda: manager.GetProtobuf(streamName=b"s", outPluginId=0, keyVec=keys),
    "field": lambda: setattr(MxProtobufIn(), "key", "appsrc0"),
}.items():
    try:
        call()
    except TypeError:
        said[name] = "TypeError"
np.savez("results.npz", **{name: np.array(value) for name, value in said.items()})
manager.DestroyAllStreams()
