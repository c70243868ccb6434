"""Data classes of mindx.sdk.stream: as those of StreamManagerApi, but lenient about text.

A text field takes str or bytes; it gives str where the content is UTF-8 and bytes where it is not, so that what a program reads from
one field changes its type with the content (Vision SDK: its patch of the SWIG wrappers). `get_byte_data` always gives bytes.
"""

from __future__ import annotations

from typing import Any, Union

from omgate_emulator.data import Field, Struct, Vector, member, number, real

Text = Union[str, bytes]


def as_text(value: Any) -> bytes:
    """Return str or bytes as bytes. Raises TypeError."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return value
    raise TypeError("std::string const &")


def from_text(value: bytes) -> Text:
    """Return bytes as str where they are UTF-8."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


class TextField(Field):
    """A field that takes str and bytes."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        return from_text(instance.__dict__[self.slot])


def text() -> Field:
    """A text field, empty at first."""
    return TextField("std::string const &", bytes, as_text)


def items(kind: type) -> Field:
    """A vector field that takes a list of its items, too."""

    def check(value: Any) -> Any:
        copied: Any = value if isinstance(value, kind) else kind(value)
        return copied._omgate_copy()

    return Field(f"{kind.__name__} *", kind, check)


def raw(holder: Struct, name: str) -> bytes:
    """Return a text field's bytes, whatever they are."""
    return bytes(holder.__dict__[f"_omgate_{name}"])


def text_of(holder: Struct, name: str) -> str:
    """Return a text field as str, with surrogates for what is no UTF-8."""
    return raw(holder, name).decode("utf-8", "surrogateescape")


class ErrorInfo:
    """set_error_info of the classes that have a code and a message."""

    def set_error_info(self, errorCode: int, errorMsg: Text) -> None:
        """Set error_code and error_msg."""
        self.error_code = errorCode
        self.error_msg = errorMsg


class CropRoiBox(Struct):
    """A region of interest."""

    x0 = real()
    y0 = real()
    x1 = real()
    y1 = real()


class CropRoiBoxVector(Vector):
    """CropRoiBox items."""

    item = CropRoiBox


class StringVector(Vector):
    """Text items; str goes in as bytes and comes out as `from_text` says."""

    item = bytes

    def _checked(self, value: Any) -> Any:
        return super()._checked(value.encode() if isinstance(value, str) else value)

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return from_text(found) if isinstance(found, bytes) else found

    def __iter__(self) -> Any:
        return (from_text(item) for item in self._items)


class MetadataInput(Struct):
    """Metadata to send; `data_type` as in "MxTools.MxpiTensorPackageList"."""

    data_source = text()
    data_type = text()
    serialized_metadata = text()


class MetadataInputVector(Vector):
    """MetadataInput items."""

    item = MetadataInput


class BufferInput(Struct):
    """The buffer that goes with metadata."""

    data = text()
    frame_info = text()
    vision_info = text()


class BufferOutput(ErrorInfo, Struct):
    """A result's buffer."""

    error_code = number()
    error_msg = text()
    data = text()

    def get_byte_data(self) -> bytes:
        """Return `data` as bytes."""
        return raw(self, "data")


class MetadataOutput(ErrorInfo, Struct):
    """A result's metadata."""

    error_code = number()
    error_msg = text()
    data_type = text()
    serialized_metadata = text()

    def get_byte_data(self) -> bytes:
        """Return `serialized_metadata` as bytes."""
        return raw(self, "serialized_metadata")


class MetadataOutputVector(Vector):
    """MetadataOutput items."""

    item = MetadataOutput


class DataOutput(ErrorInfo, Struct):
    """What get_result returns."""

    error_code = number()
    error_msg = text()
    buffer_output = member(BufferOutput)
    metadata_list = items(MetadataOutputVector)


class MxDataInput(Struct):
    """What send_multi_data_with_unique_id sends to one source."""

    data = text()
    fragmentId = number()
    customParam = text()
    roiBoxs = member(CropRoiBoxVector)


class MxDataInputVector(Vector):
    """MxDataInput items."""

    item = MxDataInput


class MxDataOutput(Struct):
    """What get_multi_result_with_unique_id returns for one sink."""

    errorCode = number()
    dataSize = number()
    data = text()


class MxDataOutputVector(Vector):
    """MxDataOutput items."""

    item = MxDataOutput
