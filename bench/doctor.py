"""What is here and what is missing: the machine, the data of each case, each backend and its baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.environment import Environment, fingerprint
from cases.errors import OmgateError

if TYPE_CHECKING:
    from cases.case import Case


class CaseState(msgspec.Struct, frozen=True, kw_only=True):
    """A case and its test set. `images` is None where the set is not here; `missing` then says what and how to get it."""

    name: str
    title: str
    synthetic: bool
    images: int | None
    missing: str | None


class BackendState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a backend can run a case here, else why not and the way out; `baselines` as `<soc>-<precision>`."""

    case: str
    backend: str
    available: bool
    reason: str | None
    way_out: str | None
    baselines: tuple[str, ...]


class HostState(msgspec.Struct, frozen=True, kw_only=True):
    """A host of the hosts file: what is there, or in `problem` why it can't be told; `unknown`: what it could not be asked."""

    name: str
    ssh: str
    python: str
    backends: tuple[str, ...]
    environment: Environment | None
    unknown: tuple[str, ...] = ()
    problem: str | None = None


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """All that `omgate doctor` knows. `problems`: case files that can't be read, one line each."""

    environment: Environment
    cases: tuple[CaseState, ...]
    backends: tuple[BackendState, ...]
    problems: tuple[str, ...]
    hosts: tuple[HostState, ...] = ()


def examine(cases_folder: Path) -> Diagnosis:
    """The diagnosis of this machine, and of those of the hosts file. A case file that can't be read is a problem in it, not an exception."""
    from cases.case import discover, load

    states: list[CaseState] = []
    backends: list[BackendState] = []
    problems: list[str] = []
    for path in discover(cases_folder):
        try:
            case = load(path)
        except OmgateError as error:
            problems.append(str(error))
            continue
        states.append(_case(case))
        backends += [_backend(case, name) for name in case.backends]
    return Diagnosis(
        environment=fingerprint(),
        cases=tuple(states),
        backends=tuple(backends),
        problems=tuple(problems),
        hosts=_hosts(),
    )


def _hosts() -> tuple[HostState, ...]:
    from bench.far import look
    from bench.hosts import current
    from bench.ssh import HostError

    hosts = current()
    states = []
    for host in hosts.hosts if hosts else ():
        assert hosts is not None
        uses = tuple(name for name, use in hosts.uses.items() if use.host == host)
        state = HostState(name=host.name, ssh=host.ssh, python=host.python, backends=uses, environment=None)
        try:
            found = look(host, hosts)
        except HostError as error:
            states.append(msgspec.structs.replace(state, problem=str(error)))
            continue
        states.append(msgspec.structs.replace(state, environment=found.environment, unknown=found.unknown))
    return tuple(states)


def _case(case: Case) -> CaseState:
    images = None
    if case.data.present:
        images = sum(path.is_file() for path in (case.data.root / "images").iterdir())
    return CaseState(
        name=case.name,
        title=case.title,
        synthetic=case.synthetic,
        images=images,
        missing=None if case.data.present else case.data.way_out,
    )


def _backend(case: Case, name: str) -> BackendState:
    """The model and the runtime alone: whether the data are here is the case's line."""
    from bench.backends import get
    from bench.backends.base import Options

    baselines = case.folder / "baselines" / case.name
    found = tuple(path.stem.removeprefix(f"{name}-") for path in sorted(baselines.glob(f"{name}-*-*.json")))
    try:
        availability = get(name).available(case, Options())
    except OmgateError as error:  # a backend that this version does not have
        return BackendState(
            case=case.name, backend=name, available=False, reason=str(error), way_out=None, baselines=found
        )
    return BackendState(
        case=case.name,
        backend=name,
        available=availability.ok,
        reason=availability.reason or None,
        way_out=availability.way_out or None,
        baselines=found,
    )
