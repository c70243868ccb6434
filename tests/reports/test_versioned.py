from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from reports.errors import ReportError
from reports.versioned import read_versioned


class Thing(msgspec.Struct):
    schema: int
    name: str


def read(path: Path) -> Thing | None:
    return read_versioned(path, Thing, 2, "thing", "throw it away")


def test_a_file_is_read_and_none_is_none(tmp_path: Path) -> None:
    path = tmp_path / "thing.json"
    assert read(path) is None
    path.write_text('{"schema": 1, "name": "x", "of a later field": 1}')
    assert read(path) == Thing(1, "x")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"schema": 3, "name": "x"}', "reads up to 2; use a newer omgate"),
        (b'{"schema": 2, "name": ', "no thing of schema 2 .*; throw it away"),
        (b'{"schema": 2, "name": 7}', "no thing of schema 2"),
        (b"\xff\xfe", "no thing of schema 2"),
        (b"[" * 100_000, "no thing of schema 2"),
        (b"", "no thing of schema 2"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "thing.json"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="can't be read"):
        read(tmp_path)
