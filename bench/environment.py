"""What a run ran on: host, Python, packages, framework, Ascend devices, driver, firmware, CANN, MindX SDK.

Every item may be missing (a container without driver mounts, a machine without a device); it is then None,
never an error. Layouts of the files that are read here: CANN's `ascend_toolkit_install.info` and `version.cfg`
(CANN installation guide), the driver's, the firmware's and the Vision SDK's `version.info`, and the tables of
`npu-smi info`.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

NPU_SMI_SECONDS = 5.0
"""Time limit of one `npu-smi info`, in seconds: eight chips answer in 1 to 3 s; a stuck driver never does."""

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


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One Ascend chip, as `npu-smi info` names it; from the device nodes alone only `node` is known."""

    npu: int | None = None
    chip: int | None = None
    name: str | None = None
    bus: str | None = None
    memory_bytes: int | None = None
    node: str | None = None


class Cann(msgspec.Struct, frozen=True, kw_only=True):
    """The CANN that is in force: `kind` is `toolkit`, `nnrt` or `nnae`."""

    kind: str | None = None
    version: str | None = None
    inner_version: str | None = None
    path: str | None = None


class Sdk(msgspec.Struct, frozen=True, kw_only=True):
    """The MindX (Vision) SDK. `version` is None where `version.info` is missing or says nothing."""

    product: str | None = None
    version: str | None = None
    path: str | None = None


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

    def as_dict(self) -> dict[str, Any]:
        """The same as plain dicts and lists, ready for run.json."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
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


@dataclass(frozen=True)
class Places:
    """Where the fingerprint looks: file system root, home folder, environment variables (tests give their own)."""

    root: Path = Path("/")
    home: Path = field(default_factory=Path.home)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def at(self, path: str) -> Path:
        """An absolute path of the machine, below `root`."""
        return self.root / path.lstrip("/")


def fingerprint(places: Places | None = None) -> Environment:
    """The environment of this process. Never raises; takes under 50 ms where there is no `npu-smi`."""
    where = places if places is not None else Places()
    smi = _npu_smi(where)
    devices = smi.devices or _device_nodes(where)
    packages = _packages()
    return Environment(
        host=_host(where),
        python=platform.python_version(),
        packages=packages,
        framework=next((f"{name} {packages[name]}" for name in FRAMEWORKS if name in packages), None),
        soc=_soc(devices),
        devices=devices,
        driver=_driver(where) or smi.driver,
        firmware=_firmware(where),
        cann=_cann(where),
        sdk=_sdk(where),
        variables={name: where.environ[name] for name in VARIABLES if name in where.environ},
        container=_container(where),
        volatile=_volatile(where, smi.health),
    )


# --- text ---------------------------------------------------------------------------------------------------


def _text(path: Path) -> str | None:
    """The file's text, or None where it can't be read; undecodable bytes are replaced."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def parse_keys(text: str) -> dict[str, str]:
    """`key=value` lines as a dict with lower-case keys (their case varies between releases); skips other lines."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator and not key.lstrip().startswith("#"):
            values.setdefault(key.strip().lower(), value.strip())
    return values


def _join(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None


def _keys(path: Path) -> dict[str, str]:
    return parse_keys(_text(path) or "")


# --- host ---------------------------------------------------------------------------------------------------


def _host(where: Places) -> Host:
    release = _keys(where.at("/etc/os-release"))
    name = release.get("pretty_name", "").strip('"') or None
    return Host(
        name=socket.gethostname() or None,
        os=name or platform.system() or None,
        kernel=platform.release() or None,
        architecture=platform.machine() or None,
        processor=parse_processor(_text(where.at("/proc/cpuinfo")) or "") or platform.processor() or None,
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
    quota, _, period = (_text(where.at("/sys/fs/cgroup/cpu.max")) or "").strip().partition(" ")
    if cores is not None and quota.isdigit() and period.isdigit() and int(period):
        cores = max(1, min(cores, math.ceil(int(quota) / int(period))))
    return cores


def _memory_bytes(where: Places, key: str) -> int | None:
    found = re.search(rf"^{key}:\s+(\d+) kB", _text(where.at("/proc/meminfo")) or "", re.MULTILINE)
    return int(found.group(1)) * 1024 if found else None


def _container(where: Places) -> Container | None:
    image = where.environ.get("OMGATE_IMAGE")
    podman = _text(where.at("/run/.containerenv"))
    if podman is not None:
        return Container(kind="podman", image=image or parse_keys(podman).get("image", "").strip('"') or None)
    if where.at("/.dockerenv").exists():
        return Container(kind="docker", image=image)
    groups = _text(where.at("/proc/1/cgroup")) or ""
    for kind in ("docker", "kubepods", "containerd", "lxc"):
        if kind in groups:
            return Container(kind=kind, image=image)
    return Container(kind="unknown", image=image) if image else None


def _volatile(where: Places, health: tuple[str, ...]) -> Volatile:
    uptime = (_text(where.at("/proc/uptime")) or "").split()
    load = (_text(where.at("/proc/loadavg")) or "").split()
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


# --- Ascend: version files ----------------------------------------------------------------------------------


def _driver(where: Places) -> str | None:
    values = _keys(where.at("/usr/local/Ascend/driver/version.info"))
    return values.get("version") or values.get("package_version") or None


def _firmware(where: Places) -> str | None:
    values = _keys(where.at("/usr/local/Ascend/firmware/version.info"))
    # `firmware_version` is the format's number, not the firmware's.
    return values.get("version") or values.get("package_version") or None


_CANN_KINDS = ("toolkit", "nnrt", "nnae")


def _cann(where: Places) -> Cann | None:
    """The first CANN in this order: what set_env.sh exported, the usual folders of root, those of the user."""
    for folder in _cann_folders(where):
        found = read_cann(folder)
        if found is not None:
            return found
    return None


def _cann_folders(where: Places) -> list[Path]:
    exported = [
        where.environ[name] for name in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME") if where.environ.get(name)
    ]
    bases = [Path(where.environ["ASCEND_HOME"])] if where.environ.get("ASCEND_HOME") else []
    bases += [where.at("/usr/local/Ascend"), where.home / "Ascend"]
    usual = [
        base / name
        for base in bases
        for name in ("cann", "ascend-toolkit/latest", "nnrt/latest", "nnae/latest")
    ]
    return [Path(folder) for folder in exported] + usual


def read_cann(folder: Path) -> Cann | None:
    """The CANN installed in `folder`, or None where neither its install.info nor its version.cfg can be read."""
    for kind in _CANN_KINDS:
        name = f"ascend_{kind}_install.info"
        for path in (*sorted(_glob(folder, f"*-linux/{name}")), folder / name):
            values = _keys(path)
            if values.get("version"):
                return Cann(
                    kind=kind,
                    version=values["version"],
                    inner_version=values.get("innerversion") or None,
                    path=values.get("path") or str(folder),
                )
    versions = parse_version_cfg(_text(folder / "version.cfg") or "")
    version = versions.get("toolkit") or versions.get("runtime")
    if version is None:
        return None
    kind_of_folder = next((kind for kind in _CANN_KINDS if kind in str(folder)), None)
    return Cann(
        kind="toolkit" if "toolkit" in versions else kind_of_folder, version=version, path=str(folder)
    )


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return list(folder.glob(pattern))
    except OSError:
        return []


_VERSION_CFG = re.compile(r"^(\w+?)_(running|upgrade|installed)_version=\[(.*)\]\s*$", re.MULTILINE)


def parse_version_cfg(text: str) -> dict[str, str]:
    """Component -> external version of CANN's version.cfg; what runs goes before what is installed.

    A value is `[internal:external]`; the internal number is the component's own (7.6 for CANN 8.0). `installed`
    may hold several brackets: the last is the newest.
    """
    versions: dict[str, str] = {}
    rank: dict[str, int] = {}
    order = ("installed", "upgrade", "running")
    for component, state, value in _VERSION_CFG.findall(text):
        external = value.split("[")[-1].strip("[]").rpartition(":")[2].strip()
        if external and order.index(state) >= rank.get(component, -1):
            versions[component] = external
            rank[component] = order.index(state)
    return versions


def _sdk(where: Places) -> Sdk | None:
    exported = where.environ.get("MX_SDK_HOME")
    usual = where.at("/usr/local/sdk_home")
    folders = [Path(exported)] if exported else [usual, *sorted(_glob(usual, "mx*"))]
    for folder in folders:
        text = _text(folder / "version.info")
        if text is not None:
            product, version = parse_sdk_version(text)
            return Sdk(product=product, version=version, path=str(folder))
    return Sdk(path=exported) if exported and Path(exported).is_dir() else None


_SDK_VERSION = re.compile(
    r"^\s*(.*?)\s*(?:\bversion)?\s*:\s*([0-9][\w.+-]*)\s*$", re.IGNORECASE | re.MULTILINE
)


def parse_sdk_version(text: str) -> tuple[str | None, str | None]:
    """(product, version) of the SDK's version.info, such as ("mxVision", "7.1.RC1"); its wording varies."""
    found = _SDK_VERSION.search(text)
    if found is None:
        return None, None
    words = found.group(1).split()
    return (words[-1] if words else None), found.group(2)


