"""One run: cases x backends measured image by image into the run record, and the verdicts on them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.digests import digests_of
from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.attribution.tracing import Tracing
    from bench.environment import Environment
    from bench.evaluate import Evaluation, Result
    from bench.latency.speeds import Wanted
    from bench.parity import Pairing
    from bench.performance import Performance
    from bench.progress import Bar
    from bench.selection import Options, Selected
    from cases.case import Case
    from cases.dataset import Dataset
    from reports.attribution import Attribution
    from reports.baseline import Baseline
    from reports.image import ImageRecord
    from reports.parity import Parity
    from reports.record import RunWriter
    from reports.run import BackendEntry, CaseEntry
    from reports.verdict import Verdict


class Session:
    """The run of one pytest session. Every image is in the record before the next one is looked at."""

    def __init__(
        self,
        writer: RunWriter,
        options: Options,
        environment: Environment,
        datasets: Mapping[str, Dataset],
        bar: Bar,
    ) -> None:
        """Use `begin`."""
        from bench.attribution.attributions import Attributions
        from bench.comparisons import Comparisons

        self.writer = writer
        self._options = options
        self._environment = environment
        self._datasets = datasets
        self._bar = bar
        self._wanted: set[tuple[str, str]] = set()
        self._judged: dict[tuple[str, str], Verdict] = {}
        self._wanted_parity: set[tuple[str, str, str]] = set()
        self._comparisons = Comparisons(writer, options.for_backends(), datasets, bar, self.accuracy)
        self._wanted_attribution: set[str] = set()
        self._attributions = Attributions(
            writer, options.for_backends(), datasets, bar, self.accuracy, self._comparisons.half_deviations
        )
        self.performance: Performance
        self._closed = False

    @classmethod
    def begin(
        cls,
        options: Options,
        pairs: Sequence[Selected],
        bar: Bar,
        pairings: Sequence[Pairing] = (),
        tracings: Sequence[Tracing] = (),
        statistics: Sequence[Selected] = (),
        speeds: Wanted | None = None,
    ) -> Session:
        """Opens the record of a new run, or of the one to resume; `pairings` and `tracings` will be asked for. Raises OmgateError or ReportError."""
        from bench.backends import get
        from bench.environment import fingerprint
        from bench.far import recorded
        from bench.hosts import current
        from bench.latency.speeds import NOTHING, Speeds
        from bench.performance import Performance
        from bench.perfstats.measurements import Measurements
        from bench.trainings import keep
        from cases.dataset import Dataset
        from reports.record import RunWriter, find

        cases = {pair.case.name: pair.case for pair in pairs}
        for case in cases.values():
            derive_truth(case, bar)
        datasets = {name: Dataset.open(case.data.root) for name, case in cases.items()}
        backends = tuple(dict.fromkeys(pair.backend for pair in pairs))
        environment = msgspec.structs.replace(fingerprint(), hosts=recorded(current(), backends))
        for pair in pairs:
            get(pair.backend).prepare(pair.case)
        digests = digests_of(pairs, options)
        if options.resume:
            writer = RunWriter.resume(find(options.run_dir, options.resume), digests=digests)
        else:
            writer = RunWriter.create(
                options.run_dir,
                options.label,
                options=options.as_dict(),
                environment=environment.as_dict(),
                cases=tuple(_case_entry(case, datasets[name], options.limit) for name, case in cases.items()),
                backends=tuple(_backend_entry(pair) for pair in pairs),
                digests=digests,
            )
        keep(writer, pairs, options.for_backends())
        session = cls(writer, options, environment, datasets, bar)
        session._wanted = {(entry.case, entry.name) for entry in writer.run.backends}
        if speeds is not None and not options.resume:
            session._wanted -= speeds.alone
        session.performance = Performance(
            writer,
            Speeds(writer, options, datasets, bar, speeds or NOTHING),
            Measurements(
                writer,
                options.for_backends(),
                datasets,
                bar,
                session.accuracy,
                [(item.case, item.backend) for item in statistics],
            ),
        )
        session._wanted_parity = {(item.case.name, item.backend, item.other) for item in pairings}
        session._wanted_attribution = {item.case.name for item in tracings}
        session.performance.statistics.begin([pair.backend for pair in pairs] if options.perfstats else [])
        return session

    def accuracy(self, case: Case, backend: str) -> Verdict:
        """The verdict on a case on a backend, measured now unless it was; its summary and verdict go into the record."""
        key = (case.name, backend)
        if key not in self._judged:
            self._measure(case, backend)
            verdict = self._judge(case, backend)
            self.writer.put_verdict(case.name, backend, verdict)
            self._judged[key] = verdict
        return self._judged[key]

    def parity(self, pairing: Pairing) -> Parity:
        """How far two backends are apart on a case, both measured now unless they were; it goes into the record."""
        return self._comparisons.parity(pairing)

    def attribution(self, tracing: Tracing) -> Attribution:
        """Where the difference of a case comes from; what it needs is measured now unless it was. Raises NoLadder where nothing can be told."""
        return self._attributions.attribution(tracing)

    def close(self) -> None:
        """Stamps the record as finished where everything was measured; an interrupted one stays resumable."""
        if self._closed:
            return
        self._closed = True
        traced = self._wanted_attribution <= self._attributions.done
        traced = traced and self.performance.finished
        if self._wanted <= set(self._judged) and self._wanted_parity <= self._comparisons.done and traced:
            self._comparisons.finish()
            self.writer.finish()
        else:
            self.writer.close()

    @property
    def finished(self) -> bool:
        """True when everything that the run set out to measure was measured."""
        return self.writer.run.finished is not None

    # --- measuring ------------------------------------------------------------------------------------------------------------

    def _measure(self, case: Case, backend: str) -> None:
        from bench.backends import get
        from bench.backends.base import worker
        from bench.evaluate import evaluate
        from cases.dataset import prepare
        from cases.ground_truth import TruthCache
        from reports.record import read
        from reports.summary import summarise

        entry = self._entry(case)
        by_name = {sample.name: sample for sample in self._datasets[case.name].samples}
        done = self.writer.done(case.name, backend)
        todo = [by_name[name] for name in entry.images if name not in done]
        cache = TruthCache()
        spec = worker(get(backend), case, self._options.for_backends(), log=self._log(case, backend))
        started = time.monotonic()
        if todo:
            with evaluate(todo, lambda sample: prepare(sample, case, cache), spec) as evaluation:
                self._take(case, backend, evaluation, len(entry.images), len(done))
                rate = evaluation.images_per_second
            wall = time.monotonic() - started
        else:
            rate, wall = None, None
        images = read(self.writer.folder).images_of(case.name, backend)
        summary = summarise(images, case.strata, wall)
        # The rate between first submission and last answer: opening and compiling a model once is no property of an image.
        summary = msgspec.structs.replace(summary, images_per_second=rate)
        self.writer.put_summary(case.name, backend, summary, wall)
        self._note_data_digest(case, images)

    def _take(self, case: Case, backend: str, evaluation: Evaluation, total: int, done: int) -> None:
        from bench.backends import get
        from reports.run import BackendEntry

        noted = False
        with self._bar.show(f"{case.name} {backend}", done) as tick:
            for number, result in enumerate(evaluation, done + 1):
                if evaluation.info and not noted:
                    noted = True
                    found = get(backend)
                    self.writer.put_backend(
                        BackendEntry(
                            case=case.name,
                            name=backend,
                            soc=found.soc(evaluation.info),
                            precision=found.precision,
                            info=dict(evaluation.info),
                        )
                    )
                self._comparisons.keep(case.name, backend, result)
                self.writer.append(_image_record(case, backend, result), result.density)
                if result.warnings:
                    self.writer.warn(
                        *(f"{case.name} {backend} {result.name}: {text}" for text in result.warnings)
                    )
                tick(number, total)

    def _note_data_digest(self, case: Case, images: Sequence[ImageRecord]) -> None:
        run = self.writer.run
        data = {**run.digests.data, case.name: data_digest(images)}
        self.writer.update(digests=msgspec.structs.replace(run.digests, data=data))

    def _log(self, case: Case, backend: str) -> Path:
        return self.writer.folder / f"worker-{case.name}-{backend}.log"

    def _entry(self, case: Case) -> CaseEntry:
        entry = self.writer.run.case(case.name)
        if entry is None:
            raise OmgateError(
                f"run {self.writer.run.id} has no case {case.name}; start a new run instead of --resume"
            )
        return entry

    # --- judging --------------------------------------------------------------------------------------------------------------

    def _judge(self, case: Case, backend: str) -> Verdict:
        from reports.accuracy import compare_accuracy
        from reports.fingerprint import environment_of, same_numerics
        from reports.record import read
        from reports.verdict import Context, Gate

        entry = self._entry(case)
        found = self.writer.run.backend(case.name, backend)
        soc, precision = (found.soc, found.precision) if found else ("cpu", "fp32")
        baseline = load_baseline(case, backend, soc, precision)
        here = environment_of(self._environment.as_dict(), backend)
        context = Context(
            run=self.writer.run.id,
            case=case.name,
            backend=backend,
            soc=soc,
            case_digest=case.digest(),
            expected=entry.images,
            same_machine=baseline is None or same_numerics(baseline.fingerprint, here),
            limited=entry.limit is not None,
        )
        gates = tuple(
            Gate(gate.metric, gate.tolerance, "%" if gate.unit == "%" else "counts") for gate in case.gates
        )
        return compare_accuracy(
            baseline, read(self.writer.folder).images_of(case.name, backend), gates, context
        )


def load_baseline(case: Case, backend: str, soc: str, precision: str) -> Baseline | None:
    """The stored baseline of a case on a backend, None where there is none."""
    from reports.baseline import load

    return load(baselines_folder(case), case.name, backend, soc, precision)


def baselines_folder(case: Case) -> Path:
    """Where the baselines of a model's cases are."""
    return case.folder / "baselines"


