"""The options of a training: names and defaults of the delivery document, and what makes a value wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from cases.errors import OmgateError

TARGETS = ("Ascend", "GPU", "CPU")

PATCHES = "../MCNN/data/formatted_trainval/shanghaitech_part_A_patches_9"
"""Where the published script looks for its patches."""

LR_OF_MANY, LR_OF_ONE = 0.000028, 0.00001
"""Adam's learning rate on eight devices, and on one (mindspore models, MCNN src/config.py)."""


class TrainingError(OmgateError):
    """A training that can't begin or can't go on."""


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class TrainOptions:
    """What decides a training. The field's name is the option's name."""

    train_path: str = _option(f"{PATCHES}/train", "Training images, at most 256 x 256 pixels.")
    train_gt_path: str = _option(
        f"{PATCHES}/train_den", "Their density maps: a CSV of the image's size each."
    )
    val_path: str = _option(f"{PATCHES}/val", "Validation images.")
    val_gt_path: str = _option(f"{PATCHES}/val_den", "Their density maps.")
    ckpt_path: str = _option("./train_output", "The folder to write: best.ckpt, states, train.jsonl.")
    device_target: str = _option("Ascend", "Ascend, GPU or CPU.")
    device_id: int | None = _option(None, "Of an Ascend or GPU device; default: DEVICE_ID, else 0.")
    batch_size: int = _option(1, "Images a step, on each device.")
    lr: float | None = _option(None, "Adam's learning rate; default: 0.000028, on one device 0.00001.")
    momentum: float = _option(0.0, "As in the document; the recipe's Adam has none, so only 0.0 is taken.")
    epoch_size: int = _option(800, "Epochs.")
    buffer_size: int = _option(1000, "Images that the order is shuffled in.")
    save_checkpoint_steps: int = _option(
        1, "A state to resume from every so many steps, and at an epoch's end."
    )
    keep_checkpoint_max: int = _option(10, "States that are kept.")
    air_name: str = _option("mcnn", "The AIR to export at the end, where the device is Ascend.")
    seed: int = _option(64678, "Of the weights and of the order.")
    resume: bool = _option(False, "Go on from the last state in the folder.")

    def checked(self) -> TrainOptions:
        """These options. Raises TrainingError that names the first that can't be used."""
        for name in (
            "batch_size",
            "epoch_size",
            "buffer_size",
            "save_checkpoint_steps",
            "keep_checkpoint_max",
        ):
            if getattr(self, name) < 1:
                raise TrainingError(
                    f"--{name}: seen {getattr(self, name)}, allowed are whole numbers from 1 on"
                )
        if self.device_target not in TARGETS:
            raise TrainingError(
                f"--device_target: seen {self.device_target!r}, allowed are {', '.join(TARGETS)}"
            )
        if self.lr is not None and not (math.isfinite(self.lr) and self.lr > 0):
            raise TrainingError(f"--lr: seen {self.lr}, allowed are numbers above 0")
        if self.momentum != 0.0:
            raise TrainingError(
                f"--momentum: seen {self.momentum}, allowed is 0.0: the recipe's optimizer is Adam"
            )
        if not 0 <= self.seed < 2**32:
            raise TrainingError(f"--seed: seen {self.seed}, allowed are whole numbers from 0 to 4294967295")
        if self.device_id is not None and self.device_id < 0:
            raise TrainingError(f"--device_id: seen {self.device_id}, allowed are whole numbers from 0 on")
        if not self.air_name or "/" in self.air_name:
            raise TrainingError(
                f"--air_name: seen {self.air_name!r}, expected a file's name without its folder"
            )
        return self

    def learning_rate(self, devices: int) -> float:
        """The learning rate at the start: the given one, else the document's for so many devices."""
        if self.lr is not None:
            return self.lr
        return LR_OF_ONE if devices == 1 else LR_OF_MANY


def option_fields() -> list[tuple[str, str, Any, str]]:
    """(name, type's name, default, help) of each option; both command lines are made of it."""
    return [(item.name, str(item.type), item.default, item.metadata["help"]) for item in fields(TrainOptions)]
