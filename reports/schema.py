"""JSON Schemas of what a run's folder holds, made from the types that write it. `python -m reports.schema` renews docs/schema/.

Strict, so that a test can hold a record against them: every field is required and no other is allowed. A reader is laxer (docs/record.md).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schema"

COUNTED = {
    "if": {"properties": {"status": {"const": "ok"}}},
    "then": {
        "properties": {
            "true_count": {"type": "number"},
            "predicted_count": {"type": "number"},
            "reason": {"type": "null"},
        }
    },
    "else": {"properties": {"reason": {"type": "string"}}},
}
"""An image that is `ok` has its counts and no reason; a failed one has a reason."""


def schemas() -> dict[str, bytes]:
    """The files by name, as docs/schema/ holds them."""
    from reports.image import ImageRecord
    from reports.monitor import MonitorSample
    from reports.perfstats import SCHEMA as PERFSTATS_SCHEMA
    from reports.perfstats import PerfStatsFile
    from reports.run import SCHEMA, Run
    from reports.timing import Timing
    from reports.training import SCHEMA as TRAINING_SCHEMA
    from reports.training import TrainingFile

    return {
        "run.schema.json": _encode(f"omgate run.json, schema {SCHEMA}", Run),
        "images.schema.json": _encode(
            f"a line of omgate images.jsonl, schema {SCHEMA}", ImageRecord, allOf=[COUNTED]
        ),
        "timings.schema.json": _encode(f"a line of omgate timings.jsonl, schema {SCHEMA}", Timing),
        "monitor.schema.json": _encode(f"a line of omgate monitor.jsonl, schema {SCHEMA}", MonitorSample),
        "perfstats.schema.json": _encode(
            f"omgate perfstats.json, schema {PERFSTATS_SCHEMA}", PerfStatsFile, omitting=("Plugin",)
        ),
        "training.schema.json": _encode(f"omgate training.json, schema {TRAINING_SCHEMA}", TrainingFile),
    }


def _encode(title: str, kind: Any, omitting: tuple[str, ...] = (), **more: Any) -> bytes:
    """`omitting`: types that leave out fields that have their default."""
    import msgspec

    (whole,), parts = msgspec.json.schema_components((kind,), ref_template="#/$defs/{name}")
    own = parts.pop(whole["$ref"].rpartition("/")[2])
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_strict(own),
        "title": title,
        "description": "See docs/record.md.",
        **more,
        "$defs": {name: _strict(part, name in omitting) for name, part in sorted(parts.items())},
    }
    return (json.dumps(schema, indent=1, ensure_ascii=False) + "\n").encode()


def _strict(schema: dict[str, Any], omits: bool = False) -> dict[str, Any]:
    """An object's schema without defaults: the writer writes every field, unless it `omits` those with their default."""
    if "properties" not in schema:
        return schema
    fields = {
        name: {key: value for key, value in field.items() if key != "default"}
        for name, field in schema["properties"].items()
    }
    required = schema.get("required", []) if omits else list(fields)
    return {**schema, "properties": fields, "required": required, "additionalProperties": False}


def main() -> None:
    """Writes docs/schema/."""
    for name, content in schemas().items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
