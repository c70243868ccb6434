"""mxpi_tensorinfer: puts the tensors of its input ports together, fills batches, runs the model, hands results on in order.

Hard checks are the number of tensors and each one's bytes against the model; a shape that differs is a warning, a data type is
not compared at all (Vision SDK, MxpiTensorInfer). A failure marks every buffer that waits for the same batch.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Deque, List, NamedTuple, Optional, Sequence, Tuple

from omgate_emulator import codes, log
from omgate_emulator.buffers import Buffer, short_name, with_code
from omgate_emulator.elements import Context, Plugin
from omgate_emulator.engine import EngineError, Model, TensorInfo
from omgate_emulator.factories import PipelineError
from omgate_emulator.pipeline import ElementDescription
from omgate_emulator.tensors import ADDRESS, HOST_MALLOC, Payload, TensorList, messages

WHERE = "MxpiTensorInfer.cpp:1"
STRATEGIES = ("Nearest", "Upper", "Lower")
UINT8 = 4
DEVICE_MEMORY = 1
DTYPES = {
    -1: "UNDEFINED", 0: "FLOAT32", 1: "FLOAT16", 2: "INT8", 3: "INT32", 4: "UINT8", 6: "INT16", 7: "UINT16",
    8: "UINT32", 9: "INT64", 10: "UINT64", 11: "DOUBLE64", 12: "BOOL",
}  # fmt: skip
JOIN_SECONDS = 3.0
"""How long a stream that is stopped waits for an inference that is under way."""


class InferError(Exception):
    """What this element can't do with a buffer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(with_code(message, code))
        self.code = code


