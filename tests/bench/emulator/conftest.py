"""An emulated home that belongs to the tests, and its engine as a process."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.emulator.home import VARIABLE, make_home
from bench.emulator.wire import read_message, write_message
from tests.bench.emulator.mxbase_home import STRICT, compiled


class Client:
    """An engine process and the socket to it."""

    def __init__(self, home: Path, environ: dict[str, str]) -> None:
        self.socket, other = socket.socketpair()
        with other:
            self.process = subprocess.Popen(
                [home / "bin" / "omgate-engine", str(other.fileno())],
                pass_fds=[other.fileno()],
                env={**os.environ, **environ},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

    def ask(self, payload: bytes = b"", **header: object) -> tuple[dict[str, str], bytes]:
        write_message(self.socket, header, [memoryview(payload)])
        answer = read_message(self.socket)
        assert answer is not None
        return answer[0], bytes(answer[1])

    def infer(self, arrays: Sequence[np.ndarray], **header: object) -> tuple[dict[str, str], bytes]:
        sizes = ",".join(str(array.nbytes) for array in arrays)
        payload = b"".join(array.tobytes() for array in arrays)
        return self.ask(payload, **{"op": "infer", "model": 0, "bytes": sizes, **header})

    def close(self) -> str:
        """Hang up; return what the process wrote on stderr."""
        self.socket.close()
        out, err = self.process.communicate(timeout=30)
        assert out == ""
        return err


@pytest.fixture(scope="session")
def emulated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("sdk") / "home"))
        return make_home()


@pytest.fixture
def engine(emulated_home: Path) -> Iterator[Callable[..., Client]]:
    clients = []

    def start(**environ: str) -> Client:
        clients.append(Client(emulated_home, environ))
        return clients[-1]

    yield start
    for client in clients:
        client.socket.close()
        if client.process.poll() is None:
            client.process.kill()
        client.process.communicate()


@pytest.fixture(scope="session")
def mxbase_library(emulated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of libmxbase, built as src/CMakeLists.txt says it is built without CMake."""
    folder = tmp_path_factory.mktemp("lib")
    done = compiled(
        *STRICT, "-std=c++11", "-O1", "-fPIC", "-shared", "-pthread", "-DMXBASE_OLD_GENERATION",
        f"-I{emulated_home / 'include'}", *sorted((emulated_home / "src").glob("*.cpp")),
        "-Wl,-soname,libmxbase_emulated.so", "-Wl,--no-undefined", "-o", folder / "libmxbase_emulated.so",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (folder / "libmxbase.so").symlink_to("libmxbase_emulated.so")
    return folder
