"""The worker process: its life cycle, its end in every way, its log, its lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.backends.base import worker_text
from bench.gateway import (
    Session,
    WorkerDied,
    WorkerRefused,
    WorkerSpec,
    WorkerTimeout,
)

ROOT = Path(__file__).parents[2]
IMAGE = np.arange(64 * 32, dtype=np.uint8).reshape(1, 1, 64, 32)


def spec(tmp_path: Path, open_seconds: float = 30, image_seconds: float = 30, **config: Any) -> WorkerSpec:
    return WorkerSpec(
        "simulated",
        worker_text("simulated"),
        config,
        log=tmp_path / "worker.log",
        open_seconds=open_seconds,
        image_seconds=image_seconds,
    )


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet waited for by its new parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for_end(pid: int, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not is_alive(pid)


def test_life_cycle_in_its_exact_order(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    session = Session(spec(tmp_path, journal=str(journal)))
    info = session.open()
    for sequence in (0, 1):
        session.submit(sequence, IMAGE)
        answer = session.receive()
        assert answer.sequence == sequence
    pid = session.pid
    session.close()
    lines = journal.read_text().split("\n")
    assert lines == ["open", "warm-up", "submit 0", "collect 0", "submit 1", "collect 1", "close", ""]
    assert info["pid"] == pid
    assert info["device"] == "simulated"
    assert pid is not None
    assert not is_alive(pid)


def test_pixels_arrive_bit_exact_and_the_map_comes_back(tmp_path: Path) -> None:
    session = Session(spec(tmp_path, scale=0.5, seconds=[0.25, 0.75]))
    session.open()
    session.submit(0, IMAGE)
    session.submit(1, IMAGE[:, :, ::-1])
    first, second = session.receive(), session.receive()
    session.close()
    assert first.array is not None
    assert second.array is not None
    assert first.array.dtype == np.float32
    np.testing.assert_array_equal(first.array, IMAGE[:, :, ::4, ::4] * np.float32(0.5))
    np.testing.assert_array_equal(second.array, IMAGE[:, :, ::-1][:, :, ::4, ::4] * np.float32(0.5))
    assert (first.seconds["infer"], second.seconds["infer"]) == (0.25, 0.75)


@pytest.mark.parametrize("kind", ["raise", "raise-submit"])
def test_an_exception_costs_its_image_only_and_keeps_the_order(tmp_path: Path, kind: str) -> None:
    session = Session(spec(tmp_path, faults=[{"kind": kind, "at": 1}]))
    session.open()
    for sequence in range(4):
        session.submit(sequence, IMAGE)
    answers = [session.receive() for _ in range(4)]
    session.close()
    assert [answer.sequence for answer in answers] == [0, 1, 2, 3]
    assert [answer.problem is None for answer in answers] == [True, False, True, True]
    problem = answers[1].problem
    assert problem is not None
    assert str(problem).startswith("RuntimeError: scripted fault")
    assert "raise RuntimeError(" in problem.traceback, "the traceback shows the worker's own lines"


@pytest.mark.parametrize(
    ("kind", "told"),
    [("SIGKILL", "SIGKILL"), ("SIGSEGV", "SIGSEGV"), ("exit", "exit status 3")],
)
def test_a_death_is_told_by_its_name_after_all_finished_images(tmp_path: Path, kind: str, told: str) -> None:
    session = Session(spec(tmp_path, faults=[{"kind": kind, "at": 2}]))
    session.open()
    for sequence in range(4):
        session.submit(sequence, IMAGE)
    assert session.receive().sequence == 0
    assert session.receive().sequence == 1, "a crash does not take a finished image with it"
    with pytest.raises(WorkerDied, match=told) as caught:
        session.receive()
    assert str(tmp_path / "worker.log") in str(caught.value)


@pytest.mark.parametrize("kind", ["hang", "SIGSTOP"])
def test_no_answer_within_the_limit_kills_the_process(tmp_path: Path, kind: str) -> None:
    session = Session(spec(tmp_path, image_seconds=0.2, faults=[{"kind": kind, "at": 0}]))
    session.open()
    big = np.zeros((1, 1, 1024, 1024), np.uint8)
    for sequence in range(
        8
    ):  # far more than a pipe holds: a stopped worker reads nothing, sending must not block
        session.submit(sequence, big)
    with pytest.raises(WorkerTimeout, match=r"no answer within 0\.2 s"):
        session.receive()
    assert session.pid is not None
    assert not is_alive(session.pid)


def test_the_limit_counts_from_when_an_image_became_the_oldest(tmp_path: Path) -> None:
    session = Session(spec(tmp_path, image_seconds=1.0, seconds=0.4, sleep=True))
    session.open()
    for sequence in range(4):  # the last answer comes 1.6 s after its submission
        session.submit(sequence, IMAGE)
    assert [session.receive().sequence for _ in range(4)] == [0, 1, 2, 3]
    session.close()


def test_an_exception_on_opening_is_a_refusal(tmp_path: Path) -> None:
    session = Session(spec(tmp_path, faults=[{"kind": "no such fault", "at": 0}]))
    with pytest.raises(WorkerRefused, match="ValueError: fault 'no such fault' is none of"):
        session.open()


@pytest.mark.parametrize(("kind", "error"), [("SIGKILL", WorkerDied), ("hang", WorkerTimeout)])
def test_a_worker_that_dies_or_hangs_on_opening(tmp_path: Path, kind: str, error: type[Exception]) -> None:
    fault = {"kind": kind, "times": 9, "state": str(tmp_path / "openings")}
    session = Session(spec(tmp_path, open_seconds=1.5, open_fault=fault))
    with pytest.raises(error):
        session.open()


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    session = Session(WorkerSpec("simulated", "", python=str(tmp_path / "python9")))
    with pytest.raises(WorkerDied, match="could not be started: FileNotFoundError"):
        session.open()


def test_an_interpreter_that_ends_at_once(tmp_path: Path) -> None:
    session = Session(WorkerSpec("simulated", "", python="/bin/false"))
    with pytest.raises(WorkerDied, match="exit status 1"):
        session.open()


def test_prints_go_to_the_log_and_not_into_the_frames(tmp_path: Path) -> None:
    session = Session(spec(tmp_path, faults=[{"kind": "stdout", "at": 0}]))
    session.open()
    session.submit(0, IMAGE)
    assert session.receive().problem is None
    session.close()
    log = (tmp_path / "worker.log").read_text()
    assert "a line from Python\na line from native code\na line from a child process\n" in log


GRANDCHILD = """
import subprocess
def open(config):
    child = subprocess.Popen(["sleep", "600"])
    return {"child": child.pid}
