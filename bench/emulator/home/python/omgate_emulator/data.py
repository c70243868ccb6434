"""Data classes and vectors of StreamManagerApi: the fields, types and refusals of the SDK's SWIG wrappers.

SWIG copies: what is put into a field or a vector is a copy, what is read from there is the thing itself. Text is bytes and nothing
else. An attribute that the class does not have becomes a plain Python attribute that the SDK never sees. The wording of a
TypeError follows SWIG's habit; the exact text is unconfirmed.
"""

from __future__ import annotations

import copy
from typing import Any, Callable, Dict, Iterable, Iterator

from omgate_emulator.arguments import as_bytes, as_float, as_int, as_unsigned


class Field:
    """One field of a data class: its C++ type as a TypeError names it, its first value, and the check of a new one."""

    def __init__(self, cpp: str, default: Callable[[], Any], check: Callable[[Any], Any]) -> None:
        self.cpp = cpp
        self.default = default
        self.check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner = owner.__name__
        self.name = name
        self.slot = f"_omgate_{name}"

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        return instance.__dict__[self.slot]

    def __set__(self, instance: Any, value: Any) -> None:
        try:
            instance.__dict__[self.slot] = self.check(value)
        except TypeError:
            raise TypeError(
                f"in method '{self.owner}_{self.name}_set', argument 2 of type '{self.cpp}'"
            ) from None
        except OverflowError:
            raise OverflowError(
                f"in method '{self.owner}_{self.name}_set', argument 2 of type '{self.cpp}'"
            ) from None


class Struct:
    """Base of the data classes: no arguments, every field at its first value."""

    def __init__(self) -> None:
        for owner in type(self).__mro__:
            for name, field in vars(owner).items():
                if isinstance(field, Field):
                    self.__dict__[f"_omgate_{name}"] = field.default()

    def _omgate_copy(self) -> Struct:
        twin = copy.copy(self)
        for key, value in self.__dict__.items():
            if isinstance(value, (Struct, Vector)):
                twin.__dict__[key] = value._omgate_copy()
        return twin


class ErrorInfo:
    """SetErrorInfo of the classes that have a code and a message."""

    def SetErrorInfo(self, errorCodeIn: int, errorMsgIn: bytes) -> None:
        """Set errorCode and errorMsg."""
        self.errorCode = errorCodeIn
        self.errorMsg = errorMsgIn


