"""Watches the machine in the background while speed is measured: chips, load, other processes, frequency. Samples go to monitor.jsonl."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import npu_smi
from bench.places import Places, glob, text_of
from reports.monitor import MONITOR_FILE, MonitorSample
from reports.run import instant

PERIOD_SECONDS = 1.0
"""Between two samples: npu-smi's own figures are of about a second."""

REST = 4.0
"""Times as long as a sample took is waited at least before the next one, so that watching takes a fifth of one core at most."""


@dataclass(frozen=True)
class _Cpu:
    """The processor's clocks at one moment, seconds since the machine started: all, idle, stolen; `own` of this run."""

    moment: float
    total: float
    idle: float
    stolen: float
    own: float


class Monitor:
    """Samples the machine from `begin` to `end`, in a thread; `group` is the worker's process group, once it is known."""

    def __init__(self, folder: Path, case: str, backend: str, where: Places | None = None) -> None:
        self._file = folder / MONITOR_FILE
        self._case = case
        self._backend = backend
        self._where = where or Places()
        self._stop = threading.Event()
        self._taking = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="omgate-monitor", daemon=True)
        self._npus: tuple[int, ...] = ()
        self._cpu: _Cpu | None = None
        self._throttles: int | None = None
        self._looked = 0
        self.group: int | None = None
        self.samples: list[MonitorSample] = []

    def begin(self) -> None:
        """Takes the sample before, and goes on in the background."""
        found = {device.npu for device in npu_smi.ask(self._where).devices if device.npu is not None}
        self._npus = tuple(sorted(found))
        self._cpu = _cpu(self._where, None)
        self._throttles = _throttles(self._where)
        self._take(before=True)
        self._thread.start()

    def look(self) -> tuple[MonitorSample, ...]:
        """Takes a sample now; returns it with those since the last look, and the one from before."""
        self._take()
        first, self._looked = self._looked, len(self.samples)
        before = [taken for taken in self.samples[:first] if taken.before]
        return (*before, *self.samples[first : self._looked])

    def end(self) -> None:
        """Ends the watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(npu_smi.NPU_SMI_SECONDS)

    def _watch(self) -> None:
        wait = PERIOD_SECONDS
        while not self._stop.wait(wait):
            started = time.monotonic()
            self._take()
            wait = max(PERIOD_SECONDS, REST * (time.monotonic() - started))

    def _take(self, before: bool = False) -> None:
        """One sample, kept and written; a full disk costs the file, not the run."""
        with self._taking:
            taken = self._sample(before)
            self.samples.append(taken)
            with contextlib.suppress(OSError), open(self._file, "ab") as file:
                file.write(msgspec.json.encode(taken) + b"\n")

    def _sample(self, before: bool) -> MonitorSample:
        then, now = self._cpu, _cpu(self._where, self.group)
        self._cpu = now
        busy = own = stolen = None
        if then and now and now.total > then.total and not before:
            seconds, cores = now.moment - then.moment, _cores(self._where)
            share = 1.0 - (now.idle - then.idle) / (now.total - then.total)
            stolen = (now.stolen - then.stolen) / (now.total - then.total)
            # A worker that has just come or gone brings or takes its past along.
            own = max(0.0, now.own - then.own) / seconds if seconds > 0 else None
            busy = max(0.0, share) * cores
        counted = _throttles(self._where)
        return MonitorSample(
            case=self._case,
            backend=self._backend,
            at=instant(datetime.now(UTC)),
            before=before,
            load=_first_number(text_of(self._where.at("/proc/loadavg"))),
            cores=_cores(self._where) or None,
            busy_cores=busy,
            own_cores=own,
            stolen_share=stolen,
            governor=_governor(self._where),
            frequency_mhz=_frequency_mhz(self._where),
            throttles=None if counted is None or self._throttles is None else counted - self._throttles,
            chips=npu_smi.sample(self._where, self._npus),
        )


@contextlib.contextmanager
def watching(folder: Path, case: str, backend: str, where: Places | None = None) -> Iterator[Monitor]:
    """A monitor that ends with the block."""
    monitor = Monitor(folder, case, backend, where)
    monitor.begin()
    try:
        yield monitor
    finally:
        monitor.end()


# --- reading ------------------------------------------------------------------------------------------------------------------


def _cpu(where: Places, group: int | None) -> _Cpu | None:
    """The processor's clocks of all and of this run, from /proc (proc(5)); None where there is none."""
    lines = (text_of(where.at("/proc/stat")) or "").splitlines()
    fields = lines[0].split() if lines else []
    if len(fields) < 9 or fields[0] != "cpu":
        return None
    tick = 1.0 / os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, waiting, interrupts, soft, stolen = (
        tick * float(field) for field in fields[1:9]
    )
    return _Cpu(
        moment=time.monotonic(),
        total=user + nice + system + idle + waiting + interrupts + soft + stolen,
        # What the hypervisor took nobody here used.
        idle=idle + waiting + stolen,
        stolen=stolen,
        own=sum(os.times()[:2]) + (_of_group(where, group) if group is not None else 0.0),
    )


def _of_group(where: Places, group: int) -> float:
    """Seconds of the processor that the living processes of a process group have used."""
    total, tick = 0, 1.0 / os.sysconf("SC_CLK_TCK")
    for folder in glob(where.at("/proc"), "[0-9]*"):
        # The name in brackets may hold blanks and brackets; what follows it has neither.
        fields = (text_of(folder / "stat") or "").rpartition(")")[2].split()
        if len(fields) > 12 and fields[2] == str(group):
            total += int(fields[11]) + int(fields[12])
    return tick * total


def _cores(where: Places) -> int:
    lines = (text_of(where.at("/proc/stat")) or "").splitlines()
    return sum(line.startswith("cpu") and line[3:4].isdigit() for line in lines)


CPUS = "/sys/devices/system/cpu"


def _governor(where: Places) -> str | None:
    """The frequency governors in use, None where the kernel tells none (a virtual machine)."""
    paths = glob(where.at(CPUS), "cpu[0-9]*/cpufreq/scaling_governor")
    return ", ".join(sorted({(text_of(path) or "").strip() for path in paths} - {""})) or None


def _frequency_mhz(where: Places) -> float | None:
    """The mean frequency of the cores now."""
    paths = glob(where.at(CPUS), "cpu[0-9]*/cpufreq/scaling_cur_freq")
    found = [value for path in paths if (value := _first_number(text_of(path))) is not None]
    return sum(found) / len(found) / 1000.0 if found else None


def _throttles(where: Places) -> int | None:
    """How often the cores have been throttled since the machine started."""
    paths = glob(where.at(CPUS), "cpu[0-9]*/thermal_throttle/core_throttle_count")
    found = [value for path in paths if (value := _first_number(text_of(path))) is not None]
    return int(sum(found)) if found else None


def _first_number(text: str | None) -> float | None:
    try:
        return float((text or "").split()[0])
    except (IndexError, ValueError):
        return None
