"""The SDK's messages have the public field numbers on the wire, under both of their names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.bench.emulator.python_home import PYTHON

PROGRAM = """
import MxpiDataType_pb2 as MxpiDataType
packages = MxpiDataType.MxpiTensorPackageList()
tensor = packages.tensorPackageVec.add().tensorVec.add()
tensor.tensorDataSize, tensor.memType, tensor.dataStr, tensor.tensorDataType = 2, 1, b"ab", -1
tensor.tensorShape.extend([1, 2])
print(packages.DESCRIPTOR.full_name, packages.SerializeToString().hex())
"""

BOTH_NAMES = """
import sys
import mindx.sdk.MxpiDataType_pb2 as new
import MxpiDataType_pb2 as old
assert new.MxpiTensorPackageList is old.MxpiTensorPackageList
assert new.DESCRIPTOR is old.DESCRIPTOR
assert (new.MXPI_MEMORY_HOST_NEW, new.MXPI_DATA_TYPE_FLOAT32) == (4, 1)
assert "numpy" not in sys.modules
"""

STREAM_MANAGER = """
import sys
import StreamManagerApi as old
from mindx.sdk import StreamManagerApi as new
from mindx.sdk.StreamManagerApi import MxDataInput, StreamManagerApi
assert (StreamManagerApi, MxDataInput) == (old.StreamManagerApi, old.MxDataInput)
assert all(getattr(new, name) is getattr(old, name) for name in old.__all__)
assert "numpy" not in sys.modules
"""

NUMBERS = {
    "MxpiMetaHeader": "parentName memberId dataSource",
    "MxpiFrameInfo": "channelId frameId isEos",
    "MxpiVisionList": "visionVec",
    "MxpiVision": "headerVec visionInfo visionData",
    "MxpiVisionInfo": "format width height widthAligned heightAligned resizeType keepAspectRatioScaling preprocessInfo",
    "MxpiVisionData": "dataPtr dataSize deviceId memType freeFunc dataStr dataType matPtr",
    "MxpiObjectList": "objectVec",
    "MxpiObject": "headerVec x0 y0 x1 y1 classVec imageMask",
    "MxpiClassList": "classVec",
    "MxpiClass": "headerVec classId className confidence",
    "MxpiTensorPackageList": "tensorPackageVec",
    "MxpiTensorPackage": "headerVec tensorVec",
    "MxpiTensor": "tensorDataPtr tensorDataSize deviceId memType freeFunc tensorShape dataStr tensorDataType",
    "MxpiFeatureVector": "headerVec featureValues",
    "MxpiCustomData": "headerVec map",
}
"""Fields in the order of their numbers, which begin at 1 and have no holes (Vision SDK's manual)."""


def run(program: str, **environ: str) -> str:
    variables = {**os.environ, "PYTHONPATH": str(PYTHON), "PYTHONDONTWRITEBYTECODE": "1", **environ}
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_a_tensor_list_on_the_wire(implementation: str) -> None:
    tensor = "10022001320201023a02616240" + "ff" * 9 + "01"  # fields 2, 4, 6 (packed), 7, 8 (-1: ten bytes)
    body = f"12{len(tensor) // 2:02x}{tensor}"
    found = run(PROGRAM, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=implementation).split()
    assert found == ["MxTools.MxpiTensorPackageList", f"0a{len(body) // 2:02x}{body}"]


@pytest.mark.parametrize("program", [BOTH_NAMES, STREAM_MANAGER])
def test_both_names_in_one_process(program: str) -> None:
    run(program)


def test_field_numbers() -> None:
    import MxpiDataType_pb2

    for name, fields in NUMBERS.items():
        found = getattr(MxpiDataType_pb2, name).DESCRIPTOR.fields_by_number
        assert [found[number].name for number in range(1, len(found) + 1)] == fields.split(), name


def test_the_generated_file_checks_no_version() -> None:
    """A newer protoc writes a check that stops every older runtime, among them the 4.25.1 that the SDK's manual names."""
    assert "runtime_version" not in (PYTHON / "MxpiDataType_pb2.py").read_text()