# --- Ascend: devices ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NpuSmi:
    """What one `npu-smi info` says: driver version, chips, and their health at that moment."""

    driver: str | None = None
    devices: tuple[Device, ...] = ()
    health: tuple[str, ...] = ()


def _npu_smi(where: Places) -> NpuSmi:
    program = shutil.which("npu-smi", path=where.environ.get("PATH", ""))
    if program is None:
        usual = [where.at("/usr/local/bin/npu-smi"), where.at("/usr/local/sbin/npu-smi")]
        program = next((str(path) for path in usual if os.access(path, os.X_OK) and path.is_file()), None)
    if program is None:
        return NpuSmi()
    try:
        done = subprocess.run(
            [program, "info"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=NPU_SMI_SECONDS,
            env=dict(where.environ),
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return NpuSmi()
    # It says what is wrong on stdout or stderr, depending on the version: any failure is "unknown".
    return parse_npu_smi(done.stdout.decode("utf-8", "replace")) if done.returncode == 0 else NpuSmi()


_CHIP_NAME = re.compile(r"^(?:Ascend\s*)?(310\w*|910\w*|950\w*|710|MiniD)$", re.IGNORECASE)
_BUS = re.compile(r"^[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]+$")


def parse_npu_smi(text: str) -> NpuSmi:
    """The table of `npu-smi info`, read by meaning: two rows a chip, cells split at `|`, then at blanks and `/`.

    A row whose first cell holds a number and a chip's name starts a chip (name, health); the row of numbers after
    it holds the chip's number, bus and memory in MB. The process table below names no chip. The second die of an
    NPU (910_93) repeats the first row. Unknown rows are skipped.
    """
    title = re.search(r"npu-smi\b.*?\bVersion:\s*([^\s|]+)", text)
    devices: list[Device] = []
    health: list[str] = []
    pending: tuple[int, str] | None = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        first = cells[0].split()
        if not line.strip().startswith("|") or len(cells) < 3 or not first or not first[0].isdigit():
            continue
        name = " ".join(first[1:])
        if _CHIP_NAME.match(name):
            pending = (int(first[0]), name)
            health.append(cells[1])
        elif pending is not None:
            bus = cells[1] if _BUS.match(cells[1]) else None
            devices.append(
                Device(
                    npu=pending[0],
                    chip=int(first[0]),
                    name=pending[1],
                    bus=bus,
                    memory_bytes=_device_memory(cells[2]),
                )
            )
            pending = None
    return NpuSmi(driver=title.group(1) if title else None, devices=tuple(devices), health=tuple(health))


def _device_memory(cell: str) -> int | None:
    """The largest total of a cell's `used / total` pairs, in bytes: HBM where there is one, else DDR."""
    totals = [int(total) for total in re.findall(r"\d+\s*/\s*(\d+)", cell)]
    return max(totals) * 1024 * 1024 if totals and max(totals) > 0 else None


def _device_nodes(where: Places) -> tuple[Device, ...]:
    """The chips that /dev shows; none without the manager's node, because nothing can use them then."""
    folder = where.at("/dev")
    if not (folder / "davinci_manager").exists():
        return ()
    names = [path.name for path in _glob(folder, "davinci*")]
    numbers = sorted(int(name[7:]) for name in names if name[7:].isdigit())
    return tuple(Device(node=f"/dev/davinci{number}") for number in numbers)


def _soc(devices: tuple[Device, ...]) -> str | None:
    """`cpu` without devices, else the SoC's name as atc spells it; None for unnamed or mixed devices."""
    if not devices:
        return "cpu"
    names = {soc_name(device.name) if device.name else None for device in devices}
    return names.pop() if len(names) == 1 else None


def soc_name(chip: str) -> str:
    """The SoC's name of a chip as npu-smi names it: 310 and MiniD are Ascend310, 910 and 910A are Ascend910."""
    name = re.sub(r"^ascend\s*", "", chip, flags=re.IGNORECASE).upper()
    return "Ascend" + {"MINID": "310", "910A": "910", "710": "310P"}.get(name, name)
