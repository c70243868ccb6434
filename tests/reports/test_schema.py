"""docs/schema/ is what the types say."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from reports.schema import FOLDER, schemas


def test_the_committed_schemas_are_those_of_the_types() -> None:
    for name, content in schemas().items():
        assert (FOLDER / name).read_bytes() == content, f"{name}: renew it with  python -m reports.schema"
    assert {path.name for path in FOLDER.iterdir()} == set(schemas())


def test_statistics_of_every_kind_are_as_their_schema_says(tmp_path: Path) -> None:
    from tests.reports.html import made

    folder = made.full(tmp_path)
    schema = json.loads((FOLDER / "perfstats.schema.json").read_bytes())
    found = json.loads((folder / "perfstats.json").read_bytes())
    assert found["entries"]
    jsonschema.validate(found, schema)
    del found["entries"][0]["passes"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema)
