"""Parity: the numbers of two maps, which backends meet, and `pytest bench/` on a tiny deliverable with the emulated OM backends."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.emulator.atc import main
from bench.parity import compare_maps, cosine, pairings, relative_l2
from bench.selection import Selected
from cases.case import Case, load_all
from cases.preprocess import Geometry
from tests.bench import tiny

pytest.importorskip("onnx")

GEOMETRY = Geometry("pad-16", 8, 16, 8, 16, 4, 0, 16, 16)
"""An image of 8 x 16 in the middle of 16 x 16; the map has half the resolution."""

RANDOM = np.random.default_rng(3)
DENSITY = RANDOM.random((8, 8), dtype=np.float32)


# --- two maps ---


def test_a_map_is_identical_to_itself() -> None:
    found = compare_maps("a", DENSITY, DENSITY.copy(), GEOMETRY)
    assert (found.identical, found.relative_l2, found.game) == (True, 0.0, (0.0, 0.0, 0.0))
    assert found.cosine == pytest.approx(1.0)
    assert found.count == found.other_count == float(DENSITY.sum(dtype=np.float64))


def test_one_bit_is_a_difference() -> None:
    other = DENSITY.copy()
    other[3, 3] = np.nextafter(other[3, 3], np.float32(2))
    assert not compare_maps("a", DENSITY, other, GEOMETRY).identical


def test_a_map_that_moved_has_the_same_count_and_another_game_cosine_and_distance() -> None:
    one, other = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)
    one[3, 1], other[3, 6] = 2.0, 2.0
    found = compare_maps("a", one, other, GEOMETRY)
    assert found.count == found.other_count == 2.0
    assert (found.game, found.cosine) == ((4.0, 4.0, 4.0), 0.0)
    assert found.relative_l2 == pytest.approx(np.sqrt(2))


def test_game_is_cut_on_the_image_and_not_on_its_padding() -> None:
    """Rows 2 to 5 hold the image: GAME(1)'s line lies between rows 3 and 4, GAME(2)'s between 2 and 3, too."""
    one, other = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)
    one[2, 0], other[3, 0] = 1.0, 1.0
    assert compare_maps("a", one, other, GEOMETRY).game == (0.0, 2.0, 2.0)


def test_maps_of_zeros_have_no_cosine_and_no_relative_distance() -> None:
    zeros = np.zeros((8, 8), np.float32)
    assert (relative_l2(zeros, zeros), relative_l2(DENSITY, zeros)) == (0.0, None)
    assert relative_l2(zeros, DENSITY) == 1.0
    assert cosine(zeros, DENSITY) is cosine(DENSITY, zeros) is None


# --- who meets whom ---


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_all(tiny.house(tmp_path_factory.mktemp("case"), images=1))[0]


def test_every_backend_meets_the_reference_and_the_checkpoint_once(case: Case) -> None:
    found = pairings([Selected(case, name) for name in ("reference", "ckpt", "om-sdk", "om-mxbase")])
    assert [pairing.name.removeprefix("tiny-blobs-") for pairing in found] == [
        "ckpt-vs-reference",
        "om-sdk-vs-reference",
        "om-mxbase-vs-reference",
        "om-sdk-vs-ckpt",
        "om-mxbase-vs-ckpt",
        "om-mxbase-vs-om-sdk",
    ]
    assert pairings([Selected(case, "om-sdk")]) == []
    missing = pairings([Selected(case, "reference"), Selected(case, "ckpt", "no MindSpore")])
    assert [pairing.missing for pairing in missing] == ["no MindSpore"]


# --- pytest bench/ ---

BOTH = ("--emulate", "--backend", "reference", "--backend", "om-sdk")
ALONE = ("-k", "test_parity")


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    cases = tiny.house(tmp_path, images=5)
    tiny.add_om(cases)
    return cases


def run_json(cases: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tiny.newest(cases) / "run.json").read_text(encoding="utf-8"))
    return found


def parity(cases: Path) -> dict[str, Any]:
    (found,) = run_json(cases)["parity"]
    assert isinstance(found, dict)
    return found


def test_fp16_passes_by_the_references_own_deviation_which_is_remembered(cases: Path) -> None:
    from jsonschema import Draft202012Validator

    done = tiny.measure(cases, *BOTH, "-v")
    assert "test_parity[tiny-blobs-om-sdk-vs-reference] PASSED" in done.stdout, done.stdout
    found = parity(cases)
    # The emulator computes what the deviation is measured with: exactly as far apart.
    deviation = found["tolerance"]["deviation"]
    assert deviation["largest"] > 0
    assert found["max_difference"] == pytest.approx(deviation["largest"], rel=1e-9)
    assert found["max_relative_l2"] == pytest.approx(deviation["largest_relative_l2"], rel=1e-9)
    assert (found["n"], found["identical"], deviation["n"]) == (5, 0, 5)
    schema = json.loads((tiny.HOUSE / "docs" / "schema" / "run.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(run_json(cases))
    assert run_json(cases)["finished"] is not None
    assert not (tiny.newest(cases) / "exact").exists()
    assert (tiny.newest(cases) / "worker-tiny-blobs-deviation-fp16.log").is_file()
    # The parity test alone measures what it needs; the deviation comes from the cache.
    again = tiny.measure(cases, *BOTH, *ALONE)
    assert re.search(r"\b1 passed, \d+ deselected", again.stdout), again.stdout
    assert parity(cases) == found
    assert len(tiny.lines(tiny.newest(cases))) == 10
    assert not (tiny.newest(cases) / "worker-tiny-blobs-deviation-fp16.log").exists()


def test_what_is_remembered_belongs_to_the_code_that_makes_the_networks_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench import deviation
    from cases import preprocess

    before = deviation._code()
    mended = tmp_path / "preprocess.py"
    mended.write_bytes(Path(preprocess.__file__).read_bytes() + b"# the odd pixel goes before\n")
    monkeypatch.setattr(preprocess, "__file__", str(mended))
    assert deviation._code() != before


def test_two_oms_with_one_file_are_identical_and_need_no_deviation(cases: Path) -> None:
    done = tiny.measure(cases, "--emulate", "--backend", "om-sdk", "--backend", "om-mxbase", *ALONE)
    assert done.returncode == 0, done.stdout
    found = parity(cases)
    assert (found["status"], found["identical"], found["tolerance"]) == ("pass", 5, None)
    assert "identical" in done.stdout
    assert not list(tiny.newest(cases).glob("*deviation*"))


def test_without_the_reference_in_the_run_both_precisions_are_measured(cases: Path) -> None:
    from bench.backends.base import Options
    from bench.deviation import Deviations
    from bench.progress import Bar
    from cases.dataset import Dataset

    case = load_all(cases)[0]
    logs = cases.parent / "logs"
    samples = Dataset.open(case.data.root).samples
    here = Deviations(case, samples, None, Options(), logs, Bar(quiet=True)).measure()
    assert [found.image for found in here] == [sample.name for sample in samples]
    assert all(found.difference != 0 and found.relative_l2 > 0 for found in here)
    assert {path.name for path in logs.iterdir()} == {
        f"worker-tiny-blobs-deviation-{name}.log" for name in ("fp16", "fp32")
    }


def test_beyond_the_tolerance_the_test_fails_and_names_the_one_that_would_have_passed(cases: Path) -> None:
    other = cases.parent / "other.onnx"
    tiny.write_model(other, 1.01)
    om = cases / "tiny" / "other.om"
    atc = [f"--model={other}", "--framework=5", f"--output={om.with_suffix('')}", "--soc_version=Ascend310"]
    assert main(atc, io.StringIO()) == 0
    done = tiny.measure(cases, *BOTH, *ALONE, f"--om={om}")
    assert done.returncode == 1, done.stdout
    assert parity(cases)["status"] == "regressed"
    factor = parity(cases)["would_pass"]["factor"]
    assert factor > 3
    assert f"{factor:g} times the FP16 deviation instead of 3 would have passed" in done.stdout
    failure = done.stdout[done.stdout.index("test_parity[") :].splitlines()
    assert failure[1].startswith("regressed: parity-exceeded: 5 of 5 images")


def test_an_image_lost_on_one_side_fails(cases: Path) -> None:
    done = subprocess.run(
        tiny.command(cases, *BOTH, *ALONE),
        cwd=tiny.HOUSE,
        env={**tiny.environment(cases), "OMGATE_EMULATOR_FAULT": "nan@2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    found = parity(cases)
    assert (found["status"], found["n"], found["expected"]) == ("regressed", 4, 5)
    assert [reason["code"] for reason in found["reasons"]] == ["not-finite"]


def test_a_limited_run_and_a_missing_backend_are_no_pass(cases: Path) -> None:
    done = tiny.measure(cases, *BOTH, *ALONE, "--limit", "2", "--gate")
    assert done.returncode == 1
    assert "cannot-tell: limited-run: only 2 images evaluated" in done.stdout
    other = tiny.measure(cases, "--backend", "reference", *ALONE, "-rs")
    assert other.returncode == pytest.ExitCode.NO_TESTS_COLLECTED or "skipped" in other.stdout
    everything = tiny.measure(cases, "-k", "ckpt-vs-reference", "-rs")
    assert "backend-unavailable" in everything.stdout


def test_killed_and_resumed_it_compares_what_a_whole_run_compares(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=60)
    tiny.add_om(cases)
    whole = tiny.measure(cases, *BOTH, *ALONE, f"--run-dir={tmp_path / 'whole'}")
    assert whole.returncode == 0, whole.stdout
    expected = json.loads((next((tmp_path / "whole").iterdir()) / "run.json").read_text())["parity"]
    process = subprocess.Popen(
        tiny.command(cases, *BOTH, *ALONE),
        cwd=tiny.HOUSE,
        env={**tiny.environment(cases), "OMGATE_EMULATOR_FAULT": "slow=0.02@*"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline and _written(tmp_path / "runs") < 15:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = tiny.newest(cases)
    assert 15 <= len(list(killed.rglob("exact/**/*.npy"))) < 120
    done = tiny.measure(cases, f"--resume={killed.name}", *ALONE)
    assert done.returncode == 0, done.stdout
    assert run_json(cases)["parity"] == expected
    assert not (killed / "exact").exists()
    # Finished and resumed once more: nothing is there to compare, and nothing changes.
    assert tiny.measure(cases, f"--resume={killed.name}", *ALONE).returncode == 0
    assert run_json(cases)["parity"] == expected


def _written(runs: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in runs.glob("*/images.jsonl"))