def derive_truth(case: Case, bar: Bar) -> None:
    """Writes ground_truth_csv/ of a test set that comes with head positions, where it is missing or older."""
    from cases.density import derive_csvs

    if not (case.data.root / "ground_truth").is_dir():
        return
    density = case.data.density
    with bar.show(f"{case.name} ground truth") as tick:
        derive_csvs(case.data.root, _size, density.kind, density.sigma, density.kernel, tick)


def _size(image: Path) -> tuple[int, int] | None:
    """(height, width) of an image, None for one that can't be decoded: the evaluation will say why."""
    from cases.dataset import SampleError, decode

    try:
        height, width = decode(image).shape
    except SampleError:
        return None
    return height, width


def data_digest(images: Iterable[ImageRecord]) -> str | None:
    """32 hex digits over names and digests of the images, None unless every image has one."""
    import hashlib

    parts = sorted((image.image, image.digest) for image in images)
    if not parts or any(digest is None for _, digest in parts):
        return None
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in parts).encode()).hexdigest()[:32]


def _image_record(case: Case, backend: str, result: Result) -> ImageRecord:
    from bench.metrics import per_image
    from reports.image import ImageRecord

    metrics: dict[str, float] = {}
    seconds = dict(result.seconds)
    if result.status == "ok" and result.density is not None and result.true_grid is not None:
        started = time.perf_counter()
        metrics = per_image(result.density, result.true_grid, result.geometry, case.metrics)
        seconds["postprocess"] = seconds.get("postprocess", 0.0) + time.perf_counter() - started
    return ImageRecord(
        case=case.name,
        backend=backend,
        image=result.name,
        status="ok" if result.status == "ok" else "failed",
        reason=result.reason,
        detail=result.detail,
        true_count=result.true_count,
        predicted_count=result.predicted_count,
        metrics=dict(metrics),
        geometry=result.geometry.as_dict() if result.geometry else {},
        seconds=dict(seconds),
        worker=dict(result.worker),
        digest=result.digest,
    )


def _case_entry(case: Case, dataset: Dataset, limit: int | None) -> CaseEntry:
    from reports.run import CaseEntry

    names = [sample.name for sample in dataset.samples]
    limited = limit if limit is not None and limit < len(names) else None
    return CaseEntry(
        name=case.name,
        images=tuple(names[:limited]),
        available=len(names),
        title=case.title,
        title_zh=case.title_zh,
        synthetic=case.synthetic,
        limit=limited,
        data_overridden="data" in case.overridden,
        policy=case.preprocess.policy,
        ground_truth=case.ground_truth.rule,
    )


def _backend_entry(pair: Selected) -> BackendEntry:
    from bench.backends import get
    from reports.run import BackendEntry

    found = get(pair.backend)
    return BackendEntry(case=pair.case.name, name=pair.backend, soc=found.soc({}), precision=found.precision)
