"""The knee of a sweep: how many images in flight are enough."""

from __future__ import annotations

from collections.abc import Sequence

from reports.timing import TimingSummary


def power(summary: TimingSummary) -> float | None:
    """Images per second per second of waiting; None where one of them is not known."""
    if not summary.images_per_second or not summary.round_trip:
        return None
    return summary.images_per_second / summary.round_trip


def knee(sweep: Sequence[TimingSummary]) -> TimingSummary | None:
    """The depth with the greatest power, which is throughput divided by response time; None where no depth has one.

    Up to there another image in flight buys throughput; from there on it buys waiting (Kleinrock, Power and Deterministic Rules of Thumb
    for Probabilistic Problems in Computer Communications, ICC 1979). Of equals the smallest depth.
    """
    known = [(value, -summary.depth, summary) for summary in sweep if (value := power(summary)) is not None]
    return max(known, key=lambda entry: entry[:2])[2] if known else None
