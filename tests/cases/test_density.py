from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import density

CORNERS = np.array([[1.0, 1.0], [100.0, 60.0], [1.0, 60.0], [100.0, 1.0], [50.5, 30.25]])


@pytest.mark.parametrize("kind", ["fixed", "adaptive"])
@settings(max_examples=25, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(-3, 104), st.floats(-3, 64)), max_size=40),
)
def test_the_sum_is_the_number_of_heads_wherever_they_are(
    kind: str, points: list[tuple[float, float]]
) -> None:
    made = density.density_map(np.array(points).reshape(-1, 2), 60, 100, kind)
    assert made.shape == (60, 100)
    assert made.min() >= 0
    assert made.sum() == pytest.approx(len(points), abs=1e-9 * max(1, len(points)))


def test_the_peak_is_at_the_head() -> None:
    made = density.density_map(np.array([[1.0, 1.0]]), 60, 100)  # 1-based: the first pixel
    assert np.unravel_index(made.argmax(), made.shape) == (0, 0)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(density.OmgateError, match="allowed are 'fixed' and 'adaptive'"):
        density.density_map(CORNERS, 60, 100, "gauss")


@pytest.mark.parametrize("points", [CORNERS, np.zeros((0, 2)), CORNERS[:1]])
def test_a_mat_file_reads_back(tmp_path: Path, points: np.ndarray) -> None:
    density.write_points(tmp_path / "GT_IMG_1.mat", points)
    np.testing.assert_array_equal(density.read_points(tmp_path / "GT_IMG_1.mat"), points)


def test_a_mat_file_nests_as_shanghaitechs_do(tmp_path: Path) -> None:
    from scipy.io import loadmat

    density.write_points(tmp_path / "GT_IMG_1.mat", CORNERS)
    inner = loadmat(tmp_path / "GT_IMG_1.mat")["image_info"][0, 0][0, 0]
    np.testing.assert_array_equal(inner[0], CORNERS)
    assert int(inner[1][0, 0]) == len(CORNERS)


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0", b"\x00" * 300])
def test_a_torn_mat_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "GT_IMG_7.mat"
    path.write_bytes(content)
    with pytest.raises(density.MatError, match=r"GT_IMG_7\.mat"):
        density.read_points(path)


def test_a_mat_file_of_another_structure_says_what_it_holds(tmp_path: Path) -> None:
    from scipy.io import savemat

    savemat(tmp_path / "GT_IMG_1.mat", {"points": CORNERS})
    with pytest.raises(density.MatError, match="seen variables points; expected image_info"):
        density.read_points(tmp_path / "GT_IMG_1.mat")


def test_a_csv_keeps_the_count_and_leaves_nothing_behind(tmp_path: Path) -> None:
    made = density.density_map(CORNERS, 60, 100)
    density.write_csv(tmp_path / "IMG_1.csv", made)
    read = np.loadtxt(tmp_path / "IMG_1.csv", delimiter=",")
    assert read.shape == made.shape
    assert read.sum() == pytest.approx(5, rel=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["IMG_1.csv"]


def test_csvs_are_derived_once_and_again_when_the_points_change(tmp_path: Path) -> None:
    for folder in ("images", "ground_truth"):
        (tmp_path / folder).mkdir()
    (tmp_path / "images" / "IMG_1.jpg").touch()
    mat = tmp_path / "ground_truth" / "GT_IMG_1.mat"
    density.write_points(mat, CORNERS)
    density.write_points(tmp_path / "ground_truth" / "GT_IMG_2.mat", CORNERS)  # its image is gone
    assert density.derive_csvs(tmp_path, lambda image: (60, 100)) == 1
    assert density.derive_csvs(tmp_path, lambda image: (60, 100)) == 0
    density.write_points(mat, CORNERS[:2])
    import os

    later = (tmp_path / "ground_truth_csv" / "IMG_1.csv").stat().st_mtime + 10
    os.utime(mat, (later, later))
    assert density.derive_csvs(tmp_path, lambda image: (60, 100)) == 1
    assert np.loadtxt(tmp_path / "ground_truth_csv" / "IMG_1.csv", delimiter=",").sum() == pytest.approx(2)
