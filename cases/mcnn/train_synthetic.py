"""Training of MCNN in MindSpore on synthetic scenes; `python -m cases.mcnn.train_synthetic --help`.

Training scenes come from `cases.synthetic` with seeds that no test scene uses. A step sees one random 256 x 256 crop; pictures get a black
margin first, because the deliverable pads with black and the network must learn that black is nobody.

Weights are trained in a scaled form (levels / 255, densities times DENSITY_SCALE) and folded back when saved: a network of convolutions
and ReLU is homogeneous, so the saved network takes levels 0..255 and gives people per cell, as the published checkpoints do. Adam's steps
suit weights of order one; the unscaled first layer has weights of order 1e-3.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cases import synthetic
from cases.errors import OmgateError
from cases.mcnn.training import pause
from cases.mcnn.training.mean import RunningMean
from cases.mcnn.training.scenes import DENSITY_SCALE, LEVELS, TrainingImage, crops, load_scene
from cases.mcnn.training.schedule import rate_factor
from cases.wording import shown

VALIDATION_SCENES = 12
STATE_EVERY = 250  # steps: under two minutes lost by a kill
SAME_LOSS = 1e-5  # relative: float32 against float64
SILENT_STEPS = (
    200  # crops in a row on which the network said exactly nobody: its last ReLU gets no gradient any more
)


@dataclass(frozen=True)
class Options:
    """What decides a training; all of it is in the log's first line."""

    scenes: int
    steps: int
    learning_rate: float
    seed: int
    evaluate_every: int
    schedule: str = "steps"
    count_weight: float = 20.0
    start: str | None = None


def initialise(network: Any, random: np.random.Generator) -> None:
    """He's initialisation (He et al., ICCV 2015); biases 0, the last one above 0 so that its ReLU starts alive."""
    import mindspore as ms

    for parameter in network.get_parameters():
        shape = parameter.shape
        if len(shape) == 4:
            spread = np.sqrt(2.0 / (shape[1] * shape[2] * shape[3]))
            values = random.normal(0, spread, shape)
            if parameter.name.startswith("fuse"):
                values = np.abs(values) * 0.3
        else:
            values = np.full(shape, 0.05 if parameter.name.startswith("fuse") else 0.0)
        parameter.set_data(ms.Tensor(values.astype(np.float32)))


def folded(network: Any) -> dict[str, NDArray[np.float32]]:
    """The weights for levels 0..255 and unscaled densities: first convolutions / 255, biases of every layer kept, fusion / scale."""
    weights = {}
    for parameter in network.get_parameters():
        values = parameter.asnumpy().astype(np.float64)
        if parameter.name.endswith(".0.conv.weight") and parameter.name.startswith("branch"):
            values = values / LEVELS
        if parameter.name.startswith("fuse"):
            values = values / DENSITY_SCALE
        weights[parameter.name] = values.astype(np.float32)
    return weights


def unfold(network: Any) -> None:
    """Brings a network with a saved checkpoint's weights into the scaled form; the opposite of `folded`."""
    import mindspore as ms

    for parameter in network.get_parameters():
        values = parameter.asnumpy().astype(np.float64)
        if parameter.name.endswith(".0.conv.weight") and parameter.name.startswith("branch"):
            values = values * LEVELS
        if parameter.name.startswith("fuse"):
            values = values * DENSITY_SCALE
        parameter.set_data(ms.Tensor(values.astype(np.float32)))


def learning_rates(options: Options) -> list[float]:
    """The rate of each step. `steps`: the published schedule, a tenth from half of the steps on, a hundredth from three quarters.

    `cosine`: down to a hundredth along half a cosine (Loshchilov and Hutter, ICLR 2017), which needs fewer steps.
    """
    rates = []
    for step in range(options.steps):
        if options.schedule == "cosine":
            factor = 0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / options.steps))
        else:
            factor = rate_factor(step, options.steps)
        rates.append(float(options.learning_rate * factor))
    return rates


def loss_cell(network: Any, count_weight: float) -> Any:
    """The network with its loss: the mean squared error of cells, plus count_weight times that of the crop's mean.

    The second term is what a small density everywhere costs. Cell by cell it is nearly free, but a black margin has 50,000 cells.
    """
    from mindspore import nn, ops

    class Loss(nn.Cell):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(
                auto_prefix=False
            )  # else every parameter becomes "network.…", and no checkpoint loads
            self.network = network

        def construct(self, pixels, target):  # type: ignore[no-untyped-def]
            difference = self.network(pixels) - target
            return ops.square(difference).mean() + count_weight * ops.square(difference.mean())

    return Loss()


def loss_of_nobody(target: NDArray[np.float32], count_weight: float) -> float:
    """What `loss_cell` gives where the network's map is zero everywhere."""
    cells = target.astype(np.float64)
    return float(np.square(cells).mean() + count_weight * np.square(cells.mean()))


