"""Keeps the host's threads from taking a processor away from the worker that feeds the device.

A thread that wakes up may preempt the one that is running. So an answer that arrives here can throw the worker that has just sent it off
its processor for a scheduler's slice, 3 to 5 ms, while the device has nothing to do (on two processors that was a fifth of the rate of a
device of 10 ms). SCHED_BATCH (sched(7)) leaves a thread its share of the time and takes this right from it. It needs no privilege.
Elsewhere than on Linux nothing happens.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


def background() -> bool:
    """Let this thread, and what it starts from now on, not preempt others when it wakes up; whether that changed anything."""
    return _change("SCHED_OTHER", "SCHED_BATCH")


def foreground() -> None:
    """Take `background` back for this thread."""
    _change("SCHED_BATCH", "SCHED_OTHER")


@contextlib.contextmanager
def started_normally() -> Iterator[None]:
    """A process that is started in here is as it would be without `background`; afterwards this thread is in the background."""
    foreground()
    try:
        yield
    finally:
        background()


def _change(seen: str, wanted: str) -> bool:
    if not hasattr(os, "SCHED_BATCH"):
        return False
    # A sandbox may forbid it; a user's own choice (SCHED_IDLE, a realtime policy) stays.
    with contextlib.suppress(OSError):
        if os.sched_getscheduler(0) == getattr(os, seen):
            os.sched_setscheduler(0, getattr(os, wanted), os.sched_param(0))
            return True
    return False
