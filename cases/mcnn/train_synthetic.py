"""Training of MCNN in MindSpore on synthetic scenes; `python -m cases.mcnn.train_synthetic --help`.

Training scenes come from `cases.synthetic` with seeds that no test scene uses. A step sees one random 256 x 256 crop; pictures get a black
margin first, because the deliverable pads with black and the network must learn that black is nobody.

Weights are trained in a scaled form (levels / 255, densities times DENSITY_SCALE) and folded back when saved: a network of convolutions
and ReLU is homogeneous, so the saved network takes levels 0..255 and gives people per cell, as the published checkpoints do. Adam's steps
suit weights of order one; the unscaled first layer has weights of order 1e-3.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cases import density, synthetic
from cases.errors import OmgateError
from cases.mcnn.training.schedule import rate_factor

LEVELS = 255.0
DENSITY_SCALE = 20.0  # mean squared error near one for an untrained network
CROP = 256  # pixels, as in the published recipe
STRIDE = 4
MARGIN = 256  # pixels of black around a picture: as much as the deliverable's padding may bring into one crop
NARROW = 64  # pixels of it that most crops may reach into
WIDE_SHARE = 0.12  # of crops that may lie anywhere, wholly in the black too
AVERAGE = (
    0.998  # of the running mean of weights: one crop a step is noisy, the mean of about 500 steps is not
)
VALIDATION_SCENES = 12


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


@dataclass(frozen=True)
class TrainingImage:
    """One padded picture (H, W) uint8 and its density on the network's grid (H/4, W/4) float32."""

    pixels: NDArray[np.uint8]
    target: NDArray[np.float32]
    people: int


