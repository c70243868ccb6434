"""The newer interface: a stream put together from nodes, text as str."""

import numpy as np
from mindx.sdk import stream
from mindx.sdk.MxpiDataType_pb2 import MxpiTensorPackageList

sequence = stream.SequentialStream("sequence")
sequence.set_device_id("0")
sequence.add(stream.PluginNode("appsrc"))
sequence.add(
    stream.PluginNode("mxpi_tensorinfer", {"dataSource": "appsrc0", "modelPath": "model/scaled.om"}, "infer")
)
sequence.add(stream.PluginNode("appsink"))
sequence.build()
rows = []
for row in np.load("inputs.npz")["x"]:
    packages = MxpiTensorPackageList()
    packages.tensorPackageVec.add().tensorVec.add(dataStr=row.tobytes(), tensorShape=row[None].shape)
    metadata = stream.MetadataInput()
    metadata.data_source = "appsrc0"
    metadata.data_type = "MxTools.MxpiTensorPackageList"
    metadata.serialized_metadata = packages.SerializeToString()
    sequence.send("appsrc0", [metadata], stream.BufferInput())
    output = sequence.get_result("appsink0", ["infer"], 5000)
    assert output.error_code == 0, output.error_msg
    packages.ParseFromString(output.metadata_list[0].get_byte_data())
    rows.append(np.frombuffer(packages.tensorPackageVec[0].tensorVec[0].dataStr, np.float32))
sequence.stop()
np.savez("results.npz", y=rows)
