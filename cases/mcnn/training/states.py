"""States of a training, to go on from: weights, Adam's moments, counters, and where the training stood, in one checkpoint file each."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from cases.errors import OmgateError
from cases.mcnn.checkpoint import read, refuse_differing, save_whole
from cases.mcnn.training.options import TrainingError
from cases.wording import shown

NAME = re.compile(r"mcnn-([0-9]+)_([0-9]+)\.ckpt")
"""As MindSpore's ModelCheckpoint names them: prefix, epoch, step of the epoch."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What must be the same for a training to be the same one."""

    epoch_size: int
    batch_size: int
    buffer_size: int
    ranks: int
    learning_rate: float
    seed: int
    device_target: str
    train_digest: str
    val_digest: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a training stands: after `step` steps of `epoch` (both from 1), all steps of it evaluated where `evaluated` is set."""

    epoch: int
    step: int
    identity: Identity
    best_mae: float | None = None
    best_mse: float | None = None
    best_epoch: int = 0
    loss_sum: float = 0.0
    """Of the steps since the last line of the log."""
    loss_steps: int = 0


def listed(folder: Path) -> list[tuple[int, int, Path]]:
    """(epoch, step, file) of the states in a folder, oldest first."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            match = NAME.fullmatch(path.name)
            if match:
                found.append((int(match[1]), int(match[2]), path))
    return sorted(found)


def kept(cell: Any) -> Iterator[Any]:
    """The parameters of a training cell that change: all but the table of learning rates, which follows from the options."""
    return (parameter for parameter in cell.get_parameters() if parameter.name != "learning_rate")


def save(cell: Any, standing: Standing, folder: Path, keep: int) -> None:
    """Writes the state, then removes all but the `keep` newest. Raises OmgateError; the states before are kept then."""
    path = folder / f"mcnn-{standing.epoch}_{standing.step}.ckpt"
    note = msgspec.json.encode(standing).decode()
    save_whole({parameter.name: parameter.asnumpy() for parameter in kept(cell)}, path, note)
    for _, _, old in listed(folder)[:-keep]:
        with contextlib.suppress(OSError):
            old.unlink()


def load(cell: Any, folder: Path, identity: Identity) -> Standing | None:
    """Puts the newest state into the training cell and returns where it stood; None where there is none. Raises TrainingError."""
    import mindspore as ms

    states = listed(folder)
    if not states:
        return None
    path = states[-1][2]
    try:
        found = read(path)
        standing = msgspec.json.decode(str(found.pop("omgate", "")), type=Standing)
        refuse_differing({parameter.name: tuple(parameter.shape) for parameter in kept(cell)}, found, path)
    except (OmgateError, msgspec.DecodeError) as error:
        raise TrainingError(
            f"{shown(path)}: not a state of this training ({error}); remove it to go on from the one before"
        ) from None
    for name, before in msgspec.structs.asdict(standing.identity).items():
        now = getattr(identity, name)
        if before != now:
            raise TrainingError(
                f"{shown(path)}: {name} was {before}, is {now}: only the same training can go on;"
                " give another --ckpt_path to begin a new one"
            )
    for parameter in kept(cell):
        parameter.set_data(ms.Tensor(found[parameter.name].asnumpy()))
    return standing
