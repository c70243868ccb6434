"""Performance statistics: records, windows, files and the quirks that readers of the genuine logs must live with."""

from __future__ import annotations

import json
import re
import stat
import time
from pathlib import Path

import pytest

from tests.bench.emulator import python_home  # noqa: F401  the emulated home's modules, before they are imported

from omgate_emulator import config, log, meters, statfile, statistics  # isort: skip

NAME = re.compile(
    r"performance-statistics\.log\.(e2e|plugin|tpr|queue)\.(.+)\.(\d+)\.(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
)
START_US = 1714975407 * 10**6
"""2024-05-06 06:03:27 UTC, 14:03:27 in the logs."""


class Clock:
    """A wall clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged as a warning."""
    found: list[str] = []
    monkeypatch.setattr(log, "warn", lambda text, where="": found.append(text))
    return found


def conf(folder: Path, **changed: object) -> config.SdkConf:
    keys: dict[str, object] = {
        "enable_ps": True,
        "ps_log_dir": str(folder),
        "ps_log_filename": "performance-statistics.log",
        "ps_interval_time": 6,
    }
    return config.SdkConf()._replace(**(keys | changed))


def lines(folder: Path, kind: str) -> list[str]:
    paths = sorted(folder.glob(f"*.{kind}.*"))
    return [line for path in paths for line in path.read_text().splitlines()]


def test_the_records_of_a_window(tmp_path: Path, clock: Clock) -> None:
    made = statistics.Statistics(conf(tmp_path), clock)
    passages = made.e2e("mcnn")
    for microseconds in (127020, 140377, 130001):
        passages.begin()
        clock.now_us += microseconds
        passages.end()
    plugin = made.plugin("mcnn", "mxpi_tensorinfer0", "mxpi_tensorinfer")
    model = made.plugin("mcnn", "mxpi_tensorinfer0", "mxpi_tensorinfer", "modelInference")
    token = plugin.begin()
    inner = model.begin()
    clock.now_us += 100
    model.end(inner)
    clock.now_us += 50
    plugin.end(token, blocked_us=20)
    for _ in range(41):
        made.throughput("mcnn").count()
    clock.now_us = START_US + 927
    made.write_window(6)
    stamp = '"updateTime":"2024-05-06 14:03:27.927"}'  # 927 microseconds, not padded
    assert lines(tmp_path, "e2e") == [
        '{"average":"132466","frequency":"3","maxTime":"140377","minTime":"127020","streamName":"mcnn",'
        '"totalTime":"397398","type":"e2e",' + stamp
    ]
    element = '"elementName":"mxpi_tensorinfer0","factory":"mxpi_tensorinfer","frequency":"1",'
    assert lines(tmp_path, "plugin") == [
        '{"average":"130",' + element + '"maxTime":"130","minTime":"130","streamName":"mcnn",'
        '"totalTime":"130","type":"plugin",' + stamp,
        '{"average":"100",' + element + '"maxTime":"100","minTime":"100","streamName":"mcnn",'
        '"totalTime":"100","type":"modelInference",' + stamp,
    ]
    assert lines(tmp_path, "tpr") == [
        '{"streamName":"mcnn","throughput":41,"throughputRate":6.833333492279053,"type":"throughputRate",'
        + stamp
    ]


def test_an_empty_window_is_written_and_counters_begin_again(tmp_path: Path, clock: Clock) -> None:
    made = statistics.Statistics(conf(tmp_path), clock)
    passages = made.e2e("s")
    passages.begin()
    clock.now_us += 5
    passages.end()
    made.throughput("s")
    made.write_window(6)
    made.write_window(6)
    first, second = (json.loads(line) for line in lines(tmp_path, "e2e"))
    assert (first["minTime"], first["frequency"]) == ("5", "1")
    assert {second[key] for key in ("average", "minTime", "maxTime", "frequency", "totalTime")} == {"0"}
    assert '"throughput":0,"throughputRate":0.0,' in lines(tmp_path, "tpr")[1]


