"""What the `environment` of two run records have in common, and what counts as one machine over the months.

Records hold the environment as plain JSON (bench/environment.py writes it, other versions of omgate read it): nothing here assumes that a field is
there or is of a certain shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Environment = Mapping[str, Any]

PIXEL_PACKAGES = ("simplejpeg", "opencv-python-headless", "opencv-python")
"""Packages whose builds can decode a picture to other levels; with others, counts are compared within numerics."""

STACK = ("soc", "cann", "driver", "firmware", "sdk", "framework")
"""The axes that decide what may be concluded from a difference; the others stand beside them."""


HERE = frozenset(PIXEL_PACKAGES)
"""Packages of the machine that decodes and judges, wherever a backend lives."""


def environment_of(environment: Environment, backend: str) -> Environment:
    """What a backend ran on: the environment of the host that it lives on (`hosts`), with the decoders of the machine that ran the harness.

    `through` is then `ssh`: what was timed on this side holds the network.
    """
    for entry in environment.get("hosts") or ():
        if isinstance(entry, Mapping) and backend in (entry.get("backends") or ()):
            found = _table(entry, "environment")
            packages = {name: v for name, v in _table(found, "packages").items() if name not in HERE}
            here = {name: v for name, v in _table(environment, "packages").items() if name in HERE}
            return {**found, "packages": {**packages, **here}, "through": "ssh"}
    return environment


def backends_elsewhere(environment: Environment) -> tuple[str, ...]:
    """The backends that ran on another host than the harness."""
    entries = [entry for entry in environment.get("hosts") or () if isinstance(entry, Mapping)]
    return tuple(str(name) for entry in entries for name in entry.get("backends") or ())


def same_numerics(old: Environment, new: Environment) -> bool:
    """True where counts must agree to rounding: the same processor model and the same decoder builds."""
    return _numerics(old) == _numerics(new)


def _numerics(environment: Environment) -> tuple[object, ...]:
    host, packages = environment.get("host") or {}, environment.get("packages") or {}
    return (host.get("processor"), *(packages.get(name) for name in PIXEL_PACKAGES))


def axes_of(environment: Environment) -> dict[str, str]:
    """What is compared of an environment, by axis, as text: those of STACK first; what is not known is left out.

    `volatile` is never part of it.
    """
    host, container = _table(environment, "host"), _table(environment, "container")
    found: dict[str, object] = {
        "soc": environment.get("soc"),
        "cann": _joined(_table(environment, "cann"), "kind", "version"),
        "driver": environment.get("driver"),
        "firmware": environment.get("firmware"),
        "sdk": _joined(_table(environment, "sdk"), "product", "version"),
        "framework": environment.get("framework"),
        "devices": _devices(environment),
        "processor": host.get("processor"),
        "cores": host.get("cores"),
        "os": host.get("os"),
        "kernel": host.get("kernel"),
        "host": host.get("name"),
        "container": container.get("image") or container.get("kind"),
        "python": environment.get("python"),
    }
    found |= {f"package {name}": version for name, version in sorted(_table(environment, "packages").items())}
    found |= {f"variable {name}": value for name, value in sorted(_table(environment, "variables").items())}
    return {axis: str(value) for axis, value in found.items() if value not in (None, "")}


def machine_key(environment: Environment) -> str:
    """What must be the same for two times to be of one machine: SoC, devices, processor, cores.

    Left out on purpose: the host's name (a container draws a new one at each start), kernel and driver versions (they are what a history is
    meant to show), everything that a reboot changes. Two machines of one model count as one.
    """
    host = _table(environment, "host")
    parts = (
        environment.get("soc"),
        _devices(environment),
        host.get("processor"),
        f"{host.get('cores')} cores" if host.get("cores") else None,
    )
    return ", ".join(str(part) for part in parts if part) or "unknown machine"


def _table(environment: Environment, name: str) -> Mapping[str, Any]:
    value = environment.get(name)
    return value if isinstance(value, Mapping) else {}


def _joined(table: Mapping[str, Any], *names: str) -> str:
    return " ".join(str(table[name]) for name in names if table.get(name))


def _devices(environment: Environment) -> str:
    devices = environment.get("devices")
    if not isinstance(devices, list | tuple) or not devices:
        return ""
    names = sorted(
        {str(device.get("name") or "unknown") for device in devices if isinstance(device, Mapping)}
    )
    return f"{len(devices)} x {', '.join(names)}"
