"""Runs samples through a worker, several in flight, and gives one result for each, in order, whatever happens.

    samples -> prepare (two threads, bounded look-ahead) -> submit -> worker -> receive -> Result

An image that can't be prepared, that the runtime raises at, that ends the worker or that takes too long is a failed
result; the run goes on. Results are pulled: while the consumer looks at one (metrics, the record), the worker has the
next ones in flight. Nothing grows with the number of samples.
"""

from __future__ import annotations

import ctypes
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bench.background import background, foreground
from bench.device_lock import device_lock
from bench.gateway import Answer, Session, WorkerFailure, WorkerRefused, WorkerSpec

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

DEPTH = 4
"""Images in flight. Two threads at depth 4 keep a device of 2 ms busy for 88 %, and a kill costs at most so many."""

PREPARERS = 2
"""Threads that decode and pad: the decoder releases the interpreter, two of them scale 1.9 times."""

REASON_OF = {"NotFinite": "not-finite"}
"""Reason codes of what a worker raises, by the exception's name, where they are not `worker-error`."""

OPENINGS = 2
"""A worker that dies on opening so many times in a row is not opened again."""


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""mallopt(3)"""

REUSED_BYTES = 32 << 20
"""Blocks up to this size come from memory that is kept; glibc allows no more."""

KEPT_BYTES = 128 << 20
"""Free memory beyond this goes back to the system."""


class Prepared(Protocol):
    """What `prepare` gives for a sample (cases.dataset.Prepared).

    pixels (1, 1, H, W) uint8; true_grid (h, w) float32, the ground truth on the network's output grid; seconds by region.
    """

    @property
    def pixels(self) -> NDArray[np.uint8]: ...
    @property
    def geometry(self) -> Any: ...
    @property
    def true_count(self) -> float: ...
    @property
    def true_grid(self) -> NDArray[np.float32]: ...
    @property
    def digest(self) -> str: ...
    @property
    def seconds(self) -> Any: ...


@dataclass(frozen=True)
class Result:
    """What came of one sample.

    status is "ok" or "failed"; reason (a code) and detail (a sentence) say why it failed. density is (h, w) float32,
    read-only; predicted_count its float64 sum. What the preparation found is there whenever it succeeded. seconds by
    region: decode, truth, preprocess, transfer, infer, postprocess. worker: host, device, pid.
    """

    sequence: int
    name: str
    status: str
    reason: str | None = None
    detail: str | None = None
    predicted_count: float | None = None
    true_count: float | None = None
    density: NDArray[np.float32] | None = None
    true_grid: NDArray[np.float32] | None = None
    geometry: Any = None
    digest: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    worker: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def _keep_freed_memory() -> None:
    """Let the C library reuse the memory of freed arrays instead of returning it and faulting it in again, page by page.

    An image goes through some 15 MB of short-lived arrays; their page faults cost 2 ms an image here, as much as its
    decoding. Where the C library has no mallopt (macOS, musl) nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_THRESHOLD, REUSED_BYTES)
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


@dataclass(frozen=True)
class _Item:
    sequence: int
    name: str
    prepared: Prepared


