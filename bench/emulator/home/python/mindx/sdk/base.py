"""`mindx.sdk.base` of the emulated SDK home: Tensor, Model and Image as the SDK's Python interface has them, with its traps.

Sources: Vision SDK, Python API reference and mxBase/src/python. Both generations' names are the same (3.0.RC2 to 5.0: `base.model(path,
deviceId=0)`; today: `base.Model(path, deviceId)`). What is unconfirmed is marked so. What the emulator lacks exists by name and raises
RuntimeError when it is used.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import tempfile
from enum import Enum
from typing import Any, List, Optional, Sequence, Tuple

from omgate_emulator import base_tensor as _tensor
from omgate_emulator import log as _log
from omgate_emulator.base_image import Color, Dim, Image, Point, Rect, Size, tensor_to_image  # noqa: F401 - names of this module
from omgate_emulator.base_lacking import LACKING, Lacking
from omgate_emulator.base_operations import (  # noqa: F401 - names of this module
    add,
    clip,
    convert_to,
    divide,
    max_operator,
    min_operator,
    multiply,
    subtract,
    transpose_operator,
)
from omgate_emulator.base_operations_colours import cvt_color, cvt_color_mode  # noqa: F401 - names of this module
from omgate_emulator.base_pixels import image_format
from omgate_emulator.base_processor import ImageProcessor, borderType, dvpp, image, interpolation  # noqa: F401 - names of this module
from omgate_emulator.base_tensor import Tensor, batch_concat, dtype, transpose  # noqa: F401 - names of this module
from omgate_emulator.engine import Engine as _Engine
from omgate_emulator.engine import EngineError as _EngineError
from omgate_emulator.engine import Model as _EngineModel

INPUTS_LIMIT = 1024

FORBIDDEN = "\b\t\n\v\f\r\x7f"
"""In a text for the log."""

FAILURE = 1001
INVALID_PARAMETER = 1004
UNREALIZED = 1005
ALLOCATION = 1007
NOT_INITIALISED = 1012
NOT_STARTED = 9002


class visionDataFormat(Enum):
    """Order of an image tensor's dimensions."""

    NCHW = 0
    NHWC = 1


class ModelType(Enum):
    """Kind of a model file."""

    model_type_om = 0
    model_type_mindir = 1


class ModelLoadType(Enum):
    """Where a model comes from."""

    load_model_from_file = 1
    load_model_from_file_with_mem = 2
    load_model_from_mem = 3
    load_model_from_mem_with_mem = 4


class _Runtime:
    """The one engine of this process, started at the first need."""

    def __init__(self) -> None:
        self.engine: Optional[_Engine] = None
        self.started = 0

    def get(self) -> _Engine:
        """Return the running engine. Raises EngineError."""
        if self.engine is None:
            self.engine = _Engine.start()
        return self.engine

    def stop(self) -> None:
        """End the engine; models that it held fail from then on."""
        engine, self.engine = self.engine, None
        if engine is not None:
            engine.close()


_RUNTIME = _Runtime()
atexit.register(_RUNTIME.stop)


class AppGlobalCfgExtra:
    """Channel numbers of the image units: they change nothing here."""

    def __init__(self) -> None:
        self.vpcChnNum = 48
        self.jpegdChnNum = 24
        self.pngdChnNum = 24
        self.jpegeChnNum = 24


def mx_init(config: Optional[AppGlobalCfgExtra] = None) -> int:
    """Begin: the log and the devices. Returns 0 or an error code, never raises. A second call is accepted (unconfirmed)."""
    code = _log.init() or 0
    if code:
        return code
    try:
        _RUNTIME.get()
    except _EngineError as error:
        _log.error(f"Init devices failed: {error.message}", "DeviceManager.cpp:1", error.code)
        return error.code
    _RUNTIME.started += 1
    return 0


