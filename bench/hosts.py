"""The hosts file of `--hosts`: which backend lives on which machine, and what it may use there.

    [hosts.atlas310]
    ssh = "user@atlas310"                       what ssh(1) takes as destination, an alias of ~/.ssh/config too
    python = "/usr/local/python3.9/bin/python3" the interpreter over there; "python3" where it is left out
    options = ["-p", "2222"]                    more words for ssh, before omgate's own
    environment = { GLOG_v = "2" }              variables of the workers over there
    set_env = "/usr/local/Ascend/ascend-toolkit/set_env.sh"

    [backends.om-sdk]
    host = "atlas310"
    devices = [0, 1]                            which it may use: the first, unless --device names another
    om = "/data/mcnn.om"                        the model over there; where it is left out, the file from here is sent

A backend that the file does not name runs on this machine.
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from bench.backends import MODULES
from cases.errors import OmgateError
from cases.table import Table, parse
from cases.wording import shown

HOSTS = "OMGATE_HOSTS"
"""Environment variable: the hosts file of this process. `--hosts` sets it, so that all that asks for a backend gets the right one."""

KEYS = {
    "": ("hosts", "backends"),
    "hosts.NAME": ("ssh", "python", "options", "environment", "set_env"),
    "backends": tuple(MODULES),
    "backends.NAME": ("host", "devices", "onnx", "ckpt", "om"),
}

FORMS = {"reference": "onnx", "ckpt": "ckpt", "om-sdk": "om", "om-mxbase": "om"}
"""The key that names a backend's model."""

MOST_DEVICES = 1024
"""Larger numbers are mistakes: the largest servers have some dozens."""


@dataclass(frozen=True)
class Host:
    """A machine that ssh reaches. `python`: the interpreter over there; `set_env`: a script that is sourced before it starts."""

    name: str
    ssh: str
    python: str = "python3"
    options: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    set_env: str | None = None

    def __str__(self) -> str:
        return self.name if self.name == self.ssh else f"{self.name} (ssh {self.ssh})"


@dataclass(frozen=True)
class Use:
    """Where a backend lives: `devices` that it may use (none named: any), `model`: its file over there."""

    backend: str
    host: Host
    devices: tuple[int, ...] = ()
    model: str | None = None


@dataclass(frozen=True)
class Hosts:
    """A checked hosts file."""

    path: Path
    hosts: tuple[Host, ...] = ()
    uses: dict[str, Use] = field(default_factory=dict)


def read(path: Path) -> Hosts:
    """The hosts file. Raises OmgateError with `file:key: what was seen, what is allowed`."""
    top = Table(path, "", parse(path), KEYS)
    hosts = {name: _host(table, name) for name, table in _each(top, "hosts", "hosts.NAME")}
    uses = {}
    if "backends" in top.values:
        Table(path, "backends", _tables(top, "backends"), KEYS)  # refuses names that no backend has
        uses = {name: _use(table, name, hosts) for name, table in _each(top, "backends", "backends.NAME")}
    return Hosts(path, tuple(hosts.values()), uses)


def current() -> Hosts | None:
    """The hosts file that OMGATE_HOSTS names; None without one. Raises OmgateError where it can't be used."""
    path = os.environ.get(HOSTS)
    return _read_once(path) if path else None


def use_of(backend: str) -> Use | None:
    """Where a backend lives; None for this machine."""
    found = current()
    return found.uses.get(backend) if found else None


def check_beside(found: Hosts, *, emulate: bool, perfstats: bool, attribution: bool) -> None:
    """Refuses the options that only mean this machine, where a backend that they are about lives elsewhere. Raises OmgateError."""
    on_sdk = sorted(name for name in found.uses if FORMS[name] == "om")
    refused = {
        "--emulate": (emulate, on_sdk, "the emulated SDK home is this machine's"),
        "--perfstats": (perfstats, on_sdk, "the SDK's statistics are files of the machine that it runs on"),
        "--attribution": (
            attribution,
            sorted(found.uses),
            "its steps need models that are made on this machine",
        ),
    }
    for option, (given, names, why) in refused.items():
        if given and names:
            uses = ", ".join(f"{name} on {found.uses[name].host.name}" for name in names)
            raise OmgateError(
                f"{option} with --hosts: {why}, and {shown(found.path)} has {uses}; leave one of them out, or run omgate on that machine"
            )


