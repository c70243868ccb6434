"""Which steps the ladder of a case has here, in their order, and why others are not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.attribution.measure import Counts
from reports.attribution import Absent, Factor
from reports.ladder import Step

HALF = "fp16"
"""The reference's own graph in FP16: no backend, measured by bench.deviation."""

RUNNERS: tuple[tuple[str, Factor | None], ...] = (
    ("ckpt", None),
    ("reference", "framework"),
    (HALF, "precision"),
    ("om-mxbase", "runtime"),
    ("om-sdk", "pipeline"),
)
"""What runs the model, in the ladder's order, and the factor that it changes against the one before."""

NATIVE_BY = ("ckpt", "reference")
"""What can run images at their own size; the OM file's input is fixed."""

START_RULE = "resampled"
"""The published checkpoint evaluation's ground-truth rule; its preprocessing is `native-N`, N the output's stride."""

WORDS = {
    "ckpt": "ckpt FP32",
    "reference": "reference FP32",
    HALF: "reference FP16 (rounded)",
    "om-mxbase": "om-mxbase FP16",
    "om-sdk": "om-sdk FP16",
}


@dataclass(frozen=True)
class Findings:
    """What was measured for a ladder: counts by runner, or the reason why there are none.

    `native`: the base runner at the images' own sizes, or why not; None where the case itself runs them so.
    `start_true`: true counts by START_RULE, None where that is the case's own rule.
    """

    policy: str
    rule: str
    native_policy: str
    runners: Mapping[str, Counts | str]
    native: Counts | str | None
    start_true: Mapping[str, float] | None


def base(runners: Mapping[str, Counts | str]) -> str | None:
    """The first runner that counted: what the ladder begins with; None where none did."""
    return next((name for name, _ in RUNNERS if isinstance(runners.get(name), Counts)), None)


def ladder(findings: Findings) -> list[Step | Absent]:
    """The steps in order, with an Absent in the place of each that could not run; empty of steps where nothing ran."""
    first = base(findings.runners)
    found = findings.runners.get(first) if first else None
    if first is None or not isinstance(found, Counts):
        return list(_missing_runners(findings.runners, None))
    return [
        *_beginning(findings, first, found),
        *_missing_runners(findings.runners, first),
        *_runners(findings, first),
    ]


def _beginning(findings: Findings, name: str, own: Counts) -> Iterator[Step | Absent]:
    """The steps of the base runner: both ground-truth rules, both ways of preprocessing."""
    native = findings.native
    start, policy = (native, findings.native_policy) if isinstance(native, Counts) else (own, findings.policy)
    if findings.start_true is None:
        yield Absent("ground-truth", f"the case itself counts by the rule {findings.rule}", "none")
    else:
        label = _label(name, start, policy, START_RULE)
        yield Step(
            factor=None, label=label, true=findings.start_true, counted=start.counted, failures=start.failures
        )
    yield Step(
        factor=None if findings.start_true is None else "ground-truth",
        label=_label(name, start, policy, findings.rule),
        true=start.true,
        counted=start.counted,
        failures=start.failures,
    )
    if native is None:
        yield Absent("preprocessing", f"the case itself is {findings.policy}", "none")
    elif isinstance(native, str):
        yield Absent("preprocessing", native, "outside")
    else:
        yield _step("preprocessing", name, own, findings)


def _missing_runners(runners: Mapping[str, Counts | str], first: str | None) -> Iterator[Absent]:
    """The factors between runners that are not here and the first that is: nothing on the ladder holds them."""
    reason = ""
    for name, factor in RUNNERS:
        if factor is not None and reason:
            yield Absent(factor, reason, "outside")
        if name == first:
            return
        found = runners.get(name)
        reason = found if isinstance(found, str) else reason


def _runners(findings: Findings, first: str) -> Iterator[Step | Absent]:
    """What comes after the base runner; a factor after the last that ran is outside, one before it is merged."""
    names = [name for name, _ in RUNNERS]
    last = max(at for at, name in enumerate(names) if isinstance(findings.runners.get(name), Counts))
    for at, (name, factor) in enumerate(RUNNERS):
        if at <= names.index(first) or factor is None:
            continue
        found = findings.runners.get(name, "not measured")
        if isinstance(found, Counts):
            yield _step(factor, name, found, findings)
        else:
            yield Absent(factor, found, "merged" if at < last else "outside")


def _step(factor: Factor, name: str, counts: Counts, findings: Findings) -> Step:
    return Step(
        factor=factor,
        label=_label(name, counts, findings.policy, findings.rule),
        true=counts.true,
        counted=counts.counted,
        failures=counts.failures,
    )


def _label(name: str, counts: Counts, policy: str, rule: str) -> str:
    """What ran, in words that need no translation; with "emulated" where it ran on the emulated SDK."""
    soc = "" if counts.soc == "cpu" else f" ({counts.soc})"
    return f"{WORDS[name]}{soc}, {policy}, {rule}"


def usable(found: Counts, name: str) -> Counts | str:
    """The counts, or why they are of no use."""
    return f"{name}: {found.problem}" if found.problem else found
