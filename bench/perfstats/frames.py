"""Statistics as pandas tables: the sums, and every window of the logs as a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.perfstats.model import PerfStats
from bench.perfstats.tables import statistics

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from bench.perfstats.chunks import Chunk
    from bench.perfstats.find import Owner, Part

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
FIELDS = {
    "span": ("stream", "element", "factory", "type"),
    "rate": ("stream",),
    "level": ("stream", "element"),
}
KINDS = {"span": "durations", "rate": "throughput", "level": "queues"}


def windows(paths: Sequence[str | Path]) -> dict[str, pd.DataFrame]:
    """Return every record as a row, in the order of the logs: `durations`, `throughput`, `queues`.

    Integers stay integers (Python's own where 64 bit may not do), `time` is UTC, NaT where the log has none. Unlike `read` this
    holds all records in memory. Broken lines are left out: `read` names them.
    """
    import pandas as pd

    from bench.perfstats.find import find
    from bench.perfstats.footnotes import Footnotes
    from bench.perfstats.names import KINDS as FILES
    from bench.perfstats.parallel import each, shares

    pieces: dict[str, list[tuple[Owner, Chunk]]] = {family: [] for family in KINDS}
    for owner, kinds in find(paths, Footnotes()).sorted():
        parts = [part for kind in FILES for part in kinds.get(kind, [])]
        for chunks in each(_chunks, shares(parts)):
            for chunk in chunks:
                pieces[chunk.family].append((owner, chunk))
    return {
        name: _table(pieces.pop(family)) if pieces[family] else pd.DataFrame()
        for family, name in KINDS.items()
    }


def _chunks(parts: list[Part]) -> list[Chunk]:
    """All records of these files."""
    from bench.perfstats.reader import Reader

    return [chunk for made in Reader().columns(parts, lambda kind: True) for chunk in made.chunks]


def _table(pieces: list[tuple[Owner, Chunk]]) -> pd.DataFrame:
    """Records of one family; texts that repeat are categories."""
    import numpy as np
    import pandas as pd

    chunks = [chunk for _, chunk in pieces]
    family, rows = chunks[0].family, [len(chunk) for chunk in chunks]
    columns: dict[str, Any] = {
        "process": _texts(
            [([owner.process or ""], np.zeros(len(chunk), np.intp)) for owner, chunk in pieces]
        ),
        "pid": np.repeat([owner.pid or 0 for owner, _ in pieces], rows),
    }
    for place, name in enumerate(FIELDS[family]):
        columns[name] = _texts([([key[place] for key in chunk.keys], chunk.group) for chunk in chunks])
    for name, shown in NAMES[family].items():
        columns[shown] = np.concatenate([chunk.columns[name] for chunk in chunks])
    # Microseconds as UTC times; NO_STAMP is the very number that numpy takes for NaT.
    stamps = np.concatenate([chunk.stamp for chunk in chunks if chunk.stamp is not None])
    columns["time"] = pd.DatetimeIndex(stamps.view("M8[us]")).tz_localize("UTC")
    return pd.DataFrame(columns)


def _texts(pieces: list[tuple[list[str], NDArray[np.intp]]]) -> pd.Categorical:
    """Texts of many pieces, each with a list of texts and the place of each row's in it."""
    import numpy as np
    import pandas as pd

    categories = sorted(
        {texts[place] for texts, places in pieces for place in np.flatnonzero(np.bincount(places)).tolist()}
    )
    numbers = {text: number for number, text in enumerate(categories)}
    codes = [
        np.array([numbers.get(text, -1) for text in texts], np.int32)[places] for texts, places in pieces
    ]
    return pd.Categorical.from_codes(np.concatenate(codes), categories)  # type: ignore[call-overload]