class Job:
    """One buffer that waits for its results; `ready` once they are there, or once it is known that none will come."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.packages = 0
        self.results = TensorList(messages.MxpiTensorPackageList(), [])
        self.ready = False


class Tensor(NamedTuple):
    """An input as it came; `dtype` is a TensorDataType number."""

    shape: List[int]
    dtype: int
    data: Payload


class Item(NamedTuple):
    """One place in a batch: the payloads of one package, and whose they are."""

    job: Job
    payloads: List[Payload]
    arrived: float


class TensorInfer(Plugin):
    """One mxpi_tensorinfer."""

    def __init__(
        self, description: ElementDescription, context: Context, inputs: List[Tuple[str, int]]
    ) -> None:
        super().__init__(description, context, inputs)
        self._jobs: Deque[Job] = deque()
        self._items: Deque[Item] = deque()
        self._loaded = False
        self._work = threading.Condition(threading.RLock())
        self._thread: Optional[threading.Thread] = None
        self._model_meter = context.statistics.plugin(
            context.stream, self.name, self.factory, "modelInference"
        )

    def open(self) -> None:
        """Load the model. Raises PipelineError 6003; the log has the reason with its own code."""
        try:
            self._sources = self._data_sources()
            if self.properties["dynamicStrategy"] not in STRATEGIES:
                raise InferError(
                    codes.INIT_FAIL, f"Unknown dynamicStrategy {self.properties['dynamicStrategy']!r}"
                )
            self._model = self._load()
            self._loaded = True
        except InferError as error:
            log.error(f"{self.name}: {error}", WHERE)
            raise PipelineError(codes.CHANGE_STATE, f"element {self.name} did not start: {error}") from error
        gears = self._model.gears or [self._model.batch]
        self._batching = not self.properties["singleBatchInfer"] and gears != [1]
        self._gears = gears if self._batching else [1]
        for kind, tensors in (("output", self._model.outputs), ("input", self._model.inputs)):
            for index, tensor in enumerate(tensors):
                dims = " ".join(str(size) for size in tensor.shape)
                log.info(
                    f"{self.name}: model {kind} tensor {index} (name: {tensor.name}, dtype: {DTYPES[tensor.dtype]}), dims: {dims}",
                    WHERE,
                )

    def start(self) -> None:
        """Start the thread that runs a batch which nobody fills."""
        if self._batching:
            self._thread = threading.Thread(target=self._watch, name=f"{self.name}:waitingTime", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread and unload the model, unless an inference never came back."""
        super().close()
        if not self._loaded:
            return
        if not self._work.acquire(timeout=JOIN_SECONDS):
            return
        self._work.notify_all()
        self._work.release()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)
        try:
            self._model.unload()
        except EngineError:
            pass  # the engine has ended, and its models with it

    def process(self, buffers: List[Buffer]) -> None:
        """Take one buffer of each port; results, errors and untouched buffers leave in the order of arrival."""
        with self._work:
            first = buffers[0]
            for other in buffers[1:]:
                for name, error in other.errors.items():
                    first.errors.setdefault(name, error)
            job = Job(first)
            self._jobs.append(job)
            lists = [buffer.messages.get(key) for buffer, key in self._pairs(buffers)]
            if first.errors or any(found is None for found in lists):
                # Without an error too: a missing key is a debug line, and the buffer goes on without a result.
                log.debug(f"{self.name}: no metadata from {','.join(self._sources)}: not executed", WHERE)
                job.ready = True
                self._send_ready()
                return
            try:
                self._enlist(job, [self._packages(found) for found in lists])
                while len(self._items) >= self._gears[-1]:
                    self._run_batch(self._gears[-1])
            except InferError as error:
                self._fail_all(error)
            self._send_ready()
            self._work.notify_all()

    def _pairs(self, buffers: List[Buffer]) -> List[Tuple[Buffer, str]]:
        return [(buffer, self._sources[port]) for port, buffer in enumerate(buffers)]

    def _data_sources(self) -> List[str]:
        text = str(self.properties["dataSource"])
        if text in ("", "auto"):
            # A real appsrc does not tell its name: current code then finds no key (unconfirmed on a device).
            if any(name.startswith("appsrc") for name, _ in self.inputs):
                log.warn(
                    f"{self.name}: dataSource is auto behind an appsrc: name the appsrc, a real SDK may find nothing",
                    WHERE,
                )
            return [name for name, _ in self.inputs]
        sources = [part.strip() for part in text.split(",")]
        if len(sources) != len(self.inputs):
            raise InferError(
                codes.INVALID_PARAMETER,
                f"dataSource {text!r} names {len(sources)} sources, the element has {len(self.inputs)} input ports",
            )
        return sources

    def _load(self) -> Model:
        path = str(self.properties["modelPath"])
        if not path:
            raise InferError(codes.NOT_EXIST, "modelPath is empty")
        try:
            return self.context.engine.load(path, int(self.properties["deviceId"]))
        except EngineError as error:
            raise InferError(error.code, f"the model can't be loaded: {error.message}") from error

    def _packages(self, message: Any) -> List[List[Tensor]]:
        """Return the tensors of each package of a port's message."""
        if isinstance(message, TensorList):
            packages = [_tensors(message, number) for number in range(len(message.payloads))]
        elif short_name(message) == "MxpiVisionList":
            packages = [[_tensor_of(vision)] for vision in message.visionVec]
        else:
            raise InferError(
                codes.METADATA_KEY_NOT_EXIST,
                f"a {short_name(message)} is neither MxpiTensorPackageList nor MxpiVisionList",
            )
        if not packages or not packages[0]:
            raise InferError(codes.INVALID_PARAMETER, "a list without tensors")
        return packages

    def _enlist(self, job: Job, ports: List[List[List[Tensor]]]) -> None:
        """Put the packages of all ports together, check them, and let them wait for their batch."""
        if len({len(packages) for packages in ports}) != 1:
            raise InferError(codes.FAILURE, "the input ports have different numbers of tensor packages")
        arrived = time.monotonic()
        items = []
        for number in range(len(ports[0])):
            tensors = [tensor for packages in ports for tensor in packages[number]]
            if not self.properties["skipModelCheck"]:
                self._check(tensors)
            items.append(Item(job, [tensor.data for tensor in tensors], arrived))
        job.packages = len(items)
        self._items.extend(items)

    def _check(self, tensors: Sequence[Tensor]) -> None:
        wanted = self._model.inputs
        if len(tensors) != len(wanted):
            raise InferError(codes.FAILURE, f"{len(tensors)} input tensors, the model has {len(wanted)}")
        for index, (tensor, info) in enumerate(zip(tensors, wanted)):  # noqa: B905 - strict came after Python 3.7
            if not _same_shape(tensor.shape, info.shape):
                log.warn(
                    f"{self.name}: the shape of inputTensors[{index}] is {tensor.shape}, the model's {list(info.shape)}."
                    " CheckTensorShape failed, which means modelInfer maybe not be executed correctly.",
                    WHERE,
                )
        for index, (tensor, info) in enumerate(zip(tensors, wanted)):  # noqa: B905
            size = info.size_bytes // self._gears[-1]
            if len(tensor.data) != size:
                raise InferError(
                    codes.FAILURE,
                    f"the data size of inputTensors[{index}] is {len(tensor.data)} bytes, of the model's {size} bytes"
                    f" (tensor dtype {DTYPES.get(tensor.dtype, 'unknown')}, model dtype {DTYPES[info.dtype]})",
                )

    def _run_batch(self, batch: int) -> None:
        """Run the oldest items in a batch of that size; places that stay empty are zeros."""
        items = [self._items.popleft() for _ in range(min(batch, len(self._items)))]
        inputs = [self._input(index, info, items, batch) for index, info in enumerate(self._model.inputs)]
        begin = time.perf_counter()
        token = self._model_meter.begin()
        seconds = None
        try:
            outputs, shapes, seconds = self._model.infer(inputs, batch if self._model.gears else None)
        except EngineError as error:
            raise InferError(error.code, f"Model inference failed: {error.message}") from error
        finally:
            # The record is of the execution alone: what the tensors' way to the engine took is left out, as device copies are.
            away = 0.0 if seconds is None else time.perf_counter() - begin - seconds
            self._model_meter.end(token, int(max(0.0, away) * 1e6))
        for place, item in enumerate(items):
            self._add_result(item.job, place, outputs, shapes, batch)

    def _input(self, index: int, info: TensorInfo, items: Sequence[Item], batch: int) -> Payload:
        size = info.size_bytes // self._gears[-1]
        parts = [item.payloads[index] if index < len(item.payloads) else b"" for item in items]
        if any(len(part) > size for part in parts):  # only with skipModelCheck
            raise InferError(
                codes.FAILURE, f"inputTensors[{index}] does not fit into the model's {size} bytes"
            )
        if batch == 1 and len(parts[0]) == size:
            return parts[0]
        return b"".join(bytes(part).ljust(size, b"\0") for part in parts).ljust(size * batch, b"\0")

    def _add_result(
        self, job: Job, place: int, outputs: List[bytes], shapes: List[Tuple[int, ...]], batch: int
    ) -> None:
        packages = job.results.message.tensorPackageVec
        package = packages.add()
        payloads: List[Payload] = []
        for source in self._sources:
            package.headerVec.add(dataSource=source, memberId=len(packages) - 1)
        device = int(self.properties["outputDeviceId"])
        for info, output, shape in zip(self._model.outputs, outputs, shapes):  # noqa: B905
            size = len(output) // batch
            package.tensorVec.add(
                tensorDataPtr=ADDRESS,
                tensorDataSize=size,
                deviceId=max(device, 0),
                memType=HOST_MALLOC if device < 0 else DEVICE_MEMORY,
                tensorShape=[1, *shape[int(self.properties["outputHasBatchDim"]) :]],
                tensorDataType=info.dtype,
            )
            payloads.append(output if batch == 1 else memoryview(output)[place * size : (place + 1) * size])
        job.results.payloads.append(payloads)
        if len(packages) == job.packages:
            if self.name in job.buffer.messages:
                text = with_code("the results can't be attached", codes.METADATA_KEY_EXISTS)
                job.buffer.errors.setdefault(self.name, (codes.METADATA_KEY_EXISTS, text))
            else:
                job.buffer.attach(self.name, job.results)
            job.ready = True

    def _fail_all(self, error: InferError) -> None:
        """Give the error to every buffer that still waits: they share the batch that failed."""
        log.error(f"{self.name}: {error}", WHERE)
        self._items.clear()
        for job in self._jobs:
            if not job.ready:
                job.buffer.errors.setdefault(self.name, (error.code, str(error)))
                job.ready = True

    def _send_ready(self) -> None:
        while self._jobs and self._jobs[0].ready:
            self.push(0, self._jobs.popleft().buffer)

    def _watch(self) -> None:
        """Run what waits when `waitingTime` has passed since the oldest came."""
        seconds = int(self.properties["waitingTime"]) / 1000
        with self._work:
            while not self.context.stopping:
                left = self._items[0].arrived + seconds - time.monotonic() if self._items else None
                if left is None or left > 0:
                    self._work.wait(left)
                    continue
                batch = choose_batch(self._gears, len(self._items), str(self.properties["dynamicStrategy"]))
                log.info(
                    f"{self.name}: {len(self._items)} tensor packages after {seconds * 1000:.0f} ms: batch size {batch}",
                    WHERE,
                )
                try:
                    self._run_batch(batch)
                except InferError as error:
                    self._fail_all(error)
                self._send_ready()


def choose_batch(gears: Sequence[int], count: int, strategy: str) -> int:
    """Return the batch size for `count` waiting packages: the nearest gear (of two the larger), the next above, or the next below."""
    if strategy == "Upper":
        return next((gear for gear in gears if gear >= count), gears[-1])
    if strategy == "Lower":
        return next((gear for gear in reversed(gears) if gear <= count), gears[0])
    return min(reversed(gears), key=lambda gear: abs(gear - count))


def _same_shape(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether the dimensions that are looked at agree: not the first, not the last, none that is -1."""
    if len(shape) != len(wanted):
        return False
    return all(
        -1 in (shape[axis], wanted[axis]) or shape[axis] == wanted[axis] for axis in range(1, len(wanted) - 1)
    )


def _tensors(message: TensorList, number: int) -> List[Tensor]:
    found = message.message.tensorPackageVec[number].tensorVec
    return [
        Tensor(list(tensor.tensorShape), tensor.tensorDataType, message.payloads[number][index])
        for index, tensor in enumerate(found)
    ]


def _tensor_of(vision: Any) -> Tensor:
    """Return an image as a tensor of bytes; its real dimensions are the model's business."""
    data = vision.visionData.dataStr
    return Tensor([1, len(data)], UINT8, data)
