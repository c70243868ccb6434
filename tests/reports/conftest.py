"""Builders of records, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.image import ImageRecord
from reports.record import BackendEntry, CaseEntry, Digests, RunWriter


def image_record(name: str, predicted: float = 101.0, true: float = 100.0, **fields: object) -> ImageRecord:
    """An image that went well; `fields` override."""
    values: dict[str, object] = {
        "case": "mcnn-synthetic",
        "backend": "ckpt",
        "image": name,
        "status": "ok",
        "true_count": true,
        "predicted_count": predicted,
        "metrics": {"game1": abs(predicted - true) + 1.0, "psnr": 30.0, "ssim": 0.9},
        "geometry": {"policy": "pad-1024", "top": 1},
        "seconds": {"infer": 0.25},
        "worker": {"host": "here", "device": "cpu", "pid": 7},
        "digest": f"digest of {name}",
        **fields,
    }
    return ImageRecord(**values)  # type: ignore[arg-type]


@pytest.fixture
def image() -> Callable[..., ImageRecord]:
    return image_record


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., RunWriter]:
    """Begins a run of `names` on ckpt; `case` and `backend` override fields of the entries."""

    def build(
        names: tuple[str, ...] = ("IMG_1", "IMG_2", "IMG_3"),
        label: str = "cann-8.0",
        case: dict[str, object] | None = None,
        backend: dict[str, object] | None = None,
        **fields: object,
    ) -> RunWriter:
        entry = {"name": "mcnn-synthetic", "images": names, "available": len(names), **(case or {})}
        unit = {
            "case": "mcnn-synthetic",
            "name": "ckpt",
            "soc": "cpu",
            "precision": "fp32",
            **(backend or {}),
        }
        digests = Digests(
            models={"mcnn-synthetic/ckpt": "m1"},
            data={"mcnn-synthetic": "d1"},
            cases={"mcnn-synthetic": "c1"},
            commit="abc",
            clean=True,
        )
        values: dict[str, object] = {
            "environment": {"soc": "cpu", "volatile": {"pid": 1}},
            "cases": (CaseEntry(**entry),),  # type: ignore[arg-type]
            "backends": (BackendEntry(**unit),),  # type: ignore[arg-type]
            "digests": digests,
            **fields,
        }
        return RunWriter.create(tmp_path / "runs", label, **values)  # type: ignore[arg-type]

    return build
