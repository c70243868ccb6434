"""The SDK's statistics of two runs: times and rates judged by their windows, levels of queues side by side."""

from __future__ import annotations

from collections.abc import Iterator

from reports.diff.model import Figure
from reports.family import Asked
from reports.perfstats import Entry, Queue, read
from reports.perfstats_verdict import ask, baseline_of
from reports.record import RunRecord


def ask_statistics(old: RunRecord, new: RunRecord, case: str, backend: str) -> tuple[Asked, ...]:
    """What there is to judge of the statistics of one case x backend; empty where a run has none. ReportError for a broken file."""
    before, after = (_entry(record, case, backend) for record in (old, new))
    if before is None or after is None:
        return ()
    return (ask(new, after, baseline_of(old, case, backend)),)


def levels(old: RunRecord, new: RunRecord, case: str, backend: str) -> tuple[Figure, ...]:
    """How full the pipelines' queues became: shown, not judged."""
    before, after = (_entry(record, case, backend) for record in (old, new))
    if before is None or after is None:
        return ()
    was = dict(_levels(before))
    return tuple(
        Figure(name=name, unit="buffers", old=was.get(name), new=level) for name, level in _levels(after)
    )


def _entry(record: RunRecord, case: str, backend: str) -> Entry | None:
    found = read(record.folder)
    return found.entry(case, backend) if found else None


def _levels(entry: Entry) -> Iterator[tuple[str, float]]:
    """The highest level of each queue; the processes of one pipeline are taken together."""
    found: dict[str, list[Queue]] = {}
    for process in entry.result.processes:
        for stream, content in process.streams.items():
            for name, queue in content.queues.items():
                found.setdefault(f"{stream}: queue {name}, most", []).append(queue)
    for name, queues in found.items():
        yield name, float(max(queue.max for queue in queues))
