"""`omgate diff`: two runs held against each other, or several against the first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import common
from bench.commands.common import RUNS, print_json, put, width_here
from reports.errors import ReportError

if TYPE_CHECKING:
    from reports.diff.build import Gates
    from reports.diff.matrix import Matrix
    from reports.diff.model import Diff
    from reports.record import RunRecord

Runs = Annotated[
    list[str],
    typer.Argument(
        metavar="OLD NEW...", help="Runs by id, label (the newest with it) or folder.", show_default=False
    ),
]
File = Path | None


def diff(
    runs: Runs,
    html: Annotated[File, typer.Option("--html", metavar="FILE", help="Write it as one HTML page.")] = None,
    markdown: Annotated[
        File, typer.Option("--markdown", metavar="FILE", help="Write it as markdown, for a merge request.")
    ] = None,
    json: Annotated[
        File,
        typer.Option(
            "--json", metavar="FILE", help="Write it for machines; - for stdout, and nothing else there."
        ),
    ] = None,
    across: Annotated[
        bool,
        typer.Option(
            "--across", help="Hold the backends of one run against those of the other: runs of two machines."
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="A drift counts as a regression.")] = False,
    folder: Annotated[
        Path,
        typer.Option("--folder", metavar="DIR", help="Where run records are.", show_default="reports/runs"),
    ] = RUNS,
) -> int:
    """What differs between runs, and what may therefore be concluded; then accuracy image by image, speed, statistics.

    Three runs or more give a matrix: each against the first, and the last against the one before it.
    Exit codes: 0 nothing worse, 1 something regressed, 2 could not be used as asked, 3 cannot tell.

    \b
    Examples:
      omgate diff cann-7.0 cann-8.0
      omgate diff cann-7.0 cann-8.0 --markdown diff.md --html diff.html
      omgate diff --across night-910 night-310
      omgate diff cann-7.0 cann-8.0 cann-8.5
    """
    from reports.diff.model import exit_code, statuses_of

    if len(runs) < 2:
        raise ReportError("diff needs two runs or more: omgate diff OLD NEW; those there are: omgate runs")
    if across and len(runs) > 2:
        raise ReportError(f"--across compares two runs, {len(runs)} were given; name two")
    records = _read(folder, runs)
    found = _found(records, across)
    _write(found, html, markdown, json)
    if str(json) != "-":
        _show(found)
    diffs = found.diffs if hasattr(found, "diffs") else (found,)
    return exit_code([status for one in diffs for status in statuses_of(one)], strict)


def _read(folder: Path, names: list[str]) -> list[RunRecord]:
    from reports.catalogue import find
    from reports.record import read

    return [read(find(folder, name)) for name in names]


def _found(records: list[RunRecord], across: bool) -> Diff | Matrix:
    if across:
        from bench.across import stored_pair
        from reports.diff.across import across as compare_across

        return compare_across(records[0], records[1], stored_pair)
    if len(records) > 2:
        from reports.diff.matrix import matrix

        return matrix(records, _gates(records))
    from reports.diff.build import diff as compare

    return compare(records[0], records[1], _gates(records))


def _gates(records: list[RunRecord]) -> Gates:
    """The gates of the runs' cases as the case files have them now, for runs that hold none; a case that is no more has none."""
    from cases.case import load_all
    from cases.errors import OmgateError
    from reports.verdict import Gate

    wanted = {entry.name for record in records for entry in record.run.cases}
    try:
        cases = load_all(common.CASES)
    except OmgateError:
        return {}
    return {
        case.name: tuple(
            Gate(gate.metric, gate.tolerance, "%" if gate.unit == "%" else "counts") for gate in case.gates
        )
        for case in cases
        if case.name in wanted
    }


def _write(found: Diff | Matrix, html: File, markdown: File, json: File) -> None:
    if html is not None:
        from reports.diff.html import diff_html

        put(html, diff_html(found))
    if markdown is not None:
        from reports.diff.markdown import diff_markdown

        put(markdown, diff_markdown(found))
    if json is not None and str(json) != "-":
        import msgspec

        put(json, msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    elif json is not None:
        print_json(found)


def _show(found: Diff | Matrix) -> None:
    import sys

    from reports.diff.terminal import diff_text

    print(diff_text(found, width_here(), color=sys.stdout.isatty()), end="")
