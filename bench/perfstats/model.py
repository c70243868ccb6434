"""What the logs say, as data: why a number is in doubt, and how much was read. The sums themselves are of reports.perfstats."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from reports.perfstats import ELEMENT_KINDS, PerfStats, Plugin, Process, Queue, Stat, Stream, Throughput, Warn

__all__ = [
    "ELEMENT_KINDS",
    "Code",
    "PerfStats",
    "Plugin",
    "Process",
    "Queue",
    "Source",
    "Stat",
    "Stream",
    "Throughput",
    "Warn",
]


class Code(StrEnum):
    """Why a number deserves a second look, or a line or file none."""

    # lines
    TORN_LINE = "torn-line"  # no JSON object: cut off, or two that ran into each other
    TORN_LAST_LINE = "torn-last-line"  # the same, at the end of a file without a line break: live or killed
    FOREIGN_LINE = "foreign-line"  # JSON, but no record of the SDK
    BAD_RECORD = "bad-record"  # a record whose fields are missing or of another kind
    LONG_LINE = "long-line"
    # files
    UNREADABLE = "unreadable"
    NOT_A_FILE = "not-a-file"
    SYMBOLIC_LINK = "symbolic-link"
    NOT_A_LOG = "not-a-log"
    NOTHING_FOUND = "nothing-found"
    # numbers
    BAD_TIME = "bad-time"
    CLOCK_STEP = "clock-step"
    NEGATIVE_TIME = "negative-time"
    COUNTS_DIFFER = "frequency-throughput-mismatch"
    SHORT_WINDOW_RATE = "short-window-rate"
    WINDOWS_DIFFER = "windows-not-aligned"
    NOTHING_KEPT = "nothing-kept"
    QUEUE_CHANGED = "queue-capacity-changed"
    # of a measurement of our own
    FEW_WINDOWS = "few-windows"
    IMAGES_DIFFER = "images-differ"
    IMAGES_FAILED = "images-failed"
    CLOCKS_DIFFER = "clocks-differ"
    MOSTLY_OUTSIDE = "mostly-outside"
    WORKER_LOST = "worker-lost"
    # in the SDK's own log
    START_TIMES_FULL = "start-time-queue-full"
    START_TIMES_EMPTY = "start-time-queue-empty"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What was read to get there, for people: files, bytes, lines, what was dropped."""

    files: int
    size_bytes: int
    lines: int
    bad_lines: int
    drop_first: int = 0
    drop_last: int = 0
