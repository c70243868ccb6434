"""Where a training on synthetic scenes stands, in one file: a killed training goes on from it and ends with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cases.errors import OmgateError
from cases.mcnn.checkpoint import read, refuse_differing, save_whole
from cases.mcnn.training.states import kept
from cases.wording import shown

MEAN = "mean."
"""Before a parameter's name: its running mean, float64."""

LOSSES = "losses"
"""The loss of every step so far, (steps,) float32."""


class Pause(msgspec.Struct, kw_only=True):
    """What a training needs beside its weights to go on after `step` steps of `options`."""

    options: dict[str, Any]
    step: int
    random: dict[str, Any]
    """The state of the PCG64 that draws the crops; its integers have 128 bits, so they are texts."""
    errors: list[tuple[int, float]] = []
    """(step, MAE in people) of each evaluation."""
    best: float = float("inf")
    seconds: float = 0.0


def state_of(random: np.random.Generator) -> dict[str, Any]:
    """The state of a PCG64 generator, fit for JSON."""
    state = dict(random.bit_generator.state)
    return {**state, "state": {name: str(value) for name, value in state["state"].items()}}


def put_back(random: np.random.Generator, state: dict[str, Any]) -> None:
    """The opposite of `state_of`."""
    whole = {name: int(value) for name, value in state["state"].items()}
    random.bit_generator.state = {**state, "state": whole}


def save(
    path: Path, pause: Pause, cell: Any, means: dict[str, NDArray[np.float64]], losses: list[float]
) -> None:
    """Writes the state of a training cell, whole or not at all. Raises OmgateError; the state before is kept then."""
    arrays: dict[str, NDArray[Any]] = {parameter.name: parameter.asnumpy() for parameter in kept(cell)}
    arrays |= {MEAN + name: values for name, values in means.items()}
    arrays[LOSSES] = np.array(losses, np.float32)
    # JSON has no infinity: no evaluation yet is a number left out.
    note = msgspec.to_builtins(pause)
    if not pause.errors:
        del note["best"]
    save_whole(arrays, path, msgspec.json.encode(note).decode())


def must_be_there(path: Path) -> None:
    """Raises OmgateError where no state was saved."""
    if not path.is_file():
        raise OmgateError(
            f"--resume: no {shown(path)} to go on from; without --resume the training begins anew"
        )


def load(
    path: Path, options: dict[str, Any], cell: Any
) -> tuple[Pause, dict[str, NDArray[np.float64]], list[float]]:
    """Puts a saved state into the training cell; returns it, the running means and the losses. Raises OmgateError."""
    import mindspore as ms

    must_be_there(path)
    found = read(path)
    try:
        pause = msgspec.json.decode(str(found.pop("omgate", "")), type=Pause)
    except msgspec.DecodeError as error:
        raise OmgateError(f"{shown(path)}: not a state of this training ({error})") from None
    for name, value in options.items():
        if pause.options.get(name) != value:
            raise OmgateError(
                f"{shown(path)}: {name} was {pause.options.get(name)}, is {value}: only the same training can go on;"
                " give its options, or another --output"
            )
    wanted = {parameter.name: tuple(parameter.shape) for parameter in kept(cell)}
    means = {name.removeprefix(MEAN): found.pop(name) for name in list(found) if name.startswith(MEAN)}
    losses = found.pop(LOSSES, None)
    if losses is None or tuple(losses.shape) != (pause.step,):
        raise OmgateError(
            f"{shown(path)}: not a state of this training (the losses of its {pause.step} steps are not in it)"
        )
    refuse_differing(wanted, found, path)
    for parameter in kept(cell):
        parameter.set_data(ms.Tensor(found[parameter.name].asnumpy()))
    return pause, {name: mean.asnumpy() for name, mean in means.items()}, losses.asnumpy().tolist()
