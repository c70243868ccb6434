"""How long `pytest bench/ --collect-only` takes, beside bare pytest with the same plug-ins on an empty folder."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
ROUNDS = 9


def seconds(arguments: list[str], folder: Path) -> float:
    """Wall time of one pytest in an interpreter of its own; what it prints is thrown away."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - start


@pytest.mark.speed
def test_collecting_the_benchmark_beside_bare_pytest(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    both = {"bare pytest, empty folder": ([], tmp_path), "pytest bench/": (["bench/"], HOUSE)}
    for arguments, folder in both.values():  # the first start fills the file cache and writes the .pyc files
        seconds(arguments, folder)
    samples: dict[str, list[float]] = {name: [] for name in both}
    for _ in range(ROUNDS):  # in turn, so that a drift of the machine's speed meets both alike
        for name, (arguments, folder) in both.items():
            samples[name].append(seconds(arguments, folder))
    medians = {name: statistics.median(values) for name, values in samples.items()}
    print(f"\n--collect-only -q, median of {ROUNDS}")
    for name, median in medians.items():
        spread = max(samples[name]) - min(samples[name])
        print(f"  {name:<28} {median * 1e3:7.0f} ms   (range {spread * 1e3:.0f} ms)")
    ratio = medians["pytest bench/"] / medians["bare pytest, empty folder"]
    print(f"  ratio {ratio:.2f} (goal: at most 1.5)")
