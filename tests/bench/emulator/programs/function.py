"""The newer interface: nodes called with what they read from, three sources into one model, both libraries in one program."""

import MxpiDataType_pb2 as MxpiDataType
import numpy as np
from mindx.sdk.stream import BufferInput, FunctionalStream, MetadataInput, PluginNode

NAMES = ("ids", "mask", "segments")
sources = [PluginNode("appsrc") for _ in NAMES]
model = PluginNode(
    "mxpi_tensorinfer", {"dataSource": "appsrc0,appsrc1,appsrc2", "modelPath": "model/text.om"}
)
sink = PluginNode("appsink")(model(*sources))
server = FunctionalStream("server", sources, [sink])
server.set_device_id("0")
server.build()
inputs = np.load("inputs.npz")
logits = []
for row in range(len(inputs["ids"])):
    for number, name in enumerate(NAMES):
        packages = MxpiDataType.MxpiTensorPackageList()
        tensor = packages.tensorPackageVec.add().tensorVec.add()
        tensor.dataStr = inputs[name][row].tobytes()
        tensor.deviceId = 0
        tensor.memType = 0
        item = MetadataInput()
        item.data_source = "appsrc%d" % number
        item.data_type = "MxTools.MxpiTensorPackageList"
        item.serialized_metadata = packages.SerializeToString()
        server.send("appsrc%d" % number, [item], BufferInput())
    result = server.get_result("appsink0", ["mxpi_tensorinfer0"], 9000)
    if result.error_code:
        raise SystemExit(result.error_msg)
    for metadata in result.metadata_list:
        packages = MxpiDataType.MxpiTensorPackageList()
        packages.ParseFromString(metadata.get_byte_data())
        logits.append(np.frombuffer(packages.tensorPackageVec[0].tensorVec[0].dataStr, np.float32))
server.stop()
np.savez("results.npz", logits=logits)
