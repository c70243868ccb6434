"""Small training sets for tests: blobs of light with their density maps."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from cases import density


def write(root: Path, images: int = 4, side: int = 32, seed: int = 0) -> dict[str, str]:
    """`train`, `train_den`, `val`, `val_den` (half as many) below root; the options that name them."""
    for split, count in (("train", images), ("val", max(1, images // 2))):
        (root / split).mkdir(parents=True)
        (root / f"{split}_den").mkdir()
        for number in range(1, count + 1):
            random = np.random.default_rng([seed, number, len(split)])
            height, width = side - number % 3, side
            points = 1 + random.random((int(random.integers(1, 9)), 2)) * [width - 1, height - 1]
            grey = random.normal(60, 20, (height, width))
            for x, y in points:
                cv2.circle(grey, (int(x), int(y)), 3, 250.0, -1)
            good, content = cv2.imencode(".png", np.clip(grey, 0, 255).astype(np.uint8))
            assert good
            (root / split / f"IMG_{number}.png").write_bytes(content.tobytes())
            density.write_csv(
                root / f"{split}_den" / f"IMG_{number}.csv", density.density_map(points, height, width)
            )
    folders = {
        "train_path": "train",
        "train_gt_path": "train_den",
        "val_path": "val",
        "val_gt_path": "val_den",
    }
    return {name: str(root / folder) for name, folder in folders.items()}


def arguments(root: Path, **options: object) -> list[str]:
    """The options of `cases.mcnn.train` for the set below root, on the CPU."""
    folders = {
        "train_path": "train",
        "train_gt_path": "train_den",
        "val_path": "val",
        "val_gt_path": "val_den",
    }
    given = {name: root / folder for name, folder in folders.items()}
    return [f"--{name}={value}" for name, value in {**given, "device_target": "CPU", **options}.items()]
