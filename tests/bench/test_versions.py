"""Version files of CANN, driver, firmware and SDK, in the genuine layouts with values of our own."""

import textwrap
from pathlib import Path

import pytest

from bench.versions import parse_sdk_version, parse_version_cfg, read_cann
from tests.bench.machines import put, seen


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


def test_undecodable_and_unreadable_files_are_unknown(machine: Path) -> None:
    file = put(machine, "/usr/local/Ascend/driver/version.info", "")
    file.write_bytes(b"\xff\xfe\x00Version\xff")
    (machine / "usr/local/Ascend/firmware/version.info").mkdir(parents=True)
    found = seen(machine)
    assert (found.driver, found.firmware) == (None, None)
