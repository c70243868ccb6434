"""Pictures for a run's report, taken from the test set while it is there: of the images that moved or miss most, and of no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cases.errors import OmgateError

if TYPE_CHECKING:
    from cases.case import Case
    from cases.dataset import Sample
    from reports.pictures import PictureStore


def keep(folder: Path, cases: Iterable[Case]) -> int:
    """Puts the pictures that the report of the run in `folder` will show into its record; returns how many.

    An image that can't be read any more has none. ReportError for a folder without a run, or a full disk.
    """
    from reports.html.choice import choose
    from reports.pictures import PictureStore
    from reports.record import read

    record = read(folder)
    store, by_name, kept = PictureStore(folder), {case.name: case for case in cases}, 0
    wanted: dict[str, list[str]] = {}
    for choice in choose(record.run, record.images):
        wanted.setdefault(choice.case, []).append(choice.image)
    for name, images in wanted.items():
        if name in by_name:
            kept += _keep_of_case(store, by_name[name], images)
    return kept


def _keep_of_case(store: PictureStore, case: Case, images: Iterable[str]) -> int:
    from cases.dataset import Dataset, decode, prepare
    from cases.ground_truth import TruthCache
    from reports.html.overlays import shrink
    from reports.pictures import Picture

    samples: Mapping[str, Sample] = {sample.name: sample for sample in Dataset.open(case.data.root).samples}
    cache, kept = TruthCache(), 0
    for name in images:
        sample = samples.get(name)
        if sample is None or sample.image is None:
            continue
        try:
            truth = prepare(sample, case, cache).true_grid
            jpeg = shrink(decode(sample.image))
        except OmgateError:  # it was read a moment ago; a picture less is no reason to end without a report
            continue
        store.save(case.name, name, Picture(jpeg, truth))
        kept += 1
    return kept
