"""The fingerprint, on machines that are folders: files in the genuine layouts, values of our own."""

import os
import stat
import textwrap
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.environment import (
    Environment,
    Places,
    fingerprint,
    parse_npu_smi,
    parse_processor,
    parse_sdk_version,
    parse_version_cfg,
    read_cann,
    soc_name,
)

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


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """An empty machine: a root folder and, in it, root's home."""
    (tmp_path / "home").mkdir()
    return tmp_path


def put(machine: Path, path: str, text: str) -> Path:
    file = machine / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))
    return file


def seen(machine: Path, **environ: str) -> Environment:
    return fingerprint(Places(root=machine, home=machine / "home", environ=environ))


def test_an_empty_machine_is_all_none_and_no_error(machine: Path) -> None:
    found = seen(machine)
    assert found.soc == "cpu"
    assert (found.driver, found.firmware, found.cann, found.sdk, found.container) == (None,) * 5
    assert found.devices == ()
    assert found.variables == {}
    assert found.axes()["cann"] is None


def test_this_machine_round_trips_through_json() -> None:
    found = fingerprint()
    assert msgspec.json.decode(msgspec.json.encode(found), type=Environment) == found
    assert found.as_dict()["host"]["cores"] >= 1
    assert found.packages["msgspec"]


def test_what_changes_by_itself_is_no_axis() -> None:
    one, two = fingerprint(), fingerprint()
    assert one.axes() == two.axes()
    changed = msgspec.structs.replace(one, volatile=msgspec.structs.replace(one.volatile, pid=-1, load=99.0))
    assert changed.axes() == one.axes()


def test_processor_key_names_model_and_cores(machine: Path) -> None:
    put(
        machine,
        "/proc/cpuinfo",
        "processor : 0\ncpu family : 25\nmodel : 1\nmodel name : EPYC  7003\nstepping : 2\n\n",
    )
    found = seen(machine)
    assert found.processor_key() == f"EPYC 7003 (25/1/2), {found.host.cores} cores"
    unknown = msgspec.structs.replace(found, host=msgspec.structs.replace(found.host, processor=None))
    assert unknown.processor_key() is None


def test_a_container_quota_limits_the_cores(machine: Path) -> None:
    put(machine, "/sys/fs/cgroup/cpu.max", "100000 100000\n")
    assert seen(machine).host.cores == 1


def test_processor_of_an_arm_server() -> None:
    text = "processor\t: 0\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n"
    assert parse_processor(text) == "Arm implementer 0x48 part 0xd01"
    assert parse_processor("") is None


def test_driver_and_firmware(machine: Path) -> None:
    put(
        machine,
        "/usr/local/Ascend/driver/version.info",
        "Version=23.0.6\nInnerversion=V100R001C13SPC009B211\n",
    )
    put(machine, "/usr/local/Ascend/firmware/version.info", "Version=7.1.0.5.220\nfirmware_version=1.0\n")
    found = seen(machine)
    assert (found.driver, found.firmware) == ("23.0.6", "7.1.0.5.220")


def test_older_driver_has_a_package_version_only(machine: Path) -> None:
    put(machine, "/usr/local/Ascend/driver/version.info", "ascendhal_version=4.1\npackage_version=21.0.4\n")
    assert seen(machine).driver == "21.0.4"


def install_info(machine: Path, path: str, version: str) -> Path:
    text = (
        f"package_name=Ascend-cann\nversion={version}\ninnerversion=V100R001C18B001\narch=aarch64\nos=linux\n"
    )
    return put(machine, path, text)


def test_toolkit_under_usr_local(machine: Path) -> None:
    install_info(
        machine,
        "/usr/local/Ascend/ascend-toolkit/latest/aarch64-linux/ascend_toolkit_install.info",
        "8.0.RC2",
    )
    cann = seen(machine).cann
    assert cann is not None
    assert (cann.kind, cann.version, cann.inner_version) == ("toolkit", "8.0.RC2", "V100R001C18B001")
    assert seen(machine).axes()["cann"] == "toolkit 8.0.RC2"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/usr/local/Ascend/cann/x86_64-linux/ascend_toolkit_install.info", "toolkit"),
        ("/usr/local/Ascend/nnrt/latest/arm64-linux/ascend_nnrt_install.info", "nnrt"),
        ("/usr/local/Ascend/nnae/latest/ascend_nnae_install.info", "nnae"),
        ("/home/Ascend/nnrt/latest/x86_64-linux/ascend_nnrt_install.info", "nnrt"),
    ],
)
def test_other_places_of_cann(machine: Path, path: str, kind: str) -> None:
    install_info(machine, path, "8.5.0")
    cann = seen(machine).cann
    assert cann is not None
    assert (cann.kind, cann.version) == (kind, "8.5.0")


