"""A worker on another host: the command that starts it, how it is ended for good, what it means that it ended."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import ssh
from bench.hosts import HOSTS, Host
from bench.inside import HOST_ALONE
from bench.ssh import HostError

STAYS = (*HOST_ALONE, HOSTS, "OMGATE_SDK_PYTHON")
"""Of omgate's own variables, what names things of this machine. The others (OMGATE_EMULATOR_FAULT ...) go along."""

LAST_LINES = 5
"""ssh's own words are the last ones of the log; before them it holds what the worker printed."""


@dataclass(frozen=True)
class FarWorker:
    """Where a backend's worker lives. `cache`: omgate's folder over there; `lock`: the name of its device's lock there."""

    host: Host
    cache: str
    lock: str | None = None

    def start(
        self, arguments: Sequence[str], environ: Mapping[str, str], cwd: Path | None, key: str
    ) -> list[str]:
        """The command that starts a worker's interpreter with `arguments` (-u -c LINE); `key` is this worker's own."""
        own = {name: value for name, value in os.environ.items() if name.startswith("OMGATE_")}
        own = {name: value for name, value in own.items() if name not in STAYS}
        plan = {
            "pid_file": self._pid_file(key),
            "environ": {**own, **environ},
            "cwd": None if cwd is None else str(cwd),
            "device": self.lock,
            "line": arguments[-1],
        }
        return ssh.command(self.host, ssh.program("launch"), plan)

    def kill(self, key: str) -> None:
        """End the worker over there with its process group: a hanging one does not notice that ssh has ended.

        Where the host can't be reached any more, sshd ends it when it notices, and the device's lock goes with it.
        """
        with contextlib.suppress(HostError):
            ssh.ask(self.host, "launch", {"pid_file": self._pid_file(key), "kill": True})

    def explain(self, status: int | None, printed: bytes, begun: bool) -> str:
        """What it means that ssh ended with this status; `begun`: the worker had been started over there, `printed`: the end of its log."""
        last = b"\n".join(printed.splitlines()[-LAST_LINES:])
        if status is None:
            return f"{self.host}: its connection was closed"
        if status < 0:
            return f"{self.host}: ssh on this machine was ended by {signal_name(-status)}"
        if not begun:
            return ssh.explain(self.host, status, last)
        if status != ssh.SSH_FAILED:
            return f"{self.host}: the worker over there ended with exit status {status}"
        return ssh.broken(self.host, last) or (
            f"{self.host}: the worker over there was ended by a signal, or its connection without a word "
            "(the kernel does that when memory runs out: dmesg over there tells)"
        )

    def _pid_file(self, key: str) -> str:
        return f"{self.cache}/workers/{key}.pid"


def signal_name(number: int) -> str:
    """SIGKILL for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
