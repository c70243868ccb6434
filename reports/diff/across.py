"""Backends of two runs from two machines on the same images: parity, as far as two records can show it.

A run that is finished has no exact maps any more. Its counts are exact (float64 sums of the exact maps); the maps that it keeps are in float16, whose
rounding (about 3e-4 of a map's norm) is below what parity allows between maps. So a count's difference is judged as within one run, and a
map's within that rounding; where a map was not kept, by its count alone, which a note says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from reports.deviation import read_deviation
from reports.diff.build import keys_of, side_of, warnings_of
from reports.diff.environment import changes
from reports.diff.model import Diff, summed_up
from reports.image import ImageRecord
from reports.parity import Comparison, Parity, Side, halves, judge
from reports.reasons import Reason, ReasonCode
from reports.record import RunRecord
from reports.tolerance import HalfDeviation, MapPair
from reports.verdict import NAMED

PairMaker = Callable[[Path, ImageRecord, Path, ImageRecord], MapPair]
"""Makes the pair of an image that both runs have, from the maps in their folders where these are there: (new, its record, old, its record)."""


def across(old: RunRecord, new: RunRecord, pair: PairMaker) -> Diff:
    """Backends of the new run against those of the old one, on the cases that both have.

    Two backends that one of the runs has both of are left out: that run judged them itself, and from the exact maps.
    """
    found = tuple(_parities(old, new, pair))
    return Diff(
        status=summed_up((), found),
        old=side_of(old),
        new=side_of(new),
        changes=changes(old.run, new.run),
        across=found,
        warnings=(*warnings_of(old, new), *_nothing(old, new, found)),
    )


def _nothing(old: RunRecord, new: RunRecord, found: Sequence[Parity]) -> Iterator[str]:
    if not found:
        has = " and ".join(
            ", ".join(f"{case} on {backend}" for case, backend in keys_of(record)) or "nothing"
            for record in (old, new)
        )
        yield f"no two backends of one case that only one of the runs has each: the runs have {has}; those of one run: omgate runs show RUN"


def _parities(old: RunRecord, new: RunRecord, pair: PairMaker) -> Iterator[Parity]:
    before, after = keys_of(old), keys_of(new)
    for case, backend in after:
        for other_case, other in before:
            together = (case, backend) in before or (case, other) in after
            if other_case == case and not together:
                yield _parity(old, new, case, backend, other, pair)


def _parity(old: RunRecord, new: RunRecord, case: str, backend: str, other: str, pair: PairMaker) -> Parity:
    mine = {record.image: record for record in new.images_of(case, backend)}
    others = {record.image: record for record in old.images_of(case, other)}
    both = tuple(image for image in mine if image in others)
    pairs = tuple(_pairs(old, new, [mine[image] for image in both], others, pair))
    comparison = Comparison(
        run=new.run.id,
        case=case,
        side=_side(new, case, backend),
        other=_side(old, case, other),
        expected=both,
        records=tuple(mine.values()),
        other_records=tuple(others.values()),
        pairs=pairs,
    )
    if halves(comparison.side, comparison.other) and not all(found.identical for found in pairs):
        comparison = _with_deviation(comparison, _deviation(old, new, case))
    return _with_doubts(judge(comparison), old, new, pairs)


def _pairs(
    old: RunRecord,
    new: RunRecord,
    mine: Sequence[ImageRecord],
    others: dict[str, ImageRecord],
    pair: PairMaker,
) -> Iterator[MapPair]:
    """The images that both have a count of, from the same data in the same geometry."""
    for record in mine:
        other = others[record.image]
        good = record.status == other.status == "ok"
        if good and (record.geometry, record.digest) == (other.geometry, other.digest):
            yield pair(new.folder, record, old.folder, other)


def _side(record: RunRecord, case: str, backend: str) -> Side:
    entry = record.run.backend(case, backend)
    assert entry is not None
    model = record.run.digests.models.get(f"{case}/{backend}")
    return Side(backend=backend, soc=entry.soc, precision=entry.precision, model=model)


def _deviation(old: RunRecord, new: RunRecord, case: str) -> tuple[HalfDeviation, ...]:
    """What one of the runs measured; that the data are the same is checked image by image."""
    return read_deviation(new.folder, case) or read_deviation(old.folder, case)


def _with_deviation(comparison: Comparison, deviations: Sequence[HalfDeviation]) -> Comparison:
    own = tuple(found for found in deviations if found.image in set(comparison.expected))
    if own:
        return msgspec.structs.replace(comparison, deviations=own)
    reason = Reason(
        ReasonCode.NO_DEVIATION.value,
        "no tolerance: neither run measured what FP16 does to the reference on these images",
        "measure reference beside an FP16 backend in one of them: pytest bench/ --backend reference --backend om-sdk",
    )
    return msgspec.structs.replace(comparison, no_deviation=reason)


# --- what only two runs can lack ----------------------------------------------------------------------------------------------


def _with_doubts(parity: Parity, old: RunRecord, new: RunRecord, pairs: Sequence[MapPair]) -> Parity:
    """The verdict with what two runs may not have in common: then one can't tell, unless the images compared are too far apart."""
    doubts = list(_doubts(parity, old, new))
    without = [pair.image for pair in pairs if pair.game is None]
    notes = []
    if without:
        text = f"{len(without)} of {len(pairs)} images by their counts alone: no map of them is kept in both runs ({_names(without)})"
        notes.append(Reason(ReasonCode.MAP_MISSING.value, text))
    status = parity.status if parity.status == "regressed" or not doubts else "cannot-tell"
    if any(doubt.code == ReasonCode.CASE_DIFFERS for doubt in doubts):
        status = "cannot-tell"
    return msgspec.structs.replace(parity, status=status, reasons=(*parity.reasons, *doubts, *notes))


def _doubts(parity: Parity, old: RunRecord, new: RunRecord) -> Iterator[Reason]:
    case = parity.case
    digests = (old.run.digests.cases.get(case), new.run.digests.cases.get(case))
    if digests[0] != digests[1]:
        text = f"preprocessing, ground-truth rule or metrics of {case} are not the same in both runs"
        yield Reason(ReasonCode.CASE_DIFFERS.value, text, "measure both with the same case file")
    if not parity.expected:
        yield Reason(
            ReasonCode.DATA_DIFFERS.value, "the runs have no image in common", "measure both on the same data"
        )
        return
    entries = (old.run.case(case), new.run.case(case))
    sets = [entry.images if entry else () for entry in entries]
    if any(entry is not None and entry.limit is not None for entry in entries):
        yield Reason(
            ReasonCode.LIMITED_RUN.value,
            f"only {parity.expected} images in both (--limit)",
            "run it without --limit",
        )
    elif set(sets[0]) != set(sets[1]):
        only = sorted(set(sets[0]) ^ set(sets[1]))
        text = f"{len(only)} images are in one of the test sets only: {_names(only)}"
        yield Reason(ReasonCode.DATA_DIFFERS.value, text, "measure both on the same data")
    for record, backend in ((old, parity.other), (new, parity.backend)):
        missing = record.missing(case, backend)
        if missing:
            name = record.run.label or record.run.id
            text = f"{len(missing)} images have no result on {backend} in {name}: {_names(missing)}"
            yield Reason(ReasonCode.INCOMPLETE_RUN.value, text, f"continue it: --resume {record.run.id}")


def _names(images: Sequence[str]) -> str:
    shown = ", ".join(images[:NAMED])
    return shown if len(images) <= NAMED else f"{shown} and {len(images) - NAMED} more"
