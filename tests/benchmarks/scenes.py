"""Real files for the benchmarks: JPEGs, of 1024x768 where nothing else is said, with their density CSVs, and what preparation reads of the deliverable's case."""

from __future__ import annotations

import io
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from cases.ground_truth import RACY_NS

FILES = 24
HEIGHT, WIDTH = 768, 1024


def write_scenes(root: Path, dense: bool = False, height: int = HEIGHT) -> None:
    """FILES pictures in root/images and their CSVs in root/ground_truth_csv.

    dense: every pixel has a value of six significant digits, as in a crowded scene (9 MB a file); else nearly all are 0.
    """
    for name in ("images", "ground_truth_csv"):
        (root / name).mkdir()
    random = np.random.default_rng(5)
    text = b"\n".join([b",".join([b"0"] * (WIDTH - 1) + [b"0.5"])] * height)
    if dense:
        buffer = io.BytesIO()
        np.savetxt(buffer, random.gamma(1.0, 4e-4, (height, WIDTH)), delimiter=",", fmt="%.6g")
        text = buffer.getvalue()
    for number in range(1, FILES + 1):
        noise = random.integers(0, 256, (height, WIDTH), dtype=np.uint8)
        picture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
        cv2.imwrite(str(root / "images" / f"IMG_{number}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        (root / "ground_truth_csv" / f"IMG_{number}.csv").write_bytes(text)
    time.sleep(RACY_NS / 1e9 + 0.1)  # younger files are hashed again each time


def case() -> Any:
    """What preparation reads of the deliverable's case."""
    return SimpleNamespace(
        preprocess=SimpleNamespace(policy="pad-1024", above="refuse"),
        input=SimpleNamespace(size=(1024, 1024)),
        output=SimpleNamespace(stride=4),
        ground_truth=SimpleNamespace(rule="raw-sum"),
    )
