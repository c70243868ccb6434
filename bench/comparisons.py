"""A run's part of parity: keeps the exact maps while it lasts, measures the FP16 deviation once, compares each two backends once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cases.errors import OmgateError
from reports.deviation import write_deviation
from reports.errors import ReportError
from reports.exact import EXACT_FOLDER, ExactStore
from reports.image import clean_text

if TYPE_CHECKING:
    from bench.backends.base import Options
    from bench.evaluate import Result
    from bench.parity import Pairing
    from bench.progress import Bar
    from cases.case import Case
    from cases.dataset import Dataset
    from reports.parity import Parity
    from reports.record import RunWriter
    from reports.tolerance import HalfDeviation


class Comparisons:
    """The comparisons of one run; `measure` measures a case on a backend of the run unless that was done."""

    def __init__(
        self,
        writer: RunWriter,
        options: Options,
        datasets: Mapping[str, Dataset],
        bar: Bar,
        measure: Callable[[Case, str], object],
    ) -> None:
        self._writer = writer
        self._options = options
        self._datasets = datasets
        self._bar = bar
        self._measure = measure
        self._exact = ExactStore(writer.folder / EXACT_FOLDER)
        self._compared: dict[tuple[str, str, str], Parity] = {}
        self._deviations: dict[str, tuple[HalfDeviation, ...] | OmgateError] = {}

    @property
    def done(self) -> set[tuple[str, str, str]]:
        """(case, backend, other) of what was compared."""
        return set(self._compared)

    def keep(self, case: str, backend: str, result: Result) -> None:
        """Keeps an image's exact map, where the run has another backend on the case to compare it with; call it before it is recorded."""
        if result.status != "ok" or result.density is None or self._exact.problem:
            return
        if sum(entry.case == case for entry in self._writer.run.backends) < 2:
            return
        if not self._exact.save(case, backend, clean_text(result.name), result.density):
            self._writer.warn(f"no exact maps for parity: {self._exact.problem}")

    def parity(self, pairing: Pairing) -> Parity:
        """How far two backends are apart on a case, both measured now unless they were; it goes into the record."""
        from bench.parity import compare
        from reports.record import read

        key = pairing.case.name, pairing.backend, pairing.other
        if key not in self._compared:
            for backend in (pairing.backend, pairing.other):
                self._measure(pairing.case, backend)
            found = self._writer.run.parity_of(*key)
            # A run that was finished and is resumed has no exact maps any more; it was compared on these very images.
            if found is None or self._exact.exists:
                record = read(self._writer.folder)
                found = compare(pairing, record, self._exact, lambda: self.half_deviations(pairing.case))
                others = [entry for entry in self._writer.run.parity if entry.key != key]
                self._writer.update(parity=(*others, found))
            self._compared[key] = found
        return self._compared[key]

    def finish(self) -> None:
        """Removes the exact maps: everything was compared."""
        self._exact.remove()

    def half_deviations(self, case: Case) -> tuple[HalfDeviation, ...]:
        """The reference's FP16 deviation on the run's images of a case. Raises OmgateError."""
        if case.name not in self._deviations:
            try:
                self._deviations[case.name] = self._measure_deviations(case)
                self._note_deviation(case)
            except OmgateError as error:
                self._deviations[case.name] = error
        found = self._deviations[case.name]
        if isinstance(found, OmgateError):
            raise found
        return found

    def _note_deviation(self, case: Case) -> None:
        """Keeps the deviation in the run's folder, so that a run of another machine can be held against this one."""
        found = self._deviations[case.name]
        if isinstance(found, OmgateError):
            return
        try:
            write_deviation(self._writer.folder, case.name, found)
        except ReportError as error:
            self._writer.warn(f"omgate diff --across will have no tolerance from this run: {error}")

    def _measure_deviations(self, case: Case) -> tuple[HalfDeviation, ...]:
        from bench.deviation import Deviations

        entry = self._writer.run.case(case.name)
        here = self._writer.run.backend(case.name, "reference") is not None
        if here:
            self._measure(case, "reference")
        # A run that was finished and is resumed has no exact maps any more: the FP32 graph runs again.
        known = here and self._exact.exists
        by_name = {sample.name: sample for sample in self._datasets[case.name].samples}
        return Deviations(
            case=case,
            samples=[by_name[name] for name in (entry.images if entry else ())],
            data=self._writer.run.digests.data.get(case.name),
            options=self._options,
            logs=self._writer.folder,
            bar=self._bar,
            known=(lambda name: self._exact.load(case.name, "reference", clean_text(name)))
            if known
            else None,
        ).measure()
