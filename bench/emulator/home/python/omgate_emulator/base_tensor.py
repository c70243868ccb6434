"""Tensors of `mindx.sdk.base`: typed memory that is accounted for as on the host or on the device.

Both are this process's memory; what a program must not do with device memory on a device, it must not do here. Sources: Vision
SDK, mxBase/src/python (PyTensor, Base.i) and the Python API reference.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import sys
from enum import Enum
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from omgate_emulator import log
from omgate_emulator.arguments import as_float
from omgate_emulator.engine import DEVICES, NO_DEVICE

HOST = -1
"""`Tensor.device` of a tensor on the host."""

FAILURE = 1001
INVALID_PARAMETER = 1004
ALLOCATION = 1007


class dtype(Enum):
    """Element types; the numbers are ACL's (5 is not used)."""

    undefined = -1
    float32 = 0
    float16 = 1
    int8 = 2
    int32 = 3
    uint8 = 4
    int16 = 6
    uint16 = 7
    uint32 = 8
    int64 = 9
    uint64 = 10
    double = 11
    bool = 12


TYPES: Dict[str, dtype] = {
    "f4": dtype.float32,
    "f2": dtype.float16,
    "i1": dtype.int8,
    "i4": dtype.int32,
    "u1": dtype.uint8,
    "i2": dtype.int16,
    "u2": dtype.uint16,
    "u4": dtype.uint32,
    "i8": dtype.int64,
    "u8": dtype.uint64,
    "f8": dtype.double,
    "b1": dtype.bool,
}
"""Kind and size of a typestr, without its byte order, which the SDK does not look at."""

SETTABLE: Dict[dtype, Tuple[float, float]] = {
    dtype.uint8: (0, 255),
    dtype.int32: (-(2.0**31), 2.0**31),
    dtype.float16: (-math.inf, math.inf),
    dtype.float32: (-math.inf, math.inf),
}
"""Types that set_tensor_value takes, and the least and the largest value of each: as C floats, in which 2^31 - 1 is 2^31."""

COMPUTED = (dtype.uint8, dtype.float16, dtype.float32)
"""Types that operations take."""

KINDS: Dict[dtype, str] = {kind: text for text, kind in TYPES.items()}


class Tensor:
    """Typed memory with a shape; on the host when it is made, on the device when a model gives it back.

    Made from an object with `__array_interface__`, whose memory is copied WITHOUT looking at its strides and its byte order: give it
    `np.ascontiguousarray(...)`, or the values are scrambled. Raises RuntimeError 1004 (no array, another element type), 1007 (no elements).
    """

    def __init__(self, obj: Any) -> None:
        interface = getattr(obj, "__array_interface__", None)
        given: Dict[str, Any] = interface if isinstance(interface, dict) else {}
        kind = TYPES.get(str(given.get("typestr"))[1:])
        shape, data = given.get("shape"), given.get("data")
        if kind is None or not isinstance(shape, tuple) or not isinstance(data, tuple):
            raise failed(
                f"a Tensor can't be made of this {type(obj).__name__}, which is no array of {', '.join(sorted(TYPES))}",
                INVALID_PARAMETER,
            )
        size = int(KINDS[kind][1:]) * int(np.prod(shape, dtype=np.int64)) if shape else 0
        if not size:
            raise failed("TensorMalloc failed: a tensor without elements", ALLOCATION)
        self._set(raw_bytes(obj, data[0], size), kind, [int(side) for side in shape], HOST)

    @classmethod
    def of(cls, content: Any, kind: dtype, shape: Sequence[int], device: int) -> Tensor:
        """Return a tensor of these bytes, which are copied."""
        tensor = cls.__new__(cls)
        tensor._set(np.frombuffer(content, np.uint8).copy(), kind, list(shape), device)
        return tensor

    def _set(self, content: Any, kind: dtype, shape: List[int], device: int) -> None:
        self.content = content
        self._dtype = kind
        self._shape = shape
        self._device = device
        self._guard: Any = None

    @property
    def device(self) -> int:
        """Number of the device, -1 on the host."""
        return self._device

    @property
    def dtype(self) -> dtype:
        """Element type."""
        return self._dtype

    @property
    def shape(self) -> List[int]:
        """The dimensions."""
        return list(self._shape)

    @property
    def __array_interface__(self) -> Dict[str, Any]:
        return {
            "version": 2,
            "typestr": f"|{KINDS[self._dtype]}",
            "shape": tuple(self._shape),
            "data": (self._address(), 0),
        }

    def _address(self) -> int:
        """Where the elements are. Of a device tensor an address that can't be read: as with the SDK, reading it is a SIGSEGV."""
        if self._device == HOST:
            return int(self.content.ctypes.data)
        if self._guard is None:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
            self._guard = np.frombuffer(mmap.mmap(-1, self.content.nbytes, flags=flags, prot=0), np.uint8)
            sys.stderr.write(
                "emulated mindx.sdk: the memory of a tensor on the device is asked for; reading it on the host crashes"
                " (SIGSEGV), here as on a device: call to_host() first\n"
            )
            sys.stderr.flush()
        return int(self._guard.ctypes.data)

    def to_device(self, deviceId: int) -> None:
        """Move the elements to a device, in place. Raises RuntimeError."""
        if not device_exists(deviceId):
            raise failed(f"No device {deviceId}: the emulated machine has {DEVICES}", NO_DEVICE)
        self._device = deviceId

    def to_host(self) -> None:
        """Move the elements to the host, in place."""
        self._device, self._guard = HOST, None

    def set_tensor_value(self, value: float, dataType: Any) -> None:
        """Set every element of a tensor on a device; of uint8, int32 (whole part of value), float16 and float32 alone.

        Checked in the SDK's order: the type, the range of an integer one, the tensor's type (1004), the place (1001). float16 above 65504 is
        inf (unconfirmed). Raises RuntimeError, TypeError, and OverflowError for a value that is no C float.
        """
        number = float_argument("Tensor_set_tensor_value", 2, value)
        wanted = type_argument("Tensor_set_tensor_value", 3, dataType)
        if wanted not in SETTABLE:
            raise RuntimeError(
                "Invalid Input Tensor dtype, should be one of dtype.uint8,dtype.int32, dtype.float16, dtype.float32"
            )
        low, high = SETTABLE[wanted]
        whole = wanted in (dtype.uint8, dtype.int32)
        if whole and not low <= number <= high:  # NaN, too, which is undefined in the SDK
            raise RuntimeError("Input value exceeds the range of the target data type.")
        if wanted is not self._dtype:
            raise failed(f"set_tensor_value: {wanted} for a tensor of {self._dtype}", INVALID_PARAMETER)
        if self._device == HOST:
            raise failed("SetTensorValue: the tensor is on the host", FAILURE)
        with np.errstate(over="ignore"):
            single = np.dtype(KINDS[wanted]).type(min(int(number), 2**31 - 1) if whole else number)
        self.content = np.full(self._shape, single).reshape(-1).view(np.uint8)

    def _array(self) -> Any:
        return self.content.view(np.dtype(KINDS[self._dtype])).reshape(self._shape)


