"""Images and their ground truth: what lies in a test set's folder, and one image made ready for the network.

The layout is the deliverable's: `images/IMG_1.jpg` and `ground_truth_csv/IMG_1.csv`.
"""

from __future__ import annotations

import errno
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cases import preprocess
from cases.errors import OmgateError
from cases.files import OversizeError, UnfitError, read_regular
from cases.ground_truth import TruthCache, TruthError
from cases.wording import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cases.case import Case

IMAGES, TRUTHS = "images", "ground_truth_csv"
POINTS = "ground_truth"  # where there are head positions: an image deleted before its CSV was derived is still known
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
# 64 MP decode to 64 MB of grey; a header that claims more is refused before a byte of it is decoded.
MOST_PIXELS = 64_000_000
MOST_FILE_BYTES = 256_000_000
# Counts that differ by less are the same data: a CSV written again with other rounding keeps the digest.
COUNT_STEP = 1e-3


class DatasetError(OmgateError):
    """A folder that is no test set."""


class SampleError(OmgateError):
    """One image that can't be measured; `code` is missing-image, missing-truth, bad-image, bad-truth or too-large."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Sample:
    """One image by name ("IMG_1") with its files; None where one half is not there."""

    name: str
    image: Path | None
    truth: Path | None


@dataclass(frozen=True)
class Dataset:
    """A test set: its folder, and its samples in natural order (IMG_2 before IMG_10)."""

    root: Path
    samples: tuple[Sample, ...]

    @classmethod
    def open(cls, root: Path) -> Dataset:
        """The union of what `images/`, `ground_truth_csv/` and `ground_truth/` name, so that a deleted part is seen. Raises DatasetError."""
        images = _by_stem(_folder(root, IMAGES), SUFFIXES)
        truths = _by_stem(_folder(root, TRUTHS), (".csv",))
        annotated = {mat.stem.removeprefix("GT_") for mat in (root / POINTS).glob("GT_*.mat")}
        if not images and not truths:
            raise DatasetError(
                f"{shown(root)}: {IMAGES}/ and {TRUTHS}/ hold no sample; expected IMG_1.jpg (or {', '.join(SUFFIXES[1:])}) "
                "and IMG_1.csv"
            )
        names = sorted(images.keys() | truths.keys() | annotated, key=_natural)
        return cls(root, tuple(Sample(name, images.get(name), truths.get(name)) for name in names))


@dataclass(frozen=True)
class Prepared:
    """One image made ready: all that the backends and the metrics need of it."""

    name: str
    pixels: NDArray[np.uint8]  # (1, 1, H, W), the network's input
    geometry: preprocess.Geometry
    true_count: float  # people, float64
    true_grid: NDArray[np.float32]  # (H // stride, W // stride), people per cell
    digest: str  # of the decoded pixels, their shape and the count
    seconds: dict[str, float]  # decode, truth, preprocess


def prepare(sample: Sample, case: Case, cache: TruthCache) -> Prepared:
    """One sample decoded, preprocessed and with its ground truth on the output grid. Raises SampleError, and nothing else."""
    if sample.image is None:
        kept = shown(sample.truth) if sample.truth is not None else "nothing"
        raise SampleError(
            "missing-image", f"{shown(sample.name)}: no such file in {IMAGES}/; its ground truth is {kept}"
        )
    start = time.perf_counter()
    image = decode(sample.image)
    if (
        sample.truth is None
    ):  # after decoding: an image that can't be read is also why nothing could be derived for it
        raise SampleError(
            "missing-truth",
            f"{shown(sample.name)}: no such .csv in {TRUTHS}/; its image is {shown(sample.image)}",
        )
    decoded = time.perf_counter()
    geometry = _geometry(sample.image, image.shape[0], image.shape[1], case)
    pixels = preprocess.apply(image, geometry)
    placed = time.perf_counter()
    try:
        count, grid = cache.grid(
            sample.truth,
            (image.shape[0], image.shape[1]),
            geometry,
            case.output.stride,
            case.ground_truth.rule,
        )
    except TruthError as error:
        raise SampleError(error.code, str(error)) from None
    known = time.perf_counter()
    seconds = {"decode": decoded - start, "truth": known - placed, "preprocess": placed - decoded}
    return Prepared(sample.name, pixels, geometry, count, grid, _digest(image, count), seconds)


def _geometry(path: Path, height: int, width: int, case: Case) -> preprocess.Geometry:
    try:
        return preprocess.plan(case.preprocess.policy, height, width, case.preprocess.above, case.input.size)
    except preprocess.PreprocessError as error:
        code = "too-large" if isinstance(error, preprocess.TooLargeError) else "bad-image"
        raise SampleError(code, f"{shown(path)}: {error}") from None


def _digest(image: NDArray[np.uint8], count: float) -> str:
    import xxhash

    state = xxhash.xxh3_128(f"{image.shape[0]}x{image.shape[1]} {round(count / COUNT_STEP)} ".encode())
    state.update(image.data)
    return state.hexdigest()


def decode(path: Path) -> NDArray[np.uint8]:
    """Grey levels (H, W) uint8, bit-identical to `cv2.imread(path, cv2.IMREAD_GRAYSCALE)`, turned as the EXIF data say.

    Stricter than OpenCV, which takes a JPEG with a damaged scan as it comes. Raises SampleError: bad-image, missing-image, too-large.
    """
    try:
        content, _ = read_regular(path, MOST_FILE_BYTES)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise SampleError("missing-image", f"{shown(path)}: no such file") from None
        raise SampleError("bad-image", f"{shown(path)}: can't be read: {error.strerror or error}") from None
    except UnfitError as error:
        code = "too-large" if isinstance(error, OversizeError) else "bad-image"
        raise SampleError(code, f"{shown(path)}: {error}") from None
    if not content:
        raise SampleError("bad-image", f"{shown(path)}: is empty (0 bytes)")
    try:
        return _decode_jpeg(content, path) if content[:2] == b"\xff\xd8" else _decode_other(content, path)
    except MemoryError:
        raise SampleError("too-large", f"{shown(path)}: no memory left to decode it") from None


def _decode_jpeg(content: bytes, path: Path) -> NDArray[np.uint8]:
    import numpy as np
    import simplejpeg

    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    except ValueError:  # no JPEG at all, or a subsampling that TurboJPEG has no name for
        return _decode_other(content, path)
    _refuse_large(path, height, width)
    cmyk = colours in ("CMYK", "YCCK")
    try:
        image = simplejpeg.decode_jpeg(content, colorspace="CMYK" if cmyk else "GRAY", strict=True)
    except ValueError as error:
        raise SampleError("bad-image", f"{shown(path)}: damaged JPEG: {error}; {_REPLACE}") from None
    if cmyk or b"Exif\0\0" in content:  # OpenCV's own way to grey, and its turning
        return _decode_by_opencv(content, path)
    return np.ascontiguousarray(image[:, :, 0])


def _decode_other(content: bytes, path: Path) -> NDArray[np.uint8]:
    """PNG and its like, rare JPEGs: Pillow looks (OpenCV may hand out half of a torn file), OpenCV decodes."""
    import io
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as picture:
                _refuse_large(path, picture.height, picture.width)
                picture.load()
    except Image.DecompressionBombError:
        raise SampleError(
            "too-large", f"{shown(path)}: its header claims more than {MOST_PIXELS / 1e6:.0f} million pixels"
        ) from None
    except Image.UnidentifiedImageError:
        start = ascii(content[:16].decode("latin-1"))
        raise SampleError("bad-image", f"{shown(path)}: no image; it starts with {start}") from None
    except SampleError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a torn file makes them meet
        raise SampleError(
            "bad-image", f"{shown(path)}: damaged image: {_one_line(error)}; {_REPLACE}"
        ) from None
    return _decode_by_opencv(content, path)


def _decode_by_opencv(content: bytes, path: Path) -> NDArray[np.uint8]:
    import cv2
    import numpy as np

    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error as error:
        raise SampleError("bad-image", f"{shown(path)}: OpenCV can't decode it: {_one_line(error)}") from None
    if image is None:
        raise SampleError("bad-image", f"{shown(path)}: OpenCV can't decode it; {_REPLACE}")
    return np.asarray(image, dtype=np.uint8)


_REPLACE = "copy it again from its source"


def _one_line(error: Exception) -> str:
    return shown(" ".join(str(error).split()))


def _refuse_large(path: Path, height: int, width: int) -> None:
    if height * width > MOST_PIXELS:
        raise SampleError(
            "too-large",
            f"{shown(path)}: its header claims {height} x {width} pixels; at most {MOST_PIXELS / 1e6:.0f} million are "
            "decoded; scale the image down",
        )


def _folder(root: Path, name: str) -> Path:
    folder = root / name
    if folder.is_dir():
        return folder
    if not root.is_dir():
        raise DatasetError(f"{shown(root)}: no such folder; expected one with {IMAGES}/ and {TRUTHS}/")
    there = ", ".join(sorted(shown(entry.name) + "/" for entry in root.iterdir() if entry.is_dir())[:5])
    raise DatasetError(
        f"{shown(root)}: no {name}/ in it; expected {IMAGES}/ and {TRUTHS}/, seen {there or 'no folder'}"
    )


def _by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files by name without suffix; hidden ones (a file manager's, a half-written one) and other kinds are left out."""
    found: dict[str, Path] = {}
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        raise DatasetError(f"{shown(folder)}: can't be read: {error.strerror or error}") from None
    for entry in entries:
        stem, suffix = os.path.splitext(entry)
        if entry.startswith(".") or suffix.lower() not in suffixes:
            continue
        name = os.fsencode(stem).decode("utf-8", "backslashreplace")
        if name in found:
            raise DatasetError(
                f"{shown(folder)}: {shown(found[name].name)} and {shown(entry)} are both {shown(name)}; keep one"
            )
        found[name] = folder / entry
    return found


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key by which IMG_2 comes before IMG_10."""
    parts = re.split(r"([0-9]+)", name)
    keys = [
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts if part
    ]
    return keys, name
