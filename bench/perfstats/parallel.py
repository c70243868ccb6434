"""Parts of large logs summed up by several processes: sums of parts add up to sums of the whole.

numpy's operations on cached blocks are too short for threads to take turns. The processes are forked, so that they begin at once;
where this process has threads of its own that would be unsafe, and one process does it all. Nothing but sums comes back.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from bench.perfstats.find import Part
from bench.perfstats.scan import ready

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")

WORTH_BYTES = 48 << 20
"""Logs from this size on are shared out; starting a process costs as much as reading some MB."""

MOST_PROCESSES = 4

EFFORT = {"plugin": 1.0, "e2e": 1.5, "tpr": 1.9, "queue": 1.2}
"""What a byte of each kind of file costs, measured; only the balance depends on it."""


def shares(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts in runs of about the same size, one for each process: a single one where more are not worth it, or unsafe."""
    efforts = [size(part) * EFFORT[part.name.kind] for part in parts]
    total = sum(efforts)
    number = min(MOST_PROCESSES, _processors(), len(parts))
    if number < 2 or total < WORTH_BYTES or sys.platform != "linux" or threading.active_count() > 1:
        return [list(parts)]
    runs: list[list[Part]] = [[]]
    before = 0.0
    for part, effort in zip(parts, efforts, strict=True):
        if runs[-1] and before + effort / 2 > total * len(runs) / number and len(runs) < number:
            runs.append([])
        runs[-1].append(part)
        before += effort
    return runs


def each(work: Callable[[list[Part]], T], runs: list[list[Part]]) -> list[T]:
    """The results of the work on each run, in their order: the last one is done here, the others by forked processes."""
    context = multiprocessing.get_context("fork")
    if len(runs) > 1:
        ready()  # so that the processes need not load it each
    started = []
    for run in runs[:-1]:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(work, run, sender), daemon=True)
        process.start()
        sender.close()
        started.append((process, receiver, run))
    last = work(runs[-1])
    results = []
    for process, receiver, run in started:
        try:
            results.append(receiver.recv())
        except EOFError:  # it was killed, for want of memory perhaps
            results.append(work(run))
        process.join()
        receiver.close()
    return [*results, last]


def _child(work: Callable[[list[Part]], T], run: list[Part], sender: Connection) -> None:
    sender.send(work(run))
    sender.close()


def size(part: Part) -> int:
    """Bytes of a part; 0 where it can't be seen."""
    try:
        return os.lstat(part.path).st_size
    except OSError:
        return 0


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
