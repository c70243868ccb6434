"""Accuracy of two runs: the judgement of reports/accuracy.py, with the old run in the baseline's place."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from reports.accuracy import compare_accuracy, failures_of
from reports.baseline import SCHEMA, Baseline, BaselineDigests, BaselineImage
from reports.diff.environment import kind_of, moved_axes, same_model
from reports.fingerprint import environment_of, same_numerics
from reports.image import ImageRecord
from reports.numbers import GUARD, METRICS, Gate
from reports.reasons import Reason, ReasonCode
from reports.record import RunRecord
from reports.run import Run
from reports.summary import summarise
from reports.verdict import Context, Status, Verdict

WORSE_FIRST = list(Status)


def gates_of(run: Run, case: str, backend: str) -> tuple[Gate, ...]:
    """The gates that a run was judged by, as its verdict holds them; none where it holds none."""
    verdict = run.verdict(case, backend)
    numbers = verdict.numbers if verdict else ()
    return tuple(
        Gate(number.metric, number.tolerance, number.tolerance_unit)
        for number in numbers
        if number.gated and number.tolerance is not None and number.tolerance_unit is not None
        if number.metric in METRICS or number.metric == GUARD
    )


def compare(old: RunRecord, new: RunRecord, case: str, backend: str, gates: Sequence[Gate]) -> Verdict:
    """The verdict on one case x backend that both runs have; it names every image that moved, the largest change first.

    What failed or is missing on either side: cannot tell, unless the others regressed by themselves. Without gates: pass where no image
    changed, else cannot tell.
    """
    one, other = old.run.case(case), new.run.case(case)
    entry, before = new.run.backend(case, backend), old.run.backend(case, backend)
    assert one is not None
    assert other is not None
    assert entry is not None
    assert before is not None
    limited = one.limit is not None or other.limit is not None
    expected, was = other.images, old.images_of(case, backend)
    if limited:
        common = set(one.images) & set(other.images)
        expected = tuple(image for image in expected if image in common)
        was = tuple(record for record in was if record.image in common)
    theirs = tuple(image for image in one.images if not limited or image in set(expected))
    lost = _lost(was, theirs)
    now = [record for record in new.images_of(case, backend) if not limited or record.image in set(expected)]
    now = [record for record in now if record.status != "ok" or record.image not in lost]
    kept = {record.image for record in now}
    name = f"run {old.run.label or old.run.id}"
    verdict = compare_accuracy(
        _side(old, case, backend, was, lost & kept),
        now,
        gates,
        Context(
            run=new.run.id,
            case=case,
            backend=backend,
            soc=entry.soc,
            case_digest=new.run.digests.cases.get(case, ""),
            expected=tuple(image for image in expected if image in kept or image not in lost),
            same_machine=same_numerics(
                environment_of(old.run.environment, backend), environment_of(new.run.environment, backend)
            )
            and before.soc == entry.soc,
            limited=limited,
            old=name,
        ),
        named=None,
    )
    return _with_failures(_without_gate(verdict), failures_of(was, theirs, old.run.id, name))


def _lost(records: Sequence[ImageRecord], expected: Sequence[str]) -> set[str]:
    """The images of the old run that it has no count of."""
    return set(expected) - {record.image for record in records if record.status == "ok"}


def _with_failures(verdict: Verdict, failures: Sequence[Reason]) -> Verdict:
    """What the old run lacks makes a verdict undecided, as what the new one lacks does."""
    if not failures:
        return verdict
    if verdict.status == Status.REGRESSED:
        return msgspec.structs.replace(verdict, reasons=(*verdict.reasons, *failures))
    return msgspec.structs.replace(verdict, status=Status.CANNOT_TELL, reasons=(*failures, *verdict.reasons))


def _without_gate(verdict: Verdict) -> Verdict:
    """Where nothing moved no gate is needed."""
    codes = {reason.code for reason in verdict.reasons}
    if verdict.n and not verdict.changed and codes == {ReasonCode.NO_GATE.value}:
        return msgspec.structs.replace(verdict, status=Status.PASS, reasons=())
    return verdict


def _side(
    record: RunRecord, case: str, backend: str, images: Sequence[ImageRecord], failed: Collection[str]
) -> Baseline:
    """The old run in the form in which a baseline is compared: the images that it has counts of.

    `failed`: images that failed in both; they are known here, without data, so that they don't count as new ones.
    """
    run = record.run
    entry = run.backend(case, backend)
    assert entry is not None
    good = [image for image in images if image.status == "ok"]
    return Baseline(
        schema=SCHEMA,
        case=case,
        backend=backend,
        soc=entry.soc,
        precision=entry.precision,
        run=run.id,
        who="",
        when=run.started,
        reason="",
        fingerprint=dict(environment_of(run.environment, backend)),
        digests=BaselineDigests(
            model=run.digests.models.get(f"{case}/{backend}"),
            data=run.digests.data.get(case),
            case=run.digests.cases.get(case, ""),
        ),
        summary=summarise(good),
        images={
            image.image: BaselineImage(
                digest=image.digest or "",
                predicted_count=image.predicted_count or 0.0,
                true_count=image.true_count or 0.0,
                metrics=dict(image.metrics),
            )
            for image in good
        }
        | {name: BaselineImage(digest="", predicted_count=0.0, true_count=0.0) for name in failed},
    )


# --- the alarm ----------------------------------------------------------------------------------------------------------------


def alarm(old: RunRecord, new: RunRecord, case: str, backend: str, verdict: Verdict) -> Reason | None:
    """The same OM file gave other counts for the same input on the same kind of device; None where that is not so.

    An OM is compiled: its kernels are in the file, so that even another CANN should run it to the same counts.
    """
    moved = moved_axes(old.run, new.run, case, backend)
    other = verdict.changed + verdict.within_numerics
    if (
        kind_of(backend) != "om"
        or not other
        or "soc" in moved
        or not same_model(old.run, new.run, case, backend)
    ):
        return None
    images = "1 image" if verdict.n == 1 else f"{verdict.n} images"
    text = f"the same OM, byte for byte, gave other counts for {other} of {images} from the same pixels"
    if moved:
        axes = ", ".join(f"{axis} {was} -> {now}" for axis, (was, now) in moved.items())
        why, advice = f"changed meanwhile: {axes}", "go back one step at a time, and measure again"
    else:
        why = "nothing that is recorded changed: it is not deterministic, or something that is not recorded changed"
        advice = "measure the same again, twice; look at the device's health (omgate doctor)"
    return Reason(ReasonCode.SAME_OM_OTHER_OUTPUT.value, f"{text}; {why}", advice)


def raised(verdict: Verdict, found: Reason | None, explained: bool) -> Verdict:
    """A verdict with the alarm as its first reason: at least a drift; cannot tell where nothing explains it, for what does not repeat
    is no ground for a verdict. What regressed stays so.
    """
    if found is None:
        return verdict
    floor = Status.DRIFT if explained else Status.CANNOT_TELL
    status = min(Status(verdict.status), floor, key=WORSE_FIRST.index)
    return msgspec.structs.replace(verdict, status=status, reasons=(found, *verdict.reasons))
