"""How long one density CSV of 768 x 1024 (9 MB) takes: the first read beside numpy and pandas, and the cached count."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cases import ground_truth, preprocess
from cases.ground_truth import TruthCache

SHAPE = (768, 1024)
ROUNDS = 7


def write(path: Path) -> float:
    """A map as a full picture's: 9 digits everywhere; returns its sum after rounding to them."""
    density = np.random.default_rng(1).random(SHAPE) * 1e-3
    lines = [",".join(f"{value:.6e}" for value in row) for row in density]
    path.write_text("\n".join(lines) + "\n")
    return float(sum(float(field) for line in lines for field in line.split(",")))


def by_numpy(path: Path) -> float:
    return float(np.loadtxt(path, delimiter=",").sum())


def by_pandas(path: Path) -> float:
    import pandas

    return float(pandas.read_csv(path, header=None).to_numpy().sum())


def by_pandas_c_float64(path: Path) -> float:
    import pandas

    table = pandas.read_csv(path, header=None, engine="c", dtype=np.float64, low_memory=False)
    return float(table.to_numpy().sum())


def first_read(path: Path) -> float:
    return ground_truth.read(path, SHAPE).count


@pytest.mark.speed
def test_the_first_read_and_the_cached_count_beside_the_usual_readers(tmp_path: Path) -> None:
    path = tmp_path / "IMG_1.csv"
    expected = write(path)
    cache = TruthCache(tmp_path / "cache")
    geometry = preprocess.plan("pad-1024", *SHAPE)
    ways: dict[str, Callable[[], float]] = {
        "first read, checked": lambda: first_read(path),
        "numpy.loadtxt": lambda: by_numpy(path),
        "pandas.read_csv": lambda: by_pandas(path),
        "pandas C engine, float64": lambda: by_pandas_c_float64(path),
        "first count of an empty cache": lambda: TruthCache(tmp_path / str(time.time_ns())).count(
            path, SHAPE
        ),
        "cached count": lambda: cache.count(path, SHAPE),
        "cached count and grid": lambda: cache.grid(path, SHAPE, geometry, 4)[0],
    }
    deadline = time.monotonic() + 60
    while time.time_ns() - path.stat().st_ctime_ns < ground_truth.RACY_NS and time.monotonic() < deadline:
        by_numpy(path)  # a file this young is hashed again each time; the readers get warm meanwhile
    for way in ways.values():
        assert way() == pytest.approx(expected, rel=1e-9)
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):  # in turn, so that a drift of the machine's speed meets all alike
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            samples[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in samples.items()}
    base = medians["first read, checked"]
    print(f"\n{path.stat().st_size / 1e6:.1f} MB density CSV, median of {ROUNDS}")
    for name, median in medians.items():
        print(f"  {name:<30} {median * 1e3:9.3f} ms   {median / base:8.3f} x first read")
    print("  goals: first read below numpy.loadtxt and pandas; cached count below 1 ms")
