"""`omgate container`: the suite inside images of several CANN versions, one run each, ready for `omgate diff`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from bench.commands import common
from bench.commands.common import RUNS, USED_WRONGLY


def container(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="One or more; each becomes a label.")
    ],
    device: Annotated[int, typer.Option("--device", min=0, help="Of /dev/davinciN.")] = 0,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Your test set; keeps its path inside.")
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", metavar="NAME", help="Only this case (repeatable).")
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend", metavar="NAME", help="Default: om-sdk and om-mxbase; others run on the host."
        ),
    ] = None,
    om: Annotated[
        Path | None, typer.Option("--om", metavar="FILE", help="Instead of the case's own OM.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="The first N images only.")] = None,
    run_dir: Annotated[
        Path, typer.Option("--run-dir", metavar="DIR", help="Where records go.", show_default="reports/runs")
    ] = RUNS,
    gate: Annotated[bool, typer.Option("--gate", help="As in pytest bench/.")] = False,
    emulate: Annotated[
        bool,
        typer.Option("--emulate", help="The emulated SDK home in the containers; no device is passed on."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the command lines, start nothing.")
    ] = False,
) -> int:
    """Runs the suite inside each image: workers there, by docker exec; records here, labelled with the image.

    \b
    Examples:
      omgate container infer-modelzoo:21.0.2 infer-modelzoo:22.0.0 --device 0
      omgate diff infer-modelzoo:21.0.2 infer-modelzoo:22.0.0
    DOCKER names the command to use (default docker), OMGATE_SDK_PYTHON the interpreter in the images (default python3).
    """
    import os

    from bench import container as containers
    from bench.sdk import PYTHON
    from cases.errors import OmgateError

    repeated = sorted({image for image in images if images.count(image) > 1})
    if repeated:
        raise OmgateError(f"IMAGE {repeated[0]}: given twice; a label is one image's")
    if data is not None and not data.is_dir():
        raise OmgateError(f"--data: no folder {data}")
    if om is not None and not om.is_file():
        raise OmgateError(f"--om: no file {om}")
    words = [word for name in case or () for word in ("--case", name)]
    words += [f"--data={data.absolute()}"] if data else []
    words += [f"--om={om.absolute()}"] if om else []
    words += ["--limit", str(limit)] if limit else []
    words += ["--gate"] if gate else []
    words += [f"--run-dir={run_dir.absolute()}"]
    plan = containers.Plan(
        device=device,
        folders=(common.CASES, run_dir),
        backends=tuple(backend or containers.BACKENDS),
        emulate=emulate,
        words=tuple(words),
        python=os.environ.get(PYTHON, "python3"),
    )
    plan = containers.with_folders(plan, data, om.absolute().parent if om else None)
    if emulate:
        from bench.emulator.home import make_home

        plan = containers.with_folders(plan, make_home())
    if dry_run:
        for image in images:
            print(shlex.join(containers.start_command("docker", image, "NAME", plan)))
            print(shlex.join(containers.suite_command(image, plan)))
        return 0
    run_dir.mkdir(parents=True, exist_ok=True)
    codes: dict[str, int] = {}
    for image in images:
        try:
            codes[image] = containers.run_in(image, plan, lambda text: print(text, flush=True))
        except OmgateError as error:
            print(f"{image}: not run: {error}", flush=True)
            codes[image] = USED_WRONGLY
    return _told(codes)


def _told(codes: dict[str, int]) -> int:
    """The closing lines; the exit code: 2 where an image could not be run, 1 where tests failed in one, else 0."""
    meanings = {0: "passed", 1: "a test failed"}
    for image, code in codes.items():
        print(f"{image}: {meanings.get(code, f'could not be run (exit {code})')}")
    run = [image for image, code in codes.items() if code in meanings]
    if len(run) > 1:
        print(f"compare: {shlex.join(['omgate', 'diff', run[0], run[1]])}")
    if any(code not in meanings for code in codes.values()):
        return USED_WRONGLY
    return max(codes.values())
