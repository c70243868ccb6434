"""The Ascend chips of this machine: the tables of `npu-smi info`, the nodes in /dev, the SoC that they make, what they do now."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from dataclasses import dataclass

import msgspec

from bench.places import Places, glob
from reports.monitor import ChipSample

NPU_SMI_SECONDS = 5.0
"""Time limit of one `npu-smi info`, in seconds: eight chips answer in 1 to 3 s; a stuck driver never does."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One Ascend chip, as `npu-smi info` names it; from the device nodes alone only `node` is known."""

    npu: int | None = None
    chip: int | None = None
    name: str | None = None
    bus: str | None = None
    memory_bytes: int | None = None
    node: str | None = None


@dataclass(frozen=True)
class NpuSmi:
    """What one `npu-smi info` says: driver version, chips, and their health at that moment."""

    driver: str | None = None
    devices: tuple[Device, ...] = ()
    health: tuple[str, ...] = ()


def ask(where: Places) -> NpuSmi:
    """What `npu-smi info` says here; nothing where it is missing, fails, or takes too long."""
    text = _run(where, "info")
    return NpuSmi() if text is None else parse_npu_smi(text)


def _run(where: Places, *arguments: str) -> str | None:
    """What npu-smi prints; None where it is missing, fails, or takes too long."""
    program = shutil.which("npu-smi", path=where.environ.get("PATH", ""))
    if program is None:
        usual = [where.at("/usr/local/bin/npu-smi"), where.at("/usr/local/sbin/npu-smi")]
        program = next((str(path) for path in usual if os.access(path, os.X_OK) and path.is_file()), None)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=NPU_SMI_SECONDS,
            env=dict(where.environ),
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    # It says what is wrong on stdout or stderr, depending on the version: any failure is "unknown".
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


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


def device_nodes(where: Places) -> tuple[Device, ...]:
    """The chips that /dev shows; none without the manager's node, because nothing can use them then."""
    folder = where.at("/dev")
    if not (folder / "davinci_manager").exists():
        return ()
    names = [path.name for path in glob(folder, "davinci*")]
    numbers = sorted(int(name[7:]) for name in names if name[7:].isdigit())
    return tuple(Device(node=f"/dev/davinci{number}") for number in numbers)


def soc_of(devices: tuple[Device, ...]) -> str | None:
    """`cpu` without devices, else the SoC's name as atc spells it; None for unnamed or mixed devices."""
    if not devices:
        return "cpu"
    names = {soc_name(device.name) if device.name else None for device in devices}
    return names.pop() if len(names) == 1 else None


def soc_name(chip: str) -> str:
    """The SoC's name of a chip as npu-smi names it: 310 and MiniD are Ascend310, 910 and 910A are Ascend910."""
    name = re.sub(r"^ascend\s*", "", chip, flags=re.IGNORECASE).upper()
    return "Ascend" + {"MINID": "310", "910A": "910", "710": "310P"}.get(name, name)


# --- while something is measured ----------------------------------------------------------------------------------------------

KEYS = {
    "memory usage rate(%)": "memory_percent",
    "hbm usage rate(%)": "hbm_percent",
    "aicore usage rate(%)": "aicore_percent",
    "aicore freq(mhz)": "rated_mhz",
    "aicore curfreq(mhz)": "frequency_mhz",
    "temperature(c)": "temperature_celsius",
    # Not "Rated Power Dissipation(W)" of a 310, which is a rating and no measurement.
    "npu real-time power(w)": "power_watts",
}
"""Lines of `npu-smi info -t common -i N`, in lower case without blanks around them -> the field of a ChipSample."""


def sample(where: Places, npus: tuple[int, ...]) -> tuple[ChipSample, ...]:
    """What the chips of these NPUs do now; none where npu-smi is missing, fails or takes too long. 0.1 s and more for each NPU."""
    found: list[ChipSample] = []
    for npu in npus:
        text = _run(where, "info", "-t", "common", "-i", str(npu))
        found += parse_common(text, npu) if text is not None else ()
    return tuple(found)


def parse_common(text: str, npu: int) -> tuple[ChipSample, ...]:
    """The `key : value` lines of `npu-smi info -t common`, one block a chip; the MCU's block, and keys of other versions, are passed over."""
    chips: dict[int, dict[str, float]] = {}
    values: dict[str, float] | None = None
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        name = " ".join(key.split()).lower()
        if not separator:
            continue
        if name == "chip id":
            number = _number(value)
            values = None if number is None else chips.setdefault(int(number), {})
        elif name == "chip name":  # of the MCU, which has a temperature and a power of its own
            values = None
        elif values is not None and name in KEYS and (number := _number(value)) is not None:
            values[KEYS[name]] = number
    return tuple(ChipSample(npu=npu, chip=chip, **found) for chip, found in chips.items())


def _number(text: str) -> float | None:
    """A finite number, None for NA, - and the like."""
    try:
        value = float(text.strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None
