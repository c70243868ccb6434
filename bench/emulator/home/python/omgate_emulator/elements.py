"""The elements of a running stream, and the threads that carry buffers through them.

As in GStreamer a source and a queue each have a thread, which runs everything down to the next queue or sink. An element gets a
buffer through `chain(port, buffer)` and hands it on with `push`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Deque, Dict, List, NamedTuple, Optional, Tuple

from omgate_emulator import codes, log
from omgate_emulator.buffers import Buffer, Output
from omgate_emulator.pipeline import ElementDescription

SINK_LIMIT = 256
"""Outputs that an appsink holds in normal mode before the pipeline stalls (Vision SDK, BlockingQueue)."""

UNIQUE_LIMIT = 10
"""Results that a stream holds in unique-id mode."""

QUEUE_BYTES = 10485760
"""GStreamer's max-size-bytes of a queue, which the SDK does not let a pipeline change."""

NORMAL, UNIQUE, UNIQUE_MULTI = "normal", "unique-id", "unique-id with several ports"


class Context:
    """What the elements of one stream share: its name, its meters, its engine, and whether it is to stop."""

    def __init__(self, stream: str, statistics: Any, engine: Any) -> None:
        self.stream = stream
        self.statistics = statistics
        self.engine = engine
        self.e2e = statistics.e2e(stream)
        self.throughput = statistics.throughput(stream)
        self.stopping = False
        self.mode = ""
        """NORMAL or UNIQUE from the first send on."""

        self.changed = threading.Condition()
        """Guards the appsinks' outputs, the sources' fill and `stopping`: waits in this stream are few and short."""

        self.enough_data = False
        """A source was given a buffer while it still held another, and has not run empty since."""

        self.results: Dict[int, List[Output]] = {}
        """In unique-id mode: results by id, one for each sink."""

        self.dropped: set = set()
        """Ids that nobody waits for any more."""

    def stop(self) -> None:
        """Wake every thread of the stream to end."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()


class Target(NamedTuple):
    """An input port of an element."""

    element: Element
    port: int


class Element:
    """Base of all elements."""

    def __init__(
        self, description: ElementDescription, context: Context, inputs: List[Tuple[str, int]]
    ) -> None:
        self.name = description.name
        self.factory = description.factory.name
        self.properties = description.properties
        self.context = context
        self.inputs = inputs
        """What is linked to each input port: element and its output port, by name."""

        self.targets: List[Target] = []
        """What is linked to each output port."""

    def open(self) -> None:
        """Get ready (the step from READY to PAUSED). Raises PipelineError."""

    def start(self) -> None:
        """Begin to work."""

    def close(self) -> None:
        """Give everything back, with the threads at rest."""

    def chain(self, port: int, buffer: Buffer) -> None:
        """Take a buffer on an input port."""

    def push(self, port: int, buffer: Buffer) -> None:
        """Hand a buffer to what is linked to an output port."""
        target = self.targets[port]
        target.element.chain(target.port, buffer)


class Threaded(Element):
    """An element with a thread that takes buffers from a list of its own."""

    def __init__(
        self, description: ElementDescription, context: Context, inputs: List[Tuple[str, int]]
    ) -> None:
        super().__init__(description, context, inputs)
        self.waiting: Deque[Buffer] = deque()
        self.waiting_bytes = 0
        self.filled = threading.Condition()
        self._thread: Optional[threading.Thread] = None

    def start(self) -> None:
        """Start the thread."""
        # A daemon: a program may end without DestroyAllStreams.
        self._thread = threading.Thread(
            target=self._run, name=f"{self.context.stream}:{self.name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Wait for the thread."""
        with self.filled:
            self.filled.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def put(self, buffer: Buffer) -> None:
        """Add a buffer to the list; the caller holds `filled`."""
        self.waiting.append(buffer)
        self.waiting_bytes += len(buffer.data)
        self.filled.notify_all()

    def take(self) -> Buffer:
        """Remove the oldest; the caller holds `filled`."""
        buffer = self.waiting.popleft()
        self.waiting_bytes -= len(buffer.data)
        self.filled.notify_all()
        return buffer

    def run_empty(self) -> None:
        """Called where the thread finds nothing to do."""

    def leave(self, buffer: Buffer) -> None:
        """Called by the thread with each buffer that leaves."""
        self.push(0, buffer)

    def _run(self) -> None:
        while True:
            with self.filled:
                if not self.waiting:
                    self.run_empty()
                while not self.waiting and not self.context.stopping:
                    self.filled.wait()
                if self.context.stopping:
                    return
                buffer = self.take()
            self.leave(buffer)


class AppSrc(Threaded):
    """Where a program's buffers come in. Never makes its sender wait: `block=false, max-bytes=1`."""

    def send(self, buffer: Buffer) -> None:
        """Take a buffer from the program."""
        with self.filled:
            if self.waiting_bytes >= 1:
                with self.context.changed:
                    self.context.enough_data = True
            self.put(buffer)

    def run_empty(self) -> None:
        """Tell senders that wait for room."""
        with self.context.changed:
            self.context.enough_data = False
            self.context.changed.notify_all()

    def leave(self, buffer: Buffer) -> None:
        """End to end time begins here, after any wait in this list."""
        self.context.e2e.begin()
        self.push(0, buffer)


