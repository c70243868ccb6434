"""Parity of two backends of one run: which pairs there are, and what two exact maps of an image have in common.

The verdict is `reports.parity`'s, the tolerance `reports.tolerance`'s, the FP16 deviation `bench.deviation`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.selection import Selected
from cases.errors import OmgateError
from reports.tolerance import HalfDeviation, MapPair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cases.case import Case
    from cases.preprocess import Geometry
    from reports.exact import ExactStore
    from reports.image import ImageRecord
    from reports.parity import Parity, Side
    from reports.record import RunRecord

OTHERS = ("reference", "ckpt", "om-sdk")
"""What a backend is compared with, as far as the case has it; om-sdk, since two OM backends with one file should agree bit for bit."""

LEVELS = (1, 2, 3)
"""Of GAME."""


@dataclass(frozen=True)
class Pairing:
    """A backend against another on one case; `missing` says why one of the two can't run here, empty where both can."""

    case: Case
    backend: str
    other: str
    missing: str = ""

    @property
    def name(self) -> str:
        """What the test is called."""
        return f"{self.case.name}-{self.backend}-vs-{self.other}"


def pairings(selected: Sequence[Selected]) -> list[Pairing]:
    """Every backend against every one of OTHERS, each two once, in the order of `selected`."""
    by_case: dict[str, list[Selected]] = {}
    for item in selected:
        by_case.setdefault(item.case.name, []).append(item)
    return [
        Pairing(mine.case, mine.backend, other.backend, mine.missing or other.missing)
        for items in by_case.values()
        for rank, name in enumerate(OTHERS)
        for other in items
        if other.backend == name
        for mine in items
        if mine.backend not in OTHERS[: rank + 1]
    ]


def compare(
    pairing: Pairing,
    record: RunRecord,
    exact: ExactStore,
    deviations: Callable[[], tuple[HalfDeviation, ...]],
) -> Parity:
    """The verdict on a pairing whose two backends were measured in the run.

    `deviations` is asked for where one side is in FP16 and a map differs; where it raises OmgateError the verdict is "cannot tell", with what it says.
    """
    import msgspec

    from reports.parity import Comparison, halves, judge
    from reports.reasons import Reason, ReasonCode

    case, run = pairing.case.name, record.run
    entry = run.case(case)
    mine, others = record.images_of(case, pairing.backend), record.images_of(case, pairing.other)
    comparison = Comparison(
        run=run.id,
        case=case,
        side=_side(record, case, pairing.backend),
        other=_side(record, case, pairing.other),
        expected=entry.images if entry else (),
        records=mine,
        other_records=others,
        pairs=tuple(_pairs(mine, others, exact)),
        limited=entry is not None and entry.limit is not None,
    )
    # Maps that are all the same need no tolerance, and the deviation costs a pass over the test set.
    if halves(comparison.side, comparison.other) and not all(pair.identical for pair in comparison.pairs):
        try:
            comparison = msgspec.structs.replace(comparison, deviations=deviations())
        except OmgateError as error:
            text = f"no tolerance: what FP16 does to the reference on these images could not be measured ({error})"
            reason = Reason(
                ReasonCode.NO_DEVIATION.value, text, "it needs the reference's model and onnx here"
            )
            comparison = msgspec.structs.replace(comparison, no_deviation=reason)
    return judge(comparison)


def _side(record: RunRecord, case: str, backend: str) -> Side:
    from reports.parity import Side

    entry = record.run.backend(case, backend)
    assert entry is not None, f"{backend} was measured on {case}, so the run has an entry for it"
    model = record.run.digests.models.get(f"{case}/{backend}")
    return Side(backend=backend, soc=entry.soc, precision=entry.precision, model=model)


def _pairs(
    mine: Iterable[ImageRecord], others: Iterable[ImageRecord], exact: ExactStore
) -> Iterator[MapPair]:
    """The images that both gave a map for from the same data in the same geometry, one pair of maps in memory at a time."""
    from cases.preprocess import Geometry

    by_name = {record.image: record for record in others if record.status == "ok"}
    for record in mine:
        other = by_name.get(record.image)
        if record.status != "ok" or other is None:
            continue
        if (record.geometry, record.digest) != (other.geometry, other.digest):
            continue
        density = exact.load(record.case, record.backend, record.image)
        other_density = exact.load(other.case, other.backend, other.image)
        if density is not None and other_density is not None and density.shape == other_density.shape:
            geometry = Geometry(**record.geometry)  # type: ignore[arg-type]
            yield compare_maps(record.image, density, other_density, geometry)


def compare_maps(
    image: str, density: NDArray[np.float32], other: NDArray[np.float32], geometry: Geometry
) -> MapPair:
    """What two maps (h, w) of one image have in common; counts in people, GAME cut on the image's area. Sums in float64."""
    import numpy as np

    from bench.metrics import game

    cells = game(density, other, geometry, LEVELS)
    return MapPair(
        image=image,
        count=float(density.sum(dtype=np.float64)),
        other_count=float(other.sum(dtype=np.float64)),
        identical=bool(np.array_equal(_bits(density), _bits(other))),
        relative_l2=relative_l2(density, other),
        cosine=cosine(density, other),
        game=(cells[1], cells[2], cells[3]),
    )


def relative_l2(density: NDArray[np.float32], other: NDArray[np.float32]) -> float | None:
    """Return |density - other| / |other| (L2 norms): 0 for two maps of zeros, None where only `other` is zero everywhere."""
    import numpy as np

    wide = other.astype(np.float64)
    distance, norm = float(np.linalg.norm(density - wide)), float(np.linalg.norm(wide))
    if norm == 0:
        return 0.0 if distance == 0 else None
    return distance / norm


def cosine(density: NDArray[np.float32], other: NDArray[np.float32]) -> float | None:
    """Return the cosine of the angle between two maps, at most 1; None where one is zero everywhere."""
    import numpy as np

    wide, wide_other = density.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    norms = float(np.linalg.norm(wide) * np.linalg.norm(wide_other))
    return min(1.0, float(wide @ wide_other) / norms) if norms > 0 else None


def _bits(density: NDArray[np.float32]) -> NDArray[np.uint32]:
    import numpy as np

    return np.ascontiguousarray(density).view(np.uint32)