def validation_error(network: Any, images: Sequence[TrainingImage]) -> tuple[float, float]:
    """MAE and bias in people over whole validation pictures, each padded to one size so that the graph compiles once."""
    import mindspore as ms

    height = max(image.pixels.shape[0] for image in images)
    width = max(image.pixels.shape[1] for image in images)
    differences = []
    for image in images:
        canvas = np.zeros((1, 1, height, width), np.float32)
        canvas[0, 0, : image.pixels.shape[0], : image.pixels.shape[1]] = image.pixels / np.float32(LEVELS)
        predicted = network(ms.Tensor(canvas)).asnumpy().sum(dtype=np.float64) / DENSITY_SCALE
        differences.append(predicted - image.people)
    return float(np.mean(np.abs(differences))), float(np.mean(differences))


class Log:
    """The training's log: a JSON line each for its options, every so many steps, each evaluation and its end; shown on stderr, too."""

    def __init__(self, path: Path, after: int | None) -> None:
        """Starts a new file, or keeps of the old one what is of the first `after` steps."""
        self.path = path
        lines = [] if after is None else self._until(after)
        temporary = path.with_name(f".writing-{path.name}")
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        os.replace(temporary, path)

    def _until(self, step: int) -> list[str]:
        lines = []
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except ValueError:  # cut off by a kill
                break
            if line.get("step", 0) <= step and "finished" not in line:
                lines.append(text)
        return lines

    def add(self, **values: Any) -> None:
        """Appends a line."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(values) + "\n")
        print(" ".join(f"{name}={value}" for name, value in values.items()), file=sys.stderr, flush=True)


class Training:
    """One training, from its first step or a saved state to its last."""

    def __init__(self, options: Options, output: Path) -> None:
        import mindspore as ms
        from mindspore import nn

        from cases.mcnn.checkpoint import load_strictly
        from cases.mcnn.network import Mcnn

        ms.set_context(mode=ms.GRAPH_MODE)
        ms.set_seed(options.seed)
        self.options, self.output = options, output
        self.random = np.random.Generator(np.random.PCG64(options.seed))
        self.seeds = synthetic.TRAINING_SEEDS[: options.scenes + VALIDATION_SCENES]
        images = [load_scene(seed) for seed in self.seeds]
        self.validation, self.images = images[:VALIDATION_SCENES], images[VALIDATION_SCENES:]
        self.network = Mcnn()
        initialise(self.network, self.random)
        if options.start:
            load_strictly(self.network, Path(options.start))
            unfold(self.network)
        optimiser = nn.Adam(self.network.trainable_params(), learning_rate=learning_rates(options))
        self.cell = nn.TrainOneStepCell(loss_cell(self.network, options.count_weight), optimiser)
        self.cell.set_train()
        self.mean = RunningMean(self.network)
        self.losses: list[float] = []
        self.silent = 0  # crops in a row
        self.errors: list[tuple[int, float]] = []
        self.best = float("inf")
        self.before = 0.0  # seconds of the processes before this one

    def run(self, resume: bool) -> None:
        """Trains, and writes the files that `train` names. Raises OmgateError, OSError."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        done = self._take_up() if resume else 0
        self.log = Log(self.output.with_suffix(".train.jsonl"), done if resume else None)
        if not resume:
            self._begin()
        source = crops(self.images, self.random)
        self.started = time.monotonic()
        for step in range(done + 1, self.options.steps + 1):
            self._step(step, *next(source))
            if step % 100 == 0:
                rate = (step - done) / (time.monotonic() - self.started)
                loss = round(float(np.mean(self.losses[-100:])), 5)
                self.log.add(step=step, loss=loss, images_per_second=round(rate, 2))
            if step % self.options.evaluate_every == 0 or step == self.options.steps:
                self._evaluate(step)
            if step % STATE_EVERY == 0:
                self._save(step)
        self._end()

    def _begin(self) -> None:
        import mindspore as ms

        mean = float(np.mean([image.people for image in self.images]))
        people = [image.people for image in self.validation]
        self.log.add(
            options=asdict(self.options),
            seeds=[self.seeds[0], self.seeds[-1]],
            validation_seeds=[self.seeds[0], self.seeds[VALIDATION_SCENES - 1]],
            mindspore=ms.__version__,
            training_mean_people=mean,
            validation_mean_people=float(np.mean(people)),
            mae_of_predicting_the_mean=float(np.mean([abs(count - mean) for count in people])),
        )

    def _step(self, step: int, pixels: NDArray[np.float32], target: NDArray[np.float32]) -> None:
        import mindspore as ms

        loss = float(self.cell(ms.Tensor(pixels), ms.Tensor(target)).asnumpy())
        if not np.isfinite(loss):
            raise OmgateError(f"step {step}: the loss is {loss}; give a smaller --learning-rate")
        self.losses.append(loss)
        self.mean.add()
        nobody = loss_of_nobody(target, self.options.count_weight)
        self.silent = self.silent + 1 if abs(loss - nobody) <= SAME_LOSS * nobody else 0
        if self.silent >= SILENT_STEPS:
            self._give_up(step)

    def _give_up(self, step: int) -> None:
        self.log.add(step=step, dead=True)
        state_of(self.output).unlink(missing_ok=True)
        raise OmgateError(
            f"step {step}: the network said nobody on the last {SILENT_STEPS} crops: its last ReLU is dead and learns nothing more;"
            " begin again with another --seed or a smaller --learning-rate"
        )

    def _evaluate(self, step: int) -> None:
        from cases.mcnn.checkpoint import save_whole

        with self.mean.swapped():
            mae, bias = validation_error(self.network, self.validation)
            self.errors.append((step, mae))
            better = mae < self.best
            self.log.add(step=step, validation_mae=round(mae, 3), validation_bias=round(bias, 3), best=better)
            if better:
                self.best = mae
                save_whole(folded(self.network), self.output)

    def _save(self, step: int) -> None:
        now = pause.Pause(
            options=asdict(self.options),
            step=step,
            random=pause.state_of(self.random),
            errors=self.errors,
            best=self.best,
            seconds=self.before + time.monotonic() - self.started,
        )
        pause.save(state_of(self.output), now, self.cell, self.mean.by_name, self.losses)

    def _take_up(self) -> int:
        """Goes back to the saved state; returns the steps that are done."""
        found, means, self.losses = pause.load(state_of(self.output), asdict(self.options), self.cell)
        self.mean.by_name = means
        self.errors, self.best, self.before = list(found.errors), found.best, found.seconds
        pause.put_back(self.random, found.random)
        return found.step

    def _end(self) -> None:
        from cases.mcnn.checkpoint import save_whole, sha256_of
        from cases.mcnn.training.curve import draw, where

        save_whole(folded(self.network), self.output.with_suffix(".last.ckpt"))
        self.log.add(
            finished=True,
            best_validation_mae=round(self.best, 3),
            seconds=round(self.before + time.monotonic() - self.started),
            checkpoint_sha256=sha256_of(self.output),
        )
        state_of(self.output).unlink(missing_ok=True)
        losses = list(enumerate(self.losses, start=1))
        picture = draw(losses, self.errors, "step", self.log.path.with_suffix(".svg"))
        print(where(self.log.path, picture), file=sys.stderr)


