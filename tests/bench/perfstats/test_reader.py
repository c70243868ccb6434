"""The statistics logs, read back exactly, whatever else lies in the folder."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import main
from bench.perfstats.names import parse
from bench.perfstats.reader import read

NAME = "performance-statistics.log"
STAMP = "2025-03-02 09:15:07"


def span(
    count: int, total: int, low: int = 0, high: int = 0, kind: str = "e2e", **names: str
) -> dict[str, Any]:
    """A record of durations as the SDK writes it: every value a text, the average cut off."""
    element = {"elementName": names["element"], "factory": names["factory"]} if "element" in names else {}
    return {
        "average": str(total // count if count else 0),
        **element,
        "frequency": str(count),
        "maxTime": str(high),
        "minTime": str(low),
        "streamName": names.get("stream", "s"),
        "totalTime": str(total),
        "type": kind,
        "updateTime": names.get("time", "2024-05-06 14:03:27.927"),
    }


def frames(count: int, rate: float, stream: str = "s") -> dict[str, Any]:
    return {"streamName": stream, "throughput": count, "throughputRate": rate, "type": "throughputRate", "updateTime": "2024-05-06 14:03:27.15"}  # fmt: skip


def write(
    folder: Path,
    kind: str,
    records: list[Any],
    owner: str = "python3.20817.",
    stamp: str = STAMP,
    name: str = NAME,
) -> Path:
    """A log of one line a record; a text is a line as it is."""
    path = folder / f"{name}.{kind}.{owner}{stamp}"
    lines = [
        record if isinstance(record, str) else json.dumps(record, separators=(",", ":"), sort_keys=True)
        for record in records
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def stream(folder: Path, name: str = "s", **options: int) -> Any:
    (process,) = read([folder], **options).processes
    return process.streams[name]


def test_sums_are_not_averages_of_averages(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(41, 5_327_913, 127_020, 140_377), span(3, 301_200, 97_020, 101_000)])
    found = stream(tmp_path).e2e
    assert (found.count, found.total_us, found.min_us, found.max_us) == (44, 5_629_113, 97_020, 140_377)
    assert found.mean_us == pytest.approx(127_934.386, abs=1e-3)  # the mean of the averages would be 115,174


def test_idle_windows_are_counted_and_have_no_minimum(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(0, 0), span(2, 30, 10, 20), span(0, 0)])
    found = stream(tmp_path).e2e
    assert (found.windows, found.idle_windows, found.min_us) == (3, 2, 10)


def test_a_log_of_idle_windows_has_no_mean(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(0, 0)])
    found = stream(tmp_path).e2e
    assert (found.count, found.mean_us, found.min_us, found.max_us) == (0, None, None, None)


def test_elements_have_their_plugin_and_model_times(tmp_path: Path) -> None:
    names = {"element": "mxpi_tensorinfer0", "factory": "mxpi_tensorinfer"}
    write(
        tmp_path,
        "plugin",
        [span(4, 80, 10, 30, "plugin", **names), span(4, 60, 9, 20, "modelInference", **names)],
    )
    document = json.loads(shown(tmp_path))
    element = document["processes"][0]["streams"]["s"]["plugins"]["mxpi_tensorinfer0"]
    assert element["factory"] == "mxpi_tensorinfer"
    assert (element["plugin"]["total_us"], element["modelInference"]["total_us"]) == (80, 60)


def shown(folder: Path, *options: str) -> str:
    out = io.StringIO()
    assert main(["perfstats", "--json", *options, str(folder)], out=out) == 0
    return out.getvalue()


def test_the_json_has_the_published_shape(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(2, 30, 10, 20)])
    write(tmp_path, "tpr", [frames(2, 2.0)])
    queue = {"curSize": 1, "elementName": "queue0", "intervalTime": 200000, "maxSize": 2, "maxSizeBuffers": 200, "recentSize": [0, 2, 0, 1], "streamName": "s", "type": "queueSize", "updateTime": "2024-05-06 14:03:22.7"}  # fmt: skip
    write(tmp_path, "queue", [queue])
    document = json.loads(shown(tmp_path))
    assert set(document) == {"processes", "warnings"}
    (process,) = document["processes"]
    assert (process["process"], process["pid"]) == ("python3", 20817)
    found = process["streams"]["s"]
    assert set(found) == {"e2e", "plugins", "throughput", "queues"}
    assert set(found["e2e"]) == {
        "count",
        "total_us",
        "mean_us",
        "min_us",
        "max_us",
        "windows",
        "idle_windows",
    }
    assert found["throughput"] == {"frames": 2, "windows": 1, "logged_rates": [2.0]}
    assert found["queues"] == {"queue0": {"capacity": 200, "max": 2, "samples": 4, "mean": 0.75}}


@pytest.mark.parametrize(
    ("name", "process", "pid"),
    [
        ("performance-statistics.log.e2e.20211102-174205.6031", None, None),
        ("performance-statistics.log.plugin.2022-05-17 10:08:59", None, None),
        ("performance-statistics.log.tpr.python3.20817.2025-03-02 09:15:07", "python3", 20817),
        ("performance—statistics.log.queue.my prog v1.9.77.2025-03-02 09:15:07", "my prog v1.9", 77),
    ],
)
def test_three_generations_of_names(name: str, process: str | None, pid: int | None) -> None:
    found = parse(name)
    assert found is not None
    assert (found.process, found.pid) == (process, pid)


@pytest.mark.parametrize(
    "name", ["mxsdk.log.python3.info.20250302-091507.5", "performance-statistics.log", "e2e", ""]
)
def test_other_names_are_not_theirs(name: str) -> None:
    assert parse(name) is None


def test_processes_are_kept_apart_and_parts_put_together(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(1, 5, 5, 5)], "a.1.", "2025-03-02 09:15:08")
    write(tmp_path, "e2e", [span(2, 20, 10, 10)], "a.1.", "2025-03-02 09:15:07")
    write(tmp_path, "e2e", [span(4, 400, 100, 100)], "a.2.")
    counts = {(found.process, found.pid): found.streams["s"].e2e for found in read([tmp_path]).processes}
    assert {key: value.count for key, value in counts.items() if value} == {("a", 1): 3, ("a", 2): 4}


def test_the_first_and_last_windows_with_frames_can_be_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        "e2e",
        [span(0, 0), span(1, 100, 100, 100), span(2, 20, 10, 10), span(3, 900, 300, 300), span(0, 0)],
    )
    found = stream(tmp_path, drop_first=1, drop_last=1).e2e
    assert (found.count, found.total_us) == (2, 20)
    assert (stream(tmp_path, drop_first=5).e2e or found).count in (0, 2)


def test_a_broken_line_is_named_and_costs_itself_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "e2e", [span(1, 7, 7, 7), '{"average":"12', "hello", span(1, 9, 9, 9)])
    stats = read([tmp_path])
    assert stats.processes[0].streams["s"].e2e.total_us == 16  # type: ignore[union-attr]
    assert {f"{path}:2", f"{path}:3"} <= {warning.where for warning in stats.warnings}


def test_a_last_line_without_its_end_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "e2e", [span(1, 7, 7, 7), span(1, 9, 9, 9)])
    path.write_bytes(path.read_bytes()[:-1])
    assert stream(tmp_path).e2e.count == 2


def test_a_fifo_is_passed_by_with_its_name(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(1, 7, 7, 7)])
    os.mkfifo(tmp_path / f"{NAME}.e2e.b.3.{STAMP}")
    stats = read([tmp_path])
    assert len(stats.processes) == 1
    assert any(f"{NAME}.e2e.b.3" in warning.where for warning in stats.warnings)


def test_lost_start_times_in_the_sdks_log_travel_with_the_numbers(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(1, 7, 7, 7)])
    log = tmp_path / "mxsdk.log.python3.warn.20250302-091507.20817"
    log.write_text("W20250302 09:15:07.000001 7 E2e.cpp:1] The startTimeQueue is full.\n", encoding="utf-8")
    assert any(
        "startTimeQueue" in f"{warning.reason} {warning.detail}" for warning in read([tmp_path]).warnings
    )


def test_a_missing_path_is_a_warning_or_a_refusal_never_a_traceback(tmp_path: Path) -> None:
    err = io.StringIO()
    code = main(["perfstats", str(tmp_path / "nowhere")], out=io.StringIO(), err=err)
    assert code in (0, 2)
    assert "Traceback" not in err.getvalue()


WINDOWS = st.lists(st.lists(st.integers(1, 10**13), max_size=4), min_size=1, max_size=6)


@given(WINDOWS, st.booleans(), st.booleans())
def test_what_was_written_is_recovered_exactly(
    tmp_path_factory: pytest.TempPathFactory, windows: list[list[int]], numbers: bool, foreign: bool
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    records: list[Any] = []
    for times in windows:
        record = span(len(times), sum(times), min(times, default=0), max(times, default=0))
        if numbers:
            record = {key: int(value) if value.isdigit() else value for key, value in record.items()}
        records += [record, "not a record"] if foreign else [record]
    write(folder, "e2e", records)
    found = stream(folder).e2e
    everything = [time for times in windows for time in times]
    assert (found.count, found.total_us) == (len(everything), sum(everything))
    assert (found.min_us, found.max_us) == (min(everything, default=None), max(everything, default=None))
    assert (found.windows, found.idle_windows) == (len(windows), sum(not times for times in windows))


@given(
    st.lists(st.binary(max_size=120) | st.just(json.dumps(span(1, 7, 7, 7)).encode()), max_size=8),
    st.sampled_from(["e2e", "plugin", "tpr", "queue"]),
)
def test_any_bytes_are_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], kind: str
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / f"{NAME}.{kind}.p.1.{STAMP}").write_bytes(b"\n".join(lines))
    read([folder])


def test_a_table_for_people(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(44, 5_629_113, 97_020, 140_377), span(0, 0)])
    out = io.StringIO()
    assert main(["perfstats", str(tmp_path)], out=out) == 0
    assert "python3" in out.getvalue()
    assert "127.934" in out.getvalue()
    assert "no percentiles" in out.getvalue()
