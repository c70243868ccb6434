"""Runs made on purpose: what a test does not name is the same in all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from reports.image import ImageRecord
from reports.numbers import Number
from reports.record import BackendEntry, CaseEntry, Digests, RunRecord, RunWriter, read
from reports.summary import summarise
from reports.verdict import Status, Verdict

NAMES = tuple(f"IMG_{number}" for number in range(1, 21))
START = datetime(2026, 11, 22, 23, 5, 1, tzinfo=UTC)

HOST = {"name": "atlas", "processor": "Kunpeng 920", "cores": 24}

MAE_GATE = Number(metric="mae", unit="counts", gated=True, tolerance=2.0, tolerance_unit="%", allowed=1.0)


def counts(change: Callable[[int, float], float] = lambda number, count: count) -> dict[str, float]:
    """Predicted counts by image: the true one is 50 times the image's number, the error 3 people."""
    return {name: change(n, 50.0 * n + 3.0 * (-1) ** n) for n, name in enumerate(NAMES, start=1)}


class Maker:
    """Writes runs into a folder, each an hour after the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0

    def __call__(
        self,
        label: str = "old",
        predicted: Mapping[str, float] | None = None,
        *,
        case: str = "demo",
        backends: tuple[str, ...] = ("om-sdk",),
        soc: str = "Ascend310",
        precision: str = "fp16",
        om: str = "om-1",
        cann: str = "8.0",
        host: Mapping[str, object] = HOST,
        limit: int | None = None,
        data: str = "d",
        pixels: str = "",
        policy: str = "pad-1024",
        finish: bool = True,
        keep: int | None = None,
        gated: bool = True,
        title: str = "",
        options: Mapping[str, object] | None = None,
        environment: Mapping[str, object] | None = None,
    ) -> RunRecord:
        """A run; `keep`: only so many images were recorded; a NaN count makes its image fail; `pixels`: other pixels, if given."""
        found = dict(counts() if predicted is None else predicted)
        names = tuple(found)[:limit]
        self.made += 1
        moment = START + timedelta(hours=self.made)
        writer = RunWriter.create(
            self.folder,
            label,
            now=moment,
            options=dict(options or {}),
            environment={
                "host": dict(host),
                "soc": soc,
                "cann": {"kind": "nnrt", "version": cann},
                "driver": "23.0.3",
                "volatile": {"pid": self.made},
                **(environment or {}),
            },
            cases=(
                CaseEntry(
                    name=case, images=names, available=len(found), limit=limit, policy=policy, title=title
                ),
            ),
            backends=tuple(
                BackendEntry(case=case, name=name, soc=soc, precision=precision) for name in backends
            ),
            digests=Digests(
                models={f"{case}/{name}": om for name in backends},
                data={case: data},
                cases={case: f"case of {policy}"},
                commit="abc",
                clean=True,
            ),
        )
        for backend in backends:
            images = [self._image(case, backend, name, found[name], pixels) for name in names]
            for image in images[:keep]:
                writer.append(image)
            writer.put_summary(case, backend, summarise(images[:keep]))
            numbers = (MAE_GATE,) if gated else ()
            writer.put_verdict(case, backend, Verdict(status=Status.PASS, numbers=numbers))
        if finish:
            writer.finish(moment)
        writer.close()
        return read(writer.folder)

    def _image(self, case: str, backend: str, name: str, predicted: float, pixels: str) -> ImageRecord:
        return ImageRecord(
            case,
            backend,
            name,
            "ok",
            true_count=50.0 * int(name.split("_")[1]),
            predicted_count=predicted,
            metrics={"game1": 4.0},
            geometry={"policy": "pad-1024"},
            digest=f"{pixels}{name}",
        )


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "runs")


def named(record: RunRecord, name: str) -> RunRecord:
    """The record with an id and a folder that are the same every time."""
    return replace(record, folder=Path("runs") / name, run=msgspec.structs.replace(record.run, id=name))


NAN = math.nan
