"""JSON files with a schema's number: read as one type, refused where they are broken or of a newer omgate."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from reports.errors import ReportError

Kind = TypeVar("Kind")


class _Version(msgspec.Struct):
    schema: int


def read_versioned(path: Path, kind: type[Kind], schema: int, what: str, way_out: str) -> Kind | None:
    """The file as `kind`, None where there is none.

    ReportError if it can't be read, is of a schema above `schema`, or is no `what`; `way_out` is what its reader should do then.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReportError(f"{path}: can't be read ({error.strerror or error})") from error
    try:
        version = msgspec.json.decode(data, type=_Version).schema
        if version > schema:
            raise ReportError(
                f"{path}:schema: seen {version}, this omgate reads up to {schema}; use a newer omgate"
            )
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"{path}: no {what} of schema {schema} ({error}); {way_out}") from error
