"""`omgate doctor`: what is here, what each backend lacks, and how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.commands import common
from bench.commands.common import Json, console, print_json, table

if TYPE_CHECKING:
    from bench.environment import Environment


def doctor(json: Json = False) -> None:
    """What is here, what each backend lacks, and how to get it.

    \b
    Examples:
      omgate doctor
      omgate doctor --json | python -m json.tool
    """
    from bench.doctor import examine

    found = examine(common.CASES)
    if json:
        print_json(found)
        return
    screen = console()
    machine = table("machine", "")
    for name, value in _machine(found.environment):
        machine.add_row(name, value or "[dim]not found[/dim]")
    screen.print(machine)
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
    missing = [f"{case.name}: {case.missing}" for case in found.cases if case.missing]
    missing += [
        f"{state.case} on {state.backend}: {'; '.join(text for text in (state.reason, state.way_out) if text)}"
        for state in found.backends
        if not state.available
    ]
    if missing or found.problems:
        print("\nwhat is missing, and the way out")
    for text in (*missing, *found.problems):
        print(f"  {text}")


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
