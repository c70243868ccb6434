"""What a run leaves in its folder at the end, and `omgate report`."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from bench.cli import main
from tests.bench import tiny

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny deliverable that was measured once, with no baseline."""
    cases = tiny.house(tmp_path_factory.mktemp("report"))
    done = tiny.measure(cases, "--backend", "reference", report=True)
    assert done.returncode == 0, done.stdout
    assert f"report: {tiny.newest(cases) / 'report.html'}" in done.stdout
    return cases


def test_a_run_ends_with_its_report_its_summaries_and_junit(cases: Path) -> None:
    folder = tiny.newest(cases)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "tiny-blobs" in page
    assert "data:image/jpeg;base64," in page
    assert (folder / "summary.md").read_text(encoding="utf-8").startswith("### ")
    suite = ElementTree.parse(folder / "junit.xml").getroot()
    assert [case.get("name") for case in suite.iter("testcase")] == ["test_accuracy[tiny-blobs-reference]"]


def test_without_images_nothing_of_the_test_set_is_kept(cases: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = tiny.measure(cases, "--backend", "reference", "--no-images", f"--run-dir={runs}", report=True)
    assert done.returncode == 0, done.stdout
    (folder,) = runs.iterdir()
    assert "data:image/jpeg" not in (folder / "report.html").read_text(encoding="utf-8")
    assert not (folder / "images").exists()


def test_the_users_own_junit_file_is_left_to_pytest(cases: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    mine = tmp_path / "mine.xml"
    done = tiny.measure(
        cases, "--backend", "reference", f"--junitxml={mine}", f"--run-dir={runs}", report=True
    )
    assert done.returncode == 0, done.stdout
    assert mine.is_file()
    (folder,) = runs.iterdir()
    assert not (folder / "junit.xml").exists()


def test_without_a_report_junit_alone_is_there(cases: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = tiny.measure(cases, "--backend", "reference", f"--run-dir={runs}")
    assert done.returncode == 0, done.stdout
    assert "report:" not in done.stdout
    (folder,) = runs.iterdir()
    assert (folder / "junit.xml").is_file()
    assert not (folder / "report.html").exists()
    assert not (folder / "summary.md").exists()


def report(cases: Path, *arguments: str) -> int:
    return main(["report", tiny.newest(cases).name, *arguments, f"--run-dir={tiny.newest(cases).parent}"])


def test_the_command_tells_the_verdict_by_its_exit_code(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(cases, "--verdict") == 3
    assert "no-baseline" in capsys.readouterr().out
    assert report(cases, "--verdict", "--json") == 3
    assert json.loads(capsys.readouterr().out)["status"] == "cannot-tell"


def test_the_report_of_a_killed_run_says_so(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    killed = tmp_path / tiny.newest(cases).name
    shutil.copytree(tiny.newest(cases), killed)
    run = json.loads((killed / "run.json").read_text(encoding="utf-8"))
    run["finished"] = None
    (killed / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert main(["report", str(killed), f"--output={tmp_path / 'out.html'}"]) == 0
    assert "not finished" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_an_unknown_run_is_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "nobody", f"--run-dir={tmp_path}"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
