"""Histories made on purpose: a run.json a night, no images."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from reports.run import BackendEntry, CaseEntry, Digests, Run, SummaryEntry, instant
from reports.summary import Summary
from reports.timing import TimingSummary

START = datetime(2026, 1, 1, 2, tzinfo=UTC)


def summary(mae: float, rate: float | None) -> Summary:
    nothing = dict.fromkeys(("bias", "relative_mae", "game1", "game2", "game3", "psnr", "ssim"))
    return Summary(
        n=20,
        failed=0,
        mae=mae,
        rmse=1.5 * mae,
        mean_true=100.0,
        mean_predicted=100.0,
        images_per_second=rate,
        strata=(),
        failures=(),
        not_finite=(),
        **nothing,
    )


class History:
    """Writes one run a night into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nights = 0

    def night(
        self,
        mae: float = 3.0,
        latency: float | None = None,
        rate: float | None = None,
        *,
        backend: str = "om-sdk",
        soc: str = "Ascend310",
        cann: str = "8.0",
        om: str = "om-1",
        data: str = "d",
        case: str = "demo",
        label: str = "night",
        finished: bool = True,
        limit: int | None = None,
        host: str = "atlas",
        processor: str = "Kunpeng 920",
        boot: int = 0,
    ) -> str:
        """One more run; its id. `boot`: what changes with a reboot."""
        moment = START + timedelta(days=self.nights)
        name = f"{moment:%Y%m%dT%H%M%SZ}-night-{self.nights:06d}"
        self.nights += 1
        timings = ()
        if latency is not None:
            timing = TimingSummary(
                case=case, backend=backend, scenario="single-stream", depth=1, n=200, median=latency
            )
            timings = (timing,)
        run = Run(
            schema=1,
            id=name,
            label=label,
            started=instant(moment),
            finished=instant(moment) if finished else None,
            environment={
                "host": {"name": host, "processor": processor, "cores": 24, "kernel": f"5.{boot}"},
                "soc": soc,
                "devices": [{"name": "310"}],
                "cann": {"kind": "nnrt", "version": cann},
                "volatile": {"pid": self.nights, "uptime_seconds": boot},
            },
            cases=(CaseEntry(name=case, images=("a",), available=20, limit=limit),),
            backends=(BackendEntry(case=case, name=backend, soc=soc, precision="fp16"),),
            digests=Digests(models={f"{case}/{backend}": om}, data={case: data}, cases={case: "c"}),
            summaries=(SummaryEntry(case=case, backend=backend, summary=summary(mae, rate)),),
            timings=timings,
        )
        (self.folder / name).mkdir(parents=True)
        (self.folder / name / "run.json").write_bytes(msgspec.json.encode(run))
        return name

    def nights_of(self, values: Sequence[float], **fields: object) -> list[str]:
        """A run for each latency."""
        return [self.night(latency=value, **fields) for value in values]  # type: ignore[arg-type]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "runs")
