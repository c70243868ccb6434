"""One running stream: its elements, how buffers get in and results out, and the transfer mode that its first send fixes."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

from omgate_emulator import codes, log
from omgate_emulator.buffers import Buffer, MessageError, Output
from omgate_emulator.elements import (
    NORMAL,
    UNIQUE,
    UNIQUE_MULTI,
    AppSink,
    AppSrc,
    Context,
    Element,
    Queue,
    Sink,
    Target,
    Tee,
)
from omgate_emulator.factories import PipelineError
from omgate_emulator.pipeline import StreamDescription
from omgate_emulator.serialize import DataSerialize
from omgate_emulator.tensorinfer import TensorInfer

ROOM_SECONDS = 3.0
"""A send in unique-id mode waits this long for a source that has enough data (Vision SDK, MxsmStream)."""

JOIN_SECONDS = 3.0
"""How long a stop waits for a thread; one that is inside an inference that hangs is left behind."""

PATIENCE_SECONDS = 0.05
"""A timed wait is at least this long, if it is one at all: programs wait 3 ms for an echo, which Python's threads on a busy machine miss."""

WHERE = "MxsmStream.cpp:1"

CLASSES: Dict[str, Any] = {
    "appsrc": AppSrc,
    "appsink": AppSink,
    "fakesink": Sink,
    "queue": Queue,
    "tee": Tee,
    "mxpi_tensorinfer": TensorInfer,
    "mxpi_dataserialize": DataSerialize,
}


class Stream:
    """A stream that plays from its making on. Raises PipelineError where an element does not start (6003)."""

    def __init__(self, description: StreamDescription, statistics: Any, engine: Any) -> None:
        self.name = description.name
        self.context = Context(description.name, statistics, engine)
        self._next_id = 0
        self._asked: set = set()
        """Ids that were sent and not fetched yet."""

        self._sending = threading.Lock()
        self.elements = _build(description, self.context)
        self.sources = [element for element in self.elements.values() if isinstance(element, AppSrc)]
        self.sinks = [element for element in self.elements.values() if isinstance(element, AppSink)]
        try:
            for element in self.elements.values():
                element.open()
        except PipelineError:
            self.stop()
            raise
        for element in self.elements.values():
            element.start()

    def stop(self) -> None:
        """End all threads; what is on its way is lost, who waits for a result gets none."""
        self.context.stop()
        closers = [threading.Thread(target=element.close, daemon=True) for element in self.elements.values()]
        for closer in closers:
            closer.start()
        deadline = time.monotonic() + JOIN_SECONDS
        for closer in closers:
            closer.join(max(0.0, deadline - time.monotonic()))
        if any(closer.is_alive() for closer in closers):
            log.warn(f"stream {self.name}: an element does not end: it is left behind", WHERE)

    def send(self, target: Union[int, str], make: Callable[[], Buffer]) -> int:
        """Push the buffer that `make` gives into a source (its number or name); return 0, 6006, 6008 or what attaching gave."""
        source = self._source(target)
        if source is None:
            return _refuse(codes.INVALID_LINK, f"stream {self.name} has no appsrc {target!r}")
        with self._sending:
            if not self._set_mode(NORMAL):
                return codes.MODE_NOT_MATCHED
            try:
                source.send(make())
            except MessageError as error:
                return _refuse(error.code, str(error))
        return codes.OK

    def send_unique(self, target: Union[int, str], make: Callable[[int], Buffer]) -> Tuple[int, int]:
        """Push a buffer that is given an id; return a code and the id (of 0: the first is 0)."""
        return self._send_with_id([target], [make], UNIQUE)

    def send_multi(
        self, targets: Sequence[Union[int, str]], makes: Sequence[Callable[[int], Buffer]]
    ) -> Tuple[int, int]:
        """Push a buffer into each of the sources 0, 1, 2..., all with one id; return a code and the id."""
        if len(targets) != len(makes):
            return _refuse(codes.INVALID_LINK, "different numbers of sources and of buffers"), -1
        if any(self._source(target) is None for target in targets):
            return _refuse(codes.INVALID_LINK, f"stream {self.name} has no appsrc of such a number"), -1
        if list(targets) != list(range(len(targets))):
            return _refuse(codes.INVALID_CONFIG, "the sources must be 0, 1, 2..."), -1
        return self._send_with_id(targets, makes, UNIQUE_MULTI)

    def fetch(self, number: int, seconds: Optional[float]) -> Optional[Output]:
        """Return the next output of a sink; None: none in time, no such sink, or another transfer mode than the normal one.

        Without `seconds` it waits for ever, and signals wait with it, as they do behind the SDK's C++.
        """
        if self.context.mode != NORMAL or not 0 <= number < len(self.sinks):
            return None
        if seconds is not None:
            return self.sinks[number].fetch(_patient(seconds))
        output = self.sinks[number].fetch(0.0)
        if output is None:
            with _DeafToSignals():
                output = self.sinks[number].fetch(None)
        return output

    def fetch_unique(self, unique_id: int, seconds: float, multi: bool = False) -> List[Output]:
        """Return the outputs of an id, one for each sink in multi mode; empty: not in time, then the result is dropped when it comes."""
        context = self.context
        if context.mode != (UNIQUE_MULTI if multi else UNIQUE):
            return []
        wanted = len(self.sinks) if multi else 1
        deadline = time.monotonic() + _patient(seconds)
        with context.changed:
            while unique_id in self._asked and len(context.results.get(unique_id, ())) < wanted:
                left = deadline - time.monotonic()
                if left <= 0 or context.stopping:
                    break
                context.changed.wait(left)
            outputs = context.results.pop(unique_id, [])
            if unique_id in self._asked and not outputs:
                context.dropped.add(unique_id)
            self._asked.discard(unique_id)
            context.changed.notify_all()
            return outputs

    def sink_number(self, name: str) -> Optional[int]:
        """Return the number of the appsink of that name."""
        names = [sink.name for sink in self.sinks]
        return names.index(name) if name in names else None

    @property
    def mode(self) -> str:
        """The transfer mode; empty before the first send."""
        return self.context.mode

    def _source(self, target: Union[int, str]) -> Optional[AppSrc]:
        if isinstance(target, int):
            return self.sources[target] if 0 <= target < len(self.sources) else None
        return next((source for source in self.sources if source.name == target), None)

    def _send_with_id(
        self, targets: Sequence[Union[int, str]], makes: Sequence[Callable[[int], Buffer]], mode: str
    ) -> Tuple[int, int]:
        number = -1
        for target, make in zip(targets, makes):  # noqa: B905 - strict came after Python 3.7
            source = self._source(target)
            if source is None:
                return _refuse(codes.INVALID_LINK, f"stream {self.name} has no appsrc {target!r}"), -1
            if not self._has_room():
                return _refuse(
                    codes.QUEUE_FULL, f"stream {self.name}: its source has had enough data for 3 s"
                ), -1
            with self._sending:
                if not self._set_mode(mode):
                    return codes.MODE_NOT_MATCHED, -1
                if number < 0:
                    number, self._next_id = self._next_id, self._next_id + 1
                    with self.context.changed:
                        self._asked.add(number)
                source.send(make(number))
        return codes.OK, number

    def _has_room(self) -> bool:
        context = self.context
        deadline = time.monotonic() + ROOM_SECONDS
        with context.changed:
            while context.enough_data and not context.stopping and time.monotonic() < deadline:
                context.changed.wait(deadline - time.monotonic())
            return not context.enough_data

    def _set_mode(self, mode: str) -> bool:
        if not self.context.mode:
            self.context.mode = mode
        if self.context.mode == mode:
            return True
        log.error(
            f"stream {self.name} is in {self.context.mode} mode since its first send, not {mode}",
            WHERE,
            codes.MODE_NOT_MATCHED,
        )
        return False


