"""Accuracy: MAE and MSE (root) of every case on every backend, against its stored baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.plugin import Measured


def test_accuracy(measured: Measured) -> None:
    """Every image of the case's test set goes through the backend; the verdict decides."""
    measured.settle(measured.accuracy())
