"""`omgate prepare`: makes a test set, ShanghaiTech converted or synthetic scenes drawn."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.common import group

app = group("Makes a test set: ShanghaiTech converted, or synthetic scenes drawn.")


@app.command("synthetic")
def prepare_synthetic(
    dest: Annotated[Path, typer.Argument(help="The folder to write; scenes that are there are kept.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first scene; the next ones count up.")] = 1000,
    count: Annotated[int, typer.Option(min=1, help="Number of scenes.")] = 24,
) -> None:
    """Draws synthetic crowd scenes in ShanghaiTech's layout. The same seeds give the same people and pictures.

    \b
    Examples:
      omgate prepare synthetic DEST --seed 1000 --count 200
      pytest bench/ --case mcnn-synthetic --data=DEST
    """
    from cases.synthetic import generate

    with _progress("scenes") as advance:
        people = generate(dest, range(seed, seed + count), progress=advance)
    print(f"{dest}: {count} synthetic scenes, {people:,} people; measure with: pytest bench/ --data={dest}")


@app.command("shanghaitech")
def prepare_shanghaitech(
    source: Annotated[
        Path, typer.Argument(help="ShanghaiTech as its archive unpacks: part_A_final, part_B_final.")
    ],
    dest: Annotated[Path, typer.Argument(help="The folder to write; what is there and right is kept.")],
) -> None:
    """Converts ShanghaiTech's own .mat files to density CSVs, and holds what it finds against the published totals.

    \b
    Examples:
      omgate prepare shanghaitech ShanghaiTech cases/mcnn/data/shanghaitech
    """
    from cases.shanghaitech import convert

    with _progress("images") as advance:
        report = convert(source, dest, progress=lambda done, total, _name: advance(done, total))
    for part in report.parts:
        print(
            f"{part.name}: {part.train or 0} training and {part.test or 0} test images, {part.heads:,} heads"
        )
    print(f"{dest}: {report.written} CSV files written, {report.kept} kept, {report.repaired} repaired")
    if report.clipped_points:
        print(f"note: {report.clipped_points} heads lie outside their image; they are counted at its border")
    for absent in report.absent:
        print(f"note: {absent} is not in {source}")
    for difference in report.differences:
        print(f"warning: {difference}")


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, where that is a terminal; called with (done, total)."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
