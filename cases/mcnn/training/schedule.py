"""The order of images and the learning rate of steps: pure functions, so that a resumed training does what the first would have done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILLER = -1
"""In a shard: no image. The last step of an epoch is filled with it; it has weight 0 in the loss."""


def rate_factor(step: int, steps: int) -> float:
    """What the learning rate is multiplied by at a step (from 0): a tenth from half of all steps on, a hundredth from three quarters."""
    return 1.0 if step < steps // 2 else 0.1 if step < steps * 3 // 4 else 0.01


def steps_an_epoch(images: int, batch: int, ranks: int) -> int:
    """Steps that show each image once: ceil(images / (batch * ranks)), 305 for 2,439 images on 8 devices."""
    return -(-images // (batch * ranks))


def order(images: int, buffer: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """A permutation (images,) for an epoch: drawn from a buffer that is refilled from the sequence, as MindSpore's `shuffle(buffer_size)`."""
    random = np.random.Generator(np.random.PCG64([seed, epoch]))
    if buffer >= images:
        return random.permutation(images)
    waiting = list(range(buffer))
    drawn = []
    for following in range(buffer, images):
        place = int(random.integers(buffer))
        drawn.append(waiting[place])
        waiting[place] = following
    return np.array(drawn + [waiting[place] for place in random.permutation(buffer)], dtype=np.int64)


def shard(whole: NDArray[np.int64], batch: int, rank: int, ranks: int) -> NDArray[np.int64]:
    """A rank's part of an epoch's order, (steps, batch), FILLER where images are out; every image is in one rank's part, once."""
    steps = steps_an_epoch(len(whole), batch, ranks)
    filled = np.full(steps * batch * ranks, FILLER, dtype=np.int64)
    filled[: len(whole)] = whole
    return filled.reshape(steps, batch, ranks)[:, :, rank]
