"""Performance statistics of the pipelines of one process (Vision SDK: PerformanceStatisticsManager, MxStreamManagerDptr).

One thread writes a record of every statistic each `ps_interval_time` seconds, another reads the levels of the queues. Known race of
the SDK that is not here: its queue interval is for a moment milliseconds where microseconds are meant, which gives one short poll.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Callable, Dict, List, Tuple, TypeVar, Union

from omgate_emulator import config
from omgate_emulator.meters import Buffers, Level, Nothing, Passages, Spans, Wall, rate
from omgate_emulator.statfile import StatFile, update_time

KINDS = ("e2e", "plugin", "tpr", "queue")
RECORDS = ("plugin", "modelInference", "postProcessor", "videoDecode")
"""Types of records in the plugin file, in their order for one element."""

PRUNE_SECONDS = 30.0
"""Old files are looked for this often, when a window ends."""

Meter = TypeVar("Meter")
Key = Tuple[str, ...]


def wall_us() -> int:
    """Return microseconds since 1970."""
    return int(time.time() * 1e6)


class Statistics:
    """What InitManager starts and DestroyAllStreams ends.

    Only the first one of a process that is started measures: the SDK's threads exist once. Off (`enable_ps=false`, or a later
    one), every meter that it gives is a `Nothing`.
    """

    _started = False

    def __init__(self, conf: config.SdkConf, wall: Wall = wall_us) -> None:
        self.conf = conf
        self._wall = wall
        self._on = conf.enable_ps
        self._lock = threading.Lock()
        self._e2e: Dict[Key, Passages] = {}
        self._tpr: Dict[Key, Buffers] = {}
        self._plugin: Dict[Key, Spans] = {}
        self._queues: Dict[Key, Level] = {}
        self._polls = 0
        self._pruned_at = time.monotonic()
        self._wake = threading.Event()
        self._threads: List[threading.Thread] = []
        process = config.process_name()
        self._files = {
            kind: StatFile(conf.ps_log_dir, conf.ps_log_filename, kind, process, wall) for kind in KINDS
        }
        self._follow(conf)

    def start(self) -> None:
        """Begin the first window. In a process that has had one before: switch off."""
        if Statistics._started:
            self._on = False
        Statistics._started = True
        if self._on:
            for loop in (self._show, self._watch):
                # Daemons: a program that ends without DestroyAllStreams loses its last window and ends all the same.
                self._threads.append(threading.Thread(target=loop, name=loop.__name__, daemon=True))
                self._threads[-1].start()

    def stop(self) -> None:
        """Write the last window, shorter than the others, and close the files. The SDK now and then loses that window."""
        self._wake.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        for file in self._files.values():
            file.close()

    def e2e(self, stream: str) -> Union[Passages, Nothing]:
        """Return the stream's time from leaving its source to reaching its sink; one for all its sources and sinks."""
        return self._meter(self._e2e, (stream,), lambda: Passages(self._wall))

    def throughput(self, stream: str) -> Union[Buffers, Nothing]:
        """Return the counter of the buffers that reach the stream's sink."""
        return self._meter(self._tpr, (stream,), Buffers)

    def plugin(self, stream: str, element: str, factory: str, kind: str = "plugin") -> Union[Spans, Nothing]:
        """Return the durations of an element; `kind` is one of RECORDS."""
        return self._meter(
            self._plugin, (stream, element, str(RECORDS.index(kind)), factory), lambda: Spans(self._wall)
        )

    def queue(self, stream: str, element: str, max_size_buffers: int, size: Callable[[], int]) -> None:
        """Watch the level of a queue element; `size` is called from a thread of its own."""
        self._meter(self._queues, (stream, element), lambda: Level(stream, element, max_size_buffers, size))

    def write_window(self, interval_s: int) -> None:
        """Write one record of each statistic, also of those that counted nothing; `interval_s` is the window's nominal length."""
        for (stream,), passages in self._sorted(self._e2e):
            self._write("e2e", {"streamName": stream, "type": "e2e", **passages.take().fields()})
        for (stream, element, kind, factory), spans in self._sorted(self._plugin):
            names = {"streamName": stream, "elementName": element, "factory": factory}
            self._write("plugin", {"type": RECORDS[int(kind)], **names, **spans.take().fields()})
        for (stream,), buffers in self._sorted(self._tpr):
            count = buffers.take()
            numbers = {"throughput": count, "throughputRate": rate(count, interval_s)}
            self._write("tpr", {"streamName": stream, "type": "throughputRate", **numbers})

    def poll_queues(self, interval_us: int) -> None:
        """Read the level of every queue; after `ps_queue_size_times` readings write their records."""
        levels = self._sorted(self._queues)
        for _, level in levels:
            level.poll(self.conf.ps_queue_size_warn_percent, self._wall())
        self._polls += 1
        if self._polls >= self.conf.ps_queue_size_times:
            for (stream, element), level in levels:
                self._write_queue(stream, element, level, interval_us * self._polls)
            self._polls = 0

    def reread(self) -> None:
        """Take the dynamic keys of sdk.conf anew; they hold from the next window on."""
        found = config.sdk_conf(self.conf.path) if self.conf.path else self.conf
        if found.path:  # else: gone or being rewritten
            self._follow(
                found._replace(
                    enable_ps=self.conf.enable_ps,
                    ps_log_dir=self.conf.ps_log_dir,
                    ps_log_filename=self.conf.ps_log_filename,
                )
            )

    def _follow(self, conf: config.SdkConf) -> None:
        self.conf = conf
        for file in self._files.values():
            file.max_bytes = conf.ps_max_log_size * config.MB

    def _meter(self, meters: Dict[Key, Meter], key: Key, make: Callable[[], Meter]) -> Union[Meter, Nothing]:
        if not self._on:
            return Nothing()
        with self._lock:
            if key not in meters:
                meters[key] = make()
            return meters[key]

    def _sorted(self, meters: Dict[Key, Meter]) -> List[Tuple[Key, Meter]]:
        """In byte order of the names, so that mxpi_a10 comes before mxpi_a2."""
        with self._lock:
            return sorted(meters.items(), key=lambda item: [part.encode("utf-8") for part in item[0]])

    def _write_queue(self, stream: str, element: str, level: Level, interval_us: int) -> None:
        recent = level.take()
        if recent:
            numbers = {"curSize": recent[-1], "maxSize": max(recent), "recentSize": recent}
            limits = {"maxSizeBuffers": level.max_size_buffers, "intervalTime": interval_us}
            names = {"streamName": stream, "elementName": element, "type": "queueSize"}
            self._write("queue", {**names, **numbers, **limits})

    def _write(self, kind: str, record: Dict[str, object]) -> None:
        record["updateTime"] = update_time(self._wall)
        text = json.dumps(record, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
        self._files[kind].write(text + "\n")

    def _show(self) -> None:
        while not self._wake.is_set():
            interval_s = self.conf.ps_interval_time
            self._wake.wait(interval_s)
            self.write_window(interval_s)
            self.reread()
            self._prune()

    def _watch(self) -> None:
        while not self._wake.is_set():
            interval_us = self.conf.ps_queue_size_interval_time * 1000
            self._wake.wait(interval_us / 1e6)
            self.poll_queues(interval_us)

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at >= PRUNE_SECONDS:
            self._pruned_at = time.monotonic()
            conf = config.logging_conf()
            for file in self._files.values():
                file.prune(conf.rotate_day, conf.rotate_file_number)
