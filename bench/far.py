"""What a host of the hosts file has, asked once: its survey, its environment by the rules of this machine's own, its model files."""

from __future__ import annotations

import functools
import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from bench import npu_smi, ssh, versions
from bench.environment import (
    FRAMEWORKS,
    PACKAGES,
    VARIABLES,
    Container,
    Environment,
    FarEnvironment,
    Host,
    Volatile,
    parse_processor,
)
from bench.hosts import Host as Reached
from bench.hosts import Hosts
from bench.npu_smi import Device
from bench.places import Places, keys_of, text_of
from bench.sdk import CANN_SCRIPTS, MARKER, SdkHome
from bench.ssh import HostError
from cases.wording import shown

OLDEST = (3, 7)
"""The syntax of a worker."""

MODULES = ("numpy", "onnxruntime", "mindspore", "mindx.sdk.base", "StreamManagerApi")

OF_HOME = ("MX_SDK_HOME", "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_HOME")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model file over there: its digest and first bytes (hex), or why it can't be read."""

    sha256: str = ""
    begin: str = ""
    problem: str = ""


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What bench/workers/survey.py tells. `environ`: what a worker gets on top of what ssh gives it."""

    python: str
    host: str
    environ: dict[str, str] = {}
    variables: dict[str, str] = {}
    system: str = ""
    release: str = ""
    architecture: str = ""
    processor: str = ""
    cores: int | None = None
    home: str = "/"
    packages: dict[str, str] = {}
    modules: tuple[str, ...] = ()
    files: dict[str, str] = {}
    nodes: tuple[str, ...] = ()
    npu_smi: str | None = None
    models: dict[str, Model] = {}
    cache: str | None = None
    sdk_python: tuple[str, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A host that answered."""

    survey: Survey
    environment: Environment
    unknown: tuple[str, ...]

    @property
    def sdk(self) -> SdkHome | None:
        """The SDK's home over there."""
        home = self.environment.sdk
        if home is None or home.path is None:
            return None
        return SdkHome(Path(home.path), f"{home.path}/{MARKER}" in self.survey.files, home.version)


def look(host: Reached, hosts: Hosts) -> Found:
    """What is on a host; it is asked once a process. Raises HostError, each time, where it can't be used."""
    found = _looked(host, _models(hosts, host))
    if isinstance(found, HostError):
        raise found
    return found


def _models(hosts: Hosts, host: Reached) -> tuple[str, ...]:
    named = {use.model for use in hosts.uses.values() if use.host == host and use.model}
    return tuple(sorted(named))


@functools.lru_cache(maxsize=64)
def _looked(host: Reached, models: tuple[str, ...]) -> Found | HostError:
    """An unreachable host is remembered, too: each case on each of its backends asks for it."""
    plan = {
        "modules": MODULES,
        "packages": PACKAGES,
        "variables": VARIABLES,
        "environ": dict(host.environment),
        "set_env": host.set_env,
        "scripts": CANN_SCRIPTS,
        "models": models,
    }
    try:
        survey = _decoded(host, ssh.ask(host, "survey", plan))
        with tempfile.TemporaryDirectory(prefix="omgate-far-") as folder:
            environment = environment_of(survey, Path(folder))
    except HostError as error:
        return error
    return Found(survey=survey, environment=environment, unknown=tuple(_unknown(survey, environment)))


def _decoded(host: Reached, answer: bytes) -> Survey:
    try:
        survey = msgspec.json.decode(answer, type=Survey)
    except msgspec.DecodeError as error:
        raise HostError(f"{host}: its answer can't be read ({error}); try {ssh.by_hand(host)}") from None
    version = tuple(int(part) for part in re.findall(r"\d+", survey.python)[:2])
    if version < OLDEST:
        raise HostError(
            f"{host}: {shown(host.python)} is Python {shown(survey.python)}, a worker needs 3.7 or newer; "
            "name another interpreter with python = in the hosts file"
        )
    if "numpy" not in survey.modules:
        raise HostError(
            f"{host}: {shown(host.python)} (Python {shown(survey.python)}) has no numpy, which a worker needs; "
            "install it there, or name another interpreter with python = in the hosts file"
        )
    return survey


# --- its environment ----------------------------------------------------------------------------------------------------------


