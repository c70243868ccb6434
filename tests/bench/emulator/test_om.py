"""The emulated .om container: it is read back as written, and everything else is one clear error."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.emulator.om import MAGIC, EmulatedOm, Header, OmError, parse_om, read_om, sha256, write_om


def an_om(graph: bytes = b"graph") -> EmulatedOm:
    return EmulatedOm(
        Header({"framework": "5"}, sha256(graph), sha256(b"source"), "mcnn.onnx", "test"), graph
    )


def test_reads_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "m.om"
    write_om(path, an_om())
    assert read_om(path) == an_om()
    assert path.read_bytes().startswith(b"OMGATE EMULATED")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_genuine_om_is_refused_with_that_reason() -> None:
    with pytest.raises(OmError, match="genuine OM file"):
        parse_om(b"IMOD" + bytes(300), "m.om")


def test_a_header_that_belongs_to_another_graph_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="digest"):
        write_om(tmp_path / "m.om", EmulatedOm(an_om().header, b"another"))


def test_a_missing_folder_or_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="can't be written"):
        write_om(tmp_path / "none" / "m.om", an_om())
    with pytest.raises(OmError, match="can't be read"):
        read_om(tmp_path / "m.om")


def test_every_cut_and_every_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.om"
    write_om(path, an_om())
    content = path.read_bytes()
    for end in range(len(content)):
        with pytest.raises(OmError):
            parse_om(content[:end], "m.om")
    changed = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(OmError, match="digest"):
        parse_om(changed, "m.om")


@given(st.binary(max_size=200))
def test_hostile_bytes_are_one_clear_error(content: bytes) -> None:
    for hostile in (content, MAGIC + content):
        with pytest.raises(OmError, match=r"^m\.om: "):
            parse_om(hostile, "m.om")
