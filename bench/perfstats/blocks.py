"""A file as blocks of whole lines, and a block as columns: the fast reader first, the exact one for what is left.

Memory is bounded by the block, not by the file or its longest line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from bench.perfstats import chunks, records
from bench.perfstats.chunks import FAMILIES, Chunk
from bench.perfstats.layouts import LAYOUTS
from bench.perfstats.model import Code
from bench.perfstats.records import Record, Refused
from bench.perfstats.scan import WIDTHS, Known, Scan
from bench.perfstats.swar import PADDING, positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BYTES = 4 << 20
"""What is read at once: large enough for array operations, small enough for a processor's cache."""

MAX_LINE = 1 << 20
"""Bytes of the longest line that is looked at; a record with 1000 queue levels has some thousand."""

KEPT_REFUSED = 50
"""Refused lines of a block that are handed on with their reason; the others are counted."""

FEW_LINES = 32
"""Up to so many lines the exact reader is as fast."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a file: `data` from `start` to `stop`. `too_long`: instead, bytes that were passed over (a line without end)."""

    data: bytearray
    start: int
    stop: int
    last: bool = False
    too_long: int = 0


@dataclass
class Columns:
    """What a block held: chunks by family in the order of the lines, lines, and what was refused (line from 0, code, detail)."""

    chunks: list[Chunk] = field(default_factory=list)
    lines: int = 0
    refused: list[tuple[int, Code, str]] = field(default_factory=list)
    more: dict[Code, int] = field(default_factory=dict)

    def refuse(self, line: int, code: Code, detail: str) -> None:
        """Keep why a line is none of ours, or count it."""
        if len(self.refused) < KEPT_REFUSED:
            self.refused.append((line, code, detail))
        else:
            self.more[code] = self.more.get(code, 0) + 1


def blocks(file: BinaryIO, size: int, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The first `size` bytes of a file as blocks of whole lines: what a live file gains meanwhile is left for another time.

    All blocks are in the same memory: a block is good until the next one is asked for.
    """
    data = bytearray(min(block_bytes, size) + MAX_LINE + PADDING)
    kept, skipped = (
        0,
        0,
    )  # bytes of a line that goes on, at the beginning of `data`; or of one that is passed over
    while size > 0:
        got = file.readinto(memoryview(data)[kept : kept + min(block_bytes, size)])  # type: ignore[attr-defined]
        if not got:
            break
        size -= got
        start, stop = 0, kept + got
        if skipped:  # within a line that is too long
            end = data.find(b"\n", 0, stop)
            if end < 0:
                skipped += got
                continue
            yield Block(bytearray(), 0, 0, too_long=skipped + end)
            start, skipped = end + 1, 0
        cut = max(data.rfind(b"\n", start, stop) + 1, start)
        if cut > start:
            yield Block(data, start, cut)
        kept = stop - cut
        if kept > MAX_LINE:
            kept, skipped = 0, kept
        data[:kept] = data[cut:stop]
    if skipped:
        yield Block(bytearray(), 0, 0, too_long=skipped)
    if kept:
        yield Block(data, 0, kept, last=True)


def open_log(path: str) -> tuple[BinaryIO, int]:
    """A log opened for reading, and its size now; never waits, as a FIFO would. OSError where it can't be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    return open(descriptor, "rb", buffering=0), os.fstat(descriptor).st_size


def new_known(kind: str) -> tuple[Known, ...]:
    """The fast reader's knowledge of a kind of file, before any."""
    return tuple(Known(LAYOUTS[kind], width) for width in WIDTHS)


def columns(block: Block, known: Sequence[Known], stamps: bool = True, fast: bool = True) -> Columns:
    """What a block holds. `stamps`: with the times of the fast reader's records. Not `fast`: by the exact reader alone."""
    made = Columns()
    if block.too_long:
        made.lines = 1
        made.refuse(0, Code.LONG_LINE, f"{block.too_long} bytes without a line break; passed over")
        return made
    data = np.frombuffer(block.data, np.uint8)
    ends = positions(data, 10, block.start, block.stop)
    if block.last:
        ends = np.append(ends, block.stop)
    starts = np.empty_like(ends)
    starts[0], starts[1:] = block.start, ends[:-1] + 1
    made.lines = len(ends)
    slow = np.arange(len(ends))
    found: dict[str, list[tuple[Chunk, NDArray[np.intp]]]] = {}
    if fast:
        found[known[0].layout.family] = taken_fast = []
        todo = slow
        for each in known:
            if len(todo) > FEW_LINES:
                chunk, rows = Scan(each, data, starts[todo], ends[todo], stamps).run()
                taken_fast.append((chunk, todo[rows]))
                slow = np.setdiff1d(slow, todo[rows], assume_unique=True)
                todo = slow[(ends - starts)[slow] > each.width]
    for family, (taken, lines) in _exactly(block, starts, ends, slow, made).items():
        chunk = chunks.of_records(family, taken)
        found.setdefault(family, []).append((chunk, np.array(lines, np.intp)))
    for parts in found.values():
        if not parts:
            continue
        whole = chunks.merged(parts) if len(parts) > 1 else parts[0][0]
        if len(whole):
            made.chunks.append(whole)
    return made


def _exactly(
    block: Block, starts: NDArray[np.int64], ends: NDArray[np.int64], rows: NDArray[np.intp], made: Columns
) -> dict[str, tuple[list[Record], list[int]]]:
    """The records of lines by the exact reader, by family, with their lines."""
    found: dict[str, tuple[list[Record], list[int]]] = {}
    for row in rows.tolist():
        start, end = int(starts[row]), int(ends[row])
        if end - start > MAX_LINE:
            made.refuse(row, Code.LONG_LINE, f"{end - start} bytes; passed over")
            continue
        content = bytes(block.data[start:end])
        if not content.strip():
            continue
        try:
            record = records.decode(content)
        except Refused as refused:
            torn_end = block.last and refused.code is Code.TORN_LINE
            made.refuse(row, Code.TORN_LAST_LINE if torn_end else refused.code, refused.detail)
            continue
        taken, lines = found.setdefault(FAMILIES[type(record)], ([], []))
        taken.append(record)
        lines.append(row)
    return found
