"""`omgate diff` in-process: what it prints and writes, its exit codes; and on real runs of a tiny deliverable."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.cli import main
from bench.commands import common
from reports.deviation import read_deviation
from reports.image import ImageRecord
from reports.numbers import Number
from reports.record import BackendEntry, CaseEntry, Digests, RunWriter, find, read
from reports.verdict import Status, Verdict
from tests.bench import tiny

NAMES = tuple(f"IMG_{n}" for n in range(10))
GATE = Number(metric="mae", unit="counts", gated=True, tolerance=0.5, tolerance_unit="counts")


@dataclass
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(common, "CASES", tmp_path / "cases")
    return tmp_path / "runs"


@pytest.fixture
def record(runs: Path) -> Callable[..., str]:
    """Writes a run whose counts are off by `error` people on all images but `odd`, which is off by `odd_error`; its id."""

    def build(
        label: str,
        error: float = 1.0,
        odd_error: float | None = None,
        om: str = "om-1",
        finish: bool = True,
        backend: str = "om-sdk",
    ) -> str:
        writer = RunWriter.create(
            runs,
            label,
            environment={"soc": "Ascend310", "cann": {"version": "8.0"}},
            cases=(CaseEntry(name="demo", images=NAMES, available=10),),
            backends=(BackendEntry(case="demo", name=backend, soc="Ascend310", precision="fp16"),),
            digests=Digests(models={f"demo/{backend}": om}, cases={"demo": "c"}),
        )
        for n, name in enumerate(NAMES):
            off = odd_error if odd_error is not None and n == 3 else error
            image = ImageRecord(
                "demo", backend, name, "ok", true_count=100.0, predicted_count=100.0 + off, digest=name
            )
            writer.append(image)
        writer.put_verdict("demo", backend, Verdict(status=Status.PASS, numbers=(GATE,)))
        if finish:
            writer.finish()
        writer.close()
        return writer.run.id

    return build


@pytest.fixture
def ask(runs: Path) -> Callable[..., Answer]:
    def run(*words: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        code = main(["diff", *(str(word) for word in words), f"--folder={runs}"], out, err)
        return Answer(code, out.getvalue(), err.getvalue())

    return run


def test_nothing_worse_is_0(record: Callable[..., str], ask: Callable[..., Answer]) -> None:
    record("old")
    record("new")
    answer = ask("old", "new", "--strict")
    assert (answer.code, answer.err) == (0, "")
    assert "pass: nothing got worse" in answer.out
    assert "\x1b" not in answer.out


def test_a_regression_is_1(record: Callable[..., str], ask: Callable[..., Answer]) -> None:
    record("old")
    record("new", error=2.0, om="om-2")
    answer = ask("old", "new")
    assert answer.code == 1
    assert "beyond the gate of 0.5 counts" in answer.out
    assert "baseline promote" not in answer.out


def test_a_drift_is_0_and_with_strict_1(record: Callable[..., str], ask: Callable[..., Answer]) -> None:
    record("old")
    record("new", error=1.2, om="om-2")
    assert (ask("old", "new").code, ask("old", "new", "--strict").code) == (0, 1)


def test_what_cannot_be_told_is_3_and_a_regression_goes_before_it(
    record: Callable[..., str], ask: Callable[..., Answer]
) -> None:
    record("old")
    record("odd", odd_error=1.05)
    record("worse", error=2.0, om="om-2")
    assert ask("old", "odd").code == 3
    assert ask("old", "odd", "worse").code == 1
    assert ask("old", "odd", "odd").code == 3
    assert "same-om-other-output" in ask("old", "odd").out


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["OLD NEW"]),
        (["old"], ["two runs or more", "omgate runs"]),
        (["old", "nwe"], ["no run 'nwe'", "nearest: new"]),
        (["old", "new", "old", "--across"], ["--across compares two runs, 3 were given"]),
        (["old", "new", "--html", "/no/where.html"], ["/no is no folder", "make it first"]),
        (["old", "new", "--htlm", "x"], ["--htlm"]),
    ],
)
def test_used_wrongly_is_2_and_one_line(
    record: Callable[..., str], ask: Callable[..., Answer], words: list[str], parts: list[str]
) -> None:
    record("old")
    record("new")
    answer = ask(*words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    for part in parts:
        assert part in answer.err


def test_a_broken_record_is_2(record: Callable[..., str], ask: Callable[..., Answer], runs: Path) -> None:
    record("old")
    run = record("new")
    (runs / run / "run.json").write_text("{")
    answer = ask("old", run)
    assert (answer.code, answer.out) == (2, "")
    assert "run.json" in answer.err


def test_a_run_is_named_by_id_label_or_folder(
    record: Callable[..., str], ask: Callable[..., Answer], runs: Path
) -> None:
    ids = [record("same"), record("same")]
    for name in (ids[0], "same", runs / ids[0]):
        assert ask(name, ids[1]).code == 0


def test_the_files_hold_the_same_diff(
    record: Callable[..., str], ask: Callable[..., Answer], tmp_path: Path
) -> None:
    old, new = record("old"), record("new", error=2.0, om="om-2")
    files = [f"--{form}={tmp_path / 'diff'}.{form}" for form in ("html", "markdown", "json")]
    assert ask("old", "new", *files).code == 1
    found = json.loads((tmp_path / "diff.json").read_text())
    assert (found["schema"], found["status"], found["old"]["id"], found["new"]["id"]) == (
        1,
        "regressed",
        old,
        new,
    )
    assert len(found["measured"][0]["accuracy"]["moved"]) == 10
    assert (tmp_path / "diff.markdown").read_text().startswith("### ❌ regressed: old → new\n")
    assert (tmp_path / "diff.html").read_text().startswith("<!doctype html>")


def test_json_on_stdout_is_alone_there(record: Callable[..., str], ask: Callable[..., Answer]) -> None:
    record("old")
    record("new")
    answer = ask("old", "new", "--json", "-")
    assert json.loads(answer.out)["status"] == "pass"


def test_two_of_two_machines(record: Callable[..., str], ask: Callable[..., Answer]) -> None:
    record("night-910", backend="ckpt")
    record("night-310")
    answer = ask("night-910", "night-310", "--across")
    assert answer.code == 0  # identical counts need no tolerance
    assert "om-sdk (night-310)" in answer.out
    assert "ckpt (night-910)" in answer.out


def test_gates_of_a_case_file_count_where_the_runs_hold_none(
    record: Callable[..., str], ask: Callable[..., Answer], tmp_path: Path, runs: Path
) -> None:
    tiny.house(tmp_path, images=0, name="demo")
    for label, error in (("old", 1.0), ("new", 1.1)):
        run = runs / record(label, error, om=label) / "run.json"
        content = json.loads(run.read_text())
        run.write_text(json.dumps({**content, "verdicts": []}))
    answer = ask("old", "new")
    assert answer.code == 1
    assert "beyond the gate of 2 %" in answer.out


# --- real runs ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs: `one` on the reference and om-sdk, `two` on om-mxbase, both emulated."""
    pytest.importorskip("onnx")
    cases = tiny.house(tmp_path_factory.mktemp("house"), images=3)
    tiny.add_om(cases)
    runs = cases.parent / "runs"
    for label, backends in (("one", ("reference", "om-sdk")), ("two", ("om-mxbase",))):
        named = [f"--backend={backend}" for backend in backends]
        done = tiny.measure(cases, "--emulate", f"--label={label}", *named)
        assert read(find(runs, label)).run.finished, done.stdout + done.stderr
    return runs


