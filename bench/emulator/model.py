"""An emulated .om, loaded: its inputs and outputs as the SDK describes them, and execution on raw bytes."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.emulator.om import OmError, read_om
from bench.emulator.session import open_session

if TYPE_CHECKING:
    import numpy as np

FAILURE = 1001
PERMISSION = 1010
MISSING = 1016
INVALID_FILE = 18
"""APP_ERROR codes of the SDK (ErrorCodes.h): failure, no permission, not existing, ACL's invalid file."""

DTYPES = {
    "tensor(float)": (0, "float32"),
    "tensor(float16)": (1, "float16"),
    "tensor(int8)": (2, "int8"),
    "tensor(int32)": (3, "int32"),
    "tensor(uint8)": (4, "uint8"),
    "tensor(int16)": (6, "int16"),
    "tensor(uint16)": (7, "uint16"),
    "tensor(uint32)": (8, "uint32"),
    "tensor(int64)": (9, "int64"),
    "tensor(uint64)": (10, "uint64"),
    "tensor(double)": (11, "float64"),
    "tensor(bool)": (12, "bool"),
}
"""ONNX Runtime's type -> the SDK's TensorDataType and numpy's name; the SDK has no 5."""

WIDEST = 0o640
"""The SDK refuses a model file whose rights go beyond these (FAQ: `Current permission is 4, but required no greater than 0`)."""


class ModelError(Exception):
    """What the SDK would refuse, with its code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: TensorDataType number, numpy's name of it, shape (-1 first where the batch has gears), bytes at the largest gear."""

    name: str
    dtype: int
    numpy_dtype: str
    shape: tuple[int, ...]
    size_bytes: int


@dataclass(frozen=True)
class Model:
    """A loaded model. `gears`: the batch sizes it was converted for, empty where the batch is fixed."""

    session: Any
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    gears: tuple[int, ...]
    layout: str = "NCHW"
    """Order of an image's dimensions, as atc was told."""

    @property
    def batch(self) -> int:
        """First dimension of the first input; the largest gear where there are gears."""
        if self.gears:
            return self.gears[-1]
        shape = self.inputs[0].shape if self.inputs else ()
        return shape[0] if shape else 1

    def shapes(self, tensors: Sequence[TensorInfo], batch: int | None) -> list[tuple[int, ...]]:
        """Shapes of `tensors` at a batch (None: the fixed one). Raises ModelError for a batch that is no gear."""
        if self.gears and batch not in self.gears:
            raise ModelError(FAILURE, f"batch {batch}: the model was converted for {_commas(self.gears)}")
        if not self.gears and batch not in (None, self.batch):
            raise ModelError(FAILURE, f"batch {batch}: the model has the fixed batch {self.batch}")
        return [
            tuple((batch or 1) if size < 0 else size for size in tensor.shape) if self.gears else tensor.shape
            for tensor in tensors
        ]

    def check_sizes(self, sizes: Sequence[int], batch: int | None) -> list[tuple[int, ...]]:
        """Hold the bytes of each input against the model, as the SDK does; return the inputs' shapes. Raises ModelError."""
        shapes = self.shapes(self.inputs, batch)
        if len(sizes) != len(shapes):
            raise ModelError(FAILURE, f"{len(sizes)} input tensors, the model has {len(shapes)}")
        for tensor, shape, size in zip(self.inputs, shapes, sizes, strict=True):
            wanted = size_bytes(shape, tensor.numpy_dtype)
            if size != wanted:
                raise ModelError(
                    FAILURE,
                    f"input {tensor.name}: {size} bytes, the model wants {wanted} ({tensor.numpy_dtype})",
                )
        return shapes

    def run(
        self, payload: memoryview | bytes, sizes: Sequence[int], batch: int | None
    ) -> tuple[list[np.ndarray], float]:
        """Run the graph on the inputs in `payload`; return its outputs and the seconds it took. Raises ModelError."""
        import numpy as np

        shapes = self.check_sizes(sizes, batch)
        feeds, begin = {}, 0
        for tensor, shape, size in zip(self.inputs, shapes, sizes, strict=True):
            flat = np.frombuffer(payload, np.dtype(tensor.numpy_dtype), _elements(shape), begin)
            feeds[tensor.name] = flat.reshape(shape)
            begin += size
        started = time.perf_counter()
        outputs = self.session.run(None, feeds)
        seconds = time.perf_counter() - started
        return [np.ascontiguousarray(output).reshape(np.shape(output)) for output in outputs], seconds

    def zeros(self, sizes: Sequence[int], batch: int | None) -> list[np.ndarray]:
        """Outputs of a simulated device: zeros in the model's shapes. Raises ModelError."""
        import numpy as np

        self.check_sizes(sizes, batch)
        shapes = self.shapes(self.outputs, batch)
        return [
            np.zeros(shape, tensor.numpy_dtype) for tensor, shape in zip(self.outputs, shapes, strict=True)
        ]


