"""What the commands share: where things are, options, a console, tables, JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.selection import cases_folder

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

USED_WRONGLY = 2
"""Exit code where a command could not be done as asked."""

HOUSE = Path(__file__).resolve().parents[2]
CASES = cases_folder()
RUNS = HOUSE / "reports" / "runs"

Json = Annotated[bool, typer.Option("--json", help="Machine-readable: one JSON document.")]
RunDir = Annotated[
    Path, typer.Option("--run-dir", metavar="DIR", help="Where run records are.", show_default="reports/runs")
]
CaseName = Annotated[str | None, typer.Option("--case", metavar="NAME", help="Only this case.")]
BackendName = Annotated[str | None, typer.Option("--backend", metavar="NAME", help="Only this backend.")]


def group(text: str) -> typer.Typer:
    """A group of commands; plain help, so that examples keep their lines."""
    return typer.Typer(
        help=text,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def console() -> Console:
    """A console on stdout; wide where nobody looks at it through a terminal, so that a pipe gets whole lines."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def table(*columns: str) -> Table:
    """A table without lines; a column named `images>` is aligned to the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        name, _, right = column.partition(">")
        made.add_column(name, justify="right" if right else "left", overflow="fold")
    return made


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


PIPE_WIDTH = 160
"""Columns where nobody looks at it through a terminal."""


def width_here() -> int:
    """Columns of the terminal, PIPE_WIDTH where stdout is none."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def put(path: Path, text: str) -> None:
    """Writes a file whole. ReportError if its folder is not there, or it can't be written."""
    from reports.errors import ReportError
    from reports.files import write_atomically

    folder = path.absolute().parent
    if not folder.is_dir():
        raise ReportError(f"{path}: {folder} is no folder; make it first")
    write_atomically(path.absolute(), text.encode("utf-8", "backslashreplace"))
