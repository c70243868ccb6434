"""The engine's client, against the real engine and against programs that only pretend to be one."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.bench.emulator import graphs, python_home
from tests.bench.emulator.sdk_programs import run
from tests.bench.emulator.test_engine import convert

assert python_home.PYTHON.is_dir()
from omgate_emulator.engine import DEVICES, Engine, EngineError, Model  # noqa: E402

FAKE = """#!{python}
import os, socket, struct, sys
stream = socket.socket(fileno=int(sys.argv[1]))
def exactly(count):
    found = b""
    while len(found) < count:
        part = stream.recv(count - len(found))
        if not part:
            sys.exit(0)
        found += part
    return found
def ask():
    magic, header, payload = struct.unpack("<4sIQ", exactly(16))
    assert magic == b"OMGE", magic
    header = dict(line.split("=", 1) for line in exactly(header).decode().split("\\n"))
    if "memory" in header:
        assert not payload and exactly(1)
        return header, os.pread(int(sys.argv[2]), int(header.pop("memory")), 0)
    return header, exactly(payload)
def answer(header, payload=b""):
    stream.sendall(struct.pack("<4sIQ", b"OMGE", len(header), len(payload)) + header.encode() + payload)
LOADED = "code=0\\nmodel=7\\nbatch=2\\ngears=1,2\\ninputs=2\\noutputs=1"
for index in range(2):
    LOADED += f"\\ninput.{{index}}.name=i{{index}}\\ninput.{{index}}.dtype=0\\ninput.{{index}}.shape=-1,1\\ninput.{{index}}.bytes=8"
LOADED += "\\noutput.0.name=o\\noutput.0.dtype=3\\noutput.0.shape=-1,1\\noutput.0.bytes=8"
{body}
"""

Fake = Callable[[str], None]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    def write(body: str) -> None:
        program = tmp_path / "bin" / "omgate-engine"
        program.parent.mkdir(exist_ok=True)
        program.write_text(FAKE.format(python=sys.executable, body=body))
        program.chmod(0o750)
        monkeypatch.setenv("MX_SDK_HOME", str(tmp_path))

    return write


@pytest.fixture
def model(emulated_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("MX_SDK_HOME", str(emulated_home))
    convert(tmp_path, graphs.three_outputs())
    monkeypatch.chdir(tmp_path)
    engine = Engine.start()
    return engine.load("m.om", 0)


def failure(call: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        call()
    assert str(caught.value) == f"{caught.value.message} (code {caught.value.code})"
    return caught.value


def test_a_model_of_the_real_engine(model: Model) -> None:
    assert [(tensor.name, tensor.dtype, tensor.shape, tensor.size_bytes) for tensor in model.inputs] == [
        ("ids", 3, (16, 4), 256),
        ("picture", 4, (16, 4), 64),
        ("scale", 0, (16, 1), 64),
    ]
    assert [tensor.dtype for tensor in model.outputs] == [0, 3, 1]
    assert (model.batch, model.gears) == (16, [])
    arrays = [np.ones((16, 4), np.int32), np.full((16, 4), 3, np.uint8), np.full((16, 1), 0.5, np.float32)]
    # Any contiguous memory goes, in any of Python's forms.
    outputs, shapes, seconds = model.infer([memoryview(arrays[0]), bytearray(arrays[1]), arrays[2].tobytes()])
    assert shapes == [(16, 4)] * 3
    assert [len(output) for output in outputs] == [256, 256, 128]
    assert all(isinstance(output, bytes) for output in outputs)
    assert set(np.frombuffer(outputs[0], np.float32)) == {1.5}
    assert seconds > 0


def test_many_threads_share_one_engine(model: Model) -> None:
    wrong = []

    def work(number: int) -> None:
        for _ in range(20):
            arrays = [
                np.full((16, 4), number, np.int32),
                np.zeros((16, 4), np.uint8),
                np.zeros((16, 1), np.float32),
            ]
            if set(np.frombuffer(model.infer([array.tobytes() for array in arrays])[0][1], np.int32)) != {
                number + 1
            }:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_refusals_have_the_sdk_s_codes(model: Model, tmp_path: Path) -> None:
    engine = model._engine
    (tmp_path / "text.om").write_text("text")
    (tmp_path / "text.om").chmod(0o640)
    assert failure(lambda: engine.load("none.om", 0)).code == 1016
    assert failure(lambda: engine.load("text.om", 0)).code == 18
    assert engine.load("m.om", DEVICES - 1).batch == 16
    assert failure(lambda: engine.load("m.om", -1)).code == 1004
    assert failure(lambda: engine.load("m.om", DEVICES)).code == 1004
    assert failure(lambda: model.infer([b""])).code == 1001
    model.unload()
    assert failure(model.unload).code == 1004


def test_a_home_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MX_SDK_HOME", str(tmp_path))
    error = failure(Engine.start)
    assert error.code == 1004
    assert "is not omgate's emulated home" in error.message
    monkeypatch.delenv("MX_SDK_HOME")
    assert failure(Engine.start).code == 1028


@pytest.mark.parametrize("in_memory", [True, False])
def test_gears_and_payload_on_the_wire(fake: Fake, in_memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    elif not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files in memory")
    fake(
        f"""
