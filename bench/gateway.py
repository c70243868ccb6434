"""Starts a worker process and talks to it: the host's half of the worker frames (bench/workers/loop.py has the other).

A worker runs in a process group of its own and is killed with it. execnet's own way of ending a gateway takes 5 to 30
seconds while native code holds the interpreter, so a gateway is never asked to terminate here.

Only execnet 2.0.x is known to work: bench/worker_process.py starts the process itself (for its process group, its stderr and its pid) and
hands the pipes to execnet's bootstrap.
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import signal
import struct
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import inside
from bench.background import started_normally
from bench.ssh import SSH_FAILED, begins
from bench.worker_process import WorkerSpec as WorkerSpec
from bench.worker_process import describe_end, has_ended, pipes, start, status_of
from cases.errors import OmgateError

if TYPE_CHECKING:
    import numpy as np


LOOP = Path(__file__).parent / "workers" / "loop.py"

CLOSE_SECONDS = 2.0
"""A worker that was asked to close gets this long before it is killed."""

LOOK_SECONDS = 0.5
"""How often a silent worker's process is looked at: a child of a dead worker can hold its pipe open."""

END_SECONDS = 2.0
"""How long a worker whose pipe has closed may take to end by itself, so that its own exit status is what is told."""

PRINTED_BYTES = 1 << 14
"""So much of the end of a worker's log is looked at for why it ended, in bytes."""


class WorkerFailure(OmgateError):
    """A worker that can't go on; `code` is the reason code that its image is recorded with."""

    code = "worker-died"


class WorkerDied(WorkerFailure):
    """The process has ended, or has closed its connection."""

    code = "worker-died"


class WorkerTimeout(WorkerFailure):
    """There was no answer within the time limit."""

    code = "worker-timeout"


class WorkerRefused(WorkerFailure):
    """Opening raised an exception: trying again gives the same."""

    code = "backend-unavailable"


@dataclass(frozen=True)
class RemoteProblem:
    """An exception on the worker's side."""

    kind: str
    message: str
    traceback: str

    def __str__(self) -> str:
        first = self.message.strip().split("\n")[0]
        return f"{self.kind}: {first}" if first else self.kind


@dataclass(frozen=True)
class Answer:
    """A worker's answer to one image: an array with the device's own seconds, or a problem.

    The array is a read-only view on the received bytes. `arrived` is `time.monotonic()` of its reception.
    """

    sequence: int
    array: np.ndarray | None
    seconds: dict[str, float]
    problem: RemoteProblem | None
    arrived: float


