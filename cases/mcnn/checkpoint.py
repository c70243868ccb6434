"""Strict loading of MindSpore checkpoints: MindSpore itself only warns when names or shapes differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cases.errors import OmgateError


def load_strictly(network: Any, path: Path) -> None:
    """Loads a checkpoint into a MindSpore network; raises OmgateError naming every parameter that is missing, unknown or of another shape."""
    import mindspore as ms

    try:
        found = ms.load_checkpoint(str(path))
    except Exception as error:  # MindSpore raises ValueError, RuntimeError and its own for a torn file
        raise OmgateError(
            f"{path}: not a readable MindSpore checkpoint ({str(error).splitlines()[0]})"
        ) from None
    wanted = {parameter.name: tuple(parameter.shape) for parameter in network.get_parameters()}
    differing = [f"missing {name}" for name in sorted(wanted.keys() - found.keys())]
    differing += [f"unknown {name}" for name in sorted(found.keys() - wanted.keys())]
    differing += [
        f"{name} is {tuple(found[name].shape)}, not {wanted[name]}"
        for name in sorted(wanted.keys() & found.keys())
        if tuple(found[name].shape) != wanted[name]
    ]
    if differing:
        raise OmgateError(f"{path}: not a checkpoint of this network: {'; '.join(differing)}")
    ms.load_param_into_net(network, found, strict_load=True)
