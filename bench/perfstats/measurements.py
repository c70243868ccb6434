"""A run's part of the SDK's statistics: measures each case on a backend once, after its accuracy, and judges it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.backends.base import Options
    from bench.progress import Bar
    from cases.case import Case
    from cases.dataset import Dataset
    from reports.perfstats import Entry
    from reports.record import RunWriter
    from reports.verdict import Verdict


class Measurements:
    """The SDK statistics of one run; `accuracy` measures a case on a backend of the run unless that was done."""

    def __init__(
        self,
        writer: RunWriter,
        options: Options,
        datasets: Mapping[str, Dataset],
        bar: Bar,
        accuracy: Callable[[Case, str], object],
    ) -> None:
        self._writer = writer
        self._options = options
        self._datasets = datasets
        self._bar = bar
        self._accuracy = accuracy
        self.done: set[tuple[str, str]] = set()  # (case, backend) that were measured, or can't be

    def begin(self, backends: Sequence[str]) -> None:
        """At the start of a run, whatever it measures: undo what a killed one left; say which of these backends have no statistics."""
        from bench.perfstats.measure import BACKENDS, NOT_APPLICABLE
        from bench.perfstats.switch import recover

        without = dict.fromkeys(name for name in backends if name not in BACKENDS)
        told = [f"{name}: {NOT_APPLICABLE}" for name in without if name.startswith("om-")]
        if told := [*recover(), *told]:
            self._writer.warn(*told)

    def verdict(self, case: Case, backend: str) -> Verdict:
        """The verdict on the SDK's statistics, measured now unless they are in the record; it goes into the record."""
        from bench.session import load_baseline
        from reports.perfstats_verdict import judge
        from reports.reasons import ReasonCode
        from reports.record import read
        from reports.verdict import cannot_tell

        self._accuracy(case, backend)  # first: it tells how long an image takes, and nothing may disturb it
        try:
            entry = self._found(case, backend) or self._measure(case, backend)
            found = self._writer.run.backend(case.name, backend)
            baseline = load_baseline(case, backend, entry.soc, found.precision if found else "fp16")
            verdict = judge(read(self._writer.folder), entry, baseline.perfstats if baseline else None)
        except OmgateError as error:
            verdict = cannot_tell(ReasonCode.SDK_STATISTICS, str(error))
        self._writer.put_verdict(case.name, backend, verdict, kind="perfstats")
        self.done.add((case.name, backend))
        return verdict

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
