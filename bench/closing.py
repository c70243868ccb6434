"""What a run says at its end: the verdict of one test in lines, and the closing table of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reports.attribution_table import attribution_table
from reports.parity_table import parity_table
from reports.perfstats import read as read_perfstats
from reports.perfstats_table import perfstats_table
from reports.speed_table import SpeedRow, speed_table
from reports.terminal import Row, closing_table, printable
from reports.verdict import EMULATED, show

if TYPE_CHECKING:
    from bench.session import Session
    from reports.parity import Parity
    from reports.reasons import Reason
    from reports.run import Run
    from reports.timing import TimingSummary
    from reports.tolerance import Tolerance
    from reports.verdict import Verdict


SPEED_KINDS = ("latency", "throughput")

MOVED = ("regressed", "drift")
"""Statuses after which the closing lines say how to find the cause."""


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


def explain_parity(parity: Parity) -> str:
    """A verdict on two backends in lines: status and first reason, the other reasons, how far they are apart, what was allowed, the worst images."""
    first, *others = parity.reasons or (None,)
    lines = [f"{parity.status}" + (f": {_reason(first)}" if first else "")]
    lines += [_reason(reason) for reason in others if reason]
    if parity.all_identical:
        lines.append(f"identical bit for bit: {parity.n} of {parity.n} density maps")
    elif parity.max_difference is not None and parity.mean_difference is not None:
        lines.append(
            f"{parity.backend} against {parity.other}, {parity.n} of {parity.expected} images: counts at most {show(parity.max_difference)}"
            f" apart ({parity.max_relative:.2g} of the count), {show(parity.mean_difference)} on average; relative L2 of the maps at most"
            f" {_short(parity.max_relative_l2)}, cosine at least {_cosine(parity.min_cosine)}; GAME(1..3) {_short(parity.game1)},"
            f" {_short(parity.game2)}, {_short(parity.game3)}; identical: {parity.identical}"
        )
    if parity.tolerance is not None:
        lines.append(f"allowed: {_allowed(parity.tolerance)}")
    if parity.worst:
        lines.append("nearest to the tolerance, or beyond it:")
    lines += [
        f"  {printable(image.image)}: {image.count:.6g} against {image.other_count:.6g} ({image.difference:+.2g}, allowed"
        f" {'?' if image.tolerance is None else show(image.tolerance)}; relative L2 {_short(image.relative_l2)})"
        for image in parity.worst
    ]
    return "\n".join(lines)


def _allowed(tolerance: Tolerance) -> str:
    """The tolerance in counts, and what it was derived from."""
    counts = f"{show(tolerance.lowest)} to {show(tolerance.highest)} counts"
    maps = f"relative L2 {_short(tolerance.relative_l2)}"
    found = tolerance.deviation
    if found is None:
        return f"{counts}, {maps}: {tolerance.same:g} of the count, for two FP32 sides"
    sides = "both sides" if tolerance.halves == 2 else "one side"
    return (
        f"{counts}, {maps}: {tolerance.same:g} of the count + {tolerance.factor:g} x the FP16 deviation of the reference ({sides} in FP16; on"
        f" {found.n} images RMS {show(found.rms)}, at most {show(found.largest)} counts, relative L2 {_short(found.largest_relative_l2)})"
    )


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def _cosine(value: float | None) -> str:
    return "-" if value is None else f"{value:.7f}"


def _reason(reason: Reason) -> str:
    advice = f"; {reason.advice}" if reason.advice else ""
    return printable(f"{reason.code}: {reason.message}{advice}")


def rows(session: Session) -> list[Row]:
    """One row for each case x backend that was measured."""
    run = session.writer.run
    return [
        Row(
            case=entry.case,
            backend=_stamped(run, entry.case, entry.backend),
            verdict=entry.verdict,
            summary=run.summary(entry.case, entry.backend),
        )
        for entry in run.verdicts
        if entry.kind == "accuracy"
    ]


def _stamped(run: Run, case: str, backend: str) -> str:
    """A backend's name, with the word where it ran on the emulated SDK: its numbers are no device's."""
    entry = run.backend(case, backend)
    return f"{backend} ({EMULATED})" if entry is not None and entry.soc == EMULATED else backend


def table(session: Session, width: int, color: bool) -> str:
    """The closing table, where the record lies, and how to go on where it is not complete."""
    run = session.writer.run
    found = rows(session)
    text = closing_table(found, width, color, run.warnings)
    if run.parity:
        stamped = [
            msgspec.structs.replace(
                parity,
                backend=_stamped(run, parity.case, parity.backend),
                other=_stamped(run, parity.case, parity.other),
            )
            for parity in run.parity
        ]
        text += "\n" + parity_table(
            stamped, width, color, first_note=1 + sum(len(row.notes) for row in found)
        )
    if run.attribution:
        text += "\n" + attribution_table(run.attribution, width, color)
    notes = sum(line.startswith("[") for line in text.splitlines())
    text += _statistics(session, width, color, first_note=1 + notes)
    text += _speed(run, width, color, first_note=1 + sum(line.startswith("[") for line in text.splitlines()))
    text += f"record: {session.writer.folder}\n"
    if run.finished is None:
        text += f"not complete: continue it with  pytest bench/ --resume={run.id}\n"
    elif _moved_untraced(run):
        text += f"where does it come from? rung by rung:  pytest bench/ --resume={run.id} --attribution\n"
    return text


def _statistics(session: Session, width: int, color: bool, first_note: int) -> str:
    """The table of the SDK's own statistics, of those that were asked for."""
    run = session.writer.run
    if not any(entry.kind == "perfstats" for entry in run.verdicts):
        return ""
    found = read_perfstats(session.writer.folder)
    entries = found.entries if found else ()
    judged = [(entry, run.verdict(entry.case, entry.backend, "perfstats")) for entry in entries]
    return (
        "\n"
        + perfstats_table(judged, width, color, first_note)
        + _without(run, {entry.key for entry in entries})
    )


