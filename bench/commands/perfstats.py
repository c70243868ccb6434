"""`omgate perfstats`: the statistics logs of SDK pipelines, summed up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.common import Json, console, print_json


def perfstats(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Logs, or folders of them.", show_default=False)
    ],
    json: Json = False,
    drop_first: Annotated[
        int,
        typer.Option(
            "--drop-first", metavar="N", help="Leave out the first N windows with frames of each stream."
        ),
    ] = 0,
    drop_last: Annotated[
        int,
        typer.Option(
            "--drop-last", metavar="N", help="Leave out the last N windows with frames of each stream."
        ),
    ] = 0,
) -> None:
    """Sums up the SDK's performance statistics: where the time goes, in each process, stream and element.

    Logs that are still being written, parts of a rotated log and broken lines are welcome; what puts a number in doubt is a warning.
    Means are totals by counts; percentiles are not in these logs. The two --drop options select the steady state; they may be used
    together.

    \b
    Examples:
      omgate perfstats ~/log/mindxsdk/logs
      omgate perfstats --drop-first 1 --drop-last 1 ~/log/mindxsdk/logs
      omgate perfstats --json reports/runs/20261122T230501Z-cann-8.0-k3f9qa/perfstats | python -m json.tool
    """
    from bench.perfstats.reader import read_with_source
    from bench.perfstats.tables import show

    stats, source = read_with_source(paths, drop_first=drop_first, drop_last=drop_last)
    if json:
        print_json(stats)
    else:
        show(stats, source, console())
