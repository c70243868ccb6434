"""The stream worker's own message: it says what protobuf's serialisation of the same list says."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

import tests.bench.emulator.python_home  # noqa: F401 - makes MxpiDataType_pb2 importable
from bench.backends.base import worker_text


@pytest.fixture(scope="module")
def worker() -> Any:
    module = types.ModuleType("stream_worker")
    exec(compile(worker_text("stream"), "stream.py", "exec"), module.__dict__)
    module.__dict__["_messages"] = __import__("MxpiDataType_pb2")
    return module


@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (1, 1, 1, 31), (1, 1, 4, 8), (1, 1, 65, 63), (1, 1, 1024, 1024)]
)
def test_the_message_is_a_list_of_one_tensor(worker: Any, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape).astype("<f4")
    found = worker._messages.MxpiTensorPackageList.FromString(worker._serialized(image))
    wanted = worker._messages.MxpiTensorPackageList()
    tensor = wanted.tensorPackageVec.add().tensorVec.add(
        tensorShape=shape, tensorDataType=0, tensorDataSize=image.nbytes, memType=0, dataStr=image.tobytes()
    )
    assert found == wanted
    assert np.array_equal(
        np.frombuffer(found.tensorPackageVec[0].tensorVec[0].dataStr, "<f4").reshape(shape), image
    )
    assert len(tensor.dataStr) == image.nbytes
