"""The `python` driver against a small binding with mindx.sdk.base's names and manners, in both generations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.backends.base import worker_text
from bench.gateway import Answer, Session, WorkerRefused, WorkerSpec
from bench.sdk_codes import CODES

BINDING = """
import os, time
import numpy

GENERATION = os.environ["GENERATION"]
FAULT = os.environ.get("FAULT", "")
_state = {"init": 0, "objects": 0, "infers": 0}


def _journal(text):
    with open(os.environ["JOURNAL"], "a") as file:
        file.write(text + "\\n")


def _log(level, text):
    folder = os.environ["LOGS"]
    os.makedirs(folder, exist_ok=True)
    name = "mxsdk.log.python.%s.20260418-112233.%d" % ({"E": "error", "I": "info"}[level], os.getpid())
    with open(os.path.join(folder, name), "a") as file:
        file.write("%s20260418 11:22:33.004512 %7d ModelDesc.cpp:93] %s\\n" % (level, os.getpid(), text))


_log("E", "an error of an earlier run")


def mx_init():
    _journal("mx_init")
    if FAULT == "init-silently":
        return 1013
    _log("E", "an old error that explains nothing")
    if FAULT == "init":
        _log("E", "No device was found.")
        return 1013
    return 0


def mx_deinit():
    _journal("mx_deinit with %d objects" % _state["objects"])
    return 0


class _Counted(object):
    def __init__(self):
        _state["objects"] += 1

    def __del__(self):
        _state["objects"] -= 1


class Tensor(_Counted):
    def __init__(self, array):
        super(Tensor, self).__init__()
        assert array.flags["C_CONTIGUOUS"], "strides are ignored: this would be scrambled"
        self.array, self.device = numpy.array(array), -1

    if GENERATION == "new":

        def to_device(self, number):
            _journal("to_device %d" % number)
            self.device = number

    def to_host(self):
        self.device = -1

    @property
    def __array_interface__(self):
        assert self.device == -1, "this would end the process"
        return self.array.__array_interface__


class _Model(_Counted):
    def __init__(self, path, device):
        super(_Model, self).__init__()
        _journal("Model %d" % device)
        if FAULT == "load":
            _log("E", "The file %s is not an OM model." % path)
            raise RuntimeError(' (Code = 1007, Message = "memory allocation error") ')
        self.output_num = 1

    def infer(self, tensors):
        _state["infers"] += 1
        (tensor,) = tensors
        array = numpy.asarray(tensor.array)
        assert array.dtype == numpy.float32 and (GENERATION == "old" or tensor.device == 3)
        if FAULT == "infer" and _state["infers"] == 3:
            return []
        if FAULT == "silently" and _state["infers"] == 2:
            return []
        if FAULT == "infer" and _state["infers"] == 2:
            _log("I", "still here")
            _log("E", "Failed to execute the model (Code = 507018).")
            return []
        result = Tensor(array[:, :, ::2, ::2].copy() * numpy.float32(0.5))
        result.device = 3
        return result if FAULT == "bare" else [result] * (2 if FAULT == "two" else 1)


if GENERATION == "new":
    Model = _Model
else:

    def model(path, device):
        return _Model(path, device)
