import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.mcnn.training.schedule import FILLER, order, rate_factor, shard, steps_an_epoch

SMALL = st.integers(1, 40)


@given(images=SMALL, buffer=SMALL, batch=st.integers(1, 5), ranks=st.integers(1, 5), epoch=st.integers(1, 9))
def test_the_ranks_see_every_image_once_an_epoch(
    images: int, buffer: int, batch: int, ranks: int, epoch: int
) -> None:
    whole = order(images, buffer, seed=7, epoch=epoch)
    parts = [shard(whole, batch, rank, ranks) for rank in range(ranks)]
    assert {part.shape for part in parts} == {(steps_an_epoch(images, batch, ranks), batch)}
    seen = np.concatenate([part.ravel() for part in parts])
    assert sorted(seen[seen != FILLER]) == list(range(images))
    assert not any((part[:-1] == FILLER).any() for part in parts)


@given(images=st.integers(1, 60), buffer=st.integers(1, 60))
def test_an_image_is_drawn_early_by_no_more_than_the_buffer(images: int, buffer: int) -> None:
    places = order(images, buffer, seed=1, epoch=1)
    assert all(image - place < buffer for place, image in enumerate(places))


def test_the_order_is_the_epochs_and_the_seeds_own() -> None:
    first = order(100, 1000, 5, 1)
    assert (first == order(100, 1000, 5, 1)).all()
    assert (first != order(100, 1000, 5, 2)).any()
    assert (first != order(100, 1000, 6, 1)).any()


def test_a_buffer_of_one_keeps_the_sequence() -> None:
    assert (order(9, 1, 3, 1) == np.arange(9)).all()


def test_a_rank_takes_every_second_image_of_the_order() -> None:
    whole = np.array([4, 2, 0, 1, 3])
    assert shard(whole, 1, 0, 2).tolist() == [[4], [0], [3]]
    assert shard(whole, 1, 1, 2).tolist() == [[2], [1], [FILLER]]


def test_the_published_set_has_305_steps_on_eight_devices() -> None:
    assert steps_an_epoch(2439, 1, 8) == 305
    assert steps_an_epoch(2439, 1, 1) == 2439


@pytest.mark.parametrize("steps", [8, 244_000])
def test_the_rate_falls_to_a_tenth_at_half_and_to_a_hundredth_at_three_quarters(steps: int) -> None:
    assert rate_factor(0, steps) == rate_factor(steps // 2 - 1, steps) == 1.0
    assert rate_factor(steps // 2, steps) == rate_factor(steps * 3 // 4 - 1, steps) == 0.1
    assert rate_factor(steps * 3 // 4, steps) == rate_factor(steps - 1, steps) == 0.01
