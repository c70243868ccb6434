"""Which SDK is here, what its set_env.sh exports, which OM files it can run."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import sdk
from bench.emulator.om import MAGIC
from bench.sdk import SdkHome
from cases.errors import OmgateError

GENUINE = b"IMOD" + bytes(252)


def a_home(folder: Path, emulated: bool = False, script: str | None = None) -> SdkHome:
    (folder / "python").mkdir(parents=True)
    (folder / "version.info").write_text("MindX SDK mxVision:7.1.0\n", encoding="utf-8")
    if emulated:
        (folder / "EMULATED").write_text("", encoding="utf-8")
    if script is not None:
        (folder / "set_env.sh").write_text(script, encoding="utf-8")
    return SdkHome(folder, emulated, "7.1.0")


def a_case(om: Path | None = None, onnx: Path | None = None) -> Any:
    return SimpleNamespace(path=Path("tiny.toml"), forms=SimpleNamespace(om=om, onnx=onnx), sdk=None)


def test_the_home_that_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = a_home(tmp_path / "sdk", emulated=True)
    monkeypatch.setenv("MX_SDK_HOME", str(wanted.path))
    assert sdk.find() == wanted
    assert sdk.soc() == "emulated"
    assert sdk.lock(None) is None


def test_a_real_home_has_a_device_to_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MX_SDK_HOME", str(a_home(tmp_path / "sdk").path))
    assert sdk.lock(None) == "ascend-0"
    assert sdk.lock("3") == "ascend-3"
    with pytest.raises(OmgateError, match="--device: seen 'cpu'"):
        sdk.lock("cpu")


def test_what_set_env_exports_wins_over_what_is_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    script = 'export OMGATE_SEEN="two\nlines" LD_LIBRARY_PATH="/own:$LD_LIBRARY_PATH"; echo noise\n'
    home = a_home(tmp_path / "a folder; with 'quotes'", emulated=True, script=script)
    found = sdk.variables(home)
    assert found["OMGATE_SEEN"] == "two\nlines"
    assert found["LD_LIBRARY_PATH"] == "/own:/before"
    assert found["MX_SDK_HOME"] == str(home.path)
    assert str(home.path / "python") in found["PYTHONPATH"].split(os.pathsep)
    assert "PWD" not in found


def test_a_home_without_set_env_gets_what_is_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    home = a_home(tmp_path / "sdk", emulated=True)
    parts = sdk.variables(home)["LD_LIBRARY_PATH"].split(os.pathsep)
    assert parts[0] == str(home.path / "lib")
    assert parts[-1] == "/before"


def test_a_set_env_that_fails_or_hangs_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "SOURCE_SECONDS", 0.2)
    home = a_home(tmp_path / "sdk", emulated=True, script="sleep 60\n")
    assert sdk.variables(home)["MX_SDK_HOME"] == str(home.path)
    other = a_home(tmp_path / "other", emulated=True, script="exit 3\n")
    assert sdk.variables(other)["MX_SDK_HOME"] == str(other.path)


@pytest.mark.parametrize(
    ("content", "emulated", "says"),
    [
        (GENUINE, False, ""),
        (MAGIC, True, ""),
        (GENUINE, True, "is a genuine OM file"),
        (MAGIC, False, "is an emulated OM file"),
        (b"\x08\x07onnx", True, "is no OM file"),
        (b"", False, "is no OM file"),
    ],
)
def test_an_om_runs_on_its_own_kind_of_home(
    tmp_path: Path, content: bytes, emulated: bool, says: str
) -> None:
    file = tmp_path / "model.om"
    file.write_bytes(content)
    reason = sdk.check_om(file, SdkHome(tmp_path, emulated))
    assert says in reason
    assert bool(reason) == bool(says)


def test_a_missing_om_says_so(tmp_path: Path) -> None:
    assert "can't be read" in sdk.check_om(tmp_path / "none.om", SdkHome(tmp_path, True))


def test_why_no_om_backend_can_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MX_SDK_HOME", raising=False)
    if sdk.find() is None:
        assert "--emulate" in sdk.missing(a_case())[1]
    real = a_home(tmp_path / "real")
    monkeypatch.setenv("MX_SDK_HOME", str(real.path))
    assert sdk.missing(a_case())[0] == "tiny.toml:forms.om names no file"
    om = tmp_path / "model.om"
    om.write_bytes(MAGIC)
    assert "emulated OM file" in sdk.missing(a_case(om=om))[0]
    om.write_bytes(GENUINE)
    assert sdk.missing(a_case(om=om)) == ("", "")
    monkeypatch.setenv("MX_SDK_HOME", str(tmp_path / "nowhere"))
    assert sdk.missing(a_case(om=om))[0]


def test_on_a_device_the_pipelines_own_model_is_the_cases(tmp_path: Path) -> None:
    pipeline = tmp_path / "infer" / "sdk" / "mcnn.pipeline"
    pipeline.parent.mkdir(parents=True)
    delivered = Path(__file__).parents[2] / "cases/mcnn/infer/sdk/mcnn.pipeline"
    pipeline.write_bytes(delivered.read_bytes())
    case = a_case()
    case.sdk = SimpleNamespace(pipeline=pipeline)
    assert sdk.om_file(case, SdkHome(tmp_path, False)) == tmp_path / "infer" / "model" / "mcnn.om"
    assert sdk.om_file(case, SdkHome(tmp_path, True)) is None
    pipeline.write_text("{", encoding="utf-8")
    assert sdk.om_file(case, SdkHome(tmp_path, False)) is None


def test_the_emulated_om_is_named_by_the_onnx_it_comes_from(tmp_path: Path) -> None:
    home = a_home(tmp_path / "sdk", emulated=True)
    onnx = tmp_path / "model.onnx"
    onnx.write_bytes(b"one")
    first = sdk.om_file(a_case(onnx=onnx), home)
    onnx.write_bytes(b"two")
    second = sdk.om_file(a_case(onnx=onnx), home)
    assert first is not None
    assert first.parent == home.path / "models"
    assert first != second
    assert sdk.om_file(a_case(onnx=onnx), SdkHome(tmp_path, False)) is None
