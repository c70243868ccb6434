"""`omgate convert`: which atc, which options, what is written beside the OM, and what happens when atc fails."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.convert import AIR_INPUT, Atc, ConversionError, convert, convert_case, find_atc, provenance
from bench.emulator.home import VARIABLE, make_home
from bench.emulator.om import read_om, sha256
from cases.air import stand_in_air
from cases.case import Case, load

CASE = Path(__file__).parents[2] / "cases" / "mcnn" / "mcnn-synthetic.toml"

SUCCESS = """
echo "ATC start working now, please wait for a moment."
mkdir kernel_meta_1
printf 'IMOD%300s' '' >"$(for a; do case $a in --output=*) echo "${a#--output=}";; esac; done).om"
echo "ATC run success, welcome to the next use."
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of the tests' own, and no SDK around them."""
    base = tmp_path_factory.getbasetemp() / "convert-sdk"
    monkeypatch.setenv(VARIABLE, str(base))
    for name in ("MX_SDK_HOME", "ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def case() -> Case:
    return load(CASE)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_emulated_atc_makes_the_case_s_om(tmp_path: Path, case: Case) -> None:
    out = io.StringIO()
    path, made = convert_case(case, tmp_path / "m", emulate=True, out=out)
    assert path == tmp_path / "m.om"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    om = read_om(path)
    assert om.header.options["input_shape"] == "x:1,1,1024,1024"
    assert om.header.options["input_format"] == "NCHW"
    assert "ATC run success" in out.getvalue()
    assert made.log == out.getvalue()
    assert provenance(path) == made
    assert made.emulated
    assert (made.cann, made.soc_version, made.source) == ("emulated", "Ascend310", case.forms.onnx.name)  # type: ignore[union-attr]
    assert made.om_sha256 == sha256(path.read_bytes())
    assert made.command[0] == made.tool == str(make_home() / "bin" / "atc")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["m.om", "m.om.json"]


def test_paths_that_atc_refuses_are_no_hindrance(tmp_path: Path, case: Case) -> None:
    assert case.forms.onnx is not None
    folder = tmp_path / "it's (my) folder"
    folder.mkdir()
    source = folder / "a model.onnx"
    source.write_bytes(case.forms.onnx.read_bytes())
    path, made = convert_case(case, folder / "the om.om", onnx=source, emulate=True)
    assert path == folder / "the om.om"
    assert made.source == "a model.onnx"


def test_an_air_is_framework_1_with_the_input_x(tmp_path: Path, case: Case) -> None:
    assert case.forms.onnx is not None
    air = tmp_path / "mcnn.air"
    air.write_bytes(stand_in_air(case.forms.onnx.read_bytes()))
    options = {"precision_mode": "allow_mix_precision", "output_type": "FP16"}
    path, made = convert_case(case, tmp_path / "m", air=air, soc="Ascend310P3", options=options, emulate=True)
    header = read_om(path).header
    assert header.options["framework"] == "1"
    assert header.options["input_shape"] == f"{AIR_INPUT}:1,1,1024,1024"
    assert "--precision_mode=allow_mix_precision" in made.command
    assert made.soc_version == "Ascend310P3"


def test_cann_s_atc_runs_in_a_scratch_folder(tmp_path: Path, case: Case) -> None:
    toolkit = tmp_path / "ascend-toolkit" / "8.0.0"
    script(toolkit / "bin" / "atc", SUCCESS)
    info = toolkit / "x86_64-linux" / "ascend_toolkit_install.info"
    info.parent.mkdir()
    info.write_text("version=8.0.0\ninnerversion=V100R001C20SPC001B251\n")
    found = find_atc(environ={"PATH": "/none", "ASCEND_TOOLKIT_HOME": str(toolkit)})
    assert (found.cann, found.version, found.emulated) == ("8.0.0", "V100R001C20SPC001B251", False)
    assert found == find_atc(environ={"PATH": str(toolkit / "bin")})
    assert case.forms.onnx is not None
    path, made = convert(case.forms.onnx, tmp_path / "m", "5", "Ascend310", {}, found)
    assert path.read_bytes().startswith(b"IMOD")
    assert (made.cann, made.emulated) == ("8.0.0", False)
    assert {item.name for item in tmp_path.iterdir()} == {"ascend-toolkit", "m.om", "m.om.json"}


def test_an_emulated_home_goes_before_cann_when_it_is_the_sdk(tmp_path: Path) -> None:
    script(tmp_path / "atc", SUCCESS)
    home = make_home()
    environ = {"PATH": str(tmp_path)}
    assert not find_atc(environ=environ).emulated
    assert find_atc(emulate=True, environ=environ).emulated
    assert find_atc(environ={**environ, "MX_SDK_HOME": str(home)}).path == home / "bin" / "atc"
    assert find_atc(environ={"PATH": str(home / "bin")}).emulated
    with pytest.raises(ConversionError, match="--emulate"):
        find_atc(environ={"PATH": "/none"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo started; echo E10001: wrong; echo more; exit 3", r"atc failed \(exit 3\): E10001: wrong$"),
        ("echo '[ERROR] EZ3003: no kernel' >&2; exit 1", "EZ3003: no kernel"),
        ("for i in 1 2 3 4 5; do echo line $i; done; exit 1", r"line 3 \| line 4 \| line 5$"),
        ("exit 1", "nothing$"),
        ("echo fine", "wrote no OM: fine"),
    ],
)
def test_a_failure_has_atc_s_words_and_leaves_what_was_there(
    tmp_path: Path, case: Case, text: str, words: str
) -> None:
    assert case.forms.onnx is not None
    (tmp_path / "m.om").write_text("old")
    tool = script(tmp_path / "bin" / "atc", text)
    with pytest.raises(ConversionError, match=words):
        convert(case.forms.onnx, tmp_path / "m", "5", "Ascend310", {}, Atc(tool, None, None))
    assert (tmp_path / "m.om").read_text() == "old"
    assert {item.name for item in tmp_path.iterdir()} == {"m.om", "bin"}


def test_an_atc_that_hangs_is_killed_with_its_children(tmp_path: Path, case: Case) -> None:
    assert case.forms.onnx is not None
    tool = script(tmp_path / "atc", f"sleep 600 & echo $! >{tmp_path}/child; echo waiting; wait")
    with pytest.raises(ConversionError, match=r"killed after 0\.5 s; it said: waiting"):
        convert(
            case.forms.onnx, tmp_path / "m", "5", "Ascend310", {}, Atc(tool, None, None), limit_seconds=0.5
        )
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    deadline = time.monotonic() + 30
    while child.exists() and child.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not child.exists() or child.read_text().split()[2] == "Z"


def test_lines_come_as_they_are_printed(tmp_path: Path, case: Case) -> None:
    """The second line waits until the first was seen."""
    assert case.forms.onnx is not None
    seen = tmp_path / "seen"
    tool = script(tmp_path / "atc", f"echo one; until [ -e {seen} ]; do sleep 0.01; done; {SUCCESS}")

    class Screen(io.StringIO):
        def write(self, text: str) -> int:
            seen.touch()
            return super().write(text)

    convert(
        case.forms.onnx,
        tmp_path / "m",
        "5",
        "Ascend310",
        {},
        Atc(tool, None, None),
        Screen(),
        limit_seconds=60,
    )


def test_provenance_of_another_om_is_none(tmp_path: Path, case: Case) -> None:
    path, _ = convert_case(case, tmp_path / "m", emulate=True)
    text = Path(f"{path}.json").read_text()
    assert json.loads(text)["om_sha256"] in text
    path.chmod(0o640)
    path.write_bytes(b"another")
    assert provenance(path) is None
    assert provenance(tmp_path / "none.om") is None
    Path(f"{path}.json").write_text("{")
    assert provenance(path) is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--output=m", "--case=none"], "no such case; there are mcnn-"),
        (["--output=none/m", "--emulate"], "no folder none"),
        (["--output=m", "--emulate", "--onnx=none.onnx"], "none.onnx"),
        (["--output=m", "--emulate", "--onnx=bad.onnx"], "not an ONNX model"),
        (["--output=m", "--emulate", "--air=bad.onnx"], "genuine AIR"),
        (["--output=m", "--emulate", "--air=a", "--onnx=b"], "give one of them"),
        (["--output=m", "--emulate", "--soc=Ascend1"], "E10001"),
        (["--output=m", "--emulate", "--precision-mode=must_keep_origin_dtype"], "EZ3003"),
        (["--output=m"], "no atc here"),
        ([], "--output"),
    ],
)
def test_the_command_refuses_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    Path("bad.onnx").write_bytes(b"bad")
    out, err = io.StringIO(), io.StringIO()
    assert main(["convert", *arguments], out, err) == 2
    assert text in err.getvalue()
    assert err.getvalue().count("\n") == 1
    assert not list(tmp_path.glob("*m*.om*"))


