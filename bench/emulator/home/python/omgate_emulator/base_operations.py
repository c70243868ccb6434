"""Operations of the emulated `mindx.sdk.base` on tensors, element by element, and on their axes. Computed on the host, by numpy.

The steps and their roundings are those of an Atlas inference card (Ascend 310P), as far as public sources tell: Vision SDK's
PerElementOperations.cpp and CommonUtils.cpp (what is refused), its operators multiply_custom and divide_custom, CANN's own add, sub and cast.
Floats saturate there: what overflows is the largest number, NaN is 0 (aclrtFloatOverflowMode). What no source tells is marked unconfirmed.
"""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Sequence

import numpy as np

from omgate_emulator.base_tensor import (
    COMPUTED,
    HOST,
    INVALID_PARAMETER,
    KINDS,
    Tensor,
    failed,
    float_argument,
    tensor_argument,
    type_argument,
    wrong_argument,
)

DIMENSIONS = 4
"""Most dimensions of a tensor that is computed with."""


class _DefaultStream:
    """Where operations run: on the device of the first one, for the whole process (Vision SDK, AscendStream::DefaultStream).

    That the device is then that of the first operation's tensors is unconfirmed: the SDK asks for the thread's current device.
    """

    device: Optional[int] = None


def run_on_device(name: str, device: int) -> None:
    """Raises RuntimeError 1004 where operations of this process run on another device."""
    if _DefaultStream.device is None:
        _DefaultStream.device = device
    if device != _DefaultStream.device:
        raise failed(
            f"{name}: the tensor is on device {device}, operations of this process run on {_DefaultStream.device},"
            " where the first one did",
            INVALID_PARAMETER,
        )


def add(inputTensor1: Tensor, inputTensor2: Tensor) -> Tensor:
    """Return the sum of two tensors of one type and shape; uint8 WRAPS around at 256. Raises TypeError, RuntimeError 1004."""
    return _alike("add", inputTensor1, inputTensor2, np.add)


def subtract(inputTensor1: Tensor, inputTensor2: Tensor) -> Tensor:
    """Return the difference; uint8 WRAPS around below 0. Raises TypeError, RuntimeError 1004."""
    return _alike("subtract", inputTensor1, inputTensor2, np.subtract)


def min_operator(inputTensor1: Tensor, inputTensor2: Tensor) -> Tensor:
    """Return the smaller of each two elements (of a number and NaN: unconfirmed). Raises TypeError, RuntimeError 1004."""
    return _alike("min_operator", inputTensor1, inputTensor2, np.minimum)


def max_operator(inputTensor1: Tensor, inputTensor2: Tensor) -> Tensor:
    """Return the larger of each two elements (of a number and NaN: unconfirmed). Raises TypeError, RuntimeError 1004."""
    return _alike("max_operator", inputTensor1, inputTensor2, np.maximum)


def multiply(inputTensor1: Tensor, inputTensor2: Tensor, scale: Optional[float] = None) -> Tensor:
    """Return scale times the product, of the wider type where they have two, which they may with a scale alone.

    uint8 is truncated and kept within 0 to 255; float16 is rounded after each product. Raises TypeError, RuntimeError 1004.
    """
    factor = _scale("multiply", [inputTensor1, inputTensor2], scale)
    return _computed("multiply", [inputTensor1, inputTensor2], _product(factor), one_type=scale is None)


def divide(inputTensor1: Tensor, inputTensor2: Tensor, scale: Optional[float] = None) -> Tensor:
    """Return scale times the quotient, of the wider type where they have two; no divisor may be 0 (what comes then is unconfirmed).

    uint8 is rounded to float16, then down, and kept within 0 to 255. Raises TypeError, RuntimeError 1004.
    """
    factor = _scale("divide", [inputTensor1, inputTensor2], scale)
    return _computed("divide", [inputTensor1, inputTensor2], _quotient(factor), one_type=False)


