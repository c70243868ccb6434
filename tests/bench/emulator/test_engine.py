"""The engine: what it answers, on which graphs, and how it ends."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import bench.emulator
from bench.emulator.atc import main as atc
from bench.emulator.engine import DEVICES, Engine
from bench.emulator.faults import DEVICE_VARIABLE, VARIABLE
from bench.emulator.model import DTYPES
from tests.bench.emulator import graphs
from tests.bench.emulator.conftest import Client

Start = Callable[..., Client]


def convert(folder: Path, content: bytes, *options: str) -> Path:
    (folder / "m.onnx").write_bytes(content)
    out = io.StringIO()
    arguments = [
        "--framework=5",
        f"--model={folder}/m.onnx",
        f"--output={folder}/m",
        "--soc_version=Ascend310",
    ]
    assert atc([*arguments, *options], out) == 0, out.getvalue()
    return folder / "m.om"


def ask(engine: Engine, payload: bytes = b"", **header: object) -> dict[str, str]:
    answer = engine.answer({key: str(value) for key, value in header.items()}, memoryview(payload))
    return {key: str(value) for key, value in answer.header.items()}


def run(om: Path, arrays: Sequence[np.ndarray], environ: dict[str, str] | None = None, **header: object):  # type: ignore[no-untyped-def]
    """The outputs of one inference in this process, typed and shaped as the answers say."""
    engine = Engine(environ or {})
    loaded = ask(engine, op="load", path=om)
    assert loaded["code"] == "0", loaded
    sizes = ",".join(str(array.nbytes) for array in arrays)
    asked = {
        "op": "infer",
        "model": "0",
        "bytes": sizes,
        **{key: str(value) for key, value in header.items()},
    }
    engine.arrived = time.perf_counter()
    answer = engine.answer(asked, memoryview(b"".join(array.tobytes() for array in arrays)))
    assert answer.header["code"] == 0, answer.header
    kinds = dict(DTYPES.values())
    assert str(answer.header["bytes"]) == ",".join(str(part.nbytes) for part in answer.payload)
    return [
        np.frombuffer(part, kinds[int(loaded[f"output.{index}.dtype"])]).reshape(
            [int(size) for size in shape.split(",") if size]
        )
        for index, (part, shape) in enumerate(
            zip(answer.payload, str(answer.header["shapes"]).split(";"), strict=True)
        )
    ]


def test_one_client_from_hello_to_its_end(tmp_path: Path, engine: Start) -> None:
    om = convert(tmp_path, graphs.scaled())
    client = engine()
    assert client.ask(op="hello")[0] == {"code": "0", "version": "1", "soc": "emulated", "devices": "4"}
    assert client.ask(op="load", path=om, device=0)[0] == {
        "code": "0", "model": "0", "batch": "1",
        "inputs": "1", "input.0.name": "x", "input.0.dtype": "0", "input.0.shape": "1,3", "input.0.bytes": "12",
        "outputs": "1", "output.0.name": "y", "output.0.dtype": "0", "output.0.shape": "1,3", "output.0.bytes": "12",
    }  # fmt: skip
    x = np.array([[0.3, 20.7, -3.1]], np.float32)
    header, payload = client.infer([x])
    assert (header["code"], header["bytes"], header["shapes"]) == ("0", "12", "1,3")
    assert 0 < float(header["seconds"]) < 60
    np.testing.assert_array_equal(np.frombuffer(payload, np.float32).reshape(1, 3), graphs.scaled_in_half(x))
    assert client.ask(op="unload", model=0)[0] == {"code": "0"}
    assert client.infer([x])[0]["code"] == "1004"
    assert client.close() == ""
    assert client.process.returncode == 0


def test_a_client_that_sends_rubbish_is_told_on_stderr(engine: Start) -> None:
    client = engine()
    client.socket.sendall(b"hello, engine; this is no message")
    client.process.wait(30)
    assert "omgate-engine: a message begins with" in client.close()
    assert client.process.returncode == 1


def test_without_a_socket_it_says_who_starts_it(emulated_home: Path) -> None:
    for arguments in ([], ["x"], ["987"], ["1", "2"]):
        done = subprocess.run(
            [emulated_home / "bin" / "omgate-engine", *arguments], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "inherited socket" in done.stderr


def test_it_ends_with_its_client_in_the_middle_of_an_inference(tmp_path: Path, engine: Start) -> None:
    om = convert(tmp_path, graphs.scaled())
    client = engine(**{VARIABLE: "hang@1"})
    client.ask(op="load", path=om)
    x = np.zeros(3, np.float32)
    from bench.emulator.wire import write_message

    write_message(client.socket, {"op": "infer", "model": 0, "bytes": 12}, [memoryview(x.tobytes())])
    with pytest.raises(subprocess.TimeoutExpired):
        client.process.wait(0.3)
    client.socket.close()
    assert client.process.wait(30) == 0


def test_ctrl_c_is_the_clients(engine: Start) -> None:
    client = engine()
    client.ask(op="hello")
    os.kill(client.process.pid, signal.SIGINT)
    assert client.ask(op="hello")[0]["code"] == "0"


def test_int32_uint8_three_outputs_and_batch_16(tmp_path: Path) -> None:
    om = convert(tmp_path, graphs.three_outputs())
    described = ask(Engine({}), op="load", path=om)
    assert [described[f"input.{index}.dtype"] for index in range(3)] == ["3", "4", "0"]
    assert [described[f"output.{index}.dtype"] for index in range(3)] == ["0", "3", "1"]
    assert described["batch"] == "16"
    rng = np.random.default_rng(3)
    ids = rng.integers(-1000, 1000, (16, 4), np.int32)
    picture = rng.integers(0, 256, (16, 4), np.uint8)
    scale = rng.normal(size=(16, 1)).astype(np.float32)
    a, b, c = run(om, [ids, picture, scale])
    expected = graphs.half(graphs.half(picture) * graphs.half(scale))
    np.testing.assert_array_equal(a, expected)
    np.testing.assert_array_equal(b, ids + 1)
    np.testing.assert_array_equal(c, expected.astype(np.float16))


@pytest.mark.parametrize("kind", sorted(set(graphs.KINDS) - {"bool"}))
def test_every_type_of_the_sdk_comes_out_as_it_went_in(tmp_path: Path, kind: str) -> None:
    om = convert(tmp_path, graphs.passed_on(kind))
    x = np.arange(6).reshape(2, 3).astype(kind)
    described = ask(Engine({}), op="load", path=om)
    assert dict(DTYPES.values())[int(described["input.0.dtype"])] == kind
    np.testing.assert_array_equal(run(om, [x])[0], x.T)


def test_bool_comes_out_as_it_went_in(tmp_path: Path) -> None:
    om = convert(tmp_path, graphs.passed_on("bool"))
    x = np.array([[True, False, True], [False, False, True]])
    np.testing.assert_array_equal(run(om, [x])[0], x.T)


@pytest.mark.parametrize("opset", [9, 11, 13, 17])
def test_opsets(tmp_path: Path, opset: int) -> None:
    x = np.array([[300.3, 2.7, -0.001]], np.float32)
    om = convert(tmp_path, graphs.scaled(opset=opset))
    np.testing.assert_array_equal(run(om, [x])[0], graphs.scaled_in_half(x))


def test_half_inputs_and_outputs(tmp_path: Path) -> None:
    x = np.array([[0.3, 20.7, -3.1]], np.float32)
    expected = graphs.scaled_in_half(x)
    asked = convert(tmp_path, graphs.scaled(), "--input_fp16_nodes=x", "--output_type=FP16")
    described = ask(Engine({}), op="load", path=asked)
    assert (described["input.0.dtype"], described["output.0.dtype"]) == ("1", "1")
    assert (described["input.0.bytes"], described["output.0.bytes"]) == ("6", "6")
    np.testing.assert_array_equal(run(asked, [x.astype(np.float16)])[0], expected.astype(np.float16))
    native = convert(tmp_path, graphs.scaled(kind="float16"))
    np.testing.assert_array_equal(run(native, [x.astype(np.float16)])[0], expected.astype(np.float16))
    wide = convert(tmp_path, graphs.scaled(kind="float16"), "--output_type=FP32")
    np.testing.assert_array_equal(run(wide, [x.astype(np.float16)])[0], expected)


def test_an_output_that_is_used_inside_too_and_scalars(tmp_path: Path) -> None:
    x = np.array([[0.3, 20.7, -3.1]], np.float32)
    total = graphs.half(np.float32(graphs.half(x).sum(dtype=np.float32)))
    for options, kind in (((), np.float32), (("--output_type=FP16",), np.float16)):
        s, t = run(convert(tmp_path, graphs.summed(), *options), [x])
        assert s.shape == t.shape == ()
        np.testing.assert_array_equal(s, total.astype(kind))
        np.testing.assert_array_equal(t, graphs.half(total * graphs.half(0.3)).astype(kind))


def test_kept_types_are_not_rounded(tmp_path: Path) -> None:
    x = np.array([[0.3, 20.7, -3.1]], np.float32)
    kept = run(convert(tmp_path, graphs.scaled(), "--precision_mode=must_keep_origin_dtype"), [x])[0]
    expected = x * np.float32([[0.1, 0.2, 0.3]]) + np.float32([[1.1, 2.2, 3.3]])
    np.testing.assert_allclose(kept, expected, rtol=1e-6)
    assert not np.array_equal(kept, graphs.scaled_in_half(x))


def test_gears(tmp_path: Path) -> None:
    om = convert(tmp_path, graphs.scaled("N"), "--dynamic_batch_size=4,1,2", "--input_shape=x:-1,3")
    engine = Engine({})
    described = ask(engine, op="load", path=om)
    assert (described["gears"], described["batch"]) == ("1,2,4", "4")
    assert (described["input.0.shape"], described["input.0.bytes"]) == ("-1,3", "48")
    assert (described["output.0.shape"], described["output.0.bytes"]) == ("-1,3", "48")
    for batch in (1, 2, 4):
        x = np.random.default_rng(batch).normal(size=(batch, 3)).astype(np.float32)
        np.testing.assert_array_equal(run(om, [x], batch=batch)[0], graphs.scaled_in_half(x))
    for header, text in (({}, "is missing"), ({"batch": 3}, "1,2,4"), ({"batch": 4}, "the model wants 48")):
        refused = ask(engine, bytes(24), op="infer", model=0, bytes=24, **header)
        assert refused["code"] == "1001"
        assert text in refused["message"]


@pytest.mark.parametrize(
    ("header", "code", "text"),
    [
        ({"op": "dance"}, "1004", "unknown"),
        ({}, "1004", "unknown"),
        ({"op": "load"}, "18", "no regular file"),
        ({"op": "load", "path": "/none/m.om"}, "1016", "No such file"),
        ({"op": "load", "path": "a\0b"}, "1016", "name"),
        ({"op": "load", "path": "/none", "device": 4}, "1004", "no device 4"),
        ({"op": "load", "path": "/none", "device": "x"}, "1004", "whole number"),
        ({"op": "infer", "model": 7, "bytes": "0"}, "1004", "no model 7"),
        ({"op": "infer", "model": 0, "bytes": "-4"}, "1004", "whole numbers"),
        ({"op": "infer", "model": 0, "bytes": "12"}, "1001", "0 bytes came"),
        ({"op": "infer", "model": 0, "bytes": ""}, "1001", "0 input tensors, the model has 1"),
        ({"op": "infer", "model": 0, "bytes": "0"}, "1001", "0 bytes, the model wants 12"),
        ({"op": "infer", "model": 0, "bytes": "0", "batch": 2}, "1001", "fixed batch 1"),
        ({"op": "unload", "model": 1}, "1004", "no model 1"),
    ],
)
def test_a_request_that_can_not_be_met_is_a_code_and_its_reason(
    tmp_path: Path, header: dict[str, object], code: str, text: str
) -> None:
    engine = Engine({})
    ask(engine, op="load", path=convert(tmp_path, graphs.scaled()))
    answer = ask(engine, **header)
    assert answer["code"] == code
    assert text in answer["message"]


def test_files_that_the_sdk_refuses(tmp_path: Path) -> None:
    om = convert(tmp_path, graphs.scaled())
    om.chmod(0o644)
    assert ask(Engine({}), op="load", path=om)["code"] == "1010"
    om.chmod(0o440)
    assert ask(Engine({}), op="load", path=om)["code"] == "0"
    for content, text in ((b"IMOD" + bytes(300), "genuine OM"), (b"nothing", "not an emulated OM")):
        om.chmod(0o640)
        om.write_bytes(content)
        answer = ask(Engine({}), op="load", path=om)
        assert answer["code"] == "18"
        assert text in answer["message"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("nan@1", [[np.nan] * 3]), ("empty@1", []), ("shape@1", [[2.0]]), ("nan@2", [[2.0, 2.0, 2.0]])],
)
def test_what_faults_do_to_an_output(tmp_path: Path, fault: str, expected: list[list[float]]) -> None:
    content = graphs.graph(
        [graphs.node("Add", "x x", "y")], {"x": ("float32", [1, 3])}, {"y": ("float32", [1, 3])}
    )
    found = run(convert(tmp_path, content), [np.ones((1, 3), np.float32)], {VARIABLE: fault})[0]
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_faults_that_end_in_a_code(tmp_path: Path) -> None:
    om = convert(tmp_path, graphs.scaled())
    engine = Engine({VARIABLE: "error=1011@2,crash@3"})
    ask(engine, op="load", path=om)
    answers = [ask(engine, bytes(12), op="infer", model=0, bytes=12) for _ in range(4)]
    assert [answer["code"] for answer in answers] == ["0", "1011", "1001", "0"]
    assert [answer.get("crash") for answer in answers] == [None, None, "1", None]


def test_a_missing_device_and_a_wrong_spec_are_told_at_hello(engine: Start) -> None:
    assert engine(**{VARIABLE: "device-missing"}).ask(op="hello")[0]["code"] == "1013"
    header, _ = engine(**{VARIABLE: "hang"}).ask(op="hello")
    assert header["code"] == "1004"
    assert "hang@K" in header["message"]


def test_a_simulated_device_takes_its_time_and_gives_zeros(tmp_path: Path) -> None:
    om = convert(tmp_path, graphs.three_outputs())
    arrays = [np.ones((16, 4), np.int32), np.ones((16, 4), np.uint8), np.ones((16, 1), np.float32)]
    started = time.perf_counter()
    a, b, c = run(om, arrays, {DEVICE_VARIABLE: "0.05"})
    assert time.perf_counter() - started >= 0.05
    assert (a.shape, b.shape, c.dtype) == ((16, 4), (16, 4), np.float16)
    assert not any(output.any() for output in (a, b, c))


def test_an_exception_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine({})
    ask(engine, op="load", path=convert(tmp_path, graphs.scaled()))

    class Broken:
        def run(self, *_: object) -> None:
            raise RuntimeError("two\nlines")

    monkeypatch.setattr(engine.models[0].session, "run", Broken().run)
    answer = ask(engine, bytes(12), op="infer", model=0, bytes=12)
    assert answer["code"] == "1001"
    assert "RuntimeError: two" in answer["message"]


def test_the_python_side_of_the_sdk_has_the_devices_of_the_engine() -> None:
    """The C++ side asks the engine: test_mxbase_devices.py."""
    client = Path(bench.emulator.__file__).parent / "home" / "python" / "omgate_emulator" / "engine.py"
    assert re.findall(r"(?m)^DEVICES = (\d+)$", client.read_text(encoding="utf-8")) == [str(DEVICES)]
