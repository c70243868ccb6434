"""The training itself: MindSpore's step on each batch of this rank's shard, evaluation after each epoch, states to go on from."""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from cases.mcnn.checkpoint import save_whole, sha256_of
from cases.mcnn.training import patches, schedule, states
from cases.mcnn.training.journal import LOG_STEPS, Journal, Line, clock
from cases.mcnn.training.options import TrainingError, TrainOptions
from cases.mcnn.training.ranks import Rank, find_rank
from cases.wording import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cases.mcnn.training.patches import Patches

WEIGHT_SPREAD = 0.01
"""Standard deviation of the first weights; biases are 0 (mindspore models, MCNN)."""

FIRST_LOSS_SCALE = 2**24
"""MindSpore's own beginning for mixed precision O2; it halves until no gradient overflows."""


@dataclass(frozen=True)
class Trained:
    """What a training came to: the best evaluation over the validation images."""

    best: Path
    mae: float
    mse: float
    epoch: int


def train(options: TrainOptions) -> Trained | None:
    """Train as `options` say and return the best evaluation; None on ranks other than 0. Raises OmgateError."""
    options = options.checked()
    _refuse_occupied(options)
    if os.environ.get("MS_ROLE") == "MS_SCHED":
        _join(options, Rank())  # msrun's scheduler: serves the ranks inside, and ends with them
        return None
    rank = find_rank()
    training = patches.load(Path(options.train_path), Path(options.train_gt_path), "train_path")
    validation = patches.load(Path(options.val_path), Path(options.val_gt_path), "val_path")
    _start_device(options, rank)
    return Training(options, rank, training, validation).run()


def _refuse_occupied(options: TrainOptions) -> None:
    """A folder that holds a training is gone on with, or left alone."""
    folder = Path(options.ckpt_path)
    try:
        states_there = states.listed(folder)
    except OSError as error:
        raise TrainingError(f"--ckpt_path: {shown(folder)}: {error.strerror}") from None
    if not options.resume and (states_there or (folder / "best.ckpt").exists()):
        raise TrainingError(
            f"--ckpt_path: {shown(folder)} holds a training: go on with it by --resume, or give another folder"
        )
    if options.resume and not states_there:
        raise TrainingError(f"--resume: no state mcnn-EPOCH_STEP.ckpt in {shown(folder)}")


def _start_device(options: TrainOptions, rank: Rank) -> None:
    import mindspore as ms

    ms.set_seed(options.seed)
    if rank.parallel:
        _join(options, rank)
        return
    _set_device(options, rank)


def _set_device(options: TrainOptions, rank: Rank) -> None:
    import mindspore as ms

    try:
        ms.set_context(mode=ms.GRAPH_MODE)
        if options.device_target == "CPU" == ms.get_context("device_target"):
            return  # MindSpore refuses to be told again once it has computed anything
        given = options.device_id if options.device_id is not None else rank.device
        number = int(os.environ.get("DEVICE_ID", "0")) if given is None else given
        alone = options.device_target != "CPU" and not os.environ.get(
            "MS_ROLE"
        )  # msrun gives each rank its device
        if hasattr(ms, "set_device"):  # 2.5 and later
            ms.set_device(options.device_target, *([number] if alone else []))
        else:
            ms.set_context(device_target=options.device_target, **({"device_id": number} if alone else {}))
    except Exception as error:  # MindSpore's kind differs by build
        raise TrainingError(
            f"--device_target {options.device_target}: this MindSpore {ms.__version__} has no such device here"
            f" ({str(error).strip().splitlines()[0]}); CPU works everywhere: --device_target=CPU"
        ) from None


def _join(options: TrainOptions, rank: Rank) -> None:
    """Meet the other ranks: gradients are averaged over all of them from here on."""
    import mindspore as ms
    from mindspore import communication

    _set_device(options, rank)
    try:
        communication.init()
    except Exception as error:  # MindSpore's kind differs by build
        raise TrainingError(
            f"rank {rank.rank} of {rank.size} can't meet the others: {str(error).strip().splitlines()[0]}"
        ) from None
    ms.set_auto_parallel_context(
        parallel_mode=ms.ParallelMode.DATA_PARALLEL, gradients_mean=True, device_num=rank.size
    )


def initialise(network: Any, seed: int) -> None:
    """The published first weights: normal of WEIGHT_SPREAD, biases 0; from the seed alone, so that every rank has the same."""
    import mindspore as ms

    random = np.random.RandomState(seed)
    for parameter in network.get_parameters():
        values = random.normal(0, WEIGHT_SPREAD, parameter.shape) if len(parameter.shape) == 4 else 0.0
        parameter.set_data(ms.Tensor(np.full(parameter.shape, values, np.float32)))


