"""Accuracy judged: the counts of one case on one backend against its baseline, paired by image.

Counts on one device are exact. A delta beyond the gate on this very test set is `regressed` whether or not its interval includes
zero; the interval says whether it holds beyond these images, and the reason says both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from reports.image import ImageRecord, last_of_each, normalise
from reports.numbers import (
    GUARD,
    METRICS,
    Gate,
    Number,
    Pair,
    check_gates,
    compare_numbers,
    new_numbers,
)
from reports.reasons import Reason, ReasonCode, code_of_failure
from reports.verdict import EDGE, EMULATED, NAMED, Context, Moved, Status, Verdict, promote_command, show

if TYPE_CHECKING:
    from reports.baseline import Baseline

SAME = 1e-5
"""Relative difference up to which two counts are the same: the order of a float32 summation."""

NUMERICS = 1e-3
"""Relative difference up to which two counts are the same within numerics, between processors or decoder builds only."""

MANY = 0.1
"""Share of the images from which "many" changed: a drift, even though no gated metric got worse."""

MOVED = 5
"""How many of the images that moved most a verdict names."""

ADVICE: dict[ReasonCode, str] = {
    ReasonCode.INCOMPLETE_RUN: "continue it with --resume RUN",
    ReasonCode.NOT_FINITE: "look for an overflow in the model, or a NaN in the ground truth",
    ReasonCode.MISSING_IMAGE: "put the image back into images/, or remove its ground truth, too",
    ReasonCode.MISSING_TRUTH: "put the density map into ground_truth_csv/, or remove the image, too",
    ReasonCode.BAD_IMAGE: "replace the file",
    ReasonCode.BAD_TRUTH: "write the density map again",
    ReasonCode.TOO_LARGE: 'set preprocess.above = "downscale" in the case file, or take the image out',
    ReasonCode.WORKER_ERROR: "see the worker's log in the run's folder",
    ReasonCode.WORKER_DIED: "see the worker's log in the run's folder",
    ReasonCode.WORKER_TIMEOUT: "see the worker's log in the run's folder; limits.image_seconds in the case file is the limit",
}
"""The way out of a failed image."""


def _reason(code: ReasonCode, message: str, advice: str = "") -> Reason:
    return Reason(code.value, message, advice)


def _names(images: Sequence[str]) -> str:
    shown = ", ".join(images[:NAMED])
    return shown if len(images) <= NAMED else f"{shown} and {len(images) - NAMED} more"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


# --- what forbids a verdict ---------------------------------------------------------------------------------------------------


def _unlike(baseline: Baseline | None, context: Context) -> Reason | None:
    """Why nothing can be compared at all; None if it can."""
    if baseline is None:
        return _reason(
            ReasonCode.NO_BASELINE,
            f"no baseline of {context.case} on {context.backend} ({context.soc})",
            f"record one: {promote_command(context.run)}",
        )
    if (baseline.soc == EMULATED) != (context.soc == EMULATED):
        return _reason(
            ReasonCode.EMULATED_VS_DEVICE,
            f"the run is on {context.soc}, {_named(baseline, context)} on {baseline.soc}: emulated and device can't be compared",
            f"give it a baseline of its own: {context.accept}"
            if context.accept
            else "measure both on the device",
        )
    if baseline.digests.case != context.case_digest:
        return _reason(
            ReasonCode.CASE_DIFFERS,
            f"preprocessing, ground-truth rule or metrics of {context.case} are not those of {_named(baseline, context)}"
            f" (digest {context.case_digest[:12]}, was {baseline.digests.case[:12]})",
            _or_accept("undo the change of the case file", context),
        )
    return None


def _named(baseline: Baseline, context: Context) -> str:
    return context.old or f"the baseline {baseline.run}"


def _or_accept(advice: str, context: Context) -> str:
    return f"{advice}, or: {context.accept}" if context.accept else advice


def failures_of(
    records: Sequence[ImageRecord], expected: Sequence[str], run: str, where: str = ""
) -> list[Reason]:
    """A reason for each kind of failure among the records of a run, and for the `expected` images that have none; `where` says which run."""
    by_code: dict[ReasonCode, list[ImageRecord]] = {}
    for record in records:
        if record.status != "ok":
            by_code.setdefault(code_of_failure(record.reason), []).append(record)
    total = max(len(expected), len(records))
    where = f" in {where}" if where else ""
    reasons = []
    for code, failed in by_code.items():
        detail = f": {failed[0].detail}" if failed[0].detail else ""
        first = f"{failed[0].image}{detail}"
        others = f"; also {_names([record.image for record in failed[1:]])}" if len(failed) > 1 else ""
        message = f"{len(failed)} of {_images(total)} failed{where} ({failed[0].reason}): {first}{others}"
        reasons.append(_reason(code, message, ADVICE.get(code, ADVICE[ReasonCode.INCOMPLETE_RUN])))
    recorded = {record.image for record in records}
    absent = [image for image in expected if image not in recorded]
    if absent:
        reasons.append(
            _reason(
                ReasonCode.INCOMPLETE_RUN,
                f"{len(absent)} of {_images(total)} have no result{where}: {_names(absent)}",
                f"continue it: --resume {run}",
            )
        )
    return reasons


def _other_data(
    records: Sequence[ImageRecord], baseline: Baseline, context: Context
) -> tuple[list[str], list[Reason]]:
    """The images whose data are not the baseline's, and the reason that says so."""
    different = [
        record.image
        for record in records
        if record.status == "ok"
        and record.image in baseline.images
        and (record.digest is None or record.digest != baseline.images[record.image].digest)
    ]
    here = {*context.expected, *(record.image for record in records)}
    added = [record.image for record in records if record.image not in baseline.images]
    gone = [] if context.limited else [image for image in baseline.images if image not in here]
    parts = []
    if different:
        parts.append(
            f"pixels or true count of {_images(len(different))} differ from those of {context.against}: {_names(different)}"
        )
    if added:
        parts.append(f"{_images(len(added))} not in {context.against}: {_names(added)}")
    if gone:
        parts.append(f"{_images(len(gone))} of {context.against} not in the data: {_names(gone)}")
    if not parts:
        return different, []
    advice = _or_accept("restore the data (or the JPEG decoder's version)", context)
    return different, [_reason(ReasonCode.DATA_DIFFERS, "; ".join(parts), advice)]