def clip(inputTensor: Tensor, minVal: float, maxVal: float) -> Tensor:
    """Return the elements within minVal to maxVal; of limits for uint8 the integer part counts. Raises TypeError, RuntimeError 1004."""
    tensor_argument("clip", 1, inputTensor)
    low, high = float_argument("clip", 2, minVal), float_argument("clip", 3, maxVal)
    _check("clip", [inputTensor])
    if low > high:
        raise failed(f"clip: {low} is above {high}", INVALID_PARAMETER)
    values = inputTensor._array()
    if values.dtype == np.uint8:
        # Limits beyond 0 to 255 hold as if they were 0 or 255; on a device unconfirmed.
        low, high = (min(max(limit, 0.0), 255.0) for limit in (low, high))
    run_on_device("clip", inputTensor.device)
    with np.errstate(over="ignore"):
        # Back in uint8 a limit has lost its fraction: as if it had had none.
        kept = np.clip(values.astype(np.float64), low, high).astype(values.dtype)
    return _made(_held(kept), inputTensor.device)


def convert_to(inputTensor: Tensor, dataType: Any) -> Tensor:
    """Return the elements as another type: fractions are cut off, 8 bits WRAP around, int8 to uint8 is the absolute value.

    What a wider integer type can't hold wraps around too, but for floats to int32, which saturate (both unconfirmed). Raises TypeError, and
    RuntimeError 1004 for the type that the tensor has already, no type, and a tensor on the host.
    """
    tensor_argument("convert_to", 1, inputTensor)
    wanted = type_argument("convert_to", 2, dataType)
    if wanted not in KINDS or inputTensor.device == HOST or inputTensor.dtype is wanted:
        raise failed(
            f"convert_to: from {inputTensor.dtype.name} to {wanted.name}, the tensor on device {inputTensor.device};"
            " two types are wanted, and a tensor that is not on the host (-1)",
            INVALID_PARAMETER,
        )
    run_on_device("convert_to", inputTensor.device)
    return _made(_cast(inputTensor._array(), np.dtype(KINDS[wanted])), inputTensor.device)


def transpose_operator(input: Tensor, axes: Sequence[int]) -> Tensor:
    """Return a tensor on a device with its axes in this order, reversed for an empty list. Raises TypeError, RuntimeError 1004."""
    tensor_argument("transpose_operator", 1, input)
    if not isinstance(axes, (list, tuple)) or not all(isinstance(axis, int) for axis in axes):
        raise wrong_argument("transpose_operator", 2, "std::vector< int,std::allocator< int > > const &")
    _check("transpose_operator", [input])
    order = list(axes) or list(reversed(range(len(input.shape))))
    if sorted(order) != list(range(len(input.shape))):
        raise failed(f"transpose_operator: axes {order} for the shape {input.shape}", INVALID_PARAMETER)
    run_on_device("transpose_operator", input.device)
    return _made(input._array().transpose(order), input.device)


def _check(name: str, tensors: Sequence[Tensor], one_type: bool = True) -> None:
    """Raises RuntimeError 1004 for tensors that do not fit, as Vision SDK's CheckGeneralOpParams does."""
    first = tensors[0]
    if not 1 <= len(first.shape) <= DIMENSIONS:
        raise failed(f"{name}: 1 to {DIMENSIONS} dimensions, not {len(first.shape)}", INVALID_PARAMETER)
    for tensor in tensors:
        if tensor.device == HOST:
            raise failed(f"{name}: a tensor is on the host, move it by to_device", INVALID_PARAMETER)
        if tensor.dtype not in COMPUTED:
            raise failed(f"{name}: {tensor.dtype.name} can't be computed with", INVALID_PARAMETER)
        if tensor.device != first.device:
            raise failed(f"{name}: devices {first.device} and {tensor.device}", INVALID_PARAMETER)
        if one_type and tensor.dtype is not first.dtype:
            raise failed(f"{name}: types {first.dtype.name} and {tensor.dtype.name}", INVALID_PARAMETER)
        if tensor.shape != first.shape:
            raise failed(f"{name}: shapes {first.shape} and {tensor.shape}", INVALID_PARAMETER)


