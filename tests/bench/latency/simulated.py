"""A simulated device for the speed tests: it says how long it takes and computes next to nothing."""

from __future__ import annotations

import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.gateway import Answer, RemoteProblem, Session, WorkerSpec
from bench.latency.images import Images

SOURCE = (Path(__file__).parents[3] / "bench" / "workers" / "simulated.py").read_text(encoding="utf-8")


def images(count: int = 3) -> Images:
    """Small pictures, each of one grey level."""
    return Images(tuple(np.full((1, 1, 8, 8), level, np.uint8) for level in range(count)), "d1")


class Here:
    """The simulated worker's module in this process, behind the interface of a session: no process to start."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._module = types.ModuleType("simulated")
        exec(SOURCE, self._module.__dict__)
        self._module.open(config)
        self._raised: list[BaseException | None] = []

    def submit(self, sequence: int, array: np.ndarray) -> None:
        """Takes an image."""
        try:
            self._module.submit(sequence, [array])
            self._raised.append(None)
        except RuntimeError as error:
            self._raised.append(error)

    def receive(self) -> Answer:
        """The oldest image's answer."""
        raised = self._raised.pop(0)
        try:
            if raised:
                raise raised
            sequence, arrays, seconds = self._module.collect()
        except RuntimeError as error:
            return Answer(0, None, {}, RemoteProblem("RuntimeError", str(error), ""), time.monotonic())
        return Answer(sequence, arrays[0], seconds, None, time.monotonic())

    def close(self) -> None:
        """Ends it."""
        self._module.close()


@contextmanager
def device(**config: Any) -> Iterator[Any]:
    """An open worker on the simulated device, in this process; `config` as bench/workers/simulated.py says."""
    here = Here({"stride": 4, **config})
    yield here
    here.close()


@contextmanager
def process(**config: Any) -> Iterator[Session]:
    """The same in a process of its own, as a run has it."""
    session = Session(WorkerSpec("simulated", SOURCE, {"stride": 4, **config}))
    try:
        session.open()
        yield session
        session.close()
    finally:
        session.kill()
