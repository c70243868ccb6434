"""All that a report is made of: the run's record, its timings, SDK statistics, density maps and pictures; each may be absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec

from reports.errors import ReportError
from reports.html.words import Both
from reports.image import ImageRecord
from reports.maps import MapStore
from reports.outcome import Outcome, outcome
from reports.perfstats import PerfStatsFile
from reports.perfstats import read as read_perfstats
from reports.pictures import PictureStore
from reports.record import RunRecord, read
from reports.run import MAPS_FOLDER, CaseEntry, Run
from reports.timing import TIMINGS_FILE, Timing
from reports.training import TrainingFile
from reports.training import read as read_training
from reports.verdict import EMULATED


@dataclass(frozen=True)
class Source:
    """A run, read once; `pictures` None: a report without pictures of people was asked for."""

    record: RunRecord
    timings: tuple[Timing, ...]
    perfstats: PerfStatsFile
    maps: MapStore
    pictures: PictureStore | None
    problems: tuple[str, ...] = ()
    training: TrainingFile = field(default_factory=TrainingFile)

    @property
    def run(self) -> Run:
        """run.json."""
        return self.record.run

    @cached_property
    def outcome(self) -> Outcome:
        """The run's verdict and its findings."""
        return outcome(self.run)

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str], list[ImageRecord]]:
        # Once, not for each question: 10,000 images on four backends are 40,000 records.
        found: dict[tuple[str, str], list[ImageRecord]] = {}
        for image in self.record.images:
            found.setdefault((image.case, image.backend), []).append(image)
        return found

    def images(self, case: str, backend: str) -> Sequence[ImageRecord]:
        """The records of a case on a backend."""
        return self._by_pair.get((case, backend), [])

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(case, backend) of everything measured, in the record's order of cases, then the order in which backends were measured."""
        order = [(entry.case, entry.backend) for entry in self.run.summaries]
        order += [pair for pair in self._by_pair if pair not in order]
        names = [case.name for case in self.run.cases]
        known = {name: index for index, name in enumerate(names)}
        return tuple(sorted(order, key=lambda pair: known.get(pair[0], len(names))))

    def backends(self, case: str) -> list[str]:
        """The backends of a case that have results."""
        return [backend for of_case, backend in self.pairs if of_case == case]

    @property
    def cases(self) -> tuple[CaseEntry, ...]:
        """The cases that have results."""
        return tuple(case for case in self.run.cases if self.backends(case.name))

    def emulated(self, case: str, backend: str) -> bool:
        """Whether this ran on the emulated SDK."""
        entry = self.run.backend(case, backend)
        return entry is not None and entry.soc == EMULATED

    def stamp(self, case: str, backends: Sequence[str]) -> Both:
        """What a caption adds where these ran on the emulated SDK, all or some of them; else nothing."""
        on = [self.emulated(case, backend) for backend in backends]
        if on and all(on):
            return Both(" (emulated)", "（仿真）")
        return Both(" (emulated in part)", "（部分为仿真）") if any(on) else Both("", "")

    @property
    def any_emulated(self) -> bool:
        """Whether any backend did."""
        return any(entry.soc == EMULATED for entry in self.run.backends)

    @property
    def any_synthetic(self) -> bool:
        """Whether any case's images were made by a generator."""
        return any(case.synthetic for case in self.run.cases)


def load(folder: Path | str, pictures: bool = True) -> Source:
    """What there is in a run's folder, finished or not. ReportError if it holds no run; a broken part of it is a problem, not an error."""
    record = read(folder)
    timings, problems = _timings(record.folder / TIMINGS_FILE)
    try:
        perfstats = read_perfstats(record.folder) or PerfStatsFile()
    except ReportError as error:
        perfstats = PerfStatsFile()
        problems.append(str(error))
    try:
        training = read_training(record.folder) or TrainingFile()
    except ReportError as error:
        training = TrainingFile()
        problems.append(str(error))
    return Source(
        record=record,
        timings=timings,
        perfstats=perfstats,
        maps=MapStore(record.folder / MAPS_FOLDER),
        pictures=PictureStore(record.folder) if pictures else None,
        problems=(*record.warnings, *problems),
        training=training,
    )


def _timings(path: Path) -> tuple[tuple[Timing, ...], list[str]]:
    """The measurements of speed, of each the last; a torn last line is passed over."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return (), []
    except OSError as error:
        return (), [f"{path.name}: can't be read ({error.strerror or error})"]
    decoder = msgspec.json.Decoder(Timing)
    found: dict[tuple[str, str, str, int], Timing] = {}
    problems = []
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        try:
            timing = decoder.decode(line)
            found[timing.key] = timing
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            problems.append(f"{path.name}:{number}: no timing, passed over ({error})")
    return tuple(found.values()), problems
