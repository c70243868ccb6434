import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import preprocess

SIDES = st.integers(4, 90)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "top", "left"),
    [(768, 1024, 128, 0), (683, 1024, 171, 0), (1024, 1024, 0, 0), (1, 1, 512, 512), (375, 501, 325, 262)],
)
def test_padding_is_exact_for_odd_sizes(height: int, width: int, top: int, left: int) -> None:
    geometry = preprocess.plan("pad-1024", height, width, size=(1024, 1024))
    assert (geometry.top, geometry.left) == (top, left)
    image = picture(height, width)
    pixels = preprocess.apply(image, geometry)
    assert pixels.shape == (1, 1, 1024, 1024)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels[0, 0, top : top + height, left : left + width], image)
    assert pixels.sum(dtype=np.int64) == image.sum(dtype=np.int64)


def test_an_image_above_the_pad_is_refused_or_scaled_in_its_proportions() -> None:
    with pytest.raises(preprocess.TooLargeError, match="1500 x 1000 pixels do not fit into pad-1024"):
        preprocess.plan("pad-1024", 1500, 1000)
    geometry = preprocess.plan("pad-1024", 1500, 1000, "downscale")
    assert (geometry.height, geometry.width, geometry.top, geometry.left) == (1024, 683, 0, 171)
    assert preprocess.apply(picture(1500, 1000), geometry).shape == (1, 1, 1024, 1024)
    assert preprocess.plan("pad-1024", 3, 20000, "downscale").height == 1


def test_resizing_is_opencvs_bilinear() -> None:
    image = picture(300, 400)
    geometry = preprocess.plan("resize-1024", 300, 400)
    expected = cv2.resize(image, (1024, 1024), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(preprocess.apply(image, geometry)[0, 0], expected)


def test_native_goes_down_to_a_multiple_as_the_published_evaluation_does() -> None:
    image = picture(683, 1024)
    geometry = preprocess.plan("native-4", 683, 1024)
    assert (geometry.input_height, geometry.input_width) == (680, 1024)
    assert np.array_equal(preprocess.apply(image, geometry)[0, 0], cv2.resize(image, (1024, 680)))
    whole = preprocess.plan("native-4", 680, 1024)
    assert np.array_equal(preprocess.apply(image[:680], whole)[0, 0], image[:680])
    with pytest.raises(preprocess.PreprocessError, match="fewer than native-4 needs"):
        preprocess.plan("native-4", 3, 1024)


def test_a_policy_is_a_kind_and_a_size() -> None:
    assert preprocess.parse_policy("pad-768x1024").size == (768, 1024)
    assert preprocess.parse_policy("resize-256").size == (256, 256)
    assert preprocess.parse_policy("native-8").multiple == 8
    for name in ("pad", "pad-0", "pad-1024 ", "stretch-4", "native-4x4", "pad--4", ""):
        with pytest.raises(preprocess.PreprocessError, match="allowed are pad-N"):
            preprocess.parse_policy(name)


def test_contradictions_are_refused() -> None:
    with pytest.raises(preprocess.PreprocessError, match="does not agree"):
        preprocess.plan("pad-1024", 10, 10, size=(512, 512))
    with pytest.raises(preprocess.PreprocessError, match="allowed are refuse and downscale"):
        preprocess.plan("pad-1024", 10, 10, "crop")
    with pytest.raises(preprocess.PreprocessError, match="nothing to measure"):
        preprocess.plan("pad-1024", 0, 10)
    with pytest.raises(preprocess.PreprocessError, match="this geometry is for"):
        preprocess.apply(picture(11, 10), preprocess.plan("pad-1024", 10, 10))


def test_the_geometry_is_data() -> None:
    assert preprocess.plan("pad-1024", 683, 1023).as_dict() == {
        "policy": "pad-1024",
        "source_height": 683,
        "source_width": 1023,
        "height": 683,
        "width": 1023,
        "top": 171,
        "left": 1,
        "input_height": 1024,
        "input_width": 1024,
    }


def test_a_padded_density_is_the_sum_over_blocks() -> None:
    density = np.random.default_rng(1).random((61, 47))
    geometry = preprocess.plan("pad-64", 61, 47)
    canvas = np.zeros((64, 64))
    canvas[geometry.top : geometry.top + 61, geometry.left : geometry.left + 47] = density
    expected = canvas.reshape(16, 4, 16, 4).sum(axis=(1, 3))
    grid = preprocess.place_density(density, geometry, 4)
    assert grid.dtype == np.float32
    np.testing.assert_allclose(grid, expected, rtol=1e-6)


def test_a_scaled_density_shares_a_pixel_among_the_cells_that_it_covers() -> None:
    geometry = preprocess.plan("resize-8", 3, 3)  # a pixel of 8/3 input pixels, cells of 4
    density = np.zeros((3, 3))
    density[1, 0] = 6.0  # rows 2.67 .. 5.33: half in either cell
    np.testing.assert_allclose(preprocess.place_density(density, geometry, 4), [[3, 0], [3, 0]], rtol=1e-6)


@given(
    height=SIDES,
    width=SIDES,
    policy=st.sampled_from(["pad-64", "resize-64", "native-4", "pad-62", "resize-30", "pad-40x64"]),
    stride=st.sampled_from([1, 2, 4, 5]),
)
@settings(max_examples=60, deadline=None)
def test_the_sum_is_kept_whatever_happens_to_the_image(
    height: int, width: int, policy: str, stride: int
) -> None:
    geometry = preprocess.plan(policy, height, width, "downscale")
    if min(geometry.input_height, geometry.input_width) < stride:
        return
    density = np.random.default_rng(height).random((height, width)) ** 8
    grid = preprocess.place_density(density, geometry, stride)
    assert grid.shape == (geometry.input_height // stride, geometry.input_width // stride)
    assert grid.min() >= 0
    assert grid.sum(dtype=np.float64) == pytest.approx(density.sum(), rel=1e-6)


def test_a_coarser_density_is_stretched_over_the_image() -> None:
    geometry = preprocess.plan("pad-64", 40, 24)
    density = np.random.default_rng(2).random((10, 6))
    grid = preprocess.place_density(density, geometry, 4)
    np.testing.assert_allclose(grid[3:13, 5:11], density, rtol=1e-6)
    assert grid.sum(dtype=np.float64) == pytest.approx(density.sum(), rel=1e-6)
