"""What the run ran on and what it measured: environment, digests, options, as rows of name and value."""

from __future__ import annotations

from typing import Any

from reports.fingerprint import axes_of, backends_elsewhere, environment_of
from reports.html import shown
from reports.html.source import Source
from reports.html.words import AXES, Both

Line = tuple[str | Both, str]


def environment(source: Source) -> list[Line]:
    """The axes that are compared between runs; those that are not known are named as such where they matter."""
    axes = axes_of(source.run.environment)
    memory = (source.run.environment.get("host") or {}).get("memory_bytes")
    lines: list[Line] = [
        (_name(axis), value) for axis, value in axes.items() if not axis.startswith(("package ", "variable "))
    ]
    if memory:
        lines.append((Both("memory", "内存"), shown.bytes_(memory)))
    for backend in backends_elsewhere(source.run.environment):
        lines += _elsewhere(source, backend)
    return lines


def _elsewhere(source: Source, backend: str) -> list[Line]:
    """The axes of the host that a backend lives on, each with the backend's name."""
    axes = axes_of(environment_of(source.run.environment, backend))
    return [
        (Both(f"{_name(axis).en} ({backend})", f"{_name(axis).zh}（{backend}）"), value)
        for axis, value in axes.items()
        if not axis.startswith(("package ", "variable "))
    ]


def details(source: Source) -> list[Line]:
    """Packages and environment variables."""
    axes = axes_of(source.run.environment)
    return [
        (axis.partition(" ")[2], value)
        for axis, value in axes.items()
        if axis.startswith(("package ", "variable "))
    ]


def missing(source: Source) -> Both | None:
    """The axes of the Ascend stack that are not there, in one line; None where all are."""
    run = source.run
    axes = axes_of(run.environment)
    for backend in backends_elsewhere(run.environment):
        axes |= axes_of(environment_of(run.environment, backend))
    absent = [AXES[axis] for axis in ("cann", "driver", "firmware", "sdk") if axis not in axes]
    if not absent:
        return None
    return Both(
        f"Not found on this machine: {', '.join(name.en for name in absent)}.",
        f"本机未发现：{'、'.join(name.zh for name in absent)}。",
    )


def digests(source: Source) -> list[Line]:
    """Of model files, data, case files, and the code."""
    found = source.run.digests
    lines: list[Line] = [
        (Both(f"model {name}", f"模型 {name}"), value) for name, value in found.models.items()
    ]
    lines += [
        (Both(f"data {name}", f"数据 {name}"), value or shown.DASH) for name, value in found.data.items()
    ]
    lines += [(Both(f"case {name}", f"用例 {name}"), value) for name, value in found.cases.items()]
    if found.commit:
        state = {True: "", False: " + changes", None: ""}[found.clean]
        lines.append((Both("code commit", "代码提交"), found.commit + state))
    return lines


def options(source: Source) -> list[Line]:
    """What was asked for, as the command's options; where things lie on that machine is left out."""
    return [
        (f"--{name.replace('_', '-')}", _said(value))
        for name, value in source.run.options.items()
        if name not in ("run_dir", "cases_dir")
    ]


def _said(value: Any) -> str:
    if value is True:
        return shown.DASH
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _name(axis: str) -> Both:
    return AXES.get(axis, Both(axis, axis))
