"""The run that counts: promote it, read it, go back. One file a case, backend, SoC and precision, made to be reviewed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from reports.errors import ReportError
from reports.files import safe_name, write_atomically
from reports.image import ImageRecord
from reports.reasons import Reason, ReasonCode
from reports.record import RunRecord
from reports.run import instant
from reports.summary import Summary, mean_absolute, root_mean_square, summarise
from reports.verdict import EMULATED

SCHEMA = 1
"""Version of the baseline file; rises when a reader of the old one would misread the new one."""

WITH_CONTENT = 10
"""How many earlier baselines the file holds whole, so that `promote --undo` can go back to them; of older ones only who, when, why."""

P90_FROM = 64
"""Samples from which a p90 is printed (docs/design.md)."""

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
    images: dict[str, BaselineImage]
    history: tuple[Earlier, ...] = ()
    undone: tuple[Undone, ...] = ()


@dataclass(frozen=True)
class BaselineFile:
    """A file in a baselines folder: its baseline, or the problem with it."""

    path: Path
    baseline: Baseline | None
    problem: str | None = None


@dataclass(frozen=True)
class Promotion:
    """What `promote` wrote; `notes` are what to know about it."""

    path: Path
    baseline: Baseline
    replaced: str | None
    notes: tuple[str, ...]


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
    problem = _problem(path, baseline)
    if problem:
        raise ReportError(f"{path}:{problem}; {way_out}")
    return baseline


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=CONSISTENT, abs_tol=CONSISTENT)


def _problem(path: Path, baseline: Baseline) -> str | None:
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


def _read(path: Path) -> Baseline:
    try:
        return _decode(path, path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: can't be read ({error.strerror or error})") from error


def load(folder: Path | str, case: str, backend: str, soc: str, precision: str) -> Baseline | None:
    """The baseline of a case on a backend; None if there is none. ReportError, with line or key, if the file is broken."""
    path = path_of(folder, case, backend, soc, precision)
    return _read(path) if path.exists() else None


def list_baselines(folder: Path | str, case: str | None = None) -> list[BaselineFile]:
    """The baselines in a model's folder (of one case), by path; a broken one with its problem."""
    pattern = f"{safe_name(case) or 'x'}/*.json" if case is not None else "*/*.json"
    found = []
    for path in sorted(Path(folder).glob(pattern)):
        try:
            found.append(BaselineFile(path, _read(path)))
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

ONE_LINE_EACH = ("images", "latency", "history", "undone")
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


def _write(path: Path, baseline: Baseline) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"{path.parent}: can't be made ({error.strerror or error})") from error
    write_atomically(path, encode(baseline))


# --- promoting ----------------------------------------------------------------------------------------------------------------


def _refusal(code: ReasonCode, message: str, advice: str) -> Reason:
    return Reason(code.value, message, advice)


def refusals(record: RunRecord, case: str, backend: str, folder: Path | str) -> list[Reason]:
    """Why a run's result on a case and backend can't become the baseline; empty if it can."""
    run = record.run
    case_entry, entry = run.case(case), run.backend(case, backend)
    if case_entry is None or entry is None:
        has = ", ".join(f"{e.case} on {e.name}" for e in run.backends) or "nothing"
        return [
            _refusal(
                ReasonCode.INCOMPLETE_RUN,
                f"the run has no {case} on {backend}; it has {has}",
                "name one of these",
            )
        ]
    if not entry.available:
        return [
            _refusal(ReasonCode.BACKEND_UNAVAILABLE, f"{backend} could not run: {entry.reason}", entry.advice)
        ]
    found = []
    if run.finished is None:
        found.append(
            _refusal(
                ReasonCode.INCOMPLETE_RUN, "the run was not finished", f"pytest bench/ --resume {run.id}"
            )
        )
    if missing := record.missing(case, backend):
        message = (
            f"{len(missing)} of {len(case_entry.images)} images have no result: {', '.join(missing[:5])}"
        )
        found.append(_refusal(ReasonCode.INCOMPLETE_RUN, message, f"pytest bench/ --resume {run.id}"))
    if case_entry.limit is not None or len(case_entry.images) < case_entry.available:
        message = f"the run was limited to {len(case_entry.images)} of {case_entry.available} images"
        found.append(_refusal(ReasonCode.LIMITED_RUN, message, "run it again without --limit"))
    found.extend(_bad_images(record.images_of(case, backend)))
    if not run.digests.cases.get(case):
        message = f"the run does not say what decided {case}'s accuracy (no digest of the case)"
        found.append(_refusal(ReasonCode.CASE_DIFFERS, message, "run it again"))
    emulated = run.options.get("emulate") or run.environment.get("soc") == EMULATED
    emulated = (emulated and backend.startswith("om")) or entry.info.get("soc") == EMULATED
    if emulated and entry.soc != EMULATED:
        message = f"an emulated run can't be the baseline of {entry.soc}"
        found.append(_refusal(ReasonCode.EMULATED_VS_DEVICE, message, "run it on the device"))
    if case_entry.data_overridden:
        found.extend(
            _foreign_data(record, case, backend, path_of(folder, case, backend, entry.soc, entry.precision))
        )
    return found


