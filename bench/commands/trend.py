"""`omgate trend`: figures over the runs of a folder, and where they changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import common
from bench.commands.common import RUNS, BackendName, CaseName, print_json, put, width_here

if TYPE_CHECKING:
    from reports.trend.build import Promoted


def trend(
    folder: Annotated[
        Path,
        typer.Option("--folder", metavar="DIR", help="Where run records are.", show_default="reports/runs"),
    ] = RUNS,
    case: CaseName = None,
    backend: BackendName = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="Only this figure, such as mae, game1, psnr or latency/single-stream.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as one HTML page.")
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write it for machines; - for stdout, and nothing else there."
        ),
    ] = None,
) -> None:
    """Figures of every case and backend over time: where they changed, and what changed with them.

    Counts are exact, and every change beyond rounding is one. Times are noisy: a change is where their level moved, which takes twelve
    runs. Promoted baselines and changes of CANN, driver, model and data are marked.

    \b
    Examples:
      omgate trend
      omgate trend --folder nightly --html trend.html
      omgate trend --case mcnn-synthetic --backend om-sdk --metric mae
    """
    import sys

    from reports.trend.build import trend as build

    found = build(folder, case=case, backend=backend, metric=metric, promoted=_promoted())
    if html is not None:
        from reports.trend.html import trend_html

        put(html, trend_html(found))
    if json is not None and str(json) == "-":
        print_json(found)
        return
    if json is not None:
        import msgspec

        put(json, msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    from reports.trend.terminal import trend_text

    print(trend_text(found, width_here(), color=sys.stdout.isatty()), end="")


def _promoted() -> Promoted:
    """The runs that are or were a baseline; a broken file marks none, and `omgate baseline list` says what is wrong with it."""
    from reports.baseline import list_baselines

    found: dict[tuple[str, str], set[str]] = {}
    for folder in sorted(common.CASES.glob("*/baselines")):
        for file in list_baselines(folder):
            if file.baseline is not None:
                ids = {file.baseline.run, *(earlier.run for earlier in file.baseline.history)}
                found.setdefault((file.baseline.case, file.baseline.backend), set()).update(ids)
    return found
