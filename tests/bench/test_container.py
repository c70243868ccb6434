"""`omgate container`: the command lines to the letter, and whole runs through a `docker` that runs on this machine."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from bench import container, inside, sdk
from bench.cli import main
from bench.container import ContainerError, Plan, look_inside, start_command, suite_command
from bench.environment import fingerprint
from bench.gateway import Session, WorkerSpec
from bench.inside import Inside
from bench.versions import Cann, Sdk
from reports.record import read
from tests.bench import fake_docker, tiny

HOSTILE = "a b'c\"d$(touch e)`f`;g\n-h"


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = fake_docker.install(tmp_path)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("DOCKER", raising=False)
    return folder


def test_a_container_gets_the_documents_devices_and_mounts() -> None:
    plan = Plan(device=3, folders=(Path("/home/MCNN"), Path("/data"), Path("/data/test")))
    assert start_command("docker", "infer-modelzoo:21.0.2", "omgate-1", plan) == [
        *("docker", "run", "--detach", "--rm", "--init", "--name=omgate-1"),
        *("--device=/dev/davinci3", "--device=/dev/davinci_manager", "--device=/dev/devmm_svm"),
        *("--device=/dev/hisi_hdc", "-v", "/usr/local/Ascend/driver:/usr/local/Ascend/driver"),
        *("-v", "/data:/data", "-v", "/home/MCNN:/home/MCNN"),
        *("--entrypoint", "sleep", "infer-modelzoo:21.0.2", "2147483647"),
    ]


def test_the_suite_is_labelled_with_the_image() -> None:
    plan = Plan(device=1, backends=("om-sdk",), words=("--data=/d",))
    assert suite_command("a:1", plan)[1:] == [
        *("-m", "pytest", "bench/", "--label", "a:1", "--backend", "om-sdk", "--device", "1", "--data=/d")
    ]


@pytest.mark.parametrize("image", ["", "-it", "--privileged"])
def test_an_image_that_is_an_option_is_refused(image: str) -> None:
    with pytest.raises(ContainerError, match="expected an image's name"):
        start_command("docker", image, "n", Plan())


def test_a_folder_that_docker_can_not_mount_is_refused() -> None:
    with pytest.raises(ContainerError, match="colon"):
        start_command("docker", "a:1", "n", Plan(folders=(Path("/a:b"),)))


def test_a_hostile_folder_reaches_docker_as_one_word(tmp_path: Path, bin_: Path) -> None:
    folder = tmp_path / HOSTILE
    folder.mkdir()
    with container.started(str(bin_ / "docker"), "a:1", Plan(folders=(folder,), emulate=True)) as name:
        pass
    run, removed = fake_docker.asked(tmp_path)
    assert f"{folder}:{folder}" in run
    assert removed == ["rm", "--force", name]
    assert not (tmp_path / "e").exists()


def test_the_printed_command_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / HOSTILE
    folder.mkdir()
    out = io.StringIO()
    assert main(["container", "a:1", "--dry-run", f"--data={folder}", "--case", HOSTILE], out, out) == 0
    echo = f"docker() {{ printf '%s\\0' \"$@\"; }}\n{out.getvalue().split(sys.executable)[0]}"
    words = subprocess.run(["bash", "-c", echo], capture_output=True, check=True, cwd=tmp_path).stdout
    assert f"{folder}:{folder}".encode() in words.split(b"\0")
    assert shlex.split(out.getvalue())[-3:-1] == [HOSTILE, f"--data={folder}"]


def test_a_worker_is_started_and_killed_in_the_container(tmp_path: Path, bin_: Path) -> None:
    there = Inside(docker="docker", container="omgate-x", image="a:1", python="python3", workers=("om-sdk",))
    command = there.start("om-sdk", ["-u", "-c", "import x"], {"A": "b c'd"}, Path("/w x"))
    pid_file = f"/tmp/omgate-{os.getpid()}-om-sdk.pid"
    assert command == [
        *("docker", "exec", "-i", "--env=A=b c'd", "--workdir=/w x", "omgate-x"),
        *("sh", "-c", inside.START, "omgate", pid_file, "python3", "-u", "-c", "import x"),
    ]


def of_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> Inside:
    """Makes this process one that `omgate container` started."""
    there = Inside(
        docker="docker",
        container="omgate-x",
        image="a:1",
        python="python3",
        workers=("om-sdk",),
        emulated=True,
    )
    there = msgspec.structs.replace(there, **changes)
    file = tmp_path / "inside.json"
    file.write_bytes(msgspec.json.encode(there))
    monkeypatch.setenv(inside.INSIDE, str(file))
    return there


STUCK = """
import os, time
def open(config):
    return {"pid_inside": os.getpid(), "seen": os.environ.get("SEEN"), "host": os.environ.get("OMGATE_INSIDE")}
def submit(sequence, arrays):
    pass
def collect():
    time.sleep(600)
