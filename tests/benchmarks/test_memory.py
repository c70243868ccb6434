"""Memory does not grow with the number of images: 2,000 of them, host and worker together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
LIMIT_MB = 500
IMAGES = (200, 2000)

HOST = """
import os, re, sys
from pathlib import Path
from types import SimpleNamespace
import cv2, numpy as np
from bench.backends.base import worker_text
from bench.evaluate import evaluate
from bench.gateway import WorkerSpec
from bench.metrics import per_image

def peak_mb(pid):
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024

geometry = SimpleNamespace(height=768, width=1024, top=128, left=0, input_height=1024, input_width=1024)

def prepare(number):
    pixels = np.full((1, 1, 1024, 1024), number % 256, np.uint8)
    grid = np.full((256, 256), 1.0 + number, np.float32)
    return SimpleNamespace(
        pixels=pixels, geometry=geometry, true_count=1.0, true_grid=grid, digest="", seconds={"decode": 0.0}
    )

done = 0
with evaluate(range(int(sys.argv[1])), prepare, WorkerSpec("simulated", worker_text("simulated"), {"seconds": 0.0})) as run:
    for result in run:
        assert result.status == "ok", result.detail
        per_image(result.density, result.true_grid, result.geometry)
        done += 1
        if done == int(sys.argv[1]):
            print(done, peak_mb(os.getpid()), peak_mb(result.worker["pid"]))
"""


@pytest.mark.speed
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_host_and_worker_together() -> None:
    totals = {}
    print("\npeak resident memory, MB")
    for images in IMAGES:
        done = subprocess.run(
            [sys.executable, "-c", HOST, str(images)], capture_output=True, text=True, cwd=HOUSE, check=True
        )
        seen, host, worker = done.stdout.split()
        assert int(seen) == images
        totals[images] = float(host) + float(worker)
        print(
            f"  {images:5} images: host {float(host):.0f} + worker {float(worker):.0f} = {totals[images]:.0f}"
        )
    print(f"  limit: {LIMIT_MB}")
    assert totals[IMAGES[-1]] < LIMIT_MB
