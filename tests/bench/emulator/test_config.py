"""sdk.conf and logging.conf are read as the SDK reads them, traps included."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.emulator import python_home  # noqa: F401  the emulated home's modules, before they are imported

from omgate_emulator import config  # isort: skip

GENUINE = """\
# MindX SDK configuration file
enable_ps=true
ps_log_dir=logs
ps_log_filename=performance-statistics.log
ps_max_log_size=10
ps_queue_size_warn_percent=80
ps_interval_time=6  # seconds
ps_queue_size_interval_time=50
ps_queue_size_times=100
malloc_max_data_size=1G
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, an SDK home and a working directory of this test's own."""
    for name in ("user", "sdk/config", "work/config"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("MX_SDK_HOME", str(tmp_path / "sdk"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def write(path: Path, text: str, mode: int = 0o640) -> str:
    path.write_bytes(text.encode())
    path.chmod(mode)
    return str(path)


def read(place: Path, text: str) -> config.SdkConf:
    return config.sdk_conf(write(place / "sdk/config/sdk.conf", text))


def test_the_genuine_file(place: Path) -> None:
    found = read(place, GENUINE)
    assert found == config.SdkConf(
        path=str(place / "sdk/config/sdk.conf"),
        enable_ps=True,
        ps_log_dir=str(place / "user/log/mindxsdk/logs"),
        ps_log_filename="performance-statistics.log",
        ps_max_log_size=10,
        ps_queue_size_warn_percent=80,
        ps_interval_time=6,
        ps_queue_size_interval_time=50,
        ps_queue_size_times=100,
        malloc_max_data_size=1 << 30,
    )


def test_a_missing_key_is_the_minimum_not_the_default(place: Path) -> None:
    found = read(place, "enable_ps=true\n")
    assert found.enable_ps
    assert (found.ps_interval_time, found.ps_max_log_size, found.ps_queue_size_warn_percent) == (1, 1, 0)
    assert (found.ps_queue_size_interval_time, found.ps_queue_size_times) == (10, 1)
    assert found.ps_log_filename == "performance\N{EM DASH}statistics.log"


def test_no_file_at_all_gives_what_is_compiled_in() -> None:
    found = config.sdk_conf()
    assert found == config.SdkConf()
    assert (found.enable_ps, found.ps_log_dir, found.path) == (False, "logs", "")
    assert found.ps_log_filename == "performance\N{EM DASH}statistics.log"
    assert (found.ps_interval_time, found.ps_queue_size_times, found.ps_max_log_size) == (60, 100, 20)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("ps_interval_time=6s", 6),
        ("  ps_interval_time =  7 ", 7),
        ("ps_interval_time=\t8", 8),
        ("\tps_interval_time=8", 1),  # a TAB is not trimmed: another key
        ("ps_interval_time=0", 1),
        ("ps_interval_time=99999", 86400),
        ("ps_interval_time=ten", 1),
        ("ps_interval_time=9#8", 9),
        ("#ps_interval_time=9", 1),
        ("ps_interval_time=3\nps_interval_time=5", 3),
        ("ps_interval_time 9", 1),
        ("ps_interval_time=4\r", 4),
    ],
)
def test_numbers(place: Path, line: str, seconds: int) -> None:
    assert read(place, line + "\n").ps_interval_time == seconds


@pytest.mark.parametrize(
    ("value", "on"),
    [("true", True), ("TRUE", True), ("false", False), ("1", False), ("yes", False), ("true\r", False)],
)
def test_booleans_are_words(place: Path, value: str, on: bool) -> None:
    assert read(place, f"enable_ps={value}\n").enable_ps is on


def test_texts_end_at_a_blank_and_keep_a_carriage_return(place: Path) -> None:
    assert read(place, "ps_log_filename=a b\n").ps_log_filename == "a"
    assert read(place, "ps_log_filename=a\r\n").ps_log_filename == "a\r"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("2k", 2048),
        ("3M", 3 << 20),
        ("4g", 4 << 30),
        ("5G", 1 << 30),
        ("1G2", 1 << 30),
        ("", 1 << 30),
    ],
)
def test_sizes(place: Path, text: str, size: int) -> None:
    assert read(place, f"malloc_max_data_size={text}\n").malloc_max_data_size == size


def test_an_absolute_folder_stays(place: Path) -> None:
    assert read(place, "ps_log_dir=/var/x\n").ps_log_dir == "/var/x"


def test_a_file_with_an_overlong_line_is_no_file(place: Path) -> None:
    assert read(place, GENUINE + "#" * config.LINE_CHARACTERS + "\n") == config.SdkConf()


def test_the_working_directory_comes_first_unless_others_can_read_it(place: Path) -> None:
    write(place / "sdk/config/sdk.conf", GENUINE)
    here = place / "work/config/sdk.conf"
    write(here, GENUINE.replace("time=6 ", "time=2 "))
    assert config.sdk_conf().ps_interval_time == 2
    for mode in (0o644, 0o660, 0o740):
        here.chmod(mode)
        assert config.sdk_conf().ps_interval_time == 6, oct(mode)
    here.chmod(0o400)
    assert config.sdk_conf().ps_interval_time == 2


def test_logging_conf_keeps_built_in_values_for_what_it_lacks(place: Path) -> None:
    write(
        place / "sdk/config/logging.conf", "log_dir=mine\nconsole_level=1\nglobal_level=-7\nmax_log_size=x\n"
    )
    found = config.logging_conf()
    assert found.log_dir == str(place / "user/log/mindxsdk/mine")
    assert (found.console_level, found.global_level, found.max_log_size) == (1, -1, 10)


def test_no_logging_conf() -> None:
    assert config.logging_conf().log_dir == "/tmp/log/mindx-sdk"
