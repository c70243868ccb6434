"""Footnotes: the reasons of the verdicts, numbered once, so that table and list name the same number."""

from __future__ import annotations

from dataclasses import dataclass

from reports.html.words import KINDS, Both
from reports.outcome import Finding, Outcome
from reports.reasons import TITLES, Reason, ReasonCode


@dataclass(frozen=True)
class Note:
    """A reason of a finding; `title` is the code's short name in both languages."""

    number: int
    finding: Finding
    reason: Reason
    title: Both
    kind: Both


class Notes:
    """All reasons of a run, the worst first."""

    def __init__(self, outcome: Outcome) -> None:
        self.all: list[Note] = []
        for finding in outcome.findings:
            for reason in finding.reasons:
                kind = KINDS.get(finding.kind, Both(finding.kind, finding.kind))
                self.all.append(Note(len(self.all) + 1, finding, reason, title_of(reason.code), kind))

    def numbers(self, case: str, backend: str, other: str = "") -> tuple[int, ...]:
        """The footnotes of a case on a backend (held against `other`)."""
        return tuple(
            note.number
            for note in self.all
            if (note.finding.case, note.finding.backend, note.finding.other) == (case, backend, other)
        )


def title_of(code: str) -> Both:
    """A reason code's short name; the code itself where it is of a newer omgate."""
    try:
        return Both(*TITLES[ReasonCode(code)])
    except (ValueError, KeyError):
        return Both(code, code)
