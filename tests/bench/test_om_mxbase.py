"""The om-mxbase backend: which driver it takes and why, and both of them on the emulated home."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench import sdk
from bench.backends import get, om_mxbase
from bench.backends.base import Options, worker
from bench.backends.om_mxbase import BACKEND, CHUNK, DRIVER, EMULATED_LIBRARY, choose
from bench.emulator import build
from bench.emulator.home import make_home, variables
from bench.emulator.om import MAGIC
from bench.evaluate import Result, evaluate
from bench.progress import Bar
from bench.session import derive_truth
from cases.case import Case, load, load_all
from cases.dataset import Dataset, prepare
from cases.errors import OmgateError
from cases.ground_truth import TruthCache
from cases.parts import MxBase
from tests.bench.tiny import house

MCNN = Path(__file__).parents[2] / "cases" / "mcnn" / "mcnn-synthetic.toml"
OURS = b'\x7fELF libmxbase.so {"omgate":1'


@pytest.fixture
def case(tmp_path: Path) -> Any:
    """What the backend reads of a case; its OM file is genuine."""
    om = tmp_path / "model.om"
    om.write_bytes(b"IMOD" + bytes(252))
    return SimpleNamespace(
        path=tmp_path / "tiny.toml",
        forms=SimpleNamespace(om=om, onnx=None),
        mxbase=SimpleNamespace(program=tmp_path / "mxbase" / "Mcnn"),
        input=SimpleNamespace(shape=(1, 1, 32, 64)),
        limits=SimpleNamespace(open_seconds=7.0, image_seconds=3.0),
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real SDK with the Python binding, as far as one can be looked at."""
    folder = tmp_path / "sdk"
    (folder / "python" / "mindx" / "sdk").mkdir(parents=True)
    (folder / "python" / "mindx" / "sdk" / "base.py").write_text("", encoding="utf-8")
    (folder / "version.info").write_text("MindX SDK mxVision:5.0.0\n", encoding="utf-8")
    monkeypatch.setenv("MX_SDK_HOME", str(folder))
    monkeypatch.delenv(DRIVER, raising=False)
    monkeypatch.delenv(sdk.PYTHON, raising=False)
    return folder


def put_program(case: Any, content: bytes = OURS, mode: int = 0o755) -> Path:
    program: Path = case.mxbase.program
    program.parent.mkdir(exist_ok=True)
    program.write_bytes(content)
    program.chmod(mode)
    return program


def test_native_where_its_program_is_built(case: Any, home: Path) -> None:
    program = put_program(case)
    assert BACKEND.available(case, Options()).ok
    config = BACKEND.worker_config(case, Options(device="2"))
    assert (config["driver"], config["program"], config["device"], config["note"]) == (
        *("native", str(program)),
        *(2, ""),
    )
    assert config["exits"]["3"].startswith("could not start")
    assert "1013" in config["exits"]["245"]
    assert config["soc"] is None
    spec = worker(BACKEND, case, Options())
    assert (spec.depth, spec.device, spec.environ["MX_SDK_HOME"]) == (CHUNK, "ascend-0", str(home))


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (None, 0o755, "can't be read"),
        (OURS, 0o644, "may not be executed"),
        (OURS + EMULATED_LIBRARY, 0o755, "not built against this SDK's"),
        (b"\x7fELF libmxbase.so", 0o755, "no machine lines"),
    ],
)
def test_python_with_the_reason_where_the_program_is_not_for_this_home(
    case: Any, home: Path, content: bytes | None, mode: int, words: str
) -> None:
    if content is not None:
        put_program(case, content, mode)
    chosen = choose(case)
    assert (chosen.driver, chosen.reason) == ("python", "")
    assert words in chosen.note
    assert BACKEND.worker_config(case, Options())["note"] == chosen.note


def test_the_published_program_is_told_apart_and_the_import_named(case: Any, home: Path) -> None:
    put_program(case, b"\x7fELF libmxbase.so")
    assert "omgate import" in choose(case).note


def test_the_variable_chooses_and_an_impossible_choice_is_refused(
    case: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DRIVER, "native")
    refused = BACKEND.available(case, Options())
    assert not refused.ok
    assert "can't be read" in refused.reason
    assert "build.sh" in refused.way_out
    put_program(case)
    monkeypatch.setenv(DRIVER, "python")
    assert choose(case).driver == "python"
    monkeypatch.setenv(DRIVER, "c++")
    assert "allowed are native and python" in BACKEND.available(case, Options()).reason
    with pytest.raises(OmgateError, match=DRIVER):
        choose(case)


