"""Chips and SoC: tables of npu-smi in the genuine layouts, an npu-smi that is a shell script, device nodes."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.npu_smi import parse_npu_smi, soc_name
from tests.bench.machines import put, seen

GIGA = 1024**3

ATLAS_310 = """\
+------------------------------------------------------------------------------+
| npu-smi 21.0.4                       Version: 21.0.4                         |
+-------------------+-----------------+----------------------------------------+
| NPU     Name      | Health          | Power(W)          Temp(C)              |
| Chip    Device    | Bus-Id          | AICore(%)         Memory-Usage(MB)     |
+===================+=================+========================================+
| 2       310       | OK              | 12.8              47                   |
| 0       0         | 0000:05:00.0    | 3                 2621 / 8192          |
+-------------------+-----------------+----------------------------------------+
| 2       310       | Warning         | 12.8              49                   |
| 1       1         | NA              | 0                 2457 / 8192          |
+===================+=================+========================================+
"""

ATLAS_310P = """\
+--------------------------------------------------------------------------------------------------------+
| npu-smi 23.0.5                                   Version: 23.0.6                                       |
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===============================+=================+======================================================+
| 8       310P3                 | OK              | NA           41                0     / 0             |
| 0       0                     | 0000:3B:00.0    | 0            1402 / 21527                            |
+===============================+=================+======================================================+
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Chip                  | Process id      | Process name             | Process memory(MB)        |
+===============================+=================+======================================================+
| 8       0                     | 41310           | python3                  | 310                       |
+===============================+=================+======================================================+
"""

TRAINING_910 = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 25.0.rc1                 Version: 25.0.rc1.2                                           |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 5     910B3               | OK            | 94.1        36                0    / 0             |
| 0                         | 0000:42:00.0  | 11          0    / 0          61258/ 65536         |
+===========================+===============+====================================================+
| 6     910B3               | Alarm         | -           38                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          3414 / 65536         |
+===========================+===============+====================================================+
| No running processes found in NPU 6                                                            |
+===========================+===============+====================================================+
"""


def test_table_of_a_310() -> None:
    found = parse_npu_smi(ATLAS_310)
    assert found.driver == "21.0.4"
    assert [(d.npu, d.chip, d.name, d.bus) for d in found.devices] == [
        (2, 0, "310", "0000:05:00.0"),
        (2, 1, "310", None),
    ]
    assert found.devices[0].memory_bytes == 8 * GIGA
    assert found.health == ("OK", "Warning")


def test_table_of_a_310p_with_a_process_of_310_mb() -> None:
    found = parse_npu_smi(ATLAS_310P)
    assert [(d.npu, d.name) for d in found.devices] == [(8, "310P3")]
    assert found.devices[0].memory_bytes == 21527 * 1024**2


def test_table_of_a_910_takes_hbm_not_the_empty_ddr() -> None:
    found = parse_npu_smi(TRAINING_910)
    assert [(d.npu, d.name, d.memory_bytes) for d in found.devices] == [
        (5, "910B3", 64 * GIGA),
        (6, "910B3", 64 * GIGA),
    ]
    assert found.health == ("OK", "Alarm")


@given(st.text(alphabet="|+= 0123456789ABP/NUOK\n", max_size=400))
def test_any_table_is_read_without_an_exception(text: str) -> None:
    parse_npu_smi(text)


@given(st.integers(min_value=0, max_value=len(TRAINING_910)))
def test_a_cut_table_gives_the_devices_that_are_whole(cut: int) -> None:
    whole = parse_npu_smi(TRAINING_910).devices
    names = [device.npu for device in parse_npu_smi(TRAINING_910[:cut]).devices]
    assert names == [device.npu for device in whole][: len(names)]


@pytest.mark.parametrize(
    ("chip", "soc"),
    [
        ("310", "Ascend310"),
        ("MiniD", "Ascend310"),
        ("Ascend 310P3", "Ascend310P3"),
        ("910A", "Ascend910"),
        ("910B4", "Ascend910B4"),
    ],
)
def test_soc_names(chip: str, soc: str) -> None:
    assert soc_name(chip) == soc


def program(machine: Path, body: str) -> str:
    """A PATH with an npu-smi that is a shell script."""
    file = put(machine, "/bin/npu-smi", f"#!/bin/sh\n{body}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return f"{file.parent}{os.pathsep}{os.environ['PATH']}"


def test_npu_smi_on_the_path_names_soc_devices_and_driver(machine: Path) -> None:
    table = put(machine, "/table", ATLAS_310)
    found = seen(machine, PATH=program(machine, f"cat {table}"))
    assert (found.soc, found.driver) == ("Ascend310", "21.0.4")
    assert found.axes()["devices"] == "2 x 310"
    assert found.volatile.health == ("OK", "Warning")


def test_a_failing_npu_smi_is_unknown_not_an_error(machine: Path) -> None:
    found = seen(machine, PATH=program(machine, "echo dcmi module initialize failed; exit 255"))
    assert (found.soc, found.driver) == ("cpu", None)


def test_device_nodes_without_npu_smi_are_devices_of_unknown_name(machine: Path) -> None:
    for name in ("davinci10", "davinci2", "davinci_manager"):
        put(machine, f"/dev/{name}", "")
    found = seen(machine)
    assert found.soc is None
    assert [device.node for device in found.devices] == ["/dev/davinci2", "/dev/davinci10"]
    assert found.axes()["devices"] == "2 x unknown"


def test_nodes_without_their_manager_are_no_devices(machine: Path) -> None:
    put(machine, "/dev/davinci0", "")
    assert seen(machine).soc == "cpu"