def _without(run: Run, measured: set[tuple[str, str]]) -> str:
    """A line for each verdict on statistics that could not be taken."""
    return "".join(
        f"SDK statistics of {item.case} on {item.backend}: {_reason(reason)}\n"
        for item in run.verdicts
        if item.kind == "perfstats" and (item.case, item.backend) not in measured
        for reason in item.verdict.reasons
    )


def _speed(run: Run, width: int, color: bool, first_note: int) -> str:
    """The speed of each case on each backend that was measured or judged."""
    keys = [(entry.case, entry.backend) for entry in run.timings]
    keys += [(entry.case, entry.backend) for entry in run.verdicts if entry.kind in SPEED_KINDS]

    def measured(case: str, backend: str, scenario: str) -> TimingSummary | None:
        wanted = case, backend, scenario
        return next(
            (entry for entry in run.timings if (entry.case, entry.backend, entry.scenario) == wanted), None
        )

    def verdicts(case: str, backend: str) -> dict[str, Verdict]:
        found = {kind: run.verdict(case, backend, kind) for kind in SPEED_KINDS}
        return {kind: verdict for kind, verdict in found.items() if verdict is not None}

    shown = [
        SpeedRow(
            case=case,
            backend=_stamped(run, case, backend),
            verdicts=verdicts(case, backend),
            alone=measured(case, backend, "single-stream"),
            pipelined=measured(case, backend, "pipelined"),
        )
        for case, backend in dict.fromkeys(keys)
    ]
    table = speed_table(shown, width, color, first_note)
    return f"\n{table}" if table else ""


def _moved_untraced(run: Run) -> bool:
    """True where the accuracy of a case moved, or two backends of it are too far apart, and nobody asked for its attribution."""
    moved = {
        entry.case for entry in run.verdicts if entry.kind == "accuracy" and entry.verdict.status in MOVED
    }
    moved |= {parity.case for parity in run.parity if parity.status == "regressed"}
    return bool(moved - {found.case for found in run.attribution})
