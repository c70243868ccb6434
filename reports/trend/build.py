"""A folder of runs made into a trend."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from reports.accuracy import NUMERICS, SAME
from reports.catalogue import RunEntry, list_runs, unreadable_runs
from reports.diff.environment import SOFTWARE, kind_of
from reports.fingerprint import axes_of, environment_of, machine_key, same_numerics
from reports.run import Run
from reports.trend.changes import FEWEST, exact_changes, noisy_changes
from reports.trend.figures import Value, is_usual, values
from reports.trend.model import ChangePoint, Event, Point, Series, Trend, near

Promoted = Mapping[tuple[str, str], Collection[str]]
"""Ids of the runs that are or were the baseline, by case and backend."""

BREAKS = ("case definition", "data")
"""With these another thing is measured: what lies before and after is not compared."""


@dataclass
class _Line:
    """One series while it is gathered: each value with its run."""

    first: Value
    soc: str
    precision: str
    machine: str
    found: list[tuple[Run, Value]] = field(default_factory=list)


def trend(
    folder: Path | str,
    *,
    case: str | None = None,
    backend: str | None = None,
    metric: str | None = None,
    promoted: Promoted | None = None,
) -> Trend:
    """The figures of the runs in a folder over time, of one case, backend or metric where it is named.

    Runs that were killed or limited are left out: their figures are of other images. ReportError if the folder can't be read.
    """
    entries = list_runs(folder)
    used, left_out = _sorted_out(entries)
    unreadable = len(unreadable_runs(folder))
    if unreadable:
        left_out["not readable"] = unreadable
    lines: dict[tuple[str, ...], _Line] = {}
    for run in used:
        for value in values(run):
            if (
                case in (None, value.case)
                and backend in (None, value.backend)
                and (value.metric == metric if metric else is_usual(value.metric))
            ):
                _put(lines, run, value)
    series = (_series(line, promoted or {}) for line in lines.values())
    return Trend(
        folder=str(folder), runs=len(used), left_out=left_out, series=tuple(sorted(series, key=_order))
    )


def _order(series: Series) -> tuple[str, str, bool]:
    """By case and backend, accuracy before speed; sorting keeps the rest as it came."""
    return series.case, series.backend, series.kind == "noisy"


def _sorted_out(entries: Iterable[RunEntry]) -> tuple[list[Run], dict[str, int]]:
    """The runs that can be compared, the oldest first; how many can't, by reason."""
    used: list[Run] = []
    left_out: dict[str, int] = {}
    for entry in entries:
        run = entry.run
        reason = "not finished" if run.finished is None else ""
        reason = reason or ("limited" if any(case.limit is not None for case in run.cases) else "")
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            used.append(run)
    return used[::-1], left_out


def _put(lines: dict[tuple[str, ...], _Line], run: Run, value: Value) -> None:
    entry = run.backend(value.case, value.backend)
    soc, precision = (entry.soc, entry.precision) if entry else ("", "")
    machine = ""
    if value.kind == "noisy":
        machine = ", ".join(
            part
            for part in (machine_key(environment_of(run.environment, value.backend)), value.clock)
            if part
        )
    key = (value.case, value.backend, soc, precision, value.metric, machine)
    line = lines.setdefault(key, _Line(value, soc, precision, machine))
    line.found.append((run, value))


def _series(line: _Line, promoted: Promoted) -> Series:
    first = line.first
    marked = promoted.get((first.case, first.backend), ())
    points = tuple(
        Point(run=run.id, label=run.label, started=run.started, value=value.value, baseline=run.id in marked)
        for run, value in line.found
    )
    runs = [run for run, _ in line.found]
    events = tuple(_events(runs, first.case, first.backend))
    starts = _changes(line, sorted({event.index for event in events if event.axis in BREAKS}))
    return Series(
        case=first.case,
        backend=first.backend,
        soc=line.soc,
        precision=line.precision,
        metric=first.metric,
        unit=first.unit,
        kind=first.kind,
        worse=first.worse,
        points=points,
        changes=tuple(_change_points(points, starts, events, first.kind == "exact")),
        events=events,
        machine=line.machine,
        synthetic=any((entry := run.case(first.case)) is not None and entry.synthetic for run in runs),
        note=_note(len(points), first.kind == "noisy"),
    )


def _note(count: int, noisy: bool) -> str:
    if count < 2:
        return "one run only: there is no trend yet"
    if noisy and count < FEWEST:
        return f"{count} runs: too few to tell a change from noise, which takes {FEWEST}"
    return ""


def _events(runs: Sequence[Run], case: str, backend: str) -> Iterable[Event]:
    """What changed from each run to the next of all that this backend's figures depend on."""
    before: dict[str, str | None] = {}
    for index, run in enumerate(runs):
        after = _depends_on(run, case, backend)
        if index:
            for axis in after:
                if before[axis] != after[axis]:
                    yield Event(index=index, axis=axis, old=before[axis], new=after[axis])
        before = after


def _depends_on(run: Run, case: str, backend: str) -> dict[str, str | None]:
    axes = axes_of(environment_of(run.environment, backend))
    found: dict[str, str | None] = {
        axis: axes.get(axis) for axis in (*SOFTWARE[kind_of(backend)], "processor")
    }
    model, data = run.digests.models.get(f"{case}/{backend}"), run.digests.data.get(case)
    definition = run.digests.cases.get(case)
    digests = {"model": model, "data": data, "case definition": definition}
    return found | {axis: value[:12] if value else None for axis, value in digests.items()}


def _changes(line: _Line, breaks: Sequence[int]) -> list[int]:
    """The first index of each new level, looked for between the breaks."""
    numbers = [value.value for _, value in line.found]
    allowed = _allowed(line) if line.first.kind == "exact" else []
    found: list[int] = []
    for low, high in zip([0, *breaks], [*breaks, len(numbers)], strict=True):
        part = numbers[low:high]
        inner = exact_changes(part, allowed[low:high]) if allowed else noisy_changes(part)
        found += [low + index for index in inner]
    return found


def _allowed(line: _Line) -> list[float]:
    """How far each value may be from the one before by rounding, and between processors by numerics."""
    found = [0.0]
    for (before, _), (run, value) in zip(line.found, line.found[1:], strict=False):
        was = environment_of(before.environment, value.backend)
        same = same_numerics(was, environment_of(run.environment, value.backend))
        relative = SAME if same else NUMERICS
        found.append(relative * value.size)
    return found


def _change_points(
    points: Sequence[Point], starts: Sequence[int], events: Sequence[Event], exact: bool
) -> Iterable[ChangePoint]:
    """The change points with the levels around them and what else changed there."""
    breaks = [event.index for event in events if event.axis in BREAKS]
    borders = sorted({0, *starts, *breaks, len(points)})
    for start in starts:
        place = borders.index(start)
        before = [point.value for point in points[borders[place - 1] : start]]
        after = [point.value for point in points[start : borders[place + 1]]]
        beside = [event.axis for event in events if near(event.index, start, exact)]
        yield ChangePoint(
            index=start,
            run=points[start].run,
            started=points[start].started,
            before=before[-1] if exact else median(before),
            after=after[0] if exact else median(after),
            beside=tuple(dict.fromkeys(beside)),
        )
