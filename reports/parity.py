"""Parity: how far two backends are apart on the same images, image by image and map by map, and the verdict on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypedDict

import msgspec

from reports.equivalence import Equivalence, equivalent
from reports.image import ImageRecord, clean_text
from reports.reasons import Reason, ReasonCode, code_of_failure
from reports.summary import mean
from reports.tolerance import Gate, HalfDeviation, MapPair, Rule, Tolerance, WouldPass
from reports.verdict import EMULATED, NAMED

Status = Literal["pass", "regressed", "cannot-tell"]

WORST = 5
"""How many of the images that came nearest to their tolerance, or went beyond it, are kept."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two backends: what it ran on, in which precision, and its model file's digest."""

    backend: str
    soc: str
    precision: str
    model: str | None = None

    @property
    def half(self) -> bool:
        """Whether it computes in FP16.

        Convolutions on an Ascend processor do, whatever the model's own type: 310 has no FP32 kernel for them (ATC user guide,
        precision_mode). That MindSpore on 910 does likewise is unconfirmed.
        """
        return self.precision == "fp16" or self.soc.startswith("Ascend")


class ParityImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image of a comparison: both counts, `difference` backend - other, `tolerance` in counts (None: none could be derived)."""

    image: str
    count: float
    other_count: float
    difference: float
    tolerance: float | None = None
    relative_l2: float | None = None
    cosine: float | None = None


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """How far `backend` is from `other` on a case; fields and units in docs/record.md."""

    case: str
    backend: str
    other: str
    status: Status
    reasons: tuple[Reason, ...] = ()
    n: int = 0
    expected: int = 0
    identical: int = 0
    max_difference: float | None = None
    mean_difference: float | None = None
    max_relative: float | None = None
    min_cosine: float | None = None
    max_relative_l2: float | None = None
    game1: float | None = None
    game2: float | None = None
    game3: float | None = None
    tolerance: Tolerance | None = None
    equivalence: Equivalence | None = None
    would_pass: WouldPass | None = None
    worst: tuple[ParityImage, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """(case, backend, other)."""
        return self.case, self.backend, self.other

    @property
    def all_identical(self) -> bool:
        """Whether every image was compared and its two maps are the same bit for bit."""
        return 0 < self.identical == self.n == self.expected


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What the verdict rests on: both sides' records, the pairs of maps, and the reference's FP16 deviation where it is needed.

    `expected`: the images that the run set out to evaluate. `pairs` lacks those for which an exact map is not there. `no_deviation` says why
    there is no deviation. `limited`: the run was told to evaluate only some images.
    """

    run: str
    case: str
    side: Side
    other: Side
    expected: tuple[str, ...]
    records: tuple[ImageRecord, ...]
    other_records: tuple[ImageRecord, ...]
    pairs: tuple[MapPair, ...]
    deviations: tuple[HalfDeviation, ...] = ()
    no_deviation: Reason | None = None
    limited: bool = False


def halves(side: Side, other: Side) -> int:
    """How many FP16 deviations may lie between two sides: the rounding of one OM file on one kind of device is common to both."""
    return 1 if same_om(side, other) else side.half + other.half


def same_om(side: Side, other: Side) -> bool:
    """Whether both run the same OM file on the same kind of device, so that they should agree bit for bit."""
    alike = side.precision == other.precision == "fp16" and side.soc == other.soc
    return alike and side.model is not None and side.model == other.model


def judge(comparison: Comparison, rule: Rule | None = None) -> Parity:
    """The verdict on two backends: beyond the tolerance or not comparable, undecided, or pass; with the numbers it rests on."""
    obstacles = _Obstacles(comparison)
    failed, missing = obstacles.reasons()
    pairs = [pair for pair in comparison.pairs if pair.image not in obstacles.images]
    gate = _gate(comparison, pairs, rule)
    if gate is None and comparison.no_deviation is not None:
        missing.append(comparison.no_deviation)
    excess = gate.excess() if gate else None
    if excess:
        failed.insert(0, _reason(ReasonCode.PARITY_EXCEEDED, excess.text, "look at the worst images' maps"))
    if comparison.limited:
        text = f"only {_images(len(comparison.expected))} evaluated (--limit)"
        missing.append(_reason(ReasonCode.LIMITED_RUN, text, "run it without --limit"))
    mixed = _mixed(comparison)
    if mixed:
        failed, missing = [], [mixed, *missing]
    status: Status = "regressed" if failed else "cannot-tell" if missing else "pass"
    return Parity(
        case=comparison.case,
        backend=comparison.side.backend,
        other=comparison.other.backend,
        status=status,
        reasons=(*failed, *missing, *_notes(comparison, pairs)),
        expected=len(comparison.expected),
        tolerance=gate.tolerance if gate else None,
        equivalence=_equivalence(pairs, gate),
        would_pass=excess.would_pass if excess else None,
        **_numbers(pairs, gate),
    )