def test_a_run_keeps_the_deviation_that_it_measured(house: Path) -> None:
    images = read_deviation(find(house, "one"), "tiny-blobs")
    assert [image.image for image in images] == ["IMG_1", "IMG_2", "IMG_3"]
    assert any(image.difference for image in images)
    assert read_deviation(find(house, "two"), "tiny-blobs") == ()


def test_backends_of_two_real_runs_agree(house: Path) -> None:
    out = io.StringIO()
    assert main(["diff", "--across", "two", "one", f"--folder={house}", "--json", "-"], out) == 0
    found = json.loads(out.getvalue())
    pairs = {(parity["backend"], parity["other"]): parity for parity in found["across"]}
    assert set(pairs) == {("reference", "om-mxbase"), ("om-sdk", "om-mxbase")}
    assert pairs["om-sdk", "om-mxbase"]["identical"] == 3
    assert pairs["reference", "om-mxbase"]["tolerance"]["halves"] == 1
    assert pairs["reference", "om-mxbase"]["max_relative_l2"] > 0


def test_a_real_run_against_itself_has_not_changed(house: Path) -> None:
    out = io.StringIO()
    assert main(["diff", "one", "one", f"--folder={house}", "--json", "-"], out) in (0, 3)
    found = json.loads(out.getvalue())
    assert [item["accuracy"]["changed"] for item in found["measured"]] == [0, 0]
