"""`omgate doctor`: what is here, what each backend lacks, and how to get it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import common
from bench.commands.common import Json, console, print_json, table

if TYPE_CHECKING:
    from bench.doctor import HostState
    from bench.environment import Environment

Hosts = Annotated[
    Path | None,
    typer.Option(
        "--hosts",
        metavar="FILE",
        help="Also the machines of a hosts file: can each be reached, and what is there. The backends that it names are looked for there.",
    ),
]


def doctor(hosts: Hosts = None, json: Json = False) -> None:
    """What is here, what each backend lacks, and how to get it.

    \b
    Examples:
      omgate doctor
      omgate doctor --json | python -m json.tool
      omgate doctor --hosts hosts.toml
    """
    from bench.doctor import examine
    from bench.hosts import HOSTS, read

    os.environ.pop(HOSTS, None)
    if hosts is not None:
        os.environ[HOSTS] = str(read(hosts.absolute()).path)
    try:
        found = examine(common.CASES)
    finally:
        os.environ.pop(HOSTS, None)
    if json:
        print_json(found)
        return
    screen = console()
    machine = table("machine", "")
    for name, value in _machine(found.environment):
        machine.add_row(name, value or "[dim]not found[/dim]")
    screen.print(machine)
    for host in found.hosts:
        there = table(f"host {host.name}", "")
        for name, value in _reached(host):
            there.add_row(name, value or "[dim]not found[/dim]")
        screen.print("", there)
    sets = table("case", "test set")
    for case in found.cases:
        images = f"{case.images} images" if case.images is not None else "not here"
        sets.add_row(case.name, f"{images}, synthetic" if case.synthetic else images)
    screen.print("", sets)
    backends = table("case", "backend", "can run", "baselines")
    for state in found.backends:
        stored = ", ".join(state.baselines) or "none"
        backends.add_row(state.case, state.backend, "yes" if state.available else "no", stored)
    screen.print("", backends)
    # Below the tables and never wrapped: the way out is often a command to be copied.
    missing = [host.problem for host in found.hosts if host.problem]
    missing += [f"{case.name}: {case.missing}" for case in found.cases if case.missing]
    missing += [
        f"{state.case} on {state.backend}: {'; '.join(text for text in (state.reason, state.way_out) if text)}"
        for state in found.backends
        if not state.available
    ]
    if missing or found.problems:
        print("\nwhat is missing, and the way out")
    for text in (*missing, *found.problems):
        print(f"  {text}")


def _reached(state: HostState) -> list[tuple[str, str | None]]:
    first: list[tuple[str, str | None]] = [
        ("ssh", state.ssh),
        ("reached", "no" if state.environment is None else "yes"),
        ("backends", ", ".join(state.backends) or "none"),
    ]
    if state.environment is None:
        return first
    unknown = [("not told there", ", ".join(state.unknown))] if state.unknown else []
    return [*first, *_machine(state.environment), *unknown]


def _machine(found: Environment) -> list[tuple[str, str | None]]:
    host = found.host
    memory = f"{host.memory_bytes / 1024**3:.0f} GiB" if host.memory_bytes else None
    versions = [f"{name} {version}" for name, version in found.packages.items() if name != "mindspore"]
    axes = found.axes()
    return [
        ("host", ", ".join(text for text in (host.name, host.os, host.architecture, memory) if text)),
        ("processor", found.processor_key()),
        ("container", axes["container"]),
        ("python", f"{found.python}; {', '.join(versions)}"),
        ("framework", found.framework),
        ("devices", axes["devices"] or ("no Ascend device" if found.soc == "cpu" else None)),
        ("soc", found.soc),
        ("driver, firmware", ", ".join(text for text in (found.driver, found.firmware) if text)),
        ("CANN", f"{axes['cann']} ({found.cann.path})" if found.cann else None),
        ("SDK", f"{axes['sdk'] or 'unknown version'} ({found.sdk.path})" if found.sdk else None),
    ]