def close():
    pass
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_worker_leaves_nothing_in_the_container(
    tmp_path: Path, bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_container(tmp_path, monkeypatch)
    session = Session(WorkerSpec(name="om-sdk", source=STUCK, environ={"SEEN": HOSTILE}))
    info = session.open()
    assert (info["seen"], info["host"]) == (HOSTILE, None)
    assert alive(info["pid_inside"])
    session.kill()
    session.kill()
    deadline = time.monotonic() + 5
    while alive(info["pid_inside"]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(info["pid_inside"])
    assert [words[0] for words in fake_docker.asked(tmp_path)] == ["exec", "exec"]
    assert not list(Path("/tmp").glob(f"omgate-{os.getpid()}-*"))


def test_another_backends_worker_stays_on_the_host(
    tmp_path: Path, bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_container(tmp_path, monkeypatch)
    session = Session(WorkerSpec(name="reference", source=STUCK))
    session.open()
    session.kill()
    assert fake_docker.asked(tmp_path) == []


def test_the_images_sdk_and_cann_are_found_by_the_usual_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, toolkit = tmp_path / "sdk home", tmp_path / "cann"
    (home / "python").mkdir(parents=True)
    (home / "version.info").write_text("MindX SDK mxVision:7.1.RC1\nPlat: linux x86_64\n")
    (home / "set_env.sh").write_text(
        f"export LD_LIBRARY_PATH='{home}/lib'\nexport ASCEND_HOME_PATH={toolkit}\n"
    )
    toolkit.mkdir()
    (toolkit / "version.cfg").write_text("# version: 1.0\ntoolkit_running_version=[7.7.0.1:8.2.RC1]\n")
    folder = fake_docker.install(tmp_path, MX_SDK_HOME=str(home))
    found = look_inside(str(folder / "docker"), "omgate-x", "a:1", Plan(python=sys.executable))
    assert found.sdk == Sdk(product="mxVision", version="7.1.RC1", path=str(home))
    assert found.cann == Cann(kind="toolkit", version="8.2.RC1", path=str(toolkit))
    assert found.environ["LD_LIBRARY_PATH"] == f"{home}/lib"

    of_container(tmp_path, monkeypatch, emulated=False, sdk=found.sdk, cann=found.cann, environ=found.environ)
    here = sdk.find()
    assert here is not None
    assert (str(here.path), here.emulated, here.version) == (str(home), False, "7.1.RC1")
    assert sdk.variables(here)["LD_LIBRARY_PATH"] == f"{home}/lib"
    assert fingerprint().cann == found.cann
    assert fingerprint().sdk == found.sdk


def test_an_image_without_python_is_one_line(tmp_path: Path, bin_: Path) -> None:
    with pytest.raises(
        ContainerError, match=r"image a:1: python9: docker exec failed \(exit 126\): OCI runtime"
    ):
        look_inside(str(bin_ / "docker"), "omgate-x", "a:1", Plan(python="python9"))


def test_without_docker_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DOCKER", raising=False)
    out = io.StringIO()
    assert main(["container", "a:1", f"--run-dir={tmp_path / 'runs'}"], out, io.StringIO()) == 2
    assert "a:1: not run: no docker here" in out.getvalue()
    assert "DOCKER" in out.getvalue()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a:1", "a:1"], "given twice"),
        (["a:1", "--data=/none"], "--data: no folder /none"),
        (["a:1", "--om=/none.om"], "--om: no file"),
        (["a:1", "--device=-1"], "--device"),
        ([], "IMAGE"),
    ],
)
def test_wrong_options_are_one_line(words: list[str], text: str) -> None:
    err = io.StringIO()
    assert main(["container", *words], io.StringIO(), err) == 2
    assert text in err.getvalue()
    assert err.getvalue().count("\n") == 1


def test_two_images_are_two_labelled_runs_and_a_missing_one_is_told(tmp_path: Path) -> None:
    """End to end on the tiny case with the emulated home; the third image can't be started."""
    pytest.importorskip("onnx")
    house = tmp_path / "it's a house"
    house.mkdir()
    cases = tiny.house(house, images=3)
    tiny.add_om(cases)
    folder = fake_docker.install(tmp_path)
    environ = {**tiny.environment(cases), "PATH": f"{folder}:{os.environ['PATH']}"}
    environ["PYTEST_ADDOPTS"] = "--ignore=bench/test_latency.py"  # speed has tests of its own
    typed = ["container", "infer:5.0.2", "broken:1", "infer:8.0", "--emulate", "--backend", "om-sdk"]
    runs = house / "runs"
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", *typed, f"--run-dir={runs}"],
        cwd=tiny.HOUSE,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "broken:1: not run: image broken:1: docker run failed (exit 125)" in done.stdout
    assert "No such image" in done.stdout
    assert "compare: omgate diff infer:5.0.2 infer:8.0" in done.stdout
    records = [read(path) for path in runs.iterdir()]
    assert sorted(record.run.label for record in records) == ["infer:5.0.2", "infer:8.0"]
    for record in records:
        assert [image.status for image in record.images] == ["ok"] * 3
        made = record.run.digests.conversions["tiny-blobs/om-sdk"]  # the emulated atc's, by omgate convert
        assert (made.cann, made.source, made.soc_version) == ("emulated", "tiny.onnx", "Ascend310")
        assert "--framework=5" in made.command
        assert record.run.environment["container"]["image"] == record.run.label
    asked = fake_docker.asked(tmp_path)
    assert [words[0] for words in asked if words[0] != "exec"] == ["run", "rm", "run", "rm", "run", "rm"]
    workers = [words for words in asked if words[0] == "exec" and "--env=MX_SDK_HOME" in json.dumps(words)]
    # In each of the two containers that started.
    assert len({word for words in workers for word in words if word.startswith("omgate-")}) == 2
    assert not any("--device" in word for words in asked for word in words)
