"""Builders of records, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.image import ImageRecord
from reports.promotion import Promotion, promote
from reports.record import BackendEntry, CaseEntry, Digests, RunRecord, RunWriter, read


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "baselines"


@pytest.fixture
def finished(begin: Callable[..., RunWriter], image: Callable[..., ImageRecord]) -> Callable[..., RunRecord]:
    """A finished run whose counts are all off by `error`; `images` override."""

    def build(
        error: float = 1.0, images: list[ImageRecord] | None = None, finish: bool = True, **fields: object
    ) -> RunRecord:
        writer = begin(**fields)
        names = writer.run.cases[0].images
        for record in images if images is not None else [image(name, 100.0 + error) for name in names]:
            writer.append(record)
        if finish:
            writer.finish()
        writer.close()
        return read(writer.folder)

    return build


@pytest.fixture
def promote_it() -> Callable[..., Promotion]:
    """Promotes a run's result on ckpt, always at the same moment."""

    def build(record: RunRecord, folder: Path, reason: str = "first", who: str = "li") -> Promotion:
        now = datetime(2026, 11, 22, 23, 5, 1, tzinfo=UTC)
        return promote(record, "mcnn-synthetic", "ckpt", folder, reason=reason, who=who, now=now)

    return build
