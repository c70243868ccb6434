"""The home on disk: made whole, once, under the SDK's rights; its exports are those of its set_env.sh."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.emulator import home as homes
from bench.emulator.home import DIGEST, VARIABLE, home_folder, is_emulated, make_home, variables
from cases.errors import OmgateError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "sdk home's"))
    return tmp_path / "sdk home's"


def test_a_home_is_whole_and_has_the_rights_that_the_sdk_wants(folder: Path) -> None:
    assert make_home() == home_folder() == folder
    assert is_emulated(folder)
    assert not is_emulated(folder.parent)
    for name in ("python", "config/sdk.conf", "config/logging.conf", "version.info", "filelist.txt", "lib"):
        assert (folder / name).exists(), name
    for path in folder.rglob("*"):
        wanted = 0o750 if path.is_dir() or path.parent.name == "bin" else 0o640
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert not [path for path in folder.rglob("*") if "__pycache__" in path.parts]
    scripts = "".join(path.read_text() for path in [*(folder / "bin").iterdir(), folder / "set_env.sh"])
    assert "@" not in scripts.replace('"$@"', "")
    assert list(folder.parent.iterdir()) == [folder]


def test_its_scripts_run_under_any_name(folder: Path) -> None:
    done = subprocess.run(
        [make_home() / "bin" / "atc", "--help"], cwd="/", capture_output=True, text=True, check=True
    )
    assert "--soc_version" in done.stdout


def test_a_home_that_is_there_is_left_alone(folder: Path) -> None:
    (make_home() / "lib" / "built.so").touch()
    os.utime(folder, (1000, 1000))
    assert (make_home() / "lib" / "built.so").exists()
    assert folder.stat().st_mtime > 1000  # It was asked for today.


def test_other_sources_make_a_new_home(folder: Path) -> None:
    (make_home() / "bin" / "stale").touch()
    (folder / DIGEST).write_text("another\n")
    assert not (make_home() / "bin" / "stale").exists()
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_of_somebody_elses_is_refused(folder: Path) -> None:
    folder.mkdir()
    assert is_emulated(make_home())
    (folder / homes.MARKER).unlink()
    (folder / DIGEST).unlink()
    with pytest.raises(OmgateError, match="something else than an emulated home"):
        make_home()
    assert (folder / "bin" / "atc").exists()


def test_a_folder_that_can_not_be_made_is_one_error(folder: Path) -> None:
    folder.parent.joinpath("file").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder.parent / "file" / "home"))
        with pytest.raises(OmgateError, match=VARIABLE):
            make_home()


def test_many_processes_make_one_home(folder: Path) -> None:
    code = (
        "from bench.emulator.home import make_home; h = make_home(); print(len(list((h / 'bin').iterdir())))"
    )

    def make(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=homes.HOUSE, capture_output=True, text=True, check=True
        ).stdout

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(make, range(4)))
    assert len(set(found)) == 1
    assert list(folder.parent.iterdir()) == [folder]


def test_the_users_cache_keeps_few_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = home_folder().parent
    for index in range(12):
        old = cache / f"{index:016x}"
        old.mkdir(parents=True)
        (old / homes.MARKER).touch()
        os.utime(old, (1000 + index, 1000 + index))
    (cache / "somebody's").mkdir()
    home = make_home()
    assert home == home_folder()
    left = {path.name for path in cache.iterdir()}
    assert left == {home.name, "somebody's", *(f"{index:016x}" for index in range(4, 12))}


def test_the_digest_follows_sources_and_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = homes.digest()
    monkeypatch.setattr(sys, "prefix", "/another/environment")
    second = homes.digest()
    sources = tmp_path / "home"
    (sources / "__pycache__").mkdir(parents=True)
    (sources / "a").write_text("1")
    monkeypatch.setattr(homes, "SOURCES", sources)
    third = homes.digest()
    (sources / "__pycache__" / "a.pyc").write_text("1")
    assert homes.digest() == third
    (sources / "a").write_text("2")
    assert len({first, second, third, homes.digest()}) == 4


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize(
    "present", [{}, {"PYTHONPATH": "/mine", "LD_LIBRARY_PATH": "/a:/b", "ASCEND_HOME": "/usr/local/Ascend"}]
)
def test_set_env_exports_what_variables_says(
    emulated_home: Path, shell: str, present: dict[str, str]
) -> None:
    environ = {"PATH": os.environ["PATH"], **present}
    # Sourced twice: paths are not put before themselves.
    text = f'. {shlex.quote(str(emulated_home))}/set_env.sh; . "$MX_SDK_HOME"/set_env.sh; env'
    done = subprocess.run([shell, "-c", text], env=environ, capture_output=True, text=True, check=True)
    exported = dict(line.split("=", 1) for line in done.stdout.splitlines())
    wanted = variables(emulated_home, environ)
    assert {name: exported.get(name) for name in wanted} == wanted
    assert variables(emulated_home, wanted) == wanted
    assert done.stderr == ""
