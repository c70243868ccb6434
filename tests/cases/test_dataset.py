import io
import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cases import dataset
from cases.dataset import Dataset, DatasetError, Sample, SampleError, decode, prepare
from cases.ground_truth import TruthCache
from cases.parts import GroundTruthRule, Input, Output, Preprocess

HEIGHT, WIDTH = 60, 80


@dataclass
class FakeCase:
    """The part of a case that `prepare` reads."""

    input: Input = field(default_factory=lambda: Input((1, 1, 128, 128), "NCHW", "grey-uint8"))
    output: Output = field(default_factory=lambda: Output(4))
    preprocess: Preprocess = field(default_factory=lambda: Preprocess("pad-128", "refuse"))
    ground_truth: GroundTruthRule = field(default_factory=lambda: GroundTruthRule("raw-sum"))


def colours(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    noise = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


def encoded(suffix: str = ".jpg", image: np.ndarray | None = None) -> bytes:
    return cv2.imencode(suffix, colours() if image is None else image)[1].tobytes()


def write(root: Path, name: str, image: bytes | None = None, csv: str | None = None) -> Sample:
    for folder in ("images", "ground_truth_csv"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    picture, truth = root / "images" / f"{name}.jpg", root / "ground_truth_csv" / f"{name}.csv"
    picture.write_bytes(encoded() if image is None else image)
    row = ",".join(["0.25"] * WIDTH)
    truth.write_text("\n".join([row] * HEIGHT) + "\n" if csv is None else csv)
    return Sample(name, picture, truth)


def failure(sample: Sample, cache: TruthCache, case: FakeCase | None = None) -> tuple[str, str]:
    with pytest.raises(SampleError) as caught:
        prepare(sample, case or FakeCase(), cache)  # type: ignore[arg-type]
    assert str(caught.value).isprintable()
    return caught.value.code, str(caught.value)


@pytest.fixture
def cache(tmp_path: Path) -> TruthCache:
    return TruthCache(tmp_path / "cache")


# The folder


def test_samples_come_in_natural_order(tmp_path: Path) -> None:
    for name in ("IMG_10", "IMG_2", "IMG_1", "IMG_²", "10", "IMG_02"):
        write(tmp_path, name)
    names = [sample.name for sample in Dataset.open(tmp_path).samples]
    assert names == ["10", "IMG_1", "IMG_02", "IMG_2", "IMG_10", "IMG_²"]


def test_a_deleted_half_is_seen(tmp_path: Path, cache: TruthCache) -> None:
    write(tmp_path, "IMG_1").image.unlink()  # type: ignore[union-attr]
    write(tmp_path, "IMG_2").truth.unlink()  # type: ignore[union-attr]
    first, second = Dataset.open(tmp_path).samples
    assert (first.image, second.truth) == (None, None)
    assert failure(first, cache)[0] == "missing-image"
    assert "IMG_1.csv" in failure(first, cache)[1]
    assert failure(second, cache)[0] == "missing-truth"
    assert "IMG_2.jpg" in failure(second, cache)[1]


def test_what_is_deleted_after_the_folder_was_read_is_missing_too(tmp_path: Path, cache: TruthCache) -> None:
    sample = write(tmp_path, "IMG_1")
    sample.truth.unlink()  # type: ignore[union-attr]
    assert failure(sample, cache)[0] == "missing-truth"
    sample.image.unlink()  # type: ignore[union-attr]
    assert failure(sample, cache)[0] == "missing-image"


def test_droppings_are_no_samples(tmp_path: Path) -> None:
    write(tmp_path, "IMG_1")
    for name in (".DS_Store", "._IMG_1.jpg", "Thumbs.db", ".writing-x.jpg"):
        (tmp_path / "images" / name).write_bytes(b"x")
    assert [sample.name for sample in Dataset.open(tmp_path).samples] == ["IMG_1"]


@pytest.mark.parametrize("name", ["IMG 1", "IMG_'1\"", "IMG\n1", "人群_1", "IMG_1.2", "-x", "%s{}", "\\"])
def test_any_name_will_do(name: str, tmp_path: Path, cache: TruthCache) -> None:
    write(tmp_path, name)
    (sample,) = Dataset.open(tmp_path).samples
    assert sample.name == name
    assert prepare(sample, FakeCase(), cache).true_count == 1200  # type: ignore[arg-type]
    sample.image.write_bytes(b"")  # type: ignore[union-attr]
    assert failure(sample, cache)[0] == "bad-image"


def test_a_name_that_is_no_utf8_can_be_written_into_a_record(tmp_path: Path, cache: TruthCache) -> None:
    write(tmp_path, os.fsdecode(b"IMG_\xff"))
    (sample,) = Dataset.open(tmp_path).samples
    assert sample.name.encode() == b"IMG_\\xff"
    assert prepare(sample, FakeCase(), cache).name == sample.name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ([], "no images/ in it; expected images/ and ground_truth_csv/, seen no folder"),
        (["images", "ground_truth"], "no ground_truth_csv/ in it; .* seen ground_truth/, images/"),
        (["images", "ground_truth_csv"], "hold no sample"),
    ],
)
def test_a_folder_that_is_no_test_set(folders: list[str], said: str, tmp_path: Path) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir()
    with pytest.raises(DatasetError, match=said):
        Dataset.open(tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        Dataset.open(tmp_path / "none")


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "IMG_1")
    (tmp_path / "images" / "IMG_1.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"IMG_1.jpg and IMG_1.png are both IMG_1; keep one"):
        Dataset.open(tmp_path)


# Decoding


def with_exif(orientation: int) -> bytes:
    picture = Image.fromarray(colours())
    exif = picture.getexif()
    exif[274] = orientation
    stream = io.BytesIO()
    picture.save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def by_pillow(mode: str, kind: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(colours()).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


PICTURES = {
    "colour.jpg": encoded(),
    "grey.jpg": encoded(image=colours()[:, :, 0]),
    "progressive.jpg": by_pillow("RGB", progressive=True),
    "cmyk.jpg": by_pillow("CMYK"),
    "rgb.jpg": by_pillow("RGB", keep_rgb=True),
    "subsampled.jpg": by_pillow("RGB", subsampling="4:1:1", quality=30),
    **{f"turned-{turn}.jpg": with_exif(turn) for turn in range(1, 9)},
    "colour.png": encoded(".png"),
    "palette.png": by_pillow("P", "PNG"),
    "transparent.png": by_pillow("RGBA", "PNG"),
    "bits.png": by_pillow("1", "PNG"),
    "colour.bmp": encoded(".bmp"),
    "png-called.jpg": encoded(".png"),
    "trailing.jpg": encoded() + b"junk" * 9,
}


@pytest.mark.parametrize("name", PICTURES)
def test_decoding_is_opencvs_bit_for_bit(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(PICTURES[name])
    expected = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    image = decode(path)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.array_equal(image, expected)


def claiming(height: int, width: int) -> bytes:
    """A small JPEG whose header claims another size."""
    content = bytearray(encoded())
    start = content.index(b"\xff\xc0")
    content[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def png_claiming(height: int, width: int) -> bytes:
    content = bytearray(encoded(".png"))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    return bytes(content)


def scratched() -> bytes:
    content = bytearray(encoded())
    middle = len(content) // 2
    content[middle : middle + 40] = b"\xff\x00\xfe\xed" * 10
    return bytes(content)


BROKEN = {
    "empty": (b"", "bad-image", "is empty"),
    "text": (b"not a picture", "bad-image", "no image; it starts with 'not a picture'"),
    "truncated": (encoded()[: len(encoded()) // 2], "bad-image", "damaged JPEG: Premature end of JPEG file"),
    "without its end": (encoded()[:-2], "bad-image", "Premature end"),
    "header only": (encoded()[:100], "bad-image", ""),
    "start only": (b"\xff\xd8", "bad-image", "no image"),
    "scratched": (scratched(), "bad-image", "damaged JPEG: "),
    "claims 20000 x 20000": (claiming(20000, 20000), "too-large", "claims 20000 x 20000 pixels"),
    "claims 65535 x 65535": (claiming(65535, 65535), "too-large", "claims more than 64 million pixels"),
    "claims 0 x 0": (claiming(0, 0), "bad-image", ""),
    "claims more than there is": (claiming(900, 900), "bad-image", "damaged JPEG"),
    "png truncated": (encoded(".png")[:3000], "bad-image", "damaged image"),
    "png claims 9000 x 9000": (png_claiming(9000, 9000), "too-large", "claims 9000 x 9000 pixels"),
    "png claims 20000 x 20000": (png_claiming(20000, 20000), "too-large", "million pixels"),
    "html": (b"<!DOCTYPE html>\n<p>no such page", "bad-image", "no image"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_picture_gives_one_line_that_names_it(what: str, tmp_path: Path, cache: TruthCache) -> None:
    content, code, said = BROKEN[what]
    sample = write(tmp_path, "IMG_3", image=content)
    seen_code, text = failure(sample, cache)
    assert seen_code == code
    assert text.startswith(str(sample.image))
    assert said in text


def test_things_that_are_no_files(tmp_path: Path, cache: TruthCache) -> None:
    for make, said in (
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.symlink_to(path), "symbolic links"),
        (lambda path: os.mkfifo(path), "no regular file"),
    ):
        sample = write(tmp_path, "IMG_3")
        assert sample.image is not None
        sample.image.unlink()
        make(sample.image)
        assert Dataset.open(tmp_path).samples == (sample,)
        code, text = failure(sample, cache)
        assert code == "bad-image"
        assert said in text
        assert str(sample.image) in text
        sample.image.rmdir() if sample.image.is_dir() else sample.image.unlink()


def test_a_dangling_link_is_a_missing_image(tmp_path: Path, cache: TruthCache) -> None:
    sample = write(tmp_path, "IMG_3")
    assert sample.image is not None
    sample.image.unlink()
    sample.image.symlink_to(tmp_path / "gone.jpg")
    assert failure(sample, cache)[0] == "missing-image"


def test_a_file_of_too_many_bytes_is_not_read(
    tmp_path: Path, cache: TruthCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "MOST_FILE_BYTES", 100)
    code, text = failure(write(tmp_path, "IMG_3"), cache)
    assert code == "too-large"
    assert "IMG_3.jpg" in text


def assert_one_line(error: Exception, start: str) -> None:
    assert str(error).isprintable()
    assert str(error).startswith(start)


@given(st.binary(max_size=200), st.integers(0, 400), st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_bytes_decode_or_give_one_line(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int, png: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "IMG_1.jpg"
    content = bytearray(encoded(".png" if png else ".jpg"))
    content[at : at + len(junk)] = junk
    path.write_bytes(bytes(content))
    try:
        assert decode(path).ndim == 2
    except SampleError as error:
        assert_one_line(error, str(path))


# Preparing


def test_an_image_is_prepared(tmp_path: Path, cache: TruthCache) -> None:
    sample = write(tmp_path, "IMG_1")
    prepared = prepare(sample, FakeCase(), cache)  # type: ignore[arg-type]
    assert prepared.pixels.shape == (1, 1, 128, 128)
    assert prepared.pixels.dtype == np.uint8
    expected = cv2.imread(str(sample.image), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(prepared.pixels[0, 0, 34:94, 24:104], expected)
    assert prepared.true_count == 1200
    assert prepared.true_grid.shape == (32, 32)
    assert prepared.true_grid.dtype == np.float32
    assert prepared.true_grid.sum(dtype=np.float64) == pytest.approx(1200, rel=1e-6)
    assert set(prepared.seconds) == {"decode", "truth", "preprocess"}
    assert all(value >= 0 for value in prepared.seconds.values())


def test_the_digest_tells_pixels_shape_and_count_apart_and_nothing_else(
    tmp_path: Path, cache: TruthCache
) -> None:
    def digest(
        name: str, image: bytes | None = None, csv: str | None = None, case: FakeCase | None = None
    ) -> str:
        sample = write(tmp_path, name, image, csv)
        return prepare(sample, case or FakeCase(), cache).digest  # type: ignore[arg-type]

    def table(first: str) -> str:
        return "\n".join([",".join([first] + ["0"] * (WIDTH - 1))] + [",".join(["0"] * WIDTH)] * (HEIGHT - 1))

    grey = encoded(".png", colours()[:, :, 0])
    other = colours()[:, :, 0]
    other[5, 5] ^= 1
    base = digest("a", grey, table("7"))
    assert digest("b", grey, table("7.0001")) == base
    assert digest("c", grey, table("7"), FakeCase(preprocess=Preprocess("resize-128", "refuse"))) == base
    assert digest("d", grey, table("7.01")) != base
    assert digest("e", encoded(".png", other), table("7")) != base


def test_an_image_above_the_pad(tmp_path: Path, cache: TruthCache) -> None:
    sample = write(tmp_path, "IMG_1", encoded(image=colours(200, 100)))
    code, text = failure(sample, cache)
    assert code == "too-large"
    assert text.startswith(str(sample.image))
    assert "200 x 100 pixels do not fit into pad-128" in text


@pytest.mark.parametrize(
    ("csv", "said"),
    [
        ("", "is empty"),
        ("0,1\n2,3\n", "its image has 60 x 80"),
        ("0," * (WIDTH - 1) + "nan\n" + ("0," * (WIDTH - 1) + "0\n") * (HEIGHT - 1), "value 80 is 'nan'"),
        (("0," * (WIDTH - 1) + "0\n") * (HEIGHT - 1) + "0\n", ":60: 1 values"),
    ],
)
def test_a_broken_ground_truth_is_the_samples_failure(
    csv: str, said: str, tmp_path: Path, cache: TruthCache
) -> None:
    sample = write(tmp_path, "IMG_1", csv=csv)
    code, text = failure(sample, cache)
    assert code == "bad-truth"
    assert text.startswith(str(sample.truth))
    assert said in text