class Session:
    """One worker process, from its start to its end.

    `open` first; then `submit` as many as should be in flight and `receive` one for each, in the order of submission;
    `close` or `kill` at the end. A session that has raised WorkerFailure has been killed and is of no further use.
    """

    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec
        self.info: dict[str, Any] = {}
        self._in_flight: deque[int] = deque()
        self._oldest_since = 0.0
        self._outbox: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[float, Any]] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._process_lock = threading.Lock()
        self._ended = False
        self._begun = False
        self._key = secrets.token_hex(8)
        self._log_bytes = _size(spec.log)
        self._channel: Any = None
        self._thread = threading.Thread(target=self._run, name=f"omgate-{spec.name}", daemon=True)

    @property
    def in_flight(self) -> int:
        """The number of images that were submitted and not yet answered."""
        return len(self._in_flight)

    @property
    def pid(self) -> int | None:
        """The worker's process id on this machine; None before it has started."""
        return self._process.pid if self._process else None

    def open(self) -> dict[str, Any]:
        """Start the process, load and warm up the model, and return the worker's info (host, pid, device, framework ...).

        Raises WorkerRefused when the runtime raised, WorkerDied and WorkerTimeout as they say.
        """
        self._thread.start()
        deadline = time.monotonic() + self.spec.open_seconds
        _, frame = self._next(deadline, self.spec.open_seconds, "was opened")
        if frame[0] == "error":
            problem = RemoteProblem(*frame[2:5])
            self.kill()
            raise WorkerRefused(f"{self.spec.name} did not open: {problem}{self._see_log()}")
        self.info = frame[1]
        seen = self.info.get("model_sha256")
        if self.spec.digest and seen and seen != self.spec.digest:
            self.kill()
            raise WorkerRefused(
                f"{self.spec.name} opened a model with the digest {seen}, not {self.spec.digest}: the file was changed meanwhile"
            )
        return self.info

    def submit(self, sequence: int, array: np.ndarray) -> None:
        """Hand over an image (1, 1, H, W) uint8. Never blocks: another thread sends it."""
        if not self._in_flight:
            self._oldest_since = time.monotonic()
        self._in_flight.append(sequence)
        self._outbox.put(("submit", sequence, array))

    def receive(self) -> Answer:
        """Return the answer to the oldest image in flight; raise WorkerDied or WorkerTimeout."""
        sequence = self._in_flight[0]
        deadline = self._oldest_since + self.spec.image_seconds
        arrived, frame = self._next(deadline, self.spec.image_seconds, "had this image as its oldest")
        if frame[0] not in ("result", "error") or frame[1] != sequence:
            self.kill()
            raise WorkerDied(
                f"{self.spec.name} answered {frame[:2]} where image {sequence} was due{self._see_log()}"
            )
        self._in_flight.popleft()
        self._oldest_since = arrived
        if frame[0] == "error":
            return Answer(sequence, None, {}, RemoteProblem(*frame[2:5]), arrived)
        import numpy as np

        _, _, dtype, shape, data, seconds = frame
        return Answer(sequence, np.frombuffer(data, dtype).reshape(shape), seconds, None, arrived)

    def close(self) -> None:
        """Ask the worker to close and wait for it CLOSE_SECONDS at most; then kill what is left."""
        if self._process is not None and not self._ended:
            self._outbox.put(("close",))
            deadline = time.monotonic() + CLOSE_SECONDS
            with contextlib.suppress(queue.Empty):
                while self._answers.get(timeout=max(0.0, deadline - time.monotonic()))[1] is not None:
                    pass
            # ssh ends a moment after the worker; only then it is known that nothing is left over there.
            while self.spec.far is not None and not has_ended(self._process) and time.monotonic() < deadline:
                time.sleep(0.005)
        self.kill()

    def kill(self) -> None:
        """End the worker's whole process group now. May be called twice, and from any state."""
        with self._process_lock:
            again, self._ended = self._ended, True
            process = self._process
        self._outbox.put(None)
        if process is None:
            return
        # An ssh that ended with the worker's own exit status leaves nothing over there, one that never got there neither.
        left = self._begun and status_of(process) in (None, SSH_FAILED)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        container = inside.around(self.spec.name)
        if container is not None and not again:
            container.kill(self.spec.name)
        if self.spec.far is not None and left and not again:
            self.spec.far.kill(self._key)
        # A driver can hold it in the kernel; it ends when that lets go.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)

    # -- the thread that starts the process and sends ------------------------------------------------------------------

    def _run(self) -> None:
        """Start the process, then send until None comes.

        The worker asks the kernel to be killed when the thread that started it ends (PR_SET_PDEATHSIG), so this thread
        lives as long as the session.
        """
        try:
            self._channel = self._connect()
            if self._channel is None:
                return
            self._channel.send(self.spec.source)
            self._channel.send(("open", self.spec.config))
            while (item := self._outbox.get()) is not None:
                if item[0] == "submit":
                    _, sequence, array = item
                    item = ("submit", sequence, str(array.dtype), list(array.shape), array.tobytes())
                _send(self._process, self._channel, item)
        except OSError as error:
            if self._channel is None:
                self._answers.put((time.monotonic(), error))
            # Else the pipe has closed: the end marker says so to whoever waits for an answer.
        except Exception as error:
            self._answers.put((time.monotonic(), error))

    def _connect(self) -> Any:
        """Return an execnet channel to the loop in a new process; None when the session was ended meanwhile."""
        from execnet.gateway import Gateway
        from execnet.gateway_bootstrap import bootstrap_exec
        from execnet.xspec import XSpec

        with self._process_lock:
            if self._ended:
                return None
            with started_normally():
                self._process = process = start(self.spec, self._key)
        xspec = XSpec("popen")
        xspec.id, xspec.execmodel = self.spec.name, "thread"
        io = pipes(process)
        if self.spec.far is not None:
            self._begun = begins(process.stdout)
            if not self._begun:
                self._answers.put((time.monotonic(), None))
                return None
        try:
            bootstrap_exec(io, xspec)
        except BaseException:
            for pipe in (process.stdout, process.stdin):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
            raise
        channel = Gateway(io, xspec).remote_exec(LOOP.read_text(encoding="utf-8"))
        answers = self._answers
        channel.setcallback(lambda item: answers.put((time.monotonic(), item)), endmarker=None)
        return channel

    # -- waiting for answers -------------------------------------------------------------------------------------------

    def _next(self, deadline: float, limit: float, since: str) -> tuple[float, tuple[Any, ...]]:
        """Return the next frame and when it arrived; kill and raise when there is none."""
        while True:
            try:
                wait = min(LOOK_SECONDS, deadline - time.monotonic())
                arrived, item = self._answers.get(timeout=max(0.0, wait))
            except queue.Empty:
                if has_ended(self._process):
                    # What it wrote before it died may still be on its way through the pipe.
                    try:
                        arrived, item = self._answers.get(timeout=LOOK_SECONDS)
                    except queue.Empty:
                        raise self._died() from None
                elif time.monotonic() >= deadline:
                    self.kill()
                    raise WorkerTimeout(
                        f"{self.spec.name} gave no answer within {limit:g} s since it {since}; it was killed{self._see_log()}"
                    ) from None
                else:
                    continue
            if item is None:
                raise self._died()
            if isinstance(item, Exception):
                if has_ended(self._process):
                    raise self._died() from item
                self.kill()
                raise WorkerDied(
                    f"{self.spec.name} could not be started: {type(item).__name__}: {item}{self._see_log()}"
                )
            return arrived, item

    def _died(self) -> WorkerDied:
        """Return what became of a worker whose connection has ended."""
        process = self._process
        deadline = time.monotonic() + END_SECONDS
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(0.005)
        by_itself = has_ended(process)
        self.kill()
        status = process.returncode if process else None
        if self.spec.far is not None:
            far = self.spec.far.explain(status if by_itself else None, self._printed(), self._begun)
            return WorkerDied(f"{self.spec.name}: {far}{self._remote_error()}{self._see_log()}")
        return WorkerDied(
            f"{self.spec.name} {describe_end(status, by_itself)}{self._remote_error()}{self._see_log()}"
        )

    def _remote_error(self) -> str:
        """Return what execnet itself reports from the other side, if anything."""
        from execnet.gateway_base import RemoteError

        try:
            if self._channel is not None:
                self._channel.waitclose(0)
        except RemoteError as error:
            return ": " + str(error).strip().split("\n")[-1]
        except (OSError, EOFError):
            pass
        return ""

    def _printed(self) -> bytes:
        """Return what this worker's own process has put into its log so far, the last of it."""
        if self.spec.log is None:
            return b""
        with contextlib.suppress(OSError), self.spec.log.open("rb") as log:
            log.seek(max(self._log_bytes, _size(self.spec.log) - PRINTED_BYTES))
            return log.read(PRINTED_BYTES)
        return b""

    def _see_log(self) -> str:
        return f" (its log: {self.spec.log})" if self.spec.log else ""


def _size(file: Path | None) -> int:
    try:
        return file.stat().st_size if file else 0
    except OSError:
        return 0


def _send(process: subprocess.Popen[bytes] | None, channel: Any, item: tuple[Any, ...]) -> None:
    """Send what `channel.send(item)` sends, without its two copies of an image.

    Only a session's thread writes to the pipe once its channel is there, so a frame may go out in pieces.
    """
    from execnet.gateway_base import Message, _Serializer

    assert process is not None
    assert process.stdin is not None
    parts: list[bytes] = []
    _Serializer(write=parts.append).save(item)
    size_bytes = sum(map(len, parts))
    try:
        process.stdin.write(struct.pack("!bii", Message.CHANNEL_DATA, channel.id, size_bytes))
        process.stdin.writelines(parts)
        process.stdin.flush()
    except ValueError as error:  # closed meanwhile
        raise OSError(str(error)) from error