def test_what_set_env_exported_goes_before_what_is_installed(machine: Path) -> None:
    install_info(
        machine, "/usr/local/Ascend/ascend-toolkit/latest/x86_64-linux/ascend_toolkit_install.info", "7.0.0"
    )
    install_info(machine, "/opt/cann/x86_64-linux/ascend_toolkit_install.info", "8.1.RC1")
    cann = seen(machine, ASCEND_HOME_PATH=str(machine / "opt/cann")).cann
    assert cann is not None
    assert cann.version == "8.1.RC1"


def test_version_cfg_serves_where_install_info_is_missing(machine: Path) -> None:
    text = "# version: 1.0\nruntime_running_version=[7.6.0.1.220:8.0.0]\ntoolkit_running_version=[7.6.0.1.220:8.0.0]\n"
    folder = put(machine, "/usr/local/Ascend/ascend-toolkit/latest/version.cfg", text).parent
    cann = read_cann(folder)
    assert cann is not None
    assert (cann.kind, cann.version) == ("toolkit", "8.0.0")


def test_version_cfg_prefers_what_runs_and_takes_the_newest_installed() -> None:
    text = textwrap.dedent(
        """\
        # version: 1.0
        opp_kernel_installed_version=[7.1.0.1:7.0.0],[7.6.0.1.220:8.0.0]
        runtime_installed_version=[7.6.0.1.220:8.0.0]
        runtime_running_version=[7.1.0.1:7.0.0]
        broken_running_version=
        """
    )
    assert parse_version_cfg(text) == {"opp_kernel": "8.0.0", "runtime": "7.0.0"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "MindX SDK mxVision:6.0.RC3\nmxVision version:6.0.RC3\nPlat: linux aarch64\n",
            ("mxVision", "6.0.RC3"),
        ),
        ("mxManufacture Version: 2.0.4\n", ("mxManufacture", "2.0.4")),
        ("version: 3.0.RC2\n", (None, "3.0.RC2")),
        ("Plat: linux x86_64\n", (None, None)),
        ("", (None, None)),
    ],
)
def test_sdk_version(text: str, expected: tuple[str | None, str | None]) -> None:
    assert parse_sdk_version(text) == expected


def test_sdk_home_without_version_info_is_recorded_as_unknown(machine: Path) -> None:
    (machine / "sdk").mkdir()
    sdk = seen(machine, MX_SDK_HOME=str(machine / "sdk")).sdk
    assert sdk is not None
    assert (sdk.version, sdk.path) == (None, str(machine / "sdk"))
    assert seen(machine, MX_SDK_HOME=str(machine / "nowhere")).sdk is None


def test_sdk_in_the_deliverables_image(machine: Path) -> None:
    put(machine, "/usr/local/sdk_home/mxManufacture/version.info", "mxManufacture version:2.0.4\n")
    sdk = seen(machine).sdk
    assert sdk is not None
    assert (sdk.product, sdk.version) == ("mxManufacture", "2.0.4")


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


def test_only_variables_that_change_results_are_recorded(machine: Path) -> None:
    found = seen(machine, ASCEND_RT_VISIBLE_DEVICES="3", OMP_NUM_THREADS="2", SECRET_TOKEN="x")
    assert found.variables == {"ASCEND_RT_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "2"}


def test_container(machine: Path) -> None:
    put(machine, "/.dockerenv", "")
    container = seen(machine, OMGATE_IMAGE="infer:21.0.4").container
    assert container is not None
    assert (container.kind, container.image) == ("docker", "infer:21.0.4")


def test_podman_names_its_image(machine: Path) -> None:
    put(machine, "/run/.containerenv", 'engine="podman-4.9"\nimage="registry/sdk:7.1"\n')
    assert seen(machine).axes()["container"] == "registry/sdk:7.1"


def test_undecodable_and_unreadable_files_are_unknown(machine: Path) -> None:
    file = put(machine, "/usr/local/Ascend/driver/version.info", "")
    file.write_bytes(b"\xff\xfe\x00Version\xff")
    (machine / "usr/local/Ascend/firmware/version.info").mkdir(parents=True)
    found = seen(machine)
    assert (found.driver, found.firmware) == (None, None)
