"""Converts ShanghaiTech's own folders (Zhang et al., CVPR 2016) into test sets: images and density maps as CSV.

From `part_A_final/test_data/{images/IMG_1.jpg, ground_truth/GT_IMG_1.mat}` to `part_A/test_data/{images/IMG_1.jpg, ground_truth_csv/IMG_1.csv}`.
Run again after a break it goes on: every file is written whole or not at all, and a CSV that is there is kept when its sum is right.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cases import patches
from cases.errors import OmgateError
from cases.wording import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPLITS = ("train_data", "test_data")
TRUTH_FOLDERS = ("ground_truth", "ground-truth")
# Head positions to densities as the field's MATLAB script does it, in pixels.
KIND, SIGMA, KERNEL = "fixed", 4.0, 15
# Relative. Six significant digits a value keep a CSV's sum within 1e-6 of the count; a foreign one is off by a head or more.
SUM_TOLERANCE = 1e-4

_IMAGE = re.compile(r"IMG_([0-9]+)\.jpe?g", re.IGNORECASE)
_MAT = re.compile(r"GT_IMG_([0-9]+)\.mat", re.IGNORECASE)


@dataclass(frozen=True)
class Published:
    """What the data set's authors published for a part: images per split, heads over both splits."""

    train: int
    test: int
    heads: int


PUBLISHED = {"part_A": Published(300, 182, 241_677), "part_B": Published(400, 316, 88_488)}


class ShanghaiTechError(OmgateError):
    """A folder that is not ShanghaiTech's, or only half of it."""


@dataclass(frozen=True)
class PartReport:
    """One part: images found per split (None where the split is not there), heads over what was found."""

    name: str
    train: int | None
    test: int | None
    heads: int

    @property
    def differences(self) -> tuple[str, ...]:
        """Where the part differs from the published totals, a sentence each; heads are compared when both splits are there."""
        published = PUBLISHED[self.name]
        found = [
            ("training images", self.train, published.train),
            ("test images", self.test, published.test),
            ("heads", None if None in (self.train, self.test) else self.heads, published.heads),
        ]
        return tuple(
            f"{self.name}: {seen:,} {what}, published are {expected:,}"
            for what, seen, expected in found
            if seen is not None and seen != expected
        )


@dataclass(frozen=True)
class Report:
    """What a conversion found and did."""

    parts: tuple[PartReport, ...]
    written: int  # CSV files
    kept: int
    repaired: int  # were there, with a wrong sum or shape
    clipped: tuple[
        tuple[str, int], ...
    ]  # images with heads outside of them, and how many; counted at the border
    absent: tuple[str, ...]  # parts and splits that are not there

    @property
    def differences(self) -> tuple[str, ...]:
        """All differences from the published totals; empty where everything that is there agrees."""
        return tuple(text for part in self.parts for text in part.differences)

    @property
    def clipped_points(self) -> int:
        """Heads that lie outside their image."""
        return sum(count for _, count in self.clipped)


@dataclass(frozen=True)
class _Pair:
    """One image and its annotation in the source, and where both go."""

    part: str
    split: str
    image: Path
    mat: Path
    folder: Path  # of the destination: part and split

    @property
    def name(self) -> str:
        return f"{self.part}/{self.split}/{self.image.stem}"


def convert(source: Path, dest: Path, progress: Callable[[int, int, str], None] | None = None) -> Report:
    """Converts every part and split that `source` holds into `dest/<part>/<split>/`; `progress(done, total, image's name)`.

    Looks at all of the source before it writes: an image without a .mat, a .mat without an image and a .mat of another structure are
    errors (ShanghaiTechError), other totals than the published ones are differences in the report.
    """
    source, dest = Path(source), Path(dest)
    pairs = list(_pairs(source, dest))
    points = _read_all(pairs)
    parts = {name: [pair for pair in pairs if pair.part == name] for name in PUBLISHED}
    outcome = {"written": 0, "kept": 0, "repaired": 0}
    clipped: list[tuple[str, int]] = []
    for number, pair in enumerate(pairs, 1):
        try:
            done, outside = _convert_one(pair, points[pair.mat])
        except OSError as error:
            at = shown(error.filename) if isinstance(error.filename, str | Path) else shown(pair.folder)
            raise ShanghaiTechError(
                f"{at}: {error.strerror or error}; {number - 1} of {len(pairs)} are done, run it again to go on"
            ) from None
        outcome[done] += 1
        if outside:
            clipped.append((pair.name, outside))
        if progress is not None:
            progress(number, len(pairs), pair.name)
    return Report(
        parts=tuple(_part_report(name, found, points) for name, found in parts.items() if found),
        clipped=tuple(clipped),
        absent=_absent(pairs),
        **outcome,
    )


