"""A worker's process: what it is started with and how, and whether and how it has ended.

That it has ended is found out without taking its id away: its group can still be killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import inside

if TYPE_CHECKING:
    from execnet.gateway_base import Popen2IO

    from bench.far_worker import FarWorker

OPEN_SECONDS = 120.0
"""Default time limit to start a worker, load its model and warm it up: MindSpore imports 2 to 3 s and compiles for seconds."""

IMAGE_SECONDS = 60.0
"""Default time limit of an image, from the moment it is the oldest in flight."""

PIPE_BYTES = 1 << 20
"""Wished size of the pipes, in bytes: an image of 1024x1024 in one piece. Linux allows this much without privilege."""


@dataclass(frozen=True)
class WorkerSpec:
    """What it takes to start a worker.

    source: the text of the runtime module; config: what its `open` gets (None, bool, int, float, str, bytes, list, dict);
    python: the interpreter (None: this one); environ: environment variables on top of this process's; depth: how many images it wants in
    flight (None: bench.evaluate's own number); log: the file that gets what the worker and its libraries print (None: nowhere);
    device: the name of the lock that the run holds (None: the device may be shared, as a CPU may);
    cwd: the working directory (None: this process's), where the SDK looks for config/sdk.conf first;
    far: the host that it lives on (None: this machine); digest: the model's, which the worker must find, too (None: not checked).
    """

    name: str
    source: str
    config: dict[str, Any] = field(default_factory=dict)
    python: str | None = None
    environ: dict[str, str] = field(default_factory=dict)
    depth: int | None = None
    log: Path | None = None
    device: str | None = None
    cwd: Path | None = None
    far: FarWorker | None = None
    digest: str | None = None
    open_seconds: float = OPEN_SECONDS
    image_seconds: float = IMAGE_SECONDS


def start(spec: WorkerSpec, key: str) -> subprocess.Popen[bytes]:
    """Start an interpreter that waits for execnet's bootstrap on its stdin; stderr is the worker's log."""
    from execnet.gateway_io import popen_bootstrapline

    arguments = ["-u", "-c", popen_bootstrapline]
    command = [spec.python or sys.executable, *arguments]
    container = inside.around(spec.name)
    if container is not None:
        command = container.start(spec.name, arguments, spec.environ, spec.cwd)
    if spec.far is not None:
        command = spec.far.start(arguments, spec.environ, spec.cwd, key)
    here = {} if spec.far is not None else spec.environ
    log: Any = subprocess.DEVNULL
    with contextlib.ExitStack() as stack:
        if spec.log:
            spec.log.parent.mkdir(parents=True, exist_ok=True)
            log = stack.enter_context(spec.log.open("ab"))
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **here, "OMGATE_HOST_PID": str(os.getpid())},
            cwd=None if spec.far is not None else spec.cwd,
            start_new_session=True,
        )
    if sys.platform == "linux":
        import fcntl

        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)  # type: ignore[arg-type]
    return process


def pipes(process: subprocess.Popen[bytes]) -> Popen2IO:
    """Return execnet's view of a process: what its bootstrap needs, and nothing that it could end it with."""
    from execnet.gateway_base import Popen2IO, get_execmodel

    io = Popen2IO(process.stdin, process.stdout, get_execmodel("thread"))
    io.popen, io.wait, io.remoteaddress = process, process.wait, "this machine"
    return io


def has_ended(process: subprocess.Popen[bytes] | None) -> bool:
    """Whether a process has ended; its id stays reserved, so that its group can still be killed."""
    if process is None or process.returncode is not None:
        return process is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def status_of(process: subprocess.Popen[bytes]) -> int | None:
    """The exit status of a process that has ended by itself, None before that and for one that a signal ended; its id stays reserved."""
    if process.returncode is not None:
        return process.returncode
    try:
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return ended.si_status if ended is not None and ended.si_code == os.CLD_EXITED else None


def describe_end(status: int | None, by_itself: bool) -> str:
    """How a process came to its end, as a sentence goes on after its name."""
    if status is None or not by_itself:
        return "closed its connection"
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = " (the kernel does that when memory runs out)" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"