def _gate(comparison: Comparison, pairs: Sequence[MapPair], rule: Rule | None) -> Gate | None:
    """The tolerance; None where nothing was compared, or the deviation that it needs is not known."""
    needed = halves(comparison.side, comparison.other)
    if not pairs or (needed and not comparison.deviations):
        return None
    return Gate(pairs, comparison.deviations, needed, rule)


def _mixed(comparison: Comparison) -> Reason | None:
    """The reason why an emulated side says nothing about a device; None where neither or both are emulated, or one is a CPU."""
    side, other = comparison.side, comparison.other
    socs = (side.soc, other.soc)
    if EMULATED not in socs or not any(soc.startswith("Ascend") for soc in socs):
        return None
    text = f"{side.backend} ran on {side.soc}, {other.backend} on {other.soc}: emulated and device can't be compared"
    return _reason(ReasonCode.EMULATED_VS_DEVICE, text, "run both on the device")


def _notes(comparison: Comparison, pairs: Sequence[MapPair]) -> list[Reason]:
    """What is worth saying of a comparison whatever its verdict is."""
    unlike = sum(not pair.identical for pair in pairs)
    if not unlike or not same_om(comparison.side, comparison.other):
        return []
    text = f"both ran the same OM file on {comparison.side.soc}, yet {unlike} of {_images(len(pairs))} have maps that are not identical"
    advice = "compare what the two feed it: JPEG decoder, padding, data type"
    return [_reason(ReasonCode.SAME_OM_OTHER_OUTPUT, text, advice)]


# --- what can't be compared ---------------------------------------------------------------------------------------------------

SAYS: dict[ReasonCode, tuple[str, str]] = {
    ReasonCode.INCOMPLETE_RUN: ("have no result on {where}", "continue it: --resume {run}"),
    ReasonCode.NOT_FINITE: ("are NaN or infinite on {where}", "look for an overflow in the model"),
    ReasonCode.DATA_DIFFERS: ("were not the same data on both", "leave the data alone while a run lasts; start a new run"),
    ReasonCode.GEOMETRY_DIFFERS: ("have another geometry on both", "let both backends preprocess by the case's policy"),
    ReasonCode.MAP_MISSING: ("lack an exact map", "see the run's warnings, free space, and start a new run"),
}  # fmt: skip
"""What is said of images that can't be compared, and the way out."""

NO_RESULT = ("failed on {where}", "see the worker's log in the run's folder")


class _Obstacles:
    """What keeps images from being compared, image by image."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._mine = {record.image: record for record in comparison.records}
        self._others = {record.image: record for record in comparison.other_records}
        self._pairs = {pair.image: pair for pair in comparison.pairs}
        # (whether it is a failure, code, side that it happened on) -> images, with what is known of each
        self._found: dict[tuple[bool, ReasonCode, str], list[tuple[str, str]]] = {}
        for image in comparison.expected:
            self._look_at(clean_text(image))

    @property
    def images(self) -> set[str]:
        """The images that can't be compared."""
        return {image for found in self._found.values() for image, _ in found}

    def reasons(self) -> tuple[list[Reason], list[Reason]]:
        """The failures, and what is missing to decide."""
        failed: list[Reason] = []
        missing: list[Reason] = []
        total = _images(len(self._comparison.expected))
        for (fails, code, where), images in self._found.items():
            first, detail = images[0]
            named = f"{first}: {detail}" if detail else first
            rest = f"; also {_names([image for image, _ in images[1:]])}" if len(images) > 1 else ""
            says, advice = SAYS.get(code, NO_RESULT)
            text = f"{len(images)} of {total} {says.format(where=where)}: {named}{rest}"
            reason = _reason(code, text, advice.format(run=self._comparison.run))
            (failed if fails else missing).append(reason)
        return failed, missing

    def _look_at(self, image: str) -> None:
        mine, others = self._mine.get(image), self._others.get(image)
        sides = ((self._comparison.side.backend, mine), (self._comparison.other.backend, others))
        bad = [(backend, record) for backend, record in sides if record is None or record.status != "ok"]
        if bad:
            self._lost(image, bad)
        elif mine is not None and others is not None:
            self._unlike(image, mine, others)

    def _lost(self, image: str, bad: Sequence[tuple[str, ImageRecord | None]]) -> None:
        backend, record = bad[0]
        code = code_of_failure(record.reason) if record else ReasonCode.INCOMPLETE_RUN
        # What neither side has says nothing about either, and a backend that never ran is not one that answers otherwise.
        fails = len(bad) == 1 and code is not ReasonCode.BACKEND_UNAVAILABLE
        where = backend if len(bad) == 1 else "both"
        self._note(fails, code, where, image, (record.detail if record else None) or "")

    def _unlike(self, image: str, mine: ImageRecord, others: ImageRecord) -> None:
        pair = self._pairs.get(image)
        if mine.digest != others.digest:
            self._note(False, ReasonCode.DATA_DIFFERS, "", image)
        elif mine.geometry != others.geometry:
            self._note(True, ReasonCode.GEOMETRY_DIFFERS, "", image, _other_geometry(mine, others))
        elif pair is None:
            self._note(False, ReasonCode.MAP_MISSING, "", image)
        elif not math.isfinite(pair.count) or not math.isfinite(pair.other_count):
            backend = self._comparison.other if math.isfinite(pair.count) else self._comparison.side
            self._note(True, ReasonCode.NOT_FINITE, backend.backend, image)

    def _note(self, fails: bool, code: ReasonCode, where: str, image: str, detail: str = "") -> None:
        self._found.setdefault((fails, code, where), []).append((image, detail))


