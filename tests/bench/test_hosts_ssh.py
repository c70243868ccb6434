"""What is typed to ssh, what arrives over there, what its failures are called; models, device locks and surveys of another host."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench import far, ssh
from bench.device_lock import DeviceBusy, device_lock
from bench.far_worker import FarWorker
from bench.gateway import Session, WorkerDied, WorkerRefused, WorkerSpec, WorkerTimeout
from bench.hosts import Host, Hosts, Use
from bench.ssh import HostError
from tests.bench import fake_ssh

HOSTILE = "a b'c\"d$(touch e)`f`;g\n-h\\i!j%k*~ü"
ECHO = "import base64,json,sys\nsys.stdout.write('\\nomgate-begins\\n' + json.dumps(json.loads(base64.b64decode(sys.argv[2]))))"
SHELLS = [
    path for name in ("sh", "bash", "dash", "zsh", "fish", "csh", "tcsh") if (path := shutil.which(name))
]


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the other machine; `ssh` on PATH leads to it."""
    bin_ = fake_ssh.install(tmp_path)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    return fake_ssh.home(tmp_path)


def host(name: str = "far", **changes: Any) -> Host:
    return Host(name, name, **changes)


# --- the command line -----------------------------------------------------------------------------------------------------------


def test_the_users_options_come_before_the_fixed_ones(there: Path) -> None:
    line = ssh.command(host("me@far", options=("-p", "2222", "-o", "BatchMode=no")), "pass", {})
    assert line[1:-1] == [
        *("-T", "-p", "2222", "-o", "BatchMode=no"),
        *("-o", "BatchMode=yes", "-o", "ConnectTimeout=10"),
        *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=4"),
        *("--", "me@far"),
    ]
    assert line[-1] == (
        "exec python3 -u -c 'import base64,sys;exec(base64.b64decode(sys.argv[1]))' cGFzcw== e30="
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_hostile_text_arrives_whole_and_nothing_of_it_runs(tmp_path: Path, shell: str) -> None:
    folder = tmp_path / HOSTILE.replace("\n", "_").replace(
        "!", "_"
    )  # csh would have its own way with those two in a path
    folder.mkdir()
    python = folder / "py thon"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    text = ssh.remote(str(python), ECHO, {HOSTILE: [HOSTILE]})
    done = subprocess.run([shell, "-c", text], capture_output=True, cwd=tmp_path, check=True)
    assert json.loads(done.stdout.partition(ssh.MARKER)[2]) == {HOSTILE: [HOSTILE]}
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_an_interpreters_path_with_a_new_line_stays_one_word(tmp_path: Path) -> None:
    text = ssh.remote(HOSTILE, "pass", {}).replace("exec ", "printf '%s\\0' ", 1)
    words = subprocess.run(["sh", "-c", text], capture_output=True, cwd=tmp_path, check=True).stdout.split(
        b"\0"
    )
    assert words[0].decode() == HOSTILE
    assert words[1:3] == [b"-u", b"-c"]
    assert list(tmp_path.iterdir()) == []


def test_without_ssh_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match=r"far: there is no ssh here .*install the OpenSSH client"):
        ssh.command(host(), "pass", {})


@pytest.mark.parametrize(
    ("status", "printed", "told"),
    [
        (255, "ssh: Could not resolve hostname x: Name or service not known", "no such host name"),
        (255, "ssh: connect to host x port 22: Connection refused", "nothing listens there"),
        (255, "ssh: connect to host x port 22: Connection timed out", "does not answer"),
        (255, "ssh: connect to host x port 22: No route to host", "does not answer"),
        (255, "Warning: Identity file k not accessible: No such file.\nx: Permission denied (publickey).", "its key file is not there"),
        (255, "me@x: Permission denied (publickey,password).", "refuses this user's key"),
        (255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "host key is not the one"),
        (255, "Timeout, server x not responding.", "the connection broke off"),
        (255, "command-line line 0: Bad configuration option: x", "refuses its options"),
        (255, "", "ssh failed (it said nothing)"),
        (127, "sh: 1: exec: python3: not found", "python3 is not there"),
        (126, "sh: 1: exec: /etc: Permission denied", "can't be executed"),
        (1, "omgate: set_env = /x is not there; correct the hosts file", "far: set_env = /x is not there"),
        (1, "ImportError: no base64\x1b[31m", "ended with exit status 1 (ImportError: no base64\\x1b[31m)"),
    ],
)  # fmt: skip
def test_a_failure_has_a_name_and_a_way_out(status: int, printed: str, told: str) -> None:
    text = ssh.explain(host(), status, printed.encode())
    assert told in text
    assert text.startswith("far: ")
    assert text.isprintable()
    assert any(word in text for word in ("try ", "correct", "python =", "go on"))


