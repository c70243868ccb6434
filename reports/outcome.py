"""The one verdict of a run: the worst of all that it holds, and what of it is not good, the worst first."""

from __future__ import annotations

import msgspec

from reports.reasons import Reason, ReasonCode
from reports.run import Run
from reports.verdict import Status, worst

EXIT_CODES = {
    Status.PASS: 0,
    Status.IMPROVED: 0,
    Status.DRIFT: 0,
    Status.REGRESSED: 1,
    Status.CANNOT_TELL: 3,
}
"""Exit code of a command that tells a verdict; a drift is 1 with --strict."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict of a run, on `backend` (against `other`, for parity); `kind` is that of the verdict, `parity` or `run`."""

    case: str
    backend: str
    status: Status
    kind: str
    other: str = ""
    reasons: tuple[Reason, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The worst status of a run, and every finding, the worst first, else in the record's order."""

    status: Status
    findings: tuple[Finding, ...]

    def count(self, status: Status) -> int:
        """How many findings have this status."""
        return sum(finding.status is status for finding in self.findings)

    def exit_code(self, strict: bool = False) -> int:
        """0 nothing worse, 1 something regressed (with `strict` also a drift), 3 cannot tell.

        A drift stands behind what can't be told in the order of verdicts, and before it in that of exit codes: with `strict` a run that has
        both is 1.
        """
        return 1 if strict and self.count(Status.DRIFT) else EXIT_CODES[self.status]


def outcome(run: Run) -> Outcome:
    """The verdict on a run. One that was killed, or measured nothing, is never better than `cannot-tell`."""
    found = [
        Finding(
            case=entry.case,
            backend=entry.backend,
            status=Status(entry.verdict.status),
            kind=entry.kind,
            reasons=entry.verdict.reasons,
        )
        for entry in run.verdicts
    ]
    found += [
        Finding(
            case=parity.case,
            backend=parity.backend,
            other=parity.other,
            status=Status(parity.status),
            kind="parity",
            reasons=parity.reasons,
        )
        for parity in run.parity
    ]
    if run.finished is None:
        found.append(_of_run(run, "the run is not finished: it was killed, or is being written"))
    elif not found:
        found.append(_of_run(run, "the run measured nothing"))
    order = list(Status)
    found.sort(key=lambda finding: order.index(finding.status))
    return Outcome(status=worst(finding.status for finding in found), findings=tuple(found))


def _of_run(run: Run, message: str) -> Finding:
    reason = Reason(ReasonCode.INCOMPLETE_RUN.value, message, f"pytest bench/ --resume={run.id}")
    return Finding(case="", backend="", status=Status.CANNOT_TELL, kind="run", reasons=(reason,))
