"""The sums of one process on their way to its result, and the doubts that only the whole shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.perfstats.chunks import Chunk, Key
from bench.perfstats.find import Owner
from bench.perfstats.footnotes import Footnotes, shown
from bench.perfstats.model import ELEMENT_KINDS, Code, Plugin, Process, Queue, Stat, Stream
from bench.perfstats.sums import SECOND, Clock, Frames, Levels, Spans

SLACK = 2
"""Frames by which e2e and throughput may differ: those that pass while a window ends."""


@dataclass
class OfProcess:
    """Statistics by whose they are. `kept`: the windows of a stream that count, all of them where it is not there."""

    owner: Owner
    kept: dict[str, range]
    drop_first: int
    drop_last: int
    spans: dict[Key, Spans] = field(default_factory=dict)
    frames: dict[str, Frames] = field(default_factory=dict)
    levels: dict[Key, Levels] = field(default_factory=dict)
    clocks: dict[Key, Clock] = field(default_factory=dict)
    seen: dict[Key, int] = field(default_factory=dict)

    def add(self, whole: Chunk) -> None:
        """Take in records."""
        for key, chunk in whole.parts():
            if chunk.family == "level":
                self.levels.setdefault(key, Levels()).add(chunk)
                continue
            if chunk.stamp is not None and (chunk.family == "rate" or key[3] == "e2e"):
                self.clocks.setdefault(key, Clock()).add(chunk)
            part = self._kept(key, chunk)
            if chunk.family == "rate":
                self.frames.setdefault(key[0], Frames()).add(part)
            else:
                self.spans.setdefault(key, Spans()).add(part)

    def _kept(self, key: Key, chunk: Chunk) -> Chunk:
        before = self.seen.get(key, 0)
        self.seen[key] = before + len(chunk)
        kept = self.kept.get(key[0])
        if kept is None:
            return chunk
        low, high = max(kept.start - before, 0), max(kept.stop - before, 0)
        return chunk if low == 0 and high >= len(chunk) else chunk.take(slice(low, high))

    def merge(self, other: OfProcess) -> None:
        """Take in the sums of parts that come after these; only where all windows count."""
        _merge(self.spans, other.spans)
        _merge(self.frames, other.frames)
        _merge(self.levels, other.levels)
        _merge(self.clocks, other.clocks)
        for key, seen in other.seen.items():
            self.seen[key] = self.seen.get(key, 0) + seen

    def streams(self) -> list[str]:
        """Names of the streams, sorted."""
        return sorted({key[0] for key in (*self.spans, *self.levels)} | set(self.frames))


def _merge(mine: dict[Any, Any], theirs: dict[Any, Any]) -> None:
    for key, sums in theirs.items():
        if key in mine:
            mine[key].merge(sums)
        else:
            mine[key] = sums


def process_of(sums: OfProcess, notes: Footnotes) -> Process:
    """The result of a process; doubts become warnings."""
    streams = {}
    for name in sums.streams():
        where = _where(sums.owner, name)
        streams[name] = _stream(sums, name, notes, where)
        _doubts(sums, name, notes, where)
    process = sums.owner.process
    return Process(process=None if process is None else shown(process), pid=sums.owner.pid, streams=streams)


def _stream(sums: OfProcess, name: str, notes: Footnotes, where: str) -> Stream:
    e2e: Stat | None = None
    found: dict[str, tuple[str, dict[str, Spans]]] = {}
    # Sorted: the order in which they were found depends on how the logs were read.
    for (stream, element, factory, kind), spans in sorted(sums.spans.items(), key=lambda item: item[0]):
        if stream != name:
            continue
        if kind == "e2e":
            e2e = spans.result()
            continue
        first, kinds = found.setdefault(element, (factory, {}))
        if kind in kinds:
            notes.add(
                Code.WINDOWS_DIFFER,
                where,
                f"{shown(element)} has {kind} records of two factories ({shown(first)}, {shown(factory)}); the larger one is shown",
            )
            if kinds[kind].count >= spans.count:
                continue
        kinds[kind] = spans
    plugins = {
        element: Plugin(
            factory=factory, **{ELEMENT_KINDS[kind]: spans.result() for kind, spans in kinds.items()}
        )
        for element, (factory, kinds) in sorted(found.items())
    }
    queues: dict[str, Queue] = {}
    for (stream, element, _, _), levels in sorted(sums.levels.items()):
        if stream == name:
            queues[element] = levels.result()
            if levels.changed:
                notes.add(
                    Code.QUEUE_CHANGED,
                    where,
                    f"the capacity of {shown(element)} changed; {levels.capacity} is the last one",
                )
    frames = sums.frames.get(name)
    return Stream(
        e2e=e2e, plugins=plugins, throughput=None if frames is None else frames.result(), queues=queues
    )


def _doubts(sums: OfProcess, name: str, notes: Footnotes, where: str) -> None:
    """What puts a stream's numbers in doubt."""
    e2e_key, rate_key = (name, "", "", "e2e"), (name, "", "", "")
    e2e, frames = sums.spans.get(e2e_key), sums.frames.get(name)
    clock = sums.clocks.get(e2e_key) or sums.clocks.get(rate_key)
    if clock is not None and clock.steps:
        more = f"; {clock.steps} times in all" if clock.steps > 1 else ""
        notes.add(Code.CLOCK_STEP, where, f"{clock.detail}{more}: durations are taken from this clock, too")
    if clock is not None and clock.unreadable:
        notes.add(Code.BAD_TIME, where, f"{clock.unreadable} windows have an updateTime that is no time")
    negative = sorted(
        key[1] or "e2e" for key, spans in sums.spans.items() if key[0] == name and spans.negative
    )
    if negative:
        notes.add(
            Code.NEGATIVE_TIME,
            where,
            f"durations below 0 in {shown(', '.join(negative))}: the clock was set back during a window",
        )
    if e2e is not None and frames is not None and abs(e2e.count - frames.frames) > SLACK:
        windows = "" if e2e.windows == frames.windows else f" ({e2e.windows} and {frames.windows} windows)"
        notes.add(
            Code.COUNTS_DIFFER,
            where,
            f"e2e counted {e2e.count} frames, throughput {frames.frames}{windows}: samples were lost, or a log is incomplete",
        )
    # Where ends were left out, those that are left are whole windows: slow ones, not short ones.
    if frames is not None and (short := frames.short(not sums.drop_first, not sums.drop_last)):
        notes.add(
            Code.SHORT_WINDOW_RATE,
            where,
            f"{'; '.join(short)}: the SDK divides by the whole interval there, too; --drop-first 1 --drop-last 1 leaves them out",
        )
    if sums.drop_first or sums.drop_last:
        _dropped(sums, name, notes, where)