def test_what_a_login_shell_prints_does_no_harm(there: Path) -> None:
    answer = ssh.ask(
        host("noisy"), "receive", {"folder": str(there), "name": "n", "sha256": "", "check": True}
    )
    assert answer == b"null"
    session = Session(
        WorkerSpec("simulated", SIMULATED, python="python3", far=FarWorker(host("noisy"), str(there)))
    )
    assert session.open()["device"] == "simulated"
    session.close()


# --- models ---------------------------------------------------------------------------------------------------------------------


def test_a_model_is_sent_once_and_known_by_its_digest(tmp_path: Path, there: Path) -> None:
    file = tmp_path / "mcnn.onnx"
    file.write_bytes(b"a model" * 100_000)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    far.send.cache_clear()
    path = far.send(host(), str(there), file, digest)
    assert Path(path) == there / "models" / f"{digest}.onnx"
    assert Path(path).read_bytes() == file.read_bytes()
    assert len(fake_ssh.asked(tmp_path)) == 2
    far.send.cache_clear()
    assert far.send(host(), str(there), file, digest) == path
    assert len(fake_ssh.asked(tmp_path)) == 3
    Path(path).write_bytes(b"spoilt")
    far.send.cache_clear()
    far.send(host(), str(there), file, digest)
    assert Path(path).read_bytes() == file.read_bytes()
    assert [one.name for one in (there / "models").iterdir()] == [f"{digest}.onnx"]


def test_a_damaged_transfer_leaves_nothing(tmp_path: Path, there: Path) -> None:
    file = tmp_path / "mcnn.onnx"
    file.write_bytes(b"a model")
    far.send.cache_clear()
    with pytest.raises(HostError, match="it arrived damaged or cut short"):
        far.send(host(), str(there), file, "0" * 64)
    assert list((there / "models").iterdir()) == []


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path: Path, there: Path) -> None:
    file = tmp_path / "mcnn.onnx"
    file.write_bytes(b"a model")
    (there / "file").write_text("")
    far.send.cache_clear()
    with pytest.raises(HostError, match=r"far: .*/file/models/0+\.onnx can't be written: Not a directory"):
        far.send(host(), str(there / "file"), file, "0" * 64)


# --- workers --------------------------------------------------------------------------------------------------------------------

SIMULATED = (Path(ssh.WORKERS) / "simulated.py").read_text(encoding="utf-8")
SHOWS = """
import os
def open(config):
    return {"device": "x", "cwd": os.getcwd(), "home": os.environ["HOME"], "seen": os.environ.get("SEEN"), "leader": os.getpgrp() == os.getpid(),
            "own": sorted(name for name in os.environ if name.startswith("OMGATE_")), "model_sha256": "abc"}
def submit(sequence, arrays): pass
def collect(): raise RuntimeError
def close(): pass
"""