# --- the comparison itself ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Comparison:
    """Pairs, the numbers of them, and how the counts changed."""

    pairs: list[Pair]
    numbers: tuple[Number, ...]
    changed: list[Pair]
    within_numerics: list[Pair]
    same_machine: bool

    @property
    def largest(self) -> Pair | None:
        return max(self.pairs, key=lambda pair: pair.change, default=None)

    @property
    def scope(self) -> str:
        return f"these {_images(len(self.pairs))}" if len(self.pairs) != 1 else "this image"

    def noise(self, number: Number) -> float:
        """The difference of a metric that rounding alone explains, in the metric's unit."""
        if METRICS[number.metric].of_counts:
            relative = SAME
        else:
            relative = SAME if self.same_machine else NUMERICS
        if number.unit == "counts":
            return relative * sum(pair.size for pair in self.pairs) / len(self.pairs)
        return relative * max(abs(number.old or 0.0), 1.0)


def _compare(pairs: list[Pair], gates: Sequence[Gate], same_machine: bool) -> _Comparison:
    limit = SAME if same_machine else NUMERICS
    return _Comparison(
        pairs=pairs,
        numbers=compare_numbers(pairs, gates),
        changed=[pair for pair in pairs if pair.change > limit],
        within_numerics=[pair for pair in pairs if SAME < pair.change <= limit],
        same_machine=same_machine,
    )


