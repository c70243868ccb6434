"""What a run ran on: host, Python, packages, framework, Ascend devices, driver, firmware, CANN, MindX SDK.

Every item may be missing (a container without driver mounts, a machine without a device); it is then None,
never an error.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import re
import socket
import time
from typing import Any

import msgspec

from bench import inside, npu_smi, versions
from bench.npu_smi import Device
from bench.places import Places, keys_of, parse_keys, text_of
from bench.versions import Cann, Sdk

PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "opencv-python",
    "simplejpeg",
    "onnxruntime",
    "onnx",
    "mindspore",
    "mindspore-ascend",
    "mindspore-lite",
    "scipy",
    "polars",
    "execnet",
    "msgspec",
    "pytest",
    "pytest-benchmark",
)
"""Distributions whose version can change a count, a time or a verdict; metadata only, never imported."""

FRAMEWORKS = ("mindspore", "mindspore-ascend")

VARIABLES = (
    # Which libraries and devices a program sees (CANN's set_env.sh, the deliverable's scripts).
    "ASCEND_HOME",
    "ASCEND_VERSION",
    "ARCH_PATTERN",
    "ASCEND_TOOLKIT_HOME",
    "ASCEND_HOME_PATH",
    "ASCEND_OPP_PATH",
    "ASCEND_AICPU_PATH",
    "ASCEND_CUSTOM_OPP_PATH",
    "TOOLCHAIN_HOME",
    "ASCEND_RT_VISIBLE_DEVICES",
    "ASCEND_VISIBLE_DEVICES",
    "ASCEND_DEVICE_ID",
    "DEVICE_ID",
    "RANK_ID",
    "RANK_SIZE",
    "RANK_TABLE_FILE",
    "SERVER_ID",
    "MX_SDK_HOME",
    "MXSDK_OPENSOURCE_DIR",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_SCANNER",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "LD_PRELOAD",
    # Log levels: they cost time, and MindSpore's is also read by other programs.
    "GLOG_v",
    "GLOG_logtostderr",
    "ASCEND_GLOBAL_LOG_LEVEL",
    "ASCEND_SLOG_PRINT_TO_STDOUT",
    # Threads of the CPU backends.
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
"""Environment variables that change results; only those that are set are recorded."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """The machine. `cores` are those this process may use (affinity, container quota); `memory_bytes` is installed."""

    name: str | None = None
    os: str | None = None
    kernel: str | None = None
    architecture: str | None = None
    processor: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """The container around this process. Docker does not tell its image: set OMGATE_IMAGE to have it recorded."""

    kind: str
    image: str | None = None


class Volatile(msgspec.Struct, frozen=True, kw_only=True):
    """What changes by itself: recorded, never compared."""

    recorded: str | None = None
    pid: int | None = None
    uptime_seconds: float | None = None
    free_memory_bytes: int | None = None
    load: float | None = None
    health: tuple[str, ...] = ()


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The fingerprint of a machine at one moment. `soc`: `cpu` without Ascend devices, None where unclear."""

    host: Host
    python: str
    packages: dict[str, str]
    framework: str | None
    soc: str | None
    devices: tuple[Device, ...]
    driver: str | None
    firmware: str | None
    cann: Cann | None
    sdk: Sdk | None
    variables: dict[str, str]
    container: Container | None
    volatile: Volatile
    hosts: tuple[FarEnvironment, ...] = ()
    """The other hosts that backends of the run live on; what is said above is this machine's, where the harness runs."""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain dicts and lists, ready for run.json; without `hosts` where there is none."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        for environment in (plain, *(host["environment"] for host in plain["hosts"])):
            if not environment["hosts"]:
                del environment["hosts"]
        return plain

    def axes(self) -> dict[str, str | None]:
        """The named subset along which two runs are compared, as text; None where it is unknown or absent."""
        devices = sorted({device.name or "unknown" for device in self.devices})
        return {
            "soc": self.soc,
            "devices": f"{len(self.devices)} x {', '.join(devices)}" if self.devices else None,
            "driver": self.driver,
            "firmware": self.firmware,
            "cann": _join(self.cann.kind, self.cann.version) if self.cann else None,
            "sdk": _join(self.sdk.product, self.sdk.version) if self.sdk else None,
            "framework": self.framework,
            "python": self.python,
            "numpy": self.packages.get("numpy"),
            "opencv": self.packages.get("opencv-python-headless") or self.packages.get("opencv-python"),
            "onnxruntime": self.packages.get("onnxruntime"),
            "os": self.host.os,
            "processor": self.processor_key(),
            "container": self.container.image or self.container.kind if self.container else None,
        }

    def processor_key(self) -> str | None:
        """What two CPU timings must share to be comparable: processor and usable cores; None where unknown."""
        if self.host.processor is None or self.host.cores is None:
            return None
        return f"{self.host.processor}, {self.host.cores} cores"