@pytest.mark.parametrize(
    ("count", "seconds", "text"),
    [(41, 6, "6.833333492279053"), (123, 10, "12.300000190734863"), (30, 6, "5.0"), (7, 0, "0.0")],
)
def test_a_rate_is_rounded_to_float32(count: int, seconds: int, text: str) -> None:
    assert json.dumps(meters.rate(count, seconds)) == text


def test_the_queue_of_start_times_forgets_the_oldest(clock: Clock, warnings: list[str]) -> None:
    passages = meters.Passages(clock)
    for _ in range(meters.OUTSTANDING + 2):
        passages.begin()
        clock.now_us += 1
    assert len(warnings) == 1  # one in ten seconds
    assert "startTimeQueue is full" in warnings[0]
    passages.end()
    assert passages.take().total_us == meters.OUTSTANDING  # under-reported: the first two are gone
    clock.now_us += meters.WARN_EVERY_US
    passages.begin()
    passages.begin()
    assert len(warnings) == 2


def test_an_end_without_a_begin_is_dropped(clock: Clock, warnings: list[str]) -> None:
    passages = meters.Passages(clock)
    passages.end()
    assert "startTimeQueue is empty" in warnings[0]
    assert passages.take() == meters.Window(0, 0, 0, 0)


def test_a_clock_set_back_forgets_the_window(clock: Clock) -> None:
    spans = meters.Spans(clock)
    spans.end(clock() - 100)
    spans.end(clock() + 1000)  # lasted -1000 microseconds
    window = spans.take()
    assert (window.frequency, window.total_us) == (1, -1000)
    assert meters.Window(3, -7, 0, 0).fields()["average"] == "-2"  # cut toward zero


def test_order_is_that_of_bytes(tmp_path: Path, clock: Clock) -> None:
    made = statistics.Statistics(conf(tmp_path), clock)
    for element in ("mxpi_a2", "mxpi_a10"):
        for kind in ("modelInference", "plugin"):
            made.plugin("s", element, "f", kind)
    made.plugin("S", "z", "f")
    made.write_window(6)
    found = [json.loads(line) for line in lines(tmp_path, "plugin")]
    assert [(line["elementName"], line["type"]) for line in found] == [
        ("z", "plugin"),
        ("mxpi_a10", "plugin"),
        ("mxpi_a10", "modelInference"),
        ("mxpi_a2", "plugin"),
        ("mxpi_a2", "modelInference"),
    ]


def test_levels_of_a_queue(tmp_path: Path, clock: Clock, warnings: list[str]) -> None:
    made = statistics.Statistics(conf(tmp_path, ps_queue_size_times=4, ps_queue_size_warn_percent=50), clock)
    sizes = iter([0, 2, 0, 1, 4])
    made.queue("s", "queue0", 4, lambda: next(sizes))
    for _ in range(3):
        made.poll_queues(50000)
    assert not lines(tmp_path, "queue")
    clock.now_us += 7
    made.poll_queues(50000)
    assert lines(tmp_path, "queue") == [
        '{"curSize":1,"elementName":"queue0","intervalTime":200000,"maxSize":2,"maxSizeBuffers":4,'
        '"recentSize":[0,2,0,1],"streamName":"s","type":"queueSize","updateTime":"2024-05-06 14:03:27.7"}'
    ]
    made.poll_queues(50000)
    assert len(warnings) == 1  # 2 and 4 are at the threshold of 2, within ten seconds
    assert "reached warning value" in warnings[0]


