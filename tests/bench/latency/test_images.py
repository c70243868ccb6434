"""The images of a measurement: the first of the test set, the same for every measurement."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.latency import images
from bench.latency.images import load_images
from cases.case import Case, load_all
from cases.dataset import Dataset
from tests.bench import tiny

pytest.importorskip("onnx")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    (found,) = load_all(tiny.house(tmp_path, images=5))
    return found


def test_they_are_held_and_taken_in_turn(case: Case) -> None:
    found = load_images(case, Dataset.open(case.data.root).samples)
    assert len(found.pixels) == 5
    assert found.pixels[0].shape == (1, 1, 64, 64)
    assert found.at(7) is found.pixels[2]


def test_their_number_is_bounded(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = Dataset.open(case.data.root).samples
    monkeypatch.setattr(images, "MOST_IMAGES", 3)
    assert len(load_images(case, samples).pixels) == 3
    monkeypatch.setattr(images, "MOST_BYTES", 2 * 64 * 64)
    assert len(load_images(case, samples).pixels) == 2
    monkeypatch.setattr(images, "MOST_BYTES", 1)
    assert len(load_images(case, samples).pixels) == 1


def test_the_digest_is_of_what_is_measured(case: Case) -> None:
    samples = Dataset.open(case.data.root).samples
    before = load_images(case, samples).data
    assert before == load_images(case, samples).data
    tiny.write_image(case.data.root / "images" / "IMG_2.jpg", 99)
    assert load_images(case, samples).data != before


def test_an_image_that_cannot_be_prepared_is_left_to_the_accuracy_test(case: Case) -> None:
    for name in ("IMG_1", "IMG_4"):
        (case.data.root / "images" / f"{name}.jpg").unlink()
    found = load_images(case, Dataset.open(case.data.root).samples)
    assert len(found.pixels) == 3


def test_without_images_there_is_no_digest(case: Case) -> None:
    assert load_images(case, ()) == images.Images((), "")
