"""Attribution: where the difference between the published evaluation and the deliverable comes from, factor by factor (--attribution)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.plugin import Traced


def test_attribution(traced: Traced) -> None:
    """A ladder of runs on the same images in which one factor changes per rung; the rungs sum up to the whole difference."""
    found = traced.attribution()
    assert found.rungs
