"""Metrics of one image, against slow and plain definitions and against their properties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import game, per_image, psnr, ssim


@dataclass(frozen=True)
class Geometry:
    """What metrics read of cases.preprocess.Geometry."""

    height: int
    width: int
    top: int
    left: int
    input_height: int
    input_width: int


FULL = Geometry(64, 96, 0, 0, 64, 96)
PADDED = Geometry(39, 71, 13, 14, 64, 96)  # borders fall inside the 4x4 pixel blocks


def maps(seed: int = 0, height: int = 16, width: int = 24) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.random((height, width), np.float32), random.random((height, width), np.float32)


def game_by_cumulative_sum(density: np.ndarray, truth: np.ndarray, geometry: Geometry, level: int) -> float:
    """GAME by interpolating the two-dimensional cumulative sum at the cells' corners, cell by cell."""
    from scipy.interpolate import RegularGridInterpolator

    height, width = density.shape
    table = np.zeros((height + 1, width + 1))
    table[1:, 1:] = (density.astype(np.float64) - truth).cumsum(0).cumsum(1)
    at = RegularGridInterpolator((np.arange(height + 1), np.arange(width + 1)), table)
    n = 2**level
    rows = [(geometry.top + geometry.height * i / n) * height / geometry.input_height for i in range(n + 1)]
    columns = [(geometry.left + geometry.width * i / n) * width / geometry.input_width for i in range(n + 1)]
    rows[0], rows[-1], columns[0], columns[-1] = 0, height, 0, width
    total = 0.0
    for i in range(n):
        for j in range(n):
            r0, r1, c0, c1 = rows[i], rows[i + 1], columns[j], columns[j + 1]
            total += abs((at((r1, c1)) - at((r0, c1)) - at((r1, c0)) + at((r0, c0))).item())
    return total


@pytest.mark.parametrize("geometry", [FULL, PADDED], ids=["full", "padded"])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_game_is_its_definition(geometry: Geometry, level: int) -> None:
    density, truth = maps()
    expected = game_by_cumulative_sum(density, truth, geometry, level)
    assert game(density, truth, geometry, (level,))[level] == pytest.approx(expected, rel=1e-10)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(8, 64),
    st.integers(8, 96),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_game_loses_no_density_and_never_falls_with_the_level(
    seed: int, height: int, width: int, down: float, right: float
) -> None:
    geometry = Geometry(height, width, int(down * (64 - height)), int(right * (96 - width)), 64, 96)
    density, truth = maps(seed)
    values = game(density, truth, geometry, (0, 1, 2, 3))
    assert values[0] == pytest.approx(abs(density.sum(dtype=float) - truth.sum(dtype=float)), abs=1e-9)
    assert values[0] <= values[1] + 1e-9
    assert values[1] <= values[2] + 1e-9
    assert values[2] <= values[3] + 1e-9
    more = game(density + 1, truth - 1, geometry, (3,))[
        3
    ]  # every difference is positive: nothing cancels, nothing is lost
    assert more == pytest.approx((density.astype(float) + 2 - truth).sum(), rel=1e-5)


def test_a_person_who_moves_across_the_middle_counts_twice() -> None:
    density, truth = np.zeros((2, 16, 24), np.float32)
    density[8, 2] = truth[8, 20] = 1
    assert game(density, truth, FULL, (0, 1)) == {0: 0.0, 1: 2.0}


def test_psnr_is_its_formula_and_reads_the_image_area_alone() -> None:
    density, truth = maps()
    expected = 10 * np.log10(truth.max().astype(float) ** 2 / np.mean((density.astype(float) - truth) ** 2))
    assert psnr(density, truth, FULL) == pytest.approx(expected, rel=1e-6)
    inside = psnr(density, truth, PADDED)
    density[0, 0] += 100  # padding
    assert psnr(density, truth, PADDED) == inside


def test_ssim_is_its_definition() -> None:
    density, truth = maps()
    x, y = density.astype(float) / truth.max(), truth.astype(float) / truth.max()
    steps = np.arange(-5, 6)
    row = np.exp(-(steps**2) / (2 * 1.5**2))
    window = np.outer(row, row) / row.sum() ** 2
    scores = []
    for i in range(16 - 10):
        for j in range(24 - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * a * a).sum() - ma**2, (window * b * b).sum() - mb**2
            cov = (window * a * b).sum() - ma * mb
            c1, c2 = 0.01**2, 0.03**2
            scores.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    assert ssim(density, truth, FULL) == pytest.approx(np.mean(scores), abs=1e-5)


def test_ssim_of_equal_maps_is_one_and_falls_with_noise() -> None:
    truth = maps(1)[1]
    noise = maps(2)[0]
    scores = [ssim(truth + factor * noise, truth, FULL) for factor in (0, np.float32(0.1), np.float32(1))]
    assert scores[0] == pytest.approx(1.0, abs=1e-6)
    assert scores == sorted(scores, key=lambda score: -(score or 0))


def test_what_has_no_value_is_left_out() -> None:
    density, truth = maps()
    zero = np.zeros_like(truth)
    assert set(per_image(density, truth, FULL)) == {"game1", "game2", "game3", "psnr", "ssim"}
    assert set(per_image(density, zero, FULL)) == {"game1", "game2", "game3"}
    assert set(per_image(truth, truth, FULL)) == {"game1", "game2", "game3", "ssim"}, (
        "an infinite PSNR is no number"
    )
    small = Geometry(20, 20, 0, 0, 64, 96)  # five map pixels: smaller than SSIM's window
    assert "ssim" not in per_image(density, truth, small)


def test_only_named_metrics_are_computed_and_summaries_are_passed_over() -> None:
    density, truth = maps()
    names = ("mae", "rmse", "psnr", "game2", "relative_mae")
    assert list(per_image(density, truth, FULL, names)) == ["psnr", "game2"]
    assert per_image(density, truth, FULL, ()) == {}