def _sentence(number: Number, comparison: _Comparison, relation: str) -> str:
    """What a metric did, against its gate, exactly here and beyond these images."""
    difference = number.difference or 0.0
    unit = {"counts": " counts", "dB": " dB", "1": ""}[number.unit]
    gate = (
        f"{number.tolerance:g} {number.tolerance_unit}"
        if number.tolerance_unit == "%"
        else f"{number.tolerance:g}{unit}"
    )
    if number.tolerance_unit == "%" and number.allowed is not None:
        gate += f" ({show(number.allowed)}{unit})"
    text = (
        f"{METRICS[number.metric].title} {'rose' if difference > 0 else 'fell'} by {show(abs(difference))}{unit}"
        f" ({show(number.old or 0.0)} -> {show(number.new or 0.0)}), {relation} the gate of {gate}; exact on {comparison.scope}"
    )
    if number.low is None or number.high is None:
        return f"{text}; no interval"
    beyond = (
        "excludes 0: it holds beyond them"
        if number.excludes_zero
        else "includes 0: beyond them it is not shown"
    )
    return f"{text}; 95 % interval {show(number.low)} .. {show(number.high)} {beyond}"


def _judge_metric(number: Number, comparison: _Comparison, advice: str) -> tuple[Status, Reason] | None:
    """What one gated metric says; None: it did not move."""
    if number.difference is None or number.allowed is None:
        message = (
            f"{METRICS[number.metric].title} is gated, but no image has it in both the run and the baseline"
        )
        return Status.CANNOT_TELL, _reason(
            ReasonCode.INCOMPLETE_RUN, message, "record it and promote a new baseline"
        )
    if METRICS[number.metric].of_counts and not comparison.changed:
        return None
    worse = METRICS[number.metric].worse * number.difference
    noise = comparison.noise(number)
    if worse > noise and worse > number.allowed * (1.0 + EDGE):
        return Status.REGRESSED, _reason(
            ReasonCode.GATE_EXCEEDED, _sentence(number, comparison, "beyond"), advice
        )
    if worse > noise:
        return Status.DRIFT, _reason(
            ReasonCode.BELOW_TOLERANCE, _sentence(number, comparison, "within"), advice
        )
    if -worse > noise and (-worse > number.allowed or number.excludes_zero):
        relation = "better by more than" if -worse > number.allowed else "better, within"
        return Status.IMPROVED, _reason(ReasonCode.BETTER, _sentence(number, comparison, relation), advice)
    return None


def _judge_guard(number: Number, comparison: _Comparison, advice: str) -> tuple[Status, Reason] | None:
    """What the gate on single images says; it names the worst image."""
    difference, allowed = number.difference or 0.0, number.allowed or 0.0
    if not comparison.changed or abs(difference) <= allowed * (1.0 + EDGE):
        return None
    pair = next(
        pair for pair in comparison.pairs if pair.difference == difference and pair.before == number.old
    )
    message = (
        f"the count of {pair.image} changed by {difference:+.2f} ({show(pair.before)} -> {show(pair.after)}),"
        f" beyond the gate of {number.tolerance:g} {number.tolerance_unit} for one image"
    )
    return Status.REGRESSED, _reason(ReasonCode.GATE_EXCEEDED, message, advice)


def _judge(comparison: _Comparison, context: Context) -> tuple[Status, list[Reason]]:
    """The verdict on the images that could be compared, with its reasons, the worst first."""
    gated = [number for number in comparison.numbers if number.gated]
    if not gated:
        message = f"{context.case} has no gate: nothing says how much worse is too much"
        return Status.CANNOT_TELL, [
            _reason(ReasonCode.NO_GATE, message, "add one under gates in the case file")
        ]
    moved = ", ".join(f"{item.image} ({item.difference:+.2f})" for item in _moved(comparison))
    accept = f"; if it is meant: {context.accept}" if context.accept else ""
    advice = f"moved most: {moved}{accept}" if moved else ""
    found = []
    for number in gated:
        judge = _judge_guard if number.metric == GUARD else _judge_metric
        if (result := judge(number, comparison, advice)) is not None:
            found.append(result)
    order = list(Status)
    found.sort(key=lambda item: order.index(item[0]))
    status = found[0][0] if found else Status.PASS
    reasons = [reason for _, reason in found]
    # The way out once is enough.
    reasons = [
        msgspec.structs.replace(reason, advice="") if index else reason
        for index, reason in enumerate(reasons)
    ]
    changed = len(comparison.changed)
    if changed and status is Status.PASS:
        largest = max(comparison.changed, key=lambda pair: pair.change)
        message = (
            f"{changed} of {_images(len(comparison.pairs))} changed, by up to {100 * largest.change:.2g} % of the count"
            f" ({largest.image}); no gated metric got worse"
        )
        if changed >= MANY * len(comparison.pairs):
            return Status.DRIFT, [_reason(ReasonCode.MANY_IMAGES_CHANGED, message, advice)]
        reasons.append(_reason(ReasonCode.FEW_IMAGES_CHANGED, message, advice))
    if comparison.within_numerics:
        largest = max(comparison.within_numerics, key=lambda pair: pair.change)
        message = (
            f"same within numerics: another processor or decoder build; {len(comparison.within_numerics)} of"
            f" {_images(len(comparison.pairs))} differ by up to {100 * largest.change:.2g} % of the count ({largest.image})"
        )
        reasons.append(_reason(ReasonCode.WITHIN_NUMERICS, message))
    return status, reasons