def mx_deinit() -> int:
    """End: the opposite of mx_init; every Tensor and Model must be gone before it. Returns 0, or 9002 where nothing was begun."""
    if not _RUNTIME.started:
        _log.error("Devices are not initialised, or released already.", "DeviceManager.cpp:2", NOT_STARTED)
        return NOT_STARTED
    _RUNTIME.started -= 1
    if not _RUNTIME.started:
        _RUNTIME.stop()
        _log.deinit()
    return 0


IN_MEMORY = (ModelLoadType.load_model_from_mem, ModelLoadType.load_model_from_mem_with_mem)


class ModelLoadOptV2:
    """How a model is loaded; the emulator loads an OM from a file or from memory, and never uses memory that is given for the work."""

    def __init__(self) -> None:
        self.modelType = ModelType.model_type_om
        self.loadType = ModelLoadType.load_model_from_file
        self.modelPath: Any = ""
        self.modelPtr = self.modelWorkPtr = self.modelWeightPtr = 0
        self.modelSize = self.workSize = self.weightSize = 0


class Model:
    """A loaded OM. Any failure raises RuntimeError with `Code = 1007`, which is not about memory: the reason is in the log alone."""

    def __init__(self, modelPath: Any = None, option: Any = None, deviceId: Any = None) -> None:
        # The second positional argument is the device, although its name says `option`: the SDK hands on whatever is not None.
        given = [value for value in (modelPath, option, deviceId) if value is not None]
        if (
            len(given) not in (1, 2)
            or not isinstance(given[0], (str, bytes, ModelLoadOptV2))
            or not isinstance(given[-1] if len(given) == 2 else 0, int)
        ):
            raise TypeError("Wrong number or type of arguments for overloaded function 'new_Model'.")
        self._device = int(given[1]) if len(given) == 2 else 0
        try:
            self._model = _load(given[0], self._device)
        except _EngineError as error:
            _log.error(f"MxModel init failed: {error.message}", "Model.cpp:1", error.code)
            raise _tensor.failed("The model object could not be made.", ALLOCATION) from None
        self._engine = _RUNTIME.engine

    def infer(self, *args: Any) -> List[Tensor]:
        """Run on a list of tensors, or on one and a list of the others; return the outputs, which are on the device.

        Returns an EMPTY LIST where anything goes wrong (number, element type or shape of the inputs, the execution): the reason is in
        the log alone. Raises TypeError for anything but tensors, RuntimeError for more than 1024 in the second form.
        """
        tensors = _tensors(args)
        try:
            batch = self._fit(tensors)
            return self._run(tensors, batch)
        except _EngineError as error:
            _log.error(f"Inference gave no result: {error.message}", "MxOmModelDesc.cpp:1", error.code)
            return []

    def _fit(self, tensors: Sequence[Tensor]) -> Optional[int]:
        """Return the gear (None: fixed batch) of inputs that the model takes. Raises EngineError for others."""
        wanted = self._model.inputs
        if self._engine is not _RUNTIME.engine:
            raise _EngineError(NOT_INITIALISED, "mx_deinit was called since the model was loaded")
        if len(tensors) != len(wanted):
            raise _EngineError(
                INVALID_PARAMETER, f"{len(tensors)} input tensors, the model has {len(wanted)}"
            )
        batch = (tensors[0].shape or [0])[0] if self._model.gears else None
        if batch is not None and batch not in self._model.gears:
            raise _EngineError(INVALID_PARAMETER, f"batch {batch} is none of the gears {self._model.gears}")
        for tensor, info in zip(tensors, wanted):  # noqa: B905 - strict came after Python 3.7
            shape = [batch if side < 0 else side for side in info.shape]
            if tensor.dtype.value != info.dtype or tensor.shape != shape:
                raise _EngineError(
                    INVALID_PARAMETER,
                    f"input {info.name} is {tensor.dtype.name} {tensor.shape},"
                    f" the model wants {dtype(info.dtype).name} {shape}",
                )
        return batch

    def _run(self, tensors: Sequence[Tensor], batch: Optional[int]) -> List[Tensor]:
        contents, shapes, _ = self._model.infer([tensor.content for tensor in tensors], batch)
        if any(not content for content in contents):
            raise _EngineError(INVALID_PARAMETER, "an output of 0 bytes: its tensor can't be made")
        return [
            Tensor.of(content, dtype(info.dtype), shape, self._device)
            for content, shape, info in zip(contents, shapes, self._model.outputs)  # noqa: B905
        ]

    def input_shape(self, index: int) -> List[int]:
        """The shape of an input, -1 for a dimension with gears; empty (and a line in the log) for an index that is none."""
        info = _at(self._model.inputs, index)
        return list(info.shape) if info else []

    def output_shape(self, index: int) -> List[int]:
        """The shape of an output, the largest gear where the batch has gears (unconfirmed); empty for an index that is none."""
        info = _at(self._model.outputs, index)
        return [self._model.batch if side < 0 else side for side in info.shape] if info else []

    def input_dtype(self, index: int) -> dtype:
        """The element type of an input; `undefined` for an index that is none."""
        info = _at(self._model.inputs, index)
        return dtype(info.dtype) if info else dtype.undefined

    def output_dtype(self, index: int) -> dtype:
        """The element type of an output; `undefined` for an index that is none."""
        info = _at(self._model.outputs, index)
        return dtype(info.dtype) if info else dtype.undefined

    def model_gear(self) -> List[List[int]]:
        """The batch gears, one a row; empty for a fixed batch."""
        return [[gear] for gear in self._model.gears]

    @property
    def input_num(self) -> int:
        """Number of inputs."""
        return len(self._model.inputs)

    @property
    def output_num(self) -> int:
        """Number of outputs."""
        return len(self._model.outputs)

    @property
    def input_format(self) -> visionDataFormat:
        """Order of the dimensions, as atc was told (`--input_format`; what ND gives is unconfirmed)."""
        return visionDataFormat.NHWC if self._model.layout == "NHWC" else visionDataFormat.NCHW


