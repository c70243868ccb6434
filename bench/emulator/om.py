"""The emulated .om file: a clearly marked container around an FP16 ONNX graph.

Layout, little-endian: the magic (``MAGIC``, readable text), format version (u32), length of the header (u32), length of the
graph (u64), the header (JSON, ``Header``), the graph (ONNX). It shares nothing with a genuine OM file, whose first bytes are
``IMOD`` (CANN graph-engine headers), so that neither side can take the other's file for its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
from pathlib import Path

import msgspec

from cases.errors import OmgateError

MAGIC = b"OMGATE EMULATED OM, NOT FOR A DEVICE\n"
"""First bytes of the file, so that `head` shows a reader what it is."""

GENUINE_MAGIC = b"IMOD"
"""First bytes of a genuine OM file: 0x444F4D49, little-endian."""

VERSION = 1
LENGTHS = struct.Struct("<IIQ")
HEADER_BYTES_LIMIT = 1 << 20
"""A header is a few hundred bytes; a length beyond this is damage, and is refused before memory is asked for."""

FILE_BYTES_LIMIT = 4 << 30
"""mxpi_tensorinfer reads models of up to 4 GB (Vision SDK, MxpiTensorInfer)."""


class OmError(OmgateError):
    """The file is not an emulated .om that can be read, or the graph can't become one; the message says why."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an emulated .om says about itself."""

    options: dict[str, str]
    """The atc options it was converted with, by name without dashes."""

    graph_sha256: str
    """Digest of the FP16 graph that follows."""

    source_sha256: str
    """Digest of the file that it was converted from."""

    source: str
    """Name (not the path) of the file that it was converted from."""

    converter: str
    """Program and versions that converted it."""

    soc: str = "emulated"
    """Always `emulated`: the soc_version asked for is among the options."""


class EmulatedOm(msgspec.Struct, frozen=True):
    """A read container: its header, and the FP16 ONNX graph as bytes."""

    header: Header
    graph: bytes


def write_om(path: Path, om: EmulatedOm) -> None:
    """Write the container to `path`; a reader sees the old file or the whole new one. Raises OmError where it can't."""
    text = msgspec.json.encode(om.header)
    if om.header.soc != "emulated" or om.header.graph_sha256 != sha256(om.graph):
        raise OmError(
            f"{path}: the header does not belong to an emulated graph with this digest: not written"
        )
    if len(text) > HEADER_BYTES_LIMIT:
        raise OmError(
            f"{path}: a header of {len(text)} bytes is too long (limit {HEADER_BYTES_LIMIT}): shorten the options"
        )
    content = MAGIC + LENGTHS.pack(VERSION, len(text), len(om.graph)) + text + om.graph
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o640)  # The SDK refuses a model that others can read (Vision SDK, plugins.md).
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OmError(f"{path}: can't be written: {error.strerror}") from error


def read_om(path: Path) -> EmulatedOm:
    """Return the container in `path`. Raises OmError for a genuine .om, any other file, and damage."""
    try:
        if path.stat().st_size > FILE_BYTES_LIMIT:
            raise OmError(f"{path}: larger than 4 GB, which the SDK refuses")
        content = path.read_bytes()
    except OSError as error:
        raise OmError(f"{path}: can't be read: {error.strerror}") from error
    return parse_om(content, str(path))


def parse_om(content: bytes, where: str) -> EmulatedOm:
    """Return the container that `content` holds; `where` names it in errors. Raises OmError."""
    if content.startswith(GENUINE_MAGIC):
        raise OmError(
            f"{where}: a genuine OM file (it begins with IMOD), which only a device can run:"
            " convert the ONNX with the emulated home's bin/atc, or point MX_SDK_HOME at the real SDK"
        )
    if not content.startswith(MAGIC):
        raise OmError(
            f"{where}: not an emulated OM file (begins with {content[:8]!r}): convert it with the emulated home's bin/atc"
        )
    begin = len(MAGIC) + LENGTHS.size
    if len(content) < begin:
        raise OmError(f"{where}: an emulated OM file cut off after {len(content)} bytes: convert it again")
    version, header_bytes, graph_bytes = LENGTHS.unpack_from(content, len(MAGIC))
    if version != VERSION:
        raise OmError(f"{where}: emulated OM format {version}, this omgate reads {VERSION}: convert it again")
    if header_bytes > HEADER_BYTES_LIMIT or begin + header_bytes + graph_bytes != len(content):
        raise OmError(
            f"{where}: an emulated OM file of the wrong length (cut off or damaged): convert it again"
        )
    header = _header(content[begin : begin + header_bytes], where)
    graph = content[begin + header_bytes :]
    if header.soc != "emulated" or header.graph_sha256 != sha256(graph):
        raise OmError(
            f"{where}: the emulated OM file's graph does not have the digest of its header: convert it again"
        )
    return EmulatedOm(header, graph)


def _header(text: bytes, where: str) -> Header:
    try:
        return msgspec.json.decode(text, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OmError(
            f"{where}: the emulated OM file's header can't be read ({error}): convert it again"
        ) from error


def sha256(content: bytes) -> str:
    """Return the digest as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
