"""What FP16 does to the reference on a test set: its own graph again, weights and activations rounded to FP16, on the same images.

The ground of every tolerance between an FP16 and an FP32 backend (reports/tolerance.py). It costs a pass over the test set on the CPU, so
it is remembered in the cache folder, by the graph, the data, the runtime and the processor: everything that it depends on.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cases.errors import OmgateError
from reports.tolerance import HalfDeviation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.backends.base import Options
    from bench.gateway import WorkerSpec
    from bench.progress import Bar
    from cases.case import Case
    from cases.dataset import Sample

KnownMap = Callable[[str], "NDArray[np.float32] | None"]
"""The exact map of an image by name, where the reference was measured in this run."""

NEEDS = "onnx"
"""The package that the conversion needs beside ONNX Runtime."""


class DeviationError(OmgateError):
    """The deviation can't be measured; the message says why and the way out."""


class _Remembered(msgspec.Struct, frozen=True):
    """A file of the cache."""

    key: str
    images: tuple[HalfDeviation, ...]


@dataclass(frozen=True)
class Deviations:
    """Measures the reference's FP16 deviation on `samples` of a case.

    `data` is the digest of pixels and counts, None while unknown: nothing is remembered then. `logs` is the run's folder. `known` gives the
    reference's FP32 maps; None: the reference is not part of this run, and runs beside the FP16 graph.
    """

    case: Case
    samples: Sequence[Sample]
    data: str | None
    options: Options
    logs: Path
    bar: Bar
    known: KnownMap | None = None

    def measure(self) -> tuple[HalfDeviation, ...]:
        """The deviation of each image that FP16 and FP32 both gave a finite map for; from the cache where it is there.

        Raises DeviationError.
        """
        file, graph = self._graph()
        folder = _folder()
        with contextlib.ExitStack() as stack:
            scratch = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omgate-fp16-")))
            remembered = None
            if folder is not None and self.data is not None:
                remembered = folder / f"{self._key(graph)}.json"
                found = _read(remembered)
                if found is not None:
                    return found
            model = scratch / f"{hashlib.sha256(graph).hexdigest()}.onnx"
            if not model.is_file():
                _write(model, graph)
            images = tuple(self._compare(file, model))
        if not images:
            raise DeviationError(
                f"{file}: in FP16 it gives no finite density map of any image (see {self._log('fp16')}): FP16 can't hold its values"
            )
        if remembered is not None and len(images) == len(self.samples):
            # A cache that can't be written is done without.
            with contextlib.suppress(DeviationError):
                _write(remembered, msgspec.json.encode(_Remembered(remembered.stem, images)))
        return images

    def _graph(self) -> tuple[Path, bytes]:
        """The reference's model file, and its graph with everything rounded to FP16, serialised."""
        from bench.backends import local
        from bench.backends.base import is_installed

        reference = local("reference")
        availability = reference.available(self.case, self.options)
        if not availability.ok:
            raise DeviationError(str(availability))
        if not is_installed(NEEDS):
            raise DeviationError(f"{NEEDS} is not installed: pip install 'omgate[emulator]'")
        file = reference.model_file(self.case, self.options)
        assert file is not None, "available() came first"
        return file, _rounded(file)

    def _key(self, graph: bytes) -> str:
        """32 hex digits over what the deviation depends on."""
        import onnxruntime

        from bench.environment import fingerprint

        host = fingerprint().host
        parts = (
            hashlib.sha256(graph).hexdigest(),
            self.data,
            self.case.digest(),
            onnxruntime.__version__,
            host.processor,
            _code(),
        )
        names = [sample.name for sample in self.samples]
        return hashlib.sha256(msgspec.json.encode([*parts, names])).hexdigest()[:32]  # fmt: skip

    def _compare(self, file: Path, model: Path) -> Iterator[HalfDeviation]:
        """Runs the FP16 graph, and the FP32 one in step with it where its maps are not known; no more than a few maps in memory."""
        total = len(self.samples)
        with contextlib.ExitStack() as stack:
            half = self._maps(model, "fp16", stack)
            full = (
                ((sample.name, self.known(sample.name)) for sample in self.samples)
                if self.known
                else self._maps(file, "fp32", stack)
            )
            tick = stack.enter_context(self.bar.show(f"{self.case.name} FP16 deviation of the reference"))
            for number, ((name, other), (_, density)) in enumerate(zip(full, half, strict=True), 1):
                if other is not None and density is not None and other.shape == density.shape:
                    yield _difference(name, other, density)
                tick(number, total)

    def _maps(
        self, model: Path, name: str, stack: contextlib.ExitStack
    ) -> Iterator[tuple[str, NDArray[np.float32] | None]]:
        """The maps of one model in the order of the samples, None for an image that failed; its worker ends with `stack`."""
        from bench.evaluate import evaluate
        from cases.dataset import prepare
        from cases.ground_truth import TruthCache

        truths = TruthCache()
        spec = self._spec(model, name)
        evaluation = stack.enter_context(
            evaluate(self.samples, lambda sample: prepare(sample, self.case, truths), spec)
        )
        return ((result.name, result.density if result.status == "ok" else None) for result in evaluation)

    def _spec(self, model: Path, name: str) -> WorkerSpec:
        from bench.backends import local
        from bench.backends.base import sha256, worker

        # What FP16 does to a model is the same on every machine: measured here, wherever the reference lives.
        spec = worker(local("reference"), self.case, self.options, log=self._log(name))
        config = {**spec.config, "model": str(model.resolve()), "digest": sha256(model)}
        return replace(spec, name=f"reference-{name}", config=config)

    def _log(self, name: str) -> Path:
        return self.logs / f"worker-{self.case.name}-deviation-{name}.log"