def model(modelPath: Any, deviceId: int) -> Model:
    """Return `Model(modelPath, deviceId)`; both are required."""
    return Model(modelPath, deviceId=deviceId)


class log:
    """Lines in the SDK's log, named after the place that calls. Raises RuntimeError for text with a line break or the like."""

    @staticmethod
    def init() -> None:
        """Begin the log, as mx_init does; once begun it stays."""
        _log.init()

    @staticmethod
    def debug(text: Any) -> None:
        """For developers; kept with global_level=-1 alone."""
        _log.debug(_text(text), _caller())

    @staticmethod
    def info(text: Any) -> None:
        """What happens."""
        _log.info(_text(text), _caller())

    @staticmethod
    def warn(text: Any) -> None:
        """What may be wrong; by its older name (unconfirmed)."""
        _log.warn(_text(text), _caller())

    @staticmethod
    def warning(text: Any) -> None:
        """What may be wrong."""
        _log.warn(_text(text), _caller())

    @staticmethod
    def error(text: Any) -> None:
        """What failed."""
        _log.error(_text(text), _caller())

    @staticmethod
    def fatal(text: Any) -> None:
        """Why nothing can go on."""
        _log.fatal(_text(text), _caller())


class DeviceMemory:
    """Memory of so many bytes, for a model to live in."""

    def __init__(self, size: int) -> None:
        self._memory = _tensor.np.empty(size, _tensor.np.uint8)

    def get_data(self) -> int:
        """Return its address."""
        return int(self._memory.ctypes.data)


def bytes_to_ptr(data: Any) -> int:
    """Return the address of bytes, or of an array's elements, which must outlive its use."""
    if isinstance(data, bytes):
        return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
    return int(data.__array_interface__["data"][0])


