"""Data classes and vectors: SWIG's types and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.emulator import python_home

assert python_home.PYTHON.is_dir()
import MxpiDataType_pb2  # noqa: E402
import StreamManagerApi as module  # noqa: E402
from google.protobuf.message import DecodeError  # noqa: E402
from omgate_emulator.tensors import parse_tensors, received_tensors  # noqa: E402

TEXT = {
    "MxDataInput": "data customParam",
    "MxDataInputExt": "data customParam mxpiFrameInfo mxpiVisionInfo",
    "MxBufferInput": "data mxpiFrameInfo mxpiVisionInfo",
    "MxMetadataInput": "dataSource dataType serializedMetadata",
    "MxProtobufIn": "key type protobuf",
    "MxDataOutput": "data",
    "MxBufferOutput": "errorMsg data",
    "MxMetadataOutput": "errorMsg dataType serializedMetadata",
    "MxBufferAndMetadataOutput": "errorMsg",
    "MxProtobufOut": "messageName messageBuf",
}
NUMBERS = {
    "MxDataInput": "fragmentId",
    "MxDataInputExt": "fragmentId",
    "MxDataOutput": "errorCode",
    "MxBufferOutput": "errorCode",
    "MxMetadataOutput": "errorCode",
    "MxBufferAndMetadataOutput": "errorCode",
    "MxProtobufOut": "errorCode",
}
VECTORS = {
    "StringVector": bytes,
    "InProtobufVector": module.MxProtobufIn,
    "OutProtobufVector": module.MxProtobufOut,
    "RoiBoxVector": module.RoiBox,
    "MetadataInputVector": module.MxMetadataInput,
    "MetadataOutputVector": module.MxMetadataOutput,
}


@pytest.mark.parametrize(("name", "field"), [(n, f) for n, fields in TEXT.items() for f in fields.split()])
def test_text_is_bytes_and_nothing_else(name: str, field: str) -> None:
    item = getattr(module, name)()
    assert getattr(item, field) == b""
    setattr(item, field, b"1\0")
    for wrong in ("1", bytearray(b"1"), memoryview(b"1"), None, 1):
        with pytest.raises(
            TypeError, match=rf"{name}_{field}_set', argument 2 of type 'std::string const &'"
        ):
            setattr(item, field, wrong)
    assert getattr(item, field) == b"1\0"


@pytest.mark.parametrize(("name", "field"), list(NUMBERS.items()))
def test_numbers_are_c_ints(name: str, field: str) -> None:
    item = getattr(module, name)()
    assert getattr(item, field) == 0
    setattr(item, field, -(1 << 31))
    with pytest.raises(TypeError):
        setattr(item, field, 1.0)
    with pytest.raises(OverflowError):
        setattr(item, field, 1 << 31)
    assert getattr(item, field) == -(1 << 31)


def test_boxes_are_floats_and_what_is_put_in_is_copied() -> None:
    box, boxes, item = module.RoiBox(), module.RoiBoxVector(), module.MxDataInput()
    box.x0, box.y1 = 1, 0.1
    boxes.push_back(box)
    item.roiBoxs = boxes
    box.x0 = 2
    boxes.pop_back()
    assert (len(boxes), item.roiBoxs.size(), item.roiBoxs[0].x0) == (0, 1, 1.0)
    assert item.roiBoxs[0].y1 == pytest.approx(0.1, abs=1e-8)
    assert item.roiBoxs[0].y1 != 0.1
    item.roiBoxs[0].x0 = 5  # read: the thing itself
    assert item.roiBoxs[0].x0 == 5
    with pytest.raises(TypeError):
        item.roiBoxs = [box]


def test_an_unknown_attribute_is_python_s_own() -> None:
    item = module.MxMetadataInput()
    item.datasource = b"x"
    assert (item.datasource, item.dataSource) == (b"x", b"")


def test_error_infos_and_nested_results() -> None:
    output = module.MxBufferAndMetadataOutput()
    output.SetErrorInfo(7, b"seven")
    output.bufferOutput.SetErrorInfo(8, b"eight")
    output.metadataVec.push_back(module.MxMetadataOutput())
    assert (output.errorCode, output.errorMsg) == (7, b"seven")
    assert (output.bufferOutput.errorCode, output.metadataVec.size()) == (8, 1)
    output.bufferOutput = module.MxBufferOutput()
    assert output.bufferOutput.errorCode == 0


@pytest.mark.parametrize("name", list(VECTORS))
def test_vectors_are_list_like_and_typed(name: str) -> None:
    kind, item = getattr(module, name), VECTORS[name]
    vector = kind([item(), item()])
    vector.push_back(item())
    vector.append(item())
    assert (len(vector), vector.size(), bool(vector), vector.empty()) == (4, 4, True, False)
    assert isinstance(vector[1:3], kind)
    assert len(vector[1:3]) == 2
    assert all(isinstance(found, item) for found in vector)
    vector.pop()
    del vector[0]
    assert kind(vector).size() == 2
    for wrong in ("text", 1, None, module.MxDataInput()):
        with pytest.raises(TypeError):
            vector.push_back(wrong)
        with pytest.raises(TypeError):
            kind([wrong])
        with pytest.raises(TypeError):
            vector[0] = wrong
    for index in (2, -3):
        with pytest.raises(IndexError):
            vector[index]
    vector.clear()
    with pytest.raises(IndexError, match="pop from empty container"):
        vector.pop()
    with pytest.raises(TypeError):
        kind("text")
    assert kind(3).size() == 3


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("SendData", ("s", 0, module.MxDataInput())),
        ("SendData", (b"s", "0", module.MxDataInput())),
        ("SendData", (b"s", 0, b"data")),
        ("SendData", (b"s", 0, module.MetadataInputVector(), module.MxBufferInput())),
        ("SendData", (b"s", 0, module.MxDataInputExt())),
        ("SendData", (b"s", 0)),
        ("SendProtobuf", (b"s", 0, ["text"])),
        ("SendProtobuf", (b"s", 0.0, module.InProtobufVector())),
        ("GetResult", ("s", 0)),
        ("GetResult", (b"s", 0, -1)),
        ("GetResult", (b"s", b"appsink0")),
        ("GetProtobuf", (b"s", 0, ["k"])),
        ("GetProtobuf", (b"s", b"appsink0", [b"k"])),
        ("GetProtobuf", (b"s", 0, b"k")),
        ("SendDataWithUniqueId", (b"s", None, module.MxDataInput())),
        ("GetResultWithUniqueId", (b"s", 0)),
        ("GetResultWithUniqueId", ("s", 0, 1)),
        ("CreateMultipleStreams", ("{}",)),
        ("CreateMultipleStreamsFromFile", ("x",)),
        ("StopStream", ("s",)),
        ("InitManager", (["--gst-debug=1"],)),
    ],
)
def test_arguments_of_other_types_are_refused(method: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=method):
        getattr(module.StreamManagerApi(), method)(*arguments)


def test_arguments_have_no_names_and_an_id_is_not_negative() -> None:
    api = module.StreamManagerApi()
    with pytest.raises(TypeError):
        api.GetResult(streamName=b"s", outPluginId=0)
    with pytest.raises(TypeError):
        api.GetProtobuf(streamName=b"s", outPluginId=0, keyVec=[b"k"])
    with pytest.raises(OverflowError, match="argument 3 of type 'unsigned long'"):
        api.GetResultWithUniqueId(b"s", -1, 1)


def package_list(sizes: list[list[int]]) -> Any:
    message = MxpiDataType_pb2.MxpiTensorPackageList()
    for package in sizes:
        added = message.tensorPackageVec.add()
        added.headerVec.add(dataSource="appsrc0", memberId=-1)
        for size in package:
            added.tensorVec.add(
                dataStr=bytes(range(256)) * (size // 256) + bytes(size % 256), tensorShape=[1, size]
            )
    return message


@given(st.lists(st.lists(st.sampled_from([0, 1, 127, 128, 300, 70000]), max_size=3), max_size=3))
def test_payloads_are_views_and_the_message_is_the_same_with_them(sizes: list[list[int]]) -> None:
    serialised = package_list(sizes).SerializeToString()
    found = parse_tensors(serialised)
    assert [[len(payload) for payload in package] for package in found.payloads] == sizes
    assert all(payload.obj is serialised for package in found.payloads for payload in package if len(payload))
    whole = MxpiDataType_pb2.MxpiTensorPackageList.FromString(found.SerializeToString())
    assert whole == MxpiDataType_pb2.MxpiTensorPackageList.FromString(serialised)
    assert found.count == sum(map(len, sizes))


@given(st.binary(max_size=60))
def test_what_protobuf_takes_is_taken_and_nothing_else(content: bytes) -> None:
    try:
        expected = MxpiDataType_pb2.MxpiTensorPackageList.FromString(content)
    except DecodeError:
        with pytest.raises(DecodeError):
            parse_tensors(content)
        return
    found = parse_tensors(content)
    assert found.message.tensorPackageVec.__len__() == len(expected.tensorPackageVec) == len(found.payloads)


def test_sizes_and_memory_of_a_sender_do_not_count() -> None:
    message = package_list([[3]])
    tensor = message.tensorPackageVec[0].tensorVec[0]
    tensor.tensorDataSize, tensor.memType, tensor.deviceId, tensor.tensorDataType = 1, 1, 2, 7
    found = received_tensors(message.SerializeToString()).message.tensorPackageVec[0].tensorVec[0]
    assert (found.tensorDataSize, found.memType, found.deviceId, found.tensorDataType) == (3, 3, 2, 7)
