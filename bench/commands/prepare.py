"""`omgate prepare`: makes a test set, ShanghaiTech converted or synthetic scenes drawn."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.common import group

if TYPE_CHECKING:
    from cases.patches import PatchReport

PATCH_SEED = 95461354
"""The published recipe's (cases/patches.py, not imported here: it would bring NumPy to `omgate --help`)."""

PatchSeed = Annotated[int, typer.Option("--patch-seed", min=0, help="Of the patches' places.")]

app = group("Makes a test set: ShanghaiTech converted, or synthetic scenes drawn.")


@app.command("synthetic")
def prepare_synthetic(
    dest: Annotated[Path, typer.Argument(help="The folder to write; scenes that are there are kept.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first scene; the next ones count up.")] = 1000,
    count: Annotated[int, typer.Option(min=1, help="Number of scenes.")] = 24,
    patches: Annotated[
        bool, typer.Option("--patches", help="Cut training patches too; not of test scenes (seeds 1 to 999).")
    ] = False,
    patch_seed: PatchSeed = PATCH_SEED,
) -> None:
    """Draws synthetic crowd scenes in ShanghaiTech's layout. The same seeds give the same people and pictures.

    \b
    Examples:
      omgate prepare synthetic DEST --seed 1000 --count 200
      pytest bench/ --case mcnn-synthetic --data=DEST
      omgate prepare synthetic DEST --seed 100000 --count 20 --patches
    """
    from cases.patches import cut_scenes
    from cases.synthetic import generate

    seeds = range(seed, seed + count)
    with _progress("scenes") as advance:
        people = generate(dest, seeds, progress=advance)
    print(f"{dest}: {count} synthetic scenes, {people:,} people; measure with: pytest bench/ --data={dest}")
    if patches:
        with _progress("patches of scenes") as advance:
            _tell_patches(cut_scenes(dest, seeds, patch_seed, advance))


@app.command("shanghaitech")
def prepare_shanghaitech(
    source: Annotated[
        Path, typer.Argument(help="ShanghaiTech as its archive unpacks: part_A_final, part_B_final.")
    ],
    dest: Annotated[Path, typer.Argument(help="The folder to write; what is there and right is kept.")],
    patches: Annotated[
        bool, typer.Option(help="Cut the training patches: nine of each training image.")
    ] = True,
    patch_seed: PatchSeed = PATCH_SEED,
) -> None:
    """Converts ShanghaiTech's own .mat files to density CSVs, and holds what it finds against the published totals.

    The training patches go to DEST/formatted_trainval, as the published training script expects them.

    \b
    Examples:
      omgate prepare shanghaitech ShanghaiTech cases/mcnn/data/shanghaitech
    """
    from cases.shanghaitech import convert, cut_patches

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
    if patches and any(part.train for part in report.parts):
        with _progress("training images") as advance:
            cut = cut_patches(source, dest, patch_seed, advance)
        for one in cut:
            _tell_patches(one)


def _tell_patches(report: PatchReport) -> None:
    print(
        f"{report.folder}: {report.train} patches to train, {report.val} to validate;"
        f" {report.written} written, {report.kept} kept"
    )


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
