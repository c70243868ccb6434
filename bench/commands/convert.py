"""`omgate convert`: ONNX or AIR to OM by atc, with where it came from written beside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import common
from cases.errors import OmgateError

if TYPE_CHECKING:
    from cases.case import Case


def convert(
    output: Annotated[
        Path, typer.Option("--output", metavar="PATH", help="The OM to write; .om is appended.")
    ],
    case: Annotated[
        str, typer.Option("--case", metavar="NAME", help="Whose model, with its input's shape.")
    ] = "mcnn-synthetic",
    onnx: Annotated[
        Path | None, typer.Option("--onnx", metavar="FILE", help="Instead of the case's own ONNX.")
    ] = None,
    air: Annotated[
        Path | None,
        typer.Option("--air", metavar="FILE", help="An AIR; on the emulated SDK a stand-in for one."),
    ] = None,
    soc: Annotated[str, typer.Option("--soc", metavar="NAME", help="atc's soc_version.")] = "Ascend310",
    precision_mode: Annotated[
        str | None, typer.Option("--precision-mode", metavar="MODE", help="atc's; its default is force_fp16.")
    ] = None,
    output_type: Annotated[
        str | None, typer.Option("--output-type", metavar="TYPE", help="atc's; default: the network's own.")
    ] = None,
    input_shape: Annotated[
        str | None,
        typer.Option(
            "--input-shape", metavar="SHAPE", help="atc's: \"name:1,1,1024,1024\"; default: the case's."
        ),
    ] = None,
    emulate: Annotated[
        bool, typer.Option("--emulate", help="Use the emulated SDK's atc; no device runs what it makes.")
    ] = False,
) -> None:
    """Converts a case's model to OM with atc, and writes how beside it (PATH.om.json).

    \b
    Examples:
      omgate convert --case mcnn-synthetic --output=mcnn
      omgate convert --case mcnn-shanghaitech-a --air=mcnn.air --output=mcnn --soc Ascend310P3
      omgate convert --emulate --output=mcnn
    """
    from bench.convert import convert_case

    options = {
        name: value
        for name, value in (
            ("precision_mode", precision_mode),
            ("output_type", output_type),
            ("input_shape", input_shape),
        )
        if value is not None
    }
    path, made = convert_case(
        _case(case), output, onnx=onnx, air=air, soc=soc, options=options, emulate=emulate, out=sys.stdout
    )
    kind = "emulated OM, for the emulated SDK alone" if made.emulated else f"OM for {made.soc_version}"
    print(f"{path}: {kind}, {path.stat().st_size / 1e6:.2f} MB, {made.seconds:.1f} s; how: {path}.json")


def _case(name: str) -> Case:
    from cases.case import load_all

    cases = {case.name: case for case in load_all(common.CASES)}
    if name not in cases:
        raise OmgateError(f"--case {name}: no such case; there are {', '.join(cases)}")
    return cases[name]