def load_model(path: Path) -> Model:
    """Return the emulated .om at `path`, ready to run. Raises ModelError with the SDK's code."""
    _check_file(path)
    try:
        om = read_om(path)
        session = open_session(om.graph, str(path))
    except OmError as error:
        raise ModelError(INVALID_FILE, str(error)) from error
    gears = tuple(
        sorted(int(gear) for gear in om.header.options.get("dynamic_batch_size", "").split(",") if gear)
    )
    inputs = tuple(_info(item, item.shape, gears, path) for item in session.get_inputs())
    try:
        shapes = _output_shapes(session, inputs, gears)
    except Exception as error:  # ONNX Runtime raises what it likes
        raise ModelError(
            INVALID_FILE, f"{path}: its graph does not run on zeros: {error}".split("\n")[0]
        ) from error
    outputs = tuple(
        _info(item, shape, gears, path) for item, shape in zip(session.get_outputs(), shapes, strict=True)
    )
    return Model(session, inputs, outputs, gears, om.header.options.get("input_format", "NCHW"))


def size_bytes(shape: Sequence[int], numpy_dtype: str) -> int:
    """Bytes of a tensor of this shape."""
    import numpy as np

    return _elements(shape) * np.dtype(numpy_dtype).itemsize


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(INVALID_FILE, f"{path}: no regular file")
        with path.open("rb"):
            pass
    except PermissionError as error:
        raise ModelError(PERMISSION, f"{path}: may not be read: chmod 640") from error
    except OSError as error:
        raise ModelError(MISSING, f"{path}: {error.strerror}: convert the model first") from error
    except ValueError as error:
        raise ModelError(MISSING, f"{path!r}: no file can have this name") from error
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o777 & ~WIDEST:
        raise ModelError(
            PERMISSION, f"{path}: its rights are {mode:o}, the SDK allows 640 at most: chmod 640"
        )
    if status.st_uid != os.geteuid():
        raise ModelError(
            PERMISSION, f"{path}: belongs to user {status.st_uid}, not to {os.geteuid()}: copy it or chown it"
        )


def _info(item: Any, shape: Sequence[Any], gears: tuple[int, ...], path: Path) -> TensorInfo:
    if item.type not in DTYPES:
        raise ModelError(INVALID_FILE, f"{path}: {item.name} is a {item.type}, which the SDK has no type for")
    number, name = DTYPES[item.type]
    sizes = [size if isinstance(size, int) and size >= 0 else -1 for size in shape]
    if -1 in (sizes[1:] if gears else sizes):
        raise ModelError(
            INVALID_FILE, f"{path}: {item.name} has no fixed shape ({shape}): convert it with --input_shape"
        )
    largest = [gears[-1] if size < 0 else size for size in sizes]
    return TensorInfo(item.name, number, name, tuple(sizes), size_bytes(largest, name))


def _output_shapes(
    session: Any, inputs: Sequence[TensorInfo], gears: tuple[int, ...]
) -> list[tuple[int, ...]]:
    """Shapes of the outputs; where the graph does not tell, what it gives on zeros."""
    import numpy as np

    told = [item.shape for item in session.get_outputs()]
    known = all(isinstance(size, int) for shape in told for size in (shape[1:] if gears else shape))
    if known and (not gears or all(shape and not isinstance(shape[0], int) for shape in told)):
        return [tuple(size if isinstance(size, int) else -1 for size in shape) for shape in told]
    seen = []
    for batch in gears[-2:] or (1,):
        feeds = {
            tensor.name: np.zeros([batch if size < 0 else size for size in tensor.shape], tensor.numpy_dtype)
            for tensor in inputs
        }
        seen.append([np.shape(output) for output in session.run(None, feeds)])
    # What changes with the batch carries it.
    last, before = seen[-1], seen[0]
    return [
        (-1, *shape[1:]) if gears and shape and (len(gears) == 1 or shape != other) else shape
        for shape, other in zip(last, before, strict=True)
    ]


def _elements(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _commas(numbers: Sequence[int]) -> str:
    return ",".join(str(number) for number in numbers)
