"""`omgate trend` in-process."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.commands import common
from reports.image import ImageRecord
from reports.promotion import promote
from reports.record import BackendEntry, CaseEntry, Digests, RunWriter, find, read
from reports.summary import summarise


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two finished runs, an MAE of 1 and of 2."""
    monkeypatch.setattr(common, "CASES", tmp_path / "cases")
    for label, error in (("old", 1.0), ("new", 2.0)):
        writer = RunWriter.create(
            tmp_path / "runs",
            label,
            environment={"soc": "cpu"},
            cases=(CaseEntry(name="demo", images=("a",), available=1),),
            backends=(BackendEntry(case="demo", name="reference", soc="cpu", precision="fp32"),),
            digests=Digests(cases={"demo": "c"}),
        )
        image = ImageRecord(
            "demo", "reference", "a", "ok", true_count=10.0, predicted_count=10.0 + error, digest="d"
        )
        writer.append(image)
        writer.put_summary("demo", "reference", summarise([image], (), 1.0))
        writer.finish()
    return tmp_path / "runs"


def ask(*words: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["trend", *map(str, words)], out, err)
    return code, out.getvalue(), err.getvalue()


def test_it_prints_figures_and_changes(runs: Path) -> None:
    code, out, err = ask("--folder", runs)
    assert (code, err) == (0, "")
    assert out.startswith(f"2 runs in {runs}\n")
    assert "MAE: 1.00 -> 2.00 (+100 %), worse" in out
    assert "\x1b" not in out


def test_it_writes_files(runs: Path, tmp_path: Path) -> None:
    code, out, _ = ask(
        "--folder", runs, "--html", tmp_path / "t.html", "--json", tmp_path / "t.json", "--metric", "mae"
    )
    assert code == 0
    assert "MAE" in out
    (series,) = json.loads((tmp_path / "t.json").read_text())["series"]
    assert (series["metric"], [point["value"] for point in series["points"]]) == ("mae", [1.0, 2.0])
    assert (tmp_path / "t.html").read_text().count('<svg class="figure"') == 1


def test_json_on_stdout_is_alone_there(runs: Path) -> None:
    code, out, _ = ask("--folder", runs, "--json", "-", "--backend", "reference", "--case", "demo")
    assert (code, json.loads(out)["runs"]) == (0, 2)


def test_promoted_runs_are_marked(runs: Path) -> None:
    folder = find(runs, "old")
    promote(read(folder), "demo", "reference", common.CASES / "model" / "baselines", reason="x", who="li")
    assert f"baseline: {folder.name}" in ask("--folder", runs)[1]


def test_an_empty_folder_says_how_to_begin(tmp_path: Path) -> None:
    code, out, _ = ask("--folder", tmp_path / "none")
    assert (code, "record one: pytest bench/" in out) == (0, True)


def test_a_file_in_place_of_the_folder_is_used_wrongly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = ask("--folder", tmp_path / "file")
    assert (code, out, err.count("\n")) == (2, "", 1)
