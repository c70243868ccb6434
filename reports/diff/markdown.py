"""A diff or a matrix as markdown, for a merge request or a chat: GitHub's tables, names from files and labels kept from being markup."""

from __future__ import annotations

import re

from reports.diff.document import VERDICTS, document, marks
from reports.diff.matrix import Matrix
from reports.diff.model import Diff, RunSide
from reports.diff.tables import Table
from reports.terminal import printable

MARKS = {"pass": "✅", "improved": "✅", "drift": "⚠️", "cannot-tell": "❔", "regressed": "❌"}
"""A glance's worth; the word always stands beside it."""

SPECIAL = re.compile(r"[\\`*<#|~&$]|^>|\[(?=[\^ xX])|\](?=[(\[:])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""What may begin markup, left as it is where it can't (`[2, 3]` is no link). Written as character references, which markdown never takes for structure (CommonMark 0.31, 2.5)."""


def safe(text: str) -> str:
    """`text` as markdown that reads as it stands: no markup, no HTML, no link, no mention of a user or an issue."""
    escaped = SPECIAL.sub(lambda found: f"&#{ord(found.group())};", printable(text))
    # Forges look for links, people and issues in the text that markdown made; a zero-width space takes that from them.
    escaped = escaped.replace("@", "@&#8203;").replace("&#35;", "&#35;&#8203;")
    return escaped.replace("://", ":&#8203;//").replace("www.", "www&#8203;.")


def diff_markdown(found: Diff | Matrix) -> str:
    """The diff as one markdown document, ending with a newline."""
    said = document(found)
    lines = [f"### {MARKS[said.status]} {VERDICTS[said.status].en}: {safe(said.title)}", ""]
    lines += [f"- {name.en}: {_side(side)}" for name, side in said.sides]
    for table in said.tables:
        lines += ["", f"**{table.title.en}**", "", *_table(table)]
    for note in said.notes:
        mark = f" {MARKS[note.status]} {note.status}" if note.status else ""
        lines += ["", f"**{safe(note.where.en)}**:{mark}"]
        if note.conclusion is not None:
            lines += ["", safe(note.conclusion.en)]
        if note.reasons:
            lines += ["", *(f"- {safe(str(reason))}" for reason in note.reasons)]
    if said.warnings:
        lines += ["", *(f"> warning: {safe(warning.en)}" for warning in said.warnings)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    header = " | ".join(safe(column.title.en) for column in table.columns)
    rule = " | ".join("---:" if column.numbers else "---" for column in table.columns)
    rows = [
        " | ".join([_first(table, index, row[0]), *(safe(cell) or " " for cell in row[1:])])
        for index, row in enumerate(table.rows)
    ]
    lines = [f"| {line} |" for line in (header, rule, *rows)]
    return [*lines, "", table.note.en] if table.note is not None else lines


def _first(table: Table, index: int, cell: str) -> str:
    mark = MARKS.get(table.statuses[index], "") if table.statuses else ""
    return f"{mark} {safe(cell)}".strip() or " "


def _side(side: RunSide) -> str:
    label = f"{safe(side.label)}, " if side.label else ""
    return f"{label}{safe(side.id)} ({', '.join(mark.en for mark in marks(side))})"