def _alike(name: str, one: Tensor, two: Tensor, work: Callable[[Any, Any], Any]) -> Tensor:
    """An operation without a scale, whose tensors have one type."""
    for number, tensor in enumerate((one, two), 1):
        tensor_argument(name, number, tensor)
    return _computed(name, [one, two], lambda first, second: _held(work(first, second)), one_type=True)


def _computed(name: str, tensors: List[Tensor], work: Callable[[Any, Any], Any], one_type: bool) -> Tensor:
    _check(name, tensors, one_type)
    run_on_device(name, tensors[0].device)
    with np.errstate(all="ignore"):
        return _made(work(*(tensor._array() for tensor in tensors)), tensors[0].device)


def _scale(name: str, tensors: Sequence[Any], scale: Any) -> Any:
    """The scale as the operators have it, float32; 1 for none. Raises TypeError for arguments that no overload takes."""
    if all(isinstance(tensor, Tensor) for tensor in tensors) and isinstance(scale, (int, float, type(None))):
        with np.errstate(over="ignore"):
            return np.float32(1 if scale is None else scale)
    raise TypeError(f"Wrong number or type of arguments for overloaded function '{name}'.")


def _product(scale: Any) -> Callable[[Any, Any], Any]:
    def work(one: Any, two: Any) -> Any:
        kind = np.result_type(one.dtype, two.dtype)
        if kind == np.uint8:
            # By way of float16 rounded to odd, which changes no integer part below 256.
            return _byte(np.trunc(_held(_held(one.astype(np.float32) * scale) * two)))
        return _held(_held(one.astype(kind) * two.astype(kind)) * kind.type(scale))

    return work


def _quotient(scale: Any) -> Callable[[Any, Any], Any]:
    def work(one: Any, two: Any) -> Any:
        kind = np.result_type(one.dtype, two.dtype)
        if kind == np.uint8:
            scaled = _held(one.astype(np.float32) * scale)
            return _byte(np.floor(_half(_held(scaled / two.astype(np.float32)))))
        if one.dtype == np.uint8 and kind == np.float16:
            return _half(_held(one.astype(np.float32) * _held(scale / two.astype(np.float32))))
        if one.dtype == np.float16 and kind == np.float32:
            return _held(one.astype(kind) * _held(scale / two))
        return _held(_held(one.astype(kind) * kind.type(scale)) / two.astype(kind))

    return work


def _held(values: Any) -> Any:
    """Floats without infinities and NaN: the largest number, and 0."""
    return np.nan_to_num(values) if values.dtype.kind == "f" else values


def _half(values: Any) -> Any:
    return _held(values.astype(np.float16))


def _byte(values: Any) -> Any:
    return np.clip(values, 0, 255).astype(np.uint8)


def _cast(values: Any, kind: Any) -> Any:
    """Elements as another type, by CANN's Cast."""
    if kind.kind == "b":
        return values != 0
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            return _held(values.astype(kind))
    if values.dtype == np.int8 and kind == np.uint8:
        return np.abs(values.astype(np.int16)).astype(kind)
    if values.dtype.kind != "f":
        return values.astype(kind)
    whole = np.trunc(_held(values.astype(np.float64)))
    if kind.itemsize == 1 or kind == np.int32:
        whole = np.clip(whole, -(2.0**31), 2.0**31 - 1)  # 8 bits are made of an int32
    return np.clip(whole, -(2.0**63), 2.0**63 - 1024).astype(np.int64).astype(kind)


def _made(values: Any, device: int) -> Tensor:
    """A tensor of computed values, of their type."""
    content = np.ascontiguousarray(values)
    text = f"{content.dtype.kind}{content.dtype.itemsize}"
    kind = next(kind for kind, name in KINDS.items() if name == text)
    return Tensor.of(content.tobytes(), kind, content.shape, device)
