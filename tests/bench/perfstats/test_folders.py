"""What lies in a folder of logs: parts in order, processes and streams apart, live and torn files, names of all times."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.perfstats import read
from bench.perfstats.each_window import windows_of
from bench.perfstats.find import find
from bench.perfstats.footnotes import Footnotes
from bench.perfstats.model import PerfStats
from bench.perfstats.names import parse
from bench.perfstats.switch import QUEUE_SECONDS
from tests.bench.perfstats import logs
from tests.bench.perfstats.logs import IDLE, Window


def one(number: int, second: int = 0) -> str:
    """A window with one frame of `number` microseconds."""
    return logs.e2e("s", Window(1, number, number, number), logs.stamp(second))


def codes(stats: PerfStats) -> set[str]:
    return {warning.reason for warning in stats.warnings}


def wheres(stats: PerfStats, code: str) -> list[str]:
    return [warning.where for warning in stats.warnings if warning.reason == code]


def kept_total(folder: Path) -> int:
    """The total without the first and last window: of three windows the middle one, if parts are in order."""
    (process,) = read(folder, drop_first=1, drop_last=1).processes
    found = process.streams["s"].e2e
    assert found is not None
    return found.total_us


@pytest.mark.parametrize(
    "names",
    [
        # Microseconds without padding: 999 is before 6031 and after 5, whatever the order of the texts.
        [f"performance-statistics.log.e2e.20211102-174205.{usec}" for usec in (5, 999, 6031)],
        [
            f"performance-statistics.log.e2e.2022-05-17 {time}"
            for time in ("09:59:59", "10:00:00", "23:00:00")
        ],
        [logs.name_c("e2e", second=second) for second in (0, 33, 60)],
        # The two dashes sort far apart, the times do not.
        [
            "performance—statistics.log.e2e.2022-05-17 09:00:00",
            "performance-statistics.log.e2e.2022-05-17 10:00:00",
            "performance—statistics.log.e2e.2022-05-17 11:00:00",
        ],
    ],
    ids=["A", "B", "C", "dashes"],
)
def test_parts_are_read_in_the_order_in_which_they_were_written(tmp_path: Path, names: list[str]) -> None:
    for name, number in zip(reversed(names), (300, 20, 1), strict=True):
        logs.write(tmp_path, name, [one(number)])
    assert kept_total(tmp_path) == 20


def test_streams_of_one_process_and_processes_of_one_name_are_apart(tmp_path: Path) -> None:
    logs.run(tmp_path, [3, 5], stream="mcnn", pid=7)
    logs.write(
        tmp_path,
        logs.name_c("e2e", pid=8),
        [logs.e2e(name, Window(1, 9, 9, 9), logs.stamp()) for name in ("mcnn", "other")],
    )
    found = {process.pid: process for process in read(tmp_path).processes}
    assert set(found) == {7, 8}
    assert set(found[8].streams) == {"mcnn", "other"}
    e2e = found[7].streams["mcnn"].e2e
    assert e2e is not None
    assert e2e.count == 8


def test_the_same_pid_in_two_folders_is_two_processes(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        logs.run(tmp_path / name, [2])
    assert len(read(tmp_path).processes) == 2
    assert len(read([tmp_path / "monday", tmp_path, tmp_path / "monday"]).processes) == 2  # each file once


def test_names_without_a_process_are_one_entry_a_folder(tmp_path: Path) -> None:
    logs.write(tmp_path, "performance-statistics.log.e2e.20211102-174205.6031", [one(5)])
    logs.write(
        tmp_path,
        "performance-statistics.log.tpr.2022-05-17 10:08:59",
        [logs.throughput("s", 1, 0.5, logs.stamp())],
    )
    (process,) = read(tmp_path).processes
    assert (process.process, process.pid) == (None, None)
    assert process.streams["s"].throughput is not None


@pytest.mark.parametrize("process", ["python3.9", "my prog", "a.1.b", "e2e.tpr", "名 1"])
def test_process_names_may_hold_dots_and_blanks(tmp_path: Path, process: str) -> None:
    found = parse(logs.name_c("e2e", process=process, pid=12))
    assert found is not None
    assert (found.process, found.pid, found.kind) == (process, 12, "e2e")


def test_a_live_file_gives_its_whole_lines_and_names_the_torn_one(tmp_path: Path) -> None:
    path = logs.write(tmp_path, logs.name_c("e2e"), [one(5), one(6), one(7)[:40]])
    stats = read(tmp_path)
    e2e = stats.processes[0].streams["s"].e2e
    assert e2e is not None
    assert e2e.total_us == 11
    assert wheres(stats, "torn-last-line") == [f"{path}:3"]
    with path.open("a") as file:  # the SDK goes on
        file.write(one(7)[40:])
    assert not read(tmp_path).warnings
    assert read(tmp_path).processes[0].streams["s"].e2e.total_us == 18  # type: ignore[union-attr]


def test_lines_of_others_are_counted_and_named_by_file_and_line(tmp_path: Path) -> None:
    foreign = [
        ("W20250302 09:15:07 a line of a log\n", "torn-line"),
        ('{"type":"somethingElse"}\n', "foreign-line"),
        ("[1,2]\n", "foreign-line"),
        (b"\xff\xfe\x00\n", "torn-line"),
        (one(9).replace('"frequency":"1"', '"frequency":"-1"'), "bad-record"),
        (one(9).replace("totalTime", "totalTim"), "bad-record"),
        ("x" * 2_000_000 + "\n", "long-line"),
        (one(9).rstrip("\n") + one(9), "torn-line"),
    ]
    lines: list[str | bytes] = []
    for text, _ in foreign:
        lines += [one(1), text]
    path = logs.write(tmp_path, logs.name_c("e2e"), [*lines, one(1)])
    stats = read(tmp_path)
    assert stats.processes[0].streams["s"].e2e.total_us == len(foreign) + 1  # type: ignore[union-attr]
    assert {(warning.where, warning.reason) for warning in stats.warnings} == {
        (f"{path}:{2 * number}", code) for number, (_, code) in enumerate(foreign, start=1)
    }


def test_thousands_of_broken_lines_are_counted_not_listed(tmp_path: Path) -> None:
    logs.write(tmp_path, logs.name_c("e2e"), [one(1), *["broken\n"] * 5000])
    found = [warning for warning in read(tmp_path).warnings if warning.reason == "torn-line"]
    assert len(found) < 60
    assert "of 5000" in found[-1].detail


def test_blank_lines_carriage_returns_and_unknown_keys_are_no_faults(tmp_path: Path) -> None:
    more = one(3).replace('{"average"', '{"added":{"by":["a","later","SDK"]},"average"')
    logs.write(tmp_path, logs.name_c("e2e"), [one(1).replace("\n", "\r\n"), "\n", "  \n", more])
    stats = read(tmp_path)
    assert stats.processes[0].streams["s"].e2e.total_us == 4  # type: ignore[union-attr]
    assert not stats.warnings


def test_only_windows_with_frames_count_as_first_and_last(tmp_path: Path) -> None:
    frames = [0, 2, 0, 3, 4, 0, 5, 0]
    logs.run(tmp_path, frames)
    (process,) = read(tmp_path, drop_first=1, drop_last=1).processes
    stream = process.streams["mcnn"]
    assert stream.e2e is not None
    assert stream.throughput is not None
    assert (stream.e2e.count, stream.throughput.frames) == (7, 7)
    model = stream.plugins["mxpi_tensorinfer0"].model_inference
    assert model is not None
    assert (model.count, model.total_us) == (7, 560_000)  # the very windows of e2e
    assert stream.queues["queue0"].samples == 4 * len(frames)  # whole: another rhythm


def test_more_dropped_than_there_are_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    logs.run(tmp_path, [1, 2])
    stats = read(tmp_path, drop_first=1, drop_last=1)
    e2e = stats.processes[0].streams["mcnn"].e2e
    assert e2e is not None
    assert (e2e.count, e2e.mean_us) == (0, None)
    assert "nothing-kept" in codes(stats)


def test_the_sdks_rate_of_a_short_window_is_flagged(tmp_path: Path) -> None:
    logs.run(tmp_path, [41, 41, 41, 7])
    stats = read(tmp_path)
    assert "short-window-rate" in codes(stats)
    assert "short-window-rate" not in codes(read(tmp_path, drop_last=1))


def test_a_clock_that_steps_and_counts_that_differ_are_warnings(tmp_path: Path) -> None:
    seconds = [0, 6, 12, 18, 10, 16]
    logs.write(tmp_path, logs.name_c("e2e"), [one(5, second) for second in seconds])
    rates = [logs.throughput("s", 9, 1.5, logs.stamp(second)) for second in seconds]
    logs.write(tmp_path, logs.name_c("tpr"), rates)
    assert {"clock-step", "frequency-throughput-mismatch"} <= codes(read(tmp_path))


@pytest.mark.parametrize("gap", [0, 1, 37, 38, 39, 1000])
def test_a_message_of_the_sdks_log_is_counted_once_wherever_a_piece_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gap: int
) -> None:
    from bench.perfstats import sdklog

    monkeypatch.setattr(sdklog, "PIECE_BYTES", 64)
    log = tmp_path / "mxsdk.log.python3.warn.20250302-091507.20817"
    log.write_bytes(b"x" * gap + b"\nW: startTimeQueue is full\n" + b"y" * 200 + b"startTimeQueue is full")
    notes = Footnotes()
    sdklog.look_through(str(log), notes)
    (warning,) = notes.all()
    assert warning.where.endswith(":2")
    assert "2 times" in warning.detail


def test_links_are_named_and_passed_over(tmp_path: Path) -> None:
    real = logs.write(tmp_path / "real", logs.name_c("e2e"), [one(5)])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / real.name).symlink_to(real)
    notes = Footnotes()
    assert not find([tmp_path / "logs"], notes).parts
    assert {warning.reason for warning in notes.all()} == {"symbolic-link", "nothing-found"}


def test_windows_as_data_say_which_are_kept(tmp_path: Path) -> None:
    logs.run(tmp_path, [0, 2, 3, 4], interval=6)
    found = windows_of([tmp_path], 6, 1, 1)
    e2e = [window for window in found if window.kind == "e2e"]
    assert [(window.start_seconds, window.count, window.kept) for window in e2e] == [
        (0, 0, False),
        (6, 2, False),
        (12, 3, True),
        (18, 4, False),
    ]
    assert e2e[0].mean_us is None
    assert e2e[2].mean_us == pytest.approx(100_000 + 2 / 3)
    queues = [window for window in found if window.kind == "queue"]
    assert [window.start_seconds for window in queues] == [QUEUE_SECONDS * number for number in range(4)]
    assert (queues[3].size_max, queues[3].size_mean, queues[3].capacity) == (4, 1.5, 200)
    assert {window.kind for window in found} == {"e2e", "plugin", "modelInference", "tpr", "queue"}
    assert [window.rate for window in found if window.kind == "tpr"] == [0, 2 / 6, 3 / 6, 4 / 6]


def test_idle_is_not_fast(tmp_path: Path) -> None:
    lines = [logs.e2e("s", window, logs.stamp()) for window in (IDLE, Window(2, 30, 10, 20), IDLE)]
    logs.write(tmp_path, logs.name_c("e2e"), lines)
    found = read(tmp_path).processes[0].streams["s"].e2e
    assert found is not None
    assert (found.min_us, found.windows, found.idle_windows) == (10, 3, 2)
