"""Logs to numbers: `read` sums up what files hold, with all that puts the numbers in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.perfstats.blocks import Block, Columns, blocks, columns, open_log
from bench.perfstats.chunks import Key
from bench.perfstats.cut import Ends
from bench.perfstats.find import Found, Owner, Part, find
from bench.perfstats.footnotes import Footnotes, shown
from bench.perfstats.layouts import LAYOUTS
from bench.perfstats.model import Code, PerfStats, Process, Source
from bench.perfstats.names import KINDS
from bench.perfstats.parallel import each, shares, size
from bench.perfstats.result import OfProcess, process_of
from bench.perfstats.scan import Known
from bench.perfstats.sdklog import look_through
from cases.errors import OmgateError

WORTH_COMPILING = 16 << 20
"""Bytes of logs from which on the fast reader is used: below, the exact one is done before the other's code is loaded."""


@dataclass
class Reader:
    """One reading: how, and what was seen on the way. `fast`: with the fast reader; None: where it is worth it."""

    fast: bool | None = None
    block_bytes: int | None = None
    notes: Footnotes = field(default_factory=Footnotes)
    known: dict[str, Known] = field(default_factory=dict)
    files: int = 0
    size_bytes: int = 0
    lines: int = 0
    bad_lines: int = 0
    _before: dict[str, int] = field(default_factory=dict)

    def merge(self, other: Reader) -> None:
        """Take in what another reading saw, of parts that come after these."""
        self.notes.merge(other.notes)
        self.files += other.files
        self.size_bytes += other.size_bytes
        self.lines += other.lines
        self.bad_lines += other.bad_lines

    def columns(
        self, parts: Sequence[Part], stamps: Callable[[str], bool], quiet: bool = False
    ) -> Iterator[Columns]:
        """The blocks of these files, in order. `quiet`: a second look, whose complaints were or will be made by another."""
        fast = sum(map(size, parts)) >= WORTH_COMPILING if self.fast is None else self.fast
        for part in parts:
            kind = part.name.kind
            known = self.known.setdefault(kind, Known(LAYOUTS[kind])) if fast else None
            for block in self._blocks(part, quiet):
                yield self._done(part, columns(block, known, stamps(kind)), quiet)

    def _blocks(self, part: Part, quiet: bool) -> Iterator[Block]:
        try:
            file, size = open_log(part.path)
            with file:
                if not quiet:
                    self.files += 1
                    self.size_bytes += size
                yield from blocks(file, size, *([self.block_bytes] if self.block_bytes else []))
        except OSError as error:
            if not quiet:
                self.notes.add(Code.UNREADABLE, shown(part.path), error.strerror or str(error))

    def _done(self, part: Part, made: Columns, quiet: bool) -> Columns:
        if not quiet:
            before = self._before.get(part.path, 0)
            self._before[part.path] = before + made.lines
            self.lines += made.lines
            self.bad_lines += len(made.refused) + sum(made.more.values())
            for line, code, detail in made.refused:
                self.notes.add(code, f"{shown(part.path)}:{before + line + 1}", shown(detail))
            for code, times in made.more.items():
                self.notes.count_more(code, times)
        return made


def read(
    paths: Sequence[str | Path] | str | Path,
    *,
    drop_first: int = 0,
    drop_last: int = 0,
    sdk_logs: bool = True,
) -> PerfStats:
    """Return what the logs at `paths` (files, folders and the folders in them) say, with warnings; broken lines are among these.

    `drop_first`, `drop_last`: windows with frames that are left out, of each process and stream (see `cut`). `sdk_logs`: look
    through the SDK's own logs that lie there, too. Raises OmgateError for a negative number, and for a path that is not there.
    """
    return read_with_source(paths, drop_first=drop_first, drop_last=drop_last, sdk_logs=sdk_logs)[0]


def read_with_source(
    paths: Sequence[str | Path] | str | Path,
    *,
    drop_first: int = 0,
    drop_last: int = 0,
    sdk_logs: bool = True,
    reader: Reader | None = None,
) -> tuple[PerfStats, Source]:
    """Return what `read` returns, and how much there was."""
    if drop_first < 0 or drop_last < 0:
        raise OmgateError(
            f"--drop-first {drop_first} --drop-last {drop_last}: windows to drop can't be fewer than 0"
        )
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    for path in listed:
        if "\0" in str(path) or not Path(path).exists():
            raise OmgateError(
                f"{shown(str(path))}: no such file or folder; name the folder that holds the logs (ps_log_dir in sdk.conf)"
            )
    reader = reader or Reader()
    found = find(listed, reader.notes)
    processes = tuple(
        _process(reader, owner, kinds, drop_first, drop_last) for owner, kinds in found.sorted()
    )
    if sdk_logs:
        _sdk_logs(found, reader.notes)
    source = Source(
        files=reader.files,
        size_bytes=reader.size_bytes,
        lines=reader.lines,
        bad_lines=reader.bad_lines,
        drop_first=drop_first,
        drop_last=drop_last,
    )
    return PerfStats(processes=processes, warnings=reader.notes.all()), source


def _process(
    reader: Reader, owner: Owner, kinds: dict[str, list[Part]], drop_first: int, drop_last: int
) -> Process:
    """One process: with windows to drop its e2e log (or throughput) is looked through once before."""
    parts = [part for kind in KINDS for part in kinds.get(kind, [])]
    kept = kept_windows(reader, kinds, drop_first, drop_last) if drop_first or drop_last else {}
    # Both are written together: one clock is enough, but where windows are dropped their beginnings are compared.
    clocks = {"e2e", "tpr"} if kept else {"e2e" if "e2e" in kinds else "tpr"}
    runs = [parts] if kept else shares(parts)

    def summed(run: list[Part], reader: Reader) -> OfProcess:
        sums = OfProcess(owner, kept, drop_first, drop_last)
        for made in reader.columns(run, lambda kind: kind in clocks):
            for chunk in made.chunks:
                sums.add(chunk)
        return sums

    def apart(run: list[Part]) -> tuple[OfProcess, Reader]:
        own = Reader(reader.fast, reader.block_bytes)
        sums = summed(run, own)
        own.known = {}
        return sums, own

    if len(runs) == 1:
        return process_of(summed(runs[0], reader), reader.notes)
    (whole, own), *others = each(apart, runs)
    reader.merge(own)
    for sums, own in others:
        whole.merge(sums)
        reader.merge(own)
    return process_of(whole, reader.notes)


def kept_windows(
    reader: Reader, kinds: dict[str, list[Part]], drop_first: int, drop_last: int
) -> dict[str, range]:
    """The windows of each stream that are kept, by their order numbers."""
    ends: dict[Key, Ends] = {}
    parts = [part for kind in ("e2e", "tpr") for part in kinds.get(kind, [])]
    for made in reader.columns(parts, lambda kind: False, quiet=True):
        for whole in made.chunks:
            for key, chunk in whole.parts():
                if chunk.family == "rate" or (chunk.family == "span" and key[3] == "e2e"):
                    ends.setdefault(key, Ends(drop_first, drop_last)).add(chunk)
    by_stream: dict[str, range] = {}
    for key, end in ends.items():
        if key[3] == "e2e" or key[0] not in by_stream:
            by_stream[key[0]] = end.kept()
    return by_stream


def _sdk_logs(found: Found, notes: Footnotes) -> None:
    for path in found.sdk_logs:
        look_through(path, notes)
