"""How fast statistics logs become a typed table and sums: omgate beside pandas, a msgspec loop, polars and duckdb; and how much memory.

    pytest tests/benchmarks/test_perfstats.py -s

OMGATE_BENCHMARK_MB (default 200) is the size of the logs, in parts of 10 MB as the SDK rotates them; OMGATE_BENCHMARK_LARGE_MB (default
2000) that of the memory test. duckdb is no dependency: it is measured where it is installed.
"""

from __future__ import annotations

import importlib.util
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.perfstats import read, windows
from bench.perfstats.scan import ready
from tests.bench.perfstats import logs
from tests.bench.perfstats.logs import IDLE, Window

MB = int(os.environ.get("OMGATE_BENCHMARK_MB", "200"))
LARGE_MB = int(os.environ.get("OMGATE_BENCHMARK_LARGE_MB", "2000"))
MEMORY_GOAL_MB = 600
PART_BYTES = 10 << 20
ROUNDS = 3
HOUSE = Path(__file__).parents[2]
ELEMENTS = ("mxpi_imagedecoder", "mxpi_imageresize", "mxpi_tensorinfer", "mxpi_dataserialize")
DURATIONS = ("e2e", "plugin")


def one_window(dice: random.Random, second: int) -> dict[str, str]:
    """The lines of one second of two pipelines by kind of file; a queue record each five."""
    made = dict.fromkeys(("e2e", "plugin", "tpr", "queue"), "")
    for stream in ("mcnn_opencv", "detection"):
        frames = dice.choice((0, *range(1, 61)))

        def spent(each: int, frames: int = frames) -> Window:
            if not frames:
                return IDLE
            low = each - dice.randrange(each // 9)
            return Window(frames, frames * each + dice.randrange(each), low, 2 * each + dice.randrange(99))

        time_text = logs.stamp(second % 30_000, dice.randrange(10**6))
        made["e2e"] += logs.e2e(stream, spent(129_949), time_text)
        for factory in ELEMENTS:
            for kind in ("plugin", "modelInference")[: 1 + (factory == "mxpi_tensorinfer")]:
                made["plugin"] += logs.plugin(stream, f"{factory}0", factory, kind, spent(20_000), time_text)
        made["tpr"] += logs.throughput(stream, frames, logs.rate(frames, 6), time_text)
        if second % 5 == 0:
            made["queue"] += logs.queue(
                stream, "queue0", 200, [dice.randrange(13) for _ in range(100)], time_text
            )
    return made


def write_logs(folder: Path, size_mb: int) -> int:
    """Logs of about this size, parts of 10 MB; from 200 MB on the same windows again and again. Returns their bytes."""
    folder.mkdir()
    dice, texts = random.Random(7), {kind: [""] for kind in ("e2e", "plugin", "tpr", "queue")}
    fresh, second = 0, 0
    while fresh < min(size_mb, 200) * 1_000_000:
        for kind, text in one_window(dice, second).items():
            texts[kind].append(text)
            fresh += len(text)
        second += 1
    total = 0
    for kind, pieces in texts.items():
        content, number = "".join(pieces).encode(), 0
        for _ in range(max(1, size_mb // 200)):
            start = 0
            while start < len(content):
                stop = content.find(b"\n", min(start + PART_BYTES, len(content) - 1)) + 1
                name = logs.name_c(kind, second=number)
                (folder / name).write_bytes(content[start:stop])
                total, start, number = total + stop - start, stop, number + 1
    return total


# --- the other ways: a table of each kind of log, or sums by stream, element and type ---------------------------------------------


def of_kind(folder: Path, *kinds: str) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.split(".log.")[1].split(".")[0] in kinds)


def pandas_table(folder: Path) -> Any:
    import pandas as pd

    return [pd.read_json(path, lines=True) for path in sorted(folder.iterdir())]


def pandas_sums(folder: Path) -> int:
    import pandas as pd

    frame = pd.concat([pd.read_json(path, lines=True) for path in of_kind(folder, *DURATIONS)])
    frame = frame[frame["frequency"].astype("int64") > 0]
    keys = [frame["streamName"], frame["elementName"].fillna(""), frame["type"]]
    return int(frame["totalTime"].astype("int64").groupby(keys).sum().sum())


class Line(msgspec.Struct):
    type: str
    streamName: str = ""
    elementName: str = ""
    frequency: str = "0"
    totalTime: str = "0"
    minTime: str = "0"
    maxTime: str = "0"
    throughput: int = 0
    updateTime: str = ""


def msgspec_table(folder: Path) -> Any:
    decoder, tables = msgspec.json.Decoder(Line), []
    for path in sorted(folder.iterdir()):
        rows = decoder.decode_lines(path.read_bytes())
        times = [
            [int(getattr(row, name)) for row in rows]
            for name in ("frequency", "totalTime", "minTime", "maxTime")
        ]
        names = [
            [getattr(row, name) for row in rows]
            for name in ("streamName", "elementName", "type", "updateTime")
        ]
        tables.append((times, names, [row.throughput for row in rows]))
    return tables


def msgspec_sums(folder: Path) -> int:
    decoder, sums = msgspec.json.Decoder(Line), {}
    for path in of_kind(folder, *DURATIONS):
        with path.open("rb") as file:
            for text in file:
                try:
                    line = decoder.decode(text)
                except msgspec.DecodeError:
                    continue
                key = line.streamName, line.elementName, line.type
                found = sums.setdefault(key, [0, 0, 10**18, 0])
                if count := int(line.frequency):
                    found[0] += count
                    found[1] += int(line.totalTime)
                    found[2] = min(found[2], int(line.minTime))
                    found[3] = max(found[3], int(line.maxTime))
    return sum(found[1] for found in sums.values())


def polars_table(folder: Path) -> Any:
    import polars as pl

    tables = [pl.read_ndjson(path) for path in sorted(folder.iterdir())]
    numbers = ("average", "frequency", "totalTime", "minTime", "maxTime")
    return [
        table.with_columns(pl.col(*numbers).cast(pl.Int64)) if "frequency" in table else table
        for table in tables
    ]


def polars_sums(folder: Path) -> int:
    import polars as pl

    total = 0
    for kind in DURATIONS:
        names = ["streamName", "type", "elementName"][: 2 + (kind == "plugin")]
        lines = pl.scan_ndjson(of_kind(folder, kind)).with_columns(
            pl.col("frequency", "totalTime", "minTime", "maxTime").cast(pl.Int64)
        )
        busy = pl.col("frequency") > 0
        sums = [
            pl.col("frequency").sum(),
            pl.col("totalTime").sum(),
            pl.col("minTime").filter(busy).min(),
            pl.col("maxTime").max(),
        ]
        total += int(lines.group_by(names).agg(*sums).collect()["totalTime"].sum())
    return total


COLUMNS = (
    "columns={streamName:'VARCHAR',elementName:'VARCHAR',type:'VARCHAR',frequency:'BIGINT',totalTime:'BIGINT',minTime:'BIGINT',"
    "maxTime:'BIGINT',throughput:'BIGINT',throughputRate:'DOUBLE',updateTime:'VARCHAR',maxSize:'BIGINT',recentSize:'BIGINT[]'}"
)


def duckdb_table(folder: Path) -> Any:
    import duckdb

    lines = f"read_json('{folder}/*',format='newline_delimited',ignore_errors=true,{COLUMNS})"
    return duckdb.sql(f"create or replace temp table t as select * from {lines}")


def duckdb_sums(folder: Path) -> int:
    import duckdb

    lines = f"read_json('{folder}/*',format='newline_delimited',ignore_errors=true,{COLUMNS})"
    rows = duckdb.sql(
        "select streamName,elementName,type,sum(frequency),sum(totalTime),min(minTime) filter (frequency>0),max(maxTime),"
        f"sum(throughput),max(maxSize),sum(list_sum(recentSize)) from {lines} group by all"
    ).fetchall()
    return sum(row[4] or 0 for row in rows)


def omgate_sums(folder: Path) -> int:
    spans = (
        stat.total_us
        for process in read(folder).processes
        for stream in process.streams.values()
        for stat in (
            stream.e2e,
            *(
                getattr(item, name)
                for item in stream.plugins.values()
                for name in ("plugin", "model_inference")
            ),
        )
        if stat is not None
    )
    return sum(spans)


TABLES: dict[str, Callable[[Path], Any]] = {
    "omgate": lambda folder: windows([folder]),
    "pandas.read_json": pandas_table,
    "msgspec loop": msgspec_table,
    "polars": polars_table,
    "duckdb": duckdb_table,
}
SUMS: dict[str, Callable[[Path], int]] = {
    "omgate": omgate_sums,
    "pandas.read_json": pandas_sums,
    "msgspec loop": msgspec_sums,
    "polars": polars_sums,
    "duckdb": duckdb_sums,
}


GO_ON = ("omgate", "msgspec loop", "duckdb")
"""Ways that do not give up at a broken line."""


def tear(folder: Path) -> None:
    """Break one line in a thousand."""
    for path in folder.iterdir():
        lines = path.read_bytes().splitlines(keepends=True)
        for number in range(500, len(lines), 1000):
            lines[number] = b"<" + lines[number][1:]
        path.write_bytes(b"".join(lines))


def agreed(ways: dict[str, Callable[[Path], int]], folder: Path) -> None:
    """All ways give one sum."""
    here = {name: way for name, way in ways.items() if name != "duckdb" or importlib.util.find_spec("duckdb")}
    totals = {name: way(folder) for name, way in here.items()}
    assert len(set(totals.values())) == 1, totals


def speeds(ways: dict[str, Callable[[Path], Any]], folder: Path, size_mb: float) -> dict[str, float]:
    """MB/s of each way, the median of some rounds in turn; ways that are not installed are said to be."""
    here = {name: way for name, way in ways.items() if name != "duckdb" or importlib.util.find_spec("duckdb")}
    samples: dict[str, list[float]] = {name: [] for name in here}
    for number in range(ROUNDS):
        for name, way in here.items():
            if name == "pandas.read_json" and number:
                continue  # slow enough for one round to do
            start = time.perf_counter()
            way(folder)
            samples[name].append(size_mb / (time.perf_counter() - start))
    return {name: statistics.median(found) for name, found in samples.items()}


def show(title: str, found: dict[str, float]) -> None:
    print(f"\n{title}, MB/s (median of {ROUNDS}, one process after the other)")
    for name in [*found, *(["duckdb"] if "duckdb" not in found else [])]:
        if name in found:
            print(f"  {name:<18} {found[name]:7.0f}   omgate is {found['omgate'] / found[name]:5.1f} x")
        else:
            print(f"  {name:<18} not installed")


@pytest.mark.speed
def test_table_and_sums_beside_the_usual_readers(tmp_path: Path) -> None:
    start = time.perf_counter()
    ready()
    prepared = time.perf_counter() - start
    size = write_logs(tmp_path / "logs", MB)
    folder = tmp_path / "logs"
    agreed(SUMS, folder)
    print(
        f"\n{size / 1e6:.0f} MB of mixed logs, {len(list(folder.iterdir()))} files, {os.cpu_count()} processors"
    )
    print(
        f"omgate's compiled loop was made ready in {prepared:.1f} s: once a process, longer when it is first compiled; not in the speeds below"
    )
    show("sums by stream, element and type", speeds(SUMS, folder, size / 1e6))
    show("into a typed table", speeds(TABLES, folder, size / 1e6))
    tear(folder)
    going_on = {name: SUMS[name] for name in GO_ON}
    agreed(going_on, folder)
    show(
        "sums, one line in a thousand broken (pandas and polars give up)",
        speeds(going_on, folder, size / 1e6),
    )
    print("  goals: 10 x pandas; sums ahead of all")


CHILD = """
import sys, time
from bench.perfstats import read
start = time.perf_counter()
stats = read(sys.argv[1])
seconds = time.perf_counter() - start
frames = sum(s.throughput.frames for p in stats.processes for s in p.streams.values())
import re, resource
own = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)  # ru_maxrss knows the parent's from before exec
print(frames, seconds, own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.speed
@pytest.mark.skipif(sys.platform != "linux", reason="units of ru_maxrss")
def test_memory_does_not_grow_with_the_logs(tmp_path: Path) -> None:
    print("\npeak resident memory: this process, and the largest of those that it starts")
    for size_mb in sorted({200, LARGE_MB}):
        folder = tmp_path / str(size_mb)
        size = write_logs(folder, size_mb)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(folder)], cwd=HOUSE, capture_output=True, text=True, check=True
        )
        _, seconds, own, other = map(float, re.split(r"\s+", done.stdout.strip()))
        print(
            f"  {size / 1e6:6.0f} MB in {seconds:5.1f} s ({size / 1e6 / seconds:4.0f} MB/s): {own / 1024:.0f} + {other / 1024:.0f} MB"
        )
        for path in folder.iterdir():
            path.unlink()
        assert (own + other) / 1024 < MEMORY_GOAL_MB
