"""`pytest bench/` as its users type it, on a tiny deliverable in a folder of its own."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.bench import tiny

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cases folder whose first run was promoted."""
    cases = tiny.house(tmp_path_factory.mktemp("house"), images=6)
    done = tiny.measure(cases)
    assert done.returncode == 0, done.stdout + done.stderr
    promotion = tiny.promote(cases)
    assert promotion.returncode == 0, promotion.stderr
    return cases


@pytest.fixture
def cases(promoted: Path, tmp_path: Path) -> Path:
    """A copy of that folder to break."""
    shutil.copytree(promoted, tmp_path / "cases")
    return tmp_path / "cases"


def status(cases: Path) -> str:
    run = json.loads((tiny.newest(cases) / "run.json").read_text(encoding="utf-8"))
    return str(run["verdicts"][0]["verdict"]["status"])


def test_without_a_baseline_the_test_is_skipped_with_the_command_that_records_one(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=2)
    done = tiny.measure(cases, "-rs")
    assert done.returncode == 0
    assert "no-baseline" in done.stdout
    assert f"omgate baseline promote {tiny.newest(cases).name} --reason" in done.stdout
    gated = tiny.measure(cases, "--gate", "--backend", "reference")
    assert gated.returncode == 1
    assert "no-baseline" in gated.stdout


def test_the_same_again_passes_under_the_gate(cases: Path) -> None:
    done = tiny.measure(cases, "--gate", "--backend", "reference", "-v")
    assert done.returncode == 0, done.stdout
    assert "test_accuracy[tiny-blobs-reference] PASSED" in done.stdout
    assert status(cases) == "pass"
    assert re.search(r"^pass +tiny-blobs +reference", done.stdout, re.MULTILINE)


def test_a_backend_that_nobody_named_is_skipped_with_the_way_out_and_fails_the_gate(cases: Path) -> None:
    done = tiny.measure(cases, "-rs")
    assert done.returncode == 0
    assert "backend-unavailable" in done.stdout
    gated = tiny.measure(cases, "--gate")
    assert gated.returncode == 1
    assert "backend-unavailable" in gated.stdout


def test_a_backend_that_was_named_and_cannot_run_is_an_error(cases: Path) -> None:
    done = tiny.measure(cases, "--backend", "ckpt")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--backend ckpt:" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("option", ["--backend", "--case"])
def test_an_unknown_name_is_told_with_its_neighbour(cases: Path, option: str) -> None:
    wrong, right = {"--backend": ("referense", "reference"), "--case": ("tiny-blob", "tiny-blobs")}[option]
    done = tiny.measure(cases, option, wrong)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"did you mean {right}" in done.stdout + done.stderr


def test_verdicts_follow_the_size_of_a_fault(cases: Path) -> None:
    seen = {}
    for scale in (1.01, 1.05, 1.2):
        tiny.write_model(cases / "tiny" / "model" / "tiny.onnx", scale)
        done = tiny.measure(cases, "--backend", "reference")
        seen[scale] = status(cases)
        assert "moved most" in done.stdout or seen[scale] != "regressed"
    order = ["pass", "improved", "drift", "regressed"]
    ranks = [order.index(seen[scale]) for scale in (1.01, 1.05, 1.2)]
    assert ranks == sorted(ranks), seen
    assert seen[1.01] != "pass"
    assert seen[1.2] == "regressed"


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _header_only(path: Path) -> None:
    """A JPEG whose header claims 20000 x 20000 pixels."""
    content = bytearray(path.read_bytes())
    start = content.index(b"\xff\xc0")
    content[start + 5 : start + 9] = (20_000).to_bytes(2, "big") * 2
    path.write_bytes(bytes(content))


