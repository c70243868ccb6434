"""Serves the worker frames on an execnet channel: the device's half of every backend.

The host sends this file's text through execnet's `remote_exec`, the runtime module's text (onnx.py, mindspore.py,
simulated.py, ...) as the first item, and then the frames:

    requests  ("open", config)  ("submit", sequence, dtype, shape, bytes)  ("close",)
    answers   ("ready", info)   ("result", sequence, dtype, shape, bytes, seconds)
              ("error", sequence, kind, message, traceback)      sequence is None when opening failed

A runtime module has `open(config) -> info`, `submit(sequence, arrays)`, `collect() -> (sequence, arrays, seconds)`
and `close()`. `submit` is called from another thread than the others. Answers come in the order of submission. A `collect` that raises has
dropped its oldest submission.

A result is written before the next one is collected, so that a crash never takes a finished image with it.
Nothing is installed on this side: standard library and numpy, Python 3.7 syntax.
"""

import contextlib
import ctypes
import linecache
import os
import queue
import signal
import socket
import sys
import traceback
import types
from typing import Any, Optional, Tuple

import numpy

RUNTIME_FILE = "<omgate worker>"
"""The name that the runtime module's lines carry in a traceback."""

TRACEBACK_CHARACTERS = 8000
"""A traceback longer than this loses its beginning; the last lines say what happened."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""mallopt(3)"""

REUSED_BYTES = 32 << 20
"""Blocks up to this size come from memory that is kept; glibc allows no more."""

KEPT_BYTES = 128 << 20
"""Free memory beyond this goes back to the system."""

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that this process gets when the thread that started it ends."""


def _own_process_group() -> None:
    """Become the leader of a process group, so that the host can kill this process and all it starts."""
    with contextlib.suppress(OSError):  # it is one already: the host, or sshd, saw to it
        os.setsid()


def _end_with_host() -> None:
    """Let the kernel kill this process when the host dies, even while native code holds the interpreter.

    Only where the host is this process's parent: in a container or behind ssh the closed connection does it.
    """
    parent = os.environ.pop("OMGATE_HOST_PID", "")
    if not sys.platform.startswith("linux") or parent != str(os.getppid()):
        return
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return
    if parent != str(os.getppid()):
        os._exit(1)


def _keep_freed_memory() -> None:
    """Let the C library reuse the memory of freed arrays: the page faults of a fresh float32 image cost more than filling it.

    Where the C library has no mallopt (macOS, musl) nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, REUSED_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def _send_prints_to_the_log() -> None:
    """Point stdout at stderr, which the host keeps as the worker's log.

    execnet has moved its own end of the pipe to another descriptor by now; 1 leads to /dev/null.
    """
    os.dup2(2, 1)
    sys.stdout = os.fdopen(1, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _end(code: int) -> None:
    """End now. An interpreter that shuts down in order can hang for seconds in native libraries."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _end_with_group() -> None:
    """The host is gone: end, and take every process that the runtime has started along."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _runtime(source: str) -> Any:
    """Return the runtime module made of this text."""
    module = types.ModuleType("omgate_worker")
    module.__file__ = RUNTIME_FILE
    linecache.cache[RUNTIME_FILE] = (len(source), None, source.splitlines(True), RUNTIME_FILE)
    sys.modules[module.__name__] = module
    exec(compile(source, RUNTIME_FILE, "exec"), module.__dict__)
    return module


def _error(sequence: Optional[int], error: BaseException) -> Tuple[Any, ...]:
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return ("error", sequence, type(error).__name__, str(error), text[-TRACEBACK_CHARACTERS:])


class Loop:
    """Turns frames into calls of a runtime module, and its answers into frames.

    Images are submitted from execnet's receiver thread, so that they are converted while the device works; answers are
    collected and sent from the main thread.
    """

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        # The runtime module's text, then the open frame.
        self.beginning: Any = queue.SimpleQueue()
        # (sequence, what its submission raised or None), oldest first; None: close.
        self.pending: Any = queue.SimpleQueue()
        self.runtime: Any = None
        channel.setcallback(self.receive, endmarker=None)

    def receive(self, item: Any) -> None:
        """Take an item in execnet's receiver thread; None is its end marker."""
        if item is None:
            _end_with_group()
        elif item[0] == "submit":
            self.submit(item)
        elif item[0] == "close":
            self.pending.put(None)
        else:
            self.beginning.put(item)

    def serve(self) -> int:
        """Open the runtime, answer requests, return when the host says close. Returns the exit status."""
        try:
            self.runtime = _runtime(self.beginning.get())
            frame = self.beginning.get()
            info = dict(self.runtime.open(frame[1]))
        except BaseException as error:
            traceback.print_exc()
            self.channel.send(_error(None, error))
            return 1
        info.setdefault("host", socket.gethostname())
        info.setdefault("pid", os.getpid())
        info.setdefault("python", sys.version.split()[0])
        self.channel.send(("ready", info))
        while True:
            oldest = self.pending.get()
            if oldest is None:
                break
            self.answer(*oldest)
        self.runtime.close()
        return 0

    def submit(self, frame: Tuple[Any, ...]) -> None:
        _, sequence, dtype, shape, data = frame
        error: Optional[BaseException] = None
        try:
            self.runtime.submit(sequence, [numpy.frombuffer(data, dtype).reshape(shape)])
        except BaseException as raised:
            error = raised
        self.pending.put((sequence, error))

    def answer(self, sequence: int, error: Optional[BaseException]) -> None:
        if error is None:
            try:
                frame = self.collect(sequence)
            except BaseException as raised:
                error = raised
        if error is not None:
            frame = _error(sequence, error)
            sys.stderr.write(frame[4])
        self.channel.send(frame)

    def collect(self, sequence: int) -> Tuple[Any, ...]:
        collected, arrays, seconds = self.runtime.collect()
        if collected != sequence:
            raise RuntimeError("the runtime answered %r, not %r" % (collected, sequence))
        density = arrays[0]
        seconds = {name: float(value) for name, value in seconds.items()}
        return ("result", sequence, str(density.dtype), list(density.shape), density.tobytes(), seconds)


def main(channel: Any) -> None:
    """Serve one host, then end."""
    _own_process_group()
    _end_with_host()
    _send_prints_to_the_log()
    _keep_freed_memory()
    # `python -c` puts the current folder first: a file there must not stand in for a runtime.
    sys.path[:] = [entry for entry in sys.path if entry]
    try:
        code = Loop(channel).serve()
    except BaseException:
        traceback.print_exc()
        code = 1
    _end(code)


if __name__ == "__channelexec__":
    main(globals()["channel"])  # execnet puts it there
