"""What a step counts: from the run's record where the backend is part of the run, else in a pass of its own over the same images.

A pass of its own leaves nothing in the record but its share of the attribution: it is no result of the deliverable.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from reports.ladder import Counted

if TYPE_CHECKING:
    from bench.backends.base import Options
    from bench.evaluate import Result
    from bench.gateway import WorkerSpec
    from bench.progress import Bar
    from cases.case import Case
    from cases.dataset import Sample
    from reports.image import ImageRecord
    from reports.tolerance import HalfDeviation

PIXELS_A_WORKER = 4_000_000
"""So many pixels of distinct sizes one MindSpore worker gets: it keeps the memory of every size that it compiled, 0.6 KB a pixel with MCNN
(MindSpore 2.8 on the CPU, measured: 5.8 GB after 24 sizes of 0.4 MP), so a test set of 182 sizes would take 50 GB in one process."""

WARM_UP_CELLS = 16
"""The image that a worker opens with, where each image has its own size: so many cells of the output a side."""


@dataclass(frozen=True)
class Counts:
    """Per image: what was counted, why it was not, true count by the case's rule, (height, width) of the picture in pixels."""

    counted: Mapping[str, Counted] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    true: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    soc: str = "cpu"

    @property
    def problem(self) -> str:
        """Why there is no count of any image; empty where there is one."""
        if self.counted:
            return ""
        first = next(iter(self.failures.items()), None)
        return (
            f"it gave no count of any image ({first[0]}: {first[1]})" if first else "it had no image to count"
        )


@dataclass(frozen=True)
class Passes:
    """Runs `samples` of a case through a backend; `logs` is the run's folder."""

    case: Case
    samples: Sequence[Sample]
    options: Options
    logs: Path
    bar: Bar

    def run(self, backend: str) -> Counts:
        """The counts in the case's own preprocessing."""
        from bench.backends import get
        from bench.backends.base import worker

        get(backend).prepare(self.case)
        spec = worker(get(backend), self.case, self.options, log=self._log(backend, self.case))
        return self._evaluate(backend, self.case, [(self.samples, spec)])

    def run_native(self, backend: str, policy: str, sizes: Mapping[str, tuple[int, int]]) -> Counts:
        """The counts at the images' own sizes, of the images whose size is known: another has no count on the other steps either.

        Raises OmgateError where the backend's model can't be had for them.
        """
        from bench.backends import get
        from bench.backends.base import worker

        case = replace(
            self.case,
            preprocess=replace(self.case.preprocess, policy=policy),
            input=replace(self.case.input, shape=(1, 1, -1, -1)),
        )
        side = WARM_UP_CELLS * case.output.stride
        spec = worker(get(backend), case, self.options, log=self._log(backend, case))
        spec = replace(spec, config={**spec.config, "shape": [1, 1, side, side]})
        samples = sorted(
            (sample for sample in self.samples if sample.name in sizes), key=lambda sample: sizes[sample.name]
        )
        if backend != "reference":
            return self._evaluate(backend, case, [(part, spec) for part in _parts(samples, sizes)])
        with tempfile.TemporaryDirectory(prefix="omgate-attribution-") as folder:
            return self._evaluate(backend, case, [(samples, _freed(spec, Path(folder)))])

    def _evaluate(
        self, backend: str, case: Case, parts: Sequence[tuple[Sequence[Sample], WorkerSpec]]
    ) -> Counts:
        """The counts of all parts, each in a worker of its own."""
        from bench.backends import get
        from bench.evaluate import evaluate
        from cases.dataset import prepare
        from cases.ground_truth import TruthCache

        cache, found, soc = TruthCache(), _Collected(), "cpu"
        total = sum(len(samples) for samples, _ in parts)
        with self.bar.show(f"{case.name} {backend} {case.preprocess.policy} (attribution)") as tick:
            for samples, spec in parts:
                with evaluate(samples, lambda sample: prepare(sample, case, cache), spec) as evaluation:
                    for result in evaluation:
                        found.take(result)
                        tick(found.images, total)
                    soc = get(backend).soc(evaluation.info)
        return found.counts(soc)

    def _log(self, backend: str, case: Case) -> Path:
        return self.logs / f"worker-{case.name}-attribution-{backend}-{case.preprocess.policy}.log"


