"""`omgate import`: an already finished run of the deliverable's programs, as a run record with a verdict."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import common
from bench.commands.common import RUNS, Json, RunDir, print_json
from cases.errors import OmgateError

if TYPE_CHECKING:
    from cases.case import Case

SOC = re.compile(r"Ascend[0-9]+[A-Za-z0-9]*|emulated|unknown")

EXIT_CODES = {"regressed": 1, "cannot-tell": 3}
"""Of a verdict; any other is 0."""


def import_run(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="What the program printed: its stdout, stderr, or the SDK's info log."
        ),
    ],
    case: Annotated[str, typer.Option("--case", metavar="NAME", help="The case that it ran.")],
    backend: Annotated[
        str, typer.Option("--backend", metavar="NAME", help="om-mxbase (Mcnn) or om-sdk (main.py).")
    ],
    soc: Annotated[
        str,
        typer.Option(
            "--soc", metavar="NAME", help="Where it ran, such as Ascend310; unknown: nothing is judged."
        ),
    ] = "unknown",
    images: Annotated[
        Path | None,
        typer.Option("--images", metavar="DIR", help="The images that it ran on, beside ground_truth_csv/."),
    ] = None,
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="The run's label.")] = "",
    run_dir: RunDir = RUNS,
    json: Json = False,
) -> None:
    """Reads what an already finished Mcnn or main.py printed, the published ones too, into a run record, and judges it.

    Known failures of these programs (an image above 1024 pixels inferred as a black one, a missing label counted as 0, other files taken for
    images) are failed images. An imported run can't become a baseline. Exit code: 0, 1 regressed, 3 cannot tell, 2 not readable.

    \b
    Examples:
      ./Mcnn ../model/mcnn.om ../test_data/images/ ../test_data/ground_truth_csv/ ./output 2>&1 | tee mcnn.log
      omgate import mcnn.log --case mcnn-shanghaitech-a --backend om-mxbase --soc Ascend310
      omgate import main.txt --case mcnn-synthetic --backend om-sdk --soc Ascend310 --images=../test_data/images
    """
    import hashlib

    from bench.closing import explain
    from bench.programs.read import read_all
    from bench.programs.record import Source, store
    from bench.progress import Bar

    if not SOC.fullmatch(soc):
        raise OmgateError(
            f"--soc: seen {soc!r}, allowed are names like Ascend310 or Ascend310P3, and unknown"
        )
    found = _case(case, backend, images)
    output = read_all(files)
    sources = [Source(str(file), hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]
    done = store(output, sources, found, backend, run_dir=run_dir, bar=Bar(), soc=soc, label=label)
    if json:
        print_json(
            {"run": done.run, "folder": str(done.folder), "verdict": done.verdict, "warnings": done.warnings}
        )
    else:
        print(explain(done.verdict))
        for warning in done.warnings:
            print(f"note: {warning}")
        print(f"record: {done.folder}")
    if code := EXIT_CODES.get(done.verdict.status.value):
        raise typer.Exit(code)


def _case(name: str, backend: str, images: Path | None) -> Case:
    """The case by name, with the data that lie around `images`. Raises OmgateError."""
    import difflib

    from bench.programs.record import PROGRAMS
    from cases.case import load_all

    if backend not in PROGRAMS.values():
        raise OmgateError(f"--backend {backend}: allowed are {' and '.join(sorted(set(PROGRAMS.values())))}")
    cases = {case.name: case for case in load_all(common.CASES)}
    if name not in cases:
        near = difflib.get_close_matches(name, cases, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise OmgateError(f"--case {name}: unknown; there are {', '.join(cases) or 'none'}{hint}")
    if images is None:
        return cases[name]
    root = images if (images / "images").is_dir() else images.resolve().parent
    if not (root / "images").is_dir():
        raise OmgateError(f"--images={images}: expected a folder called images, beside ground_truth_csv/")
    return cases[name].with_overrides(data=root)
