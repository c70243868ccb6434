"""The log: what is printed, which lines are in which file, and what reaches the console."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.emulator import python_home  # noqa: F401  the emulated home's modules, before they are imported

from omgate_emulator import log  # isort: skip

LINE = re.compile(r"^([IWEF])(\d{8}) (\d\d:\d\d:\d\d\.\d{6})\s+(\S+) ([^:\]]+):(\d+)\] (.*)$")
"""What readers of these logs match (google/glog with the year in the date)."""

GENUINE = "log_dir=logs\nbase_filename=mxsdk.log.\nglobal_level=0\nconsole_level=2\nmax_log_size=10\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the log files will be."""
    (tmp_path / "config").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MX_SDK_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    configure(GENUINE)
    return tmp_path / "log/mindxsdk/logs"


def configure(text: str) -> None:
    path = Path("config/logging.conf")
    path.write_text(text)
    path.chmod(0o640)


@pytest.fixture
def logger(folder: Path) -> Iterator[log.Logger]:
    made = log.Logger()
    yield made
    made.deinit()


def texts(folder: Path, level: str) -> list[str]:
    (path,) = folder.glob(f"*.{level}.*")
    found = [LINE.match(line) for line in path.read_text().splitlines()]
    return [match[7] for match in found if match]


def test_the_lines_at_the_start(logger: log.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    assert logger.init() == 0
    assert logger.init() == 0  # says nothing more
    assert capsys.readouterr().out.splitlines() == [
        "Begin to initialize Log.",
        "The output directory of logs file doesn't exist.",
        "Create directory to save logs information.",
        "Save logs information to specified directory.",
    ]
    log.Logger().init()
    assert "The output directory of logs file exist." in capsys.readouterr().out.splitlines()


def test_a_line_is_in_the_files_of_its_level_and_below(
    logger: log.Logger, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.init("Mcnn")
    for level, text in (
        (log.DEBUG, "d"),
        (log.INFO, "i"),
        (log.WARN, "w"),
        (log.ERROR, "e"),
        (log.FATAL, "f"),
    ):
        logger.write(level, text, "Mcnn.cpp:228")
    assert texts(folder, "info") == ["i", "w", "e", "f"]
    assert texts(folder, "warn") == ["w", "e", "f"]
    assert texts(folder, "error") == ["e", "f"]
    assert texts(folder, "fatal") == ["f"]
    assert [LINE.match(line)[7] for line in capsys.readouterr().err.splitlines()] == ["e", "f"]  # type: ignore[index]
    names = [path.name for path in folder.iterdir()]
    assert all(re.fullmatch(r"mxsdk\.log\.Mcnn\.[a-z]+\.\d{8}-\d{6}\.\d+", name) for name in names)


def test_files_are_private_and_read_only_in_the_end(logger: log.Logger, folder: Path) -> None:
    logger.init()
    assert not list(folder.iterdir())  # made by the first line
    logger.write(log.INFO, "x", "a.cpp:1")
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    logger.deinit()
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_a_message_is_one_line(logger: log.Logger, folder: Path) -> None:
    logger.init()
    logger.write(log.INFO, "one\r\ntwo", "a.cpp:1")
    assert texts(folder, "info") == ["one  two"]


def test_before_init_everything_is_on_stderr(logger: log.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logger.write(log.INFO, "early", "a.cpp:1")
    logger.write(log.INFO, "again", "a.cpp:2")
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "WARNING: Logging before InitGoogleLogging() is written to STDERR"
    assert [LINE.match(line)[7] for line in lines] == ["early", "again"]  # type: ignore[index]


def test_flow_control_keeps_every_nth_line_of_a_place(logger: log.Logger, folder: Path) -> None:
    configure(GENUINE + "log_flow_control_frequency=3\n")
    logger.init()
    for number in range(7):
        logger.write(log.INFO, str(number), "a.cpp:1")
    logger.write(log.INFO, "other", "a.cpp:2")
    assert texts(folder, "info") == ["0", "3", "6", "other"]


def test_the_configuration_is_read_again(
    logger: log.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger.init()
    configure(GENUINE.replace("console_level=2", "console_level=0"))
    logger.write(log.INFO, "silent", "a.cpp:1")
    monkeypatch.setattr(log, "REREAD_SECONDS", 0.0)
    logger.write(log.INFO, "loud", "a.cpp:1")
    assert [line[-6:] for line in capsys.readouterr().err.splitlines()] == ["] loud"]


def test_a_full_file_is_closed(logger: log.Logger, folder: Path) -> None:
    configure(GENUINE.replace("max_log_size=10", "max_log_size=1"))
    logger.init()
    logger.write(log.INFO, "x" * (1 << 20), "a.cpp:1")
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    logger.write(log.INFO, "more", "a.cpp:1")  # the same file within the second, else another
    assert "] more" in max(folder.iterdir()).read_text()[-20:]


def test_a_folder_outside_home_and_a_link_are_refused(
    logger: log.Logger, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("log_dir=/elsewhere\n")
    assert logger.init() == 1013
    assert "home directory" in capsys.readouterr().out
    configure(GENUINE)
    folder.parent.mkdir(parents=True)
    folder.symlink_to(tmp_path)
    assert logger.init() == 1013
    assert "link" in capsys.readouterr().out


def test_the_code_in_a_text() -> None:
    assert re.fullmatch(r' \(Code = 1001, Message = ".+"\) ', log.error_text(1001))
