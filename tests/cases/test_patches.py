from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.commands.prepare import PATCH_SEED
from cases import dataset, density, ground_truth, patches
from cases.errors import OmgateError
from cases.mcnn.training import patches as loader
from cases.patches import Source, cut, cut_scenes, places, validation_images
from cases.synthetic import generate


def sources(folder: Path, count: int = 4, height: int = 130, width: int = 200) -> list[Source]:
    """Images of noise with ten heads each."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(1, count + 1):
        random = np.random.default_rng(number)
        path = folder / f"IMG_{number}.png"
        good, content = cv2.imencode(".png", random.integers(0, 256, (height, width), dtype=np.uint8))
        assert good
        path.write_bytes(content.tobytes())
        points = 1 + random.random((10, 2)) * [width - 1, height - 1]
        made.append(Source(path.stem, path, np.floor(points)))
    return made


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_and_the_recipe_have_one_seed() -> None:
    assert PATCH_SEED == patches.SEED


def test_of_300_images_29_validate_and_of_few_at_least_one() -> None:
    assert len(validation_images(300, patches.SEED)) == 29
    assert validation_images(300, patches.SEED) != validation_images(300, 1)
    assert [len(validation_images(images, 1)) for images in (1, 2, 4, 21)] == [0, 1, 1, 2]


def test_nine_patches_of_a_quarter_of_each_side_lie_inside_their_image() -> None:
    found = places("IMG_7", 7, "train", 683, 1024, 5)
    assert [one.name for one in found] == [f"IMG_7_{number}" for number in range(1, 10)]
    assert {(one.height, one.width) for one in found} == {(160, 256)}
    assert all(0 <= one.top <= 683 - 160 and 0 <= one.left <= 1024 - 256 for one in found)
    assert len({(one.top, one.left) for one in found}) == 9
    assert found == places("IMG_7", 7, "train", 683, 1024, 5)
    assert found != places("IMG_7", 7, "train", 683, 1024, 6)


def test_a_patch_is_a_piece_of_its_image_and_of_its_density(tmp_path: Path) -> None:
    made = sources(tmp_path / "images")
    report = cut(made, tmp_path / "out")
    assert (report.train, report.val, report.written, report.kept) == (27, 9, 36, 0)
    lines = (tmp_path / "out" / "patches.csv").read_text().splitlines()[1:]
    assert len(lines) == 36
    for line in lines:
        name, split, *numbers = line.split(",")
        top, left, height, width = map(int, numbers)
        source = made[int(name.split("_")[1]) - 1]
        piece = dataset.decode(tmp_path / "out" / split / f"{name}.png")
        rows, columns = slice(top, top + height), slice(left, left + width)
        np.testing.assert_array_equal(piece, dataset.decode(source.image)[rows, columns])
        whole = density.density_map(source.points, 130, 200)
        truth = ground_truth.read(tmp_path / "out" / f"{split}_den" / f"{name}.csv", (height, width))
        np.testing.assert_allclose(truth.density, whole[rows, columns], rtol=1e-6, atol=1e-12)


def test_the_training_reads_what_was_cut(tmp_path: Path) -> None:
    cut(sources(tmp_path / "images"), tmp_path / "out")
    found = loader.load(tmp_path / "out" / "train", tmp_path / "out" / "train_den", "train_path")
    assert len(found) == 27
    np.testing.assert_allclose(found.density.sum((1, 2, 3)), found.people, rtol=1e-5, atol=1e-6)


def test_a_break_is_gone_on_with_and_gives_the_same(tmp_path: Path) -> None:
    made = sources(tmp_path / "images")
    cut(made, tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        cut(made, tmp_path / "out", progress=stop)
    broken = next((tmp_path / "out").glob("train/*.png"))
    broken.unlink()
    seen: list[tuple[int, int]] = []
    report = cut(made, tmp_path / "out", progress=lambda *state: seen.append(state))
    assert (report.written, report.kept) == (19, 17)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_another_seed_in_the_same_folder_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    made = sources(tmp_path / "images", count=2)
    cut(made, tmp_path / "out")
    before = content(tmp_path / "out")
    with pytest.raises(OmgateError, match="other patches lie here already"):
        cut(made, tmp_path / "out", seed=1)
    assert content(tmp_path / "out") == before


def test_an_image_that_is_too_small_is_named_before_anything_is_written(tmp_path: Path) -> None:
    made = sources(tmp_path / "images", count=2, height=60)
    with pytest.raises(OmgateError, match=r"IMG_1.png: 60 x 200 pixels; .* at least 64 a side"):
        cut(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="/proc"):
        cut(sources(tmp_path / "images", count=1), Path("/proc/patches"))


def test_synthetic_scenes_give_patches_but_not_test_scenes(tmp_path: Path) -> None:
    seeds = range(100_000, 100_002)
    generate(tmp_path, seeds)
    report = cut_scenes(tmp_path, seeds, patches.SEED)
    assert (report.train, report.val) == (9, 9)
    assert report.folder == tmp_path / "formatted_trainval" / "synthetic_patches_9"
    with pytest.raises(OmgateError, match="are test scenes, not to be trained on; begin at --seed 100000"):
        cut_scenes(tmp_path, range(998, 1004), patches.SEED)
