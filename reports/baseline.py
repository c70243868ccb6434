"""What a baseline is, and its file: read it, check it, write it. One file a case, backend, SoC and precision, made to be reviewed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from reports.errors import ReportError
from reports.files import safe_name, write_atomically
from reports.perfstats_verdict import SdkBaseline
from reports.speed_samples import SpeedSamples
from reports.summary import Summary, mean_absolute, root_mean_square

SCHEMA = 1
"""Version of the baseline file; rises when a reader of the old one would misread the new one."""

CONSISTENT = 1e-9
"""Relative difference up to which the stored summary agrees with the stored counts."""


class BaselineImage(msgspec.Struct, frozen=True, kw_only=True):
    """What the promoted run made of one image: counts (float64, unrounded), digest of its data, its metrics."""

    digest: str
    predicted_count: float
    true_count: float
    metrics: dict[str, float | None] = {}


class BaselineDigests(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured: digests of model file, data and case; the code's commit and whether its tree was clean."""

    model: str | None = None
    data: str | None = None
    case: str
    commit: str | None = None
    clean: bool | None = None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of one region over `n` images; `p90` only from 64 images on."""

    n: int
    minimum: float
    median: float
    p90: float | None = None


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline before this one; `content` is the whole of it, without its own history."""

    run: str
    who: str
    when: str
    reason: str
    mae: float | None = None
    rmse: float | None = None
    n: int = 0
    content: dict[str, Any] | None = None


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion that was taken back."""

    run: str
    who: str
    when: str
    reason: str
    undone_by: str
    undone_when: str


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file; fields and units in docs/record.md."""

    schema: int
    case: str
    backend: str
    soc: str
    precision: str
    run: str
    who: str
    when: str
    reason: str
    notes: tuple[str, ...] = ()
    fingerprint: dict[str, Any] = {}
    digests: BaselineDigests
    summary: Summary
    latency: dict[str, Latency] = {}
    perfstats: SdkBaseline | None = None
    speed: dict[str, SpeedSamples] = {}
    images: dict[str, BaselineImage]
    history: tuple[Earlier, ...] = ()
    undone: tuple[Undone, ...] = ()


@dataclass(frozen=True)
class BaselineFile:
    """A file in a baselines folder: its baseline, or the problem with it."""

    path: Path
    baseline: Baseline | None
    problem: str | None = None


def path_of(folder: Path | str, case: str, backend: str, soc: str, precision: str) -> Path:
    """Where the baseline of a case on a backend is, in a model's baselines folder."""
    parts = [safe_name(part) or "x" for part in (backend, soc, precision)]
    return Path(folder) / (safe_name(case) or "x") / f"{'-'.join(parts)}.json"


# --- reading ------------------------------------------------------------------------------------------------------------------


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} is there twice")
    return found


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _decode(path: Path, data: bytes) -> Baseline:
    way_out = f"take back the edit (git checkout {path}) or promote a run again"
    try:
        content = json.loads(data, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        conflict = " (a merge conflict's marker?)" if b"<<<<<<<" in data or b">>>>>>>" in data else ""
        raise ReportError(f"{path}:{error.lineno}: no JSON: {error.msg}{conflict}; {way_out}") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{path}: {error}; {way_out}") from error
    version = content.get("schema") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise ReportError(
            f"{path}:schema: seen {version}, this omgate reads up to {SCHEMA}; use a newer omgate"
        )
    try:
        baseline = msgspec.convert(content, Baseline)
    except msgspec.ValidationError as error:
        raise ReportError(f"{path}: {error}; {way_out}") from error
    problem = problem_of(path, baseline)
    if problem:
        raise ReportError(f"{path}:{problem}; {way_out}")
    return baseline


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=CONSISTENT, abs_tol=CONSISTENT)


def problem_of(path: Path, baseline: Baseline) -> str | None:
    """What does not hold within a baseline, as `key: seen`; None if all does."""
    named = path_of("", baseline.case, baseline.backend, baseline.soc, baseline.precision)
    if path.parts[-2:] != named.parts:
        return f"case, backend, soc, precision: they belong into {named}"
    if not baseline.images:
        return "images: empty"
    for name, image in baseline.images.items():
        if not image.digest:
            return f"images.{name}.digest: empty"
        if not (math.isfinite(image.predicted_count) and math.isfinite(image.true_count)):
            return f"images.{name}: a count is not finite"
    errors = [image.predicted_count - image.true_count for image in baseline.images.values()]
    if baseline.summary.n != len(errors):
        return f"summary.n: seen {baseline.summary.n}, there are {len(errors)} images"
    for key, value in (("mae", mean_absolute(errors)), ("rmse", root_mean_square(errors))):
        stored = getattr(baseline.summary, key)
        if not _close(stored, value):
            return f"summary.{key}: seen {stored}, the images' counts give {value}"
    return None


def read(path: Path) -> Baseline:
    """The baseline in a file that is there. ReportError, with line or key, if it is broken."""
    try:
        return _decode(path, path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: can't be read ({error.strerror or error})") from error


def load(folder: Path | str, case: str, backend: str, soc: str, precision: str) -> Baseline | None:
    """The baseline of a case on a backend; None if there is none. ReportError, with line or key, if the file is broken."""
    path = path_of(folder, case, backend, soc, precision)
    return read(path) if path.exists() else None


def list_baselines(folder: Path | str, case: str | None = None) -> list[BaselineFile]:
    """The baselines in a model's folder (of one case), by path; a broken one with its problem."""
    pattern = f"{safe_name(case) or 'x'}/*.json" if case is not None else "*/*.json"
    found = []
    for path in sorted(Path(folder).glob(pattern)):
        try:
            found.append(BaselineFile(path, read(path)))
        except ReportError as error:
            found.append(BaselineFile(path, None, str(error)))
    return found


def promoted_ids(folders: Iterable[Path | str]) -> set[str]:
    """Ids of the runs that the baselines in these folders were promoted from, the earlier ones included.

    ReportError if a file is broken: what it protects is not known then.
    """
    ids: set[str] = set()
    for folder in folders:
        for file in list_baselines(folder):
            if file.baseline is None:
                raise ReportError(file.problem or f"{file.path}: broken")
            ids.add(file.baseline.run)
            ids.update(earlier.run for earlier in file.baseline.history)
    return ids


# --- writing ------------------------------------------------------------------------------------------------------------------

ONE_LINE_EACH = ("images", "latency", "speed", "history", "undone")
"""Parts with one line an entry, so that a diff names the entry that changed."""


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)


def _block(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True).replace(
        "\n", "\n "
    )


def _entries(value: Any) -> str:
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, dict):
        lines = [f"{_line(name)}: {_line(entry)}" for name, entry in value.items()]
        return "{\n  " + ",\n  ".join(lines) + "\n }"
    return "[\n  " + ",\n  ".join(_line(entry) for entry in value) + "\n ]"


def encode(baseline: Baseline) -> bytes:
    """The file: keys in a fixed order, one line an image, every float with all its digits."""
    content = msgspec.to_builtins(baseline)
    parts = [
        f" {_line(name)}: {_entries(value) if name in ONE_LINE_EACH else _block(value)}"
        for name, value in content.items()
    ]
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode("utf-8", "backslashreplace")


def write(path: Path, baseline: Baseline) -> None:
    """Puts a baseline into its file, atomically. ReportError if that can't be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"{path.parent}: can't be made ({error.strerror or error})") from error
    write_atomically(path, encode(baseline))
