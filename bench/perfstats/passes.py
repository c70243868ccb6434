"""The images sent through a worker again and again, one at a time, while the SDK keeps its statistics.

One in flight: then the SDK's e2e is the way of an image through the pipeline with nothing else in it, and its windows can be set
beside the harness's own clock image by image. One worker process: the SDK's statistics exist once in a process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.device_lock import device_lock
from bench.gateway import Session, WorkerFailure, WorkerSpec
from cases.errors import OmgateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.perfstats.plan import Plan

PIXELS_BYTES = 256 << 20
"""Pixels of a test set that are kept from pass to pass; what is beyond is decoded again."""

PATIENCE_WINDOWS = 2
"""Statistics are on when there is a log after so many windows and a second: the first record comes at the end of the first window."""


class NoStatistics(OmgateError):
    """The SDK writes no statistics: it has not read the sdk.conf that was meant for it."""


@dataclass
class Sent:
    """What went through: seconds from handing an image to the worker to its answer, in order; `problem`: why it ended early, if it did.

    `started`: seconds since 1970, before the worker was.
    """

    passes: int = 0
    round_trips: list[float] = field(default_factory=list)
    failed: int = 0
    info: dict[str, Any] = field(default_factory=dict)
    pid: int | None = None
    started: float = field(default_factory=time.time)
    problem: str = ""


class Pixels:
    """Prepared samples, in their order, as often as asked; (1, 1, H, W) uint8 each."""

    def __init__(self, samples: Sequence[Any], prepare: Callable[[Any], Any]) -> None:
        self._samples, self._prepare = samples, prepare
        self._kept: dict[int, NDArray[np.uint8]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for number, sample in enumerate(self._samples):
            pixels = self._kept.get(number)
            if pixels is None:
                pixels = self._prepare(sample).pixels
                if self._bytes + pixels.nbytes <= PIXELS_BYTES:
                    self._kept[number] = pixels
                    self._bytes += pixels.nbytes
            yield pixels


def send(
    spec: WorkerSpec,
    images: Pixels,
    plan: Plan,
    written: Callable[[], bool],
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Sent:
    """Send whole passes over the images until the plan's seconds are over, and return what the host saw.

    `written`: whether there is any statistics log by now. Raises NoStatistics when there is none in time, DeviceBusy, and OmgateError
    where the worker does not open. A worker that dies later ends the measurement: its statistics died with it.
    """
    sent = Sent()
    for _ in images:  # decoded before the clock runs
        pass
    with device_lock(spec.device):
        session = Session(spec)
        try:
            sent.info = session.open()
            sent.pid = session.pid
            _go(session, images, plan, written, tick, sent)
        except WorkerFailure as failure:
            if not sent.info:
                raise
            sent.problem = str(failure)
        finally:
            session.close()  # in order: the SDK writes its last window when the streams are destroyed
    return sent


def _go(
    session: Session,
    images: Pixels,
    plan: Plan,
    written: Callable[[], bool],
    tick: Callable[[int, int], None],
    sent: Sent,
) -> None:
    began = time.monotonic()
    patience = PATIENCE_WINDOWS * plan.interval_seconds + 1.0
    known = False
    while time.monotonic() - began < plan.seconds:
        for pixels in images:
            start = time.monotonic()
            session.submit(len(sent.round_trips), pixels)
            answer = session.receive()
            sent.round_trips.append(answer.arrived - start)
            sent.failed += answer.problem is not None
            spent = answer.arrived - began
            if not known and spent > patience:
                known = written()
                if not known:
                    raise NoStatistics(
                        f"no statistics log after {spent:.0f} s with windows of {plan.interval_seconds} s"
                    )
        sent.passes += 1
        spent = time.monotonic() - began
        expected = max(sent.passes, round(sent.passes * plan.seconds / spent)) if spent > 0 else sent.passes
        tick(sent.passes, expected)
