"""A step of `cases.mcnn.train` beside a bare MindSpore step on the same image: goal 0.95 of its speed, with a state after every step."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cases.mcnn.training import patches as loader
from cases.mcnn.training.loop import Training, initialise
from cases.mcnn.training.options import TrainOptions
from cases.mcnn.training.ranks import Rank
from tests.cases.mcnn import patches as sets

IMAGES, STEPS = 4, 24


def bare_step(found: loader.Patches) -> Callable[[int], None]:
    """Nothing but the step, on tensors that are ready."""
    import mindspore as ms
    from mindspore import nn

    from cases.mcnn.network import Mcnn

    network = Mcnn()
    initialise(network, 1)
    optimiser = nn.Adam(network.trainable_params(), learning_rate=1e-5)
    cell = nn.TrainOneStepCell(nn.WithLossCell(network, nn.MSELoss()), optimiser).set_train()
    tensors = [
        (ms.Tensor(found.pixels[i : i + 1].astype(np.float32)), ms.Tensor(found.density[i : i + 1]))
        for i in range(len(found))
    ]
    return lambda number: cell(*tensors[number % IMAGES]).asnumpy()


@pytest.mark.speed
def test_a_training_step_beside_a_bare_one(tmp_path: Path) -> None:
    ms = pytest.importorskip("mindspore")
    ms.set_context(mode=ms.GRAPH_MODE)
    options = TrainOptions(
        **sets.write(tmp_path / "set", images=IMAGES, side=256),
        ckpt_path=str(tmp_path / "out"),
        device_target="CPU",
    )
    found = loader.load(Path(options.train_path), Path(options.train_gt_path), "train_path")
    bare = bare_step(found)
    training = Training(options, Rank(), found, found)
    training.begin()

    def own(number: int) -> None:
        training.step(1 + number // 3, 1 + number % 3, np.array([number % IMAGES]))

    seconds: dict[str, list[float]] = {"bare MindSpore step": [], "cases.mcnn.train": []}
    for number in range(-1, STEPS):  # in turn, so that a drift of the machine's speed meets both alike
        for values, step in zip(seconds.values(), (bare, own), strict=True):
            begun = time.perf_counter()
            step(max(number, 0))
            if number >= 0:  # the first one compiles
                values.append(time.perf_counter() - begun)
    assert len(list((tmp_path / "out").glob("mcnn-*.ckpt"))) == 10
    print(f"\nMCNN, one 256 x 256 image a step, median (least) of {STEPS} steps")
    for name, values in seconds.items():
        print(f"  {name:<22} {statistics.median(values):.3f} s ({min(values):.3f} s)")
    base, ours = seconds.values()
    paired = statistics.median(one / other for one, other in zip(base, ours, strict=True))
    print(
        f"  speed against bare: {paired:.3f} paired median, {min(base) / min(ours):.3f} of the least (goal 0.95)"
    )
