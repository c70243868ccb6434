"""The machine while speed is measured: a fake npu-smi on PATH, a fake /proc and /sys, and this machine's own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from bench import monitor, npu_smi
from bench.monitor import Monitor
from bench.places import Places
from reports.monitor import MONITOR_FILE, ChipSample, MonitorSample, disturbances
from tests.bench.machines import put as write

INFO = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 23.0.0                   Version: 23.0.0                                               |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 4     910                 | OK            | 70.1        45                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           1979 / 15039      0    / 32768         |
+===========================+===============+====================================================+
"""

COMMON_910 = """\
\tNPU ID                         : 4
\tChip Count                     : 1

\tChip ID                        : 0
\tMemory Usage Rate(%)           : 13
\tHBM Usage Rate(%)              : 25
\tAicore Usage Rate(%)           : 97
\tAicore Freq(MHZ)               : 1000
\tAicore curFreq(MHZ)            : 800
\tAicore Count                   : 32
\tTemperature(C)                 : 91
\tNPU Real-time Power(W)         : 210.4

\tChip Name                      : mcu
\tTemperature(C)                 : 40
\tNPU Real-time Power(W)         : 5.0
"""

COMMON_310 = """\
\tNPU ID                         : 0
\tChip Count                     : 2

\tChip ID                        : 0
\tMemory Usage Rate(%)           : 32
\tAicore Usage Rate(%)           : 55
\tTemperature(C)                 : 49
\tRated Power Dissipation(W)     : 12.80

\tChip ID                        : 1
\tMemory Usage Rate(%)           : 31
\tAicore Usage Rate(%)           : NA
\tTemperature(C)                 : 50
\tRated Power Dissipation(W)     : 12.80

\tChip Name                      : MCU
\tTemperature(C)                 : 44
\tPower Dissipation(W)           : 26.5
"""


def test_a_910_tells_frequency_power_and_hbm() -> None:
    assert npu_smi.parse_common(COMMON_910, 4) == (
        ChipSample(
            npu=4,
            chip=0,
            aicore_percent=97,
            memory_percent=13,
            hbm_percent=25,
            temperature_celsius=91,
            power_watts=210.4,
            frequency_mhz=800,
            rated_mhz=1000,
        ),
    )


def test_a_310_tells_a_rating_which_is_no_power() -> None:
    first, second = npu_smi.parse_common(COMMON_310, 0)
    assert first == ChipSample(npu=0, chip=0, aicore_percent=55, memory_percent=32, temperature_celsius=49)
    assert (second.chip, second.aicore_percent, second.temperature_celsius) == (1, None, 50)


@pytest.mark.parametrize(
    "text", ["", "no device\n", ":\n::\nChip ID : x\nTemperature(C) : 3\n", "\tChip ID : nan\n"]
)
def test_what_is_no_answer_is_no_chip(text: str) -> None:
    assert npu_smi.parse_common(text, 0) == ()


@pytest.fixture
def fake(tmp_path: Path) -> Places:
    """A machine with one 910 that is throttled, by a fake npu-smi on PATH."""
    program = tmp_path / "bin" / "npu-smi"
    write(tmp_path, "info.txt", INFO)
    write(tmp_path, "common.txt", COMMON_910)
    write(
        tmp_path,
        "bin/npu-smi",
        f'#!/bin/sh\nif [ "$*" = info ]; then cat {tmp_path}/info.txt\n'
        f'elif [ "$*" = "info -t common -i 4" ]; then cat {tmp_path}/common.txt\nelse exit 1; fi\n',
    )
    program.chmod(0o755)
    return Places(environ={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})


def test_samples_of_a_fake_npu_smi_go_to_the_file_and_become_a_warning(fake: Places, tmp_path: Path) -> None:
    with monitor.watching(tmp_path, "c", "om-sdk", fake) as watch:
        samples = watch.look()
    lines = (tmp_path / MONITOR_FILE).read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=MonitorSample) for line in lines] == watch.samples
    assert [sample.before for sample in samples] == [True, False]
    assert samples[-1].chips[0].frequency_mhz == 800
    found = {reason.code: reason.message for reason in disturbances(samples, "Ascend910")}
    assert "800 of 1000 MHz" in found["throttled"]
    assert "91 C" in found["throttled"]
    assert "busy before" in found["noisy-machine"]


