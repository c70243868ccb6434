"""MCNN checkpoints to ONNX, MINDIR and AIR, each run against the checkpoint where it can be; `python -m cases.mcnn.export --help`.

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
from typing import TYPE_CHECKING, Any

from cases.air import stand_in_air
from cases.errors import OmgateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STRIDE = 4
"""The network's output is a quarter of its input."""

FORMATS = {".onnx": "ONNX", ".mindir": "MINDIR", ".air": "AIR"}

STAND_IN_NOTE = "a stand-in, not an AIR: MindSpore exports AIR on Ascend alone; it holds the ONNX graph, for the emulated atc"


TOLERANCE = 1e-4
"""Of the map's maximum: an export in FP32 differs by 2e-6 of it from the checkpoint (measured: MindSpore 2.8, ONNX Runtime)."""


def export(checkpoint: Path, output: Path, height: int = 1024, width: int = 1024) -> str:
    """Write `output` (.onnx, .mindir or .air) for inputs (1, 1, height, width) float32, whole or not at all; return a note on it.

    An ONNX and a MINDIR are run against the checkpoint before they are put in place; one that differs is not. `checkpoint` may be an
    ONNX file where the output is an .air: that needs no MindSpore and makes a stand-in. Raises OmgateError.
    """
    if output.suffix not in FORMATS:
        raise OmgateError(f"{output}: the ending says the format; allowed are {', '.join(FORMATS)}")
    if not output.parent.is_dir():
        raise OmgateError(f"{output}: no folder {output.parent}: make it first")
    if min(height, width) < STRIDE:
        raise OmgateError(f"--height {height} --width {width}: allowed are sizes from {STRIDE} pixels on")
    if checkpoint.suffix == ".onnx":
        if output.suffix != ".air":
            raise OmgateError(f"{checkpoint}: of an ONNX file only a stand-in .air can be made, not {output}")
        _replace(output, _stand_in(checkpoint))
        return STAND_IN_NOTE
    if not is_installed():
        raise OmgateError('an export needs MindSpore, which is not installed: pip install "omgate[ckpt]"')
    try:
        return _export_whole(checkpoint, output, height, width)
    except OSError as error:
        raise OmgateError(f"{output}: can't be written: {error.strerror or error}") from error


def is_installed() -> bool:
    """Whether MindSpore can be imported; it is not imported."""
    import importlib.util

    return importlib.util.find_spec("mindspore") is not None


def _export_whole(checkpoint: Path, output: Path, height: int, width: int) -> str:
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=output.parent) as folder:
        network = _network(checkpoint)
        stand_in = output.suffix == ".air" and not _on_ascend()
        suffix = ".onnx" if stand_in else output.suffix
        written = _exported(network, Path(folder) / "model", suffix, height, width)
        note = _verified(network, written, height, width)
        if stand_in:
            note = STAND_IN_NOTE
            written.chmod(0o600)  # MindSpore writes it read-only.
            written.write_bytes(_stand_in(written))
        if written.is_file():
            written.chmod(0o644)
        written.replace(output)
    return note


def _on_ascend() -> bool:
    import mindspore as ms

    return bool(ms.get_context("device_target") == "Ascend")


def _network(checkpoint: Path) -> Any:
    from cases.mcnn.checkpoint import load_strictly
    from cases.mcnn.network import Mcnn

    network = Mcnn()
    load_strictly(network, checkpoint)
    return network.set_train(False)


def _exported(network: Any, stem: Path, suffix: str, height: int, width: int) -> Path:
    """Export to `stem` + `suffix` and return that path."""
    import mindspore as ms
    import numpy as np

    example = ms.Tensor(np.zeros((1, 1, height, width), np.float32))
    try:
        ms.export(network, example, file_name=str(stem), file_format=FORMATS[suffix])
    except RuntimeError as error:  # a full disk, among others
        raise OmgateError(f"MindSpore could not export: {str(error).strip().splitlines()[0]}") from error
    return stem.with_suffix(suffix)


def _verified(network: Any, written: Path, height: int, width: int) -> str:
    """Run an exported model and the checkpoint's network on one image of noise; return the note. Raises OmgateError where they differ."""
    import mindspore as ms
    import numpy as np

    if written.suffix == ".air":
        return "not run against the checkpoint: no runtime takes an AIR; convert it, and compare by pytest bench/"
    image = np.random.default_rng(0).integers(0, 256, (1, 1, height, width)).astype(np.float32)
    expected = network(ms.Tensor(image)).asnumpy()
    found = _by_onnxruntime(written, image) if written.suffix == ".onnx" else _by_mindspore(written, image)
    if found.shape != expected.shape:
        raise OmgateError(
            f"the exported {written.suffix} gives {found.shape}, the checkpoint {expected.shape}"
        )
    largest = float(np.abs(expected).max())
    if largest == 0.0:
        return "the network gives 0 everywhere on an image of noise, as an untrained one does; so nothing could be verified"
    difference = float(np.abs(found - expected).max()) / largest
    if not difference <= TOLERANCE:  # NaN too
        raise OmgateError(
            f"the exported {written.suffix} differs from the checkpoint by {difference:.2g} of the map's maximum,"
            f" allowed is {TOLERANCE:g}; nothing was written"
        )
    return f"verified against the checkpoint: they differ by {difference:.1e} of the map's maximum at most"


def _by_onnxruntime(file: Path, image: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: image})[0])


def _by_mindspore(file: Path, image: NDArray[np.float32]) -> NDArray[np.float32]:
    import mindspore as ms
    import numpy as np
    from mindspore import nn

    return np.asarray(nn.GraphCell(ms.load(str(file)))(ms.Tensor(image)).asnumpy())


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
    output = with_format(given.output, given.format)
    try:
        note = export(given.checkpoint, output, given.height, given.width)
    except OmgateError as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    print(f"{output}: {note}")
    return 0


def with_format(output: Path, format: str | None) -> Path:
    """The file to write: `output`, with the format's ending where it lacks it."""
    return output.with_name(f"{output.name}.{format}") if format and output.suffix != f".{format}" else output


if __name__ == "__main__":
    sys.exit(main())
