"""Parity: every backend against the reference and against the checkpoint, image by image and map by map."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.plugin import Paired


def test_parity(paired: Paired) -> None:
    """Both backends' maps of every image are compared; the tolerance comes from the reference's own FP16 deviation."""
    paired.settle(paired.parity())
