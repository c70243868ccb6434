"""The SDK's statistics held against what the harness itself saw: every doubt becomes a warning that travels with the numbers."""

from __future__ import annotations

import msgspec

from bench.perfstats.model import Code
from bench.perfstats.passes import Sent
from bench.perfstats.plan import FULL_WINDOWS
from reports.perfstats import CrossCheck, Entry, Warn, Window

TOLERANCE = 0.05
"""Fraction by which the SDK's mean may exceed the harness's round trip, which contains it: two clocks, and the windows' edges."""

OUTSIDE_SHARE, OUTSIDE_US = 0.5, 5_000.0
"""Of a round trip up to so much, or so many microseconds, is outside of the pipeline (pipes, serialising, the worker's own work) without
a word. More is said: a busy host, or beginnings that the SDK paired with wrong ends."""


def checked(entry: Entry, sent: Sent) -> Entry:
    """Return the entry with its cross-check, and with warnings where the two sides do not agree."""
    found = list(entry.result.warnings)
    where = f"{entry.case} {entry.backend}"
    windows = [window for window in entry.windows if window.kind == "e2e"]
    counted = sum(window.count or 0 for window in windows)
    full = sum(window.kept and bool(window.count) for window in windows)
    if sent.problem:
        found.append(
            Warn(Code.WORKER_LOST.value, where, f"the worker was lost, with its last window: {sent.problem}")
        )
    if sent.failed:
        detail = (
            f"{sent.failed} of {len(sent.round_trips)} inferences failed: the SDK counts them like the others"
        )
        found.append(Warn(Code.IMAGES_FAILED.value, where, detail))
    if counted != len(sent.round_trips):
        detail = f"the SDK counted {counted} images, {len(sent.round_trips)} were sent and answered"
        found.append(Warn(Code.IMAGES_DIFFER.value, where, detail))
    if full < FULL_WINDOWS:
        detail = f"{full} full windows with frames, {FULL_WINDOWS} were planned: the images were slower than they had been, or the run ended early"
        found.append(Warn(Code.FEW_WINDOWS.value, where, detail))
    check = cross_check(windows, sent)
    if check is not None and not check.agrees:
        code = Code.CLOCKS_DIFFER if check.sdk_us > check.host_us else Code.MOSTLY_OUTSIDE
        found.append(Warn(code.value, where, _difference(check)))
    return msgspec.structs.replace(
        entry, cross_check=check, result=msgspec.structs.replace(entry.result, warnings=tuple(found))
    )


def cross_check(windows: list[Window], sent: Sent) -> CrossCheck | None:
    """Compare the means over the kept windows; None where there are none.

    One image is in flight, so the n-th frame of the SDK is the n-th that was sent: the windows' counts say which images are in those
    that are kept. Where the counts are not those that were sent, the host's mean is that of all images.
    """
    kept = [window for window in windows if window.kept and window.count and window.mean_us is not None]
    count = sum(window.count or 0 for window in kept)
    if not count or not sent.round_trips:
        return None
    trips = sent.round_trips
    if sum(window.count or 0 for window in windows) == len(trips):
        first = sum(window.count or 0 for window in windows[: windows.index(kept[0])])
        trips = trips[first : first + count]
    sdk = sum((window.mean_us or 0.0) * (window.count or 0) for window in kept) / count
    host = 1e6 * sum(trips) / len(trips)
    within = sdk <= host * (1 + TOLERANCE) and host - sdk <= max(OUTSIDE_SHARE * host, OUTSIDE_US)
    return CrossCheck(
        sdk_us=sdk, host_us=host, sdk_count=count, host_count=len(trips), tolerance=TOLERANCE, agrees=within
    )


def _difference(check: CrossCheck) -> str:
    seen = f"e2e is {check.sdk_us / 1e3:.3f} ms by the SDK, the round trip {check.host_us / 1e3:.3f} ms by the harness's clock"
    if check.sdk_us > check.host_us:
        return f"{seen}, which contains it (tolerance {100 * check.tolerance:g} %): do not trust the SDK's times here"
    return f"{seen}: most of it is outside of the pipeline; a busy host, or the SDK paired beginnings with wrong ends"
