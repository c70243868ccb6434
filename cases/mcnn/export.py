"""MCNN checkpoints to ONNX and MINDIR; `python -m cases.mcnn.export --help`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cases.errors import OmgateError

FORMATS = {".onnx": "ONNX", ".mindir": "MINDIR"}


def export(checkpoint: Path, output: Path, height: int = 1024, width: int = 1024) -> None:
    """Writes `output` (.onnx or .mindir) for inputs (1, 1, height, width) float32, whole or not at all."""
    import mindspore as ms
    import numpy as np

    from cases.mcnn.checkpoint import load_strictly
    from cases.mcnn.network import Mcnn

    if output.suffix not in FORMATS:
        raise OmgateError(f"{output}: the ending says the format; allowed are {', '.join(FORMATS)}")
    network = Mcnn()
    load_strictly(network, checkpoint)
    network.set_train(False)
    example = ms.Tensor(np.zeros((1, 1, height, width), np.float32))
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=output.parent) as folder:
        stem = Path(folder) / "model"
        ms.export(network, example, file_name=str(stem), file_format=FORMATS[output.suffix])
        written = stem.with_suffix(output.suffix)
        written.chmod(0o644)
        written.replace(output)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cases.mcnn.export", description="Exports an MCNN checkpoint to ONNX or MINDIR."
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path, help="FILE.onnx or FILE.mindir")
    parser.add_argument("--height", type=int, default=1024, help="of the input, pixels (default %(default)s)")
    parser.add_argument("--width", type=int, default=1024, help="of the input, pixels (default %(default)s)")
    given = parser.parse_args(arguments)
    try:
        export(given.checkpoint, given.output, given.height, given.width)
    except OmgateError as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    print(given.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
