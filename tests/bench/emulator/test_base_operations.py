"""Operations on tensors of the emulated `mindx.sdk.base`, by hand and against numpy; what they refuse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.bench.emulator.python_home import PYTHON

INVALID = r" \(Code = 1004, Message = \"Invalid parameter\"\) "
ONE = np.array([[250, 7, 0, 9], [1, 2, 3, 200]])
TWO = np.array([[10, 2, 5, 4], [3, 1, 3, 100]])
MOST_HALF, MOST = 65504.0, float(np.finfo(np.float32).max)


@pytest.fixture
def base() -> Any:
    from mindx.sdk import base

    return base


def on_device(base: Any, values: Any, kind: str, device: int = 0) -> Any:
    tensor = base.Tensor(np.ascontiguousarray(values, kind))
    tensor.to_device(device)
    return tensor


def values(tensor: Any) -> np.ndarray:
    assert tensor.device == 0
    tensor.to_host()
    return np.array(tensor)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("add", [[4, 9, 5, 13], [4, 3, 6, 44]]),  # 260 and 300 wrap around
        ("subtract", [[240, 5, 251, 5], [254, 1, 0, 100]]),
        ("multiply", [[255, 14, 0, 36], [3, 2, 9, 255]]),
        ("divide", [[25, 3, 0, 2], [0, 2, 1, 2]]),
        ("min_operator", [[10, 2, 0, 4], [1, 1, 3, 100]]),
        ("max_operator", [[250, 7, 5, 9], [3, 2, 3, 200]]),
    ],
)
def test_bytes_wrap_or_stay_within_their_range(base: Any, name: str, expected: Any) -> None:
    found = getattr(base, name)(on_device(base, ONE, "uint8"), on_device(base, TWO, "uint8"))
    assert (found.dtype, found.shape) == (base.uint8, [2, 4])
    assert values(found).tolist() == expected


@pytest.mark.parametrize("kind", ["float16", "float32"])
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "min_operator", "max_operator"])
def test_floats_are_numpys(base: Any, name: str, kind: str) -> None:
    work = getattr(np, {"min_operator": "minimum", "max_operator": "maximum"}.get(name, name))
    first, second = (ONE / 7).astype(kind), (TWO / 3).astype(kind)
    found = getattr(base, name)(on_device(base, first, kind), on_device(base, second, kind))
    assert found.dtype is getattr(base, kind)
    assert (values(found) == work(first, second)).all()


def test_scales(base: Any) -> None:
    one, two = on_device(base, [[7, 9, 3]], "uint8"), on_device(base, [[3, 2, 1]], "uint8")
    assert values(base.multiply(one, two, 0.5)).tolist() == [[10, 9, 1]]  # 10.5 and 1.5 are cut off
    assert values(base.multiply(one, two, -1)).tolist() == [[0, 0, 0]]
    assert values(base.divide(one, two, 2)).tolist() == [[4, 9, 6]]
    # 127.98 has no place in float16 and becomes 128 before it is rounded down
    quotient = base.divide(on_device(base, [[100]], "uint8"), on_device(base, [[1]], "uint8"), scale=1.2798)
    assert values(quotient).tolist() == [[128]]


def test_half_is_rounded_after_each_step(base: Any) -> None:
    one, two = np.float16(1.001), np.float16(3.003)
    tensors = [on_device(base, [[value]], "float16") for value in (one, two)]
    step = np.float16(one * two)
    assert values(base.multiply(*tensors, 0.1)) == np.float16(step * np.float16(0.1))
    assert values(base.divide(*tensors, 0.1)) == np.float16(np.float16(one * np.float16(0.1)) / two)


@pytest.mark.parametrize(
    ("first", "second", "wide"),
    [
        ("uint8", "float16", "float16"),
        ("float16", "uint8", "float16"),
        ("uint8", "float32", "float32"),
        ("float32", "float16", "float32"),
        ("float16", "float32", "float32"),
    ],
)
def test_two_types_give_the_wider(base: Any, first: str, second: str, wide: str) -> None:
    one, two = ONE.astype(first), TWO.astype(second)
    for name, exact in (("multiply", ONE * TWO * 0.25), ("divide", ONE * 0.25 / TWO)):
        tensors = on_device(base, one, first), on_device(base, two, second)
        found = getattr(base, name)(*tensors, 0.25)
        assert found.dtype is getattr(base, wide)
        np.testing.assert_allclose(values(found), exact, rtol=2e-3 if wide == "float16" else 3e-7)
    with pytest.raises(RuntimeError, match=INVALID):
        base.multiply(on_device(base, one, first), on_device(base, two, second))


def test_a_quotient_of_mixed_types_takes_the_devices_way(base: Any) -> None:
    scale, three = np.float32(0.1), np.float32(3)
    found = base.divide(on_device(base, [[3]], "float16"), on_device(base, [[3]], "float32"), 0.1)
    assert values(found) == three * (scale / three)
    assert three * (scale / three) != three * scale / three


def test_floats_saturate(base: Any) -> None:
    zero = on_device(base, [[0, 0]], "float16")
    assert values(base.divide(on_device(base, [[1, -1]], "float16"), zero)).tolist() == [
        [MOST_HALF, -MOST_HALF]
    ]
    zero = on_device(base, [[0, 0]], "float16")
    assert values(base.divide(on_device(base, [[0, 2]], "float16"), zero)).tolist() == [[0, MOST_HALF]]
    large = on_device(base, [[3e38]], "float32")
    assert values(base.add(large, on_device(base, [[3e38]], "float32"))).tolist() == [[MOST]]
    bytes_ = on_device(base, [[5, 0]], "uint8"), on_device(base, [[0, 0]], "uint8")
    assert values(base.divide(*bytes_)).tolist() == [[255, 0]]


def test_clip(base: Any) -> None:
    given = [[1, 7, 4, 200]]
    assert values(base.clip(on_device(base, given, "uint8"), 3, 6)).tolist() == [[3, 6, 4, 6]]
    assert values(base.clip(on_device(base, given, "uint8"), 3.9, 6.9)).tolist() == [[3, 6, 4, 6]]
    assert values(base.clip(on_device(base, given, "uint8"), -5, 1e9)).tolist() == given
    halves = values(base.clip(on_device(base, given, "float16"), 1.1, 6.6))
    assert (halves == np.array([[1.1, 6.6, 4, 6.6]], np.float16)).all()
    with pytest.raises(RuntimeError, match=INVALID):
        base.clip(on_device(base, given, "uint8"), 6, 3)
    for wrong, error in (("3", TypeError), (1e39, OverflowError)):
        with pytest.raises(error, match="in method 'clip', argument 2 of type 'float'"):
            base.clip(on_device(base, given, "uint8"), wrong, 6)


@pytest.mark.parametrize(
    ("source", "target", "given", "expected"),
    [
        ("uint8", "int16", [1, 7, 200], [1, 7, 200]),
        ("uint8", "float16", [1, 7, 200], [1, 7, 200]),
        ("float32", "uint8", [1.9, 300, -4, -1.5], [1, 44, 252, 255]),
        ("float16", "uint8", [1.9, 300, -4], [1, 44, 252]),
        ("float32", "int8", [129.5, -129], [-127, 127]),
        ("float32", "int32", [1.9, -1.9, 3e9, -3e9], [1, -1, 2**31 - 1, -(2**31)]),
        ("float32", "float16", [0.1, 1e6, -np.inf, np.nan], [np.float16(0.1), MOST_HALF, -MOST_HALF, 0]),
        ("int32", "uint8", [256, -1], [0, 255]),
        ("int8", "uint8", [-4, 5, -128], [4, 5, 128]),
        ("int64", "double", [2**40], [2.0**40]),
        ("float32", "bool", [0, 0.25, -1], [False, True, True]),
        ("bool", "float32", [True, False], [1, 0]),
    ],
)
def test_types(base: Any, source: str, target: str, given: list[Any], expected: list[Any]) -> None:
    found = base.convert_to(on_device(base, given, source), getattr(base, target))
    assert found.dtype is getattr(base, target)
    assert values(found).tolist() == expected


def test_types_that_do_not_fit(base: Any) -> None:
    tensor = on_device(base, ONE, "uint8")
    assert base.convert_to(tensor, 6).dtype is base.int16
    for wrong in (base.uint8, base.undefined, 5, 99):
        with pytest.raises(RuntimeError, match=INVALID):
            base.convert_to(tensor, wrong)
    with pytest.raises(RuntimeError, match=INVALID):
        base.convert_to(base.Tensor(ONE), base.uint8)
    with pytest.raises(TypeError, match="argument 2 of type 'MxBase::TensorDType const &'"):
        base.convert_to(tensor, "int16")


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "min_operator", "max_operator"])
def test_what_does_not_fit_is_refused(base: Any, name: str) -> None:
    work: Callable[..., Any] = getattr(base, name)
    good = on_device(base, ONE, "uint8")
    five = on_device(base, ONE.reshape(1, 2, 2, 2, 1), "uint8")
    wrong = [
        (base.Tensor(ONE.astype(np.uint8)), base.Tensor(ONE.astype(np.uint8))),
        (base.Tensor(ONE.astype(np.uint8)), good),
        (good, base.Tensor(ONE.astype(np.uint8))),
        (good, on_device(base, ONE, "uint8", 1)),
        (on_device(base, ONE, "int64"), on_device(base, ONE, "int64")),
        (on_device(base, ONE.T, "uint8"), good),
        (five, five),
    ]
    if name != "divide":
        wrong.append((on_device(base, ONE, "float16"), good))
    for pair in wrong:
        with pytest.raises(RuntimeError, match=INVALID):
            work(*pair)
    text = f"in method '{name}', argument 2 of type 'PyBase::Tensor const &'"
    if name in ("multiply", "divide"):
        text = f"Wrong number or type of arguments for overloaded function '{name}'"
        with pytest.raises(TypeError, match=text):
            work(good, good, "2")
    with pytest.raises(TypeError, match=text):
        work(good, [])


def test_axes(base: Any) -> None:
    cube = np.arange(24).reshape(2, 3, 4)
    for axes, expected in (([1, 0, 2], cube.transpose(1, 0, 2)), ([], cube.T)):
        found = base.transpose_operator(input=on_device(base, cube, "float16"), axes=axes)
        assert (values(found) == expected).all()
    for tensor, wrong in (
        (on_device(base, cube, "uint8"), [0, 0, 1]),
        (on_device(base, cube, "uint8"), [0, 1]),
        (on_device(base, cube, "int32"), [1, 0, 2]),
        (on_device(base, cube.reshape(2, 3, 2, 2, 1), "uint8"), [0, 1, 2, 3, 4]),
        (base.Tensor(cube.astype(np.uint8)), [1, 0, 2]),
    ):
        with pytest.raises(RuntimeError, match=INVALID):
            base.transpose_operator(tensor, wrong)
    with pytest.raises(
        TypeError, match="argument 2 of type 'std::vector< int,std::allocator< int > > const &'"
    ):
        base.transpose_operator(on_device(base, cube, "uint8"), [0.0, 1, 2])


def test_a_process_computes_on_one_device() -> None:
    program = """
import numpy as np
from mindx.sdk import base
def tensor(device):
    made = base.Tensor(np.ones((2, 2), np.uint8))
    made.to_device(device)
    return made
print(base.add(tensor(2), tensor(2)).device)
try:
    base.add(tensor(0), tensor(0))
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PYTHON)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-2:] == ["2", ' (Code = 1004, Message = "Invalid parameter") ']
