"""`omgate deliver check`: a deliverable's folder against its delivery document, before it is published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import common
from bench.commands.common import group

if TYPE_CHECKING:
    from bench.deliver import Checked

app = group("A deliverable, before it is published.")

INCOMPLETE, CANNOT_TELL = 1, 3


@app.callback()
def _group() -> None:
    """A deliverable, before it is published."""


@app.command("check")
def check(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The deliverable: infer/, or the folder with infer/ in it.")
    ],
    json: common.Json = False,
) -> int:
    """Says what is missing or not what the delivery document promises: files, sizes, formats, precision, versions.

    Exit code: 0 complete, 1 something is missing or wrong, 3 nothing is, but something could not be told; 2 used wrongly.

    \b
    Examples:
      omgate deliver check cases/mcnn/infer
      omgate deliver check MCNN --json
    """
    from bench.deliver import check as held
    from cases.mcnn.delivery import MCNN

    found = held(folder, MCNN)
    if json:
        common.print_json(found)
    else:
        _print(found)
    if found.states & {"missing", "wrong"}:
        return INCOMPLETE
    return CANNOT_TELL if "cannot-tell" in found.states else 0


def _print(found: Checked) -> None:
    table = common.table("state", "what", "seen", "expected", "way out")
    for one in found.findings:
        table.add_row(one.state.replace("-", " "), one.what, one.seen, one.expected, one.way_out)
    common.console().print(table)
    counts = {
        state: sum(one.state == state for one in found.findings)
        for state in ("missing", "wrong", "cannot-tell")
    }
    print(
        f"{found.folder}: {counts['missing']} missing, {counts['wrong']} wrong, {counts['cannot-tell']} that can't be told"
    )