@dataclass
class _Collected:
    """Counts while they come in."""

    counted: dict[str, Counted] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    true: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """How many came in."""
        return len(self.counted) + len(self.failures)

    def count(
        self, image: str, predicted: float | None, digest: str | None, reason: str | None, detail: str | None
    ) -> None:
        if predicted is not None and reason is None:
            self.counted[image] = Counted(predicted, digest)
        else:
            self.failures[image] = ": ".join(part for part in (reason, detail) if part)

    def take(self, result: Result) -> None:
        self.count(result.name, result.predicted_count, result.digest, result.reason, result.detail)
        if result.true_count is not None and result.geometry is not None:
            size = (result.geometry.source_height, result.geometry.source_width)
            self.know(result.name, result.true_count, size)

    def know(self, image: str, true: float, size: tuple[int, int]) -> None:
        self.true[image], self.sizes[image] = true, size

    def counts(self, soc: str) -> Counts:
        return Counts(self.counted, self.failures, self.true, self.sizes, soc)


def recorded(records: Iterable[ImageRecord], soc: str) -> Counts:
    """The counts that a run's record holds of one backend."""
    found = _Collected()
    for record in records:
        found.count(record.image, record.predicted_count, record.digest, record.reason, record.detail)
        height, width = record.geometry.get("source_height"), record.geometry.get("source_width")
        if record.true_count is not None and isinstance(height, int) and isinstance(width, int):
            found.know(record.image, record.true_count, (height, width))
    return found.counts(soc)


def halved(deviations: Iterable[HalfDeviation], full: Counts) -> Counts:
    """The reference's counts in FP16, beside those in FP32, which know the rest of an image."""
    counted = {found.image: Counted(found.half_count) for found in deviations}
    failures = {
        image: "FP16 gave no finite density map of it" for image in full.counted if image not in counted
    }
    return replace(full, counted=counted, failures={**full.failures, **failures})


def _parts(samples: Sequence[Sample], sizes: Mapping[str, tuple[int, int]]) -> Iterator[list[Sample]]:
    """Samples in order of their size, cut where the distinct sizes of a part would exceed PIXELS_A_WORKER."""
    part: list[Sample] = []
    pixels = 0
    for size, same in groupby(samples, key=lambda sample: sizes[sample.name]):
        if part and pixels + size[0] * size[1] > PIXELS_A_WORKER:
            yield part
            part, pixels = [], 0
        part += same
        pixels += size[0] * size[1]
    if part:
        yield part


def true_counts(
    samples: Iterable[Sample], sizes: Mapping[str, tuple[int, int]], rule: str
) -> dict[str, float]:
    """True counts by a ground-truth rule, of the images whose size is known and whose ground truth can be read."""
    from cases.ground_truth import TruthCache, TruthError

    cache, found = TruthCache(), {}
    for sample in samples:
        size = sizes.get(sample.name)
        if size is not None and sample.truth is not None:
            try:
                found[sample.name] = cache.count(sample.truth, size, rule)
            except TruthError:
                continue  # the image has no count on this step: reports.ladder says so
    return found


def _freed(spec: WorkerSpec, folder: Path) -> WorkerSpec:
    """The reference's worker on its graph without fixed input size, written to `folder`."""
    from bench.attribution.free import NEEDS, free_size
    from bench.backends.base import is_installed, sha256
    from cases.errors import OmgateError

    if not is_installed(NEEDS):
        raise OmgateError(f"{NEEDS} is not installed: pip install 'omgate[emulator]'")
    file = Path(spec.config["model"])
    freed = folder / "free.onnx"
    freed.write_bytes(free_size(file.read_bytes(), str(file)))
    config = {**spec.config, "model": str(freed), "digest": sha256(freed)}
    return replace(spec, name="reference-native", config=config)
