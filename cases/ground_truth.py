"""True counts and densities from density-map CSV files, and a cache that never serves an edited file's old count.

A file is looked at by its stat signature (device, inode, size, mtime, ctime) and known by the digest of its content; counts and grids are
kept by digest. An entry whose file had changed less than RACY_NS before it was recorded is not believed from its signature alone
(git's "racily clean" entries: a second change within one tick of the clock leaves the same signature); the content is hashed again.
"""

from __future__ import annotations

import errno
import math
import os
import re
import sqlite3
import struct
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cases import preprocess
from cases.errors import OmgateError
from cases.files import UnfitError, read_regular
from cases.wording import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RULES: tuple[str, ...] = ("raw-sum", "resampled")

# numpy.savetxt, the widest writer in use, takes 25 bytes a value with its comma; twice that leaves room for blanks.
MOST_BYTES_A_VALUE = 50
# File systems keep times in steps of up to 2 s (FAT); ext4, xfs and tmpfs in steps of a kernel tick, 4 ms.
RACY_NS = 2_000_000_000
# About 4,000 grids of 256 x 256. A fuller cache is thrown away: it is quicker to fill again than to tend.
CACHE_LIMIT_BYTES = 1 << 30
MEMORY_LIMIT_BYTES = 64 << 20
# Part of the file's name: raise it when what a digest leads to changes (parser, grid placement).
CACHE_VERSION = 1

_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOM = b"\xef\xbb\xbf"


class TruthError(OmgateError):
    """A ground-truth file that is not there (`code` "missing-truth") or not a density map of its image ("bad-truth")."""

    def __init__(self, message: str, code: str = "bad-truth") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class GroundTruth:
    """One image's ground truth: count in people (float64 sum), the map's height and width, the map (height, width) float64."""

    count: float
    height: int
    width: int
    density: NDArray[np.float64]


def read(path: Path, shape: tuple[int, int], rule: str = "raw-sum") -> GroundTruth:
    """The ground truth in a density CSV of an image of `shape` (height, width), without a cache.

    `raw-sum`: the map as it is. `resampled`: the map of the published checkpoint evaluation, at a quarter of the size. Raises TruthError.
    """
    content, _ = _content(path, shape)
    return _ground_truth(content, path, shape, rule)


