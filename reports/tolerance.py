"""How far two backends may be apart on the same images: a tolerance for every image, in counts, and what would have passed.

The count's tolerance of an image is

    same * count  +  factor * halves * scale

`same` (1e-4) covers two FP32 sides: another order of summation moves a count by about 1e-5 (docs/record.md), other kernels by a little
more. `halves` is the number of sides that compute in FP16. `scale` is what FP16 does to this image's count, taken from the reference's
own FP16 deviation d on the same images: the larger of

    |d| of the image itself, and rms(d) * max(1, count / rms(counts)).

Why not the largest relative deviation times the count: a deviation has a part that does not grow with the count (padding, background), so
small counts have the largest relative ones, and one of them would widen the tolerance of a crowd of a thousand to many people. Why not
|d| alone: it is near zero by chance where the deviation changes its sign. The root mean square over the test set stands in for it there,
in counts below the usual count, in proportion above it. No percentile is used: small test sets don't support one.

`factor` is 3. Rounding of the weights, the same for every FP16 side, explains most of a deviation, and d holds it exactly; a device that
accumulates and fuses otherwise adds a part of its own that is smaller. That 3 covers it is a choice, unconfirmed on hardware.

The map has one looser gate: its relative L2 distance within `same_map + factor * halves * (largest FP16 distance of the set)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from reports.numbers import SMALLEST_COUNT
from reports.summary import root_mean_square
from reports.verdict import EDGE, show

DIGITS = 3
"""Significant digits of a tolerance that would have passed; it is rounded up."""


class Rule(msgspec.Struct, frozen=True):
    """The numbers of the tolerance: see the top of this file. `same` is relative to the count, `same_map` to the map's L2 norm."""

    factor: float = 3.0
    same: float = 1e-4
    same_map: float = 1e-3


class MapPair(msgspec.Struct, frozen=True, kw_only=True):
    """What two density maps of one image have in common; counts in people.

    `cosine` and `relative_l2` (of the difference, to the other's norm) are None where a map is zero everywhere and they have no value.
    `game`: GAME(1..3) between the two maps. Where the maps are not there, only the counts are compared: these three are None.
    """

    image: str
    count: float
    other_count: float
    identical: bool
    relative_l2: float | None
    cosine: float | None
    game: tuple[float, float, float] | None

    @property
    def distance(self) -> float:
        """How far the two counts are apart."""
        return abs(self.count - self.other_count)

    @property
    def base(self) -> float:
        """What a relative difference is relative to: the other's count; below one person a relative difference means nothing."""
        return max(abs(self.other_count), SMALLEST_COUNT)


class HalfDeviation(msgspec.Struct, frozen=True):
    """What FP16 does to one image on the reference: count in FP32 and in FP16 (people), relative L2 distance of the two maps."""

    image: str
    count: float
    half_count: float
    relative_l2: float

    @property
    def difference(self) -> float:
        """FP16 - FP32 count."""
        return self.half_count - self.count


class Deviation(msgspec.Struct, frozen=True):
    """The reference's FP16 deviation over `n` images: of the counts, and relative L2 distance of the maps."""

    n: int
    rms: float
    largest: float
    largest_relative_l2: float


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """What was allowed: `lowest` to `highest` counts over the images, `relative_l2` for every map, and what they come from.

    `halves`: sides in FP16, one where both run the same OM file on the same kind of device. No deviation: two FP32 sides.
    """

    lowest: float
    highest: float
    relative_l2: float
    factor: float
    halves: int
    same: float
    same_map: float
    deviation: Deviation | None = None


class WouldPass(msgspec.Struct, frozen=True, kw_only=True):
    """The tolerance that would have passed, rounded up; None for what passed as it is, or what could not be mended so.

    `factor` in place of the rule's, `same` in place of the rule's for two FP32 sides; `counts` is what that allows on `image`, the one that
    needs it. `relative_l2` is of the maps.
    """

    factor: float | None = None
    same: float | None = None
    counts: float | None = None
    image: str | None = None
    relative_l2: float | None = None


class Excess(msgspec.Struct, frozen=True):
    """What was beyond the tolerance, in words, and the tolerance that would have passed."""

    text: str
    would_pass: WouldPass


def summarise_deviation(deviations: Sequence[HalfDeviation]) -> Deviation:
    """The deviation over a test set, of at least one image."""
    differences = [found.difference for found in deviations]
    return Deviation(
        n=len(deviations),
        rms=root_mean_square(differences) or 0.0,
        largest=max(map(abs, differences)),
        largest_relative_l2=max(found.relative_l2 for found in deviations),
    )


