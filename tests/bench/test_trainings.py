"""Which training a run takes over, and what it says where it can't."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from bench.trainings import of_case
from cases.errors import OmgateError
from reports.run import Conversion, Digests
from reports.training import TRAINING_FILE, read
from tests.bench import tiny

CASE = "mcnn"
ONNX, CKPT = "1" * 64, "2" * 64


def digests(**models: str) -> Digests:
    """Of the models by backend, and of an OM converted from the ONNX."""
    made = Conversion(
        source="m.onnx",
        source_sha256=ONNX,
        command=("atc",),
        tool="atc",
        soc_version="Ascend310",
        seconds=1.0,
    )
    return Digests(
        models={f"{CASE}/{name}": value for name, value in models.items()},
        conversions={f"{CASE}/om-sdk": made},
    )


def log(path: Path, **last: str) -> Path:
    path.write_text(
        "\n".join(
            [
                '{"options": {"seed": 4}}',
                '{"step": 1, "loss": 2.0}',
                json.dumps({"finished": True, **last}),
            ]
        )
    )
    return path


def test_the_log_beside_the_checkpoint_is_also_of_what_was_made_from_it(tmp_path: Path) -> None:
    log(tmp_path / "m.train.jsonl")
    files = {
        (CASE, "reference"): tmp_path / "m.onnx",
        (CASE, "ckpt"): tmp_path / "m.ckpt",
        (CASE, "om-sdk"): tmp_path / "cache" / "m.om",
        (CASE, "om-mxbase"): tmp_path / "cache" / "another.om",
        ("other", "ckpt"): tmp_path / "none.ckpt",
    }
    found, problems = of_case(CASE, files, digests(reference=ONNX, ckpt=CKPT))
    assert found is not None
    assert (found.model, found.backends, found.by_digest) == (
        "m.ckpt",
        ("reference", "ckpt", "om-sdk"),
        False,
    )
    assert [part.seed for part in found.trainings] == [4]
    assert problems == []
    assert of_case("other", files, digests()) == (None, [])


def test_a_log_that_names_the_checkpoint_is_its_own(tmp_path: Path) -> None:
    log(tmp_path / "m.train.jsonl", checkpoint_sha256=CKPT)
    found, _ = of_case(CASE, {(CASE, "ckpt"): tmp_path / "m.ckpt"}, digests(ckpt=CKPT))
    assert found is not None
    assert found.by_digest


def test_the_log_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    log(tmp_path / "m.train.jsonl", checkpoint_sha256="3" * 64)
    with pytest.raises(OmgateError, match="the log of another checkpoint"):
        of_case(CASE, {(CASE, "ckpt"): tmp_path / "m.ckpt"}, digests(ckpt=CKPT))


def test_a_run_takes_the_training_over_and_its_report_shows_it(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=2)
    log(cases / "tiny" / "model" / "tiny.train.jsonl")
    done = tiny.measure(cases, "--backend=reference", "-k", "accuracy", report=True)
    folder = tiny.newest(cases)
    found = read(folder)
    assert found is not None, done.stdout
    assert [(model.case, model.model) for model in found.models] == [("tiny-blobs", "tiny.onnx")]
    (cases / "tiny" / "model" / "tiny.train.jsonl").unlink()
    assert 'id="training"' in (folder / "report.html").read_text(encoding="utf-8")


def test_a_log_that_can_not_be_read_costs_the_curve_alone(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=2)
    path = cases / "tiny" / "model" / "tiny.train.jsonl"
    path.symlink_to(path.name)
    done = tiny.measure(cases, "--backend=reference", "-k", "accuracy")
    folder = tiny.newest(cases)
    run = json.loads((folder / "run.json").read_text())
    assert run["finished"], done.stdout
    assert "tiny.train.jsonl: can't be read" in run["warnings"][0]
    assert not (folder / TRAINING_FILE).exists()


def test_the_digest_in_a_log_is_the_one_of_a_runs_record(tmp_path: Path) -> None:
    from bench.backends.base import sha256
    from cases.mcnn.checkpoint import sha256_of

    (tmp_path / "m.ckpt").write_bytes(b"weights")
    assert (
        sha256_of(tmp_path / "m.ckpt")
        == sha256(tmp_path / "m.ckpt")
        == hashlib.sha256(b"weights").hexdigest()
    )
    assert sha256_of(tmp_path / "none") is None
