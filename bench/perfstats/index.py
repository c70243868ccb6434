"""Which shape a line may have, from a few words of it: a guess that is compared in full afterwards.

A word of each line is taken only if it is needed to tell two known shapes apart, so most bytes of a line are not looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.perfstats import swar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.perfstats.swar import Ints, Words

SLOT_BITS = 20
"""Of the table: with a thousand shapes there is an arrangement in which no two share a slot."""

ARRANGEMENTS = 40
"""That are tried; then, with thousands of shapes, the few that share a slot with another are read exactly."""


class Index:
    """Numbers of shapes (from 1, in the order in which they were added) by a hash of their length and of some `columns` of words."""

    def __init__(self, width: int) -> None:
        self.columns: list[int] = []
        self._width = width
        self._forms: Words = np.zeros((0, width), np.uint64)
        self._lengths: Ints = np.zeros(0, np.int64)
        self._table = np.zeros(1 << SLOT_BITS, np.uint16)
        self._arrange(0)

    def find(self, text: Words, lengths: Ints) -> NDArray[np.uint16]:
        """The number of the shape that each line may have, 0 for none; `text` (N, width), whatever is behind each line."""
        return self._table[self.keys(text, lengths) >> np.uint64(64 - SLOT_BITS)]

    def keys(self, text: Words, lengths: Ints) -> Words:
        """A hash of each line, the same for lines of one canonical form."""
        picked = text[:, self.columns]
        picked &= self._keep.take(lengths, axis=0)
        swar.zero_digits(picked)
        keys: Words = np.einsum("ij,j->i", picked, self._multipliers[:-1])
        keys += lengths.view(np.uint64) * self._multipliers[-1]
        return keys

    def add(self, forms: Words, lengths: Ints) -> None:
        """Take in more shapes: their canonical forms, (N, width), and lengths."""
        self._forms = np.vstack([self._forms, forms])
        self._lengths = np.append(self._lengths, lengths)
        slots = self._slots()
        if len(np.unique(slots)) == len(slots):
            self._table[slots] = np.arange(1, len(slots) + 1)
        else:
            self._settle()

    def _settle(self) -> None:
        """Arrange the table anew, so that each shape has a slot of its own."""
        self._choose()
        for seed in range(ARRANGEMENTS):
            self._arrange(seed)
            slots = self._slots()
            if len(np.unique(slots)) == len(slots):
                break
        # Of two with one slot the older one has it, which is the more usual.
        self._table = np.zeros_like(self._table)
        self._table[slots[::-1]] = np.arange(len(slots), 0, -1)

    def _choose(self) -> None:
        """Columns that tell all shapes apart: again and again the one that makes the most of a difference."""
        self.columns = []
        kinds = np.unique(self._lengths, return_inverse=True)[1]
        while kinds.max() + 1 < len(kinds):
            pairs = [np.stack([kinds.view(np.uint64), column]) for column in self._forms.T]
            found = [np.unique(swar.hashes(pair), return_inverse=True)[1] for pair in pairs]
            best = int(np.argmax([each.max() for each in found]))
            if found[best].max() == kinds.max():  # never with forms that differ
                break
            self.columns.append(best)
            kinds = found[best]

    def _slots(self) -> Words:
        return self.keys(self._forms, self._lengths) >> np.uint64(64 - SLOT_BITS)

    def _arrange(self, seed: int) -> None:
        dice = np.random.default_rng(seed)
        count = len(self.columns) + 1
        self._multipliers = dice.integers(0, 2**64, count, np.uint64) | np.uint64(1)
        self._keep = np.ascontiguousarray(swar.keep(self._width)[:, self.columns])
