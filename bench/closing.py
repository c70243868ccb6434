"""What a run says at its end: the verdict of one test in lines, and the closing table of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.terminal import Row, closing_table, printable

if TYPE_CHECKING:
    from bench.session import Session
    from reports.reasons import Reason
    from reports.verdict import Verdict


def explain(verdict: Verdict) -> str:
    """A verdict in lines: the status and the first reason, the other reasons, the numbers, the images that moved most."""
    first, *others = verdict.reasons or (None,)
    lines = [f"{verdict.status}" + (f": {_reason(first)}" if first else "")]
    lines += [_reason(reason) for reason in others if reason]
    for number in verdict.numbers:
        if number.difference is None or number.old is None or number.new is None:
            continue
        interval = "" if number.low is None else f", 95 % interval {number.low:+.4g} to {number.high:+.4g}"
        gate = "" if not number.gated else f", allowed {number.allowed:.4g}"
        lines.append(
            f"{number.metric}: {number.old:.6g} -> {number.new:.6g} ({number.difference:+.4g} {number.unit}{interval}{gate}, "
            f"n = {number.samples})"
        )
    if verdict.moved:
        lines.append(f"images changed: {verdict.changed} of {verdict.n}; moved most:")
        lines += [
            f"  {printable(image.image)}: {image.old:.6g} -> {image.new:.6g} ({image.difference:+.4g}; true {image.true_count:.6g})"
            for image in verdict.moved
        ]
    return "\n".join(lines)


def _reason(reason: Reason) -> str:
    advice = f"; {reason.advice}" if reason.advice else ""
    return printable(f"{reason.code}: {reason.message}{advice}")


def rows(session: Session) -> list[Row]:
    """One row for each case x backend that was measured."""
    run = session.writer.run
    return [
        Row(
            case=entry.case,
            backend=entry.backend,
            verdict=entry.verdict,
            summary=run.summary(entry.case, entry.backend),
        )
        for entry in run.verdicts
    ]


def table(session: Session, width: int, color: bool) -> str:
    """The closing table, where the record lies, and how to go on where it is not complete."""
    run = session.writer.run
    text = closing_table(rows(session), width, color, run.warnings)
    text += f"record: {session.writer.folder}\n"
    if run.finished is None:
        text += f"not complete: continue it with  pytest bench/ --resume={run.id}\n"
    return text
