from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cases import density, synthetic

COMMITTED = Path(__file__).parents[2] / "cases" / "mcnn" / "data" / "synthetic"


def test_the_same_seed_gives_the_same_drawing_instructions() -> None:
    assert synthetic.plan(42) == synthetic.plan(42)
    assert synthetic.plan(42) != synthetic.plan(43)


def test_test_and_training_seeds_never_meet() -> None:
    assert not set(synthetic.TEST_SEEDS) & set(synthetic.TRAINING_SEEDS)
    assert {scene.seed for scene in synthetic.test_scenes()} <= set(synthetic.TEST_SEEDS)


def test_the_committed_set_is_what_its_seeds_give() -> None:
    scenes = synthetic.test_scenes()
    with (COMMITTED / "counts.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(scenes) == 24
    for row, scene in zip(rows, scenes, strict=True):
        points = density.read_points(COMMITTED / "ground_truth" / f"GT_{row['image']}.mat")
        np.testing.assert_allclose(points, scene.points(), atol=1e-9)
        assert (int(row["people"]), int(row["height"]), int(row["width"]), int(row["seed"])) == (
            len(scene.people),
            scene.height,
            scene.width,
            scene.seed,
        )


def test_the_committed_set_covers_what_it_promises() -> None:
    scenes = synthetic.test_scenes()
    counts = [len(scene.people) for scene in scenes]
    heads = [person.head for scene in scenes for person in scene.people]
    assert (min(counts), max(counts)) == (5, 1500)
    assert min(heads) < 6
    assert max(heads) > 55
    assert min(heads) >= synthetic.SMALLEST_HEAD
    assert max(heads) <= synthetic.LARGEST_HEAD
    assert any(scene.grey for scene in scenes)
    assert not all(scene.grey for scene in scenes)
    assert any(scene.width % 4 for scene in scenes)
    assert any(scene.height % 2 for scene in scenes)
    files = [path for path in COMMITTED.rglob("*") if path.is_file() and path.suffix != ".csv"]
    assert sum(path.stat().st_size for path in files) < 6_000_000


def test_a_committed_picture_is_still_what_is_drawn() -> None:
    import cv2

    scene = synthetic.test_scenes()[11]  # the smallest
    committed = cv2.imread(str(COMMITTED / "images" / "IMG_12.jpg"), cv2.IMREAD_GRAYSCALE)
    drawn = synthetic.draw(scene)
    grey = drawn if drawn.ndim == 2 else cv2.cvtColor(drawn, cv2.COLOR_BGR2GRAY)
    assert committed.shape == grey.shape
    assert np.abs(committed.astype(float) - grey).mean() < 6  # levels; JPEG's loss


@pytest.mark.parametrize("count", [5, 300])
def test_heads_lie_inside_and_do_not_hide_each_other(count: int) -> None:
    scene = synthetic.plan(7, count, (300, 400))
    points = scene.points()
    assert len(points) == count
    assert points.min() >= 1
    assert (points[:, 0] <= 401).all()
    assert (points[:, 1] <= 301).all()
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(count)
    assert apart.min() > 1  # pixel


def test_generate_writes_the_shanghaitech_layout_and_resumes(tmp_path: Path) -> None:
    seen = []
    people = synthetic.generate(tmp_path, [500, 501], lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    total = 0.0
    for number in (1, 2):
        points = density.read_points(tmp_path / "ground_truth" / f"GT_IMG_{number}.mat")
        table = np.loadtxt(tmp_path / "ground_truth_csv" / f"IMG_{number}.csv", delimiter=",")
        assert table.sum() == pytest.approx(len(points), rel=1e-6)
        total += table.sum()
    assert total == pytest.approx(people, rel=1e-6)
    before = (tmp_path / "images" / "IMG_1.jpg").stat().st_mtime_ns
    (tmp_path / "images" / "IMG_2.jpg").unlink()
    synthetic.generate(tmp_path, [500, 501])
    assert (tmp_path / "images" / "IMG_1.jpg").stat().st_mtime_ns == before
    assert (tmp_path / "images" / "IMG_2.jpg").exists()


def test_other_seeds_do_not_mix_into_the_same_folder(tmp_path: Path) -> None:
    synthetic.write_scenes(tmp_path, [synthetic.plan(500, 5, (96, 96))])
    with pytest.raises(synthetic.OmgateError, match="other scenes lie here already"):
        synthetic.write_scenes(tmp_path, [synthetic.plan(501, 5, (96, 96))])