def training_cell(network: Any, rates: NDArray[np.float32], mixed: bool) -> Any:
    """A step of Adam on the mean squared error of (pixels, target, weights); `mixed`: MindSpore's level O2, in FP16 with a loss scale."""
    import mindspore as ms
    from mindspore import nn, ops

    class Loss(nn.Cell):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(auto_prefix=False)  # else no parameter has its checkpoint's name
            self.network = network

        def construct(self, pixels, target, weights):  # type: ignore[no-untyped-def]
            difference = ops.cast(self.network(pixels), ms.float32) - target
            return (ops.square(difference).mean(axis=(1, 2, 3)) * weights).mean()

    optimiser = nn.Adam(network.trainable_params(), learning_rate=ms.Tensor(rates))
    if not mixed:
        return nn.TrainOneStepCell(Loss(), optimiser).set_train()
    ms.amp.auto_mixed_precision(network, "O2")
    scale = nn.DynamicLossScaleUpdateCell(FIRST_LOSS_SCALE, 2, 1000)
    return nn.TrainOneStepWithLossScaleCell(Loss(), optimiser, scale_sense=scale).set_train()


class Training:
    """One rank's training, from its first step or a state to its last."""

    def __init__(self, options: TrainOptions, rank: Rank, training: Patches, validation: Patches) -> None:
        from cases.mcnn.network import Mcnn

        self.options, self.rank = options, rank
        self.training, self.validation = training, validation
        self.folder = Path(options.ckpt_path)
        self.steps = schedule.steps_an_epoch(len(training), options.batch_size, rank.size)
        self.rate = options.learning_rate(rank.size)
        self.journal = Journal(self.folder if rank.rank == 0 else None)
        self.network = Mcnn()
        initialise(self.network, options.seed)
        total = self.steps * options.epoch_size
        rates = np.array([self.rate * schedule.rate_factor(step, total) for step in range(total)], np.float32)
        self.cell = training_cell(self.network, rates, options.device_target != "CPU")
        identity = states.Identity(
            epoch_size=options.epoch_size,
            batch_size=options.batch_size,
            buffer_size=options.buffer_size,
            ranks=rank.size,
            learning_rate=self.rate,
            seed=options.seed,
            device_target=options.device_target,
            train_digest=training.digest,
            val_digest=validation.digest,
        )
        self.standing = states.Standing(epoch=1, step=0, identity=identity)
        self.done = 0
        self.begun = time.monotonic()
        self.evaluating = 0.0

    def run(self) -> Trained | None:
        """Train what is left and return the best evaluation (rank 0)."""
        self.begin()
        first = self.standing.epoch if self.standing.step < self.steps else self.standing.epoch + 1
        for epoch in range(first, self.options.epoch_size + 1):
            after = self.standing.step if self.standing.epoch == epoch else 0
            order = schedule.order(len(self.training), self.options.buffer_size, self.options.seed, epoch)
            shard = schedule.shard(order, self.options.batch_size, self.rank.rank, self.rank.size)
            for step in range(after + 1, self.steps + 1):
                self.step(epoch, step, shard[step - 1])
            self._end_epoch(epoch)
        if self.rank.rank:
            return None
        best, file = self.standing, self.folder / "best.ckpt"
        self.journal.add(
            Line(
                kind="finished",
                epoch=self.options.epoch_size,
                step=self.steps,
                checkpoint_sha256=sha256_of(file),
            )
        )
        assert best.best_mae is not None
        assert best.best_mse is not None
        return Trained(file, best.best_mae, best.best_mse, best.best_epoch)

    def begin(self) -> None:
        """Make the folder and the log, or take the last state up. Raises OmgateError."""
        import mindspore as ms

        after = None
        if self.options.resume:
            standing = states.load(self.cell, self.folder, self.standing.identity)
            assert standing is not None, "_refuse_occupied() comes first"
            self.standing, after = standing, (standing.epoch, standing.step)
        if self.rank.rank:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"--ckpt_path: {shown(self.folder)}: {error.strerror}") from None
        self.journal.begin(
            Line(
                kind="start",
                options=asdict(replace(self.options, resume=False)),
                images=len(self.training),
                validation_images=len(self.validation),
                ranks=self.rank.size,
                mindspore=ms.__version__,
                learning_rate=self.rate,
                train_digest=self.training.digest,
                val_digest=self.validation.digest,
            ),
            after,
        )
        self.journal.show(
            f"{len(self.training)} images, {len(self.validation)} to validate, {self.steps} steps an epoch,"
            f" learning rate {self.rate:g}, rank {self.rank.rank} of {self.rank.size}"
            + (f"; goes on after epoch {after[0]} step {after[1]}" if after else "")
        )

    def step(self, epoch: int, step: int, chosen: NDArray[np.int64]) -> None:
        """One step on the chosen images (batch,), with what follows from it: the log, a state. Raises OmgateError."""
        import mindspore as ms

        begun = time.monotonic()
        result = self.cell(*(ms.Tensor(array) for array in self.training.batch(chosen)))
        loss = float((result[0] if isinstance(result, tuple) else result).asnumpy())
        if not math.isfinite(loss):
            raise TrainingError(
                f"epoch {epoch} step {step}: the loss is {loss}; the last state is of a step before it:"
                " give a smaller --lr and another --ckpt_path"
            )
        self.done += 1
        if self.done == 2:
            self.begun, self.evaluating = begun, 0.0
        self.standing = msgspec.structs.replace(
            self.standing,
            epoch=epoch,
            step=step,
            loss_sum=self.standing.loss_sum + loss,
            loss_steps=self.standing.loss_steps + 1,
        )
        if ((epoch - 1) * self.steps + step) % LOG_STEPS == 0 or step == self.steps:
            self._tell(epoch, step)
        if step < self.steps and step % self.options.save_checkpoint_steps == 0:
            self._save()

    def _tell(self, epoch: int, step: int) -> None:
        loss = self.standing.loss_sum / self.standing.loss_steps
        total = self.steps * self.options.epoch_size
        place = (epoch - 1) * self.steps + step
        seconds = time.monotonic() - self.begun
        # The first step compiles the graph: where there are others, it is not in the figures.
        counted = max(self.done - 1, 1)
        images = counted * self.options.batch_size * self.rank.size
        speed = images / max(seconds - self.evaluating, 1e-9)
        left = seconds / counted * (total - place)
        self.journal.add(
            Line(
                kind="step",
                epoch=epoch,
                step=step,
                loss=loss,
                learning_rate=self.rate * schedule.rate_factor(place - 1, total),
                images_per_second=round(speed, 3),
                seconds_left=round(left, 1),
            )
        )
        self.journal.show(
            f"epoch {epoch}/{self.options.epoch_size} step {step}/{self.steps} loss {loss:.6g}"
            f"  {speed:.2f} images/s  {clock(left)} left",
            passing=True,
        )
        self.standing = msgspec.structs.replace(self.standing, loss_sum=0.0, loss_steps=0)

    def _end_epoch(self, epoch: int) -> None:
        """Evaluate, keep the best, save the state. Rank 0 does it for all: they wait at the next step's average."""
        if self.rank.rank:
            return
        begun = time.monotonic()
        mae, mse = self._evaluated()
        self.evaluating += time.monotonic() - begun
        standing = self.standing
        better = standing.best_mae is None or mae < standing.best_mae
        if better:
            weights = {item.name: item.asnumpy().astype(np.float32) for item in self.network.get_parameters()}
            save_whole(weights, self.folder / "best.ckpt")
            standing = msgspec.structs.replace(standing, best_mae=mae, best_mse=mse, best_epoch=epoch)
        self.standing = standing
        self.journal.add(Line(kind="evaluation", epoch=epoch, step=self.steps, mae=mae, mse=mse, best=better))
        # The lines that the field's tools look for.
        self.journal.show(f"EPOCH: {epoch}, MAE: {mae:.1f}, MSE: {mse:.1f}")
        self.journal.show(
            f"BEST MAE: {standing.best_mae:.1f}, BEST MSE: {standing.best_mse:.1f}, BEST EPOCH: {standing.best_epoch}"
        )
        self._save()

    def _evaluated(self) -> tuple[float, float]:
        """MAE and MSE (root) in people over the validation images, float64."""
        import mindspore as ms

        self.network.set_train(False)
        said = np.zeros(len(self.validation))
        for place in range(len(self.validation)):
            pixels = self.validation.pixels[place : place + 1].astype(np.float32)
            found = self.network(ms.Tensor(pixels)).asnumpy()
            said[place] = found.sum(dtype=np.float64)
        self.network.set_train(True)
        if not said.any():
            self.journal.show(
                f"epoch {self.standing.epoch}: the network says nobody on each validation image: if that stays so, its last ReLU is dead;"
                " begin again with another --seed"
            )
        differences = said - self.validation.people
        mae, mse = float(np.abs(differences).mean()), float(np.sqrt(np.square(differences).mean()))
        if not math.isfinite(mse):
            raise TrainingError(
                f"epoch {self.standing.epoch}: the validation error is {mae}; give a smaller --lr"
            )
        return mae, mse

    def _save(self) -> None:
        if self.rank.rank == 0:
            states.save(self.cell, self.standing, self.folder, self.options.keep_checkpoint_max)
