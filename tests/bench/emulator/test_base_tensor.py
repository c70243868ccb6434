"""Tensors of the emulated `mindx.sdk.base`: what goes in and out, where they are, and what changes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.bench.emulator import python_home  # noqa: F401 - finds the modules

X = np.array([[1.5, -2.25, 7]], np.float32)


@pytest.fixture
def base() -> Any:
    from mindx.sdk import base

    return base


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"])
def test_every_element_type_goes_in_and_out(base: Any, kind: str) -> None:
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(kind)
    tensor = base.Tensor(array)
    assert (tensor.device, tensor.shape) == (-1, [2, 3])
    assert tensor.__array_interface__["typestr"] == f"|{kind}"
    back = np.array(tensor)
    assert back.dtype == np.dtype(kind)
    np.testing.assert_array_equal(back, array)
    array[:] = 1
    assert np.array(tensor)[0, 0] == 0  # A copy.


@pytest.mark.parametrize(
    ("obj", "code"),
    [
        (np.zeros(2, np.complex64), 1004),
        (np.array(["text"]), 1004),
        ([1.0, 2.0], 1004),
        (b"bytes", 1004),
        (None, 1004),
        (np.zeros((0, 3), np.float32), 1007),
        (np.array(1.0), 1007),
    ],
)
def test_what_is_no_array_or_has_no_elements(base: Any, obj: Any, code: int) -> None:
    with pytest.raises(RuntimeError, match=rf"^ \(Code = {code}, Message = "):
        base.Tensor(obj)


def test_strides_are_ignored(base: Any) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(np.array(base.Tensor(array.T)), [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(np.array(base.Tensor(array[:, 1:])), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(np.array(base.Tensor(np.ascontiguousarray(array.T))), array.T)
    # Behind the end of the memory is what the SDK leaves undefined: zeros here, not a crash.
    np.testing.assert_array_equal(np.array(base.Tensor(array[0, ::-1])), [2, 3, 4])
    np.testing.assert_array_equal(np.array(base.Tensor(array[1, ::-1])), [5, 0, 0])


def test_the_byte_order_is_ignored(base: Any) -> None:
    array = np.array([1, 256], ">i4")
    np.testing.assert_array_equal(np.array(base.Tensor(array)), array.view("<i4"))


def test_moving_between_host_and_device(base: Any) -> None:
    tensor = base.Tensor(X)
    assert tensor.to_device(0) is None
    assert tensor.device == 0
    tensor.to_device(3)
    assert tensor.device == 3
    with pytest.raises(RuntimeError, match="Code = 1004"):
        tensor.to_device(4)
    assert tensor.to_host() is None
    np.testing.assert_array_equal(np.array(tensor), X)


def test_transpose_concat_and_set(base: Any) -> None:
    array = np.arange(24, dtype=np.float16).reshape(2, 3, 4)
    tensor = base.Tensor(array)
    np.testing.assert_array_equal(np.array(base.transpose(tensor, [1, 2, 0])), array.transpose(1, 2, 0))
    np.testing.assert_array_equal(np.array(base.transpose(tensor)), array.T)
    joined = base.batch_concat([tensor, tensor])
    assert joined.dtype is base.dtype.float16
    np.testing.assert_array_equal(np.array(joined), np.concatenate([array, array]))
    for refused in (
        lambda: base.transpose(tensor, [0, 0, 1]),
        lambda: base.transpose(base.Tensor(array.astype(np.int16)), [1, 2, 0]),
        lambda: base.transpose(base.Tensor(array.reshape(2, 3, 2, 2, 1)), [4, 3, 2, 1, 0]),
        lambda: base.batch_concat([]),
        lambda: base.batch_concat([tensor, base.Tensor(X)]),
    ):
        with pytest.raises(RuntimeError, match="Code = 1004"):
            refused()
    for mistaken in (lambda: base.transpose(array, [1, 2, 0]), lambda: base.batch_concat([array, array])):
        with pytest.raises(TypeError, match=r"in method '.*', argument 1 of type"):
            mistaken()
    tensor.to_device(0)
    with pytest.raises(RuntimeError, match="Code = 1004"):
        base.transpose(tensor, [1, 2, 0])


def test_one_value_for_all_elements(base: Any) -> None:
    half = base.Tensor(np.zeros((2, 2), np.float16))
    half.to_device(0)
    half.set_tensor_value(0.1, base.float16)
    half.to_host()
    np.testing.assert_array_equal(np.array(half), np.full((2, 2), 0.1, np.float16))
    for value, kind, why in (
        (1, base.int16, "Invalid Input Tensor dtype, should be one of"),
        (1, 5, "Invalid Input Tensor dtype, should be one of"),
        (256, base.uint8, "exceeds the range of the target data type"),
        (float("nan"), base.uint8, "exceeds the range of the target data type"),
        (1, base.float32, r"\(Code = 1004, Message = \"Invalid parameter\"\)"),
        (1, base.float16, r"\(Code = 1001, Message = \"General Failed\"\)"),
    ):
        with pytest.raises(RuntimeError, match=why):
            half.set_tensor_value(value, kind)
    half.to_device(0)
    with pytest.raises(RuntimeError, match=r"\(Code = 1004, Message = \"Invalid parameter\"\)"):
        half.set_tensor_value(1, base.uint8)
    wrong: list[tuple[Any, Any, int]] = [("1", base.float16, 2), (1, "float16", 3)]
    for value, kind, number in wrong:
        with pytest.raises(
            TypeError, match=f"in method 'Tensor_set_tensor_value', argument {number} of type"
        ):
            half.set_tensor_value(value, kind)
    with pytest.raises(OverflowError, match="argument 2 of type 'float'"):
        half.set_tensor_value(1e39, base.float16)


def test_a_value_is_cut_off_for_integers(base: Any) -> None:
    for value, kind, expected in ((2.9, "uint8", 2), (-2.9, "int32", -2), (2**31 - 1, "int32", 2**31 - 1)):
        tensor = base.Tensor(np.zeros(3, kind))
        tensor.to_device(0)
        tensor.set_tensor_value(value, getattr(base, kind))
        tensor.to_host()
        assert np.array(tensor).tolist() == [expected] * 3
