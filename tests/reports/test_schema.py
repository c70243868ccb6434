"""docs/schema/ is what the types say."""

from __future__ import annotations

from reports.schema import FOLDER, schemas


def test_the_committed_schemas_are_those_of_the_types() -> None:
    for name, content in schemas().items():
        assert (FOLDER / name).read_bytes() == content, f"{name}: renew it with  python -m reports.schema"
    assert {path.name for path in FOLDER.iterdir()} == set(schemas())
