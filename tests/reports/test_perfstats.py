"""perfstats.json, the verdict on the SDK's statistics, and their table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reports.comparable import Conditions
from reports.errors import ReportError
from reports.family import judge_family
from reports.perfstats import (
    Entry,
    PerfStats,
    Plugin,
    Process,
    Queue,
    Stat,
    Stream,
    Throughput,
    Warn,
    Window,
    put,
    read,
    write,
)
from reports.perfstats_table import perfstats_table
from reports.perfstats_verdict import SdkBaseline, ask, baseline_of, conditions_of, samples_of
from reports.record import RunRecord, RunWriter
from reports.record import read as read_run
from reports.verdict import Status, Verdict

STAT = Stat(
    count=40, total_us=400_000, mean_us=10_000.0, min_us=9_000, max_us=11_000, windows=8, idle_windows=0
)
NOISE = (1.0, 1.004, 0.997, 1.002, 0.999, 1.001, 0.998, 1.003)


def window(kind: str, number: int, mean_us: float | None, element: str = "", **fields: Any) -> Window:
    kept = 0 < number < 9
    return Window(
        kind=kind,  # type: ignore[arg-type]
        stream="s",
        element=element,
        start_seconds=number,
        count=5,
        mean_us=mean_us,
        kept=kept,
        **fields,
    )


def entry(scale: float = 1.0, case: str = "mcnn-synthetic", *warnings: Warn) -> Entry:
    """Ten windows, eight of them full: e2e 10 ms, an element of 8 ms in it, one of next to nothing; `scale` makes it slower."""
    windows = []
    for number in range(10):
        noise = scale * NOISE[number % 8]
        windows += [
            window("e2e", number, 10_000 * noise),
            window("plugin", number, 8_000 * noise, "mxpi_tensorinfer0"),
            window("modelInference", number, 7_000 * noise, "mxpi_tensorinfer0"),
            window("plugin", number, 30.0, "mxpi_dataserialize0"),
            window("tpr", number, None, rate=100 / noise),
        ]
    stream = Stream(
        e2e=STAT,
        plugins={"mxpi_tensorinfer0": Plugin(factory="mxpi_tensorinfer", plugin=STAT, model_inference=STAT)},
        throughput=Throughput(40, 8, (5.0,) * 8),
        queues={"queue0": Queue(200, 3, 40, 0.5)},
    )
    return Entry(
        case=case,
        backend="ckpt",
        soc="cpu",
        interval_seconds=1,
        passes=2,
        method="own-config",
        drop_first=1,
        drop_last=1,
        result=PerfStats(
            processes=(Process(process="python", pid=7, streams={"s": stream}),), warnings=warnings
        ),
        windows=tuple(windows),
    )


@pytest.fixture
def record(begin: Callable[..., RunWriter]) -> RunRecord:
    writer = begin()
    writer.close()
    return read_run(writer.folder)


# --- the file -----------------------------------------------------------------------------------------------------------------


def test_what_was_written_is_read(tmp_path: Path) -> None:
    made = entry()
    write(tmp_path, [made])
    found = read(tmp_path)
    assert found is not None
    assert found.entry("mcnn-synthetic", "ckpt") == made
    assert found.entry("mcnn-synthetic", "om-sdk") is None


def test_the_file_has_the_published_names(tmp_path: Path) -> None:
    document = json.loads(write(tmp_path, [entry()]).read_text())
    assert document["schema"] == 1
    (found,) = document["entries"]
    element = found["result"]["processes"][0]["streams"]["s"]["plugins"]["mxpi_tensorinfer0"]
    assert set(element) == {"factory", "plugin", "modelInference"}
    assert {
        "kind",
        "stream",
        "element",
        "factory",
        "start_seconds",
        "count",
        "mean_us",
        "rate",
        "size_mean",
        "capacity",
    } <= set(found["windows"][0])


def test_an_entry_is_replaced_and_others_stay(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    put(tmp_path, entry(case="a"))
    put(tmp_path, entry(case="b"))
    put(tmp_path, entry(2.0, "a"))
    found = read(tmp_path)
    assert found is not None
    assert [item.case for item in found.entries] == ["b", "a"]
    assert found.entry("a", "ckpt") == entry(2.0, "a")


@pytest.mark.parametrize(
    ("content", "told"),
    [(b'{"schema": 2}', "newer omgate"), (b"{", "--perfstats"), (b'{"schema": 1, "entries": [{}]}', "case")],
)
def test_a_broken_or_newer_file_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "perfstats.json").write_bytes(content)
    with pytest.raises(ReportError, match=told) as raised:
        read(tmp_path)
    assert "perfstats.json" in str(raised.value)


# --- the verdict --------------------------------------------------------------------------------------------------------------


def judge(record: RunRecord, measured: Entry, baseline: SdkBaseline | None) -> Verdict:
    """The verdict where nothing else was measured in the run."""
    return judge_family([ask(record, measured, baseline)])[0]


def stored(record: RunRecord, scale: float = 1.0) -> SdkBaseline:
    write(record.folder, [entry(scale)])
    found = baseline_of(record, "mcnn-synthetic", "ckpt")
    assert found is not None
    return found


def test_full_windows_are_the_samples_and_small_elements_are_left_out() -> None:
    found = {item.metric: item for item in samples_of(entry())}
    assert set(found) == {
        "perfstats/e2e",
        "perfstats/mxpi_tensorinfer0",
        "perfstats/mxpi_tensorinfer0/modelInference",
        "perfstats/throughput",
    }
    assert len(found["perfstats/e2e"].values) == 8
    assert found["perfstats/throughput"].worse == -1


def test_the_same_passes(record: RunRecord) -> None:
    verdict = judge(record, entry(), stored(record))
    assert verdict.status == Status.PASS
    assert len(verdict.numbers) == 4


def test_slower_by_a_tenth_is_regressed(record: RunRecord) -> None:
    verdict = judge(record, entry(1.1), stored(record))
    assert verdict.status == Status.REGRESSED
    assert "worse" in verdict.reasons[0].message


def test_slower_by_one_per_cent_is_not_regressed(record: RunRecord) -> None:
    assert judge(record, entry(1.01), stored(record)).status in (
        Status.PASS,
        Status.DRIFT,
        Status.CANNOT_TELL,
    )


def test_faster_is_improved(record: RunRecord) -> None:
    assert judge(record, entry(0.9), stored(record)).status == Status.IMPROVED


@pytest.mark.parametrize(
    ("baseline", "code"),
    [
        (lambda made: None, "no-baseline"),
        (
            lambda made: msgspec.structs.replace(
                made, conditions=msgspec.structs.replace(made.conditions, soc="Ascend310")
            ),
            "fingerprint-differs",
        ),
    ],
)
def test_without_a_comparable_baseline_nothing_can_be_told(
    record: RunRecord, baseline: Any, code: str
) -> None:
    verdict = judge(record, entry(), baseline(stored(record)))
    assert verdict.status == Status.CANNOT_TELL
    assert verdict.reasons[0].code == code


def test_times_that_are_not_believed_are_neither_judged_nor_stored(record: RunRecord) -> None:
    full = Warn("start-time-queue-full", "mxsdk.log:3", "more than 1000 buffers under way")
    spoilt = entry(1.0, "mcnn-synthetic", full)
    verdict = judge(record, spoilt, stored(record))
    assert verdict.status == Status.CANNOT_TELL
    assert verdict.reasons[0].code == "sdk-statistics-unusable"
    assert "more than 1000" in verdict.reasons[0].message
    write(record.folder, [spoilt])
    assert baseline_of(record, "mcnn-synthetic", "ckpt") is None


def test_the_conditions_are_those_of_the_run(record: RunRecord) -> None:
    found = conditions_of(record, entry())
    assert isinstance(found, Conditions)
    assert (found.region, found.depth, found.backend) == ("sdk", 1, "ckpt")


# --- the table ----------------------------------------------------------------------------------------------------------------


def test_a_line_with_the_longest_element_and_the_verdicts_reason(record: RunRecord) -> None:
    text = perfstats_table([(entry(), judge(record, entry(), None))], 160)
    assert "cannot-tell [1]" in text
    assert "mxpi_tensorinfer0 10.000 (100 %)" in text
    assert "8 x 1 s" in text
    assert "[1] mcnn-synthetic on ckpt: no-baseline" in text
    assert perfstats_table([]) == ""


def test_a_narrow_terminal_gets_fewer_columns_and_no_word_in_pieces(record: RunRecord) -> None:
    text = perfstats_table([(entry(), judge(record, entry(), None))], 80)
    assert "cannot-tell [1]" in text
    assert "longest" not in text.splitlines()[0]
