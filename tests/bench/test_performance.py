from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.performance import Performance
from reports.family import Asked
from reports.performance import Figure
from reports.record import RunWriter
from reports.run import BackendEntry
from reports.verdict import Status

STEADY = tuple(0.010 + 0.000001 * (number % 7) for number in range(200))


class Part:
    """Stands for what measures: counts how often it was asked."""

    def __init__(self, kind: str, factor: float) -> None:
        new = tuple(factor * value for value in STEADY)
        figure = Figure(metric=f"{kind}/x", unit="s", region="infer", old=STEADY, new=new)
        self._asked = Asked(case="demo", backend="om-sdk", kind=kind, figures=(figure,))
        self.times, self.finished = 0, True

    def ask(self) -> list[Asked]:
        self.times += 1
        return [self._asked]


def test_the_first_verdict_measures_everything_and_judges_it_once(tmp_path: Path) -> None:
    speeds, statistics = Part("latency", 1.2), Part("perfstats", 1.0)
    case: Any = SimpleNamespace(name="demo")
    with RunWriter.create(
        tmp_path, backends=(BackendEntry(case="demo", name="om-sdk", soc="emulated", precision="fp16"),)
    ) as writer:
        performance = Performance(writer, speeds, statistics)  # type: ignore[arg-type]
        (latency,) = performance.verdicts(case, "om-sdk", "latency", "throughput")
        (sdk,) = performance.verdicts(case, "om-sdk", "perfstats")
        assert (speeds.times, statistics.times) == (1, 1)
        assert latency.status is Status.REGRESSED
        assert "(Holm, 2 figures)" in latency.reasons[0].message
        assert sdk.status is Status.PASS
        assert writer.run.verdict("demo", "om-sdk", "perfstats") == sdk
        assert performance.verdicts(case, "ckpt", "latency") == []


def test_it_is_finished_when_both_parts_are(tmp_path: Path) -> None:
    speeds, statistics = Part("latency", 1.0), Part("perfstats", 1.0)
    with RunWriter.create(tmp_path) as writer:
        performance = Performance(writer, speeds, statistics)  # type: ignore[arg-type]
        assert performance.finished
        statistics.finished = False
        assert not performance.finished
