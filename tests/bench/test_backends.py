"""The host's half of each backend: what it says when something is missing, and what it sends to its worker."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import backends
from bench.backends import base, ckpt
from bench.backends.base import Options
from cases.errors import OmgateError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def case(tmp_path: Path) -> Any:
    """A case with all its files; only what backends read of it."""
    for name in ("model.ckpt", "model.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "network.py").write_text("class Net: pass\n")
    return SimpleNamespace(
        path=tmp_path / "tiny.toml",
        forms=SimpleNamespace(ckpt=tmp_path / "model.ckpt", onnx=tmp_path / "model.onnx", om=None),
        network=SimpleNamespace(file=tmp_path / "network.py", class_name="Net"),
        input=SimpleNamespace(shape=(1, 1, 32, 64)),
        limits=SimpleNamespace(open_seconds=7.0, image_seconds=3.0),
    )


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The frameworks that seem to be installed."""
    found = {"mindspore", "onnxruntime"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name in found else None)
    return found


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of device files, empty at first."""
    folder = tmp_path / "dev"
    folder.mkdir()
    monkeypatch.setattr(ckpt, "DEVICE_FILES", folder)
    return folder


def test_names_and_the_nearest_one() -> None:
    assert backends.names() == ("reference", "ckpt", "om-sdk", "om-mxbase")
    assert [backends.get(name).name for name in backends.names()] == list(backends.names())
    with pytest.raises(
        OmgateError,
        match=r"--backend: seen 'referense', allowed reference, ckpt, om-sdk, om-mxbase; did you mean reference\?",
    ):
        backends.get("referense")


def test_asking_a_backend_imports_no_framework() -> None:
    code = """
import sys
from bench import backends
from bench.backends.base import Options
from types import SimpleNamespace as N
from pathlib import Path
missing = Path("nowhere")
case = N(path=missing, forms=N(ckpt=missing, onnx=missing, om=None), network=N(file=missing, class_name="Net"), sdk=None, mxbase=None)
for name in backends.names():
    backends.get(name).available(case, Options())
    name in ("om-sdk", "om-mxbase") or backends.get(name).worker_source(case)
print(sorted({"numpy", "cv2", "mindspore", "onnxruntime", "execnet"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["reference", "ckpt"])
def test_all_is_here(case: Any, installed: set[str], name: str) -> None:
    availability = backends.get(name).available(case, Options())
    assert availability.ok
    assert str(availability) == "available"


def test_mindspore_is_missing(case: Any, installed: set[str]) -> None:
    installed.remove("mindspore")
    availability = backends.get("ckpt").available(case, Options())
    assert str(availability) == "MindSpore is not installed: pip install 'omgate[ckpt]'"


@pytest.mark.parametrize(("name", "form"), [("reference", "onnx"), ("ckpt", "ckpt")])
def test_a_model_that_is_not_named_or_not_there(case: Any, installed: set[str], name: str, form: str) -> None:
    backend = backends.get(name)
    setattr(case.forms, form, None)
    assert (
        str(backend.available(case, Options()))
        == f"tiny.toml:forms.{form} names no file: set it, or give --{form}=FILE"
    )
    gone = Path("gone")
    availability = backend.available(case, Options(**{form: gone}))
    assert not availability.ok
    assert availability.reason == f"gone is not there (tiny.toml:forms.{form} or --{form})"
    assert availability.way_out == f"put it there, or give --{form}=FILE"


def test_the_network_is_not_named_or_not_there(case: Any, installed: set[str]) -> None:
    case.network.file.unlink()
    assert "tiny.toml:network.file" in str(backends.get("ckpt").available(case, Options()))
    case.network = None
    assert "tiny.toml:network is not set" in str(backends.get("ckpt").available(case, Options()))


def test_what_the_reference_worker_gets(case: Any, tmp_path: Path) -> None:
    spec = base.worker(backends.get("reference"), case, Options(threads=2), tmp_path / "log")
    assert spec.config == {
        "model": str(tmp_path / "model.onnx"),
        "digest": base.sha256(tmp_path / "model.onnx"),
        "shape": [1, 1, 32, 64],
        "threads": 2,
    }
    assert (spec.name, spec.device, spec.log) == ("reference", None, tmp_path / "log")
    assert (spec.open_seconds, spec.image_seconds) == (7.0, 3.0)
    assert "onnxruntime" in spec.source


def test_what_the_ckpt_worker_gets_on_a_processor(case: Any, devices: Path, tmp_path: Path) -> None:
    spec = base.worker(backends.get("ckpt"), case, Options())
    assert spec.config["network"] == "class Net: pass\n"
    assert spec.config["class_name"] == "Net"
    assert (spec.config["target"], spec.device) == ("CPU", None)


def test_an_option_goes_before_the_case(case: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"other")
    config = backends.get("reference").worker_config(case, Options(onnx=other))
    assert (config["model"], config["digest"]) == (str(other), base.sha256(other))


def test_ckpt_takes_the_first_ascend_device_and_locks_it(case: Any, devices: Path) -> None:
    for name in ("davinci2", "davinci11", "davinci_manager"):
        (devices / name).touch()
    backend = backends.get("ckpt")
    spec = base.worker(backend, case, Options())
    assert (spec.config["target"], spec.config["device_id"], spec.device) == ("Ascend", 2, "ascend-2")
    assert backend.device(Options(device="11")) == "ascend-11"
    assert backend.device(Options(device="cpu")) is None
    with pytest.raises(OmgateError, match="--device: seen 'npu', allowed cpu or a device's number"):
        backend.device(Options(device="npu"))


@pytest.mark.parametrize(
    ("info", "soc"),
    [
        ({"provider": "CPU", "device_name": "cpu"}, "cpu"),
        ({"provider": "Ascend", "device_name": "Ascend910B3"}, "Ascend910"),
        ({"provider": "Ascend", "device_name": "Ascend310P3"}, "Ascend310"),
        ({"provider": "Ascend", "device_name": "Ascend"}, "Ascend910"),
    ],
)
def test_soc(info: dict[str, str], soc: str) -> None:
    assert backends.get("ckpt").soc(info) == soc
    assert backends.get("reference").soc(info) == "cpu"
