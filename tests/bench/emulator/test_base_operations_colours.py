"""`cvt_color` of the emulated `mindx.sdk.base`: colours, shapes, and the sizes that it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.bench.emulator.test_base_operations import INVALID, base, on_device, values  # noqa: F401 - base is a fixture

ROWS, WIDTH = 6, 32
SHAPES = {
    "rgb": (ROWS, WIDTH, 3),
    "bgr": (ROWS, WIDTH, 3),
    "rgba": (ROWS, WIDTH, 4),
    "gray": (ROWS, WIDTH, 1),
    "yuv": (ROWS * 3 // 2, WIDTH, 1),
}


def pixels() -> np.ndarray:
    """200 in the first channel, 40 in the second."""
    made = np.zeros((ROWS, WIDTH, 3), np.uint8)
    made[..., 0], made[..., 1] = 200, 40
    return made


def source(name: str) -> np.ndarray:
    """A picture in the first colours of a mode's name; gray and 4:2:0 ones are 90 all over."""
    kind = "yuv" if "sp4202" in name else name[len("color_") :].split("2")[0]
    given = np.full(SHAPES[kind], 90, np.uint8)
    if kind in ("rgb", "bgr", "rgba"):
        given[..., :3] = pixels()
    return given


def converted(base: Any, name: str, given: np.ndarray | None = None) -> np.ndarray:  # noqa: F811
    tensor = on_device(base, source(name) if given is None else given, "uint8")
    return values(base.cvt_color(tensor, base.cvt_color_mode[name]))


def test_colours(base: Any) -> None:  # noqa: F811
    assert (converted(base, "color_rgb2bgr") == pixels()[:, :, ::-1]).all()
    assert (converted(base, "color_bgr2rgb") == pixels()[:, :, ::-1]).all()
    assert (converted(base, "color_rgba2rgb") == pixels()).all()
    opaque = np.dstack([pixels(), np.full((ROWS, WIDTH), 255)])
    assert (converted(base, "color_rgb2rgba") == opaque).all()
    for name in ("color_rgb2gray", "color_rgba2gray"):
        gray = converted(base, name)
        assert gray.shape == SHAPES["gray"]
        assert np.abs(gray - (0.299 * 200 + 0.587 * 40)).max() <= 1
    assert (converted(base, "color_gray2rgb") == 90).all()
    for name in ("color_yuvsp4202gray", "color_yvusp4202gray"):
        assert (converted(base, name) == 90).all()


def test_chroma(base: Any) -> None:  # noqa: F811
    results = {
        name: converted(base, f"color_{name}") for name in ("rgb2yuvsp420", "rgb2yvusp420", "bgr2yvusp420")
    }
    assert all(found.shape == SHAPES["yuv"] for found in results.values())
    # Red comes first in RGB: much Cr, little Cb.
    blue_first = results["rgb2yuvsp420"][ROWS:].reshape(ROWS // 2, WIDTH // 2, 2)
    red_first = results["rgb2yvusp420"][ROWS:].reshape(ROWS // 2, WIDTH // 2, 2)
    assert (blue_first[..., 1] > 200).all()
    assert (blue_first == red_first[..., ::-1]).all()
    for name, first in (("rgb2yuvsp420", "yuvsp4202rgb"), ("bgr2yvusp420", "yvusp4202bgr")):
        back = converted(base, f"color_{first}", results[name])
        assert np.abs(back.astype(int) - pixels()).max() <= 3


@pytest.mark.parametrize(
    "name", ["color_yuvsp4202rgb", "color_bgr2gray", "color_rgb2yuvsp420", "color_gray2rgb"]
)
def test_every_mode_has_its_number(base: Any, name: str) -> None:  # noqa: F811
    mode = base.cvt_color_mode[name]
    assert getattr(base, name) is mode
    first, second = (
        values(base.cvt_color(on_device(base, source(name), "uint8"), m)) for m in (mode, mode.value)
    )
    assert (first == second).all()


def test_shapes(base: Any) -> None:  # noqa: F811
    flat = on_device(base, np.full((ROWS, WIDTH), 90), "uint8")
    assert base.cvt_color(flat, base.color_gray2rgb).shape == [ROWS, WIDTH, 3]
    odd = on_device(base, np.zeros((7, 21, 3)), "uint8")
    assert base.cvt_color(odd, base.color_rgb2bgr).shape == [7, 21, 3]
    assert base.cvt_color(odd, base.color_rgb2yuvsp420).shape == [12, 22, 1]
    wide = base.cvt_color(odd, base.color_rgb2gray, keepMargin=True)
    assert wide.shape == [7, 32, 1]


def test_what_does_not_fit_is_refused(base: Any) -> None:  # noqa: F811
    def picture(*shape: int) -> Any:
        return on_device(base, np.zeros(shape), "uint8")

    for tensor, mode in (
        (base.Tensor(np.zeros((6, 32, 3), np.uint8)), "color_rgb2gray"),
        (on_device(base, np.zeros((6, 32, 3)), "float32"), "color_rgb2gray"),
        (picture(1, 6, 32, 3), "color_rgb2gray"),
        (picture(6, 32, 3), "color_rgba2rgb"),
        (picture(6, 32), "color_rgb2bgr"),
        (picture(6, 17, 3), "color_rgb2gray"),
        (picture(6, 9, 3), "color_rgb2bgr"),
        (picture(5, 32, 3), "color_rgb2bgr"),
        (picture(6, 4097, 3), "color_rgb2bgr"),
        (picture(9, 24, 1), "color_yuvsp4202rgb"),
        (picture(8, 32, 1), "color_yuvsp4202rgb"),
    ):
        with pytest.raises(RuntimeError, match=INVALID):
            base.cvt_color(tensor, getattr(base, mode))
    assert base.cvt_color(picture(6, 10, 3), base.color_rgb2bgr).shape == [6, 10, 3]
    with pytest.raises(RuntimeError, match=INVALID):
        base.cvt_color(picture(6, 32, 3), 19)
    with pytest.raises(TypeError, match="argument 2 of type 'MxBase::CvtColorMode const &'"):
        base.cvt_color(picture(6, 32, 3), "color_rgb2bgr")
    with pytest.raises(RuntimeError, match="1005"):
        base.cvt_color(picture(6, 32, 4), base.color_rgba2mrgba)