def _other_geometry(mine: ImageRecord, others: ImageRecord) -> str:
    return ", ".join(
        f"{name} {mine.geometry.get(name)} against {others.geometry.get(name)}"
        for name in sorted({*mine.geometry, *others.geometry})
        if mine.geometry.get(name) != others.geometry.get(name)
    )


# --- numbers and words --------------------------------------------------------------------------------------------------------


class _Numbers(TypedDict):
    n: int
    identical: int
    max_difference: float | None
    mean_difference: float | None
    max_relative: float | None
    min_cosine: float | None
    max_relative_l2: float | None
    game1: float | None
    game2: float | None
    game3: float | None
    worst: tuple[ParityImage, ...]


def _numbers(pairs: Sequence[MapPair], gate: Gate | None) -> _Numbers:
    """The fields of `Parity` that come from the images compared."""
    distances = [pair.distance for pair in pairs]
    ranked = sorted(
        (pair for pair in pairs if not pair.identical),
        key=gate.used if gate else lambda pair: pair.distance,
        reverse=True,
    )
    return _Numbers(
        n=len(pairs),
        identical=sum(pair.identical for pair in pairs),
        max_difference=max(distances, default=None),
        mean_difference=mean(distances),
        max_relative=max((pair.distance / pair.base for pair in pairs), default=None),
        min_cosine=min((pair.cosine for pair in pairs if pair.cosine is not None), default=None),
        max_relative_l2=max(
            (pair.relative_l2 for pair in pairs if pair.relative_l2 is not None), default=None
        ),
        game1=mean([pair.game[0] for pair in pairs if pair.game]),
        game2=mean([pair.game[1] for pair in pairs if pair.game]),
        game3=mean([pair.game[2] for pair in pairs if pair.game]),
        worst=tuple(_image(pair, gate) for pair in ranked[:WORST]),
    )


def _equivalence(pairs: Sequence[MapPair], gate: Gate | None) -> Equivalence | None:
    """Whether the two agree in the mean as well; every single image's tolerance is what the verdict goes by.

    A common offset below every image's tolerance passes the verdict. It shows here, where the interval of the mean leaves out 0.
    """
    if gate is None:
        return None
    margin = sum(gate.allowed(pair) for pair in pairs) / len(pairs)
    return equivalent([pair.count - pair.other_count for pair in pairs], margin)


def _image(pair: MapPair, gate: Gate | None) -> ParityImage:
    return ParityImage(
        image=pair.image,
        count=pair.count,
        other_count=pair.other_count,
        difference=pair.count - pair.other_count,
        tolerance=gate.allowed(pair) if gate else None,
        relative_l2=pair.relative_l2,
        cosine=pair.cosine,
    )


def _reason(code: ReasonCode, message: str, advice: str = "") -> Reason:
    return Reason(code.value, message, advice)


def _names(images: Sequence[str]) -> str:
    shown = ", ".join(images[:NAMED])
    return shown if len(images) <= NAMED else f"{shown} and {len(images) - NAMED} more"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