FAULTS = {
    "a deleted image": ("images/IMG_3.jpg", Path.unlink, "missing-image"),
    "a deleted truth": ("ground_truth_csv/IMG_3.csv", Path.unlink, "missing-truth"),
    "half a JPEG": ("images/IMG_3.jpg", _truncate, "bad-image"),
    "a huge header": ("images/IMG_3.jpg", _header_only, "too-large"),
    "an empty CSV": ("ground_truth_csv/IMG_3.csv", lambda path: path.write_bytes(b""), "bad-truth"),
    "a CSV of another shape": ("ground_truth_csv/IMG_3.csv", lambda path: path.write_text("0,1\n1,0\n"), "bad-truth"),
    "a NaN in a CSV": (
        "ground_truth_csv/IMG_3.csv",
        lambda path: path.write_text(path.read_text().replace("0", "nan", 1)),
        "bad-truth",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_broken_data_are_one_clear_line_and_never_a_pass(cases: Path, fault: str) -> None:
    name, damage, code = FAULTS[fault]
    damage(cases / "tiny" / "data" / name)
    done = tiny.measure(cases, "--backend", "reference", "--gate")
    assert done.returncode == 1
    assert status(cases) == "cannot-tell"
    bad = [line for line in tiny.lines(tiny.newest(cases)) if line["status"] == "failed"]
    assert [(line["image"], line["reason"]) for line in bad] == [("IMG_3", code)]
    assert "IMG_3" in str(bad[0]["detail"])
    assert "\n" not in str(bad[0]["detail"])
    assert code in done.stdout
    assert "Traceback" not in done.stdout


def test_other_data_cannot_be_compared(cases: Path) -> None:
    tiny.write_image(cases / "tiny" / "data" / "images" / "IMG_2.jpg", 99)
    done = tiny.measure(cases, "--backend", "reference")
    assert status(cases) == "cannot-tell"
    assert "data-differs" in done.stdout
    assert "IMG_2" in done.stdout


def test_anyones_data_and_model(cases: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my data"
    shutil.copytree(cases / "tiny" / "data", mine)
    (mine / "images" / "IMG_6.jpg").rename(mine / "images" / "IMG_<b>ünï & 6.jpg")
    (mine / "ground_truth_csv" / "IMG_6.csv").rename(mine / "ground_truth_csv" / "IMG_<b>ünï & 6.csv")
    model = tmp_path / "mine.onnx"
    tiny.write_model(model, 1.5)
    done = tiny.measure(cases, f"--data={mine}", f"--onnx={model}", "--backend", "reference")
    assert done.returncode == 0, done.stdout
    run = json.loads((tiny.newest(cases) / "run.json").read_text(encoding="utf-8"))
    assert run["cases"][0]["data_overridden"] is True
    assert "IMG_<b>ünï & 6" in run["cases"][0]["images"]


def test_a_path_given_with_a_blank_that_moves_the_root_is_explained(cases: Path, tmp_path: Path) -> None:
    mine = tmp_path / "data"
    shutil.copytree(cases / "tiny" / "data", mine)
    (mine / "pytest.ini").write_text("[pytest]\n")
    start, rest = (command := tiny.command(cases))[:3], command[3:]
    done = subprocess.run(
        [*start, "--data", str(mine), *rest],
        cwd=tiny.HOUSE,
        env=tiny.environment(cases),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--data=DIR" in done.stdout + done.stderr


def test_a_record_holds_against_its_schema(cases: Path) -> None:
    from jsonschema import Draft202012Validator

    (cases / "tiny" / "data" / "images" / "IMG_3.jpg").unlink()
    tiny.measure(cases, "--backend", "reference", "--label", "a label/with <all> sorts")
    run = tiny.newest(cases)
    for name, documents in (
        ("run", [json.loads((run / "run.json").read_text(encoding="utf-8"))]),
        ("images", tiny.lines(run)),
    ):
        schema = json.loads(
            (tiny.HOUSE / "docs" / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")
        )
        for document in documents:
            Draft202012Validator(schema).validate(document)


def test_a_limited_run_is_stamped_and_never_a_pass(cases: Path) -> None:
    done = tiny.measure(cases, "--limit", "2", "--backend", "reference")
    assert done.returncode == 0
    assert status(cases) == "cannot-tell"
    assert "limited-run" in done.stdout
    refused = tiny.promote(cases)
    assert refused.returncode == 2
    assert "limit" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_was_deselected_is_not_missing_from_the_record(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=2)
    other = cases / "tiny" / "tiny-other.toml"
    text = (cases / "tiny" / "tiny-blobs.toml").read_text(encoding="utf-8")
    other.write_text(text.replace("tiny-blobs", "tiny-other"), encoding="utf-8")
    done = tiny.measure(cases, "-k", "test_accuracy and tiny-other")
    assert done.returncode == 0, done.stdout
    run = json.loads((tiny.newest(cases) / "run.json").read_text(encoding="utf-8"))
    assert run["finished"]
    assert [entry["case"] for entry in run["backends"]] == ["tiny-other"]
    assert tiny.promote(cases).returncode == 0


def test_no_progress_bar_in_a_pipe(cases: Path) -> None:
    done = tiny.measure(cases, "--backend", "reference")
    assert "\x1b" not in done.stdout + done.stderr
    assert "━" not in done.stdout + done.stderr


def comparable(run: Path) -> list[dict[str, object]]:
    """The records of a run without times and processes."""
    return [
        {key: value for key, value in line.items() if key not in ("seconds", "worker")}
        for line in tiny.lines(run)
    ]


def test_killed_at_random_moments_the_record_is_readable_and_resumes_to_the_same(tmp_path: Path) -> None:
    """One run, killed again and again: by the clock (anywhere from start-up on) and when its next images were written."""
    from reports.record import read

    cases = tiny.house(tmp_path, images=40)
    whole = tiny.measure(cases, "--backend", "reference", f"--run-dir={tmp_path / 'whole'}")
    assert whole.returncode == 0, whole.stdout
    expected = comparable(next((tmp_path / "whole").iterdir()))
    runs = tmp_path / "runs"
    chance = random.Random(20)
    for attempt in range(20):
        resume = [f"--resume={tiny.newest(cases).name}"] if runs.is_dir() and any(runs.iterdir()) else []
        process = subprocess.Popen(
            tiny.command(cases, "--backend", "reference", *resume),
            cwd=tiny.HOUSE,
            env=tiny.environment(cases),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        _wait_for_a_moment(process, runs, chance, by_clock=attempt % 2 == 0)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for folder in runs.iterdir() if runs.is_dir() else ():
            record = read(folder)
            assert comparable(folder)[: len(record.images)] == expected[: len(record.images)]
    done = tiny.measure(cases, f"--resume={tiny.newest(cases).name}")
    assert done.returncode == 0, done.stdout
    assert len(list(runs.iterdir())) == 1
    record = read(tiny.newest(cases))
    assert record.run.finished
    assert comparable(tiny.newest(cases)) == expected
    assert record.run.summaries[0].summary.mae == pytest.approx(read(next((tmp_path / "whole").iterdir())).run.summaries[0].summary.mae, rel=1e-12)  # fmt: skip


def _wait_for_a_moment(
    process: subprocess.Popen[str], runs: Path, chance: random.Random, by_clock: bool
) -> None:
    written = _size(runs)
    deadline = time.monotonic() + (chance.uniform(0.1, 2.5) if by_clock else 30)
    more = chance.randint(1, 1500)  # bytes of records
    while (
        process.poll() is None and time.monotonic() < deadline and (by_clock or _size(runs) < written + more)
    ):
        time.sleep(0.002)


def _size(runs: Path) -> int:
    return sum(path.stat().st_size for path in runs.glob("*/images.jsonl"))


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=60)
    process = subprocess.Popen(
        tiny.command(cases, "--backend", "reference"),
        cwd=tiny.HOUSE,
        env=tiny.environment(cases),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while process.poll() is None and _size(tmp_path / "runs") < 400:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    if len(tiny.lines(tiny.newest(cases))) < 60:
        assert f"--resume={tiny.newest(cases).name}" in output
        done = tiny.measure(cases, f"--resume={tiny.newest(cases).name}")
        assert done.returncode == 0, done.stdout
    assert len(tiny.lines(tiny.newest(cases))) == 60


def test_resuming_with_another_model_is_refused(cases: Path) -> None:
    assert tiny.measure(cases, "--limit", "2", "--backend", "reference").returncode == 0
    tiny.write_model(cases / "tiny" / "model" / "tiny.onnx", 1.3)
    done = tiny.measure(cases, f"--resume={tiny.newest(cases).name}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "start a new run instead of --resume" in done.stdout + done.stderr


@pytest.mark.parametrize("path", ["bench/", ".", "bench/test_accuracy.py::test_accuracy"])
def test_measuring_in_parallel_is_refused(path: str, tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    cases = tiny.house(tmp_path, images=1)
    command = [*tiny.command(cases)[:3], path, *tiny.command(cases, "-n", "2")[4:]]
    done = subprocess.run(
        command, cwd=tiny.HOUSE, env=tiny.environment(cases), capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert done.stderr.strip().splitlines() == [
        "ERROR: omgate measures one thing at a time, or the measurements disturb each other: leave out -n"
    ]
    assert not (tmp_path / "runs").exists()
