from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.selection import Options, cases_folder, resumed, select
from cases.errors import OmgateError
from reports.record import RunWriter
from tests.bench import tiny

pytest.importorskip("onnx")


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(run_dir=tmp_path / "runs", cases_dir=tiny.house(tmp_path, images=1))


def test_all_pairs_are_listed_and_what_cannot_run_says_why(options: Options) -> None:
    found = {item.backend: item.missing for item in select(options)}
    assert found["reference"] == ""
    assert "network" in found["ckpt"] or "MindSpore" in found["ckpt"]


def test_what_was_named_must_run(options: Options) -> None:
    with pytest.raises(OmgateError, match="--backend ckpt: "):
        select(dataclasses.replace(options, backends=("ckpt",)))


def test_a_case_without_its_data_is_listed_and_refused_when_named(options: Options) -> None:
    (options.cases_dir / "tiny" / "data" / "images").rename(options.cases_dir / "elsewhere")
    assert all("no images in" in item.missing for item in select(options))
    with pytest.raises(OmgateError, match="--case tiny-blobs: no images in"):
        select(dataclasses.replace(options, cases=("tiny-blobs",)))


def test_own_data_without_a_case_goes_through_one_case(options: Options, tmp_path: Path) -> None:
    second = options.cases_dir / "tiny" / "tiny-copy.toml"
    second.write_text(tiny.CASE.format(name="tiny-copy"))
    mine = tmp_path / "mine"
    (mine / "images").mkdir(parents=True)
    (mine / "ground_truth_csv").mkdir()
    assert {item.case.name for item in select(dataclasses.replace(options, data=mine))} == {"tiny-blobs"}


def test_the_cases_folder_can_be_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMGATE_CASES", str(tmp_path))
    assert cases_folder() == tmp_path
    monkeypatch.delenv("OMGATE_CASES")
    assert (cases_folder() / "mcnn" / "mcnn-synthetic.toml").exists()


def test_a_resumed_run_takes_its_options_from_the_record(options: Options) -> None:
    begun = dataclasses.replace(
        options, label="night", limit=3, backends=("reference",), onnx=Path("/m.onnx")
    )
    with RunWriter.create(options.run_dir, "night", options=begun.as_dict()):
        pass
    found = resumed(dataclasses.replace(options, resume="night", gate=True))
    assert (found.label, found.limit, found.backends, found.onnx) == (
        "night",
        3,
        ("reference",),
        Path("/m.onnx"),
    )
    assert found.gate
    assert not found.perfstats
    assert resumed(dataclasses.replace(options, resume="night", perfstats=True)).perfstats
    with pytest.raises(OmgateError, match="limit is 4, the run began with 3"):
        resumed(dataclasses.replace(options, resume="night", limit=4))


def test_a_resumed_run_goes_on_with_the_statistics_that_it_began_with(options: Options) -> None:
    begun = dataclasses.replace(options, perfstats=True)
    with RunWriter.create(options.run_dir, "night", options=begun.as_dict()):
        pass
    assert resumed(dataclasses.replace(options, resume="night")).perfstats