def train(options: Options, output: Path, resume: bool = False) -> None:
    """Trains, and writes `output` (.ckpt) and its log (.jsonl) beside it, and the last weights (.last.ckpt).

    `output` is the running mean of the weights at the evaluation with the least validation MAE. Until it is done, `.state.ckpt` beside it
    holds where it stands, at least every STATE_EVERY steps; with `resume` it goes on from there and ends as if it had never stopped.
    Raises OmgateError, OSError.
    """
    state = state_of(output)
    # Both before any scene is drawn, which takes minutes.
    if resume:
        pause.must_be_there(state)
    elif state.exists():
        raise OmgateError(
            f"{shown(state)}: a training was stopped there: go on with it by --resume, or remove it, or give another --output"
        )
    Training(options, output).run(resume)


def state_of(output: Path) -> Path:
    """The file that a training which was stopped goes on from."""
    return output.with_suffix(".state.ckpt")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cases.mcnn.train_synthetic", description="Trains MCNN on synthetic scenes."
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="the checkpoint to write; its log lies beside it as .train.jsonl",
    )
    parser.add_argument(
        "--scenes", type=int, default=400, help="training scenes to draw (default %(default)s)"
    )
    parser.add_argument(
        "--steps", type=int, default=10_000, help="steps, one 256 x 256 crop each (default %(default)s)"
    )
    parser.add_argument(
        "--learning-rate", type=float, default=5e-4, help="Adam's, at the start (default %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=64678, help="of the weights and the crops (default %(default)s)"
    )
    parser.add_argument("--evaluate-every", type=int, default=1000, help="steps (default %(default)s)")
    parser.add_argument(
        "--schedule",
        choices=["steps", "cosine"],
        default="steps",
        help="of the learning rate (default %(default)s)",
    )
    parser.add_argument(
        "--count-weight",
        type=float,
        default=20.0,
        help="of the error of a crop's mean density against that of its cells (default %(default)s)",
    )
    parser.add_argument(
        "--start",
        type=Path,
        metavar="CKPT",
        help="go on from this checkpoint's weights (default: He's initialisation)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a training that was stopped: from the .state.ckpt beside --output, with the same options",
    )
    given = parser.parse_args(arguments)
    options = Options(
        given.scenes,
        given.steps,
        given.learning_rate,
        given.seed,
        given.evaluate_every,
        given.schedule,
        given.count_weight,
        str(given.start) if given.start else None,
    )
    try:
        train(options, given.output, given.resume)
    except OmgateError as error:
        print(f"train_synthetic: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"train_synthetic: {error.filename or given.output}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
