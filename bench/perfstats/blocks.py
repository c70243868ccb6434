"""A file as blocks of whole lines, and a block as columns: the fast reader first, the exact one for what is left.

Memory is bounded by the block, not by the file or its longest line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from bench.perfstats import chunks, records
from bench.perfstats.chunks import FAMILIES, Chunk
from bench.perfstats.model import Code
from bench.perfstats.records import Record, Refused
from bench.perfstats.scan import PADDING, Known

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BYTES = 4 << 20
"""What is read at once: large enough for array operations, small enough for a processor's cache."""

MAX_LINE = 1 << 20
"""Bytes of the longest line that is looked at; a record with 1000 queue levels has some thousand."""

KEPT_REFUSED = 50
"""Refused lines of a block that are handed on with their reason; the others are counted."""


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


def columns(block: Block, known: Known | None, stamps: bool = True) -> Columns:
    """What a block held. `known`: of the fast reader; without, the exact reader does it all. `stamps`: with the times of records."""
    made = Columns()
    if block.too_long:
        made.lines = 1
        made.refuse(0, Code.LONG_LINE, f"{block.too_long} bytes without a line break; passed over")
        return made
    found: dict[str, list[tuple[Chunk, NDArray[np.intp]]]] = {}
    start, left = block.start, []
    if known is not None and (stop := block.data.rfind(b"\n", start, block.stop) + 1) > start:
        scanned = known.scan(block.data, start, stop, stamps)
        found[known.layout.family] = [(scanned.chunk, scanned.rows)]
        start, left, made.lines = stop, scanned.left, scanned.lines
    for family, (taken, lines) in _exactly(block, [*left, *_lines(block, start, made)], made).items():
        found.setdefault(family, []).append((chunks.of_records(family, taken), np.array(lines, np.intp)))
    for parts in found.values():
        whole = chunks.merged(parts) if len(parts) > 1 else parts[0][0]
        if len(whole):
            made.chunks.append(whole)
    return made


def _lines(block: Block, start: int, made: Columns) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each line from `start` on; counted."""
    while start < block.stop:
        end = block.data.find(b"\n", start, block.stop)
        end = block.stop if end < 0 else end
        yield made.lines, start, end
        made.lines += 1
        start = end + 1


def _exactly(
    block: Block, lines: Iterable[tuple[int, int, int]], made: Columns
) -> dict[str, tuple[list[Record], list[int]]]:
    """The records of lines by the exact reader, by family, with their lines."""
    found: dict[str, tuple[list[Record], list[int]]] = {}
    for line, start, end in lines:
        if end - start > MAX_LINE:
            made.refuse(line, Code.LONG_LINE, f"{end - start} bytes; passed over")
            continue
        content = bytes(block.data[start:end])
        if not content.strip():
            continue
        try:
            record = records.decode(content)
        except Refused as refused:
            torn_end = block.last and refused.code is Code.TORN_LINE
            made.refuse(line, Code.TORN_LAST_LINE if torn_end else refused.code, refused.detail)
            continue
        taken, numbers = found.setdefault(FAMILIES[type(record)], ([], []))
        taken.append(record)
        numbers.append(line)
    return found