def test_an_npu_smi_that_fails_costs_the_chips_alone(fake: Places, tmp_path: Path) -> None:
    (tmp_path / "common.txt").unlink()
    with monitor.watching(tmp_path, "c", "om-sdk", fake) as watch:
        watch.look()
    assert len(watch.samples) >= 2
    assert all(sample.chips == () for sample in watch.samples)


STAT = (
    "cpu  {user} 0 0 {idle} 0 0 0 {stolen} 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0\ncpu1 1 0 0 1 0 0 0 0 0 0\nintr 5\n"
)


def test_shares_are_those_between_two_looks(tmp_path: Path) -> None:
    root = tmp_path / "root"
    tick = os.sysconf("SC_CLK_TCK")
    write(root, "proc/stat", STAT.format(user=0, idle=0, stolen=0))
    write(root, "proc/loadavg", "1.25 1.0 0.5 1/100 1234\n")
    write(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    write(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1800000\n")
    write(root, "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "2200000\n")
    throttled = write(root, "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "7\n")
    with monitor.watching(tmp_path, "c", "reference", Places(root=root, environ={})) as watch:
        write(root, "proc/stat", STAT.format(user=60 * tick, idle=20 * tick, stolen=20 * tick))
        throttled.write_text("9\n")
        _, *during = watch.look()
    sample = during[0]
    assert sample.cores == 2
    assert sample.busy_cores == pytest.approx(2 * 0.6)
    assert sample.stolen_share == pytest.approx(0.2)
    assert (sample.load, sample.governor, sample.frequency_mhz, sample.throttles) == (
        1.25,
        "powersave",
        2000.0,
        2,
    )


def test_this_machine_is_read_and_a_worker_counts_as_own(tmp_path: Path) -> None:
    busy = subprocess.Popen(
        [sys.executable, "-c", "while True: pass"], start_new_session=True, stdout=subprocess.DEVNULL
    )
    try:
        with monitor.watching(tmp_path, "c", "reference") as watch:
            watch.group = busy.pid
            watch.look()
            deadline = time.monotonic() + 20
            while monitor._of_group(Places(), busy.pid) < 0.3 and time.monotonic() < deadline:
                time.sleep(0.02)
            sample = watch.look()[-1]
    finally:
        busy.kill()
        busy.wait()
    assert sample.own_cores is not None
    assert sample.busy_cores is not None
    assert sample.own_cores > 0.01
    assert sample.load is not None


def test_a_machine_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    watch = Monitor(tmp_path, "c", "reference", Places(root=tmp_path / "empty", environ={"PATH": ""}))
    watch.begin()
    samples = watch.look()
    watch.end()
    assert disturbances(samples, "cpu") == ()
    assert samples[-1].cores is None
    assert samples[-1].busy_cores is None


def test_a_full_disk_costs_the_file_and_not_the_run(tmp_path: Path) -> None:
    with monitor.watching(tmp_path / "gone", "c", "reference") as watch:
        assert watch.look()


def sample(**fields: object) -> MonitorSample:
    return MonitorSample(**{"case": "c", "backend": "b", "at": "", "cores": 4, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "soc", "code", "says"),
    [
        (
            {"busy_cores": 2.0, "own_cores": 1.0},
            "Ascend310",
            "noisy-machine",
            "other processes used 1.0 of 4 cores",
        ),
        ({"busy_cores": 1.3, "own_cores": 1.0}, "cpu", None, ""),
        ({"stolen_share": 0.2}, "cpu", "noisy-machine", "hypervisor took 20 %"),
        ({"governor": "powersave"}, "cpu", "noisy-machine", "governor powersave"),
        ({"governor": "powersave"}, "Ascend310", None, ""),
        ({"governor": "performance"}, "cpu", None, ""),
        ({"throttles": 3}, "emulated", "throttled", "throttled 3 times"),
        ({"throttles": 0}, "cpu", None, ""),
    ],
)
def test_what_disturbs(fields: dict[str, object], soc: str, code: str | None, says: str) -> None:
    found = disturbances([sample(before=True), sample(**fields)], soc)
    assert [reason.code for reason in found] == ([code] if code else [])
    assert not found or says in found[0].message


def test_a_chip_that_rests_is_not_throttled() -> None:
    idle = ChipSample(npu=0, chip=0, aicore_percent=0, frequency_mhz=200, rated_mhz=1000)
    assert disturbances([sample(chips=(idle,))], "Ascend910") == ()
