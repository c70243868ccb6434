"""What a diff is: fields and units in docs/record.md's words; `omgate diff --json` prints it as it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from reports.outcome import EXIT_CODES
from reports.parity import Parity
from reports.reasons import Reason
from reports.verdict import Status, Verdict, worst

SCHEMA = 1
"""Version of the JSON form; rises when a reader of the old one would misread the new one."""

OnlyIn = Literal["", "old", "new"]


class Text(msgspec.Struct, frozen=True):
    """A sentence in both languages."""

    en: str
    zh: str


class RunSide(msgspec.Struct, frozen=True, kw_only=True):
    """One of the runs. `emulated`: which of its backends ran on the emulator, as `case/backend`."""

    id: str
    label: str
    folder: str
    started: str
    finished: bool
    commit: str | None = None
    synthetic: tuple[str, ...] = ()
    emulated: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.label or self.id


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something recorded that is not the same: None where it is not known. `where`: a case, or `case/backend`; empty: the whole run.

    `decides`: it bears on what may be concluded; the others are shown beside it.
    """

    axis: str
    old: str | None
    new: str | None
    where: str = ""
    decides: bool = False


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is shown and not judged, such as one of the SDK's statistics logs."""

    name: str
    unit: str
    old: float | None
    new: float | None

    @property
    def change(self) -> float | None:
        """Relative change, 1; None where it has no value."""
        if self.old is None or self.new is None or self.old == 0:
            return None
        return self.new / self.old - 1.0


class SpeedDiff(msgspec.Struct, frozen=True, kw_only=True):
    """A speed held against the old one: `what` is such as `latency/single-stream`, or `perfstats` for the SDK's statistics."""

    what: str
    verdict: Verdict


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One case on one backend. `only_in`: it is in one of the runs only, and nothing was compared. `alarm`: same OM, other output."""

    case: str
    backend: str
    soc: str = ""
    only_in: OnlyIn = ""
    conclusion: Text = Text("", "")
    accuracy: Verdict | None = None
    alarm: Reason | None = None
    speed: tuple[SpeedDiff, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[Reason, ...] = ()

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The status of everything that was judged; what the old run has alone can't be told, what the new one has alone is no matter."""
        if self.only_in:
            return (Status.CANNOT_TELL,) if self.only_in == "old" else ()
        judged = (self.accuracy, *(speed.verdict for speed in self.speed))
        return tuple(Status(verdict.status) for verdict in judged if verdict is not None)


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs held against each other; `across`: backends of one against backends of the other instead."""

    schema: int = SCHEMA
    status: Status
    old: RunSide
    new: RunSide
    changes: tuple[Change, ...] = ()
    measured: tuple[Measured, ...] = ()
    across: tuple[Parity, ...] = ()
    warnings: tuple[str, ...] = ()


def summed_up(measured: Iterable[Measured], across: Iterable[Parity] = ()) -> Status:
    """The worst of everything that was judged; of nothing: cannot-tell."""
    found = [status for item in measured for status in item.statuses]
    return worst([*found, *(Status(parity.status) for parity in across)])


def exit_code(statuses: Iterable[Status], strict: bool) -> int:
    """What `omgate diff` exits with: 1 where something regressed (drifted, when `strict`), else 3 where one can't tell, else 0."""
    found = set(statuses)
    return 1 if strict and Status.DRIFT in found else EXIT_CODES[worst(found)]


def statuses_of(diff: Diff) -> list[Status]:
    """Every status of a diff."""
    own = [status for item in diff.measured for status in item.statuses]
    return [*own, *(Status(parity.status) for parity in diff.across)] or [diff.status]
