"""Statistics as pandas tables: the sums, and every window of the logs as a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.perfstats.model import PerfStats
from bench.perfstats.tables import statistics

if TYPE_CHECKING:
    import pandas as pd

WHO = ("process", "pid", "stream")


def to_frames(stats: PerfStats) -> dict[str, pd.DataFrame]:
    """Return tables of the sums: `durations` (microseconds), `throughput`, `queues`, `warnings`; a row for each statistic."""
    import pandas as pd

    spans: list[dict[str, Any]] = []
    rates: list[dict[str, Any]] = []
    queues: list[dict[str, Any]] = []
    for process in stats.processes:
        for name, stream in process.streams.items():
            who = dict(zip(WHO, (process.process, process.pid, name), strict=True))
            for element, kind, stat in statistics(stream):
                factory = stream.plugins[element].factory if element else ""
                spans.append(
                    who
                    | {"element": element, "factory": factory, "type": kind}
                    | msgspec.structs.asdict(stat)
                )
            if stream.throughput is not None:
                rates.append(who | msgspec.structs.asdict(stream.throughput))
            for element, queue in stream.queues.items():
                queues.append(who | {"element": element} | msgspec.structs.asdict(queue))
    sums = ("count", "total_us", "mean_us", "min_us", "max_us", "windows", "idle_windows")
    return {
        "durations": pd.DataFrame(spans, columns=[*WHO, "element", "factory", "type", *sums]),
        "throughput": pd.DataFrame(rates, columns=[*WHO, "frames", "windows", "logged_rates"]),
        "queues": pd.DataFrame(queues, columns=[*WHO, "element", "capacity", "max", "samples", "mean"]),
        "warnings": pd.DataFrame(
            [msgspec.structs.asdict(item) for item in stats.warnings], columns=["reason", "where", "detail"]
        ),
    }


NAMES = {
    "span": {"count": "count", "total": "total_us", "low": "min_us", "high": "max_us"},
    "rate": {"frames": "frames", "rate": "logged_rate"},
    "level": {"capacity": "capacity", "high": "max", "samples": "samples", "total": "total"},
}
KINDS = {"span": "durations", "rate": "throughput", "level": "queues"}


def windows(paths: Sequence[str | Path]) -> dict[str, pd.DataFrame]:
    """Return every record as a row, in the order of the logs: `durations`, `throughput`, `queues`.

    Integers stay integers (Python's own where 64 bit may not do), `time` is UTC, NaT where the log has none. Unlike `read` this
    holds all records in memory. Broken lines are left out: `read` names them.
    """
    import pandas as pd

    from bench.perfstats.find import find
    from bench.perfstats.names import KINDS as FILES
    from bench.perfstats.reader import Reader

    reader = Reader()
    pieces: dict[str, list[pd.DataFrame]] = {family: [] for family in NAMES}
    for owner, kinds in find(paths, reader.notes).sorted():
        parts = [part for kind in FILES for part in kinds.get(kind, [])]
        for made in reader.columns(parts, lambda kind: True):
            for chunk in made.chunks:
                pieces[chunk.family].append(_frame(chunk, owner.process, owner.pid))
    found = {}
    for family, name in KINDS.items():
        found[name] = _joined(pieces.pop(family)) if pieces[family] else pd.DataFrame()
    return found


def _frame(chunk: Any, process: str | None, pid: int | None) -> pd.DataFrame:
    """One block's records; texts that repeat are categories."""
    import pandas as pd

    columns: dict[str, Any] = {
        "process": pd.Categorical.from_codes(  # type: ignore[call-overload]
            [0] * len(chunk), [process or ""]
        ),
        "pid": pid or 0,
    }
    fields = {
        "span": ("stream", "element", "factory", "type"),
        "rate": ("stream",),
        "level": ("stream", "element"),
    }[chunk.family]
    for place, name in enumerate(fields):
        values = sorted({key[place] for key in chunk.keys})
        codes = [values.index(key[place]) for key in chunk.keys]
        columns[name] = pd.Categorical.from_codes(  # type: ignore[call-overload]
            _taken(codes, chunk.group), values
        )
    for name, shown in NAMES[chunk.family].items():
        columns[shown] = chunk.columns[name]
    columns["time"] = _times(chunk.stamp)
    return pd.DataFrame(columns)


def _taken(codes: list[int], group: Any) -> Any:
    import numpy as np

    return np.array(codes, np.int32)[group]


def _times(stamp: Any) -> Any:
    """Microseconds as UTC times; NO_STAMP is the very number that numpy takes for NaT."""
    import pandas as pd

    return pd.DatetimeIndex(stamp.view("M8[us]")).tz_localize("UTC")


def _joined(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    """Blocks as one table, categories of all of them."""
    import pandas as pd
    from pandas.api.types import union_categoricals

    first = pieces[0]
    texts = [name for name in first.columns if isinstance(first[name].dtype, pd.CategoricalDtype)]
    columns = {
        name: union_categoricals([piece[name] for piece in pieces], sort_categories=True)
        if name in texts
        else pd.concat([piece[name] for piece in pieces], ignore_index=True)
        for name in first.columns
    }
    return pd.DataFrame(columns)