def _rounded(file: Path) -> bytes:
    """The FP32 graph of `file` with weights and activations rounded to FP16, serialised."""
    import onnx

    from bench.emulator.half import to_half
    from bench.emulator.session import with_rounding

    try:
        half = to_half(file.read_bytes(), str(file))
        return bytes(with_rounding(onnx.load_model_from_string(half)).SerializeToString(deterministic=True))
    except OmgateError as error:
        raise DeviationError(str(error)) from error
    except Exception as error:  # onnx raises what it likes on a graph that it can't infer the shapes of
        reason = str(error).strip().splitlines()
        raise DeviationError(
            f"{file}: can't be rounded to FP16: {reason[0] if reason else type(error).__name__}"
        ) from error


def _difference(name: str, full: NDArray[np.float32], half: NDArray[np.float32]) -> HalfDeviation:
    from bench.parity import relative_l2
    from reports.image import clean_text

    distance = relative_l2(half, full)
    return HalfDeviation(clean_text(name), _count(full), _count(half), 0.0 if distance is None else distance)


def _count(density: NDArray[np.float32]) -> float:
    import numpy as np

    return float(density.sum(dtype=np.float64))


def _code() -> str:
    """SHA-256 over the code that makes an image into the network's input: a mend there changes counts, and no policy's name."""
    from cases import dataset, preprocess

    digest = hashlib.sha256()
    for file in (dataset.__file__, preprocess.__file__):
        assert file is not None, "they are files of this project"
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()


def _folder() -> Path | None:
    """Where deviations are remembered: under OMGATE_CACHE, else the user's cache folder; None where it is "off" or can't be made."""
    chosen = os.environ.get("OMGATE_CACHE", "")
    if chosen == "off":
        return None
    if chosen:
        folder = Path(chosen)
    else:
        import platformdirs

        folder = Path(platformdirs.user_cache_dir("omgate", appauthor=False))
    try:
        (folder / "fp16").mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder / "fp16"


def _read(path: Path) -> tuple[HalfDeviation, ...] | None:
    """What a file of the cache holds; None where it is not there, is broken, or is another's."""
    try:
        remembered = msgspec.json.decode(path.read_bytes(), type=_Remembered)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return remembered.images if remembered.key == path.stem and remembered.images else None


def _write(path: Path, content: bytes) -> None:
    from reports.errors import ReportError
    from reports.files import write_atomically

    try:
        write_atomically(path, content)
    except ReportError as error:
        raise DeviationError(str(error)) from error