def test_names_modes_and_the_time_in_the_east(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "made" / "logs"
    made = statistics.Statistics(conf(folder), clock)
    made.e2e("s")
    assert not folder.exists()  # the first record makes it
    made.write_window(6)
    (path,) = folder.iterdir()
    found = NAME.fullmatch(path.name)
    assert found
    name, number = config.process_name()
    assert found.groups() == ("e2e", name, str(number), "2024-05-06 14:03:27")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    made.stop()
    assert stat.S_IMODE(path.stat().st_mode) == 0o440


def test_a_full_file_is_followed_by_another(tmp_path: Path, clock: Clock) -> None:
    file = statfile.StatFile(str(tmp_path), "p.log", "e2e", ("python3.9", 7), clock)
    file.max_bytes = 10
    file.write("12345\n")
    file.write("12345\n")  # full: the next name is of the same second, so it is the same file
    file.write("67890\n")
    clock.now_us += 2_000_000
    file.write("67890\n")
    file.write("x\n")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"p.log.e2e.python3.9.7.2024-05-06 14:03:{second}" for second in (27, 29)]
    assert (tmp_path / names[0]).read_text() == "12345\n12345\n67890\n67890\n"
    assert (tmp_path / names[1]).read_text() == "x\n"
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names] == [0o440, 0o640]
    file.close()


def test_old_files_of_the_same_process_go(tmp_path: Path, clock: Clock) -> None:
    prefix = "p.log.e2e.x.7."
    names = [f"{prefix}2024-05-0{day} 00:00:00" for day in (1, 4, 5, 6)]
    for name in [*names, "p.log.e2e.x.8.2020-01-01 00:00:00"]:
        (tmp_path / name).touch()
    statfile.StatFile(str(tmp_path), "p.log", "e2e", ("x", 7), clock).prune(days=5, number=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *names[2:],
        "p.log.e2e.x.8.2020-01-01 00:00:00",
    ]


def test_links_are_refused(tmp_path: Path, clock: Clock, warnings: list[str]) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    made = statistics.Statistics(conf(tmp_path / "link"), clock)
    made.e2e("s")
    made.write_window(6)
    assert not list((tmp_path / "real").iterdir())
    assert "link" in warnings[0]


def test_dynamic_keys_are_read_again_and_the_others_are_not(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sdk.conf"
    path.write_text("enable_ps=false\nps_interval_time=2\nps_max_log_size=3\nps_log_dir=/other\n")
    made = statistics.Statistics(conf(tmp_path, path=str(path)), clock)
    made.reread()
    assert (made.conf.ps_interval_time, made.conf.ps_max_log_size) == (2, 3)
    assert (made.conf.enable_ps, made.conf.ps_log_dir) == (True, str(tmp_path))
    path.unlink()
    made.reread()
    assert made.conf.ps_interval_time == 2


def test_off_means_nothing(tmp_path: Path, clock: Clock) -> None:
    made = statistics.Statistics(conf(tmp_path, enable_ps=False), clock)
    made.start()
    passages, counter = made.e2e("s"), made.throughput("s")
    span = made.plugin("s", "e", "f")
    passages.begin()
    passages.end()
    counter.count()
    span.end(span.begin(), 3)
    made.queue("s", "q", 1, lambda: pytest.fail("a queue was read"))
    made.poll_queues(10000)
    made.write_window(6)
    made.stop()
    assert not list(tmp_path.iterdir())


def test_threads_write_windows_and_a_last_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics.Statistics, "_started", False)
    keys = {"ps_interval_time": 1, "ps_queue_size_interval_time": 10, "ps_queue_size_times": 3}
    made = statistics.Statistics(conf(tmp_path, **keys))
    made.start()
    made.queue("s", "queue0", 10, lambda: 1)
    counter = made.throughput("s")
    counter.count()
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob("*.tpr.*")) and time.monotonic() < deadline:
        time.sleep(0.01)  # the first window ends after a second
    counter.count()
    counter.count()
    made.stop()
    counts = [json.loads(line)["throughput"] for line in lines(tmp_path, "tpr")]
    assert counts[0] == 1
    assert sum(counts) == 3
    assert json.loads(lines(tmp_path, "queue")[0])["recentSize"] == [1, 1, 1]
    second = statistics.Statistics(conf(tmp_path, **keys))  # a second manager of the process measures nothing
    second.start()
    assert isinstance(second.e2e("s"), meters.Nothing)
    second.stop()
