"""The SDK's messages have the public field numbers on the wire."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PYTHON = Path(__file__).parents[3] / "bench" / "emulator" / "python"

PROGRAM = """
import MxpiDataType_pb2 as MxpiDataType
packages = MxpiDataType.MxpiTensorPackageList()
tensor = packages.tensorPackageVec.add().tensorVec.add()
tensor.tensorDataSize, tensor.memType, tensor.dataStr, tensor.tensorDataType = 2, 1, b"ab", -1
tensor.tensorShape.extend([1, 2])
print(packages.DESCRIPTOR.full_name, packages.SerializeToString().hex())
"""


def test_a_tensor_list_on_the_wire() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PYTHON, capture_output=True, text=True, check=True
    )
    tensor = "10022001320201023a02616240" + "ff" * 9 + "01"  # fields 2, 4, 6 (packed), 7, 8 (-1: ten bytes)
    body = f"12{len(tensor) // 2:02x}{tensor}"
    assert run.stdout.split() == ["MxTools.MxpiTensorPackageList", f"0a{len(body) // 2:02x}{body}"]
