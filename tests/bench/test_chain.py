"""The chain of docs/modelarts.md from the checkpoint on: ckpt -> ONNX -> emulated OM -> `pytest bench/`, on three small images."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import main
from reports.record import read
from tests.bench import tiny

CHECKPOINT = tiny.HOUSE / "cases" / "mcnn" / "model" / "mcnn-synthetic.ckpt"


def test_from_the_checkpoint_to_counts_on_the_emulated_sdk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mindspore")
    pytest.importorskip("onnx")
    cases = tiny.house(tmp_path, images=3)
    tiny.add_om(cases)
    onnx = cases / "tiny" / "model" / "tiny.onnx"
    assert main(["export", str(CHECKPOINT), str(onnx), "--height=64", "--width=64"]) == 0
    assert "verified against the checkpoint" in capsys.readouterr().out
    for file in (cases / "tiny").glob("*.toml"):
        file.write_text(file.read_text().replace("stride = 2", "stride = 4"))

    from bench.commands import common

    monkeypatch.setattr(common, "CASES", cases)
    om = tmp_path / "mcnn"
    assert main(["convert", "--emulate", "--case", "tiny-blobs", f"--output={om}"]) == 0
    assert "emulated OM" in capsys.readouterr().out

    chosen = ["--emulate", "--backend", "om-sdk", "--backend", "reference", f"--om={om}.om"]
    done = tiny.measure(cases, *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    record = read(tiny.newest(cases))
    counts = {(one.image, one.backend): one.predicted_count for one in record.images if one.status == "ok"}
    assert len(counts) == 6
    for image in ("IMG_1", "IMG_2", "IMG_3"):  # FP16 against FP32 of one network
        assert counts[image, "om-sdk"] == pytest.approx(counts[image, "reference"], rel=1e-2, abs=1e-2)
    made = record.run.digests.conversions["tiny-blobs/om-sdk"]
    assert made.source == "tiny.onnx"
    assert any(word.endswith(":1,1,64,64") for word in made.command)
