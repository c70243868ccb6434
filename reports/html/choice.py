"""Which images a report shows: those that moved most against the baseline, then those that are missed by most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.image import ImageRecord
from reports.run import Run
from reports.verdict import Moved

MOST_OF_A_CASE = 12
"""Images of one case; three pictures each of about 10 kB."""

MOST_MOVED = 6
"""Of them, at most so many that moved, so that the worst are seen, too."""

MOST_OF_A_RUN = 36


@dataclass(frozen=True)
class Choice:
    """An image to show: `records` by backend, the one to show it on, and how it moved there, where it did."""

    case: str
    image: str
    backend: str
    records: Mapping[str, ImageRecord]
    moved: Moved | None = None

    @property
    def record(self) -> ImageRecord:
        """What the shown backend made of it."""
        return self.records[self.backend]


def choose(run: Run, images: Sequence[ImageRecord]) -> list[Choice]:
    """The images to show, by case in the run's order; bounded whatever the test set's size."""
    cases = [case.name for case in run.cases]
    most = max(3, min(MOST_OF_A_CASE, MOST_OF_A_RUN // max(1, len(cases))))
    by_case: dict[str, list[ImageRecord]] = {name: [] for name in cases}
    for image in images:
        if image.status == "ok" and image.case in by_case:
            by_case[image.case].append(image)
    return [choice for name in cases for choice in _of_case(run, name, by_case[name], most)]


def _of_case(run: Run, case: str, images: Sequence[ImageRecord], most: int) -> list[Choice]:
    moved = _moved(run, case)
    names = list(moved)[: min(MOST_MOVED, most)]
    worst: dict[str, float] = {}
    for record in images:
        worst[record.image] = max(worst.get(record.image, 0.0), abs(record.error))
    for name in sorted(worst, key=lambda name: (-worst[name], name)):
        if len(names) >= most:
            break
        if name not in names:
            names.append(name)
    records: dict[str, dict[str, ImageRecord]] = {name: {} for name in names}
    for record in images:
        if record.image in records:
            records[record.image][record.backend] = record
    found = []
    for name in names:
        if not records[name]:
            continue
        backend, item = moved.get(name, ("", None))
        if backend not in records[name]:
            backend = max(records[name], key=lambda key: abs(records[name][key].error))
            item = None
        found.append(Choice(case, name, backend, records[name], item))
    return found


def _moved(run: Run, case: str) -> dict[str, tuple[str, Moved]]:
    """The images that moved on any backend, the largest move first: backend and move."""
    found: dict[str, tuple[str, Moved]] = {}
    every = [
        (entry.backend, item)
        for entry in run.verdicts
        if entry.case == case and entry.kind == "accuracy"
        for item in entry.verdict.moved
    ]
    for backend, item in sorted(every, key=lambda pair: (-abs(pair[1].difference), pair[1].image)):
        found.setdefault(item.image, (backend, item))
    return found