class FarEnvironment(msgspec.Struct, frozen=True, kw_only=True):
    """A host of the hosts file and the backends that live there. `unknown`: what could not be found out over there."""

    name: str
    ssh: str
    backends: tuple[str, ...]
    environment: Environment
    unknown: tuple[str, ...] = ()


def fingerprint(places: Places | None = None) -> Environment:
    """The environment of this process. Never raises; takes under 50 ms where there is no `npu-smi`."""
    where = places if places is not None else Places()
    container = inside.current() if places is None else None
    image = container if container and not container.emulated else None
    smi = npu_smi.ask(where)
    devices = smi.devices or npu_smi.device_nodes(where)
    packages = _packages()
    return Environment(
        host=_host(where),
        python=platform.python_version(),
        packages=packages,
        framework=next((f"{name} {packages[name]}" for name in FRAMEWORKS if name in packages), None),
        soc=npu_smi.soc_of(devices),
        devices=devices,
        driver=versions.driver(where) or smi.driver,
        firmware=versions.firmware(where),
        cann=image.cann if image else versions.cann(where),
        sdk=image.sdk if image else versions.sdk(where),
        variables={name: where.environ[name] for name in VARIABLES if name in where.environ},
        container=_container(where),
        volatile=_volatile(where, smi.health),
    )


def _join(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None


def _host(where: Places) -> Host:
    release = keys_of(where.at("/etc/os-release"))
    name = release.get("pretty_name", "").strip('"') or None
    return Host(
        name=socket.gethostname() or None,
        os=name or platform.system() or None,
        kernel=platform.release() or None,
        architecture=platform.machine() or None,
        processor=parse_processor(text_of(where.at("/proc/cpuinfo")) or "") or platform.processor() or None,
        cores=_cores(where),
        memory_bytes=_memory_bytes(where, "MemTotal"),
    )


def parse_processor(cpuinfo: str) -> str | None:
    """The processor model from the text of /proc/cpuinfo.

    A cloud host may say no more than "Xeon Processor @ 2.80GHz", so family, model and stepping are added; Arm
    gives only an implementer and a part number.
    """
    first: dict[str, str] = {}
    for line in cpuinfo.split("\n\n", 1)[0].splitlines():
        key, separator, value = line.partition(":")
        if separator:
            first[key.strip().lower()] = value.strip()
    numbers = [first.get(key) for key in ("cpu family", "model", "stepping")]
    if "model name" in first:
        suffix = f" ({'/'.join(str(number) for number in numbers)})" if all(numbers) else ""
        return " ".join(first["model name"].split()) + suffix
    if "cpu implementer" in first and "cpu part" in first:
        return f"Arm implementer {first['cpu implementer']} part {first['cpu part']}"
    return None


def _cores(where: Places) -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count()
    quota, _, period = (text_of(where.at("/sys/fs/cgroup/cpu.max")) or "").strip().partition(" ")
    if cores is not None and quota.isdigit() and period.isdigit() and int(period):
        cores = max(1, min(cores, math.ceil(int(quota) / int(period))))
    return cores


def _memory_bytes(where: Places, key: str) -> int | None:
    found = re.search(rf"^{key}:\s+(\d+) kB", text_of(where.at("/proc/meminfo")) or "", re.MULTILINE)
    return int(found.group(1)) * 1024 if found else None


def _container(where: Places) -> Container | None:
    image = where.environ.get("OMGATE_IMAGE")
    podman = text_of(where.at("/run/.containerenv"))
    if podman is not None:
        return Container(kind="podman", image=image or parse_keys(podman).get("image", "").strip('"') or None)
    if where.at("/.dockerenv").exists():
        return Container(kind="docker", image=image)
    groups = text_of(where.at("/proc/1/cgroup")) or ""
    for kind in ("docker", "kubepods", "containerd", "lxc"):
        if kind in groups:
            return Container(kind=kind, image=image)
    return Container(kind="unknown", image=image) if image else None


def _volatile(where: Places, health: tuple[str, ...]) -> Volatile:
    uptime = (text_of(where.at("/proc/uptime")) or "").split()
    load = (text_of(where.at("/proc/loadavg")) or "").split()
    return Volatile(
        recorded=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        pid=os.getpid(),
        uptime_seconds=_number(uptime[0]) if uptime else None,
        free_memory_bytes=_memory_bytes(where, "MemAvailable"),
        load=_number(load[0]) if load else None,
        health=health,
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _packages() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            version: str | None = importlib.metadata.version(name)
        except Exception:  # a broken dist-info raises whatever its parser raises; the fingerprint never fails
            version = None
        if version:
            found[name] = version
    return found
