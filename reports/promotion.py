"""Which run counts: who may become the baseline, promoting it, going back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from reports.baseline import (
    SCHEMA,
    Baseline,
    BaselineDigests,
    BaselineImage,
    Earlier,
    Latency,
    Undone,
    path_of,
    problem_of,
    read,
    write,
)
from reports.errors import ReportError
from reports.fingerprint import environment_of
from reports.image import ImageRecord
from reports.perfstats_verdict import baseline_of
from reports.reasons import Reason, ReasonCode
from reports.record import RunRecord
from reports.run import instant
from reports.speed_samples import kept, speed_samples
from reports.summary import summarise
from reports.timings_file import read_timings
from reports.verdict import EMULATED

WITH_CONTENT = 10
"""How many earlier baselines the file holds whole, so that `promote --undo` can go back to them; of older ones only who, when, why."""

P90_FROM = 64
"""Samples from which a p90 is printed (docs/design.md)."""


@dataclass(frozen=True)
class Promotion:
    """What `promote` wrote; `notes` are what to know about it."""

    path: Path
    baseline: Baseline
    replaced: str | None
    notes: tuple[str, ...]


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
    if run.options.get("imported"):
        message = "the run was imported from what a program printed: nobody saw its images, nor where it ran"
        advice = "measure with pytest bench/, and promote that run"
        found.append(_refusal(ReasonCode.FINGERPRINT_DIFFERS, message, advice))
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
    present = read(path) if path.exists() else None
    here = {image.image: image.digest for image in record.images_of(case, backend)}
    if present is not None and here == {name: image.digest for name, image in present.images.items()}:
        return []
    message = f"the run used --data, and these are not known to be the data of {case}"
    return [_refusal(ReasonCode.DATA_DIFFERS, message, "run it on the case's own data, without --data")]


def _notes(record: RunRecord, case: str, backend: str) -> tuple[str, ...]:
    return (*_code(record), *_apart(record, case, backend), *_disturbed(record, case, backend))


def _code(record: RunRecord) -> tuple[str, ...]:
    digests = record.run.digests
    if digests.clean is None:
        return ("it is not known whether the code's work tree was clean",)
    return () if digests.clean else (f"the code's work tree had changes beside commit {digests.commit}",)


def _apart(record: RunRecord, case: str, backend: str) -> tuple[str, ...]:
    """Parity that failed is no refusal, since a person may have good cause; but who reviews the baseline must see it."""
    return tuple(
        f"in this run {parity.backend} and {parity.other} were further apart than the tolerance"
        + (f" (counts by up to {parity.max_difference:.3g})" if parity.max_difference is not None else "")
        for parity in record.run.parity
        if parity.case == case and backend in (parity.backend, parity.other) and parity.status == "regressed"
    )


def _disturbed(record: RunRecord, case: str, backend: str) -> tuple[str, ...]:
    """Times of a busy machine are no refusal either, but later runs will be held against them."""
    timings = [
        timing for timing in read_timings(record.folder).of(case, backend) if timing.scenario != "sweep"
    ]
    return tuple(
        f"its speed ({timing.scenario}) was measured under a warning: {warning.message}"
        for timing in timings
        for warning in timing.warnings
    )


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
        notes=_notes(record, case, backend),
        fingerprint={
            key: value for key, value in environment_of(run.environment, backend).items() if key != "volatile"
        },
        digests=BaselineDigests(
            model=run.digests.models.get(f"{case}/{backend}"),
            data=run.digests.data.get(case),
            case=run.digests.cases[case],
            commit=run.digests.commit,
            clean=run.digests.clean,
        ),
        summary=summary,
        latency=_latency(images),
        perfstats=baseline_of(record, case, backend),
        speed={
            figure.metric: kept(figure)
            for figure in speed_samples(read_timings(record.folder).of(case, backend))
        },
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
    old = read(path) if path.exists() else None
    if old is not None and old.run == new.run:
        raise ReportError(f"run {new.run} is the baseline of {case} on {backend} already, since {old.when}")
    new = _with_history(new, old)
    problem = problem_of(path, new)
    if problem:
        raise ReportError(f"run {new.run}, {case} on {backend}, can't be promoted: {problem}")
    write(path, new)
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
    present = read(path)
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
    problem = problem_of(path, before)
    if problem:
        raise ReportError(f"{path}:history: the baseline before (run {last.run}) is broken: {problem}")
    write(path, before)
    return before