def spec(
    tmp_path: Path, there: Path, source: str = SIMULATED, lock: str | None = None, **changes: Any
) -> WorkerSpec:
    return WorkerSpec(
        "simulated", source, log=tmp_path / "worker.log", far=FarWorker(host(), str(there), lock), **changes
    )


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def test_a_worker_lives_in_the_other_machines_environment(
    tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMGATE_EMULATOR_FAULT", "x")
    monkeypatch.setenv("OMGATE_HOSTS", "/here")
    session = Session(spec(tmp_path, there, SHOWS, environ={"SEEN": HOSTILE}))
    info = session.open()
    session.close()
    assert (info["seen"], info["cwd"], info["home"]) == (HOSTILE, str(there), str(there))
    assert info["leader"] is True
    assert info["own"] == ["OMGATE_EMULATOR_FAULT"]
    assert ends(info["pid"])


def test_another_model_than_the_one_that_was_checked_is_refused(tmp_path: Path, there: Path) -> None:
    session = Session(spec(tmp_path, there, SHOWS, digest="abd"))
    with pytest.raises(WorkerRefused, match="digest abc, not abd: the file was changed"):
        session.open()


def test_two_runs_keep_off_one_device_wherever_they_were_started(
    tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = ssh.program("launch").replace("PATIENCE_SECONDS = 5.0", "PATIENCE_SECONDS = 0.2")
    monkeypatch.setattr(ssh, "program", lambda name: launch)
    first = Session(spec(tmp_path, there, lock="ascend-0"))
    pid = first.open()["pid"]
    with pytest.raises(WorkerDied, match=rf"far: device ascend-0 is in use by process {pid} over there"):
        Session(spec(tmp_path, there, lock="ascend-0")).open()
    # A run on that machine itself takes the same file.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(there))
    with pytest.raises(DeviceBusy), device_lock("ascend-0"):
        pass
    other = Session(spec(tmp_path, there, lock="ascend-1"))
    other.open()
    other.close()
    first.close()
    assert ends(pid)
    with device_lock("ascend-0"):
        pass


def test_a_worker_that_hangs_is_killed_over_there(tmp_path: Path, there: Path) -> None:
    import numpy as np

    config = {"faults": [{"kind": "SIGSTOP", "at": 0}]}
    session = Session(spec(tmp_path, there, config=config, image_seconds=0.5))
    pid = session.open()["pid"]
    assert len(list((there / "workers").iterdir())) == 1
    session.submit(0, np.zeros((1, 1, 8, 8), np.uint8))
    with pytest.raises(WorkerTimeout, match=r"no answer within 0\.5 s"):
        session.receive()
    assert ends(pid)
    assert list((there / "workers").iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("SIGKILL", "far: the worker over there was ended by a signal"),
        ("exit", "far: the worker over there ended with exit status 3"),
    ],
)
def test_a_worker_that_dies_over_there(tmp_path: Path, there: Path, kind: str, told: str) -> None:
    import numpy as np

    session = Session(spec(tmp_path, there, config={"faults": [{"kind": kind, "at": 0}]}))
    session.open()
    session.submit(0, np.zeros((1, 1, 8, 8), np.uint8))
    with pytest.raises(WorkerDied, match=told):
        session.receive()


def test_an_ssh_that_is_killed_takes_the_worker_along(tmp_path: Path, there: Path) -> None:
    import numpy as np

    session = Session(spec(tmp_path, there, config={"faults": [{"kind": "hang", "at": 0}]}))
    pid = session.open()["pid"]
    session.submit(0, np.zeros((1, 1, 8, 8), np.uint8))
    assert session.pid is not None
    os.kill(session.pid, 9)
    with pytest.raises(WorkerDied, match="ssh on this machine was ended by SIGKILL"):
        session.receive()
    assert ends(pid)


@pytest.mark.parametrize("name", ["refused", "badkey"])
def test_a_host_that_can_not_be_reached_any_more_is_named(tmp_path: Path, there: Path, name: str) -> None:
    there_now = WorkerSpec(
        "simulated", SIMULATED, log=tmp_path / "worker.log", far=FarWorker(host(name), str(there))
    )
    with pytest.raises(WorkerDied, match=rf"simulated: {name}: "):
        Session(there_now).open()
    assert len(fake_ssh.asked(tmp_path)) == 1  # nothing is left over there to be killed


def test_pid_files_of_workers_that_ended_are_swept(tmp_path: Path, there: Path) -> None:
    for _ in range(3):
        session = Session(spec(tmp_path, there))
        session.open()
        session.close()
    assert len(list((there / "workers").iterdir())) == 1


# --- surveys --------------------------------------------------------------------------------------------------------------------


def looked(name: str, **changes: Any) -> far.Found:
    far._looked.cache_clear()
    one = host(name, **changes)
    return far.look(one, Hosts(Path("hosts.toml"), (one,), {"ckpt": Use("ckpt", one, model="/none.ckpt")}))


def test_a_survey_tells_what_is_there(there: Path) -> None:
    script = there / "set env.sh"
    script.write_text(f"export LD_LIBRARY_PATH={shlex.quote(HOSTILE)}\nexport PYTHONPATH='{there}/more'\n")
    (there / "more").mkdir()
    (there / "more" / "StreamManagerApi.py").write_text("")
    found = looked("far", set_env=str(script), environment=(("GLOG_v", "2"),))
    assert found.survey.environ == {"GLOG_v": "2", "LD_LIBRARY_PATH": HOSTILE, "PYTHONPATH": f"{there}/more"}
    assert found.environment.variables == found.survey.environ
    assert {"numpy", "StreamManagerApi"} <= set(found.survey.modules)
    assert found.survey.models == {"/none.ckpt": far.Model(problem="No such file or directory")}
    assert found.survey.cache == str(there / ".cache" / "omgate")
    here = found.environment.host
    assert (here.name, found.environment.python) == (os.uname().nodename, sys.version.split()[0])
    assert found.environment.packages["numpy"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {"python": "3.6.9", "host": "x"},
            r"python3 is Python 3.6.9, a worker needs 3.7 or newer; name another",
        ),
        ({"python": "2.7.18", "host": "x"}, r"Python 2.7.18, a worker needs"),
        ({"python": "3.9.1", "host": "x"}, r"\(Python 3.9.1\) has no numpy"),
        ({"python": 3}, "its answer can't be read"),
    ],
)
def test_an_interpreter_that_does_not_do_is_named(answer: dict[str, object], told: str) -> None:
    with pytest.raises(HostError, match=told):
        far._decoded(host(), json.dumps(answer).encode())