def _exactly(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(kind.__name__)
        copied: Any = value
        return copied._omgate_copy()

    return check


def text() -> Field:
    """A std::string field: bytes."""
    return Field("std::string const &", bytes, as_bytes)


def number() -> Field:
    """An int field."""
    return Field("int", int, as_int)


def real() -> Field:
    """A float field, in C's precision."""
    return Field("float", float, as_float)


def member(kind: type) -> Field:
    """A field that is a data class or a vector."""
    return Field(f"{kind.__name__} *", kind, _exactly(kind))


class Vector:
    """A std::vector with SWIG's list-like face. Raises TypeError for an item of another type, IndexError."""

    item: Any = None
    """The type of the items: bytes or a data class."""

    def __init__(self, *args: Any) -> None:
        self._items: list = []
        if len(args) == 1 and isinstance(args[0], int):
            self.resize(args[0])
        elif len(args) == 2 and isinstance(args[0], int):
            self.assign(*args)
        elif len(args) == 1:
            self._items = [self._checked(item) for item in self._sequence(args[0])]
        elif args:
            raise TypeError(
                f"Wrong number or type of arguments for overloaded function 'new_{type(self).__name__}'."
            )

    def _checked(self, value: Any) -> Any:
        if not isinstance(value, self.item):
            name = type(self).__name__
            raise TypeError(f"in method '{name}', argument 2 of type '{name}::value_type const &'")
        return value if isinstance(value, bytes) else value._omgate_copy()

    def _sequence(self, values: Any) -> Iterable[Any]:
        if isinstance(values, (str, bytes)) or not hasattr(values, "__getitem__"):
            raise TypeError(
                f"Wrong number or type of arguments for overloaded function 'new_{type(self).__name__}'."
            )
        return values  # type: ignore[no-any-return]

    def _omgate_copy(self) -> Vector:
        return type(self)(self._items)

    def push_back(self, x: Any) -> None:
        """Append a copy of `x`."""
        self._items.append(self._checked(x))

    append = push_back

    def pop(self) -> Any:
        """Remove and return the last item."""
        if not self._items:
            raise IndexError("pop from empty container")
        return self._items.pop()

    def pop_back(self) -> None:
        """Remove the last item; C++ leaves open what happens to an empty vector, here nothing does."""
        if self._items:
            self._items.pop()

    def size(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def empty(self) -> bool:
        """Whether there is no item."""
        return not self._items

    def capacity(self) -> int:
        """Return room for items."""
        return len(self._items)

    def reserve(self, n: int) -> None:
        """Make room; nothing to do here."""
        as_unsigned(n, 64)

    def clear(self) -> None:
        """Remove all items."""
        self._items.clear()

    def front(self) -> Any:
        """Return the first item."""
        return self._items[0]

    def back(self) -> Any:
        """Return the last item."""
        return self._items[-1]

    def assign(self, n: int, x: Any) -> None:
        """Hold `n` copies of `x` and nothing else."""
        self._items = [self._checked(x) for _ in range(as_unsigned(n, 62))]

    def resize(self, new_size: int, x: Any = None) -> None:
        """Cut, or fill with copies of `x` (with empty items where it is missing)."""
        filler = self.item() if x is None else x
        del self._items[as_unsigned(new_size, 62) :]
        self._items.extend(self._checked(filler) for _ in range(new_size - len(self._items)))

    def swap(self, v: Vector) -> None:
        """Exchange the contents with another vector of the same type."""
        if type(v) is not type(self):
            raise TypeError(f"in method '{type(self).__name__}_swap', argument 2")
        self._items, v._items = v._items, self._items

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(self._items[index])
        return self._items[self._index(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._items[index] = [self._checked(item) for item in self._sequence(value)]
        else:
            self._items[self._index(index)] = self._checked(value)

    def __delitem__(self, index: Any) -> None:
        del self._items[index if isinstance(index, slice) else self._index(index)]

    def _index(self, index: Any) -> int:
        if not isinstance(index, int):
            raise TypeError(
                f"Wrong number or type of arguments for overloaded function '{type(self).__name__}___getitem__'."
            )
        if not -len(self._items) <= index < len(self._items):
            raise IndexError("index out of range")
        return index


class RoiBox(Struct):
    """A region of interest."""

    x0 = real()
    y0 = real()
    x1 = real()
    y1 = real()


class RoiBoxVector(Vector):
    """RoiBox items."""

    item = RoiBox


class StringVector(Vector):
    """bytes items."""

    item = bytes


class MxDataInput(Struct):
    """What SendData and SendDataWithUniqueId send."""

    data = text()
    fragmentId = number()
    customParam = text()
    roiBoxs = member(RoiBoxVector)


class MxDataInputExt(Struct):
    """MxDataInput with frame and vision information (serialised protobuf)."""

    data = text()
    fragmentId = number()
    customParam = text()
    mxpiFrameInfo = text()
    mxpiVisionInfo = text()
    roiBoxs = member(RoiBoxVector)


class MxBufferInput(Struct):
    """The buffer that goes with metadata."""

    data = text()
    mxpiFrameInfo = text()
    mxpiVisionInfo = text()


class MxMetadataInput(Struct):
    """Metadata to send. The document's `datasource` is not a field: assigning it changes nothing that the SDK sees."""

    dataSource = text()
    dataType = text()
    serializedMetadata = text()


class MxProtobufIn(Struct):
    """A message to send; `type` is its full name, b"MxTools.MxpiTensorPackageList"."""

    key = text()
    type = text()
    protobuf = text()


class MxDataOutput(Struct):
    """What GetResult and GetResultWithUniqueId return."""

    errorCode = number()
    data = text()


class MxBufferOutput(ErrorInfo, Struct):
    """A result's buffer."""

    errorCode = number()
    errorMsg = text()
    data = text()


class MxMetadataOutput(ErrorInfo, Struct):
    """A result's metadata."""

    errorCode = number()
    errorMsg = text()
    dataType = text()
    serializedMetadata = text()


class MxProtobufOut(Struct):
    """What GetProtobuf returns, one for each key that the buffer has; messageName is that key."""

    errorCode = number()
    messageName = text()
    messageBuf = text()


class InProtobufVector(Vector):
    """MxProtobufIn items."""

    item = MxProtobufIn


class OutProtobufVector(Vector):
    """MxProtobufOut items."""

    item = MxProtobufOut


class MetadataInputVector(Vector):
    """MxMetadataInput items."""

    item = MxMetadataInput


class MetadataOutputVector(Vector):
    """MxMetadataOutput items."""

    item = MxMetadataOutput


class MxBufferAndMetadataOutput(ErrorInfo, Struct):
    """What GetResult returns when it is asked for metadata."""

    errorCode = number()
    errorMsg = text()
    bufferOutput = member(MxBufferOutput)
    metadataVec = member(MetadataOutputVector)


PUBLIC: Dict[str, type] = {
    kind.__name__: kind
    for kind in (
        RoiBox,
        RoiBoxVector,
        StringVector,
        MxDataInput,
        MxDataInputExt,
        MxBufferInput,
        MxMetadataInput,
        MxProtobufIn,
        MxDataOutput,
        MxBufferOutput,
        MxMetadataOutput,
        MxProtobufOut,
        InProtobufVector,
        OutProtobufVector,
        MetadataInputVector,
        MetadataOutputVector,
        MxBufferAndMetadataOutput,
    )
}
"""What StreamManagerApi exports beside the class of that name."""
