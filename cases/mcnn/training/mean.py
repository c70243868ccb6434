"""The running mean of a network's weights while it trains: what is evaluated and saved."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

AVERAGE = (
    0.998  # of the running mean of weights: one crop a step is noisy, the mean of about 500 steps is not
)


class RunningMean:
    """An exponential mean of a network's weights; `swapped` puts it in their place for a while."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._mean = self._weights()

    def _weights(self) -> list[NDArray[np.float64]]:
        return [parameter.asnumpy().astype(np.float64) for parameter in self._network.get_parameters()]

    def add(self) -> None:
        """Takes the present weights in."""
        for mean, weights in zip(self._mean, self._weights(), strict=True):
            mean *= AVERAGE
            mean += (1 - AVERAGE) * weights

    @contextlib.contextmanager
    def swapped(self) -> Iterator[None]:
        """The network holds the mean inside, its own weights again after."""
        own = self._weights()
        self._set(self._mean)
        try:
            yield
        finally:
            self._set(own)

    def _set(self, weights: list[NDArray[np.float64]]) -> None:
        import mindspore as ms

        for parameter, values in zip(self._network.get_parameters(), weights, strict=True):
            parameter.set_data(ms.Tensor(values.astype(np.float32)))

    @property
    def by_name(self) -> dict[str, NDArray[np.float64]]:
        """The mean of each parameter."""
        names = [parameter.name for parameter in self._network.get_parameters()]
        return dict(zip(names, self._mean, strict=True))

    @by_name.setter
    def by_name(self, means: dict[str, NDArray[np.float64]]) -> None:
        self._mean = [means[parameter.name].copy() for parameter in self._network.get_parameters()]
