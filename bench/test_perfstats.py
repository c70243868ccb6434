"""The SDK's own statistics of every case on om-sdk against those of its stored baseline; collected with `--perfstats` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.plugin import Measured


def test_perfstats(statistics: Measured) -> None:
    """End to end, throughput and each element, over the full windows of passes of their own; the verdict decides."""
    statistics.settle(statistics.perfstats())