class Evaluation:
    """An iterator over the results of one backend on one set of samples; close it, or use it in a `with` block.

    info: what the worker said when it opened (empty before); restarts: how often a worker had to be replaced.
    """

    def __init__(
        self,
        samples: Iterable[Any],
        prepare: Callable[[Any], Prepared],
        worker: WorkerSpec,
        depth: int | None = None,
        preparers: int = PREPARERS,
    ) -> None:
        _keep_freed_memory()
        self.info: dict[str, Any] = {}
        self.restarts = 0
        self._spec = worker
        self._depth = depth or worker.depth or DEPTH
        self._source = _Preparation(samples, prepare, preparers, look_ahead=self._depth + preparers)
        self._session: Session | None = None
        self._openings_failed = 0
        self._unavailable: str | None = None
        self._answered = 0
        self._first_submitted: float | None = None
        self._last_arrived = 0.0
        self._results = self._run()

    def __iter__(self) -> Iterator[Result]:
        return self

    def __next__(self) -> Result:
        return next(self._results)

    def __enter__(self) -> Evaluation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and the preparation now; what is in flight is lost."""
        self._results.close()
        self._source.close()

    @property
    def images_per_second(self) -> float | None:
        """The answered images per second from the first submission to the last answer; None below two.

        Opening and warm-up are outside; a restart in between is inside.
        """
        if self._first_submitted is None or self._answered < 2:
            return None
        return self._answered / (self._last_arrived - self._first_submitted)

    # -- the loop ------------------------------------------------------------------------------------------------------

    def _run(self) -> Generator[Result, None, None]:
        waiting: deque[_Item | Result] = deque()  # in the order of the samples
        changed = background()  # this thread judges the answers
        try:
            with device_lock(self._spec.device):
                self._source.fill()  # decodes while the worker opens
                while self._fill(waiting):
                    entry = waiting[0]
                    result = entry if isinstance(entry, Result) else self._finish(entry, waiting)
                    waiting.popleft()
                    yield result
                if self._session:
                    self._session.close()
        finally:
            if self._session:
                self._session.kill()
            self._source.close()
            if changed:
                foreground()

    def _fill(self, waiting: deque[_Item | Result]) -> bool:
        """Have up to `depth` samples under way; wait for a preparation only if nothing else is. False: all done."""
        while len(waiting) < self._depth:
            if self._unavailable:
                self._source.stop_preparing()
            taken = self._source.take(wait=not waiting)
            if taken is None:
                break
            sequence, name, outcome = taken
            if isinstance(outcome, Exception):
                reason, detail = _why(outcome)
                waiting.append(Result(sequence, name, "failed", reason, detail))
                continue
            if outcome is None:
                waiting.append(Result(sequence, name, "failed", "backend-unavailable", self._unavailable))
                continue
            item = _Item(sequence, name, outcome)
            waiting.append(item)
            if self._ready():
                self._submit(item)
        return bool(waiting)

    def _ready(self) -> bool:
        """Open a worker where there is none; False when this backend can't be had."""
        while self._session is None and self._unavailable is None:
            session = self._session = Session(self._spec)
            try:
                info = session.open()
                self.restarts += bool(self.info)
                self.info = info
                self._openings_failed = 0
            except WorkerFailure as failure:
                self._session = None
                self._openings_failed += 1
                if isinstance(failure, WorkerRefused) or self._openings_failed >= OPENINGS:
                    self._unavailable = str(failure)
        return self._session is not None

    def _submit(self, item: _Item) -> None:
        if self._first_submitted is None:
            self._first_submitted = time.monotonic()
        if self._session:
            self._session.submit(item.sequence, item.prepared.pixels)

    def _finish(self, item: _Item, waiting: deque[_Item | Result]) -> Result:
        """Return the oldest image's result; replace a worker that it has ended."""
        if self._session is None:
            return self._failed(item, "backend-unavailable", self._unavailable or "")
        try:
            answer = self._session.receive()
        except WorkerFailure as failure:
            result = self._failed(item, failure.code, str(failure))
            others = [entry for entry in waiting if isinstance(entry, _Item) and entry is not item]
            self._replace_worker(others)
            return result
        self._answered += 1
        self._last_arrived = answer.arrived
        if answer.problem:
            reason = REASON_OF.get(answer.problem.kind, "worker-error")
            return self._failed(item, reason, str(answer.problem))
        return self._judge(item, answer)

    def _replace_worker(self, others: list[_Item]) -> None:
        """Submit again, to a new worker, what was in flight behind the image that ended the old one."""
        self._session = None
        if others and self._ready():
            for item in others:
                self._submit(item)

    def _judge(self, item: _Item, answer: Answer) -> Result:
        """Return a result from the array that came back."""
        start = time.perf_counter()
        array = answer.array
        expected = item.prepared.true_grid.shape
        if array is None or array.dtype != np.float32 or array.shape != (1, 1, *expected):
            seen = "nothing" if array is None else f"{array.shape} {array.dtype}"
            wanted = f"(1, 1, {expected[0]}, {expected[1]}) float32"
            return self._failed(item, "bad-output", f"the network gave {seen}, expected {wanted}")
        density = array[0, 0]
        count = float(density.sum(dtype=np.float64))
        if not np.isfinite(count):  # float32 values can't overflow a float64 sum: one of them is not finite
            bad = int(density.size - np.isfinite(density).sum())
            detail = f"{bad} of {density.size} values of the density map are NaN or infinite"
            return self._failed(item, "not-finite", detail, density)
        lowest = float(density.min())
        warnings = (f"negative density: the lowest value is {lowest:.3g}",) if lowest < 0 else ()
        seconds = {**item.prepared.seconds, **answer.seconds, "postprocess": time.perf_counter() - start}
        return self._result(
            item, "ok", predicted_count=count, density=density, seconds=seconds, warnings=warnings
        )

    def _failed(
        self, item: _Item, reason: str, detail: str, density: NDArray[np.float32] | None = None
    ) -> Result:
        return self._result(
            item, "failed", reason=reason, detail=detail, density=density, seconds=dict(item.prepared.seconds)
        )

    def _result(self, item: _Item, status: str, **found: Any) -> Result:
        prepared = item.prepared
        return Result(
            item.sequence,
            item.name,
            status,
            true_count=prepared.true_count,
            true_grid=prepared.true_grid,
            geometry=prepared.geometry,
            digest=prepared.digest,
            worker={key: self.info[key] for key in ("host", "device", "pid") if key in self.info},
            **found,
        )


