"""What a trend is; `omgate trend --json` prints it as it stands."""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = 1
"""Version of the JSON form; rises when a reader of the old one would misread the new one."""

Kind = Literal["exact", "noisy"]
"""Counts on one device are exact: every change beyond rounding is one. Times are noisy: a change is where the level moved."""


NEAR = 2
"""Runs around a noisy change point within which a change of the environment is named beside it."""


def near(event: int, change: int, exact: bool) -> bool:
    """Whether an event at this index belongs to a change point at that: an exact figure changes with its cause, not a run later."""
    return abs(event - change) <= (0 if exact else NEAR)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of one run; `baseline`: a person promoted this run."""

    run: str
    label: str
    started: str
    value: float
    baseline: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What changed of the environment with the point at `index`, compared with the point before it."""

    index: int
    axis: str
    old: str | None
    new: str | None


class ChangePoint(msgspec.Struct, frozen=True, kw_only=True):
    """The point at `index` begins another level: `before` and `after` are the values (exact) or the levels' medians (noisy).

    `beside`: the axes that changed with it, or, where the figure is noisy, within two runs of it.
    """

    index: int
    run: str
    started: str
    before: float
    after: float
    beside: tuple[str, ...] = ()

    @property
    def change(self) -> float | None:
        """Relative change, 1; None from zero."""
        return self.after / self.before - 1.0 if self.before else None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One figure over time, the oldest run first. `machine`: what times are of; empty for exact figures. `note`: what could not be told."""

    case: str
    backend: str
    soc: str
    precision: str
    metric: str
    unit: str
    kind: Kind
    worse: Literal[1, -1]
    points: tuple[Point, ...]
    changes: tuple[ChangePoint, ...] = ()
    events: tuple[Event, ...] = ()
    machine: str = ""
    synthetic: bool = False
    note: str = ""


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """All series of a folder. `runs` that were used; those left out are counted in `left_out`, by reason."""

    schema: int = SCHEMA
    folder: str
    runs: int
    left_out: dict[str, int] = {}
    series: tuple[Series, ...] = ()
