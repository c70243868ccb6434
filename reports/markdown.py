"""A run in short as markdown, for a merge request or a chat: the same tables as the report's, without its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from reports.diff.markdown import MARKS, safe
from reports.files import write_atomically
from reports.html import comparisons, results, shown
from reports.html.notes import Note, Notes
from reports.html.page import facts, stamps
from reports.html.source import Source
from reports.html.table import Cell, Row, Table
from reports.html.words import HEADLINES, STATUSES, Both, told

Language = Literal["en", "zh"]

COLON: dict[Language, str] = {"en": ": ", "zh": "："}

SUMMARY_FILES: dict[Language, str] = {"en": "summary.md", "zh": "summary.zh-CN.md"}

MOST_REASONS = 20
"""Reasons that are told; more are left to the report."""


def write_summaries(source: Source, folder: Path) -> list[Path]:
    """Writes the summary in both languages into a folder and returns the paths. ReportError if they can't be written."""
    paths = []
    for language, name in SUMMARY_FILES.items():
        path = folder / name
        write_atomically(path, summary(source, language).encode("utf-8", "backslashreplace"))
        paths.append(path)
    return paths


def summary(source: Source, language: Language = "en") -> str:
    """The run in short: verdict, what to know before a number is believed, tables, reasons, warnings. Ends with a newline."""
    run, notes = source.run, Notes(source.outcome)
    status = str(source.outcome.status)
    colon = COLON[language]
    name = f"{colon}{safe(run.label)}" if run.label else ""
    lines = [f"### {MARKS[status]} {_in(HEADLINES[status], language)}{name}", ""]
    lines += [f"- {_in(title, language)}{colon}{_said(value, language)}" for title, value in facts(source)]
    lines += [f"- **{_in(word, language)}**{colon}{_said(text, language)}" for word, text in stamps(source)]
    ladders = [comparisons.ladder(entry, index) for index, entry in enumerate(run.attribution)]
    for table in (results.results(source, notes), comparisons.parity(source, notes), *ladders):
        if table is not None:
            lines += ["", f"**{_said(table.title, language)}**", "", *_table(table, language)]
    if notes.all:
        lines += ["", f"**{_in(Both('Reasons', '原因'), language)}**", ""]
        lines += [_reason(note, language) for note in notes.all[:MOST_REASONS]]
        if len(notes.all) > MOST_REASONS:
            more = len(notes.all) - MOST_REASONS
            lines.append(f"- {_in(Both(f'{more} more in the report', f'另有 {more} 条见报告'), language)}")
    warnings = [*run.warnings, *source.problems][:MOST_REASONS]
    if warnings:
        lines += [
            "",
            *(
                f"> {_in(Both('warning', '警告'), language)}{colon}{_said(told(warning), language)}"
                for warning in warnings
            ),
        ]
    return "\n".join(lines) + "\n"


def _in(text: str | Both, language: Language) -> str:
    if isinstance(text, Both):
        return text.zh if language == "zh" else text.en
    return text


def _said(text: str | Both, language: Language) -> str:
    return safe(_in(text, language))


def _table(table: Table, language: Language) -> list[str]:
    """GitHub's table; what stands small under a cell follows it in brackets, a unit the column's title."""
    header = []
    for column in table.columns:
        unit = _said(column.unit, language)
        header.append(_said(column.title, language) + (f" ({unit})" if unit else ""))
    rule = ["---:" if column.number else "---" for column in table.columns]
    lines = [
        f"| {' | '.join(cells)} |" for cells in (header, rule, *(_row(row, language) for row in table.rows))
    ]
    return [*lines, "", _said(table.note, language)] if table.note else lines


def _row(row: Row, language: Language) -> list[str]:
    return [_cell(cell, language) for cell in row.cells]


def _cell(cell: Cell, language: Language) -> str:
    text, sub = _said(cell.text, language) or " ", _said(cell.sub, language)
    mark = f"{MARKS[cell.status]} " if cell.status else ""
    notes = f" [{', '.join(map(str, cell.notes))}]" if cell.notes else ""
    return mark + text + notes + (f" ({sub})" if sub else "")


def _reason(note: Note, language: Language) -> str:
    where = "; ".join(
        " · ".join((*(safe(part) for part in place), _in(kinds, language))) for place, kinds in note.places
    )
    head = _in(STATUSES[note.status], language)
    advice = f" {shown.ARROW} {_said(note.advice, language)}" if note.advice else ""
    title = _said(note.title, language)
    told_so = COLON[language].join((head, where, title, _said(note.message, language)))
    return f"- [{note.number}] {told_so}{advice}"
