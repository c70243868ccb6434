"""Whole runs of the tiny case on another host, through an `ssh` that leads to a bare environment on this machine."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.backends import get
from bench.backends.base import Options as BackendOptions
from bench.backends.base import sha256
from bench.cli import main
from bench.selection import Options, select
from cases.errors import OmgateError
from reports.fingerprint import environment_of
from reports.record import read
from tests.bench import fake_ssh, tiny


def hosts_file(folder: Path, *lines: str, ssh: str = "far", backend: str = "reference") -> Path:
    """A hosts file with one host and one backend on it; `lines` are more of the backend's table."""
    path = folder / "hosts.toml"
    more = "\n".join(lines)
    path.write_text(f'[hosts.far]\nssh = "{ssh}"\n\n[backends.{backend}]\nhost = "far"\n{more}\n')
    return path


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny case in a folder with a hostile name, and the other machine."""
    pytest.importorskip("onnx")
    bin_ = fake_ssh.install(tmp_path, GLOG_v="1")
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    house = tmp_path / "it's $(a) house"
    house.mkdir()
    return tiny.house(house, images=3)


def model_of(cases: Path) -> Path:
    return cases / "tiny" / "model" / "tiny.onnx"


def done(cases: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return tiny.measure(cases, "--deselect=bench/test_parity.py", *arguments)


def test_a_run_on_another_host_says_where_it_was_and_gives_the_same(tmp_path: Path, cases: Path) -> None:
    """Run there, cut short, resumed there, promoted; then run here against that baseline."""
    hosts = hosts_file(tmp_path)
    ran = done(cases, "--backend", "reference", f"--hosts={hosts}", "--label", "far")
    assert "cannot-tell" in ran.stdout, ran.stdout + ran.stderr
    folder = tiny.newest(cases)
    first = read(folder)
    assert [image.status for image in first.images] == ["ok"] * 3
    digest = sha256(model_of(cases))
    assert first.run.digests.models == {"tiny-blobs/reference": digest}
    entry = first.run.backend("tiny-blobs", "reference")
    assert entry is not None
    assert entry.info["model_sha256"] == digest
    assert {image.worker["pid"] for image in first.images} == {entry.info["pid"]}
    assert (fake_ssh.home(tmp_path) / ".cache" / "omgate" / "models" / f"{digest}.onnx").is_file()

    (there,) = first.run.environment["hosts"]
    assert (there["name"], there["ssh"], there["backends"]) == ("far", "far", ["reference"])
    found = environment_of(first.run.environment, "reference")
    assert found["variables"] == {"GLOG_v": "1"}  # of the other machine, none of this process
    assert found["packages"]["onnxruntime"]
    assert first.run.options["hosts"] == str(hosts)

    lines = (folder / "images.jsonl").read_text().splitlines(keepends=True)
    (folder / "images.jsonl").write_text("".join(lines[:1]))
    before = len(fake_ssh.asked(tmp_path))
    done(cases, "--resume=far")
    assert len(fake_ssh.asked(tmp_path)) > before
    second = read(folder)
    assert [image.predicted_count for image in second.images] == [
        image.predicted_count for image in first.images
    ]

    promoted = tiny.promote(cases)
    assert promoted.returncode == 0, promoted.stderr
    (baseline,) = (cases / "tiny" / "baselines" / "tiny-blobs").glob("reference-cpu-*.json")
    stored = json.loads(baseline.read_text())["fingerprint"]
    assert "hosts" not in stored
    assert stored["variables"] == {"GLOG_v": "1"}
    before = len(fake_ssh.asked(tmp_path))
    assert "1 passed" in done(cases, "--backend", "reference", "--label", "here").stdout
    assert len(fake_ssh.asked(tmp_path)) == before
    assert "hosts" not in read(tiny.newest(cases)).run.environment


def test_another_model_over_there_is_an_error_that_says_so(
    tmp_path: Path, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fake_ssh.home(tmp_path) / "other.onnx"
    tiny.write_model(other, scale=2)
    hosts = hosts_file(tmp_path, f'onnx = "{other}"')
    monkeypatch.setenv("OMGATE_HOSTS", str(hosts))
    with pytest.raises(
        OmgateError, match=rf"{other} has the digest {sha256(other)[:16]}, .* they are not one model"
    ):
        select(Options(cases, cases, backends=("reference",)))


def test_a_model_that_only_the_host_has_is_known_by_its_digest_there(tmp_path: Path, cases: Path) -> None:
    there = fake_ssh.home(tmp_path) / "its own.onnx"
    model_of(cases).rename(there)
    text = (cases / "tiny" / "tiny-blobs.toml").read_text().replace('onnx = "model/tiny.onnx"', "")
    (cases / "tiny" / "tiny-blobs.toml").write_text(text)
    hosts = hosts_file(tmp_path, f'onnx = "{there}"')
    done(cases, "--backend", "reference", f"--hosts={hosts}")
    record = read(tiny.newest(cases))
    assert [image.status for image in record.images] == ["ok"] * 3
    assert record.run.digests.models == {"tiny-blobs/reference": sha256(there)}
    assert not (fake_ssh.home(tmp_path) / ".cache" / "omgate" / "models").exists()


def test_an_unreachable_host_is_a_skip_and_an_error_where_it_was_named(
    tmp_path: Path, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = hosts_file(tmp_path, ssh="refused")
    told = "far (ssh refused): nothing listens there"
    skipped = done(cases, "-rs", f"--hosts={hosts}")
    assert skipped.returncode == 0
    assert told in skipped.stdout
    monkeypatch.setenv("OMGATE_HOSTS", str(hosts))
    with pytest.raises(OmgateError, match=rf"--backend reference: {re.escape(told)}"):
        select(Options(cases, cases, backends=("reference",)))


def test_an_option_that_means_this_machine_is_refused(tmp_path: Path, cases: Path) -> None:
    ran = done(cases, f"--hosts={hosts_file(tmp_path)}", "--attribution")
    assert ran.returncode == 4
    assert "--attribution with --hosts: its steps need models that are made on this machine" in ran.stderr


def test_a_device_that_the_file_does_not_allow_is_refused(
    tmp_path: Path, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.backends.remote import Remote

    monkeypatch.setenv("OMGATE_HOSTS", str(hosts_file(tmp_path, "devices = [0, 1]", backend="ckpt")))
    backend = get("ckpt")
    assert isinstance(backend, Remote)
    assert backend.device(BackendOptions(device="1")) == "far-ascend-1"
    assert backend.device(BackendOptions()) == "far-ascend-0"
    assert backend.device(BackendOptions(device="cpu")) is None
    assert not isinstance(get("reference"), Remote)
    with pytest.raises(OmgateError, match=r"--device 2 is none of devices = \[0, 1\]"):
        backend.device(BackendOptions(device="2"))


def test_the_sdk_of_another_host_runs_the_om_that_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emulated SDK home over there: what it measures is stamped as here."""
    pytest.importorskip("onnx")
    from bench.convert import convert_case
    from bench.emulator.home import make_home
    from cases.case import load

    home = make_home()
    bin_ = fake_ssh.install(tmp_path, MX_SDK_HOME=str(home))
    cases = tiny.house(tmp_path, images=2)
    tiny.add_om(cases)
    monkeypatch.setenv("MX_SDK_HOME", str(home))
    om, _ = convert_case(load(cases / "tiny" / "tiny-blobs.toml"), tmp_path / "tiny")
    monkeypatch.delenv("MX_SDK_HOME")
    path = hosts_file(tmp_path, "devices = [0]", backend="om-sdk")
    path.write_text(path.read_text() + '\n[backends.om-mxbase]\nhost = "far"\n')
    environ = {**tiny.environment(cases), "PATH": f"{bin_}:{os.environ['PATH']}"}
    typed = ["--backend", "om-sdk", "--backend", "om-mxbase", f"--om={om}", f"--hosts={path}"]
    ran = subprocess.run(
        tiny.command(cases, "--deselect=bench/test_parity.py", *typed),
        cwd=tiny.HOUSE,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    record = read(tiny.newest(cases))
    assert [image.status for image in record.images] == ["ok"] * 4, ran.stdout + ran.stderr
    assert {entry.soc for entry in record.run.backends} == {"emulated"}
    assert set(record.run.digests.models.values()) == {sha256(om)}
    assert record.run.digests.conversions["tiny-blobs/om-sdk"].cann == "emulated"
    (there,) = record.run.environment["hosts"]
    assert there["environment"]["sdk"]["path"] == str(home)
    entry = record.run.backend("tiny-blobs", "om-mxbase")
    assert entry is not None
    assert entry.info["driver"] == "python"
    assert "the native one works on files of this machine's disk" in entry.info["note"]


def test_doctor_lists_each_host(tmp_path: Path, cases: Path) -> None:
    path = hosts_file(tmp_path)
    path.write_text(path.read_text() + '\n[hosts.gone]\nssh = "refused"\n')
    out = io.StringIO()
    assert main(["doctor", "--json", "--hosts", str(path)], out, out) == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    far, gone = found["hosts"]
    assert (far["problem"], far["environment"]["python"] != "", far["backends"]) == (
        None,
        True,
        ["reference"],
    )
    assert (gone["environment"], gone["backends"]) == (None, [])
    assert gone["problem"].startswith("gone (ssh refused): nothing listens there")
    text = io.StringIO()
    assert main(["doctor", "--hosts", str(path)], text, text) == 0
    assert "host far" in text.getvalue()
    assert gone["problem"] in text.getvalue()
