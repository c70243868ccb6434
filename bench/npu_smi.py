"""The Ascend chips of this machine: the tables of `npu-smi info`, the nodes in /dev, the SoC that they make."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

import msgspec

from bench.places import Places, glob

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
