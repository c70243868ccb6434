"""How noisy a machine is: what `omgate selftest` found out about a case on a backend, and where that is kept.

A run's samples say how much one image's time varies. How much the same thing varies from one start of the worker to the next they do
not say; several starts do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from reports.correlation import correlation_time
from reports.detectable import detectable
from reports.errors import ReportError
from reports.files import write_atomically

FILE = "selftest.json"
"""In the folder of the run records: the last self-test of each case x backend x conditions."""

FEWEST_BLOCKS = 4
"""Blocks below which their spread says nothing."""


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """The noise of a case on a backend on one machine; relative standard deviations of times.

    `within`: of one image's time within a block, as independent samples of that spread would have it (outliers and autocorrelation are
    in it). `between`: of a block's median beyond that, where each block is a new worker. `blocks`, `samples`: their number, and samples
    of all of them. `seconds`: that it took. `processor`, `cores`: of the host, None where it does not compute. `when`: an instant.
    """

    case: str
    backend: str
    soc: str
    region: str
    processor: str | None
    cores: int | None
    within: float
    between: float
    blocks: int
    samples: int
    seconds: float
    when: str

    def detectable(self, samples: int, alpha: float) -> float:
        """The smallest relative slow-down that two runs of `samples` images each show with 80 % probability."""
        return detectable(math.sqrt(2.0 * (self.between**2 + self.within**2 / samples)), alpha)

    @property
    def key(self) -> tuple[object, ...]:
        """What two self-tests must share to be about the same thing."""
        return self.case, self.backend, self.soc, self.region, self.processor, self.cores


def within_of(block: Sequence[float]) -> float:
    """The relative standard deviation that independent samples with this block's uncertain median would have.

    From the distribution-free spread of the median: the distance of the order statistics n/2 +- sqrt(n)/2 is two of its standard
    errors (Maritz and Jarrett 1978 compare such estimates). Samples > 0.
    """
    ordered = sorted(block)
    n = len(ordered)
    half = math.sqrt(n) / 2.0
    low = ordered[max(0, math.floor((n - 1) / 2.0 - half))]
    high = ordered[min(n - 1, math.ceil((n - 1) / 2.0 + half))]
    error = math.log(high / low) / 2.0
    return error * math.sqrt(n * correlation_time(block))


def between_of(groups: Sequence[Sequence[Sequence[float]]]) -> tuple[float, float]:
    """(within, between) of blocks of samples; the blocks of one group measured the same thing, groups may differ.

    `between`: the variance of the blocks' log medians around their group's mean, less what the samples within the blocks explain; 0 where
    they explain all of it. Raises ValueError for fewer than 4 blocks.
    """
    medians = [[math.log(_median(block)) for block in group] for group in groups]
    count = sum(len(group) for group in medians)
    if count < FEWEST_BLOCKS:
        raise ValueError(f"{count} blocks: at least {FEWEST_BLOCKS} are needed")
    squares = sum((value - sum(group) / len(group)) ** 2 for group in medians for value in group)
    blocks = [block for group in groups for block in group]
    spreads = [within_of(block) for block in blocks]
    within = math.sqrt(sum(spread**2 for spread in spreads) / count)
    explained = sum(spread**2 / len(block) for spread, block in zip(spreads, blocks, strict=True)) / count
    return within, math.sqrt(max(0.0, squares / (count - len(medians)) - explained))


def _median(block: Sequence[float]) -> float:
    ordered = sorted(block)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0


# --- kept beside the run records ----------------------------------------------------------------------------------------------


def remember(runs: Path, noise: Noise) -> None:
    """Keeps a self-test's result in the folder of run records, in place of an older one of the same. Raises ReportError."""
    others = [entry for entry in known(runs) if entry.key != noise.key]
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"{runs}: can't be made ({error.strerror or error})") from error
    content = msgspec.json.format(msgspec.json.encode([*others, noise]), indent=1)
    write_atomically(runs / FILE, content + b"\n")


def known(runs: Path) -> list[Noise]:
    """The self-tests that are kept there; none where the file is not there or can't be read (it is a convenience)."""
    try:
        return msgspec.json.decode((runs / FILE).read_bytes(), type=list[Noise])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return []


def between_here(
    runs: Path, case: str, backend: str, soc: str, region: str, processor: str | None, cores: int | None
) -> float | None:
    """The `between` of the last self-test of this under these conditions; None where there was none.

    `processor`, `cores`: None for what does not compute on the host.
    """
    wanted = (case, backend, soc, region, processor, cores)
    return next((entry.between for entry in known(runs) if entry.key == wanted), None)