def _moved(comparison: _Comparison, named: int | None = MOVED) -> tuple[Moved, ...]:
    """The changed images, the largest change in counts first, at most `named` (None: all)."""
    pairs = sorted(comparison.changed, key=lambda pair: (-abs(pair.difference), pair.image))
    return tuple(
        Moved(pair.image, pair.old.true_count, pair.before, pair.after, pair.difference)
        for pair in pairs[:named]
    )


def compare_accuracy(
    baseline: Baseline | None,
    images: Iterable[ImageRecord],
    gates: Sequence[Gate],
    context: Context,
    named: int | None = MOVED,
) -> Verdict:
    """The verdict on one case x backend of a run, against its baseline.

    Records of other cases and backends are left out; of an image recorded twice the last counts. What must match and is not the
    same (device or emulated, case, data), a missing baseline, a limited run: cannot tell, with the numbers of the images that can be
    compared. A failed or missing image: cannot tell, unless the images that were evaluated regressed by themselves. `named`: how many of
    the images that moved the verdict names, None for all. Raises ReportError for gates that make no sense.
    """
    check_gates(gates)
    own = (image for image in images if image.case == context.case and image.backend == context.backend)
    records = last_of_each(normalise(image) for image in own)
    good = [record for record in records if record.status == "ok"]
    failures = failures_of(records, context.expected, context.run)
    limited = []
    if context.limited:
        message = f"the run was limited to {_images(len(context.expected))}: the numbers are of these alone"
        limited = [_reason(ReasonCode.LIMITED_RUN, message, "run it again without --limit")]
    unlike = _unlike(baseline, context)
    if baseline is None or unlike is not None:
        first = [unlike] if unlike is not None else []
        return Verdict(
            status=Status.CANNOT_TELL,
            reasons=(*first, *failures, *limited),
            numbers=new_numbers(good, gates),
            n=0,
        )
    different, other_data = _other_data(records, baseline, context)
    refused = set(different)
    pairs = [
        Pair(record.image, baseline.images[record.image], record)
        for record in good
        if record.image in baseline.images and record.image not in refused
    ]
    if not pairs:
        nothing = _reason(ReasonCode.INCOMPLETE_RUN, f"no image can be compared with {context.against}")
        reasons = [*other_data, *failures, *limited] or [nothing]
        return Verdict(status=Status.CANNOT_TELL, reasons=tuple(reasons), numbers=new_numbers(good, gates))
    comparison = _compare(pairs, gates, context.same_machine)
    status, why = _judge(comparison, context)
    if other_data or limited:
        status, why = Status.CANNOT_TELL, [*other_data, *failures, *limited, *why]
    elif failures and status is not Status.REGRESSED:
        status, why = Status.CANNOT_TELL, [*failures, *why]
    elif failures:
        why = [*why, *failures]
    largest = comparison.largest
    return Verdict(
        status=status,
        reasons=tuple(why),
        numbers=comparison.numbers,
        n=len(pairs),
        changed=len(comparison.changed),
        within_numerics=len(comparison.within_numerics),
        largest_relative_change=None if largest is None else largest.change,
        moved=_moved(comparison, named),
    )
