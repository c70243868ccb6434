"""Every fault knob of the emulated device on both OM backends: the run ends by itself, says which image and why, and never passes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.bench import tiny

pytest.importorskip("onnx")

OM_BACKENDS = ("om-sdk", "om-mxbase")
CHOSEN = ("--emulate", "--backend", "om-sdk", "--backend", "om-mxbase")
IMAGES = 3


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cases folder with baselines of both OM backends, emulated."""
    cases = tiny.house(tmp_path_factory.mktemp("house"), images=IMAGES)
    tiny.add_om(cases, image_seconds=4)
    done = tiny.measure(cases, *CHOSEN)
    assert done.returncode == 0, done.stdout + done.stderr
    promotion = tiny.promote(cases)
    assert promotion.returncode == 0, promotion.stderr
    return cases


@pytest.fixture
def cases(promoted: Path, tmp_path: Path) -> Path:
    shutil.copytree(promoted, tmp_path / "cases")
    return tmp_path / "cases"


def verdicts(cases: Path) -> dict[str, dict[str, Any]]:
    run = json.loads((tiny.newest(cases) / "run.json").read_text(encoding="utf-8"))
    return {entry["backend"]: entry["verdict"] for entry in run["verdicts"]}


def failures(cases: Path, backend: str) -> dict[str, tuple[str, str]]:
    found = [line for line in tiny.lines(tiny.newest(cases)) if line["backend"] == backend]
    return {
        str(line["image"]): (str(line["reason"]), str(line["detail"]))
        for line in found
        if line["status"] == "failed"
    }


def test_without_a_fault_both_pass_and_agree_bit_for_bit(cases: Path) -> None:
    done = tiny.measure(cases, *CHOSEN, "--gate")
    assert done.returncode == 0, done.stdout
    assert "om-sdk (emulated)" in done.stdout
    run = json.loads((tiny.newest(cases) / "run.json").read_text(encoding="utf-8"))
    assert {entry["name"]: entry["soc"] for entry in run["backends"]} == dict.fromkeys(
        OM_BACKENDS, "emulated"
    )
    counts = {
        backend: {
            line["image"]: line["predicted_count"]
            for line in tiny.lines(tiny.newest(cases))
            if line["backend"] == backend
        }
        for backend in OM_BACKENDS
    }
    assert counts["om-sdk"] == counts["om-mxbase"]


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        ("error=1001@2", {"worker-error"}),
        ("hang@2", {"worker-timeout"}),
        ("crash@2", {"worker-died"}),
        ("nan@2", {"not-finite"}),
        ("empty@2", {"bad-output", "worker-error"}),
        ("shape@2", {"bad-output", "worker-error"}),
        ("slow=20@2", {"worker-timeout"}),
    ],
)
def test_a_fault_fails_its_image_with_the_reason(
    cases: Path, monkeypatch: pytest.MonkeyPatch, fault: str, reasons: set[str]
) -> None:
    monkeypatch.setenv("OMGATE_EMULATOR_FAULT", fault)
    done = tiny.measure(cases, *CHOSEN, "--gate")
    assert done.returncode == 1, done.stdout
    for backend in OM_BACKENDS:
        failed = failures(cases, backend)
        assert "IMG_2" in failed, f"{backend}: {failed}"
        assert {reason for reason, _ in failed.values()} <= reasons, f"{backend}: {failed}"
        verdict = verdicts(cases)[backend]
        assert verdict["status"] in ("cannot-tell", "regressed")
        assert any("IMG_2" in reason["message"] for reason in verdict["reasons"])


def test_a_slow_device_is_only_slow(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMGATE_EMULATOR_FAULT", "slow=0.2@2")
    assert tiny.measure(cases, *CHOSEN, "--gate").returncode == 0
    slowed = [line for line in tiny.lines(tiny.newest(cases)) if line["image"] == "IMG_2"]
    assert [line["seconds"]["infer"] > 0.2 for line in slowed] == [True, True]  # type: ignore[index]


def test_a_missing_device_is_a_backend_that_cannot_be_had(
    cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMGATE_EMULATOR_FAULT", "device-missing")
    done = tiny.measure(cases, *CHOSEN, "--gate")
    assert done.returncode == 1
    for backend in OM_BACKENDS:
        assert {reason for reason, _ in failures(cases, backend).values()} == {"backend-unavailable"}
        assert "1013" in next(iter(failures(cases, backend).values()))[1]
        assert verdicts(cases)[backend]["status"] == "cannot-tell"
