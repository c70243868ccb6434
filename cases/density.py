"""Head positions and the density maps made of them: ShanghaiTech's .mat files, Gaussian maps, density CSV files."""

from __future__ import annotations

import glob
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cases.errors import OmgateError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Eight significant digits: the sum of a map differs from the number of heads by less than 1e-8 relative. The field writes five.
CSV_DIGITS = 8


class MatError(OmgateError):
    """A ground-truth .mat file that has not the structure of ShanghaiTech's."""


def read_points(path: Path) -> NDArray[np.float64]:
    """Head positions (N, 2) float64, columns x and y, 1-based pixels, of a ShanghaiTech `GT_IMG_n.mat`.

    MATLAB v5, `image_info{1}.location` (the data set's own layout). Raises MatError naming the file and what was found.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(os.fspath(path))
    except FileNotFoundError:
        raise MatError(f"{path}: no such file") from None
    except Exception as error:  # scipy raises whatever a torn file makes it meet
        raise MatError(f"{path}: not a readable MATLAB v5 file ({type(error).__name__}: {error})") from None
    try:
        points = np.asarray(content["image_info"][0, 0][0, 0][0])
    except (KeyError, IndexError, TypeError):
        seen = ", ".join(sorted(name for name in content if not name.startswith("__"))) or "nothing"
        raise MatError(
            f"{path}: seen variables {seen}; expected image_info{{1}}.location, an N x 2 array of x and y"
        ) from None
    if points.size == 0:
        return np.zeros((0, 2))
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "fiu":
        raise MatError(f"{path}: location is {points.dtype} {points.shape}; expected numbers of shape (N, 2)")
    points = points.astype(np.float64)
    if not np.isfinite(points).all():
        raise MatError(f"{path}: location holds NaN or Inf")
    return points


def write_points(path: Path, points: NDArray[np.float64]) -> None:
    """Writes head positions (N, 2), 1-based x and y, with the nesting of ShanghaiTech's files."""
    from scipy.io import savemat

    info = np.empty((1, 1), dtype=[("location", "O"), ("number", "O")])
    info["location"][0, 0] = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    info["number"][0, 0] = np.array([[len(points)]], dtype=np.uint16)
    cell = np.empty((1, 1), dtype=object)
    cell[0, 0] = info
    content = io.BytesIO()
    savemat(content, {"image_info": cell}, do_compression=True)
    write_atomically(path, content.getvalue())


def density_map(
    points: NDArray[np.float64],
    height: int,
    width: int,
    kind: str = "fixed",
    sigma: float = 4.0,
    kernel: int = 15,
) -> NDArray[np.float64]:
    """Density map (height, width) float64 whose sum is the number of points, at the border too.

    `fixed`: a kernel x kernel Gaussian of `sigma` pixels a head. `adaptive`: sigma is 0.3 times the mean distance to the three
    nearest heads (Zhang et al., CVPR 2016), cut at three sigma; `sigma` serves where a head has no neighbour.
    A point outside the image counts at the nearest pixel. What the border cuts off is given back to the rest of the kernel; the MATLAB
    script of the field builds a smaller kernel instead, so its maps differ within 8 pixels of a border, their sums do not.
    """
    if kind not in ("fixed", "adaptive"):
        raise OmgateError(f"density kind {kind!r}: allowed are 'fixed' and 'adaptive'")
    result = np.zeros((height, width))
    columns = np.clip(np.floor(points[:, 0]).astype(int) - 1, 0, width - 1)
    rows = np.clip(np.floor(points[:, 1]).astype(int) - 1, 0, height - 1)
    sigmas = np.full(len(points), sigma) if kind == "fixed" else _adaptive_sigmas(points, sigma)
    for row, column, spread in zip(rows, columns, sigmas, strict=True):
        radius = kernel // 2 if kind == "fixed" else max(1, int(np.ceil(3 * spread)))
        vertical = _profile(row, height, spread, radius)
        horizontal = _profile(column, width, spread, radius)
        top, left = max(0, row - radius), max(0, column - radius)
        patch = np.outer(vertical, horizontal)
        result[top : top + len(vertical), left : left + len(horizontal)] += patch
    return result


def _profile(centre: int, size: int, sigma: float, radius: int) -> NDArray[np.float64]:
    offsets = np.arange(max(0, centre - radius), min(size, centre + radius + 1)) - centre
    values = np.exp(-0.5 * (offsets / sigma) ** 2)
    return values / values.sum()


def _adaptive_sigmas(points: NDArray[np.float64], single: float) -> NDArray[np.float64]:
    from scipy.spatial import cKDTree

    if len(points) < 2:
        return np.full(len(points), single)
    neighbours = min(3, len(points) - 1)
    distances, _ = cKDTree(points).query(points, k=neighbours + 1)
    return np.maximum(0.3 * distances[:, 1:].mean(axis=1), 0.5)


def write_csv(path: Path, density: NDArray[np.float64]) -> None:
    """Writes a density map as the field does: a line a row, commas, no header; atomically, zeros as `0`."""
    zeros = ["0"] * density.shape[1]
    lines = []
    for row in density:
        cells = zeros.copy()
        for column in np.flatnonzero(row):
            cells[column] = f"{row[column]:.{CSV_DIGITS}g}"
        lines.append(",".join(cells))
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: a reader never sees half of it, a kill leaves the old one."""
    handle, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:  # a full disk does not say which file it was
        Path(temporary).unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def derive_csvs(
    root: Path,
    size: Callable[[Path], tuple[int, int] | None],
    kind: str = "fixed",
    sigma: float = 4.0,
    kernel: int = 15,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Writes `root/ground_truth_csv/` from `root/ground_truth/GT_*.mat` where it is missing or older; returns how many were written.

    `size(image path)` gives (height, width) in pixels, or None for an image that can't be read. A .mat without a readable image is left:
    the run names the image.
    """
    folder = root / "ground_truth_csv"
    wanted = []
    for mat in sorted((root / "ground_truth").glob("GT_*.mat")):
        table = folder / f"{mat.stem.removeprefix('GT_')}.csv"
        images = sorted((root / "images").glob(f"{glob.escape(table.stem)}.*"))
        if images and (not table.exists() or table.stat().st_mtime_ns < mat.stat().st_mtime_ns):
            wanted.append((mat, images[0], table))
    for number, (mat, image, table) in enumerate(wanted, 1):
        folder.mkdir(exist_ok=True)
        shape = size(image)
        if shape:
            write_csv(table, density_map(read_points(mat), *shape, kind, sigma, kernel))
        if progress:
            progress(number, len(wanted))
    return len(wanted)
