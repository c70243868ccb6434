"""timings.jsonl: whole lines, whatever happens."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.reasons import Reason
from reports.schema import FOLDER
from reports.timing import TIMINGS_FILE, Timing
from reports.timings_file import append_timing, read_timings


def timing(depth: int = 1, samples: tuple[float, ...] = (0.01, 0.02), **fields: object) -> Timing:
    values: dict[str, object] = {
        "case": "c",
        "backend": "b",
        "scenario": "sweep",
        "depth": depth,
        "samples": samples,
        **fields,
    }
    return Timing(**values)  # type: ignore[arg-type]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    first = timing(1, (0.1, 0.2), warnings=(Reason("not-steady", "why", "do"),), data="d")
    append_timing(tmp_path, first)
    append_timing(tmp_path, timing(2))
    found = read_timings(tmp_path)
    assert found.found == (first, timing(2))
    assert found.warnings == ()
    assert found.of("c", "b") == found.found
    assert found.of("c", "other") == ()


def test_a_line_is_what_its_schema_says(tmp_path: Path) -> None:
    append_timing(tmp_path, timing(warnings=(Reason("not-steady", "why"),)))
    schema = msgspec.json.decode((FOLDER / "timings.schema.json").read_bytes())
    line = msgspec.json.decode((tmp_path / TIMINGS_FILE).read_bytes())
    jsonschema.validate(line, schema)
    line["samples"] = ["no number"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(line, schema)


def test_without_the_file_there_are_none(tmp_path: Path) -> None:
    assert read_timings(tmp_path).found == ()


def test_the_last_of_a_key_counts(tmp_path: Path) -> None:
    append_timing(tmp_path, timing(1, (0.1,)))
    append_timing(tmp_path, timing(1, (0.2,)))
    assert [entry.samples for entry in read_timings(tmp_path).found] == [(0.2,)]


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_torn_line_is_passed_over_and_cut_off_by_the_next(tmp_path: Path, cut: int) -> None:
    path = tmp_path / TIMINGS_FILE
    append_timing(tmp_path, timing(1))
    append_timing(tmp_path, timing(2))
    path.write_bytes(path.read_bytes()[:-cut])
    assert read_timings(tmp_path).found == (timing(1),)
    append_timing(tmp_path, timing(4))
    found = read_timings(tmp_path)
    assert found.found == (timing(1), timing(4))
    assert found.warnings == ()


@given(st.binary(max_size=60))
def test_a_foreign_line_is_named(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    folder = tmp_path_factory.mktemp("run")
    append_timing(folder, timing(1))
    path = folder / TIMINGS_FILE
    path.write_bytes(path.read_bytes() + b"x" + junk.replace(b"\n", b" ") + b"\n")
    append_timing(folder, timing(2))
    found = read_timings(folder)
    assert found.found == (timing(1), timing(2))
    assert [text.split(":")[:2] for text in found.warnings] == [[TIMINGS_FILE, "2"]]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="can't be written"):
        append_timing(tmp_path / "gone", timing())