def _bad_images(images: Sequence[ImageRecord]) -> list[Reason]:
    if not images:
        return [_refusal(ReasonCode.INCOMPLETE_RUN, "no image was evaluated", "run it again")]
    failed = [image for image in images if image.status != "ok"]
    found = []
    for code in dict.fromkeys(image.reason for image in failed):
        names = [image.image for image in failed if image.reason == code]
        message = f"{len(names)} of {len(images)} images failed ({code}): {', '.join(names[:5])}"
        found.append(Reason(code or ReasonCode.INCOMPLETE_RUN.value, message, "mend them and run again"))
    unknown = [image.image for image in images if image.status == "ok" and not image.digest]
    if unknown:
        message = f"{len(unknown)} images have no digest of their data: {', '.join(unknown[:5])}"
        found.append(_refusal(ReasonCode.DATA_DIFFERS, message, "run it again"))
    return found


def _foreign_data(record: RunRecord, case: str, backend: str, path: Path) -> list[Reason]:
    """`--data` is fine where the data are, image by image, those of the present baseline."""
    present = _read(path) if path.exists() else None
    here = {image.image: image.digest for image in record.images_of(case, backend)}
    if present is not None and here == {name: image.digest for name, image in present.images.items()}:
        return []
    message = f"the run used --data, and these are not known to be the data of {case}"
    return [_refusal(ReasonCode.DATA_DIFFERS, message, "run it on the case's own data, without --data")]


def _notes(record: RunRecord) -> tuple[str, ...]:
    digests = record.run.digests
    if digests.clean is None:
        return ("it is not known whether the code's work tree was clean",)
    return () if digests.clean else (f"the code's work tree had changes beside commit {digests.commit}",)


