"""How the measured models were trained, kept with the run: training.json, written and read. Schema: docs/record.md.

The log itself stays where the training wrote it; this is what a curve needs, so that the report can be made where the log is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from reports.files import write_atomically
from reports.versioned import read_versioned

SCHEMA = 1
"""Version of training.json; rises when a reader of the old one would misread the new one."""

TRAINING_FILE = "training.json"

Option = str | int | float | bool | None

Number = Annotated[float, msgspec.Meta(ge=-1e31, le=1e31)]
"""What can be drawn; a record may come from anywhere."""

Whole = Annotated[int, msgspec.Meta(ge=0, le=10**13)]
MOST = msgspec.Meta(max_length=1000)


class LossPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The loss at a step, counted from the training's start: the mean since the line before, and smoothed over its neighbours."""

    step: Whole
    loss: Number
    smoothed: Number
    learning_rate: Number | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation over the validation images, in people; `best`: the least MAE of all, which became the checkpoint."""

    step: Whole
    mae: Number
    rmse: Number | None = None
    bias: Number | None = None
    best: bool = False


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """One training as its log told it; `losses` and `evaluations` are a choice of the `loss_lines` and `evaluation_lines` there were.

    The choice has the first, the last and the extremes. `passed_over`: lines that were none of a training's; `not_finite`: lines with
    NaN, Inf or a number beyond use; `torn`: the last line was cut off. Of text options that are paths the last part is kept.
    """

    log: str
    finished: bool
    seed: Whole | None = None
    train_digest: str | None = None
    val_digest: str | None = None
    train_seeds: tuple[Whole, Whole] | None = None
    val_seeds: tuple[Whole, Whole] | None = None
    images: Whole | None = None
    validation_images: Whole | None = None
    ranks: Whole | None = None
    mindspore: str | None = None
    steps_an_epoch: Whole | None = None
    smoothed_over: Whole = 1
    loss_lines: Whole = 0
    evaluation_lines: Whole = 0
    losses: Annotated[tuple[LossPoint, ...], MOST] = ()
    evaluations: Annotated[tuple[Evaluation, ...], MOST] = ()
    options: dict[str, Option] = {}
    passed_over: Whole = 0
    not_finite: Whole = 0
    torn: bool = False

    @property
    def best(self) -> Evaluation | None:
        """The evaluation that became the checkpoint."""
        return next((found for found in self.evaluations if found.best), None)

    @property
    def last_step(self) -> int:
        """The last step that the log tells of, 0 where it tells of none."""
        return max(
            [point.step for point in self.losses] + [found.step for found in self.evaluations], default=0
        )


class TrainedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A case's model and its trainings, in the order in which one went on from the other; `backends` ran it.

    `by_digest`: the last log names the checkpoint's SHA-256; else it is taken for this model's because it lies beside it by its name.
    """

    case: str
    model: str
    backends: tuple[str, ...]
    by_digest: bool
    trainings: tuple[Training, ...]


class TrainingFile(msgspec.Struct, frozen=True, kw_only=True):
    """All of training.json."""

    schema: int = SCHEMA
    models: tuple[TrainedModel, ...] = ()


def read(folder: Path | str) -> TrainingFile | None:
    """The training.json of a run's folder, None where the run has none. ReportError if it is broken, or of a newer omgate."""
    return read_versioned(Path(folder) / TRAINING_FILE, TrainingFile, SCHEMA, "training", "remove it")


def write(folder: Path | str, models: Iterable[TrainedModel]) -> Path:
    """Write training.json into a run's folder, and return its path: what was there or all of the new, whenever it is killed."""
    path = Path(folder) / TRAINING_FILE
    write_atomically(path, msgspec.json.encode(TrainingFile(models=tuple(models))) + b"\n")
    return path
