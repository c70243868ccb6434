"""Makes an attribution of what the steps of a ladder counted: common images, signed changes that telescope, intervals, images that moved.

A step is one way to run the deliverable, and differs from the step before by one factor; a factor whose step could not run is `Absent`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from reports.accuracy import SAME
from reports.attribution import Absent, Attribution, Factor, Rung
from reports.errors import ReportError
from reports.numbers import SMALLEST_COUNT
from reports.summary import mean, mean_absolute
from reports.verdict import NAMED, Moved


class NoLadder(ReportError):
    """There is no rung to show; the message says why, for each factor."""


class Counted(msgspec.Struct, frozen=True):
    """One image on one step: predicted count (people), digest of the data where it is known."""

    predicted: float
    digest: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One way to run the deliverable. `factor`: what it changes against the step before, None for the first. `label`: for people.

    `true`: true counts by image, `counted`: what it counted, `failures`: why an image has no count.
    """

    factor: Factor | None
    label: str
    true: Mapping[str, float]
    counted: Mapping[str, Counted]
    failures: Mapping[str, str] = {}

    def has(self, image: str) -> bool:
        """True where this step has both counts of an image."""
        return image in self.counted and image in self.true


@dataclass(frozen=True)
class _Stage:
    """A step on the common images: signed errors (people) in their order, MAE and bias."""

    step: Step
    errors: list[float]
    mae: float
    bias: float

    @classmethod
    def of(cls, step: Step, images: Sequence[str]) -> _Stage:
        errors = [step.counted[image].predicted - step.true[image] for image in images]
        return cls(step, errors, mean_absolute(errors) or 0.0, mean(errors) or 0.0)


def attribute(
    case: str, expected: Sequence[str], ladder: Sequence[Step | Absent], warnings: Sequence[str] = ()
) -> Attribution:
    """The attribution over the images of `expected` that every step has; an Absent stands where its step would. Raises NoLadder."""
    steps = [item for item in ladder if isinstance(item, Step)]
    absent = tuple(item for item in ladder if isinstance(item, Absent))
    if len(steps) < 2:
        raise NoLadder(_nothing(f"{case}: fewer than two ways to run it are here", absent))
    images = [image for image in expected if _usable(image, steps)]
    left_out = tuple(_left_out(expected, steps))
    if not images:
        raise NoLadder(
            _nothing(
                f"{case}: no image went through every step ({'; '.join(left_out) or 'none expected'})", absent
            )
        )
    stages = [_Stage.of(step, images) for step in steps]
    first, last = stages[0], stages[-1]
    rungs = [
        _rung(factors, before, after, images)
        for factors, (before, after) in zip(_factors(ladder), pairwise(stages), strict=True)
    ]
    return Attribution(
        case=case,
        n=len(images),
        expected=len(expected),
        start=first.step.label,
        end=last.step.label,
        mae_start=first.mae,
        mae_end=last.mae,
        mae_change=last.mae - first.mae,
        bias_change=last.bias - first.bias,
        rungs=tuple(rungs),
        absent=absent,
        warnings=(*warnings, *left_out),
        bias_start=first.bias,
        bias_end=last.bias,
    )


def _factors(ladder: Sequence[Step | Absent]) -> Iterator[tuple[Factor, ...]]:
    """What each rung changes: the factors without a step of their own go to the next that has one."""
    waiting: list[Factor] = []
    begun = False
    for item in ladder:
        if isinstance(item, Absent):
            waiting += [item.factor] if item.share == "merged" else []
            continue
        if begun:
            yield (*waiting, *([item.factor] if item.factor else []))
        begun, waiting = True, []


def _rung(factors: tuple[Factor, ...], before: _Stage, after: _Stage, images: Sequence[str]) -> Rung:
    from reports.statistics import paired_bootstrap

    changed = [
        found
        for found in (_moved(image, before.step, after.step) for image in images)
        if abs(found.difference) > SAME * max(found.old, found.new, SMALLEST_COUNT)
    ]
    changed.sort(key=lambda found: -abs(found.difference))
    mae = paired_bootstrap(before.errors, after.errors, "mae")
    bias = paired_bootstrap(before.errors, after.errors, "mean")
    return Rung(
        factors=factors,
        before=before.step.label,
        after=after.step.label,
        n=len(images),
        mae_before=before.mae,
        mae_after=after.mae,
        mae_change=after.mae - before.mae,
        mae_low=mae.low,
        mae_high=mae.high,
        bias_change=after.bias - before.bias,
        bias_low=bias.low,
        bias_high=bias.high,
        changed=len(changed),
        moved=tuple(changed[:NAMED]),
    )


def _moved(image: str, before: Step, after: Step) -> Moved:
    """An image's counts on both sides of a rung: the predicted ones, or the true ones where these are what changes."""
    if after.factor == "ground-truth":
        old, new = before.true[image], after.true[image]
    else:
        old, new = before.counted[image].predicted, after.counted[image].predicted
    return Moved(image, after.true[image], old, new, new - old)


def _usable(image: str, steps: Sequence[Step]) -> bool:
    return all(step.has(image) for step in steps) and _same_data(image, steps)


def _same_data(image: str, steps: Sequence[Step]) -> bool:
    """False where the image or its ground truth changed while the steps were measured."""
    digests = {step.counted[image].digest for step in steps}
    return len(digests - {None}) <= 1


def _left_out(expected: Iterable[str], steps: Sequence[Step]) -> Iterator[str]:
    """A sentence for each step that lost images, and for images whose data changed."""
    told: set[str] = set()
    expected = list(expected)
    for step in steps:
        lost = [image for image in expected if image not in told and not step.has(image)]
        told.update(lost)
        if lost:
            why = step.failures.get(lost[0]) or "no count"
            yield f"left out, {len(lost)} of {len(expected)} images without a count on {step.label}: {_named(lost)} ({why})"
    other = [image for image in expected if image not in told and not _same_data(image, steps)]
    if other:
        yield f"left out, {len(other)} of {len(expected)} images whose data changed between two steps: {_named(other)}"


def _named(images: Sequence[str]) -> str:
    more = f" and {len(images) - NAMED} more" if len(images) > NAMED else ""
    return ", ".join(images[:NAMED]) + more


def _nothing(what: str, absent: Iterable[Absent]) -> str:
    return "; ".join([what, *(f"{item.factor}: {item.reason}" for item in absent)])
