"""A run's part of attribution: measures the steps of a case's ladder that the run has not, once, and keeps the result in the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cases.errors import OmgateError
from reports.errors import ReportError

if TYPE_CHECKING:
    from bench.attribution.measure import Counts, Passes
    from bench.attribution.plan import Findings
    from bench.attribution.tracing import Tracing
    from bench.backends.base import Options
    from bench.progress import Bar
    from cases.case import Case
    from cases.dataset import Dataset
    from reports.attribution import Attribution
    from reports.record import RunWriter
    from reports.run import CaseEntry
    from reports.tolerance import HalfDeviation


class Attributions:
    """The attributions of one run; `measure` measures a case on a backend of the run unless that was done, `deviations` what FP16 does to it."""

    def __init__(
        self,
        writer: RunWriter,
        options: Options,
        datasets: Mapping[str, Dataset],
        bar: Bar,
        measure: Callable[[Case, str], object],
        deviations: Callable[[Case], tuple[HalfDeviation, ...]],
    ) -> None:
        self._writer = writer
        self._options = options
        self._datasets = datasets
        self._bar = bar
        self._measure = measure
        self._deviations = deviations
        self.done: set[str] = set()  # cases that were traced, or can't be

    def attribution(self, tracing: Tracing) -> Attribution:
        """The ladder of a case; measured now unless it is in the record. Raises NoLadder where there is none."""
        case = tracing.case
        found = self._writer.run.attribution_of(case.name)
        if found is None:
            try:
                found = self._trace(case)
            except ReportError:
                self.done.add(case.name)  # tried: the run is complete without it
                raise
            self._writer.update(attribution=(*self._writer.run.attribution, found))
        self.done.add(case.name)
        return found

    def _trace(self, case: Case) -> Attribution:
        from bench.attribution.plan import ladder
        from reports.ladder import attribute

        entry = self._writer.run.case(case.name)
        if entry is None:
            raise OmgateError(
                f"run {self._writer.run.id} has no case {case.name}; start a new run instead of --resume"
            )
        warnings = []
        if entry.limit is not None:
            warnings.append(f"only the first {entry.limit} of {entry.available} images (--limit)")
        return attribute(case.name, entry.images, ladder(self._find(case, entry)), warnings)

    def _find(self, case: Case, entry: CaseEntry) -> Findings:
        from bench.attribution.measure import Counts, Passes, true_counts
        from bench.attribution.plan import START_RULE, Findings, base

        by_name = {sample.name: sample for sample in self._datasets[case.name].samples}
        samples = [by_name[name] for name in entry.images]
        passes = Passes(case, samples, self._options, self._writer.folder, self._bar)
        runners = self._runners(case, passes)
        first = base(runners)
        own = runners[first] if first else None
        native_policy = f"native-{case.output.stride}"
        sizes = own.sizes if isinstance(own, Counts) else {}
        native = None
        if not case.preprocess.policy.startswith("native-"):
            native = _native(passes, first, native_policy, sizes)
        start_true = None
        if case.ground_truth.rule != START_RULE:
            start_true = true_counts(samples, sizes, START_RULE)
        return Findings(
            policy=case.preprocess.policy,
            rule=case.ground_truth.rule,
            native_policy=native_policy,
            runners=runners,
            native=native,
            start_true=start_true,
        )

    def _runners(self, case: Case, passes: Passes) -> dict[str, Counts | str]:
        """Everything that can run the model in the case's own preprocessing, or why it can't."""
        from bench.attribution.plan import HALF, RUNNERS

        found: dict[str, Counts | str] = {}
        for name, _ in RUNNERS:
            found[name] = (
                self._half(case, found["reference"]) if name == HALF else self._backend(case, name, passes)
            )
        return found

    def _backend(self, case: Case, name: str, passes: Passes) -> Counts | str:
        from bench.attribution.measure import recorded
        from bench.attribution.plan import usable
        from bench.selection import missing
        from reports.record import read

        if self._writer.run.backend(case.name, name) is not None:
            self._measure(case, name)
            record = read(self._writer.folder)
            entry = record.run.backend(case.name, name)
            return usable(recorded(record.images_of(case.name, name), entry.soc if entry else "cpu"), name)
        if name not in case.backends:
            return f"the case has no {name}"
        reason = missing(case, name, self._options)
        return f"{name}: {reason}" if reason else usable(passes.run(name), name)

    def _half(self, case: Case, full: Counts | str) -> Counts | str:
        """The reference in FP16; it needs the reference."""
        from bench.attribution.measure import halved

        if isinstance(full, str):
            return full
        try:
            return halved(self._deviations(case), full)
        except OmgateError as error:
            return str(error)


def _native(
    passes: Passes, first: str | None, policy: str, sizes: Mapping[str, tuple[int, int]]
) -> Counts | str:
    """The ladder's first runner at the images' own sizes, or why it can't."""
    from bench.attribution.plan import NATIVE_BY, usable

    if first not in NATIVE_BY:
        return f"images of their own size run on {' and '.join(NATIVE_BY)} alone, and neither is here"
    try:
        return usable(passes.run_native(first, policy, sizes), f"{first}, {policy}")
    except OmgateError as error:
        return str(error)
