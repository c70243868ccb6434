"""The one verdict of a run and its exit code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reports.outcome import outcome
from reports.parity import Parity
from reports.record import RunWriter, read
from reports.run import Run
from reports.verdict import Status, Verdict

Begin = Callable[..., RunWriter]


def run_with(begin: Begin, *statuses: Status, finish: bool = True, parity: str = "") -> Run:
    writer = begin()
    for number, status in enumerate(statuses):
        writer.put_verdict("mcnn-synthetic", f"backend-{number}", Verdict(status=status))
    if parity:
        entry = Parity(case="mcnn-synthetic", backend="ckpt", other="reference", status=parity)  # type: ignore[arg-type]
        writer.update(parity=(entry,))
    if finish:
        writer.finish()
    else:
        writer.close()
    return read(writer.folder).run


@pytest.mark.parametrize(
    ("statuses", "worst", "code", "strict"),
    [
        ((Status.PASS, Status.IMPROVED), Status.IMPROVED, 0, 0),
        ((Status.PASS, Status.DRIFT), Status.DRIFT, 0, 1),
        ((Status.DRIFT, Status.CANNOT_TELL), Status.CANNOT_TELL, 3, 1),
        ((Status.CANNOT_TELL, Status.REGRESSED), Status.REGRESSED, 1, 1),
        ((), Status.CANNOT_TELL, 3, 3),
    ],
)
def test_the_worst_verdict_is_the_runs(
    begin: Begin, statuses: tuple[Status, ...], worst: Status, code: int, strict: int
) -> None:
    found = outcome(run_with(begin, *statuses))
    assert (found.status, found.exit_code(), found.exit_code(strict=True)) == (worst, code, strict)


def test_parity_counts_and_the_worst_stands_first(begin: Begin) -> None:
    found = outcome(run_with(begin, Status.PASS, parity="regressed"))
    assert [(finding.kind, finding.status) for finding in found.findings] == [
        ("parity", Status.REGRESSED),
        ("accuracy", Status.PASS),
    ]
    assert found.exit_code() == 1


def test_a_killed_run_of_passes_is_no_pass(begin: Begin) -> None:
    found = outcome(run_with(begin, Status.PASS, finish=False))
    assert found.status is Status.CANNOT_TELL
    assert "--resume=" in found.findings[0].reasons[0].advice