def parse(content: bytes, path: Path, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The density (height, width) float64 in a CSV's bytes; `path` is named in errors.

    A line a row, commas, no header; CRLF, a byte-order mark and blank lines at the end are taken. Raises TruthError for anything but
    finite numbers >= 0 of the image's shape.
    """
    import numpy as np

    body = content.rstrip(b" \t\r\n").removeprefix(_BOM)
    if not body:
        raise TruthError(f"{shown(path)}: is empty ({len(content)} bytes); {_allowed(shape)}")
    values = _parse_fast(body, shape[1])
    if values is None or values.shape != shape or not np.isfinite(values).all() or values.min() < 0:
        return _parse_strictly(body, path, shape)
    return values


def _parse_fast(body: bytes, width: int) -> NDArray[np.float64] | None:
    """What polars reads, or None; takes nothing that `_parse_strictly` refuses, once the caller has looked for NaN and signs."""
    import numpy as np
    import polars

    # Without a schema a column that starts with integers fails on its first fraction: MATLAB writes 0 as `0`.
    schema = {f"c{column}": polars.Float64 for column in range(width)}
    try:
        table = polars.read_csv(body, has_header=False, schema=schema, quote_char=None)
    except (Exception, polars.exceptions.PanicException):
        return None
    return np.ascontiguousarray(table.to_numpy())


def _parse_strictly(body: bytes, path: Path, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The definition of what is accepted, line by line: slow, run where the fast way stumbles, so that the error names the place."""
    import numpy as np

    lines = [line.removesuffix(b"\r") for line in body.split(b"\n")]
    _value(
        lines[0].split(b",", 1)[0], path, 1, 1
    )  # a text file is better called that than "of another shape"
    first = lines[0].count(b",") + 1
    for number, line in enumerate(lines, 1):
        if line.count(b",") + 1 != first:
            seen = line.count(b",") + 1 if line else 0
            raise TruthError(
                f"{shown(path)}:{number}: {seen} values, line 1 has {first}; a line a row, {shape[1]} values each"
            )
    if (len(lines), first) != shape:
        turned = "; it looks transposed" if (first, len(lines)) == shape else ""
        raise TruthError(
            f"{shown(path)}: a map of {len(lines)} x {first} (lines x values), its image has {shape[0]} x {shape[1]} "
            f"pixels (height x width){turned}"
        )
    rows = [
        [_value(field, path, number, column) for column, field in enumerate(line.split(b","), 1)]
        for number, line in enumerate(lines, 1)
    ]
    return np.array(rows, dtype=np.float64)


def _value(field: bytes, path: Path, line: int, column: int) -> float:
    text = field.strip(b" \t")
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not (math.isfinite(value) and value >= 0):
        seen = ascii(text[:24].decode("utf-8", "backslashreplace")) if text else "nothing"
        raise TruthError(f"{shown(path)}:{line}: value {column} is {seen}; allowed are finite numbers >= 0")
    return value


def _allowed(shape: tuple[int, int]) -> str:
    return f"expected a density map of {shape[0]} lines of {shape[1]} numbers, its image's height x width"


def _ground_truth(content: bytes, path: Path, shape: tuple[int, int], rule: str) -> GroundTruth:
    import numpy as np

    density = parse(content, path, shape)
    if rule == "resampled":
        density = resample(density, path)
    elif rule != "raw-sum":
        raise TruthError(f"ground-truth rule {rule!r}: allowed are {' and '.join(RULES)}")
    with np.errstate(over="ignore"):
        count = float(density.sum())
    if not math.isfinite(count):
        raise TruthError(f"{shown(path)}: the map's sum is not finite; a density holds people a pixel")
    return GroundTruth(count, density.shape[0], density.shape[1], density)


def resample(density: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    """The map (h // 4, w // 4) of the published checkpoint evaluation: bilinear resize, then times the ratio of areas.

    Source: the MCNN deliverable's data loader. Its sum differs from the map's by up to about 1 %.
    """
    import cv2
    import numpy as np

    height, width = density.shape
    if height < 4 or width < 4:
        raise TruthError(
            f"{shown(path)}: {height} x {width} is too small for the rule resampled, which needs 4 x 4"
        )
    size = (width // 4, height // 4)
    resized = np.asarray(cv2.resize(density, size, interpolation=cv2.INTER_LINEAR), dtype=np.float64)
    return resized * (height * width / (size[0] * size[1]))


@dataclass(frozen=True)
class _Signature:
    """What `stat` tells about a file's content without reading it."""

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    FORMAT = struct.Struct("<5q")

    @classmethod
    def of(cls, status: os.stat_result) -> _Signature:
        numbers = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return cls(*(_signed(number) for number in numbers))

    def pack(self) -> bytes:
        return self.FORMAT.pack(self.device, self.inode, self.size_bytes, self.mtime_ns, self.ctime_ns)


def _signed(number: int) -> int:
    """The low 64 bits as a signed number: device and inode numbers fill 64 bits unsigned on some file systems."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _content(path: Path, shape: tuple[int, int]) -> tuple[bytes, _Signature]:
    """A file's bytes and the signature under which they were read. Raises TruthError."""
    try:
        content, status = read_regular(path, shape[0] * shape[1] * MOST_BYTES_A_VALUE + 4096)
    except OSError as error:
        raise _unreadable(path, error) from None
    except UnfitError as error:
        raise TruthError(f"{shown(path)}: {error}; {_allowed(shape)}") from None
    return content, _Signature.of(status)


def _unreadable(path: Path, error: OSError) -> TruthError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return TruthError(
            f"{shown(path)}: no such file; the image's density map belongs there", "missing-truth"
        )
    return TruthError(f"{shown(path)}: can't be read: {error.strerror or error}")


class TruthCache:
    """Counts and grids of density CSV files; safe for threads and for several processes on one folder.

    Kept in an SQLite file under `folder`; None means OMGATE_CACHE (a folder, or "off": in memory only), else the user's cache folder. A
    cache that can't be opened, written or believed is done without: nothing here raises for its sake.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._store = _Store(_cache_file(folder))

    def count(self, path: Path, shape: tuple[int, int], rule: str = "raw-sum") -> float:
        """True count of an image of `shape` (height, width), float64. Raises TruthError."""
        content, digest = self._known(path, shape)
        payload = self._store.get(_count_key(digest, shape, rule))
        if payload is not None and len(payload) == 8:
            return float(struct.unpack("<d", payload)[0])
        return self._read(path, shape, rule, content)[0].count

    def grid(
        self,
        path: Path,
        shape: tuple[int, int],
        geometry: preprocess.Geometry,
        stride: int,
        rule: str = "raw-sum",
    ) -> tuple[float, NDArray[np.float32]]:
        """True count and the density on the network's output grid, (H // stride, W // stride) float32. Raises TruthError."""
        import numpy as np

        size = (geometry.input_height // stride, geometry.input_width // stride)
        content, digest = self._known(path, shape)
        payload = self._store.get(_grid_key(digest, shape, rule, geometry, stride))
        if payload is not None and len(payload) == 8 + 4 * size[0] * size[1]:
            count = float(struct.unpack_from("<d", payload)[0])
            return count, np.frombuffer(payload, "<f4", offset=8).reshape(size).astype(np.float32)
        truth, digest = self._read(path, shape, rule, content)
        grid = preprocess.place_density(truth.density, geometry, stride)
        self._store.put(
            _grid_key(digest, shape, rule, geometry, stride),
            struct.pack("<d", truth.count) + grid.astype("<f4").tobytes(),
        )
        return truth.count, grid

    def close(self) -> None:
        """Lets go of the file; the cache goes on in memory."""
        self._store.close()

    def _known(self, path: Path, shape: tuple[int, int]) -> tuple[bytes | None, bytes]:
        """The content's digest, by the file's signature where that can be believed; else the content is read, and returned too."""
        try:
            signature = _Signature.of(os.stat(path)).pack()
        except OSError as error:
            raise _unreadable(path, error) from None
        payload = self._store.get(_file_key(path))
        if payload is not None and len(payload) == 40 + 1 + 16 and payload[:40] == signature and payload[40]:
            return None, payload[41:]
        content, digest = self._hash(path, shape)
        return content, digest

    def _hash(self, path: Path, shape: tuple[int, int]) -> tuple[bytes, bytes]:
        import xxhash

        before_ns = time.time_ns()
        content, signature = _content(path, shape)
        digest = xxhash.xxh3_128_digest(content)
        settled = before_ns - signature.ctime_ns >= RACY_NS
        self._store.put(_file_key(path), signature.pack() + bytes([settled]) + digest)
        return content, digest

    def _read(
        self, path: Path, shape: tuple[int, int], rule: str, content: bytes | None
    ) -> tuple[GroundTruth, bytes]:
        import xxhash

        if content is None:
            content, digest = self._hash(path, shape)
        else:
            digest = xxhash.xxh3_128_digest(content)
        truth = _ground_truth(content, path, shape, rule)
        self._store.put(_count_key(digest, shape, rule), struct.pack("<d", truth.count))
        return truth, digest


def _file_key(path: Path) -> bytes:
    return b"file\0" + os.fsencode(os.path.abspath(path))


def _count_key(digest: bytes, shape: tuple[int, int], rule: str) -> bytes:
    return b"count\0" + digest + f"{shape[0]}x{shape[1]} {rule}".encode()


def _grid_key(
    digest: bytes, shape: tuple[int, int], rule: str, geometry: preprocess.Geometry, stride: int
) -> bytes:
    placed = (
        f"{geometry.source_height}x{geometry.source_width} {geometry.height}x{geometry.width}+{geometry.top}+{geometry.left} "
        f"{geometry.input_height}x{geometry.input_width}/{stride}"
    )
    return b"grid\0" + digest + f"{shape[0]}x{shape[1]} {rule} {placed}".encode()


def _cache_file(folder: Path | None) -> Path | None:
    if folder is None:
        chosen = os.environ.get("OMGATE_CACHE", "")
        if chosen == "off":
            return None
        if chosen:
            folder = Path(chosen)
        else:
            import platformdirs

            folder = Path(platformdirs.user_cache_dir("omgate", appauthor=False))
    return folder / f"ground-truth-{CACHE_VERSION}.sqlite"


class _Store:
    """Keys and values, bytes, in an SQLite file; a value carries its own checksum, because SQLite's pages have none.

    Whatever goes wrong with the file, `get` finds nothing and `put` keeps the value in memory, up to MEMORY_LIMIT_BYTES.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._memory: OrderedDict[bytes, bytes] = OrderedDict()
        self._memory_bytes = 0
        self._path = path
        self._database = _open_database(path) if path is not None else None

    def get(self, key: bytes) -> bytes | None:
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return self._memory[key]
            row = self._execute("SELECT value FROM entries WHERE key = ?", (key,))
        if row is None or not isinstance(row[0], bytes) or row[0][:8] != _checksum(key, row[0][8:]):
            return None
        return row[0][8:]

    def put(self, key: bytes, value: bytes) -> None:
        with self._lock:
            if self._memory.pop(key, None) is not None:
                self._memory_bytes = sum(map(len, self._memory.values()))
            stored = self._execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?) RETURNING 1",
                (key, _checksum(key, value) + value),
            )
            if stored is None:
                self._remember(key, value)

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None

    def _execute(self, statement: str, values: tuple[bytes, ...]) -> tuple[object, ...] | None:
        if self._database is None:
            return None
        try:
            rows: list[tuple[object, ...]] = self._database.execute(statement, values).fetchall()
        except sqlite3.OperationalError:  # busy, read-only, disk full: this one is done without
            return None
        except sqlite3.DatabaseError:  # damaged: out of the way, so that the next run starts a new one
            self._database.close()
            self._database = None
            if self._path is not None:
                _discard(self._path)
            return None
        return rows[0] if rows else None

    def _remember(self, key: bytes, value: bytes) -> None:
        self._memory[key] = value
        self._memory_bytes += len(value)
        while self._memory_bytes > MEMORY_LIMIT_BYTES:
            _, dropped = self._memory.popitem(last=False)
            self._memory_bytes -= len(dropped)


def _checksum(key: bytes, value: bytes) -> bytes:
    import xxhash

    return xxhash.xxh3_64_digest(key + value)


def _open_database(path: Path) -> sqlite3.Connection | None:
    """A connection to the cache's file, made where it is missing, made again where it is damaged or too large, or None."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > CACHE_LIMIT_BYTES:
            _discard(path)
    except (OSError, ValueError):
        pass
    for _ in range(2):
        try:
            return _connect(path)
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError:
            _discard(path)
        except (OSError, ValueError):
            return None
    return None


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level None: every statement is its own transaction. timeout: another process may be writing, for milliseconds.
    database = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        # What a power cut tears is caught by the checksums; waiting for the disk would cost more than parsing again.
        database.execute("PRAGMA synchronous = OFF")
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if "entries" not in tables:
            database.execute("CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB)")
    except BaseException:
        database.close()
        raise
    return database


def _discard(path: Path) -> None:
    for name in (path, path.with_name(path.name + "-journal")):
        try:
            name.unlink(missing_ok=True)
        except OSError:
            return
