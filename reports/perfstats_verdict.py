"""The SDK's own statistics against those of the baseline: the windows' means are the samples, since the logs hold no single times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from reports.comparable import Conditions, comparable
from reports.perfstats import ELEMENT_KINDS, Entry, Window, read
from reports.reasons import Reason, ReasonCode
from reports.record import RunRecord
from reports.verdict import Status, Verdict, promote_command

if TYPE_CHECKING:
    from reports.family import Asked

SMALL_SHARE = 0.02
"""An element that takes less of e2e than this is shown and not judged: twice nothing is no regression."""

UNUSABLE = ("start-time-queue-full", "start-time-queue-empty", "worker-lost", "nothing-kept", "clocks-differ")
"""Warnings after which the SDK's times are not believed (perf-logs reference, "The start-time queue")."""

REGION, SCENARIO, DEPTH = "sdk", "single-stream", 1
"""What is timed: by the SDK, between its own probes; one image in flight."""


class Samples(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the SDK's: a value for each full window, in order. `region`: which span of the pipeline."""

    metric: str
    unit: Literal["us", "images/s"]
    region: str
    worse: Literal[1, -1]
    values: tuple[float, ...]


class SdkBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """What a baseline keeps of a run's SDK statistics."""

    conditions: Conditions
    interval_seconds: int
    passes: int
    samples: tuple[Samples, ...]

    def values(self, metric: str) -> tuple[float, ...]:
        """The samples of a figure, empty where there are none."""
        return next((item.values for item in self.samples if item.metric == metric), ())


def samples_of(entry: Entry) -> tuple[Samples, ...]:
    """The figures of a run: e2e mean and throughput of each stream, means of each element, over the full windows with frames."""
    windows = [window for window in entry.windows if window.kept and window.count]
    streams = list(dict.fromkeys(window.stream for window in windows))
    found: list[Samples] = []
    for stream in streams:
        own = [window for window in windows if window.stream == stream]
        prefix = "perfstats/" if len(streams) == 1 else f"perfstats/{stream}/"
        found += _spans(prefix, own)
        rates = tuple(window.rate for window in own if window.kind == "tpr" and window.rate is not None)
        if rates:
            found.append(
                Samples(
                    metric=f"{prefix}throughput",
                    unit="images/s",
                    region="sdk throughput",
                    worse=-1,
                    values=rates,
                )
            )
    return tuple(found)


def _spans(prefix: str, windows: Sequence[Window]) -> Iterable[Samples]:
    """Times: e2e first, then each element's, without those that take next to nothing of it."""
    whole = _mean(window for window in windows if window.kind == "e2e")
    for kind in ("e2e", *ELEMENT_KINDS):
        for element in dict.fromkeys(window.element for window in windows if window.kind == kind):
            own = [window for window in windows if window.kind == kind and window.element == element]
            if whole and _mean(own) < SMALL_SHARE * whole:
                continue
            name = "e2e" if kind == "e2e" else element if kind == "plugin" else f"{element}/{kind}"
            values = tuple(window.mean_us for window in own if window.mean_us is not None)
            yield Samples(metric=f"{prefix}{name}", unit="us", region=f"sdk {kind}", worse=1, values=values)


def _mean(windows: Iterable[Window]) -> float:
    """Microseconds a frame over windows with frames, 0 for none."""
    found = [(window.mean_us or 0.0, window.count or 0) for window in windows]
    count = sum(number for _, number in found)
    return sum(mean * number for mean, number in found) / count if count else 0.0


def baseline_of(record: RunRecord, case: str, backend: str) -> SdkBaseline | None:
    """What a baseline keeps of a run; None where it has no statistics of the case on the backend, or none that are believed."""
    found = read(record.folder)
    entry = found.entry(case, backend) if found else None
    if entry is None or _unusable(entry) or not (samples := samples_of(entry)):
        return None
    return SdkBaseline(
        conditions=conditions_of(record, entry),
        interval_seconds=entry.interval_seconds,
        passes=entry.passes,
        samples=samples,
    )


def conditions_of(record: RunRecord, entry: Entry) -> Conditions:
    """What the statistics were taken under."""
    run = record.run
    return Conditions.of(
        run.environment,
        backend=entry.backend,
        soc=entry.soc,
        region=REGION,
        scenario=SCENARIO,
        depth=DEPTH,
        case_digest=run.digests.cases.get(entry.case),
        data_digest=run.digests.data.get(entry.case),
    )


def ask(record: RunRecord, entry: Entry, baseline: SdkBaseline | None) -> Asked:
    """What there is to judge of a run's SDK statistics: its figures, or the verdict that says why there are none."""
    from reports.family import Asked
    from reports.performance import Figure

    found = _figures_or_verdict(record, entry, baseline)
    if isinstance(found, Verdict):
        return Asked(case=entry.case, backend=entry.backend, kind="perfstats", verdict=found)
    figures = tuple(
        Figure(
            metric=item.metric,
            unit=item.unit,
            region=item.region,
            old=old,
            new=item.values,
            worse=item.worse,
        )
        for item, old in found
    )
    return Asked(case=entry.case, backend=entry.backend, kind="perfstats", figures=figures)


def _figures_or_verdict(
    record: RunRecord, entry: Entry, baseline: SdkBaseline | None
) -> Verdict | list[tuple[Samples, tuple[float, ...]]]:
    """The run's figures, each with the baseline's samples, or why they can't be compared."""
    run, samples = record.run.id, samples_of(entry)
    windows = max((len(item.values) for item in samples), default=0)
    bad = _unusable(entry)
    if bad or not samples:
        why = "; ".join(bad) or "no full window with frames"
        return _cannot_tell(
            ReasonCode.SDK_STATISTICS, f"the SDK's statistics can't be used: {why}", "measure again", windows
        )
    if baseline is None:
        message = f"no stored SDK statistics of {entry.case} on {entry.backend} ({entry.soc})"
        return _cannot_tell(ReasonCode.NO_BASELINE, message, f"record one: {promote_command(run)}", windows)
    other = comparable(baseline.conditions, conditions_of(record, entry), run)
    if other is not None:
        return Verdict(status=Status.CANNOT_TELL, reasons=(other,), n=windows)
    return [(item, baseline.values(item.metric)) for item in samples]


def _unusable(entry: Entry) -> list[str]:
    return [f"{item.reason}: {item.detail}" for item in entry.result.warnings if item.reason in UNUSABLE]


def _cannot_tell(code: ReasonCode, message: str, advice: str, windows: int) -> Verdict:
    return Verdict(status=Status.CANNOT_TELL, reasons=(Reason(code.value, message, advice),), n=windows)
