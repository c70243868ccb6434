import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from cases import density, ground_truth, shanghaitech
from cases.dataset import Dataset
from cases.errors import OmgateError
from cases.shanghaitech import PartReport, Published, ShanghaiTechError, clip, convert

HEIGHT, WIDTH = 40, 60


def points(count: int, seed: int = 0) -> np.ndarray:
    return 1 + np.random.default_rng(seed).random((count, 2)) * [WIDTH - 1, HEIGHT - 1]


def archive(
    root: Path, part: str = "part_A_final", train: int = 3, test: int = 2, truths: str = "ground_truth"
) -> Path:
    """A small ShanghaiTech: image n of each split has n heads."""
    for split, count in (("train_data", train), ("test_data", test)):
        images, mats = root / part / split / "images", root / part / split / truths
        images.mkdir(parents=True)
        mats.mkdir(parents=True)
        for number in range(1, count + 1):
            pixels = np.random.default_rng(number).integers(0, 255, (HEIGHT, WIDTH), dtype=np.uint8)
            (images / f"IMG_{number}.jpg").write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())
            density.write_points(mats / f"GT_IMG_{number}.mat", points(number, number))
    return root


def problem(source: Path, dest: Path) -> str:
    with pytest.raises(OmgateError) as caught:
        convert(source, dest)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_an_archive_becomes_test_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, dest = archive(tmp_path / "source", train=11), tmp_path / "dest"
    seen: list[tuple[int, int, str]] = []
    report = convert(source, dest, progress=lambda *state: seen.append(state))
    assert (report.written, report.kept, report.repaired) == (13, 0, 0)
    assert report.parts == (PartReport("part_A", 11, 2, 69),)
    assert report.absent == ("part_B/train_data", "part_B/test_data")
    assert seen[0] == (1, 13, "part_A/train_data/IMG_1")
    assert seen[-1] == (13, 13, "part_A/test_data/IMG_2")
    samples = Dataset.open(dest / "part_A" / "train_data").samples
    assert [sample.name for sample in samples] == [f"IMG_{number}" for number in range(1, 12)]
    for number, sample in enumerate(samples, 1):  # one head counts 1: not the 255 of the field's script
        assert sample.truth is not None
        assert sample.image is not None
        assert ground_truth.read(sample.truth, (HEIGHT, WIDTH)).count == pytest.approx(number, abs=1e-4)
        original = source / "part_A_final" / "train_data" / "images" / sample.image.name
        assert sample.image.read_bytes() == original.read_bytes()
        assert not os.path.samefile(sample.image, original)
    assert not list(dest.rglob(".writing-*"))


def test_totals_are_held_against_the_published_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = archive(tmp_path / "source")
    assert convert(source, tmp_path / "dest").differences == (
        "part_A: 3 training images, published are 300",
        "part_A: 2 test images, published are 182",
        "part_A: 9 heads, published are 241,677",
    )
    monkeypatch.setitem(shanghaitech.PUBLISHED, "part_A", Published(3, 2, 9))
    assert convert(source, tmp_path / "dest").differences == ()


def test_half_a_part_is_no_difference_but_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shanghaitech.PUBLISHED, "part_B", Published(3, 2, 9))
    source = archive(tmp_path / "source", part="part_B")
    (source / "part_B" / "train_data").rename(tmp_path / "away")
    report = convert(source, tmp_path / "dest")
    assert report.parts == (PartReport("part_B", None, 2, 3),)
    assert report.differences == ()
    assert report.absent == ("part_A/train_data", "part_A/test_data", "part_B/train_data")


@pytest.mark.parametrize("start", ["", "ShanghaiTech", "ShanghaiTech/part_A"])
def test_the_source_may_be_the_part_or_a_folder_above(start: str, tmp_path: Path) -> None:
    archive(tmp_path / "ShanghaiTech", part="part_A", truths="ground-truth")
    report = convert(tmp_path / start, tmp_path / "ShanghaiTech" / "dest")
    assert report.parts == (PartReport("part_A", 3, 2, 9),)