def test_the_survey_can_be_read_by_an_old_python() -> None:
    """So that it can say that it is one: no annotations, no f-strings, nothing unpacked in a display."""
    tree = ast.parse(ssh.program("survey"))
    new = (ast.AnnAssign, ast.JoinedStr, ast.Starred, ast.NamedExpr, ast.AsyncFunctionDef, ast.Nonlocal)
    assert [type(node).__name__ for node in ast.walk(tree) if isinstance(node, new)] == []
    assert not any(node.returns for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


SMI = """
+------------------------------------------------------------------------------------+
| npu-smi 22.0.4                   Version: 22.0.4                                     |
| NPU     Name                  | Health          | Power(W)   Temp(C)                |
| Chip    Device                | Bus-Id          | AICore(%)  Memory-Usage(MB)       |
+===============================+=================+===================================+
| 0       310                   | OK              | 12.8       50                     |
| 0       0                     | 0000:03:00.0    | 0          2457 / 8192            |
+===============================+=================+===================================+
"""


def test_the_environment_is_the_other_machines_own(tmp_path: Path) -> None:
    survey = far.Survey(
        python="3.9.2",
        host="atlas310",
        variables={"ASCEND_HOME_PATH": "/opt/cann"},
        environ={"MX_SDK_HOME": "/opt/sdk"},
        system="Linux",
        release="4.19",
        architecture="aarch64",
        cores=8,
        npu_smi=SMI,
        packages={"mindspore": "2.3.0"},
        files={
            "/etc/os-release": 'PRETTY_NAME="openEuler 20.03"\n',
            "/proc/meminfo": "MemTotal:       1000 kB\n",
            "/usr/local/Ascend/driver/version.info": "Version=22.0.4\n",
            "/opt/cann/version.cfg": "toolkit_running_version=[7.7.0.1:8.2.RC1]\n",
            "/opt/sdk/version.info": "MindX SDK mxVision:7.1.RC1\n",
            "/opt/../../evil": "x",
        },
    )
    found = far.environment_of(survey, tmp_path / "copies")
    assert (found.host.name, found.host.os, found.host.cores, found.host.memory_bytes) == (
        *("atlas310", "openEuler 20.03"),
        *(8, 1024_000),
    )
    assert found.axes()["cann"] == "toolkit 8.2.RC1"
    assert (found.soc, found.driver, found.framework) == ("Ascend310", "22.0.4", "mindspore 2.3.0")
    assert found.cann is not None
    assert found.sdk is not None
    assert (found.cann.path, found.sdk.path, found.sdk.version) == ("/opt/cann", "/opt/sdk", "7.1.RC1")
    assert far._unknown(survey, found) == ["firmware"]
    assert not list(tmp_path.rglob("evil"))
