"""How long a report takes, how large it is and what memory it needs: 24 images and 10,000, on four backends.

    pytest tests/benchmarks/test_report.py -s

Goals: 24 images under 1 s and 1.5 MB; 10,000 under 10 s, 6 MB and 600 MB. Beside them, as a yardstick, what encoding the page's own bytes by
zlib takes in the same run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from tests.reports.html import made

HOUSE = Path(__file__).parents[2]
LARGE = 10_000

RENDER = """
import json, resource, sys, time
from reports.html.write import write
started = time.perf_counter()
page = write(sys.argv[1]).report
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "size_mb": page.stat().st_size / 1e6, "peak_mb": peak}))
"""


def render(folder: Path) -> dict[str, float]:
    """Seconds, MB of the page and MB of memory at most, in a process of its own: importing matplotlib is part of it."""
    done = subprocess.run(
        [sys.executable, "-c", RENDER, str(folder)], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.speed
def test_the_report_of_24_and_of_10_000_images(tmp_path: Path) -> None:
    small = made.full(tmp_path / "small")
    writer = made.begin(tmp_path / "large", images=LARGE, maps=False)
    made.add_parity(writer)
    made.add_speed(writer)
    writer.finish()
    rows = {
        f"24 images x {len(made.BACKENDS)}": small,
        f"{LARGE} images x {len(made.BACKENDS)}": writer.folder,
    }
    print("\nreport, imports included" + " " * 12 + "s      page MB    memory MB    zlib of the page s")
    for title, folder in rows.items():
        found = min((render(folder) for _ in range(3)), key=lambda one: one["seconds"])
        page = (folder / "report.html").read_bytes()
        started = time.perf_counter()
        zlib.compress(page)
        print(
            f"  {title:<28}{found['seconds']:8.2f}{found['size_mb']:11.2f}{found['peak_mb']:12.0f}{time.perf_counter() - started:14.3f}"
        )
        assert page.endswith(b"</html>\n") or b"</html>" in page[-64:]