def cut_patches(
    source: Path, dest: Path, seed: int = patches.SEED, progress: Callable[[int, int], None] | None = None
) -> tuple[patches.PatchReport, ...]:
    """Cuts the training patches of every part that has training images, into `dest/formatted_trainval/shanghaitech_<part>_patches_9/`.

    The folder is called as the published training script expects it. Raises OmgateError.
    """
    from cases.dataset import decode

    pairs = [pair for pair in _pairs(Path(source), Path(dest)) if pair.split == "train_data"]
    points = _read_all(pairs)
    reports = []
    before = 0
    for name in PUBLISHED:
        found = [pair for pair in pairs if pair.part == name]
        if not found:
            continue
        sources = [
            patches.Source(pair.image.stem, pair.image, clip(points[pair.mat], *decode(pair.image).shape)[0])
            for pair in found
        ]

        def advance(done: int, _total: int, start: int = before) -> None:
            if progress is not None:
                progress(start + done, len(pairs))

        folder = Path(dest) / "formatted_trainval" / f"shanghaitech_{name}_patches_{patches.PATCHES}"
        reports.append(patches.cut(sources, folder, seed, advance))
        before += len(found)
    return tuple(reports)


def _part_report(name: str, pairs: list[_Pair], points: dict[Path, NDArray[np.float64]]) -> PartReport:
    images = {split: sum(pair.split == split for pair in pairs) or None for split in SPLITS}
    heads = sum(len(points[pair.mat]) for pair in pairs)
    return PartReport(name, images["train_data"], images["test_data"], heads)


def _absent(pairs: list[_Pair]) -> tuple[str, ...]:
    there = {(pair.part, pair.split) for pair in pairs}
    return tuple(f"{part}/{split}" for part in PUBLISHED for split in SPLITS if (part, split) not in there)


def _pairs(source: Path, dest: Path) -> Iterator[_Pair]:
    """Image and annotation, in order of part, split and number. Raises ShanghaiTechError for a half of a pair."""
    if not source.is_dir():
        raise ShanghaiTechError(f"{shown(source)}: no such folder; expected ShanghaiTech, unpacked")
    parts = _parts(source)
    if not parts:
        raise ShanghaiTechError(
            f"{shown(source)}: no part_A_final (part_A) or part_B_final (part_B) in it; expected ShanghaiTech's own folders"
        )
    for part, folder in parts:
        splits = [split for split in SPLITS if (folder / split).is_dir()]
        if not splits:
            raise ShanghaiTechError(
                f"{shown(folder)}: no {' or '.join(SPLITS)} in it; unpack the archive again"
            )
        for split in splits:
            images, mats = _numbered(folder / split)
            for number in sorted(images):
                yield _Pair(part, split, images[number], mats[number], dest / part / split)


def _parts(source: Path) -> list[tuple[str, Path]]:
    """The parts' names and folders: in `source`, one folder further down (as the archive unpacks), or `source` itself."""
    inner = [entry for entry in _entries(source) if entry.is_dir()]
    found: dict[str, Path] = {}
    for folder in (*inner, source, *(deeper for entry in inner for deeper in _entries(entry))):
        name = (
            folder.name.lower().removesuffix("_final").replace("part_a", "part_A").replace("part_b", "part_B")
        )
        if name not in PUBLISHED or not folder.is_dir():
            continue
        if name in found and found[name].parent == folder.parent:
            raise ShanghaiTechError(
                f"{shown(folder.parent)}: {shown(found[name].name)} and {shown(folder.name)} are both {name}; keep one"
            )
        found.setdefault(name, folder)
    return [(name, found[name]) for name in PUBLISHED if name in found]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, hidden things left out; nothing where it can't be read."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return []


