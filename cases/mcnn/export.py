"""MCNN checkpoints to ONNX, MINDIR and AIR; `python -m cases.mcnn.export --help`.

MindSpore exports AIR with its Ascend backend alone. Elsewhere a stand-in is written (cases/air.py), which only the emulated atc takes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cases.air import stand_in_air
from cases.errors import OmgateError

FORMATS = {".onnx": "ONNX", ".mindir": "MINDIR", ".air": "AIR"}

STAND_IN_NOTE = "a stand-in, not an AIR: MindSpore exports AIR on Ascend alone; it holds the ONNX graph, for the emulated atc"


def export(checkpoint: Path, output: Path, height: int = 1024, width: int = 1024) -> str:
    """Write `output` (.onnx, .mindir or .air) for inputs (1, 1, height, width) float32, whole or not at all; return a note on it or "".

    `checkpoint` may be an ONNX file where the output is an .air: that needs no MindSpore and makes a stand-in. Raises OmgateError.
    """
    if output.suffix not in FORMATS:
        raise OmgateError(f"{output}: the ending says the format; allowed are {', '.join(FORMATS)}")
    if not output.parent.is_dir():
        raise OmgateError(f"{output}: no folder {output.parent}: make it first")
    if checkpoint.suffix == ".onnx":
        if output.suffix != ".air":
            raise OmgateError(f"{checkpoint}: of an ONNX file only a stand-in .air can be made, not {output}")
        _replace(output, _stand_in(checkpoint))
        return STAND_IN_NOTE
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=output.parent) as folder:
        stem = Path(folder) / "model"
        stand_in = output.suffix == ".air" and not _on_ascend()
        written = _exported(checkpoint, stem, ".onnx" if stand_in else output.suffix, height, width)
        if stand_in:
            written.chmod(0o600)  # MindSpore writes it read-only.
            written.write_bytes(_stand_in(written))
        if written.is_file():
            written.chmod(0o644)
        written.replace(output)
    return STAND_IN_NOTE if stand_in else ""


def _on_ascend() -> bool:
    import mindspore as ms

    return bool(ms.get_context("device_target") == "Ascend")


def _exported(checkpoint: Path, stem: Path, suffix: str, height: int, width: int) -> Path:
    """Export to `stem` + `suffix` and return that path."""
    import mindspore as ms
    import numpy as np

    from cases.mcnn.checkpoint import load_strictly
    from cases.mcnn.network import Mcnn

    network = Mcnn()
    load_strictly(network, checkpoint)
    network.set_train(False)
    example = ms.Tensor(np.zeros((1, 1, height, width), np.float32))
    ms.export(network, example, file_name=str(stem), file_format=FORMATS[suffix])
    return stem.with_suffix(suffix)


def _stand_in(path: Path) -> bytes:
    try:
        return stand_in_air(path.read_bytes())
    except OSError as error:
        raise OmgateError(f"{path}: can't be read: {error.strerror}") from error
    except OmgateError as error:
        raise OmgateError(f"{path}: {error}") from error


def _replace(output: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".exporting-", dir=output.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, output)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise OmgateError(f"{output}: can't be written: {error.strerror}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cases.mcnn.export",
        description="Exports an MCNN checkpoint to ONNX, MINDIR or AIR. Without Ascend, AIR is a stand-in for the emulated atc.",
    )
    parser.add_argument("checkpoint", type=Path, help="FILE.ckpt; or FILE.onnx to make a stand-in .air of it")
    parser.add_argument(
        "output", type=Path, help="FILE.onnx, FILE.mindir or FILE.air; with --format, FILE may lack it"
    )
    parser.add_argument(
        "--format", choices=[ending[1:] for ending in FORMATS], help="instead of the output's ending"
    )
    parser.add_argument("--height", type=int, default=1024, help="of the input, pixels (default %(default)s)")
    parser.add_argument("--width", type=int, default=1024, help="of the input, pixels (default %(default)s)")
    given = parser.parse_args(arguments)
    output: Path = given.output
    if given.format and output.suffix != f".{given.format}":
        output = output.with_name(f"{output.name}.{given.format}")
    try:
        note = export(given.checkpoint, output, given.height, given.width)
    except OmgateError as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    print(f"{output}: {note}" if note else output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
