"""Images of the emulated `mindx.sdk.base`: sizes, formats and refusals as a device has them, pixels that are at least the picture's."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.bench.emulator.python_home import PYTHON

INVALID = r" \(Code = 1004, Message = \"Invalid parameter\"\) "
WIDTH, HEIGHT = 150, 101


@pytest.fixture
def base() -> Any:
    from mindx.sdk import base

    return base


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A smooth picture with colours, (HEIGHT, WIDTH, 3) BGR."""
    across, down = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    return np.dstack([255 * across, 255 * down, 127 + 120 * np.sin(6 * across * down)]).astype(np.uint8)


@pytest.fixture
def jpeg(picture: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "人 群.jpg"
    path.write_bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    return path


def array(image: Any) -> np.ndarray:
    """The pixels of the aligned size; the image comes to the host."""
    image.to_host()
    return np.array(image.to_tensor())[0]


def sizes(image: Any) -> tuple[int, ...]:
    return image.width, image.height, image.original_width, image.original_height


@pytest.mark.parametrize(
    ("format_", "channels"), [("rgb", 3), ("bgr", 3), ("argb", 4), ("rgba", 4), ("yuv_400", 1)]
)
def test_an_array_becomes_an_image_of_aligned_size(base: Any, format_: str, channels: int) -> None:
    pixels = np.arange(25 * 21 * channels, dtype=np.uint8).reshape(25, 21, channels)
    image = base.Image(pixels, getattr(base, format_))
    assert sizes(image) == (32, 26, 21, 25)
    assert (image.device, image.format.name) == (-1, format_)
    assert image.get_tensor().shape == [1, 26, 32, channels]
    assert (array(image)[:25, :21] == pixels).all()
    assert not array(image)[:, 21:].any()
    assert (np.array(image.get_original_tensor())[0] == pixels).all()


def test_sizes_may_be_given_with_the_array_of_either(base: Any) -> None:
    sizes_ = base.Size(20, 18), base.Size(48, 64)
    for shape in ((18, 20, 3), (64, 48, 3)):
        image = base.Image(np.ones(shape, np.uint8), base.rgb, sizes_)
        assert sizes(image) == (48, 64, 20, 18)
        assert np.array(image.get_original_tensor()).all()


@pytest.mark.parametrize(
    ("shape", "kind", "format_", "given"),
    [
        ((30, 30, 3), np.float32, "rgb", None),
        ((30, 30), np.uint8, "rgb", None),
        ((30, 30, 4), np.uint8, "rgb", None),
        ((45, 32, 1), np.uint8, "nv12", None),
        ((30, 30, 3), np.uint8, "rgb", ((31, 30), (32, 32))),
        ((30, 30, 3), np.uint8, "rgb", ((30, 30), (40, 32))),
        ((30, 30, 3), np.uint8, "rgb", ((30, 30), (32, 31))),
        ((5, 30, 3), np.uint8, "rgb", None),
        ((30, 8200, 3), np.uint8, "rgb", None),
    ],
)
def test_what_no_device_takes_is_refused(
    base: Any, shape: tuple[int, ...], kind: Any, format_: str, given: Any
) -> None:
    pair = given and tuple(base.Size(*size) for size in given)
    with pytest.raises(RuntimeError, match=INVALID):
        base.Image(np.zeros(shape, kind), getattr(base, format_), pair)


def test_tensors_become_images_and_files_images_again(base: Any, tmp_path: Path) -> None:
    luma = np.arange(30 * 20, dtype=np.uint8).reshape(30, 20, 1)
    tensor = base.Tensor(luma)
    tensor.to_device(2)
    image = base.tensor_to_image(tensor, base.nv21)
    assert sizes(image) == (32, 20, 20, 20)
    assert (image.device, image.format) == (2, base.nv21)
    assert (array(image)[:20, :20] == luma[:20]).all()
    image.serialize(str(tmp_path / "a"))
    with pytest.raises(RuntimeError):
        image.serialize(str(tmp_path / "a"))
    image.serialize(str(tmp_path / "a").encode(), True)
    again = base.Image()
    again.unserialize(str(tmp_path / "a"))
    assert sizes(again) == sizes(image)
    assert (array(again) == array(image)).all()
    image.dump_buffer(str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == array(image).tobytes()
    for broken in (b"", b"noise", (tmp_path / "a").read_bytes()[:-1]):
        (tmp_path / "c").write_bytes(broken)
        with pytest.raises(RuntimeError):
            again.unserialize(str(tmp_path / "c"))
    for shape, format_ in [
        ((30, 20, 3), "nv12"),
        ((31, 20, 1), "nv12"),
        ((2, 30, 20, 3), "rgb"),
        ((30, 20), "rgb"),
    ]:
        with pytest.raises(RuntimeError, match=INVALID):
            base.tensor_to_image(base.Tensor(np.zeros(shape, np.uint8)), getattr(base, format_))


@pytest.mark.parametrize(
    ("format_", "shape"),
    [("nv12", (168, 192, 1)), ("nv21", (168, 192, 1)), ("rgb", (112, 192, 3)), ("bgr", (112, 192, 3))],
)
def test_a_jpeg_is_decoded_and_is_the_picture(
    base: Any, jpeg: Path, format_: str, shape: tuple[int, ...]
) -> None:
    processor = base.ImageProcessor(1)
    content = jpeg.read_bytes()
    for image in (
        processor.decode(str(jpeg), getattr(base, format_)),
        processor.decode_bytes(content, len(content), getattr(base, format_)),
        base.dvpp.read_image(str(jpeg), 1, getattr(base, format_)),
    ):
        assert (image.format.name, image.device) == (format_, 1)
        assert sizes(image) == (192, 112, WIDTH, HEIGHT)
        assert tuple(image.to_tensor().shape[1:]) == shape
        shown = image if format_ == "bgr" else processor.convert_format(image, base.bgr)
        found = array(shown)[:HEIGHT, :WIDTH].astype(int)
        assert np.abs(found - cv2.imdecode(np.frombuffer(content, np.uint8), 1)).mean() < 1.5
    assert processor.decode(str(jpeg)).format is base.nv12


def test_a_png_is_decoded_to_the_channels_that_it_has(base: Any, picture: np.ndarray) -> None:
    processor = base.ImageProcessor()
    alpha = np.dstack([picture, np.full((HEIGHT, WIDTH), 7, np.uint8)])
    for pixels, asked, name, expected in (
        (picture, "nv12", "rgb", picture[:, :, ::-1]),
        (picture, "bgr", "bgr", picture),
        (alpha, "nv12", "rgba", np.dstack([picture[:, :, ::-1], alpha[:, :, 3]])),
    ):
        content = cv2.imencode(".png", pixels)[1].tobytes()
        image = processor.decode_bytes(content, len(content), getattr(base, asked))
        assert image.format.name == name
        assert (np.array(array(image))[:HEIGHT, :WIDTH] == expected).all()


def test_what_can_not_be_decoded_is_refused(base: Any, jpeg: Path, tmp_path: Path) -> None:
    processor, content = base.ImageProcessor(0), jpeg.read_bytes()
    small = cv2.imencode(".jpg", np.zeros((31, 40, 3), np.uint8))[1].tobytes()
    header = bytearray(content)
    at = content.index(b"\xff\xc0")
    header[at + 5 : at + 9] = (20_000).to_bytes(2, "big") * 2
    for wrong in (b"", b"GIF89a" + content, content[:200], small, bytes(header)):
        (tmp_path / "x.jpg").write_bytes(wrong)
        with pytest.raises(RuntimeError, match=INVALID):
            processor.decode(str(tmp_path / "x.jpg"))
    for use in (
        lambda: processor.decode(str(tmp_path / "none.jpg")),
        lambda: processor.decode_bytes(content, len(content) + 1),
        lambda: processor.decode_bytes("text", 4),
        lambda: processor.decode(str(jpeg), base.argb),
    ):
        with pytest.raises(RuntimeError):
            use()
    with pytest.raises(RuntimeError):
        base.ImageProcessor(4)


def test_an_encoded_image_is_the_picture(base: Any, jpeg: Path, tmp_path: Path) -> None:
    processor = base.ImageProcessor(0)
    image = processor.decode(str(jpeg), base.nv12)
    processor.encode(image, str(tmp_path / "out.jpg"), 95)
    assert (tmp_path / "out.jpg").read_bytes() == processor.encode_bytes(image, 95)
    found, first = (
        cv2.imread(str(tmp_path / "out.jpg")),
        cv2.imdecode(np.frombuffer(jpeg.read_bytes(), np.uint8), 1),
    )
    assert found.shape == first.shape
    assert np.abs(found.astype(int) - first).mean() < 2
    for use in (
        lambda: processor.encode(image, str(tmp_path / "out.png")),
        lambda: processor.encode(image, str(tmp_path / "none/out.jpg")),
        lambda: processor.encode_bytes(image, 0),
        lambda: processor.encode_bytes(image, 101),
        lambda: base.ImageProcessor(1).encode_bytes(image),
    ):
        with pytest.raises(RuntimeError):
            use()


@pytest.mark.parametrize("format_", ["nv12", "nv21", "rgb"])
def test_sizes_and_contents_of_what_is_made_of_an_image(base: Any, jpeg: Path, format_: str) -> None:
    processor = base.ImageProcessor(0)
    image = processor.decode(str(jpeg), getattr(base, format_))

    def shown(one: Any) -> np.ndarray:
        converted = processor.convert_format(one, base.bgr)
        return array(converted)[: one.original_height, : one.original_width].astype(int)

    whole = shown(image)
    assert sizes(processor.resize(image, base.Size(224, 100)))[2:] == (224, 100)
    for filter_ in (base.nearest_neighbor_opencv, base.bilinear_similar_opencv):
        half = processor.resize(image, base.Size(WIDTH // 2, 50), filter_)
        assert sizes(half) == (80, 50, WIDTH // 2, 50)
        assert np.abs(shown(half) - cv2.resize(whole.astype(np.uint8), (WIDTH // 2, 50))).mean() < 4
    first, second = processor.crop(image, [base.Rect(20, 10, 60, 40), base.Rect(0, 0, 18, 6)])
    assert (sizes(first), sizes(second)) == ((48, 30, 40, 30), (32, 6, 18, 6))
    assert np.abs(shown(first) - whole[10:40, 20:60]).mean() < 1
    many = processor.crop([image, image], [base.Rect(0, 0, 18, 6), base.Rect(2, 2, 40, 40)])
    assert [one.original_width for one in many] == [18, 38, 18, 38]
    (cropped,) = processor.crop_resize(image, [(base.Rect(20, 10, 60, 40), base.Size(80, 60))])
    assert sizes(cropped)[2:] == (80, 60)
    assert np.abs(shown(cropped)[::2, ::2] - shown(first)).mean() < 4
    padded = processor.padding(image, base.Dim(2, 4, 0, 8), base.Color(9, 128, 128), base.border_constant)
    assert sizes(padded)[2:] == (WIDTH + 6, (102 if format_ != "rgb" else 101) + 8)
    assert np.abs(shown(padded)[:100, 4 : WIDTH - 2] - whole[:100, 2 : WIDTH - 4]).mean() < 1
    assert shown(padded)[:, 0].std(axis=0).max() == 0
    processor.crop_paste(image, (base.Rect(0, 0, 40, 40), base.Rect(60, 60, 100, 100)), image)
    assert np.abs(shown(image)[62:98, 62:98] - whole[2:38, 2:38]).mean() < 1
    assert np.abs(shown(image)[:50] - whole[:50]).mean() < 0.5


def test_odd_rectangles_grow_to_even_ones_in_4_2_0(base: Any, jpeg: Path) -> None:
    processor = base.ImageProcessor(0)
    for format_, expected in (("nv12", (42, 32)), ("rgb", (40, 30))):
        image = processor.decode(str(jpeg), getattr(base, format_))
        (part,) = processor.crop(image, [base.Rect(21, 11, 61, 41)])
        assert sizes(part)[2:] == expected


def test_a_colour_of_padding_is_the_same_whatever_the_order_of_chroma(base: Any, jpeg: Path) -> None:
    processor, found = base.ImageProcessor(0), []
    for format_ in (base.nv12, base.nv21):
        image = processor.decode(str(jpeg), format_)
        padded = processor.padding(image, base.Dim(2, 0, 0, 0), base.Color(99, 200, 60), base.border_constant)
        found.append(array(processor.convert_format(padded, base.bgr))[0, 0].tolist())
    assert found[0] == found[1]
    assert found[0][0] > found[0][2] + 100  # much Cb is blue


def test_rows_and_columns_that_aligning_adds_repeat_the_last_ones(base: Any, jpeg: Path) -> None:
    pixels = array(base.ImageProcessor(0).decode(str(jpeg), base.rgb))
    assert (pixels[HEIGHT:, :WIDTH] == pixels[HEIGHT - 1, :WIDTH]).all()
    assert (pixels[:, WIDTH:] == pixels[:, WIDTH - 1 : WIDTH]).all()


def test_what_the_image_units_refuse(base: Any, jpeg: Path) -> None:
    processor = base.ImageProcessor(0)
    image = processor.decode(str(jpeg))
    at_home = base.Image(np.zeros((64, 64, 3), np.uint8), base.rgb)
    four = base.Image(np.zeros((64, 64, 4), np.uint8), base.rgba)
    four.to_device(0)
    for use in (
        lambda: processor.resize(image, base.Size(31, 30)),
        lambda: processor.resize(image, base.Size(WIDTH * 17, 30)),
        lambda: processor.resize(image, base.Size(64, 64), 17),
        lambda: processor.resize(at_home, base.Size(64, 64)),
        lambda: processor.resize(four, base.Size(64, 64)),
        lambda: base.ImageProcessor(1).resize(image, base.Size(64, 64)),
        lambda: processor.resize(base.Image(), base.Size(64, 64)),
        lambda: processor.crop(image, [base.Rect(0, 0, 300, 20)]),
        lambda: processor.crop(image, [base.Rect(30, 0, 20, 20)]),
        lambda: processor.crop(image, [base.Rect(0, 0, 10, 4)]),
        lambda: processor.padding(image, base.Dim(-2, 0, 0, 0), base.Color(), base.border_constant),
        lambda: processor.padding(image, base.Dim(2, 0, 0, 0), base.Color(256, 0, 0), base.border_constant),
        lambda: processor.convert_format(image, base.nv12),
        lambda: processor.convert_format(image, base.yuv_400),
        lambda: image.get_original_tensor(),
    ):
        with pytest.raises(RuntimeError, match=INVALID):
            use()
    for wrong in (lambda: processor.resize("image", base.Size(64, 64)), lambda: processor.crop(image)):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize(
    "name", ["base_image.py", "base_pixels.py", "base_processor.py", "base_operations.py"]
)
def test_the_syntax_is_that_of_python_3_7(name: str) -> None:
    ast.parse((PYTHON / "omgate_emulator" / name).read_text(encoding="utf-8"), feature_version=(3, 7))
