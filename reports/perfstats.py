"""The SDK's own performance statistics in a run's record: perfstats.json, written and read. Schema: docs/record.md.

Times are integers in microseconds, as the SDK's logs have them. Percentiles are not in these logs, so they are not here either.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from reports.files import write_atomically
from reports.versioned import read_versioned

SCHEMA = 1
"""Version of perfstats.json; rises when a reader of the old one would misread the new one."""

PERFSTATS_FILE = "perfstats.json"
LOGS_FOLDER = "perfstats"
"""The collected logs, in a folder for each case and backend."""

Method = Literal["own-config", "edited-home"]
"""How statistics were switched on: by a config folder of the run's own, or by an edit of the installed sdk.conf that was undone."""

WindowKind = Literal["e2e", "plugin", "modelInference", "postProcessor", "videoDecode", "tpr", "queue"]

ELEMENT_KINDS = {
    "plugin": "plugin",
    "modelInference": "model_inference",
    "postProcessor": "post_processor",
    "videoDecode": "video_decode",
}
"""Record types of an element, and the fields of `Plugin` that hold their sums."""


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
    rename={field: name for name, field in ELEMENT_KINDS.items()},
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


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the logs: a window of `interval_seconds`, idle ones among them, or for `queue` a second of its levels.

    `start_seconds`: nominal, the window's order times its length, from the start of the process's first window (the SDK's stamps can
    be a second late). `rate`: of `tpr`, count / interval_seconds, frames/s. `kept`: within the steady state that the sums are over.
    """

    kind: WindowKind
    stream: str
    start_seconds: float
    element: str = ""
    factory: str = ""
    pid: int | None = None
    kept: bool = True
    count: int | None = None
    mean_us: float | None = None
    min_us: int | None = None
    max_us: int | None = None
    rate: float | None = None
    size_mean: float | None = None
    size_max: int | None = None
    capacity: int | None = None


class CrossCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The SDK's e2e mean beside the harness's own clock, means over the images of the same passes; microseconds.

    `host_us`: from handing an image to the worker to its answer; it contains the SDK's span, so it may not be the shorter one by more
    than `tolerance` (a fraction).
    """

    sdk_us: float
    host_us: float
    sdk_count: int
    host_count: int
    tolerance: float
    agrees: bool


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of a case on a backend: how they were taken, the sums of the steady state, and every window.

    `drop_first`, `drop_last`: windows with frames that the sums leave out. `images`: that were sent through, over all passes.
    """

    case: str
    backend: str
    soc: str
    interval_seconds: int
    passes: int
    method: Method
    drop_first: int
    drop_last: int
    result: PerfStats
    windows: tuple[Window, ...] = ()
    images: int | None = None
    cross_check: CrossCheck | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(case, backend)."""
        return self.case, self.backend


class PerfStatsFile(msgspec.Struct, frozen=True, kw_only=True):
    """All of perfstats.json."""

    schema: int = SCHEMA
    entries: tuple[Entry, ...] = ()

    def entry(self, case: str, backend: str) -> Entry | None:
        """The statistics of a case on a backend, None where there are none."""
        return next((entry for entry in self.entries if entry.key == (case, backend)), None)


def read(folder: Path | str) -> PerfStatsFile | None:
    """The perfstats.json of a run's folder, None where the run has none. ReportError if it is broken, or of a newer omgate."""
    return read_versioned(
        Path(folder) / PERFSTATS_FILE,
        PerfStatsFile,
        SCHEMA,
        "performance statistics",
        "remove it, and measure again with --perfstats",
    )


def write(folder: Path | str, entries: Iterable[Entry]) -> Path:
    """Write perfstats.json into a run's folder, and return its path: what was there or all of the new, whenever it is killed."""
    path = Path(folder) / PERFSTATS_FILE
    made = PerfStatsFile(entries=tuple(entries))
    write_atomically(path, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    return path


def put(folder: Path | str, entry: Entry) -> Path:
    """Add or replace the statistics of one case on one backend, and return the file's path."""
    found = read(folder)
    others = [item for item in (found.entries if found else ()) if item.key != entry.key]
    return write(folder, (*others, entry))