class _Preparation:
    """Prepares samples ahead in threads, in order, at most `look_ahead` of them."""

    def __init__(
        self, samples: Iterable[Any], prepare: Callable[[Any], Prepared], threads: int, look_ahead: int
    ) -> None:
        self._samples = enumerate(samples)
        self._prepare = prepare
        self._look_ahead = look_ahead
        self._pool = ThreadPoolExecutor(threads, "omgate-prepare", initializer=background)
        self._ahead: deque[tuple[int, str, Future[Prepared]]] = deque()
        self._preparing = True

    def fill(self) -> None:
        """Start as many preparations as may be ahead."""
        while self._preparing and len(self._ahead) < self._look_ahead:
            following = next(self._samples, None)
            if following is None:
                return
            sequence, sample = following
            self._ahead.append((sequence, _name(sample), self._pool.submit(self._prepare, sample)))

    def take(self, wait: bool) -> tuple[int, str, Prepared | Exception | None] | None:
        """Return the next sample's preparation, or what it raised, or None for one that is not prepared any more.

        None in place of all that: there are no more samples, or the next is not ready and `wait` is false.
        """
        self.fill()
        if not self._ahead:
            following = None if self._preparing else next(self._samples, None)
            return None if following is None else (following[0], _name(following[1]), None)
        sequence, name, future = self._ahead[0]
        if not wait and not future.done():
            return None
        outcome: Prepared | Exception
        try:
            outcome = future.result()
        except Exception as error:
            outcome = error
        self._ahead.popleft()
        self.fill()
        return sequence, name, outcome

    def stop_preparing(self) -> None:
        """Prepare nothing new: the backend can't be had, the rest is only named."""
        self._preparing = False

    def close(self) -> None:
        """Forget what is ahead."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._ahead.clear()


def _name(sample: Any) -> str:
    return str(getattr(sample, "name", sample))


def _why(error: Exception) -> tuple[str, str]:
    """Return the reason code and the detail of what `prepare` raised: its own, or "sample-error"."""
    code = getattr(error, "code", None)
    if isinstance(code, str):
        return code, str(getattr(error, "message", None) or error)
    return "sample-error", f"{type(error).__name__}: {error}"


def evaluate(
    samples: Iterable[Any],
    prepare: Callable[[Any], Prepared],
    worker: WorkerSpec,
    depth: int | None = None,
    preparers: int = PREPARERS,
) -> Evaluation:
    """Return an iterator with one Result for each sample, in order; the worker opens when the first is asked for.

    Reason codes of failed results: the sample's own (an exception with `code`) or `sample-error`; `worker-error` (the
    runtime raised), `worker-died`, `worker-timeout` (the oldest image in flight is blamed, the others are submitted again
    to a new worker), `bad-output`, `not-finite`, `backend-unavailable`. Raises DeviceBusy when another run has the device.
    """
    return Evaluation(samples, prepare, worker, depth, preparers)
