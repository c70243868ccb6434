"""A file as blocks of whole lines, and a block as columns: the fast reader first, the exact one for what is left.

Memory is bounded by the block, not by the file or its longest line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from bench.perfstats import chunks, records
from bench.perfstats.chunks import FAMILIES, Chunk
from bench.perfstats.layouts import Layout
from bench.perfstats.model import Code
from bench.perfstats.records import Record, Refused
from bench.perfstats.scan import Scan
from bench.perfstats.swar import PADDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BYTES = 2 << 20
"""What is read at once: large enough for array operations, small enough for a processor's cache."""

MAX_LINE = 1 << 20
"""Bytes of the longest line that is looked at; a record with 1000 queue levels has some thousand."""

KEPT_REFUSED = 50
"""Refused lines of a block that are handed on with their reason; the others are counted."""

FEW_LINES = 32
"""Up to so many lines the exact reader is as fast."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a file. `first_line` counts from 1; `too_long` bytes were passed over before it (a line without end)."""

    content: bytes
    first_line: int
    last: bool = False
    too_long: int = 0


@dataclass
class Columns:
    """What a block held: chunks by family in the order of the lines, lines, and what was refused (line, code, detail)."""

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
    """The first `size` bytes of a file as blocks of whole lines: what a live file gains meanwhile is left for another time."""
    rest, line, skipped = b"", 1, 0
    while size > 0:
        piece = file.read(min(block_bytes, size))
        if not piece:
            break
        size -= len(piece)
        cut = piece.rfind(b"\n") + 1
        if skipped:  # within a line that is too long
            end = piece.find(b"\n")
            if end < 0:
                skipped += len(piece)
                continue
            yield Block(b"", line, too_long=skipped + end)
            line, skipped, piece, cut = line + 1, 0, piece[end + 1 :], cut - end - 1
        if cut > 0:
            content = rest + piece[:cut]
            yield Block(content, line)
            line += content.count(b"\n")
            rest = piece[cut:]
        else:
            rest += piece
        if len(rest) > MAX_LINE:
            rest, skipped = b"", len(rest)
    if skipped:
        yield Block(b"", line, too_long=skipped)
    if rest:
        yield Block(rest, line, last=True)


def open_log(path: str) -> tuple[BinaryIO, int]:
    """A log opened for reading, and its size now; never waits, as a FIFO would. OSError where it can't be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    return open(descriptor, "rb", buffering=0), os.fstat(descriptor).st_size


def columns(block: Block, layout: Layout, stamps: bool = True, fast: bool = True) -> Columns:
    """What a block holds. `stamps`: with the times of the fast reader's records. Not `fast`: by the exact reader alone."""
    made = Columns()
    if block.too_long:
        made.lines = 1
        made.refuse(
            block.first_line, Code.LONG_LINE, f"{block.too_long} bytes without a line break; passed over"
        )
        return made
    data = np.zeros(len(block.content) + PADDING, np.uint8)
    data[: len(block.content)] = np.frombuffer(block.content, np.uint8)
    ends = np.flatnonzero(data[: len(block.content)] == 10)
    if block.last:
        ends = np.append(ends, len(block.content))
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
    made.lines = len(ends)
    slow = np.arange(len(ends))
    found: dict[str, list[tuple[Chunk, NDArray[np.intp]]]] = {}
    if fast and len(ends) > FEW_LINES:
        chunk, rows = Scan(layout, data, starts, ends, stamps).run()
        found[layout.family] = [(chunk, rows)]
        slow = np.setdiff1d(slow, rows, assume_unique=True)
    for family, (taken, lines) in _exactly(block, starts, ends, slow, made).items():
        chunk = chunks.of_records(family, taken)
        found.setdefault(family, []).append((chunk, np.array(lines, np.intp)))
    for parts in found.values():
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
        line = block.first_line + row
        if end - start > MAX_LINE:
            made.refuse(line, Code.LONG_LINE, f"{end - start} bytes; passed over")
            continue
        content = block.content[start:end]
        if not content.strip():
            continue
        try:
            record = records.decode(content)
        except Refused as refused:
            torn_end = block.last and refused.code is Code.TORN_LINE
            made.refuse(line, Code.TORN_LAST_LINE if torn_end else refused.code, refused.detail)
            continue
        taken, lines = found.setdefault(FAMILIES[type(record)], ([], []))
        taken.append(record)
        lines.append(row)
    return found
