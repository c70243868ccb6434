"""Speed of two runs, with evidence: the figures of timings.jsonl held against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from reports.comparable import ON_HOST, Conditions, comparable
from reports.diff.model import Figure
from reports.family import Asked
from reports.fingerprint import environment_of
from reports.noise import between_here
from reports.performance import Figure as SpeedFigure
from reports.reasons import Reason
from reports.record import RunRecord
from reports.speed_samples import SpeedSamples, speed_samples
from reports.timing import Timing
from reports.timings_file import read_timings
from reports.verdict import Status, Verdict

Pair = tuple[str, str]
"""(case, backend)"""


@dataclass(frozen=True)
class _Side:
    """A figure of one of the runs, and the measurement that it is of."""

    record: RunRecord
    timing: Timing
    samples: SpeedSamples


def ask_speeds(old: RunRecord, new: RunRecord) -> list[Asked]:
    """What there is to judge of each latency and throughput that both runs measured; `kind` is its name. ReportError if a file can't be read.

    What must match (region and clock, SoC, devices, scenario, images in flight; for what computes on the host its processor) and does not:
    cannot tell. How noisy the machine is comes from `omgate selftest`, where the folder of the new run has one.
    """
    before = {_key(side): side for side in _sides(old)}
    both = [(before[_key(side)], side) for side in _sides(new) if _key(side) in before]
    return [_ask(was, now) for was, now in both]


def _ask(was: _Side, now: _Side) -> Asked:
    reason = comparable(_conditions(was), _conditions(now), now.record.run.id)
    return Asked(
        case=now.timing.case,
        backend=now.timing.backend,
        kind=now.samples.metric,
        figures=() if reason else (_figure(was, now),),
        verdict=Verdict(status=Status.CANNOT_TELL, reasons=(reason,)) if reason else None,
        warnings=tuple(dict.fromkeys((*was.timing.warnings, *now.timing.warnings))),
    )


def rates(old: RunRecord, new: RunRecord) -> dict[Pair, tuple[Figure, ...]]:
    """Images/s at each depth of a sweep that both runs made: shown, not judged, since a sweep looks for the knee."""
    before = {timing.key: timing for timing in read_timings(old.folder).found}
    found: dict[Pair, tuple[Figure, ...]] = {}
    for now in read_timings(new.folder).found:
        was = before.get(now.key)
        if now.scenario != "sweep" or was is None:
            continue
        figure = Figure(
            name=f"throughput/sweep-{now.depth}",
            unit="images/s",
            old=was.images_per_second,
            new=now.images_per_second,
        )
        pair = now.case, now.backend
        found[pair] = (*found.get(pair, ()), figure)
    return found


def _sides(record: RunRecord) -> Iterator[_Side]:
    for timing in read_timings(record.folder).found:
        for samples in speed_samples([timing]):
            yield _Side(record, timing, samples)


def _key(side: _Side) -> tuple[str, str, str]:
    return side.timing.case, side.timing.backend, side.samples.metric


def _figure(old: _Side, new: _Side) -> SpeedFigure:
    return SpeedFigure(
        metric=new.samples.metric,
        unit=new.samples.unit,
        region=new.samples.region,
        old=old.samples.samples,
        new=new.samples.samples,
        worse=new.samples.worse,
        between=_between(new),
    )


def _between(side: _Side) -> float | None:
    run, timing = side.record.run, side.timing
    entry = run.backend(timing.case, timing.backend)
    soc = entry.soc if entry else ""
    host = (environment_of(run.environment, timing.backend).get("host") or {}) if soc in ON_HOST else {}
    runs = side.record.folder.parent
    return between_here(
        runs, timing.case, timing.backend, soc, side.samples.region, host.get("processor"), host.get("cores")
    )


def _conditions(side: _Side) -> Conditions:
    run, timing, samples = side.record.run, side.timing, side.samples
    entry = run.backend(timing.case, timing.backend)
    # The same stretch on the device's clock and on the worker's are two: the one leaves out what the other holds.
    clock = f", {timing.clock}'s clock" if samples.kind == "latency" else ""
    return Conditions.of(
        run.environment,
        backend=timing.backend,
        soc=entry.soc if entry else "",
        region=f"{samples.region}{clock}",
        scenario=timing.scenario,
        depth=timing.depth,
        case_digest=run.digests.cases.get(timing.case),
        data_digest=samples.data,
    )


def of_runs(verdict: Verdict, old: RunRecord) -> Verdict:
    """The verdict in a diff's words: the other side is a run, and there is no baseline to promote."""
    name = f"run {old.run.label or old.run.id}"
    reasons = tuple(
        Reason(
            reason.code,
            reason.message.replace("the baseline", name),
            "" if "baseline promote" in reason.advice else reason.advice.replace("the baseline", name),
        )
        for reason in verdict.reasons
    )
    return msgspec.structs.replace(verdict, reasons=reasons)
