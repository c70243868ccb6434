"""Every window of some logs as data: for a run's record, its report and its verdict. The reader's own sums hold none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from bench.perfstats.chunks import Chunk, Key
from bench.perfstats.find import find
from bench.perfstats.footnotes import Footnotes
from bench.perfstats.names import KINDS
from bench.perfstats.reader import Reader, kept_windows
from bench.perfstats.switch import QUEUE_SECONDS
from reports.perfstats import Window, WindowKind


def windows_of(
    paths: Sequence[str | Path], interval_seconds: int, drop_first: int, drop_last: int
) -> tuple[Window, ...]:
    """Return the windows of the logs at `paths`: by process, in the order of the logs.

    `kept` is false of those that `drop_first` and `drop_last` leave out. Queue records are a row of their own, QUEUE_SECONDS apart.
    Complaints are the reader's, not repeated here; all windows are in memory.
    """
    made: list[Window] = []
    for owner, kinds in find(paths, Footnotes()).sorted():
        reader = Reader()
        kept = kept_windows(reader, kinds, drop_first, drop_last)
        seen: dict[Key, int] = {}
        parts = [part for kind in KINDS for part in kinds.get(kind, [])]
        for columns in reader.columns(parts, lambda kind: False, quiet=True):
            for whole in columns.chunks:
                for key, chunk in whole.parts():
                    before = seen.get(key, 0)
                    seen[key] = before + len(chunk)
                    made += _rows(key, chunk, before, kept.get(key[0]), interval_seconds, owner.pid)
    return tuple(made)


def _rows(
    key: Key, chunk: Chunk, before: int, kept: range | None, interval_seconds: int, pid: int | None
) -> Iterator[Window]:
    stream, element, factory, kind = key
    named = {"span": kind, "rate": "tpr", "level": "queue"}[chunk.family]
    length = QUEUE_SECONDS if chunk.family == "level" else interval_seconds
    values: list[tuple[Any, ...]] = list(
        zip(*(column.tolist() for column in chunk.columns.values()), strict=True)
    )
    for number, row in enumerate(values, before):
        fields = dict(zip(chunk.columns, row, strict=True))
        yield Window(
            kind=cast(WindowKind, named),
            stream=stream,
            element=element,
            factory=factory,
            pid=pid,
            start_seconds=number * length,
            kept=chunk.family == "level" or kept is None or number in kept,
            **_measured(chunk.family, fields, interval_seconds),
        )


def _measured(family: str, fields: dict[str, Any], interval_seconds: int) -> dict[str, Any]:
    """What a window of each family has to say; nothing of an idle one but its count."""
    if family == "rate":
        return {"count": fields["frames"], "rate": fields["frames"] / interval_seconds}
    if family == "level":
        mean = fields["total"] / fields["samples"] if fields["samples"] else None
        return {"size_mean": mean, "size_max": fields["high"], "capacity": fields["capacity"]}
    count = fields["count"]
    if not count:
        return {"count": 0}
    return {
        "count": count,
        "mean_us": fields["total"] / count,
        "min_us": fields["low"],
        "max_us": fields["high"],
    }