"""


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., WorkerSpec]:
    package = tmp_path / "home" / "python" / "mindx" / "sdk"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("", encoding="utf-8")
    (package / "base.py").write_text(BINDING, encoding="utf-8")
    config = tmp_path / "home" / "config"
    config.mkdir()
    (config / "logging.conf").write_text(f"# logs\nlog_dir = {tmp_path}/logs  # here\n", encoding="utf-8")
    model = tmp_path / "model.om"
    model.write_bytes(b"a model")

    def make(generation: str = "new", fault: str = "") -> WorkerSpec:
        settings = {
            "driver": "python",
            "note": "no program",
            "home": str(tmp_path / "home"),
            "version": "5.0.0",
            "soc": None,
            "model": str(model),
            "device": 3,
            "codes": {str(code): meaning for code, meaning in CODES.items()},
        }
        environ = {
            "GENERATION": generation,
            "FAULT": fault,
            "JOURNAL": str(tmp_path / "journal"),
            "LOGS": str(tmp_path / "logs"),
            "PYTHONPATH": str(tmp_path / "home" / "python"),
        }
        return WorkerSpec("om-mxbase", worker_text("mxbase"), settings, environ=environ, log=tmp_path / "log")

    return make


def images(count: int) -> list[np.ndarray[Any, Any]]:
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (1, 1, 4, 6), dtype=np.uint8) for _ in range(count)]


def run(spec: WorkerSpec, count: int = 4) -> tuple[dict[str, Any], list[Answer]]:
    session = Session(spec)
    try:
        info = session.open()
        for sequence, pixels in enumerate(images(count)):
            session.submit(sequence, pixels)
        return info, [session.receive() for _ in range(count)]
    finally:
        session.close()


@pytest.mark.parametrize("generation", ["new", "old"])
@pytest.mark.parametrize("fault", ["", "bare"])
def test_both_generations_give_the_maps_in_order(
    spec: Callable[..., WorkerSpec], tmp_path: Path, generation: str, fault: str
) -> None:
    info, answers = run(spec(generation, fault))
    for answer, pixels in zip(answers, images(4), strict=True):
        assert answer.problem is None, answer.problem
        assert answer.array is not None
        np.testing.assert_array_equal(answer.array, pixels[:, :, ::2, ::2].astype(np.float32) / 2)
        assert set(answer.seconds) == {"transfer", "infer", "fetch"}
    assert (info["framework"], info["driver"], info["note"]) == ("mxBase", "python", "no program")
    copied = "copy to the device included" if generation == "old" else "conversion and copy to the device"
    assert copied in info["region"]
    journal = (tmp_path / "journal").read_text(encoding="utf-8").split("\n")
    assert journal[:2] == ["mx_init", "Model 3"]
    assert journal[-2] == "mx_deinit with 0 objects"


def test_an_empty_list_is_a_failure_and_the_log_has_its_reason(spec: Callable[..., WorkerSpec]) -> None:
    _, answers = run(spec(fault="infer"))
    assert [answer.problem is None for answer in answers] == [True, False, False, True]
    assert "infer gave 0 outputs" in str(answers[1].problem)
    assert "Failed to execute the model (Code = 507018)." in str(answers[1].problem)
    assert "the SDK's log says nothing" in str(answers[2].problem)


def test_an_error_that_was_logged_before_explains_nothing(spec: Callable[..., WorkerSpec]) -> None:
    _, answers = run(spec(fault="silently"))
    assert "the SDK's log says nothing" in str(answers[1].problem)
    with pytest.raises(WorkerRefused, match=r"1013.*the SDK's log says nothing"):
        run(spec(fault="init-silently"))


def test_another_number_of_outputs_than_the_models_is_a_failure(spec: Callable[..., WorkerSpec]) -> None:
    _, answers = run(spec(fault="two"))
    assert "infer gave 2 outputs, the model has 1" in str(answers[0].problem)


def test_the_constructors_code_of_a_failed_allocation_is_not_believed(
    spec: Callable[..., WorkerSpec], tmp_path: Path
) -> None:
    with pytest.raises(WorkerRefused, match=r"not loaded.*any failure.*is not an OM model"):
        run(spec(fault="load"))
    assert "mx_deinit" in (tmp_path / "journal").read_text(encoding="utf-8")


def test_mx_init_does_not_raise_so_its_code_is_looked_at(spec: Callable[..., WorkerSpec]) -> None:
    with pytest.raises(WorkerRefused, match=r"1013 \(APP_ERR_COMM_INIT_FAIL.*No device was found"):
        run(spec(fault="init"))


def test_an_sdk_without_the_binding_is_refused(spec: Callable[..., WorkerSpec], tmp_path: Path) -> None:
    (tmp_path / "home" / "python" / "mindx" / "sdk" / "base.py").unlink()
    with pytest.raises(WorkerRefused, match="base"):
        run(spec())
