"""What the logs say, as data: the Python API's values, and `--json` as they are encoded. Times are integers in microseconds."""

from __future__ import annotations

from enum import StrEnum

import msgspec


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
    START_TIMES_FULL = "start-time-queue-full"
    START_TIMES_EMPTY = "start-time-queue-empty"


class Warn(msgspec.Struct, frozen=True):
    """A footnote to the numbers: its code, where (`file:line`, or process and stream), and one sentence."""

    reason: str
    where: str
    detail: str


class Stat(msgspec.Struct, frozen=True, kw_only=True):
    """Durations over `windows` windows, of which `idle_windows` saw none. None where nothing was counted."""

    count: int
    total_us: int
    mean_us: float | None
    min_us: int | None
    max_us: int | None
    windows: int
    idle_windows: int


class Throughput(msgspec.Struct, frozen=True):
    """Frames that reached the stream's end; `logged_rates` are the SDK's own, frames/s by the configured interval, a window each."""

    frames: int
    windows: int
    logged_rates: tuple[float, ...]


class Queue(msgspec.Struct, frozen=True):
    """Levels of a queue, in buffers, over `samples` looks at it."""

    capacity: int
    max: int
    samples: int
    mean: float | None


class Plugin(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "model_inference": "modelInference",
        "post_processor": "postProcessor",
        "video_decode": "videoDecode",
    },
    omit_defaults=True,
):
    """An element's statistics; those that it has."""

    factory: str
    plugin: Stat | None = None
    model_inference: Stat | None = None
    post_processor: Stat | None = None
    video_decode: Stat | None = None


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline of a process."""

    e2e: Stat | None
    plugins: dict[str, Plugin]
    throughput: Throughput | None
    queues: dict[str, Queue]


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """The pipelines of one process; `process` and `pid` are None where file names do not tell (SDKs before the current one)."""

    process: str | None
    pid: int | None
    streams: dict[str, Stream]


class PerfStats(msgspec.Struct, frozen=True, kw_only=True):
    """All that was read. Encoded by msgspec it is what `omgate perfstats --json` prints."""

    processes: tuple[Process, ...]
    warnings: tuple[Warn, ...]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What was read to get there, for people: files, bytes, lines, what was dropped."""

    files: int
    size_bytes: int
    lines: int
    bad_lines: int
    drop_first: int = 0
    drop_last: int = 0
