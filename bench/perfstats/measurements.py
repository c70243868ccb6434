"""A run's part of the SDK's statistics: measures each case on a backend once, after its accuracy; bench.performance judges it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.backends.base import Options
    from bench.progress import Bar
    from cases.case import Case
    from cases.dataset import Dataset
    from reports.family import Asked
    from reports.perfstats import Entry
    from reports.record import RunWriter


class Measurements:
    """The SDK statistics of one run; `accuracy` measures a case on a backend of the run unless that was done."""

    def __init__(
        self,
        writer: RunWriter,
        options: Options,
        datasets: Mapping[str, Dataset],
        bar: Bar,
        accuracy: Callable[[Case, str], object],
        wanted: Sequence[tuple[Case, str]] = (),
    ) -> None:
        self._writer = writer
        self._options = options
        self._datasets = datasets
        self._bar = bar
        self._accuracy = accuracy
        self._wanted = wanted
        self._done: set[tuple[str, str]] = set()  # (case, backend) that were measured, or can't be

    @property
    def finished(self) -> bool:
        """Whether all that was asked for was measured, or can't be."""
        return self._done >= {(case.name, backend) for case, backend in self._wanted}

    def begin(self, backends: Sequence[str]) -> None:
        """At the start of a run, whatever it measures: undo what a killed one left; say which of these backends have no statistics."""
        from bench.perfstats.measure import BACKENDS, NOT_APPLICABLE
        from bench.perfstats.switch import recover

        without = dict.fromkeys(name for name in backends if name not in BACKENDS)
        told = [f"{name}: {NOT_APPLICABLE}" for name in without if name.startswith("om-")]
        if told := [*recover(), *told]:
            self._writer.warn(*told)

    def ask(self) -> list[Asked]:
        """What there is to judge, all that is wanted being measured now unless it is in the record."""
        return [self._ask(case, backend) for case, backend in self._wanted]

    def _ask(self, case: Case, backend: str) -> Asked:
        from bench.session import load_baseline
        from reports.family import Asked
        from reports.perfstats_verdict import ask
        from reports.reasons import ReasonCode
        from reports.record import read
        from reports.verdict import cannot_tell

        self._accuracy(case, backend)  # first: it tells how long an image takes, and nothing may disturb it
        try:
            entry = self._found(case, backend) or self._measure(case, backend)
            found = self._writer.run.backend(case.name, backend)
            baseline = load_baseline(case, backend, entry.soc, found.precision if found else "fp16")
            asked = ask(read(self._writer.folder), entry, baseline.perfstats if baseline else None)
        except OmgateError as error:
            verdict = cannot_tell(ReasonCode.SDK_STATISTICS, str(error))
            asked = Asked(case=case.name, backend=backend, kind="perfstats", verdict=verdict)
        self._done.add((case.name, backend))
        return asked

    def _found(self, case: Case, backend: str) -> Entry | None:
        from reports.perfstats import read

        found = read(self._writer.folder)
        return found.entry(case.name, backend) if found else None

    def _measure(self, case: Case, backend: str) -> Entry:
        from bench import sdk
        from bench.backends import get
        from bench.backends.base import worker
        from bench.perfstats.measure import image_seconds, measure
        from bench.perfstats.passes import Pixels
        from cases.dataset import prepare
        from cases.ground_truth import TruthCache
        from reports.perfstats import put
        from reports.record import read

        home = sdk.find()
        if home is None:
            raise OmgateError("--perfstats: no SDK here; source its set_env.sh")
        good = [
            image for image in read(self._writer.folder).images_of(case.name, backend) if image.status == "ok"
        ]
        seconds = image_seconds(
            [{name: value for name, value in image.seconds.items() if value is not None} for image in good]
        )
        samples = {sample.name: sample for sample in self._datasets[case.name].samples}
        cache = TruthCache()
        images = Pixels([samples[image.image] for image in good], lambda sample: prepare(sample, case, cache))
        log = self._writer.folder / f"worker-{case.name}-{backend}-perfstats.log"
        spec = worker(get(backend), case, self._options, log=log)
        found = self._writer.run.backend(case.name, backend)
        soc = found.soc if found else sdk.soc()
        with self._bar.show(f"{case.name} {backend} SDK statistics") as tick:
            entry = measure(
                spec, home.path, images, seconds, self._writer.folder, case.name, backend, soc, tick
            )
        put(self._writer.folder, entry)
        self._writer.warn(
            *(
                f"{case.name} {backend} SDK statistics: {item.reason}: {item.detail}"
                for item in entry.result.warnings
            )
        )
        return entry
