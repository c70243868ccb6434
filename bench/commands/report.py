"""`omgate report`: the report of a run, at any time; with --verdict its verdict and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.common import RUNS, Json, RunDir, print_json

if TYPE_CHECKING:
    from reports.outcome import Outcome


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id, label (the newest with it) or folder.")],
    no_images: Annotated[
        bool, typer.Option("--no-images", help="Without pictures of the test set, which may show people.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write the HTML there, and nothing else.")
    ] = None,
    verdict: Annotated[
        bool,
        typer.Option(
            "--verdict", help="Only print the verdict; the exit code says it: 0, 1 regressed, 3 cannot tell."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --verdict: a drift counts as regressed.")
    ] = False,
    json: Json = False,
    run_dir: RunDir = RUNS,
) -> None:
    """Writes a run's report: report.html, one file that needs nothing else, and summary.md, both into the run's folder.

    A killed run has one, too; it says that it is incomplete. The images are those that the run kept in its record.

    \b
    Examples:
      omgate report cann-8.0                                 the newest run with this label
      omgate report cann-8.0 --no-images --output out.html   to hand on
      omgate report cann-8.0 --verdict                       for a script: prints the verdict, exits by it
    """
    from reports.catalogue import find

    folder = find(run_dir, run)
    if verdict:
        _tell(folder, strict, json)
        return
    from reports.html.write import write

    written = write(folder, output, pictures=not no_images)
    found = written.source.outcome
    if json:
        files = {"report": str(written.report), "summaries": [str(path) for path in written.summaries]}
        print_json({**_as_json(written.source.run.id, found), **files})
        return
    print(f"{found.status}: {written.report}")
    for path in written.summaries:
        print(f"  {path}")


def _tell(folder: Path, strict: bool, json: bool) -> None:
    """Prints the verdict with its reasons and ends with its exit code."""
    from reports.outcome import outcome
    from reports.run import read_run
    from reports.terminal import printable

    run = read_run(folder)
    found = outcome(run)
    if json:
        print_json(_as_json(run.id, found))
    else:
        print(f"{found.status}: {run.id}")
        for finding in found.findings:
            on = " against ".join(name for name in (finding.backend, finding.other) if name)
            where = " on ".join(name for name in (finding.case, on) if name)
            reasons = "; ".join(f"{reason.code}: {reason.message}" for reason in finding.reasons)
            print(
                printable(
                    f"  {finding.status}: {finding.kind}{': ' if where else ''}{where}{': ' if reasons else ''}{reasons}"
                )
            )
    raise typer.Exit(found.exit_code(strict))


def _as_json(run: str, found: Outcome) -> dict[str, Any]:
    import msgspec

    return {"run": run, **msgspec.to_builtins(found)}
