"""The same numbers as pandas tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.perfstats import read, to_frames, windows
from tests.bench.perfstats.test_reader import frames, span, write

pytest.importorskip("pandas")


def test_sums_and_windows(tmp_path: Path) -> None:
    write(tmp_path, "e2e", [span(0, 0), span(2, 30, 10, 20)])
    write(tmp_path, "tpr", [frames(0, 0.0), frames(2, 2.0)])
    tables = to_frames(read([tmp_path]))
    row = tables["durations"].iloc[0]
    assert (row["stream"], row["type"], row["count"], row["total_us"], row["idle_windows"]) == (
        "s",
        "e2e",
        2,
        30,
        1,
    )
    assert tables["throughput"]["frames"].tolist() == [2]
    each = windows([tmp_path])
    assert each["durations"]["total_us"].tolist() == [0, 30]
    assert each["throughput"]["frames"].tolist() == [0, 2]
