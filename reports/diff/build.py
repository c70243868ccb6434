"""Two run records made into a diff: what is in both, compared; what is in one only, named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from reports.diff.accuracy import alarm, compare, gates_of, raised
from reports.diff.environment import changes, conclusion, moved_axes
from reports.diff.model import Diff, Measured, RunSide, SpeedDiff, summed_up
from reports.diff.perfstats import ask_statistics, levels
from reports.diff.speed import Pair, ask_speeds, of_runs, rates
from reports.family import judge_family
from reports.numbers import Gate
from reports.reasons import Reason, ReasonCode
from reports.record import RunRecord
from reports.timings_file import read_timings
from reports.verdict import EMULATED

Gates = Mapping[str, Sequence[Gate]]
"""The gates of a case by its name, for runs that were not judged by any."""


def diff(old: RunRecord, new: RunRecord, gates: Gates | None = None) -> Diff:
    """Two runs held against each other, case by case and backend by backend. Raises ReportError for a record that is broken."""
    measured = tuple(_with_speed(old, new, list(_measured(old, new, gates or {}))))
    return Diff(
        status=summed_up(measured),
        old=side_of(old),
        new=side_of(new),
        changes=changes(old.run, new.run),
        measured=measured,
        warnings=tuple(warnings_of(old, new)),
    )


def side_of(record: RunRecord) -> RunSide:
    """What a diff says of one of its runs."""
    run = record.run
    return RunSide(
        id=run.id,
        label=run.label,
        folder=str(record.folder),
        started=run.started,
        finished=run.finished is not None,
        commit=run.digests.commit,
        synthetic=tuple(case.name for case in run.cases if case.synthetic),
        emulated=tuple(f"{entry.case}/{entry.name}" for entry in run.backends if entry.soc == EMULATED),
    )


def warnings_of(*records: RunRecord) -> Iterator[str]:
    """What to know about the runs themselves."""
    for record in records:
        run = record.run
        name = run.label or run.id
        if run.finished is None:
            yield f"{name} was not finished; continue it: pytest bench/ --resume {run.id}"
        if record.torn:
            yield f"{name}: its last line was torn by a kill and is left out"
        yield from (f"{name}: {text}" for text in (*record.warnings, *read_timings(record.folder).warnings))


def keys_of(record: RunRecord) -> list[tuple[str, str]]:
    """(case, backend) of what a run measured, in its order."""
    return [(entry.case, entry.name) for entry in record.run.backends if entry.available]


def _measured(old: RunRecord, new: RunRecord, gates: Gates) -> Iterator[Measured]:
    before, after = keys_of(old), keys_of(new)
    for case, backend in dict.fromkeys([*after, *before]):
        if (case, backend) not in before:
            yield Measured(
                case=case,
                backend=backend,
                only_in="new",
                soc=_soc(new, case, backend),
                notes=_why(old, case, backend),
            )
        elif (case, backend) not in after:
            yield Measured(
                case=case,
                backend=backend,
                only_in="old",
                soc=_soc(old, case, backend),
                notes=_why(new, case, backend),
            )
        else:
            yield _compared(old, new, case, backend, gates.get(case, ()))


def _soc(record: RunRecord, case: str, backend: str) -> str:
    entry = record.run.backend(case, backend)
    return entry.soc if entry else ""


def _why(record: RunRecord, case: str, backend: str) -> tuple[Reason, ...]:
    """Why a run lacks a backend, where it says so."""
    entry = record.run.backend(case, backend)
    if entry is None or entry.available:
        return ()
    return (Reason(ReasonCode.BACKEND_UNAVAILABLE.value, entry.reason, entry.advice),)


def _compared(old: RunRecord, new: RunRecord, case: str, backend: str, fallback: Sequence[Gate]) -> Measured:
    gates = gates_of(new.run, case, backend) or gates_of(old.run, case, backend) or tuple(fallback)
    verdict = compare(old, new, case, backend, gates)
    found = alarm(old, new, case, backend, verdict)
    explained = bool(moved_axes(old.run, new.run, case, backend))
    return Measured(
        case=case,
        backend=backend,
        soc=_soc(new, case, backend),
        conclusion=conclusion(old.run, new.run, case, backend),
        accuracy=raised(verdict, found, explained),
        alarm=found,
    )


def _with_speed(old: RunRecord, new: RunRecord, measured: Sequence[Measured]) -> Iterator[Measured]:
    """Adds the speeds and the figures that are only shown."""
    in_both = [(item.case, item.backend) for item in measured if not item.only_in]
    judged, shown = _speeds(old, new, in_both), rates(old, new)
    for item in measured:
        key = item.case, item.backend
        if item.only_in:
            yield item
            continue
        yield msgspec.structs.replace(
            item,
            speed=judged.get(key, ()),
            figures=(*shown.get(key, ()), *levels(old, new, *key)),
        )


def _speeds(old: RunRecord, new: RunRecord, pairs: Sequence[Pair]) -> dict[Pair, tuple[SpeedDiff, ...]]:
    """The verdicts on latency, throughput and the SDK's statistics; all figures of the two runs are one family."""
    asked = [item for item in ask_speeds(old, new) if (item.case, item.backend) in pairs]
    asked += [item for pair in pairs for item in ask_statistics(old, new, *pair)]
    found: dict[Pair, tuple[SpeedDiff, ...]] = {}
    for item, verdict in zip(asked, judge_family(asked), strict=True):
        pair = item.case, item.backend
        found[pair] = (*found.get(pair, ()), SpeedDiff(what=item.kind, verdict=of_runs(verdict, old)))
    return found