def batch_concat(inputs: Sequence[Tensor]) -> Tensor:
    """Return the tensors one after the other along the first dimension. Raises TypeError, RuntimeError 1004 where they don't fit."""
    if not isinstance(inputs, (list, tuple)) or not all(isinstance(tensor, Tensor) for tensor in inputs):
        raise wrong_argument(
            "batch_concat", 1, "std::vector< PyBase::Tensor,std::allocator< PyBase::Tensor > > const &"
        )
    kinds = {(tensor._dtype, tuple(tensor._shape[1:]), tensor._device) for tensor in inputs}
    if len(kinds) != 1:
        raise failed("BatchConcat: no tensors, or of several types, shapes or devices", INVALID_PARAMETER)
    joined = np.concatenate([tensor._array() for tensor in inputs])
    return Tensor.of(joined.tobytes(), inputs[0]._dtype, joined.shape, inputs[0]._device)


def transpose(input: Tensor, axes: Sequence[int] = ()) -> Tensor:
    """Return a tensor on the host (2 to 4 dimensions; uint8, float16 or float32) with its axes in this order, reversed where none is given.

    Raises TypeError, RuntimeError 1004.
    """
    tensor_argument("transpose", 1, input)
    order = list(axes) or list(reversed(range(len(input._shape))))
    if input._device != HOST:
        raise failed("Transpose: the tensor is on a device, move it by to_host", INVALID_PARAMETER)
    if input._dtype not in COMPUTED:
        raise failed(f"Transpose: {input._dtype.name} is none of uint8, float16, float32", INVALID_PARAMETER)
    if sorted(order) != list(range(len(input._shape))) or not 2 <= len(order) <= 4:
        raise failed(f"Transpose: axes {order} for the shape {input._shape}", INVALID_PARAMETER)
    turned = np.ascontiguousarray(input._array().transpose(order))
    return Tensor.of(turned.tobytes(), input._dtype, turned.shape, HOST)


def wrong_argument(name: str, number: int, cpp: str) -> TypeError:
    """Return what SWIG's wrapper of a function raises for an argument of another type."""
    return TypeError(f"in method '{name}', argument {number} of type '{cpp}'")


def tensor_argument(name: str, number: int, value: Any) -> None:
    """Raises TypeError for what is no tensor."""
    if not isinstance(value, Tensor):
        raise wrong_argument(name, number, "PyBase::Tensor const &")


def float_argument(name: str, number: int, value: Any) -> float:
    """Return a C float. Raises TypeError, OverflowError."""
    try:
        return as_float(value)
    except (TypeError, OverflowError) as error:
        raise type(error)(f"in method '{name}', argument {number} of type 'float'") from None


def type_argument(name: str, number: int, value: Any) -> dtype:
    """Return an element type, given as such or by its number; `undefined` for a number that is none. Raises TypeError."""
    found = value.value if isinstance(value, Enum) else value
    if not isinstance(found, int):
        raise wrong_argument(name, number, "MxBase::TensorDType const &")
    return next((kind for kind in dtype if kind.value == found), dtype.undefined)


def device_exists(device: int) -> int:
    """True for a device's number."""
    return 0 <= device < DEVICES


def raw_bytes(obj: Any, address: int, size: int) -> Any:
    """Copy `size` bytes from `address` on, whatever the strides say.

    Of a view the bytes may end behind the array that it looks at: undefined in the SDK, zeros here.
    """
    there = size
    if isinstance(obj, np.ndarray):
        root = obj
        while isinstance(root.base, np.ndarray):
            root = root.base
        sides = [(side - 1) * step for side, step in zip(root.shape, root.strides)]  # noqa: B905
        end = root.ctypes.data + sum(step for step in sides if step > 0) + root.itemsize
        there = min(size, end - address)
    content = np.zeros(size, np.uint8)
    ctypes.memmove(content.ctypes.data, address, there)
    return content


def failed(text: str, code: int) -> RuntimeError:
    """Log an error and return the exception that names its code, as the SDK's binding does."""
    log.error(text, "base.py:1", code)
    return RuntimeError(log.error_text(code))
