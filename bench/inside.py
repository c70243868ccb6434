"""Workers in a container: which one, how a process is started and killed in it, and the SDK and CANN that are there.

`omgate container` starts the container, asks what is in it, and names the answer's file in OMGATE_INSIDE for the pytest that it runs.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bench.versions import Cann, Sdk
from cases.errors import OmgateError
from cases.wording import shown

INSIDE = "OMGATE_INSIDE"
"""Environment variable: the file that holds an `Inside`."""

HOST_ALONE = ("OMGATE_INSIDE", "OMGATE_HOST_PID", "OMGATE_CASES", "OMGATE_CACHE")
"""Of omgate's own variables, what makes sense on the host only. The others (OMGATE_EMULATOR_FAULT ...) go along."""

KILL_SECONDS = 10.0
"""How long killing a process in a container may take: `docker exec` itself takes a tenth of a second."""

START = 'echo $$ >"$1"; shift; exec "$@"'
"""What sh does in the container: leave the pid, become the worker. Its arguments are never part of the text."""

KILL = 'read pid <"$1" && { kill -9 -"$pid" || kill -9 "$pid"; } 2>/dev/null; rm -f "$1"'
"""The worker leads a process group (bench/workers/loop.py); the second form is for one that has not got so far."""


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """A running container. `sdk` and `cann` are the image's own; None where it has none, and where `emulated`."""

    docker: str
    container: str
    image: str
    python: str
    workers: tuple[str, ...]
    """Backends whose workers run in it; the others stay on the host."""
    environ: dict[str, str] = {}
    """What the image's set_env.sh scripts export or change."""
    exported: dict[str, str] = {}
    """What the image itself sets of the SDK's variables."""
    emulated: bool = False
    """True where the emulated SDK home of this machine, mounted, takes the place of the image's own."""
    sdk: Sdk | None = None
    cann: Cann | None = None

    def start(
        self, name: str, arguments: Sequence[str], environ: Mapping[str, str], cwd: Path | None
    ) -> list[str]:
        """The command that starts a worker's interpreter with `arguments` in the container."""
        own = {
            key: value
            for key, value in os.environ.items()
            if key.startswith("OMGATE_") and key not in HOST_ALONE
        }
        variables = [f"--env={key}={value}" for key, value in {**own, **environ}.items()]
        where = [f"--workdir={cwd}"] if cwd is not None else []
        program = ["sh", "-c", START, "omgate", _pid_file(name), self.python, *arguments]
        return [self.docker, "exec", "-i", *variables, *where, self.container, *program]

    def kill(self, name: str) -> None:
        """Kill the worker in the container with its process group: ending `docker exec` leaves it there, with the device."""
        command = [self.docker, "exec", self.container, "sh", "-c", KILL, "omgate", _pid_file(name)]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=KILL_SECONDS,
                check=False,
            )


def _pid_file(name: str) -> str:
    return f"/tmp/omgate-{os.getpid()}-{name}.pid"


def current() -> Inside | None:
    """The container that OMGATE_INSIDE tells of; None without one. Raises OmgateError where that can't be read."""
    path = os.environ.get(INSIDE)
    return _read(path) if path else None


def around(worker: str) -> Inside | None:
    """The container that a backend's worker runs in; None where that is this machine itself."""
    found = current()
    return found if found is not None and worker in found.workers else None


@functools.lru_cache(maxsize=4)
def _read(path: str) -> Inside:
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Inside)
    except (OSError, msgspec.DecodeError) as error:
        raise OmgateError(
            f"{INSIDE}={shown(path)}: can't be read ({error}); omgate container sets it"
        ) from None
