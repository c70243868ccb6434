"""A run's performance: its own times and the SDK's statistics, measured by their parts and judged together, as one family of figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.latency.speeds import Speeds
    from bench.perfstats.measurements import Measurements
    from cases.case import Case
    from reports.record import RunWriter
    from reports.verdict import Verdict


class Performance:
    """Speeds and SDK statistics of one run. The first verdict asked for measures all that is wanted, since all are judged together."""

    def __init__(self, writer: RunWriter, speeds: Speeds, statistics: Measurements) -> None:
        self.speeds = speeds
        self.statistics = statistics
        self._writer = writer
        self._judged: set[tuple[str, str, str]] | None = None  # (case, backend, kind)

    @property
    def finished(self) -> bool:
        """Whether all that was asked for was measured, or can't be."""
        return self.speeds.finished and self.statistics.finished

    def verdicts(self, case: Case, backend: str, *kinds: str) -> list[Verdict]:
        """The verdicts of these kinds on a case on a backend, as far as they were asked for; they are in the record then."""
        if self._judged is None:
            self._judged = self._judge()
        wanted = [kind for kind in kinds if (case.name, backend, kind) in self._judged]
        found = (self._writer.run.verdict(case.name, backend, kind) for kind in wanted)
        return [verdict for verdict in found if verdict is not None]

    def _judge(self) -> set[tuple[str, str, str]]:
        from reports.family import judge_family

        asked = [*self.speeds.ask(), *self.statistics.ask()]
        for item, verdict in zip(asked, judge_family(asked), strict=True):
            self._writer.put_verdict(item.case, item.backend, verdict, item.kind)
        return {(item.case, item.backend, item.kind) for item in asked}
