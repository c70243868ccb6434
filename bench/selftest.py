"""A/A and A/B on this machine: one backend measured in turns with itself, or two models with each other, and what that can show.

    A B  B A  A B  B A ...      each letter a block: a new worker process, warmed up, then so many images one at a time

A block is a process of its own because a run is one, too: what differs from one start to the next is part of the noise. The two sides
take turns, the first of each pair alternating, so that a slow drift of the machine falls on both. A block counts as one sample.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from cases.errors import OmgateError
from reports.noise import Noise
from reports.verdict import Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.gateway import WorkerSpec
    from cases.case import Case

REGION = "infer"

METRIC = "latency/single-stream"

PAIRS = 6
"""Pairs of blocks where no time is given: a rank test of 6 against 6 reaches p = 0.002."""

MOST_PAIRS = 500
"""Pairs of blocks where a time is given that is not over earlier."""

FEWEST_PAIRS = 4
"""Pairs below which nothing can be said: 3 against 3 can't reach p = 0.05."""

WARM_UP = 3
"""Images left out at the start of each block, beyond the worker's own warm-up: caches and clocks settle."""

HELD = 16
"""Images of the test set that are used, in turn: they are held in memory, so that decoding does not disturb."""

SIZES = (50, 182, 662, 4372)
"""Samples of a run for which the smallest difference that can be found is told."""


class SelfTestError(OmgateError):
    """The self-test can't be made as asked, or a worker failed in it."""


@dataclass(frozen=True)
class Side:
    """A case with the model of one side; `name` is "A" or "B"."""

    name: str
    case: Case
    spec: WorkerSpec


@dataclass
class Blocks:
    """What was measured: for each side its blocks, each a list of seconds in order of time; `soc` as the worker said."""

    a: list[tuple[float, ...]] = field(default_factory=list)
    b: list[tuple[float, ...]] = field(default_factory=list)
    soc: str = ""
    seconds: float = 0.0

    def of(self, side: str) -> list[tuple[float, ...]]:
        """The blocks of a side."""
        return self.a if side == "A" else self.b


def images_of(case: Case, count: int = HELD) -> list[NDArray[np.uint8]]:
    """The first images of the test set as the network's input (1, 1, H, W) uint8. Raises SelfTestError where there is none."""
    from bench.progress import Bar
    from bench.session import derive_truth
    from cases.dataset import Dataset, prepare
    from cases.ground_truth import TruthCache

    derive_truth(case, Bar())
    cache = TruthCache()
    images = [prepare(sample, case, cache).pixels for sample in Dataset.open(case.data.root).samples[:count]]
    if not images:
        raise SelfTestError(f"{case.data.root}: no images to measure with")
    return images


def measure(
    sides: tuple[Side, Side],
    images: Sequence[NDArray[np.uint8]],
    samples: int,
    pairs: int = PAIRS,
    seconds: float = math.inf,
    tick: Callable[[int, int], None] = lambda done, total: None,
    clock: Callable[[], float] = time.monotonic,
) -> Blocks:
    """Blocks of `samples` images of both sides in turns: `pairs` pairs, fewer where `seconds` are over, but at least 4.

    Raises SelfTestError where a worker fails: a measurement with a hole in it measures something else. DeviceBusy as in a run.
    """
    from bench.device_lock import device_lock

    found = Blocks()
    start = clock()
    with device_lock(sides[0].spec.device):
        for number in range(pairs):
            if number >= FEWEST_PAIRS and clock() - start >= seconds:
                break
            for side in sides if number % 2 == 0 else sides[::-1]:
                found.of(side.name).append(_block(side, images, samples, found))
            tick(number + 1, pairs)
    found.seconds = clock() - start
    return found


def _block(side: Side, images: Sequence[NDArray[np.uint8]], samples: int, found: Blocks) -> tuple[float, ...]:
    """The seconds of one block, by the worker's clock, in a worker of its own."""
    from bench.backends import get
    from bench.gateway import Session, WorkerFailure

    session = Session(side.spec)
    times = []
    try:
        info = session.open()
        found.soc = get(side.spec.name).soc(info)
        for sequence in range(WARM_UP + samples):
            session.submit(sequence, images[sequence % len(images)])
            answer = session.receive()
            if answer.problem:
                raise SelfTestError(f"{side.name}: {side.spec.name} raised {answer.problem}")
            if sequence >= WARM_UP:
                times.append(answer.seconds[REGION])
        session.close()
    except WorkerFailure as failure:
        raise SelfTestError(f"{side.name}: {failure}") from failure
    finally:
        session.kill()
    return tuple(times)


# --- what it says -------------------------------------------------------------------------------------------------------------


class Detectable(msgspec.Struct, frozen=True):
    """A run of `samples` images, and the smallest relative slow-down against another such run that is found in 4 of 5 cases."""

    samples: int
    slow_down: float


class SelfTest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. `models`: what A and B ran; the same for an A/A. `block_medians`: seconds, of A and of B, in order of time.

    `verdict`: B against A, where a sample is the median of a block.
    """

    same: bool
    models: tuple[str, str]
    verdict: Verdict
    noise: Noise
    detectable: tuple[Detectable, ...]
    block_medians: tuple[tuple[float, ...], tuple[float, ...]]
    assumed_between: float


def judge(blocks: Blocks, case: str, backend: str, models: tuple[str, str], same: bool) -> SelfTest:
    """What the blocks say: B against A by the functions that judge a run, this machine's noise, and what a run can find here."""
    from datetime import UTC, datetime
    from statistics import median

    from bench.environment import fingerprint
    from reports.comparable import ON_HOST
    from reports.noise import Noise, between_of
    from reports.performance import ALPHA, BETWEEN, Figure, judge_figures
    from reports.verdict import Status

    a, b = (tuple(median(block) for block in blocks.of(side)) for side in "AB")

    def verdict_of(old: tuple[float, ...], new: tuple[float, ...]) -> Verdict:
        # Blocks are independent by construction and their spread is that of runs: nothing is assumed beside them.
        figure = Figure(metric=METRIC, unit="s", region=REGION, old=old, new=new, between=0.0)
        return judge_figures([figure])[0]

    verdict = verdict_of(a, b)
    if same and verdict.status is Status.IMPROVED:  # the same thing got better: as much of an alarm as worse
        verdict = verdict_of(b, a)
    within, between = between_of((blocks.a, blocks.b))
    host = fingerprint().host if blocks.soc in ON_HOST else None
    noise = Noise(
        case=case,
        backend=backend,
        soc=blocks.soc,
        region=REGION,
        processor=host.processor if host else None,
        cores=host.cores if host else None,
        within=within,
        between=between,
        blocks=len(blocks.a) + len(blocks.b),
        samples=sum(map(len, (*blocks.a, *blocks.b))),
        seconds=blocks.seconds,
        when=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    )
    return SelfTest(
        same=same,
        models=models,
        verdict=verdict,
        noise=noise,
        detectable=tuple(Detectable(size, noise.detectable(size, ALPHA)) for size in SIZES),
        block_medians=(a, b),
        assumed_between=BETWEEN,
    )
