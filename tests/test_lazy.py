"""The edges are lazy: what a person types most often imports no framework. Each in an interpreter of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
HEAVY = ("mindspore", "onnxruntime", "cv2", "pandas", "matplotlib", "polars", "scipy", "jinja2", "numba")

COLLECT = "import pytest; pytest.main(['bench/', '--collect-only', '-q', '-p', 'no:cacheprovider'])"
EDGES = {
    "import bench": "import bench",
    "import every room": "import bench.environment, bench.cli, bench.plugin, cases.case, reports.record",
    "omgate --help": "from bench.cli import main; main(['--help'])",
    "omgate runs": "from bench.cli import main; main(['runs', 'list'])",
    "omgate baseline --help": "from bench.cli import main; main(['baseline', '--help'])",
    "pytest bench/ --collect-only": COLLECT,
}


def heavy_after(code: str) -> list[str]:
    """Names of HEAVY in sys.modules after `code` ran in the project's folder."""
    ask = f"import sys; print('\\nLOADED', *[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{ask}"], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("LOADED")[2].split()


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_imports_nothing_heavy(edge: str) -> None:
    assert heavy_after(EDGES[edge]) == []


def test_the_question_can_be_answered_with_yes() -> None:
    assert heavy_after("import cv2") == ["cv2"]


def test_the_command_line_imports_no_numpy() -> None:
    code = "from bench.cli import main; main(['--help']); import sys; assert 'numpy' not in sys.modules"
    assert heavy_after(code) == []


def test_collecting_finds_tests() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COLLECT], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    assert "test_accuracy[mcnn-synthetic-" in done.stdout, done.stdout + done.stderr