def _dropped(sums: OfProcess, name: str, notes: Footnotes, where: str) -> None:
    kept = sums.kept.get(name)
    if kept is None:
        notes.add(
            Code.WINDOWS_DIFFER,
            where,
            "neither e2e nor throughput says which windows have frames: nothing was dropped",
        )
        return
    if not kept:
        notes.add(
            Code.NOTHING_KEPT,
            where,
            f"not more windows with frames than are dropped (first {sums.drop_first}, last {sums.drop_last}): nothing is left",
        )
    # A process that was killed has written the last window to some of its logs only; more than that means that they begin apart.
    seen = {key: number for key, number in sums.seen.items() if key[0] == name}
    if seen and max(seen.values()) - min(seen.values()) > 1:
        least = min(seen, key=lambda key: seen[key])
        notes.add(
            Code.WINDOWS_DIFFER,
            where,
            f"statistics have between {min(seen.values())} ({shown(least[1] or least[3] or 'throughput')}) and {max(seen.values())} windows:"
            " they are aligned by their order, and those that were dropped may not be the same ones everywhere",
        )
    firsts = [clock.first for key, clock in sums.clocks.items() if key[0] == name and clock.first is not None]
    if len(firsts) > 1 and max(firsts) - min(firsts) > 2 * SECOND:
        notes.add(
            Code.WINDOWS_DIFFER,
            where,
            "the e2e and the throughput log begin at different times: a first part of one is missing",
        )


def _where(owner: Owner, stream: str) -> str:
    process = shown(owner.folder) if owner.process is None else f"{shown(owner.process)}.{owner.pid}"
    return f"{process}, stream {shown(stream)}"
