"""The machine during a measurement of speed: what monitor.jsonl of a run holds, and what of it a verdict must tell. Schema: docs/record.md."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

import msgspec

from reports.comparable import ON_HOST
from reports.reasons import Reason, ReasonCode

MONITOR_FILE = "monitor.jsonl"

OTHERS_SHARE = 0.1
"""Of the machine's cores: from there on what other processes do shows in a time. Half a core of four is seen, a desktop's background is not."""

STOLEN_SHARE = 0.05
"""Of the processor's time, taken by the hypervisor for other guests."""

FULL_SPEED = 0.95
"""Of the rated frequency: a chip below it while it computes is throttled."""

OFTEN = 0.1
"""Of the samples in which a chip computes: throttled less often than that, it does not show in a median."""

IDLE_PERCENT = 5.0
"""Utilisation up to which a chip counts as free before a measurement begins."""

STEADY_GOVERNOR = "performance"


class ChipSample(msgspec.Struct, frozen=True, kw_only=True):
    """One Ascend chip at one moment, as `npu-smi info -t common` says; None: it does not tell (a 310 tells no power, no frequency)."""

    npu: int
    chip: int
    aicore_percent: float | None = None
    memory_percent: float | None = None
    hbm_percent: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    frequency_mhz: float | None = None
    rated_mhz: float | None = None

    @property
    def throttled(self) -> bool:
        """Whether it computes below its rated frequency."""
        return bool(
            self.aicore_percent
            and self.frequency_mhz is not None
            and self.rated_mhz
            and self.frequency_mhz < FULL_SPEED * self.rated_mhz
        )


class MonitorSample(msgspec.Struct, frozen=True, kw_only=True):
    """The machine at one moment of a measurement; None: not known. Shares and cores are means since the sample before.

    `before`: taken before the worker was opened. `load`: over one minute. `busy_cores` of all processes, `own_cores` of this run's and its
    workers'. `stolen_share`: of the processor's time, by the hypervisor. `throttles`: of the processor, since the first sample.
    """

    case: str
    backend: str
    at: str
    before: bool = False
    load: float | None = None
    cores: int | None = None
    busy_cores: float | None = None
    own_cores: float | None = None
    stolen_share: float | None = None
    governor: str | None = None
    frequency_mhz: float | None = None
    throttles: int | None = None
    chips: tuple[ChipSample, ...] = ()

    @property
    def others(self) -> float | None:
        """Cores that other processes used."""
        if self.busy_cores is None or self.own_cores is None:
            return None
        return max(0.0, self.busy_cores - self.own_cores)


def disturbances(samples: Sequence[MonitorSample], soc: str) -> tuple[Reason, ...]:
    """What of the machine's state during a measurement on this SoC makes its times less than they look."""
    during = [sample for sample in samples if not sample.before]
    found = [*_host(during), *_chips(samples)]
    if soc in ON_HOST:
        found += _processor(during)
    return tuple(found)


def _noisy(message: str, advice: str = "measure again on a quiet machine") -> Reason:
    return Reason(ReasonCode.NOISY_MACHINE.value, message, advice)


def _host(during: Sequence[MonitorSample]) -> list[Reason]:
    found = []
    others = [sample.others for sample in during if sample.others is not None]
    cores = next((sample.cores for sample in during if sample.cores), None)
    if others and cores and fmean(others) > OTHERS_SHARE * cores:
        found.append(_noisy(f"other processes used {fmean(others):.1f} of {cores} cores meanwhile"))
    stolen = [sample.stolen_share for sample in during if sample.stolen_share is not None]
    if stolen and fmean(stolen) > STOLEN_SHARE:
        found.append(
            _noisy(f"the hypervisor took {100 * fmean(stolen):.0f} % of the processor's time meanwhile")
        )
    return found


def _processor(during: Sequence[MonitorSample]) -> list[Reason]:
    """What matters where the processor computes."""
    found = []
    throttles = max((sample.throttles or 0 for sample in during), default=0)
    if throttles:
        message = f"the processor was throttled {throttles} times meanwhile: too hot"
        found.append(Reason(ReasonCode.THROTTLED.value, message, "let it cool, and measure again"))
    governors = sorted({sample.governor for sample in during if sample.governor} - {STEADY_GOVERNOR})
    if governors:
        message = f"the processor's frequency follows its load (governor {', '.join(governors)})"
        found.append(_noisy(message, f"set the governor {STEADY_GOVERNOR} (cpupower frequency-set)"))
    return found


def _chips(samples: Sequence[MonitorSample]) -> list[Reason]:
    found = []
    by_chip: dict[tuple[int, int], list[tuple[bool, ChipSample]]] = {}
    for sample in samples:
        for chip in sample.chips:
            by_chip.setdefault((chip.npu, chip.chip), []).append((sample.before, chip))
    for (npu, chip_number), seen in sorted(by_chip.items()):
        name = f"chip {chip_number} of NPU {npu}"
        busy = [chip.aicore_percent for before, chip in seen if before and chip.aicore_percent is not None]
        if busy and max(busy) > IDLE_PERCENT:
            message = f"{name} was busy before the measurement began ({max(busy):.0f} %)"
            found.append(_noisy(message, "see who uses it: npu-smi info"))
        working = [chip for before, chip in seen if not before and chip.aicore_percent]
        slow = [chip for chip in working if chip.throttled]
        if working and len(slow) > OFTEN * len(working):
            found.append(Reason(ReasonCode.THROTTLED.value, _throttled(name, slow), "see to its cooling"))
    return found


def _throttled(name: str, slow: Sequence[ChipSample]) -> str:
    frequency = median(chip.frequency_mhz for chip in slow if chip.frequency_mhz is not None)
    heat = [chip.temperature_celsius for chip in slow if chip.temperature_celsius is not None]
    at = f", at up to {max(heat):.0f} C" if heat else ""
    return f"{name} was throttled: it computed at {frequency:.0f} of {slow[0].rated_mhz:.0f} MHz{at}"
