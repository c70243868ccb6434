"""Statistics on for one run alone: the installation is as it was, also after the run was killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bench.perfstats.sdkconf import parse
from bench.perfstats.switch import edited_home, own_config, recover
from cases.errors import OmgateError
from tests.bench.perfstats import logs

HOUSE = Path(__file__).parents[3]
SHIPPED = b"# statistics\nenable_ps=false # off\nps_log_dir=logs\nps_interval_time=60\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "sdk" / "config").mkdir(parents=True)
    conf(tmp_path / "sdk").write_bytes(SHIPPED)
    conf(tmp_path / "sdk").chmod(0o640)
    return tmp_path / "sdk"


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    return tmp_path / "journals"


def conf(home: Path) -> Path:
    return home / "config" / "sdk.conf"


def test_a_config_folder_of_the_runs_own_leaves_the_installation_alone(home: Path, tmp_path: Path) -> None:
    (home / "config" / "logging.conf").write_text("log_dir=logs\n")
    found = own_config(home, tmp_path / "run", 3)
    assert conf(home).read_bytes() == SHIPPED
    assert found.cwd == (tmp_path / "run").resolve()
    assert found.cwd is not None
    own = conf(found.cwd)
    read = parse(own.read_bytes())
    assert (read.enable_ps, read.interval_seconds, Path(read.log_dir)) == (True, 3, found.logs)
    assert stat.S_IMODE(own.stat().st_mode) & ~0o640 == 0  # the SDK passes over what others can read
    assert (found.cwd / "config" / "logging.conf").is_file()


def test_logs_of_a_run_whose_path_sdk_conf_cannot_hold_lie_elsewhere_and_are_collected(
    home: Path, tmp_path: Path
) -> None:
    found = own_config(home, tmp_path / "my run #1", 1)
    assert " " not in str(found.logs)
    logs.write(found.logs, logs.name_c("e2e"), ["x\n"])
    assert found.written
    (moved,) = found.collect(tmp_path / "my run #1" / "perfstats")
    assert moved.read_text() == "x\n"
    assert not found.logs.parent.exists()


def test_an_edit_is_undone_at_its_end_and_after_an_error(home: Path, tmp_path: Path, journals: Path) -> None:
    with edited_home(home, tmp_path / "run", 2, journals) as found:
        assert (parse(conf(home).read_bytes()).enable_ps, found.cwd) == (True, None)
        assert recover(journals) == ()  # of a living run
        assert parse(conf(home).read_bytes()).enable_ps
    assert conf(home).read_bytes() == SHIPPED
    with pytest.raises(KeyError), edited_home(home, tmp_path / "run", 2, journals):
        raise KeyError
    assert conf(home).read_bytes() == SHIPPED
    assert stat.S_IMODE(conf(home).stat().st_mode) == 0o640
    assert recover(journals) == ()


def test_two_runs_do_not_edit_at_once(home: Path, tmp_path: Path, journals: Path) -> None:
    child = start(home, tmp_path, journals)
    try:
        with pytest.raises(OmgateError, match="another run"), edited_home(home, tmp_path / "b", 2, journals):
            pass
    finally:
        child.kill()
        child.wait()


CHILD = """
import sys, time
from pathlib import Path
from bench.perfstats.switch import edited_home
home, run, journals = map(Path, sys.argv[1:])
with edited_home(home, run, 2, journals):
    print("on", flush=True)
    time.sleep(600)
"""


def start(home: Path, tmp_path: Path, journals: Path) -> subprocess.Popen[str]:
    """A run that has switched statistics on and goes on."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), str(tmp_path / "run"), str(journals)],
        cwd=HOUSE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "on\n"
    return child


def test_the_edit_of_a_killed_run_is_undone_at_the_next_start(
    home: Path, tmp_path: Path, journals: Path
) -> None:
    child = start(home, tmp_path, journals)
    assert recover(journals) == ()  # it lives
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert parse(conf(home).read_bytes()).enable_ps  # left on
    (told,) = recover(journals)
    assert "killed" in told
    assert str(conf(home)) in told
    assert conf(home).read_bytes() == SHIPPED
    assert recover(journals) == ()


def test_a_run_begins_with_what_a_killed_one_left(home: Path, tmp_path: Path, journals: Path) -> None:
    child = start(home, tmp_path, journals)
    child.kill()
    child.wait()
    with edited_home(home, tmp_path / "next", 5, journals):
        assert parse(conf(home).read_bytes()).interval_seconds == 5
    assert conf(home).read_bytes() == SHIPPED


def test_what_somebody_else_wrote_meanwhile_stays_and_the_original_is_kept(
    home: Path, tmp_path: Path, journals: Path
) -> None:
    wanted = pytest.raises(OmgateError, match="changed while statistics were on")
    with wanted, edited_home(home, tmp_path / "run", 2, journals):
        conf(home).write_bytes(b"mine\n")
    assert conf(home).read_bytes() == b"mine\n"
    (kept,) = journals.glob("*.original")
    assert kept.read_bytes() == SHIPPED


def test_a_journal_that_is_none_is_named(journals: Path) -> None:
    journals.mkdir()
    (journals / "x.json").write_text("{")
    (told,) = recover(journals)
    assert "x.json" in told