def _numbered(folder: Path) -> tuple[dict[int, Path], dict[int, Path]]:
    """Images and annotations of a split by number; the same numbers in both."""
    truths = [folder / name for name in TRUTH_FOLDERS if (folder / name).is_dir()]
    if not (folder / "images").is_dir() or not truths:
        seen = ", ".join(sorted(shown(entry.name) for entry in _entries(folder))[:5]) or "nothing"
        raise ShanghaiTechError(
            f"{shown(folder)}: seen {seen}; expected images/ and ground_truth/; unpack the archive again"
        )
    images, mats = _matching(folder / "images", _IMAGE), _matching(truths[0], _MAT)
    for here, there, what in (
        (images, mats, "images without their ground truth GT_IMG_n.mat"),
        (mats, images, "ground truths without their image IMG_n.jpg"),
    ):
        alone = [here[number].name for number in sorted(here.keys() - there.keys())]
        if alone:
            more = f" and {len(alone) - 3} more" if len(alone) > 3 else ""
            raise ShanghaiTechError(
                f"{shown(folder)}: {len(alone)} {what}: {', '.join(alone[:3])}{more}; is the archive half unpacked? "
                "Unpack it again"
            )
    if not images:
        raise ShanghaiTechError(f"{shown(folder / 'images')}: no IMG_n.jpg in it; unpack the archive again")
    return images, mats


def _matching(folder: Path, pattern: re.Pattern[str]) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for entry in _entries(folder):
        match = pattern.fullmatch(entry.name)
        if match is None:
            continue
        number = int(match[1])
        if number in found:
            raise ShanghaiTechError(
                f"{shown(folder)}: {found[number].name} and {entry.name} have one number; keep one"
            )
        found[number] = entry
    return found


def _read_all(pairs: list[_Pair]) -> dict[Path, NDArray[np.float64]]:
    """Every annotation's points (N, 2); all are read before the first file is written. Raises ShanghaiTechError."""
    from cases import density

    points: dict[Path, NDArray[np.float64]] = {}
    failures: list[str] = []
    for pair in pairs:
        try:
            points[pair.mat] = density.read_points(pair.mat)
        except OmgateError as error:
            failures.append(str(error))
    if failures:
        more = f"; {len(failures) - 1} more files are like it" if len(failures) > 1 else ""
        raise ShanghaiTechError(f"{failures[0]}{more}; nothing was converted")
    return points


def _convert_one(pair: _Pair, points: NDArray[np.float64]) -> tuple[str, int]:
    """Image and CSV of one pair: what became of the CSV ("written", "kept", "repaired"), and the heads outside the image."""
    from cases import density, ground_truth
    from cases.dataset import IMAGES, TRUTHS, decode

    height, width = decode(pair.image).shape
    inside, outside = clip(points, height, width)
    table = pair.folder / TRUTHS / f"{pair.image.stem}.csv"
    for folder in (pair.folder / IMAGES, pair.folder / TRUTHS):
        folder.mkdir(parents=True, exist_ok=True)
    _copy(pair.image, pair.folder / IMAGES / pair.image.name)
    there = os.path.lexists(table)
    if there:
        try:
            if abs(ground_truth.read(table, (height, width)).count - len(points)) <= SUM_TOLERANCE * max(
                1, len(points)
            ):
                return "kept", outside
        except ground_truth.TruthError:
            pass
    density.write_csv(table, density.density_map(inside, height, width, KIND, SIGMA, KERNEL))
    return "repaired" if there else "written", outside


def clip(points: NDArray[np.float64], height: int, width: int) -> tuple[NDArray[np.float64], int]:
    """Whole pixel positions (N, 2), x in 1..width and y in 1..height, and how many points lay outside.

    The rule of the field's MATLAB script: the absolute value of the position rounded down, cut to the image; so x = -3.2 comes to lie at 4.
    """
    import numpy as np

    whole = np.floor(points)
    size = np.array([width, height])
    outside = ((whole < 1) | (whole > size)).any(axis=1)
    return np.clip(np.abs(whole), 1, size), int(outside.sum())


def _copy(source: Path, dest: Path) -> None:
    """A copy, not a link: who breaks a picture of the test set on purpose must not break the archive's. Whole or not at all."""
    if dest.exists() and (os.path.samefile(source, dest) or dest.stat().st_size == source.stat().st_size):
        return
    handle, temporary = tempfile.mkstemp(prefix=".writing-", dir=dest.parent)
    os.close(handle)
    try:
        shutil.copyfile(source, temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, dest)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
