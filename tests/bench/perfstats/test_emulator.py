"""Logs of the emulator's own writer, which was written from the SDK's side: what ran is recovered exactly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.perfstats import read
from tests.bench.emulator import python_home  # noqa: F401  the emulated home's modules, before they are imported

from omgate_emulator import config, statistics  # isort: skip

START_US = 1714975407 * 10**6


class Clock:
    """A wall clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us


@pytest.mark.parametrize("max_log_mb", [1, 20])
def test_what_ran_is_what_is_read(tmp_path: Path, max_log_mb: int) -> None:
    dice, clock = random.Random(3), Clock()
    conf = config.SdkConf()._replace(
        enable_ps=True,
        ps_log_dir=str(tmp_path),
        ps_log_filename="performance-statistics.log",
        ps_interval_time=6,
        ps_max_log_size=max_log_mb,
        ps_queue_size_times=5,
        ps_queue_size_warn_percent=100,
    )
    made = statistics.Statistics(conf, clock)
    for file in made._files.values():
        file.max_bytes //= 100  # so that a short test has many parts
    levels: list[int] = []
    made.queue("b 人", "queue0", 200, lambda: levels[-1])
    elements = [("mxpi_a2", "plugin"), ("mxpi_a10", "plugin"), ("mxpi_a10", "modelInference")]
    times: dict[tuple[str, str, str], list[int]] = {}
    counts = dict.fromkeys(("a", "b 人"), 0)
    for stream in counts:  # as when the stream is made: all begin in the same window
        made.e2e(stream), made.throughput(stream)
        for element, kind in elements:
            made.plugin(stream, element, "mxpi_f", kind)
    for _ in range(150):
        for stream in counts:
            for _ in range(dice.choice((0, 1, 7))):
                made.e2e(stream).begin()
                spent = 0
                for element, kind in elements:
                    meter = made.plugin(stream, element, "mxpi_f", kind)
                    token = meter.begin()
                    took = dice.randrange(1, 10**6)
                    clock.now_us += took
                    spent += took
                    meter.end(token)
                    times.setdefault((stream, element, kind), []).append(took)
                made.e2e(stream).end()
                times.setdefault((stream, "", "e2e"), []).append(spent)
                made.throughput(stream).count()
                counts[stream] += 1
            levels.append(dice.randrange(200))
            made.poll_queues(50_000)
        clock.now_us += dice.randrange(6 * 10**6)
        made.write_window(6)
    made.stop()
    (process,) = read(tmp_path).processes
    assert (process.process, process.pid) == config.process_name()
    assert len(list(tmp_path.iterdir())) > 8 or max_log_mb == 20
    for (name, element, kind), values in times.items():
        stream = process.streams[name]
        field = {"plugin": "plugin", "modelInference": "model_inference"}
        stat = stream.e2e if kind == "e2e" else getattr(stream.plugins[element], field[kind])
        assert (stat.count, stat.total_us) == (len(values), sum(values))
        assert (stat.min_us, stat.max_us, stat.windows) == (min(values), max(values), 150)
    for name, frames in counts.items():
        found = process.streams[name].throughput
        assert found is not None
        assert (found.frames, found.windows) == (frames, 150)
    queue = process.streams["b 人"].queues["queue0"]
    assert (queue.samples, queue.max, queue.mean) == (len(levels), max(levels), sum(levels) / len(levels))