class Gate:
    """The tolerance of every image; `halves` above 0 needs at least one deviation, `pairs` at least one pair."""

    def __init__(
        self,
        pairs: Sequence[MapPair],
        deviations: Sequence[HalfDeviation],
        halves: int,
        rule: Rule | None = None,
    ) -> None:
        self._rule = rule = rule or Rule()
        self._pairs = pairs
        self._halves = halves
        self._own = {found.image: found for found in deviations} if halves else {}
        deviation = summarise_deviation(deviations) if halves else None
        self._rms = deviation.rms if deviation else 0.0
        self._usual = root_mean_square([found.count for found in deviations]) or 0.0
        largest = deviation.largest_relative_l2 if deviation else 0.0
        self._relative_l2 = rule.same_map + rule.factor * halves * largest
        allowed = [self.allowed(pair) for pair in pairs]
        self.tolerance = Tolerance(
            lowest=min(allowed),
            highest=max(allowed),
            relative_l2=self._relative_l2,
            factor=rule.factor,
            halves=halves,
            same=rule.same,
            same_map=rule.same_map,
            deviation=deviation,
        )

    def allowed(self, pair: MapPair, factor: float | None = None) -> float:
        """The largest difference of the two counts that passes, with the rule's factor or another."""
        chosen = self._rule.factor if factor is None else factor
        return self._rule.same * pair.base + chosen * self._halves * self._scale(pair)

    def used(self, pair: MapPair) -> float:
        """Which part of its tolerance an image uses, of the count's or of the map's, whichever is larger; above 1 is beyond."""
        return max(pair.distance / self.allowed(pair), (pair.relative_l2 or 0.0) / self._relative_l2)

    def excess(self) -> Excess | None:
        """What is beyond the tolerance; None if nothing is."""
        counts = [pair for pair in self._pairs if pair.distance > self.allowed(pair) * (1 + EDGE)]
        maps = [pair for pair in self._pairs if (pair.relative_l2 or 0.0) > self._relative_l2 * (1 + EDGE)]
        if not counts and not maps:
            return None
        would_pass, texts = WouldPass(), []
        if counts:
            would_pass, way_out = self._count_would_pass(counts)
            texts.append(f"{self._beyond(counts)}; {way_out}")
        if maps:
            needed = max(pair.relative_l2 or 0.0 for pair in maps)
            would_pass = msgspec.structs.replace(would_pass, relative_l2=_up(needed))
            image = next(pair.image for pair in maps if pair.relative_l2 == needed)
            texts.append(
                f"{len(maps)} of {self._total} have maps further apart than allowed, {image} the most: relative L2 {needed:.2g},"
                f" allowed {self._relative_l2:.2g}; {_up(needed):g} would have passed"
            )
        return Excess("; ".join(texts), would_pass)

    @property
    def _total(self) -> str:
        return "1 image" if len(self._pairs) == 1 else f"{len(self._pairs)} images"

    def _beyond(self, pairs: Sequence[MapPair]) -> str:
        first = max(pairs, key=lambda pair: pair.distance / self.allowed(pair))
        return (
            f"{len(pairs)} of {self._total} have counts further apart than allowed, {first.image} the most:"
            f" {first.count:.6g} against {first.other_count:.6g}, {show(first.distance)} apart, allowed {show(self.allowed(first))}"
        )

    def _scale(self, pair: MapPair) -> float:
        """What FP16 does to this image's count, people: see the top of this file."""
        own = self._own.get(pair.image)
        count = abs(own.count if own else pair.other_count)
        typical = self._rms * max(1.0, count / self._usual if self._usual else 1.0)
        return max(abs(own.difference) if own else 0.0, typical)

    def _count_would_pass(self, pairs: Sequence[MapPair]) -> tuple[WouldPass, str]:
        """The tolerance with which `pairs`, all beyond it, would have passed, and the words for it."""
        if not self._halves:
            worst = max(pairs, key=lambda pair: pair.distance / pair.base)
            same = _up(worst.distance / worst.base)
            counts = same * worst.base
            text = f"{same:g} of the count instead of {self._rule.same:g} would have passed ({show(counts)} counts on {worst.image})"
            return WouldPass(same=same, counts=counts, image=worst.image), text
        if any(self._scale(pair) == 0 for pair in pairs):
            worst = max(pairs, key=lambda pair: pair.distance)
            counts = _up(worst.distance)
            text = f"{show(counts)} counts would have passed, but FP16 changes nothing on the reference here, so no factor allows them"
            return WouldPass(counts=counts, image=worst.image), text
        worst = max(pairs, key=self._factor)
        factor = _up(self._factor(worst))
        counts = self.allowed(worst, factor)
        text = (
            f"{factor:g} times the FP16 deviation instead of {self._rule.factor:g} would have passed ({show(counts)} counts on"
            f" {worst.image})"
        )
        return WouldPass(factor=factor, counts=counts, image=worst.image), text

    def _factor(self, pair: MapPair) -> float:
        """The factor with which a pair would just have passed."""
        return (pair.distance - self._rule.same * pair.base) / (self._halves * self._scale(pair))


def _up(value: float) -> float:
    """`value` above zero rounded up to DIGITS significant digits; what is one within EDGE stays."""
    unit = 10.0 ** (math.floor(math.log10(value)) - DIGITS + 1)
    return float(f"{math.ceil(value / unit * (1 - EDGE / 2)) * unit:.{DIGITS}g}")