def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    source, dest = archive(tmp_path / "source"), tmp_path / "dest"

    def stop(done: int, total: int, name: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(source, dest, progress=stop)
    report = convert(source, dest)
    assert (report.written, report.kept, report.repaired) == (3, 2, 0)
    assert (convert(source, dest).kept, convert(source, dest).written) == (5, 0)


def test_what_is_there_but_wrong_is_written_again(tmp_path: Path) -> None:
    source, dest = archive(tmp_path / "source"), tmp_path / "dest"
    convert(source, dest)
    folder = dest / "part_A" / "train_data"
    tables = [folder / "ground_truth_csv" / f"IMG_{number}.csv" for number in (1, 2, 3)]
    whole = tables[0].read_bytes()
    tables[0].write_bytes(whole[: len(whole) // 2])
    tables[1].write_bytes(whole)  # a count of 1, not 2
    (folder / "images" / "IMG_3.jpg").write_bytes(b"torn")
    report = convert(source, dest)
    assert (report.written, report.kept, report.repaired) == (0, 3, 2)
    assert tables[0].read_bytes() == whole
    assert (folder / "images" / "IMG_3.jpg").stat().st_size > 4


def test_into_its_own_folder_it_adds_the_maps_beside(tmp_path: Path) -> None:
    source = archive(tmp_path / "source", part="part_A")
    picture = source / "part_A" / "train_data" / "images" / "IMG_1.jpg"
    before = picture.stat()
    assert convert(source, source).written == 5
    assert picture.stat().st_ino == before.st_ino
    assert len(Dataset.open(source / "part_A" / "test_data").samples) == 2


def test_heads_outside_the_image_are_clipped_as_the_field_does_and_reported(tmp_path: Path) -> None:
    source = archive(tmp_path / "source")
    mats = source / "part_A_final" / "train_data" / "ground_truth"
    density.write_points(
        mats / "GT_IMG_2.mat", np.array([[-3.2, 5.0], [WIDTH + 9.0, HEIGHT + 0.5], [7.5, 7.5]])
    )
    report = convert(source, tmp_path / "dest")
    assert report.clipped == (("part_A/train_data/IMG_2", 2),)
    table = tmp_path / "dest" / "part_A" / "train_data" / "ground_truth_csv" / "IMG_2.csv"
    assert ground_truth.read(table, (HEIGHT, WIDTH)).count == pytest.approx(3, abs=1e-4)


def test_the_rule_of_clipping() -> None:
    given = np.array([[-3.2, 5.0], [0.5, 1.0], [WIDTH + 0.9, HEIGHT + 0.9], [WIDTH + 1.0, 3.0], [7.9, 7.0]])
    expected = [[4, 5], [1, 1], [WIDTH, HEIGHT], [WIDTH, 3], [7, 7]]
    inside, outside = clip(given, HEIGHT, WIDTH)
    assert np.array_equal(inside, expected)
    assert outside == 3
    assert clip(np.zeros((0, 2)), HEIGHT, WIDTH)[1] == 0


def test_an_image_without_heads_has_an_empty_map(tmp_path: Path) -> None:
    source = archive(tmp_path / "source")
    density.write_points(source / "part_A_final/test_data/ground_truth/GT_IMG_1.mat", np.zeros((0, 2)))
    convert(source, tmp_path / "dest")
    table = tmp_path / "dest" / "part_A" / "test_data" / "ground_truth_csv" / "IMG_1.csv"
    assert ground_truth.read(table, (HEIGHT, WIDTH)).count == 0


def test_a_half_unpacked_archive_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source, dest = archive(tmp_path / "source", train=6), tmp_path / "dest"
    for number in (2, 3, 5, 6):
        (source / f"part_A_final/train_data/ground_truth/GT_IMG_{number}.mat").unlink()
    text = problem(source, dest)
    assert "part_A_final/train_data: 4 images without their ground truth" in text
    assert "IMG_2.jpg, IMG_3.jpg, IMG_5.jpg and 1 more; is the archive half unpacked?" in text
    assert not dest.exists()
    for number in (2, 3, 5, 6):
        (source / f"part_A_final/train_data/images/IMG_{number}.jpg").unlink()
    (source / "part_A_final/test_data/images/IMG_1.jpg").unlink()
    assert "test_data: 1 ground truths without their image IMG_n.jpg: GT_IMG_1.mat;" in problem(source, dest)


def test_a_mat_of_another_structure_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source, dest = archive(tmp_path / "source"), tmp_path / "dest"
    mats = source / "part_A_final" / "train_data" / "ground_truth"
    savemat(mats / "GT_IMG_2.mat", {"annPoints": np.zeros((3, 2))})
    text = problem(source, dest)
    assert text.startswith(str(mats / "GT_IMG_2.mat"))
    assert "annPoints" in text
    assert "nothing was converted" in text
    (mats / "GT_IMG_3.mat").write_bytes(b"rubbish")
    assert "1 more files are like it" in problem(source, dest)
    assert not dest.exists()


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    source = archive(tmp_path / "source")
    picture = source / "part_A_final/train_data/images/IMG_2.jpg"
    picture.write_bytes(picture.read_bytes()[:500])
    assert problem(source, tmp_path / "dest").startswith(str(picture))


def test_folders_that_are_not_shanghaitechs(tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    assert "no such folder" in problem(tmp_path / "none", dest)
    (tmp_path / "empty").mkdir()
    assert "no part_A_final (part_A) or part_B_final (part_B)" in problem(tmp_path / "empty", dest)
    (tmp_path / "bare" / "part_A").mkdir(parents=True)
    assert "no train_data or test_data in it" in problem(tmp_path / "bare", dest)
    (tmp_path / "bare" / "part_A" / "test_data" / "images").mkdir(parents=True)
    assert "seen images; expected images/ and ground_truth/" in problem(tmp_path / "bare", dest)
    (tmp_path / "bare" / "part_A" / "test_data" / "ground_truth").mkdir()
    assert "no IMG_n.jpg in it" in problem(tmp_path / "bare", dest)
    archive(tmp_path / "two", part="part_A")
    archive(tmp_path / "two", part="part_A_final")
    assert "part_A and part_A_final are both part_A; keep one" in problem(tmp_path / "two", dest)


def test_a_destination_that_cannot_be_written_says_how_far_it_came(tmp_path: Path) -> None:
    source = archive(tmp_path / "source")
    (tmp_path / "dest").write_bytes(b"")
    with pytest.raises(ShanghaiTechError, match="0 of 5 are done, run it again to go on"):
        convert(source, tmp_path / "dest")


def test_the_training_images_are_cut_into_patches(tmp_path: Path) -> None:
    source = archive(tmp_path / "source", train=0)
    for number in (1, 2):
        folder = source / "part_A_final" / "train_data"
        grey = np.random.default_rng(number).integers(0, 255, (70, 140), dtype=np.uint8)
        (folder / "images" / f"IMG_{number}.jpg").write_bytes(cv2.imencode(".jpg", grey)[1].tobytes())
        outside = np.array([[150.0, 20.0], [30.0, 30.0]])
        density.write_points(folder / "ground_truth" / f"GT_IMG_{number}.mat", outside)
    seen: list[tuple[int, int]] = []
    (report,) = shanghaitech.cut_patches(
        source, tmp_path / "dest", progress=lambda *state: seen.append(state)
    )
    assert report.folder == tmp_path / "dest" / "formatted_trainval" / "shanghaitech_part_A_patches_9"
    assert (report.train, report.val, report.written) == (9, 9, 18)
    assert seen == [(1, 2), (2, 2)]
    assert len(list((report.folder / "val_den").iterdir())) == 9
