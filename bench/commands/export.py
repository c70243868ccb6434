"""`omgate export`: an MCNN checkpoint to ONNX, MINDIR or AIR, run against the checkpoint before it is put in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    checkpoint: Annotated[
        Path, typer.Argument(help="FILE.ckpt; or FILE.onnx, to make a stand-in .air of it.")
    ],
    output: Annotated[
        Path, typer.Argument(help="FILE.onnx, FILE.mindir or FILE.air; with --format, FILE may lack it.")
    ],
    format: Annotated[
        Literal["onnx", "mindir", "air"] | None,
        typer.Option("--format", help="Instead of the output's ending."),
    ] = None,
    height: Annotated[int, typer.Option("--height", help="Of the input, pixels.")] = 1024,
    width: Annotated[int, typer.Option("--width", help="Of the input, pixels.")] = 1024,
) -> None:
    """Exports an MCNN checkpoint. AIR needs an Ascend build of MindSpore; elsewhere it is a stand-in for the emulated atc.

    \b
    Examples:
      omgate export train_output/best.ckpt mcnn.onnx
      omgate export best.ckpt mcnn.mindir --height 768 --width 1024
    """
    from cases.mcnn import export as exporter

    file = exporter.with_format(output, format)
    print(f"{file}: {exporter.export(checkpoint, file, height, width)}")