def _latency(images: Sequence[ImageRecord]) -> dict[str, Latency]:
    regions: dict[str, list[float]] = {}
    for image in images:
        for region, seconds in image.seconds.items():
            if seconds is not None:
                regions.setdefault(region, []).append(seconds)
    found = {}
    for region in sorted(regions):
        values = sorted(regions[region])
        n = len(values)
        median = (values[(n - 1) // 2] + values[n // 2]) / 2
        p90 = values[math.ceil(0.9 * n) - 1] if n >= P90_FROM else None
        found[region] = Latency(n=n, minimum=values[0], median=median, p90=p90)
    return found


def _baseline(record: RunRecord, case: str, backend: str, reason: str, who: str, when: str) -> Baseline:
    run = record.run
    case_entry, entry = run.case(case), run.backend(case, backend)
    assert case_entry is not None
    assert entry is not None
    by_name = {image.image: image for image in record.images_of(case, backend)}
    images = [by_name[name] for name in case_entry.images if name in by_name]
    stored = run.summary(case, backend)
    bounds = [stratum.high for stratum in stored.strata if stratum.high is not None] if stored else []
    summary = summarise(images, bounds)
    if stored is not None:
        summary = msgspec.structs.replace(summary, images_per_second=stored.images_per_second)
    return Baseline(
        schema=SCHEMA,
        case=case,
        backend=backend,
        soc=entry.soc,
        precision=entry.precision,
        run=run.id,
        who=who,
        when=when,
        reason=reason,
        notes=_notes(record),
        fingerprint={key: value for key, value in run.environment.items() if key != "volatile"},
        digests=BaselineDigests(
            model=run.digests.models.get(f"{case}/{backend}"),
            data=run.digests.data.get(case),
            case=run.digests.cases[case],
            commit=run.digests.commit,
            clean=run.digests.clean,
        ),
        summary=summary,
        latency=_latency(images),
        images={
            image.image: BaselineImage(
                digest=image.digest or "",
                predicted_count=image.predicted_count or 0.0,
                true_count=image.true_count or 0.0,
                metrics=dict(image.metrics),
            )
            for image in images
        },
    )


def _with_history(new: Baseline, old: Baseline | None) -> Baseline:
    """`new` with `old` and its history behind it; whole contents of the newest ten only."""
    if old is None:
        return new
    content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(old))
    last = Earlier(
        run=old.run,
        who=old.who,
        when=old.when,
        reason=old.reason,
        mae=old.summary.mae,
        rmse=old.summary.rmse,
        n=old.summary.n,
        content={key: value for key, value in content.items() if key not in ("history", "undone")},
    )
    history = [*old.history, last]
    bare = [msgspec.structs.replace(earlier, content=None) for earlier in history[:-WITH_CONTENT]]
    return msgspec.structs.replace(new, history=(*bare, *history[-WITH_CONTENT:]), undone=old.undone)


def promote(
    record: RunRecord,
    case: str,
    backend: str,
    folder: Path | str,
    *,
    reason: str,
    who: str,
    now: datetime | None = None,
) -> Promotion:
    """Makes a run's result on a case and backend the baseline, in a model's baselines `folder`; the one before goes into its history.

    ReportError with every refusal: an incomplete, failed, not finite or limited run, foreign data, an emulated run for a device, an empty
    reason, a result that is the baseline already, or a broken file in its place.
    """
    refused = refusals(record, case, backend, folder)
    if refused:
        texts = "; ".join(
            f"{item.message} ({item.advice})" if item.advice else item.message for item in refused
        )
        raise ReportError(f"run {record.run.id}, {case} on {backend}, can't be promoted: {texts}")
    if not reason.strip():
        raise ReportError("a promotion needs its why: --reason TEXT")
    new = _baseline(record, case, backend, reason.strip(), who, instant(now or datetime.now(UTC)))
    path = path_of(folder, case, backend, new.soc, new.precision)
    old = _read(path) if path.exists() else None
    if old is not None and old.run == new.run:
        raise ReportError(f"run {new.run} is the baseline of {case} on {backend} already, since {old.when}")
    new = _with_history(new, old)
    problem = _problem(path, new)
    if problem:
        raise ReportError(f"run {new.run}, {case} on {backend}, can't be promoted: {problem}")
    _write(path, new)
    return Promotion(path, new, old.run if old else None, new.notes)


def undo(
    folder: Path | str,
    case: str,
    backend: str,
    soc: str,
    precision: str,
    *,
    who: str,
    now: datetime | None = None,
) -> Baseline | None:
    """Takes the last promotion back: the baseline before it counts again; None, and no file any more, if it was the first.

    ReportError if there is no baseline, or the one before is too old to be kept whole.
    """
    path = path_of(folder, case, backend, soc, precision)
    if not path.exists():
        raise ReportError(f"{path}: no baseline, so nothing to undo")
    present = _read(path)
    if not present.history:
        try:
            path.unlink()
        except OSError as error:
            raise ReportError(f"{path}: can't be removed ({error.strerror or error})") from error
        return None
    last = present.history[-1]
    if last.content is None:
        message = f"the baseline before (run {last.run}) is not kept whole any more"
        raise ReportError(f"{path}: {message}; find the file in the repository's history")
    try:
        before = msgspec.convert(last.content, Baseline)
    except msgspec.ValidationError as error:
        raise ReportError(
            f"{path}:history: the baseline before (run {last.run}) is broken: {error}"
        ) from error
    note = Undone(
        run=present.run,
        who=present.who,
        when=present.when,
        reason=present.reason,
        undone_by=who,
        undone_when=instant(now or datetime.now(UTC)),
    )
    before = msgspec.structs.replace(before, history=present.history[:-1], undone=(*present.undone, note))
    problem = _problem(path, before)
    if problem:
        raise ReportError(f"{path}:history: the baseline before (run {last.run}) is broken: {problem}")
    _write(path, before)
    return before