class Queue(Threaded):
    """A list of limited length with a thread of its own behind it."""

    def open(self) -> None:
        """Let the statistics watch the level."""
        self.limit = int(self.properties["max-size-buffers"])
        self.context.statistics.queue(self.context.stream, self.name, self.limit, lambda: len(self.waiting))

    def chain(self, port: int, buffer: Buffer) -> None:
        """Take a buffer; where there is no room, wait, or (leaky) drop the new or the oldest one."""
        with self.filled:
            while self._full() and not self.context.stopping:
                if self.properties["leaky"] == 1:
                    return
                if self.properties["leaky"] == 2:
                    self.take()
                else:
                    self.filled.wait()
            if not self.context.stopping:
                self.put(buffer)

    def _full(self) -> bool:
        return bool(self.limit and len(self.waiting) >= self.limit) or self.waiting_bytes >= QUEUE_BYTES


class Tee(Element):
    """Hands every buffer to all that is linked to it, in order."""

    def chain(self, port: int, buffer: Buffer) -> None:
        """Take a buffer."""
        for output in range(len(self.targets)):
            self.push(output, buffer)


class Sink(Element):
    """The end of a stream: counts. As it is: fakesink."""

    def chain(self, port: int, buffer: Buffer) -> None:
        """Take a buffer: end to end time ends here."""
        self.context.e2e.end()
        self.context.throughput.count()
        self.keep(buffer)

    def keep(self, buffer: Buffer) -> None:
        """What becomes of the buffer."""


class AppSink(Sink):
    """Where a program gets its results; too many of them that nobody fetches stall the stream."""

    def __init__(
        self, description: ElementDescription, context: Context, inputs: List[Tuple[str, int]]
    ) -> None:
        super().__init__(description, context, inputs)
        self.outputs: Deque[Output] = deque()

    def keep(self, buffer: Buffer) -> None:
        """Keep the result, waiting for room."""
        output = buffer.output()
        context = self.context
        with context.changed:
            if context.mode == NORMAL:
                while len(self.outputs) >= SINK_LIMIT and not context.stopping:
                    context.changed.wait()
                self.outputs.append(output)
            elif buffer.unique_id is not None:
                if buffer.unique_id in context.dropped:
                    context.dropped.discard(buffer.unique_id)
                    return
                while len(context.results) >= UNIQUE_LIMIT and not context.stopping:
                    context.changed.wait()
                context.results.setdefault(buffer.unique_id, []).append(output)
            context.changed.notify_all()

    def fetch(self, seconds: Optional[float] = None) -> Optional[Output]:
        """Return the oldest output; None where there is none in time, or the stream stops. Without `seconds`: wait forever."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with self.context.changed:
            while not self.outputs and not self.context.stopping:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self.context.changed.wait(left)
            if not self.outputs:
                return None
            output = self.outputs.popleft()
            self.context.changed.notify_all()
            return output


class Plugin(Element):
    """Base of mxpi_* elements: waits for a buffer on each input port, then processes them together."""

    def __init__(
        self, description: ElementDescription, context: Context, inputs: List[Tuple[str, int]]
    ) -> None:
        super().__init__(description, context, inputs)
        self._lock = threading.Lock()
        self._turn = threading.Condition(self._lock)
        self._here: List[Optional[Buffer]] = [None] * len(inputs)
        self._next: List[Optional[Buffer]] = [None] * len(inputs)
        self._local = threading.local()
        self._meter = context.statistics.plugin(context.stream, self.name, self.factory)

    def process(self, buffers: List[Buffer]) -> None:
        """Work on one buffer of each input port, and push what comes of it."""

    def chain(self, port: int, buffer: Buffer) -> None:
        """Take a buffer; a port that is two ahead of the others waits."""
        with self._lock:
            if self._here[port] is not None:
                self._next[port] = buffer
                while self._next[port] is buffer and not self.context.stopping:
                    self._turn.wait()
                return
            self._here[port] = buffer
            if None in self._here:
                return
            buffers = [found for found in self._here if found is not None]
            self._run(buffers)
            self._here, self._next = self._next, [None] * len(self._here)
            self._turn.notify_all()

    def close(self) -> None:
        """Wake ports that wait for the others."""
        with self._lock:
            self._turn.notify_all()

    def push(self, port: int, buffer: Buffer) -> None:
        """Push, and remember how long that took: it is no time of this element."""
        begin = time.perf_counter()
        super().push(port, buffer)
        self._local.blocked = getattr(self._local, "blocked", 0.0) + time.perf_counter() - begin

    def fail(self, buffer: Buffer, code: int, text: str) -> None:
        """Mark the buffer as failed by this element and push it: errors travel to the sink like results."""
        buffer.errors.setdefault(self.name, (code, text))
        for port in range(len(self.targets)):
            self.push(port, buffer)

    def _run(self, buffers: List[Buffer]) -> None:
        self._local.blocked = 0.0
        token = self._meter.begin()
        try:
            self.process(buffers)
        except Exception as error:  # An element's thread goes on, as the SDK's does.
            text = f"An exception occurred in {self.name}: {type(error).__name__}: {error}"
            log.error(text, "MxPluginBase.cpp:1", codes.INNER)
            self.fail(buffers[0], codes.INNER, text)
        self._meter.end(token, int(self._local.blocked * 1e6))