def environment_of(survey: Survey, root: Path) -> Environment:
    """The fingerprint of a surveyed host; its version files are read by this machine's rules, from copies below `root`."""
    for name, content in survey.files.items():
        _copy(root, name, content)
    where = _places(survey, root)
    smi = npu_smi.parse_npu_smi(survey.npu_smi or "")
    devices = smi.devices or _nodes(survey)
    cann, sdk = versions.cann(where), versions.sdk(where)
    return Environment(
        host=_host(survey, where),
        python=survey.python,
        packages=survey.packages,
        framework=next(
            (f"{name} {survey.packages[name]}" for name in FRAMEWORKS if name in survey.packages), None
        ),
        soc=npu_smi.soc_of(devices),
        devices=devices,
        driver=versions.driver(where) or smi.driver,
        firmware=versions.firmware(where),
        cann=msgspec.structs.replace(cann, path=_there(cann.path, root)) if cann else None,
        sdk=msgspec.structs.replace(sdk, path=_there(sdk.path, root)) if sdk else None,
        variables=survey.variables,
        container=_container(survey),
        volatile=Volatile(health=smi.health),
    )


def _copy(root: Path, name: str, content: str) -> None:
    """A file of the host below `root`, never beside it."""
    path = root / name.lstrip("/")
    if ".." in path.parts or not name.startswith("/"):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", errors="replace")


def _places(survey: Survey, root: Path) -> Places:
    values = {**survey.variables, **survey.environ}
    environ = {name: str(root / values[name].lstrip("/")) for name in OF_HOME if values.get(name)}
    return Places(root=root, home=root / survey.home.lstrip("/"), environ=environ)


def _there(path: str | None, root: Path) -> str | None:
    return None if path is None else path.removeprefix(str(root)) or "/"


def _host(survey: Survey, where: Places) -> Host:
    memory = re.search(r"^MemTotal:\s+(\d+) kB", text_of(where.at("/proc/meminfo")) or "", re.MULTILINE)
    return Host(
        name=survey.host or None,
        os=keys_of(where.at("/etc/os-release")).get("pretty_name", "").strip('"') or survey.system or None,
        kernel=survey.release or None,
        architecture=survey.architecture or None,
        processor=parse_processor(survey.files.get("/proc/cpuinfo", "")) or survey.processor or None,
        cores=survey.cores,
        memory_bytes=int(memory[1]) * 1024 if memory else None,
    )


def _nodes(survey: Survey) -> tuple[Device, ...]:
    if "davinci_manager" not in survey.nodes:
        return ()
    numbers = sorted(int(name[7:]) for name in survey.nodes if name[7:].isdigit())
    return tuple(Device(node=f"/dev/davinci{number}") for number in numbers)


def _container(survey: Survey) -> Container | None:
    """Docker and Podman leave these files; the image is not told."""
    kinds = {"/run/.containerenv": "podman", "/.dockerenv": "docker"}
    return next((Container(kind=kind) for file, kind in kinds.items() if file in survey.files), None)


def _unknown(survey: Survey, environment: Environment) -> list[str]:
    """What could not be found out over there and would be there on a machine with Ascend devices; on another one nothing is missed."""
    if not environment.devices:
        return []
    found = {
        "npu-smi": survey.npu_smi,
        "soc": environment.soc,
        "driver": environment.driver,
        "firmware": environment.firmware,
        "cann": environment.cann,
    }
    return [name for name, value in found.items() if not value]


def recorded(hosts: Hosts | None, backends: tuple[str, ...]) -> tuple[FarEnvironment, ...]:
    """The environments of the hosts that these backends live on, for the run record."""
    made = []
    for host in hosts.hosts if hosts else ():
        mine = tuple(name for name in backends if name in hosts.uses and hosts.uses[name].host == host)  # type: ignore[union-attr]
        if mine:
            found = look(host, hosts)  # type: ignore[arg-type]
            made.append(
                FarEnvironment(
                    name=host.name,
                    ssh=host.ssh,
                    backends=mine,
                    environment=found.environment,
                    unknown=found.unknown,
                )
            )
    return tuple(made)


# --- its files ----------------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def send(host: Reached, cache: str, file: Path, digest: str) -> str:
    """The path over there of a model file of this machine, which is sent where it is not there yet. Raises HostError.

    Over there it is known by its digest, so a changed model never takes an old one's place.
    """
    plan: dict[str, Any] = {
        "folder": f"{cache}/models",
        "name": f"{digest}{file.suffix}",
        "sha256": digest,
    }
    path = _path(host, ssh.ask(host, "receive", {**plan, "check": True}))
    if path is None:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise HostError(f"{shown(file)}: can't be read: {error.strerror}") from None
        path = _path(host, ssh.ask(host, "receive", {**plan, "check": False}, content))
    if path is None:
        raise HostError(f"{host}: {shown(file)} did not arrive; try again")
    return path


def _path(host: Reached, answer: bytes) -> str | None:
    try:
        found: str | None = msgspec.json.decode(answer, type=str | None)
    except msgspec.DecodeError as error:
        raise HostError(f"{host}: its answer can't be read ({error}); try {ssh.by_hand(host)}") from None
    return found
