"""ssh's command lines, and what became of one: a Python program of omgate's is run on another host, and nothing is installed there.

A shell over there is unavoidable: ssh hands it one text. So that it has nothing to interpret, whatever shell it is, the program and its
plan travel in base64 and only the interpreter's path is quoted. No other file quotes anything for a shell.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cases.errors import OmgateError
from cases.wording import shown

if TYPE_CHECKING:
    from bench.hosts import Host

CONNECT_SECONDS = 10
"""How long ssh may take to reach a host: one that is there answers within a second, also from another site."""

ALIVE = (5, 4)
"""Every so many seconds ssh asks a silent host whether it is there (ServerAliveInterval); after so many questions without an answer it ends."""

ASK_SECONDS = 90.0
"""How long a program over there may take: sourcing CANN's scripts and asking npu-smi take seconds, a stuck driver takes forever."""

SLOWEST_BYTES = 1 << 18
"""A model travels at least this fast, in bytes a second: 2 Mbit/s, a poor line between two sites."""

LINE = "import base64,sys;exec(base64.b64decode(sys.argv[1]))"
"""What `python -c` gets over there: Python 2 can read it, too, so that it can say that it is one."""

MARKER = b"\nomgate-begins\n"
"""What a program of omgate's prints first: a login shell may have printed something before."""

WORKERS = Path(__file__).parent / "workers"

SSH_FAILED = 255
"""ssh's own exit status for a connection that failed; any other one is the program's (ssh(1))."""


class HostError(OmgateError):
    """A host can't be reached, or can't run what was asked of it; the message names the host and the way out."""


def program(name: str) -> str:
    """The text of bench/workers/<name>.py."""
    return (WORKERS / f"{name}.py").read_text(encoding="utf-8")


def command(host: Host, source: str, plan: Mapping[str, Any]) -> list[str]:
    """The command line that runs a program on a host with a plan (JSON). Raises HostError where there is no ssh."""
    ssh = shutil.which("ssh")
    if ssh is None:
        raise HostError(
            f"{host}: there is no ssh here (not on PATH); install the OpenSSH client (openssh-client)"
        )
    fixed = {
        "BatchMode": "yes",
        "ConnectTimeout": CONNECT_SECONDS,
        "ServerAliveInterval": ALIVE[0],
        "ServerAliveCountMax": ALIVE[1],
    }
    # ssh takes the first value that it meets: the user's options go before these.
    options = [word for name, value in fixed.items() for word in ("-o", f"{name}={value}")]
    return [ssh, "-T", *host.options, *options, "--", host.ssh, remote(host.python, source, plan)]


def remote(python: str, source: str, plan: Mapping[str, Any]) -> str:
    """The text that the shell over there gets."""
    words = [python, "-u", "-c", LINE, _packed(source), _packed(json.dumps(plan))]
    return "exec " + shlex.join(words)


def _packed(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def ask(host: Host, name: str, plan: Mapping[str, Any], given: bytes | None = None) -> bytes:
    """What bench/workers/<name>.py printed on a host; `given` is its stdin. Raises HostError."""
    line = command(host, program(name), plan)
    seconds = ASK_SECONDS + len(given or b"") / SLOWEST_BYTES
    try:
        done = subprocess.run(
            line,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HostError(f"{host}: no answer within {seconds:.0f} s; try {by_hand(host)}") from None
    except OSError as error:
        raise HostError(f"{host}: ssh can't be started: {error.strerror}") from None
    if done.returncode:
        raise HostError(explain(host, done.returncode, done.stderr))
    noise, marker, answer = done.stdout.partition(MARKER)
    if not marker:
        seen = shown(noise[:80].decode("utf-8", "replace"))
        raise HostError(f"{host}: {host.python} printed {seen!r}, not what it was asked; try {by_hand(host)}")
    return answer


def begins(stream: IO[bytes] | None) -> bool:
    """Read until the program over there says that it begins, past what a login shell prints; False: it ended before."""
    assert stream is not None
    seen = bytearray()
    while not seen.endswith(MARKER):
        byte = stream.read(1)
        if not byte:
            return False
        seen += byte
        del seen[: -len(MARKER)]
    return True


def by_hand(host: Host) -> str:
    """What a user can type to see for themselves."""
    return shlex.join(["ssh", *host.options, host.ssh, f"{shlex.quote(host.python)} -V"])


_BROKEN = r"not responding|Broken pipe|Connection reset|closed by remote host|Connection closed|Connection to .* closed"

_CAUSES = (
    # What OpenSSH's client says (ssh.c, sshconnect.c, packet.c, clientloop.c), and the way out; the first that fits is told.
    (r"Identity file .* not accessible", "its key file is not there", "correct options = in the hosts file"),
    (r"Could not resolve hostname", "no such host name", "correct its ssh = in the hosts file"),
    (
        r"Connection refused",
        "nothing listens there",
        'check that sshd runs there and that the port is right (options = ["-p", "N"])',
    ),
    (
        r"(Connection|Operation) timed out|No route to host|Network is unreachable|Host is down",
        "it does not answer",
        "check that the machine is on, and the network between",
    ),
    (
        r"HOST IDENTIFICATION HAS CHANGED|Host key verification failed",
        "its host key is not the one that is known here",
        "connect once by hand and check the key",
    ),
    (
        r"Permission denied|Too many authentication failures",
        "it refuses this user's key, and with BatchMode nothing is asked for",
        "ssh-copy-id, or IdentityFile in ~/.ssh/config",
    ),
    (
        r"Bad configuration option|command-line line|unknown option|usage: ssh",
        "ssh refuses its options",
        "correct options = in the hosts file",
    ),
)


def broken(host: Host, printed: bytes) -> str | None:
    """What ssh says of a connection that broke off, with the way out; None where it says nothing of it."""
    lines = printed.decode("utf-8", "replace").splitlines()
    told = [line.strip() for line in lines if re.search(_BROKEN, line)]
    if not told:
        return None
    way_out = "check that the machine is on, and the network between, then go on with --resume"
    return f"{host}: the connection broke off ({shown(told[-1])}); {way_out}"


def explain(host: Host, status: int, printed: bytes) -> str:
    """What it means that ssh or the program over there ended with this status, in one line with the way out."""
    lines = [line.strip() for line in printed.decode("utf-8", "replace").splitlines() if line.strip()]
    own = [line.removeprefix("omgate: ") for line in lines if line.startswith("omgate: ")]
    last = shown(lines[-1]) if lines else "it said nothing"
    if status == SSH_FAILED:
        for pattern, what, way_out in _CAUSES:
            told = [line for line in lines if re.search(pattern, line)]
            if told:
                return f"{host}: {what} ({shown(told[-1])}); {way_out}; try {by_hand(host)}"
        return broken(host, printed) or f"{host}: ssh failed ({last}); try {by_hand(host)}"
    if own:
        return f"{host}: {shown(own[-1])}"
    if status in (126, 127):
        what = "is not there" if status == 127 else "can't be executed"
        return f"{host}: {shown(host.python)} {what} ({last}); name an interpreter with python = in the hosts file"
    how = f"was ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
    return f"{host}: {shown(host.python)} {how} ({last}); try {by_hand(host)}"
