"""Steady state: which windows of a stream are kept when the first and last ones with frames are dropped.

The windows of a stream are those of its e2e log (of its throughput where there is none). Every statistic of a stream has a record in
each window, idle ones among them, so the n-th record of a plugin belongs to the n-th window: statistics are aligned by their order.
Queue levels have a rhythm of their own and are never dropped.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from bench.perfstats.chunks import Chunk


@dataclass
class Ends:
    """Watches a stream's windows go by: the order numbers of the first and of the last ones with frames."""

    drop_first: int
    drop_last: int
    seen: int = 0
    first: list[int] = field(default_factory=list)
    last: deque[int] = field(default_factory=deque)
    busy: int = 0

    def add(self, chunk: Chunk) -> None:
        """Take in windows."""
        counts = chunk.columns["count" if chunk.family == "span" else "frames"]
        busy = np.flatnonzero(counts > 0) + self.seen
        self.seen += len(counts)
        self.busy += len(busy)
        wanted = self.drop_first + 1 - len(self.first)
        self.first += busy[:wanted].tolist() if wanted > 0 else []
        self.last.extend(busy[-(self.drop_last + 1) :].tolist())
        while len(self.last) > self.drop_last + 1:
            self.last.popleft()

    def kept(self) -> range:
        """The order numbers of the windows that are kept: empty where there are not more with frames than are dropped."""
        if self.busy <= self.drop_first + self.drop_last:
            return range(0)
        low = self.first[self.drop_first] if self.drop_first else 0
        high = self.last[0] + 1 if self.drop_last else self.seen
        return range(low, high)
