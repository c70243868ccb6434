"""The data behind a table as CSV within the page: a link that a browser saves as a file without asking anybody."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Sequence

Value = str | int | float | None

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""A text cell that begins so is a formula, or a command, to some spreadsheet (OWASP, CSV injection)."""


def cell(value: Value) -> str:
    """A cell: numbers with all their digits; a text that a spreadsheet would run gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(FORMULA) or value.startswith(FORMULA) else value
    return repr(value)


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """RFC 4180 text with a header line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return stream.getvalue()


def link(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """A data: address of the CSV; with a byte-order mark, without which spreadsheets take Chinese for something else."""
    content = ("﻿" + to_csv(header, rows)).encode("utf-8", "backslashreplace")
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(content).decode('ascii')}"