@functools.lru_cache(maxsize=4)
def _read_once(path: str) -> Hosts:
    """A run holds on to what the file said when it began."""
    return read(Path(path))


def _tables(top: Table, key: str) -> dict[str, object]:
    values = top.values.get(key)
    if not isinstance(values, dict) or not values:
        raise top.wrong(key, f"at least one table [{key}.NAME] with {', '.join(KEYS[f'{key}.NAME'])}")
    return values


def _each(top: Table, key: str, kind: str) -> list[tuple[str, Table]]:
    found = []
    for name, values in _tables(top, key).items():
        if not isinstance(values, dict):
            raise top.error(
                f"{key}.{name}", f"allowed is a table, [{key}.NAME], with {', '.join(KEYS[kind])}"
            )
        found.append((name, Table(top.path, f"{key}.{name}", values, KEYS, kind=kind)))
    return found


def _host(table: Table, name: str) -> Host:
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name, re.ASCII):
        raise OmgateError(
            f"{shown(table.path)}:{shown(table.prefix)}: allowed in a host's name are letters, digits and . _ -"
        )
    destination = table.text("ssh")
    if destination.startswith("-") or any(character.isspace() for character in destination):
        raise table.wrong("ssh", "a destination such as user@host, or an alias of ~/.ssh/config")
    python = table.text("python", "python3")
    if python.startswith("-"):
        raise table.wrong("python", "an interpreter's name or path over there")
    return Host(
        name=name,
        ssh=destination,
        python=python,
        options=_words(table, "options"),
        environment=_variables(table, "environment"),
        set_env=_absolute(table, "set_env"),
    )


def _use(table: Table, backend: str, hosts: dict[str, Host]) -> Use:
    form = FORMS[backend]
    for other in sorted({*FORMS.values()} - {form}):
        if other in table.values:
            raise table.error(other, f'seen for {backend}, whose model is named by "{form}"')
    host = hosts[table.choice("host", sorted(hosts))]
    return Use(backend, host, _numbers(table, "devices"), _absolute(table, form))


def _words(table: Table, key: str) -> tuple[str, ...]:
    values = table.values.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) and one.isprintable() for one in values):
        raise table.wrong(key, 'a list of texts, such as ["-p", "2222"]')
    return tuple(values)


def _numbers(table: Table, key: str) -> tuple[int, ...]:
    if key not in table.values:
        return ()
    values = table.values[key]
    found = values if isinstance(values, list) else []
    numbers = [one for one in found if isinstance(one, int) and not isinstance(one, bool)]
    inside = all(0 <= one < MOST_DEVICES for one in numbers)
    if not numbers or len(set(numbers)) != len(found) or not inside:
        raise table.wrong(key, "a list of devices' numbers, each once, such as [0, 1]")
    return tuple(numbers)


def _variables(table: Table, key: str) -> tuple[tuple[str, str], ...]:
    values = table.values.get(key, {})
    if not isinstance(values, dict):
        raise table.wrong(key, 'a table of texts, such as { GLOG_v = "2" }')
    for name, value in values.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or not isinstance(value, str) or "\0" in value:
            raise table.error(
                f"{key}.{name}", 'allowed is a variable\'s name with a text, such as GLOG_v = "2"'
            )
    return tuple(values.items())


def _absolute(table: Table, key: str) -> str | None:
    """A path over there. It is no path of this machine, so nothing is looked up."""
    if key not in table.values:
        return None
    path = table.text(key)
    if not path.startswith("/"):
        raise table.wrong(key, "an absolute path over there")
    return path