def load_scene(seed: int) -> TrainingImage:
    """One training scene as the network will meet it: through a JPEG file, as 8-bit grey, with a black margin."""
    import cv2

    scene = synthetic.plan(seed)
    pixels = cv2.imdecode(np.frombuffer(synthetic.encode(scene), np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise RuntimeError(f"scene of seed {seed}: its JPEG can't be decoded again")
    truth = density.density_map(scene.points(), scene.height, scene.width)
    bottom = MARGIN + (-scene.height) % STRIDE + max(0, CROP - scene.height - 2 * MARGIN)
    right = MARGIN + (-scene.width) % STRIDE + max(0, CROP - scene.width - 2 * MARGIN)
    margins = ((MARGIN, bottom), (MARGIN, right))
    padded = np.pad(np.asarray(pixels, dtype=np.uint8), margins)
    return TrainingImage(padded, pool(np.pad(truth, margins)), len(scene.people))


def pool(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sums over cells of STRIDE x STRIDE pixels, (H, W) to (H/4, W/4) float32; the total is kept."""
    height, width = values.shape
    cells = values.reshape(height // STRIDE, STRIDE, width // STRIDE, STRIDE)
    return cells.sum(axis=(1, 3)).astype(np.float32)


def crops(
    images: Sequence[TrainingImage], random: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Endless random crops: (1, 1, 256, 256) float32 in 0..1 and (1, 1, 64, 64) float32 people per cell times DENSITY_SCALE.

    A picture's chance grows with its area, so that every square pixel of crowd is seen alike.
    """
    areas = np.array([image.pixels.size for image in images], dtype=np.float64)
    chances = areas / areas.sum()
    while True:
        image = images[int(random.choice(len(images), p=chances))]
        height, width = image.target.shape
        cells = CROP // STRIDE
        kept_off = 0 if random.random() < WIDE_SHARE else _kept_off(min(height, width), cells)
        row = int(random.integers(kept_off, height - cells + 1 - kept_off))
        column = int(random.integers(kept_off, width - cells + 1 - kept_off))
        pixels = image.pixels[row * STRIDE : row * STRIDE + CROP, column * STRIDE : column * STRIDE + CROP]
        target = image.target[row : row + cells, column : column + cells]
        if random.random() < 0.5:
            pixels, target = pixels[:, ::-1], target[:, ::-1]
        scaled = (pixels.astype(np.float32) / LEVELS)[None, None]
        yield np.ascontiguousarray(scaled), np.ascontiguousarray(target * DENSITY_SCALE)[None, None]


def _kept_off(shorter: int, cells: int) -> int:
    """Cells of margin that a usual crop stays out of; fewer where the picture is smaller than a crop."""
    return max(0, min((MARGIN - NARROW) // STRIDE, (shorter - cells) // 2))


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


def train(options: Options, output: Path) -> None:
    """Trains, and writes `output` (.ckpt) and its log (.jsonl) beside it, and the last weights (.last.ckpt).

    `output` is the running mean of the weights at the evaluation with the least validation MAE.
    """
    import mindspore as ms
    from mindspore import nn

    from cases.mcnn.checkpoint import load_strictly, save_whole, sha256_of
    from cases.mcnn.network import Mcnn
    from cases.mcnn.training.curve import draw, where

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_seed(options.seed)
    random = np.random.Generator(np.random.PCG64(options.seed))
    output.parent.mkdir(parents=True, exist_ok=True)
    log_path = output.with_suffix(".train.jsonl")
    log = log_path.open("w", encoding="utf-8")

    def note(**values: Any) -> None:
        log.write(json.dumps(values) + "\n")
        log.flush()
        print(" ".join(f"{name}={value}" for name, value in values.items()), file=sys.stderr, flush=True)

    seeds = synthetic.TRAINING_SEEDS[: options.scenes + VALIDATION_SCENES]
    images = [load_scene(seed) for seed in seeds]
    validation, training = images[:VALIDATION_SCENES], images[VALIDATION_SCENES:]
    mean = float(np.mean([image.people for image in training]))
    note(
        options=asdict(options),
        seeds=[seeds[0], seeds[-1]],
        validation_seeds=[seeds[0], seeds[VALIDATION_SCENES - 1]],
        mindspore=ms.__version__,
        training_mean_people=mean,
        validation_mean_people=float(np.mean([image.people for image in validation])),
        mae_of_predicting_the_mean=float(np.mean([abs(image.people - mean) for image in validation])),
    )
    network = Mcnn()
    initialise(network, random)
    if options.start:
        load_strictly(network, Path(options.start))
        unfold(network)
    optimiser = nn.Adam(network.trainable_params(), learning_rate=learning_rates(options))
    step_cell = nn.TrainOneStepCell(loss_cell(network, options.count_weight), optimiser)
    step_cell.set_train()
    source = crops(training, random)
    mean_weights = RunningMean(network)
    losses: list[float] = []
    errors: list[tuple[float, float]] = []
    best = float("inf")
    started = time.monotonic()
    for step in range(1, options.steps + 1):
        pixels, target = next(source)
        losses.append(float(step_cell(ms.Tensor(pixels), ms.Tensor(target)).asnumpy()))
        mean_weights.add()
        if step % 100 == 0:
            rate = step / (time.monotonic() - started)
            note(step=step, loss=round(float(np.mean(losses[-100:])), 5), images_per_second=round(rate, 2))
        if step % options.evaluate_every == 0 or step == options.steps:
            with mean_weights.swapped():
                mae, bias = validation_error(network, validation)
                errors.append((step, mae))
                note(step=step, validation_mae=round(mae, 3), validation_bias=round(bias, 3), best=mae < best)
                if mae < best:
                    best = mae
                    save_whole(folded(network), output)
    save_whole(folded(network), output.with_suffix(".last.ckpt"))
    note(
        finished=True,
        best_validation_mae=round(best, 3),
        seconds=round(time.monotonic() - started),
        checkpoint_sha256=sha256_of(output),
    )
    picture = draw(list(enumerate(losses, start=1)), errors, "step", log_path.with_suffix(".svg"))
    print(where(log_path, picture), file=sys.stderr)


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
        train(options, given.output)
    except OmgateError as error:
        print(f"train_synthetic: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