def __getattr__(name: str) -> Any:
    """A public name of the SDK that the emulator lacks."""
    if name in LACKING:
        return Lacking(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _load(source: Any, device: int) -> _EngineModel:
    """Load in the SDK's order: device, file, extension. Raises EngineError."""
    if isinstance(source, ModelLoadOptV2):
        if ModelType(source.modelType) is not ModelType.model_type_om:
            raise _EngineError(UNREALIZED, "the emulator loads an OM, nothing else")
        if ModelLoadType(source.loadType) in IN_MEMORY:
            return _load_from_memory(source, device)
        source = source.modelPath
    if not _tensor.device_exists(device):
        raise _EngineError(FAILURE, f"no device {device}: the emulated machine has {_tensor.DEVICES}")
    path = os.fsdecode(source)
    loaded = _RUNTIME.get().load(path, device)
    if not path.endswith(".om"):
        raise _EngineError(FAILURE, f"{path}: the name must end in .om (or, on a device, in .mindir)")
    return loaded


def _load_from_memory(option: ModelLoadOptV2, device: int) -> _EngineModel:
    """Load an OM that lies in memory: by a file, which is what the engine reads. Raises EngineError."""
    if not option.modelPtr or option.modelSize <= 0:
        raise _EngineError(INVALID_PARAMETER, "modelPtr or modelSize is not set")
    with tempfile.TemporaryDirectory(prefix="omgate-model-") as folder:
        path = os.path.join(folder, "model.om")
        with open(path, "wb") as stream:
            stream.write(ctypes.string_at(option.modelPtr, option.modelSize))
        os.chmod(path, 0o600)  # the SDK refuses files that others may read
        return _load(path, device)


def _tensors(args: Tuple[Any, ...]) -> List[Tensor]:
    """The tensors of either form of `infer`."""
    if len(args) in (1, 2) and isinstance(args[0], Tensor):
        others = list(args[1]) if len(args) == 2 else []
        if len(others) + 1 > INPUTS_LIMIT:
            raise _tensor.failed("More than 1024 input tensors.", INVALID_PARAMETER)
        tensors = [args[0], *others]
    elif len(args) == 1 and isinstance(args[0], (list, tuple)):
        tensors = list(args[0])
    else:
        tensors = [None]
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise TypeError("Wrong number or type of arguments for overloaded function 'Model_infer'.")
    return tensors


def _at(tensors: Sequence[Any], index: int) -> Any:
    if index < 0:
        raise TypeError("in method 'Model', argument 2 of type 'uint32_t'")
    if index < len(tensors):
        return tensors[index]
    _log.error(f"No tensor {index}: the model has {len(tensors)}.", "MxOmModelDesc.cpp:2", INVALID_PARAMETER)
    return None


def _text(text: Any) -> str:
    found = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    if any(character in FORBIDDEN for character in found):
        raise RuntimeError("The log text has an invalid character." + _log.error_text(INVALID_PARAMETER))
    return found


def _caller() -> str:
    frame = sys._getframe(2)
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


# The members as names of the module, as in the SDK. `bool` then shadows Python's own, in programs that import everything too.
undefined = dtype.undefined
float32 = dtype.float32
float16 = dtype.float16
int8 = dtype.int8
int32 = dtype.int32
uint8 = dtype.uint8
int16 = dtype.int16
uint16 = dtype.uint16
uint32 = dtype.uint32
int64 = dtype.int64
uint64 = dtype.uint64
double = dtype.double
bool = dtype.bool
NCHW = visionDataFormat.NCHW
NHWC = visionDataFormat.NHWC
model_type_om = ModelType.model_type_om
model_type_mindir = ModelType.model_type_mindir
load_model_from_file = ModelLoadType.load_model_from_file
load_model_from_file_with_mem = ModelLoadType.load_model_from_file_with_mem
load_model_from_mem = ModelLoadType.load_model_from_mem
load_model_from_mem_with_mem = ModelLoadType.load_model_from_mem_with_mem
for _members in (image_format, interpolation, borderType, cvt_color_mode):
    globals().update(_members.__members__)
