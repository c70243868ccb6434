"""Operations on tensors of the emulated `mindx.sdk.base`, against numpy and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.bench.emulator import python_home  # noqa: F401 - finds the modules

INVALID = r" \(Code = 1004, Message = \"Invalid parameter\"\) "
FLOATS = ("float16", "float32")
ONE = np.array([[250, 7, 0, 9], [1, 2, 3, 200]])
TWO = np.array([[10, 2, 0, 4], [3, 0, 3, 100]])


@pytest.fixture
def base() -> Any:
    from mindx.sdk import base

    return base


def on_device(base: Any, values: Any, kind: str, device: int = 0) -> Any:
    tensor = base.Tensor(np.ascontiguousarray(values, kind))
    tensor.to_device(device)
    return tensor


def values(tensor: Any) -> np.ndarray:
    assert tensor.device == 0
    tensor.to_host()
    return np.array(tensor)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("add", [[255, 9, 0, 13], [4, 2, 6, 255]]),
        ("subtract", [[240, 5, 0, 5], [0, 2, 0, 100]]),
        ("multiply", [[255, 14, 0, 36], [3, 0, 9, 255]]),
        ("divide", [[25, 4, 0, 2], [0, 0, 1, 2]]),
        ("min_operator", [[10, 2, 0, 4], [1, 0, 3, 100]]),
        ("max_operator", [[250, 7, 0, 9], [3, 2, 3, 200]]),
    ],
)
def test_bytes_stay_within_their_range(base: Any, name: str, expected: Any) -> None:
    found = getattr(base, name)(on_device(base, ONE, "uint8"), on_device(base, TWO, "uint8"))
    assert (found.dtype, found.shape) == (base.uint8, [2, 4])
    assert values(found).tolist() == expected


@pytest.mark.parametrize("kind", FLOATS)
def test_floats_are_numpys(base: Any, kind: str) -> None:
    first, second = ONE / 7, TWO / 3 + 0.5
    for name, work in (
        ("add", np.add),
        ("subtract", np.subtract),
        ("multiply", np.multiply),
        ("divide", np.divide),
    ):
        found = getattr(base, name)(on_device(base, first, kind), on_device(base, second, kind))
        expected = work(*(item.astype(kind).astype(np.float32) for item in (first, second))).astype(kind)
        assert (values(found) == expected).all(), name
    zero = on_device(base, np.zeros((2, 4)), kind)
    with np.errstate(all="ignore"):
        assert np.isinf(values(base.divide(on_device(base, ONE + 1, kind), zero))).all()


def test_scales_and_mixed_types(base: Any) -> None:
    one, two = on_device(base, [[6, 9]], "uint8"), on_device(base, [[3, 2]], "uint8")
    assert values(base.multiply(one, two, 0.5)).tolist() == [[9, 9]]
    assert values(base.divide(one, two, 2)).tolist() == [[4, 9]]
    mixed = base.divide(one, on_device(base, [[4, 2]], "float32"))
    assert mixed.dtype is base.float32
    assert values(mixed).tolist() == [[1.5, 4.5]]


def test_clip_and_types(base: Any) -> None:
    assert values(base.clip(on_device(base, [[1, 7, 4]], "uint8"), 3, 6)).tolist() == [[3, 6, 4]]
    found = base.convert_to(on_device(base, [[1.2, 300, -4]], "float32"), base.uint8)
    assert (found.dtype, values(found).tolist()) == (base.uint8, [[1, 255, 0]])
    for name in ("int16", "float16", "int64"):
        found = base.convert_to(on_device(base, [[1, 7, 4]], "uint8"), getattr(base, name))
        assert (found.dtype.name, values(found).tolist()) == (name, [[1, 7, 4]])


@pytest.mark.parametrize("name", ["add", "divide", "min_operator", "max_operator"])
def test_what_does_not_fit_is_refused(base: Any, name: str) -> None:
    work = getattr(base, name)
    good = on_device(base, ONE, "uint8")
    wrong = [
        (base.Tensor(ONE.astype(np.uint8)), good),
        (on_device(base, ONE, "uint8", 1), good),
        (on_device(base, ONE, "int64"), on_device(base, ONE, "int64")),
        (on_device(base, ONE.T, "uint8"), good),
    ]
    if name != "divide":
        wrong.append((on_device(base, ONE, "float16"), good))
    for pair in wrong:
        with pytest.raises(RuntimeError, match=INVALID):
            work(*pair)
    with pytest.raises(TypeError, match=f"in method '{name}', argument 2 of type 'PyBase::Tensor const &'"):
        work(good, [])


def test_axes(base: Any) -> None:
    cube = np.arange(24).reshape(2, 3, 4)
    found = base.transpose_operator(on_device(base, cube, "uint8"), [1, 0, 2])
    assert (values(found) == cube.transpose(1, 0, 2)).all()
    for wrong in ([0, 0, 1], [0, 1]):
        with pytest.raises(RuntimeError, match=INVALID):
            base.transpose_operator(on_device(base, cube, "uint8"), wrong)
    with pytest.raises(RuntimeError, match=INVALID):
        base.transpose_operator(base.Tensor(cube), [1, 0, 2])


def test_colours(base: Any) -> None:
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = 200, 40
    modes = {mode.name: mode for mode in base.cvt_color_mode}
    results = {}
    for name, mode in modes.items():
        if name == "color_rgba2mrgba":
            continue
        source = name[len("color_") :].split("2")[0] if "sp4202" not in name else "yuv"
        shape = {"rgb": (6, 8, 3), "bgr": (6, 8, 3), "rgba": (6, 8, 4), "gray": (6, 8, 1), "yuv": (9, 8, 1)}[
            source
        ]
        given = np.full(shape, 90, np.uint8) if source in ("gray", "yuv") else np.zeros(shape, np.uint8)
        if source in ("rgb", "bgr", "rgba"):
            given[..., :3] = pixels
        results[name] = values(base.cvt_color(on_device(base, given, "uint8"), mode))
    assert (results["color_rgb2bgr"] == pixels[:, :, ::-1]).all()
    assert (results["color_bgr2rgb"] == pixels[:, :, ::-1]).all()
    assert results["color_rgb2rgba"].tolist() == np.dstack([pixels, np.full((6, 8), 255)]).tolist()
    assert (results["color_rgba2rgb"] == pixels).all()
    gray = 0.299 * 200 + 0.587 * 40
    for name in ("color_rgb2gray", "color_rgba2gray"):
        assert results[name].shape == (6, 8, 1)
        assert np.abs(results[name] - gray).max() <= 1
    assert (results["color_gray2rgb"] == 90).all()
    assert (results["color_yuvsp4202gray"] == 90).all()
    for name in ("color_rgb2yuvsp420", "color_bgr2yvusp420"):
        assert results[name].shape == (9, 8, 1)
    # red is the first colour here: much Cr, little Cb
    blue_first = results["color_rgb2yuvsp420"][6:].reshape(3, 4, 2)
    red_first = results["color_rgb2yvusp420"][6:].reshape(3, 4, 2)
    assert (blue_first[..., 1] > 200).all()
    assert (blue_first == red_first[..., ::-1]).all()
    back = values(
        base.cvt_color(on_device(base, results["color_rgb2yuvsp420"], "uint8"), base.color_yuvsp4202rgb)
    )
    assert np.abs(back.astype(int) - pixels).max() <= 3


def test_colours_that_do_not_fit(base: Any) -> None:
    rgb = on_device(base, np.zeros((1, 6, 8, 3)), "uint8")
    assert base.cvt_color(rgb, base.color_rgb2gray).shape == [1, 6, 8, 1]
    for tensor, mode in (
        (rgb, "color_rgba2rgb"),
        (on_device(base, np.zeros((2, 6, 8, 3)), "uint8"), "color_rgb2gray"),
        (on_device(base, np.zeros((6, 8, 3)), "float32"), "color_rgb2gray"),
        (on_device(base, np.zeros((8, 8, 1)), "uint8"), "color_yuvsp4202rgb"),
    ):
        with pytest.raises(RuntimeError, match=INVALID):
            base.cvt_color(tensor, getattr(base, mode))
    with pytest.raises(RuntimeError, match="1005"):
        base.cvt_color(on_device(base, np.zeros((6, 8, 4)), "uint8"), base.color_rgba2mrgba)