class _DeafToSignals:
    """Keeps Python's own signal handlers from running while this thread waits; the default actions stay as they are."""

    def __enter__(self) -> None:
        # Only those that Python handles: a SIGTERM without a handler must still end the process.
        self._old = signal.pthread_sigmask(
            signal.SIG_BLOCK, [number for number in range(1, 32) if callable(signal.getsignal(number))]
        )

    def __exit__(self, *error: object) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._old)


def _build(description: StreamDescription, context: Context) -> Dict[str, Element]:
    """Make the elements and link them."""
    inputs: Dict[str, List[Tuple[str, int]]] = {element.name: [] for element in description.elements}
    for link in description.links:  # in the order of the target's ports
        inputs[link.target].append((_through(description, link.source), link.source_port))
    elements = {
        element.name: CLASSES[element.factory.name](element, context, inputs[element.name])
        for element in description.elements
    }
    for link in sorted(description.links, key=lambda item: item.source_port):
        elements[link.source].targets.append(Target(elements[link.target], link.target_port))
    return elements


def _through(description: StreamDescription, name: str) -> str:
    """Return the element whose metadata comes along there: queues and tees have none of their own."""
    passing = {item.name for item in description.elements if item.factory.name in ("queue", "tee")}
    for _ in description.elements:
        if name not in passing:
            break
        name = next(link.source for link in description.links if link.target == name)
    return name


def _patient(seconds: float) -> float:
    return max(seconds, PATIENCE_SECONDS) if seconds > 0 else 0.0


def _refuse(code: int, text: str) -> int:
    log.error(text, WHERE, code)
    return code
