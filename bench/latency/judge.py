"""The speed of a run held against the baselines: which figures can be compared; bench.performance judges them, as one family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.comparable import ON_HOST, Conditions, comparable
from reports.family import Asked
from reports.fingerprint import environment_of
from reports.noise import between_here
from reports.performance import Figure
from reports.reasons import ReasonCode
from reports.speed_samples import SpeedSamples, speed_samples
from reports.verdict import Verdict, cannot_tell, promote_command

if TYPE_CHECKING:
    from cases.case import Case
    from reports.baseline import Baseline
    from reports.run import Run
    from reports.timing import Scenario, Timing

KINDS: dict[str, Scenario] = {"latency": "single-stream", "throughput": "pipelined"}
"""Kinds of verdict, and the scenario that each of them rests on."""


@dataclass(frozen=True)
class Measured:
    """A case on a backend: what was wanted, what there is, and the verdict that says why there is not more."""

    case: Case
    backend: str
    wanted: Sequence[Scenario]
    timings: Sequence[Timing]
    failed: Verdict | None = None


def ask(run: Run, measured: Sequence[Measured], runs: Path) -> list[Asked]:
    """What there is to judge: each case x backend x kind that was wanted. `runs`: where self-tests are kept."""
    return [
        _ask(run, item, kind, runs)
        for item in measured
        for kind, scenario in KINDS.items()
        if scenario in item.wanted
    ]


def _ask(run: Run, item: Measured, kind: str, runs: Path) -> Asked:
    from bench.session import load_baseline

    scenario = KINDS[kind]
    timing = next((timing for timing in item.timings if timing.scenario == scenario), None)
    warnings = timing.warnings if timing else ()

    def unable(verdict: Verdict) -> Asked:
        return Asked(case=item.case.name, backend=item.backend, kind=kind, verdict=verdict, warnings=warnings)

    if timing is None:
        return unable(
            item.failed or cannot_tell(ReasonCode.NOT_MEASURED, f"nothing was measured: {scenario}")
        )
    new = next((figure for figure in speed_samples([timing]) if figure.kind == kind), None)
    if new is None:
        message = f"{len(timing.samples)} images are too few for a rate with {timing.depth} in flight"
        return unable(
            cannot_tell(ReasonCode.FEW_SAMPLES, message, "measure longer: --benchmark-max-time=SECONDS")
        )
    entry = run.backend(item.case.name, item.backend)
    soc, precision = (entry.soc, entry.precision) if entry else ("cpu", "fp32")
    baseline = load_baseline(item.case, item.backend, soc, precision)
    old = _in_baseline(baseline, new) if baseline else None
    if baseline is None or old is None:
        return unable(_no_baseline(run, item, baseline))
    differs = comparable(
        _conditions(baseline.fingerprint, item.backend, baseline.soc, baseline.digests.case, old),
        _conditions(run.environment, item.backend, soc, item.case.digest(), new),
        run.id,
    )
    if differs is not None:
        return unable(cannot_tell(ReasonCode(differs.code), differs.message, differs.advice))
    between = _between(run, item, soc, new.region, runs)
    figure = Figure(
        metric=new.metric,
        unit=new.unit,
        region=new.region,
        old=old.samples,
        new=new.samples,
        worse=new.worse,
        between=between,
    )
    return Asked(case=item.case.name, backend=item.backend, kind=kind, figures=(figure,), warnings=warnings)


def _in_baseline(baseline: Baseline, new: SpeedSamples) -> SpeedSamples | None:
    """The baseline's figure of this kind: of the same name, else of another depth, which is then told."""
    same = baseline.speed.get(new.metric)
    others = (figure for figure in baseline.speed.values() if figure.kind == new.kind)
    return same or next(others, None)


def _no_baseline(run: Run, item: Measured, baseline: Baseline | None) -> Verdict:
    # The same words for latency and throughput, so that a table says them once.
    what = (
        "there is no baseline"
        if baseline is None
        else f"the baseline (run {baseline.run}) has none of its times"
    )
    return cannot_tell(
        ReasonCode.NO_BASELINE,
        f"nothing to hold the speed against: {what}",
        _way_to_a_baseline(run, item),
    )


def _way_to_a_baseline(run: Run, item: Measured) -> str:
    """A baseline holds accuracy and speed of one run: a run of speed alone can't be promoted."""
    if run.summary(item.case.name, item.backend) is not None:
        return f"to make this run the baseline: {promote_command(run.id)}"
    whole = f"pytest bench/ --case {item.case.name} --backend {item.backend}"
    return f"to have a baseline: {whole}, without -k, and promote that run (this one has no accuracy)"


def _conditions(
    environment: Mapping[str, Any], backend: str, soc: str, case_digest: str, figure: SpeedSamples
) -> Conditions:
    return Conditions.of(
        environment,
        backend=backend,
        soc=soc,
        region=figure.region,
        scenario=figure.scenario,
        depth=figure.depth,
        case_digest=case_digest,
        data_digest=figure.data,
    )


def _between(run: Run, item: Measured, soc: str, region: str, runs: Path) -> float | None:
    """How much runs differ by themselves here, if a self-test measured it."""
    host = environment_of(run.environment, item.backend).get("host") or {} if soc in ON_HOST else {}
    return between_here(
        runs, item.case.name, item.backend, soc, region, host.get("processor"), host.get("cores")
    )
