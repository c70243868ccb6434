"""Verdicts that rest on figures of speed, found together: all such figures of a run are one family for Holm.

What a run asks (latency, throughput, the SDK's statistics, of every case on every backend) is gathered first and judged once, so that
the chance of any false alarm stays that of one question.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from reports.performance import ALPHA, Figure, judge_figures
from reports.reasons import Reason
from reports.verdict import Status, Verdict, worst


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict to be found: the figures that it rests on, or the verdict where nothing can be judged; `warnings` travel with either."""

    case: str
    backend: str
    kind: str
    figures: tuple[Figure, ...] = ()
    verdict: Verdict | None = None
    warnings: tuple[Reason, ...] = ()


def judge_family(asked: Sequence[Asked], alpha: float = ALPHA) -> list[Verdict]:
    """A verdict for each, in their order; every figure of all of them is one member of the family."""
    judged = iter(judge_figures([figure for item in asked for figure in item.figures], alpha))
    found = []
    for item in asked:
        own = [next(judged) for _ in item.figures]
        verdict = item.verdict or join(own)
        found.append(msgspec.structs.replace(verdict, reasons=(*verdict.reasons, *item.warnings)))
    return found


def join(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of several: the worst status, the reasons of all, the worst first, and their numbers in the figures' order."""
    order = list(Status)
    ranked = sorted(verdicts, key=lambda verdict: order.index(verdict.status))
    return Verdict(
        status=worst(verdicts),
        reasons=tuple(reason for verdict in ranked for reason in verdict.reasons),
        numbers=tuple(number for verdict in verdicts for number in verdict.numbers),
        n=max((verdict.n for verdict in verdicts), default=0),
    )