def close(): pass
"""


@pytest.mark.parametrize("end", ["close", "kill"])
def test_what_the_runtime_started_ends_with_it(end: str) -> None:
    session = Session(WorkerSpec("simulated", GRANDCHILD))
    child = session.open()["child"]
    assert is_alive(child)
    getattr(session, end)()
    assert wait_for_end(child)


HOLDS_PIPE = """
import os, signal, time
def open(config):
    return {}
def submit(sequence, arrays):
    if os.fork() == 0:
        time.sleep(600)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_death_is_seen_even_if_a_child_holds_the_pipe() -> None:
    session = Session(WorkerSpec("simulated", HOLDS_PIPE))
    session.open()
    session.submit(0, IMAGE)
    with pytest.raises(WorkerDied, match="SIGKILL"):
        session.receive()


HOST = """
import os, sys
from pathlib import Path
import numpy as np
from bench.gateway import Session, WorkerSpec
from bench.backends.base import worker_text
source = '''
import ctypes, os, time
marker = None
def open(config):
    global marker
    marker = config["marker"]
    return {}
def submit(sequence, arrays): pass
def collect():
    os.close(os.open(marker, os.O_CREAT))
    BODY
def close(): pass
'''.replace("BODY", sys.argv[1])
marker = Path(sys.argv[3])
session = Session(WorkerSpec("simulated", source, {"marker": str(marker)}))
session.open()
session.submit(0, np.zeros((1, 1, 8, 8), np.uint8))
while not marker.exists():
    os.sched_yield()
print(session.pid, flush=True)
if sys.argv[2] == "wait":
    session.receive()
"""


@pytest.mark.parametrize(
    "body",
    ["time.sleep(600)", "ctypes.PyDLL(None).sleep(600)"],
    ids=["waiting", "holding the interpreter"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_worker_ends_with_its_host(body: str, tmp_path: Path) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, body, "wait", str(tmp_path / "marker")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert host.stdout is not None
    worker = int(host.stdout.readline())
    assert is_alive(worker)
    host.send_signal(signal.SIGKILL)
    host.communicate()
    assert wait_for_end(worker)


def test_a_host_that_forgets_to_close_ends_at_once_all_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOST, "time.sleep(600)", "leave", str(tmp_path / "marker")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=20,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert wait_for_end(int(done.stdout))