def test_neither_driver(case: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests put the emulated home's own mindx on this process's path.
    monkeypatch.setattr(om_mxbase, "_is_installed", lambda: False)
    (home / "python" / "mindx" / "sdk" / "base.py").unlink()
    refused = BACKEND.available(case, Options())
    assert not refused.ok
    assert "mindx.sdk.base" in refused.reason
    assert "can't be read" in refused.reason


def test_no_sdk_and_another_ones_om_are_refused_with_a_way_out(
    case: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.forms.om.write_bytes(MAGIC + bytes(64))
    assert "emulated OM file" in BACKEND.available(case, Options()).reason
    monkeypatch.setattr(sdk, "find", lambda: None)
    assert "set_env.sh" in BACKEND.available(case, Options()).way_out


def test_a_wrong_device_is_refused(case: Any, home: Path) -> None:
    put_program(case)
    assert "--device" in BACKEND.available(case, Options(device="cpu")).reason


# --- on the emulated home -----------------------------------------------------------------------------------------------------


def measure(case: Case, log: Path, images: int | None = None) -> tuple[list[Result], dict[str, Any]]:
    assert BACKEND.available(case, Options()).ok
    BACKEND.prepare(case)
    samples = Dataset.open(case.data.root).samples[:images]
    cache = TruthCache(log.parent / "truth")
    with evaluate(
        samples, lambda sample: prepare(sample, case, cache), worker(BACKEND, case, Options(), log)
    ) as found:
        return list(found), found.info


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMGATE_EMULATOR_HOME", str(tmp_path_factory.mktemp("sdk") / "home"))
        return make_home()


@pytest.fixture
def tiny(tmp_path: Path, emulated: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    for name, value in variables(emulated).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(DRIVER, raising=False)
    (case,) = load_all(house(tmp_path))
    return case


def test_the_python_driver_on_the_emulated_home(tiny: Case, tmp_path: Path) -> None:
    results, info = measure(tiny, tmp_path / "log")
    assert [result.status for result in results] == ["ok"] * 5
    reference = get("reference")
    samples = Dataset.open(tiny.data.root).samples
    cache = TruthCache(tmp_path / "truth")
    spec = worker(reference, tiny, Options())
    with evaluate(samples, lambda sample: prepare(sample, tiny, cache), spec) as oracle:
        for result, right in zip(results, oracle, strict=True):
            assert result.predicted_count == pytest.approx(right.predicted_count, rel=5e-3)
            assert {"transfer", "infer", "fetch"} <= set(result.seconds)
    assert (info["driver"], info["soc"], BACKEND.soc(info)) == ("python", "emulated", "emulated")
    assert "mxbase is not set" in info["note"]


def test_a_failed_inference_has_the_sdks_own_reason(
    tiny: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMGATE_EMULATOR_FAULT", "error=1001@2")
    results, _ = measure(tiny, tmp_path / "log")
    assert [result.status for result in results] == ["ok", "failed", "ok", "ok", "ok"]
    assert results[1].reason == "worker-error"
    assert "1001" in str(results[1].detail)


def test_the_emulated_homes_program_is_not_taken_for_another_models(tiny: Case, emulated: Path) -> None:
    other = replace(tiny, mxbase=MxBase(tiny.folder / "mxbase" / "Tiny"))
    chosen = choose(other)
    assert (chosen.driver, chosen.reason) == ("python", "")
    assert "builds Mcnn alone, not Tiny" in chosen.note


# --- with the C++ program, where it can be built ---------------------------------------------------------------------------------


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Case]:
    folder = make_home()
    try:
        build.build(folder, lambda text: None)  # once for a home: what is built is left alone
    except build.CannotBuild as error:
        pytest.skip(str(error))
    derive_truth(load(MCNN), Bar(None, quiet=True))  # a fresh clone has the heads' positions alone
    for name, value in variables(folder).items():
        monkeypatch.setenv(name, value)

    def choose_driver(
        driver: str, fault: str = "", device_seconds: str = "", image_seconds: float = 60.0
    ) -> Case:
        for name, value in {
            DRIVER: driver,
            "OMGATE_EMULATOR_FAULT": fault,
            "OMGATE_EMULATOR_DEVICE_SECONDS": device_seconds,
        }.items():
            if value:
                monkeypatch.setenv(name, value)
            else:
                monkeypatch.delenv(name, raising=False)
        case = load(MCNN)
        program = case.mxbase or MxBase(MCNN.parent / "infer" / "mxbase" / "Mcnn")
        return replace(case, mxbase=program, limits=replace(case.limits, image_seconds=image_seconds))

    return choose_driver


def test_both_drivers_give_the_same_map_bit_for_bit(built: Callable[..., Case], tmp_path: Path) -> None:
    (native,), info = measure(built("native"), tmp_path / "native.log", images=1)
    (python,), _ = measure(built("python"), tmp_path / "python.log", images=1)
    assert info["driver"] == "native"
    assert native.density is not None
    assert python.density is not None
    assert np.array_equal(native.density, python.density)


@pytest.mark.parametrize("fault", ["error=1001@2", "crash@3", "nan@3", "shape@3", "empty@3", "hang@3"])
def test_each_fault_costs_its_image_in_the_program_too(
    built: Callable[..., Case], tmp_path: Path, fault: str
) -> None:
    case = built("native", fault, "0.001", image_seconds=5.0)
    results, _ = measure(case, tmp_path / "log", images=5)
    failed = [result for result in results if result.status != "ok"]
    assert failed
    expected = ("not-finite",) if fault.startswith("nan") else ("worker-error", "worker-timeout")
    assert all(result.reason in expected and result.detail for result in failed)
    assert len(failed) <= 2  # K counts the inferences of one start of the program
    left = [name for name in os.listdir("/proc") if name.isdigit() and _is_mcnn(Path("/proc") / name)]
    assert left == []


def _is_mcnn(process: Path) -> bool:
    try:
        return (
            b"/omgate-native-" in (process / "cmdline").read_bytes() and process.stat().st_uid == os.getuid()
        )
    except OSError:
        return False


def test_no_device_is_told_before_the_first_image(built: Callable[..., Case], tmp_path: Path) -> None:
    results, _ = measure(built("native", "device-missing"), tmp_path / "log", images=3)
    assert {result.reason for result in results} == {"backend-unavailable"}
    assert "1013" in str(results[0].detail)
