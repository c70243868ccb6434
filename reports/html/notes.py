"""Footnotes: the reasons of the verdicts, numbered once, so that table and list name the same number; what many share is told once."""

from __future__ import annotations

from dataclasses import dataclass

from reports.html.words import KINDS, Both, told
from reports.outcome import Finding, Outcome
from reports.reasons import TITLES, Reason, ReasonCode


@dataclass(frozen=True)
class Note:
    """A reason, and the findings that have it, all of one status; `title` is the code's short name in both languages."""

    number: int
    findings: tuple[Finding, ...]
    reason: Reason
    title: Both

    @property
    def status(self) -> str:
        """Of all its findings."""
        return str(self.findings[0].status)

    @property
    def message(self) -> Both:
        """What was seen."""
        return told(self.reason.message)

    @property
    def advice(self) -> Both | None:
        """The way out, if there is one."""
        return told(self.reason.advice) if self.reason.advice else None

    @property
    def places(self) -> tuple[tuple[tuple[str, ...], Both], ...]:
        """Where it holds: (case, backends) as far as there are, with the kinds of verdict there."""
        kinds: dict[tuple[str, ...], list[Both]] = {}
        for finding in self.findings:
            on = " — ".join(name for name in (finding.backend, finding.other) if name)
            place = tuple(part for part in (finding.case, on) if part)
            kinds.setdefault(place, []).append(KINDS.get(finding.kind, Both(finding.kind, finding.kind)))
        return tuple(
            (place, Both(", ".join(kind.en for kind in found), "、".join(kind.zh for kind in found)))
            for place, found in kinds.items()
        )


class Notes:
    """All reasons of a run, the worst first."""

    def __init__(self, outcome: Outcome) -> None:
        shared: dict[tuple[str, Reason], list[Finding]] = {}
        for finding in outcome.findings:
            for reason in finding.reasons:
                shared.setdefault((str(finding.status), reason), []).append(finding)
        self.all = [
            Note(number, tuple(findings), reason, title_of(reason.code))
            for number, ((_, reason), findings) in enumerate(shared.items(), 1)
        ]

    def numbers(self, case: str, backend: str, other: str = "") -> tuple[int, ...]:
        """The footnotes of a case on a backend (held against `other`)."""
        return tuple(
            note.number
            for note in self.all
            if any(
                (finding.case, finding.backend, finding.other) == (case, backend, other)
                for finding in note.findings
            )
        )


def title_of(code: str) -> Both:
    """A reason code's short name; the code itself where it is of a newer omgate."""
    try:
        return Both(*TITLES[ReasonCode(code)])
    except (ValueError, KeyError):
        return Both(code, code)