assert len(sys.argv) == 2 + {in_memory}
ask(); answer("code=0")
header, _ = ask(); assert header == {{"op": "load", "path": "/x.om", "device": "3"}}, header; answer(LOADED)
header, payload = ask()
assert header == {{"op": "infer", "model": "7", "bytes": "4,0", "batch": "1"}}, header
answer("code=0\\nseconds=0.25\\nbytes=3,0,2\\nshapes=1,3;;2", payload[::-1] + b"x")
ask(); answer("code=0\\nseconds=0.5\\nbytes=0\\nshapes=0")
for size in (9000, 2):  # more than the memory held, and less
    header, payload = ask(); assert header["bytes"] == f"1,{{size}}" and payload == b"a" + b"b" * size
    answer("code=0\\nseconds=0.5\\nbytes=1\\nshapes=1", payload[-1:])
"""
    )
    model = Engine.start().load("/x.om", 3)
    assert (model.gears, model.inputs[1].shape) == ([1, 2], (-1, 1))
    assert model.infer([b"1234", b""], batch=1) == ([b"432", b"", b"1x"], [(1, 3), (), (2,)], 0.25)
    assert model.infer([b"", b""]) == ([b""], [(0,)], 0.5)
    for size in (9000, 2):
        assert model.infer([b"a", b"b" * size]) == ([b"b"], [(1,)], 0.5)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("sys.exit(3)", 1002, "ended with status 3"),
        ("os.kill(os.getpid(), 9)", 1002, "was ended by signal 9"),
        ("ask(); answer('code=1013\\nmessage=no device')", 1013, "no device"),
        ("ask(); answer('code=1004\\nmessage=a=b')", 1004, "a=b"),
        ("ask(); stream.sendall(b'HTTP/1.1 200 OK  ')", 1002, "engine"),
        ("ask(); answer('code=0\\nbytes=5', b'1234')", 1002, "engine"),
    ],
)
def test_an_engine_that_can_not_go_on(fake: Fake, body: str, code: int, words: str) -> None:
    fake(body)
    error = failure(Engine.start)
    assert error.code == code
    assert words in error.message


def test_an_engine_that_dies_later_stays_dead(fake: Fake) -> None:
    fake("ask(); answer('code=0')\nask(); sys.exit(4)")
    engine = Engine.start()
    assert "ended with status 4" in failure(lambda: engine.load("/x", 0)).message
    assert failure(lambda: engine.load("/x", 0)).code == 1002
    engine.close()


def test_close_ends_the_process_and_frees_who_waits(fake: Fake, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    fake(
        f"ask(); answer('code=0')\nask(); open({str(asked)!r}, 'w')\nimport threading; threading.Event().wait()"
    )
    engine = Engine.start()
    codes = []
    waiter = threading.Thread(target=lambda: codes.append(failure(lambda: engine.load("/x", 0)).code))
    waiter.start()
    while not asked.exists():
        time.sleep(0.01)
    engine.close()
    waiter.join(30)
    assert codes == [1002]
    assert engine._process.returncode == -signal.SIGKILL


def test_a_crash_is_the_client_s_own(emulated_home: Path, tmp_path: Path, fake: Fake) -> None:
    fake("ask(); answer('code=0')\nask(); answer('code=1001\\ncrash=1')")
    program = "from omgate_emulator.engine import Engine\nEngine.start().load('/x', 0)"
    run(emulated_home, tmp_path, program, status=-signal.SIGSEGV, MX_SDK_HOME=str(tmp_path))