def test_the_command_tells_what_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    assert main(["convert", "--emulate", "--output=m"], out) == 0
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("ATC start")
    assert lines[-1].startswith("m.om: emulated OM")
    assert lines[-1].endswith("how: m.om.json")


def test_ctrl_c_ends_atc(tmp_path: Path, case: Case) -> None:
    tool = script(
        tmp_path / "atc", f"echo $$ >{tmp_path}/pid.part; mv {tmp_path}/pid.part {tmp_path}/pid; sleep 600"
    )
    code = (
        # A shell without job control starts its background jobs with SIGINT ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from pathlib import Path; from bench.convert import Atc, convert; "
        f"convert(Path({str(case.forms.onnx)!r}), Path({str(tmp_path / 'm')!r}), '5', 'Ascend310', {{}}, Atc(Path({str(tool)!r}), None, None))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=CASE.parents[2], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    pid = int((tmp_path / "pid").read_text())
    process.send_signal(signal.SIGINT)
    process.wait(30)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.01)
    else:
        pytest.fail("atc is still running")
    assert not list(tmp_path.glob(".converting-*"))


def test_ctrl_c_while_atc_starts_ends_it_too(
    tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []
    start = subprocess.Popen

    def interrupted(*arguments: Any, **named: Any) -> subprocess.Popen[str]:
        started.append(start(*arguments, **named))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    tool = Atc(script(tmp_path / "atc", "sleep 600"), None, None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            convert(case.forms.onnx, tmp_path / "m", "5", "Ascend310", {}, tool)  # type: ignore[arg-type]
    finally:
        signal.signal(signal.SIGINT, before)
    assert started[0].poll() == -signal.SIGKILL
    assert not list(tmp_path.glob(".converting-*"))
