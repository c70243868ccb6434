"""Holm: many tests at once, and one alarm in twenty runs instead of one in every run."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values adjusted for their number, in their order: where one is at most alpha, the whole family errs with at most alpha.

    A simple sequentially rejective multiple test procedure (Holm 1979); it needs no independence between the tests. Raises
    ValueError for what is no probability.
    """
    if any(not 0.0 <= p <= 1.0 for p in p_values):
        raise ValueError(f"p-values are from 0 to 1: {list(p_values)}")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = highest
    return tuple(adjusted)
