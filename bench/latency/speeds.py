"""A run's part of speed: measures each case on a backend once, in one worker, and keeps it in the record; bench.performance judges it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.latency.bounds import Bounds
from reports.reasons import ReasonCode
from reports.timing import Scenario, Timing, summarise_timing
from reports.timings_file import append_timing, read_timings
from reports.verdict import Verdict, cannot_tell

if TYPE_CHECKING:
    from bench.latency.images import Images
    from bench.latency.measure import Stopwatch
    from bench.monitor import Monitor
    from bench.progress import Bar
    from bench.selection import Options
    from cases.case import Case
    from cases.dataset import Dataset
    from reports.family import Asked
    from reports.record import RunWriter

Key = tuple[str, str]
"""(case, backend)"""


@dataclass(frozen=True)
class Wanted:
    """What the tests of this session ask for: scenarios of each case x backend in their order, and how long to measure.

    `alone`: those of which nothing but the speed is asked for.
    """

    scenarios: Mapping[Key, tuple[Scenario, ...]]
    cases: Mapping[str, Case]
    bounds: Bounds = field(default_factory=Bounds)
    alone: frozenset[Key] = frozenset()


NOTHING = Wanted({}, {})


class Speeds:
    """The speeds of one run. A measurement that fails is kept as the verdict that says why."""

    def __init__(
        self, writer: RunWriter, options: Options, datasets: Mapping[str, Dataset], bar: Bar, wanted: Wanted
    ) -> None:
        self._writer = writer
        self._options = options
        self._datasets = datasets
        self._bar = bar
        self._wanted = wanted
        self._tried: set[Key] = set()
        self._failed: dict[Key, Verdict] = {}

    @property
    def finished(self) -> bool:
        """Whether all that was asked for was measured, or tried."""
        return self._tried >= set(self._wanted.scenarios)

    def timing(self, case: Case, backend: str, scenario: Scenario) -> Timing | Verdict:
        """A measurement, made now unless it is in the record, or the verdict that says why there is none."""
        key = case.name, backend
        self._measure(case, backend)
        for timing in read_timings(self._writer.folder).of(*key):
            if timing.scenario == scenario:
                return timing
        return self._failed.get(key) or _not_measured(scenario)

    def sweep(self, case: Case, backend: str) -> tuple[Timing, ...] | Verdict:
        """The points of a sweep by depth, measured now unless they are in the record, or the verdict that says why there are none."""
        key = case.name, backend
        self._measure(case, backend)
        found = [
            timing
            for timing in read_timings(self._writer.folder).of(*key)
            if timing.scenario == "sweep" and timing.images_per_second
        ]
        if not found:
            return self._failed.get(key) or _not_measured("sweep")
        return tuple(sorted(found, key=lambda timing: timing.depth))

    def ask(self) -> list[Asked]:
        """What there is to judge, all that is wanted being measured now unless it was."""
        from bench.latency.judge import Measured, ask

        measured = []
        for (name, backend), wanted in self._wanted.scenarios.items():
            case = self._wanted.cases[name]
            self._measure(case, backend)
            timings = read_timings(self._writer.folder).of(name, backend)
            measured.append(Measured(case, backend, wanted, timings, self._failed.get((name, backend))))
        return ask(self._writer.run, measured, self._options.run_dir)

    def try_one(self, case: Case, backend: str) -> None:
        """Sends one image through and keeps nothing (--benchmark-disable). Raises WorkerFailure and SpeedError."""
        images = self._images(case)
        if images.pixels:
            with self._opened(case, backend, images) as (stopwatch, _):
                stopwatch.one()
        self._tried.add((case.name, backend))

    # --- measuring ------------------------------------------------------------------------------------------------------------

    def _measure(self, case: Case, backend: str) -> None:
        """Measures what is wanted and not in the record, with one opening of the worker."""
        from bench.gateway import WorkerFailure
        from bench.latency.loop import SpeedError
        from bench.latency.measure import scenarios

        key = case.name, backend
        if key in self._tried:
            return
        here = {timing.scenario for timing in read_timings(self._writer.folder).of(*key)}
        missing = [scenario for scenario in self._wanted.scenarios.get(key, ()) if scenario not in here]
        try:
            if missing:
                images = self._images(case)
                if not images.pixels:
                    raise SpeedError("incomplete-run", "no image of the test set can be prepared")
                with self._opened(case, backend, images) as (stopwatch, monitor):
                    for timing in scenarios(stopwatch, missing):
                        self._keep(timing, monitor)
        except (WorkerFailure, SpeedError) as error:
            code = _code(error.code)
            self._failed[key] = cannot_tell(code, f"no measurement of speed: {error}", "see the worker's log")
        self._tried.add(key)

    def _keep(self, timing: Timing, monitor: Monitor | None) -> None:
        from reports.monitor import disturbances

        entry = self._writer.run.backend(timing.case, timing.backend)
        seen = monitor.look() if monitor is not None else ()
        disturbed = disturbances(seen, entry.soc if entry else "cpu")
        timing = msgspec.structs.replace(timing, warnings=(*timing.warnings, *disturbed))
        append_timing(self._writer.folder, timing)
        others = [entry for entry in self._writer.run.timings if entry.key != timing.key]
        self._writer.update(timings=(*others, summarise_timing(timing)))

    def _images(self, case: Case) -> Images:
        from bench.latency.images import load_images

        entry = self._writer.run.case(case.name)
        by_name = {sample.name: sample for sample in self._datasets[case.name].samples}
        return load_images(case, [by_name[name] for name in (entry.images if entry else ())])

    @contextlib.contextmanager
    def _opened(self, case: Case, backend: str, images: Images) -> Iterator[tuple[Stopwatch, Monitor | None]]:
        """An open worker on its locked device, the machine watched; what the worker runs on is noted in the record."""
        from bench.backends import get
        from bench.backends.base import worker
        from bench.device_lock import device_lock
        from bench.evaluate import DEPTH
        from bench.gateway import Session
        from bench.latency.measure import Stopwatch, Target
        from bench.monitor import watching

        spec = worker(get(backend), case, self._options.for_backends(), log=self._log(case, backend))
        with device_lock(spec.device), self._bar.show(f"{case.name} {backend} speed") as tick:
            session = Session(spec)
            try:
                # What is busy on this machine says nothing of a worker on another one, and that one can't be watched from here.
                folder = self._writer.folder
                near = watching(folder, case.name, backend) if spec.far is None else contextlib.nullcontext()
                with near as monitor:
                    info = session.open()
                    if monitor is not None:
                        monitor.group = session.pid
                    self._note(case, backend, info)
                    target = Target(case.name, backend, session, images, spec.depth or DEPTH, info)
                    yield Stopwatch(target, self._wanted.bounds, tick), monitor
                session.close()
            finally:
                session.kill()

    def _note(self, case: Case, backend: str, info: dict[str, object]) -> None:
        """The record says what the worker runs on, also where no accuracy was measured."""
        from bench.backends import get
        from reports.run import BackendEntry

        entry = self._writer.run.backend(case.name, backend)
        if entry is None or not entry.info:
            found = get(backend)
            self._writer.put_backend(
                BackendEntry(
                    case=case.name,
                    name=backend,
                    soc=found.soc(info),
                    precision=found.precision,
                    info=dict(info),
                )
            )

    def _log(self, case: Case, backend: str) -> Path:
        return self._writer.folder / f"worker-{case.name}-{backend}-speed.log"


def _not_measured(scenario: str) -> Verdict:
    return cannot_tell(ReasonCode.NOT_MEASURED, f"nothing was measured: {scenario}")


def _code(text: str) -> ReasonCode:
    from reports.reasons import code_of_failure

    return code_of_failure(text)
