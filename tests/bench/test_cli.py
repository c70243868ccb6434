"""The `omgate` command in-process: what it prints on both streams, its exit codes, and what it leaves in the files."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.cli import main
from bench.commands import common
from reports.image import ImageRecord
from reports.record import RunWriter
from reports.run import BackendEntry, CaseEntry, Digests
from reports.summary import summarise
from reports.verdict import Verdict

CASE = """\
name = "demo"
title = "Demo"
synthetic = true
backends = ["reference", "ckpt"]
metrics = ["mae", "rmse"]
strata = [50]
[input]
shape = [1, 1, 1024, 1024]
layout = "NCHW"
pixels = "grey-uint8"
[output]
stride = 4
[preprocess]
policy = "pad-1024"
above = "refuse"
[ground_truth]
rule = "raw-sum"
[data]
root = "data"
source = "draw some: omgate prepare synthetic DEST"
[[gates]]
metric = "mae"
tolerance = 1.0
unit = "counts"
"""


@dataclass
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command line against a house of its own: one case, no runs."""
    folder = tmp_path / "cases" / "model"
    folder.mkdir(parents=True)
    (folder / "demo.toml").write_text(CASE)
    monkeypatch.setattr(common, "CASES", tmp_path / "cases")

    def run(*words: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        code = main([str(word) for word in words], out, err)
        return Answer(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@dataclass
class Recorder:
    """Builds run records: two images, off by `error` people."""

    runs: Path

    def __call__(
        self,
        label: str = "night",
        error: float = 1.0,
        backends: tuple[str, ...] = ("reference",),
        finished: bool = True,
        limit: int | None = None,
        failed: bool = False,
    ) -> str:
        names = ("IMG_1", "IMG_2")
        writer = RunWriter.create(
            self.runs,
            label,
            environment={"soc": "cpu"},
            cases=(CaseEntry(name="demo", images=names, available=2 if limit is None else 9, limit=limit),),
            backends=tuple(
                BackendEntry(case="demo", name=name, soc="cpu", precision="fp32") for name in backends
            ),
            digests=Digests(
                models={f"demo/{name}": "m" for name in backends}, cases={"demo": "c"}, clean=True
            ),
        )
        for backend in backends:
            images = [
                ImageRecord(
                    "demo", backend, name, "ok", true_count=10.0, predicted_count=10.0 + error, digest=name
                )
                for name in names
            ]
            if failed:
                images[1] = ImageRecord(
                    "demo", backend, "IMG_2", "failed", reason="bad-image", detail="IMG_2: cut"
                )
            for image in images:
                writer.append(image)
            writer.put_summary("demo", backend, summarise(images, (50.0,)), wall_seconds=2.0)
            writer.put_verdict("demo", backend, Verdict(status="cannot-tell"))
        if finished:
            return writer.finish().id
        writer.close()
        return writer.run.id


@pytest.fixture
def record(runs: Path) -> Recorder:
    return Recorder(runs)


def refused(answer: Answer, *parts: str) -> None:
    """One line on stderr that holds the parts, nothing on stdout, exit code 2."""
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("omgate: ")
    assert answer.err.count("\n") == 1
    for part in parts:
        assert part in answer.err


def stored(tmp_path: Path, backend: str = "reference") -> dict[str, object]:
    path = tmp_path / "cases/model/baselines/demo" / f"{backend}-cpu-fp32.json"
    content: dict[str, object] = json.loads(path.read_text())
    return content


# --- being used wrongly ---------------------------------------------------------------------------------------


def test_without_arguments_it_teaches(ask: Callable[..., Answer]) -> None:
    answer = ask()
    assert answer.code == 0
    assert "omgate doctor  " in answer.out
    assert answer == ask("--help")


@pytest.mark.parametrize(
    "words",
    [
        ["doctor"],
        ["runs"],
        ["runs", "prune"],
        ["baseline"],
        ["baseline", "promote"],
        ["prepare", "shanghaitech"],
        ["prepare", "synthetic"],
    ],
)
def test_help_shows_examples_as_they_are_typed(ask: Callable[..., Answer], words: list[str]) -> None:
    answer = ask(*words, "--help")
    assert answer.code == 0
    assert f"\n    omgate {' '.join(words)}" in answer.out


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["runz"], ["runz", "runs", "omgate --help"]),
        (["doctor", "--jsn"], ["--jsn", "omgate doctor --help"]),
        (["prepare", "synthetic"], ["dest", "omgate prepare synthetic --help"]),
        (["prepare", "synthetic", "x", "--count", "0"], ["--count", "1"]),
        (["prepare", "shanghaitech", "nowhere", "x"], ["nowhere", "ShanghaiTech"]),
        (["baseline", "promote"], ["RUN", "omgate runs"]),
        (["baseline", "promote", "x"], ["--reason"]),
        (["baseline", "promote", "x", "--reason", " "], ["--reason"]),
        (["baseline", "promote", "--undo"], ["--case", "--backend"]),
        (["baseline", "promote", "x", "--undo"], ["takes no RUN"]),
        (["baseline", "show", "--case", "demo"], ["no baseline of demo"]),
    ],
)
def test_used_wrongly_it_says_so_in_a_line(
    ask: Callable[..., Answer], words: list[str], parts: list[str]
) -> None:
    refused(ask(*words), *parts)


def test_a_folder_that_cannot_be_written_is_a_line(ask: Callable[..., Answer], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(ask("prepare", "synthetic", tmp_path / "file" / "set", "--count", 1), str(tmp_path / "file"))


# --- doctor ---------------------------------------------------------------------------------------------------


def test_doctor_names_what_is_missing_and_the_way_out(ask: Callable[..., Answer]) -> None:
    answer = ask("doctor")
    assert (answer.code, answer.err) == (0, "")
    assert "omgate prepare synthetic DEST" in answer.out
    assert "--onnx=FILE" in answer.out
    assert "demo on ckpt: demo.toml:network" in answer.out


def test_doctor_for_machines(
    ask: Callable[..., Answer], record: Recorder, runs: Path, tmp_path: Path
) -> None:
    for name in ("IMG_1.jpg", "IMG_2.jpg"):
        (tmp_path / "cases/model/data/images").mkdir(parents=True, exist_ok=True)
        (tmp_path / "cases/model/data/images" / name).touch()
    record("night")
    ask("baseline", "promote", "night", "--reason", "first", "--run-dir", runs)
    found = json.loads(ask("doctor", "--json").out)
    assert found["environment"]["soc"]
    assert found["cases"] == [
        {"name": "demo", "title": "Demo", "synthetic": True, "images": 2, "missing": None}
    ]
    assert [(state["backend"], state["available"], state["baselines"]) for state in found["backends"]] == [
        ("reference", False, ["cpu-fp32"]),
        ("ckpt", False, []),
    ]


def test_doctor_shows_a_broken_case_file_and_goes_on(ask: Callable[..., Answer], tmp_path: Path) -> None:
    (tmp_path / "cases/model/broken.toml").write_text('nmae = "broken"\n')
    answer = ask("doctor")
    assert answer.code == 0
    assert "broken.toml:nmae" in answer.out
    assert "demo" in answer.out


# --- runs -----------------------------------------------------------------------------------------------------


def test_no_runs_yet(ask: Callable[..., Answer], runs: Path) -> None:
    answer = ask("runs", "list", "--run-dir", runs)
    assert (answer.code, answer.err) == (0, "")
    assert "record one with: pytest bench/" in answer.out


def test_runs_are_listed_with_state_and_verdict(
    ask: Callable[..., Answer], record: Recorder, runs: Path
) -> None:
    ids = [record("whole"), record("killed", finished=False), record("part", limit=2)]
    answer = ask("runs", "list", "--run-dir", runs)
    lines = {
        label: next(line for line in answer.out.splitlines() if f" {label} " in line)
        for label in ("whole", "killed", "part")
    }
    assert "demo reference: cannot-tell" in lines["whole"]
    assert "interrupted: --resume" in lines["killed"]
    assert "first 2 images only" in lines["part"]
    assert {run["id"] for run in json.loads(ask("runs", "list", "--json", "--run-dir", runs).out)} == set(ids)


def test_a_run_is_shown_with_its_numbers_and_failed_images(
    ask: Callable[..., Answer], record: Recorder, runs: Path
) -> None:
    run = record("night", error=1.5, failed=True)
    for name in (run, "night", runs / run):
        answer = ask("runs", "show", name, "--run-dir", runs)
        assert (answer.code, answer.err) == (0, "")
        assert "1.50" in answer.out
        assert "failed: demo on reference, IMG_2: bad-image: IMG_2: cut" in answer.out


def test_a_run_that_is_not_there(ask: Callable[..., Answer], record: Recorder, runs: Path) -> None:
    record("night")
    refused(ask("runs", "show", "nigth", "--run-dir", runs), "nigth", "nearest: night")


def test_prune_keeps_the_promoted(ask: Callable[..., Answer], record: Recorder, runs: Path) -> None:
    promoted, old = record("good"), record("old")
    ask("baseline", "promote", promoted, "--reason", "first", "--run-dir", runs)
    dry = ask("runs", "prune", "--keep", 0, "--dry-run", "--run-dir", runs)
    assert f"would remove {old}" in dry.out
    assert (runs / old).exists()
    answer = ask("runs", "prune", "--keep", 0, "--run-dir", runs)
    assert f"removed {old}" in answer.out
    assert f"kept {promoted}: a baseline was promoted from it" in answer.out
    assert [path.name for path in runs.iterdir()] == [promoted]


def test_prune_does_nothing_without_a_rule(ask: Callable[..., Answer], record: Recorder, runs: Path) -> None:
    run = record()
    refused(ask("runs", "prune", "--run-dir", runs), "--keep")
    assert (runs / run).exists()


# --- baseline -------------------------------------------------------------------------------------------------


def test_promoting_says_what_became_of_what_and_keeps_why(
    ask: Callable[..., Answer], record: Recorder, runs: Path, tmp_path: Path
) -> None:
    first, second = record("first"), record("second", error=0.5)
    answer = ask("baseline", "promote", first, "--reason", "the first one", "--run-dir", runs)
    assert (answer.code, answer.err) == (0, "")
    assert f"demo on reference: no baseline -> {first}" in answer.out
    answer = ask("baseline", "promote", "second", "--reason", "better", "--run-dir", runs)
    assert f"demo on reference: {first} -> {second}" in answer.out
    assert (stored(tmp_path)["run"], stored(tmp_path)["reason"]) == (second, "better")
    shown = ask("baseline", "show", "--case", "demo", "--backend", "reference").out
    assert "better" in shown
    assert f"before: {first}" in shown
    assert "10.50" in shown
    listed = json.loads(ask("baseline", "list", "--json").out)
    assert [item["run"] for item in listed["baselines"]] == [second]
    assert "the first one" not in ask("baseline").out


def test_undo_goes_back_and_back_to_none(
    ask: Callable[..., Answer], record: Recorder, runs: Path, tmp_path: Path
) -> None:
    first, second = record("first"), record("second", error=0.5)
    for run in (first, second):
        ask("baseline", "promote", run, "--reason", "why", "--run-dir", runs)
    undo = ("baseline", "promote", "--undo", "--case", "demo", "--backend", "reference")
    assert f"{second} -> {first}" in ask(*undo).out
    assert stored(tmp_path)["run"] == first
    assert f"{first} -> no baseline" in ask(*undo).out
    refused(ask(*undo), "no baseline of demo on reference")


@pytest.mark.parametrize(
    ("what", "part"),
    [
        ({"finished": False}, "not finished"),
        ({"limit": 2}, "--limit"),
        ({"failed": True}, "bad-image"),
        ({"error": float("nan")}, "not-finite"),
    ],
)
def test_what_may_not_become_a_baseline(
    ask: Callable[..., Answer],
    record: Recorder,
    runs: Path,
    tmp_path: Path,
    what: dict[str, object],
    part: str,
) -> None:
    run = record("bad", **what)  # type: ignore[arg-type]
    refused(ask("baseline", "promote", run, "--reason", "because", "--run-dir", runs), run, part)
    assert not (tmp_path / "cases/model/baselines").exists()


def test_promoting_is_all_or_nothing_unless_a_backend_is_named(
    ask: Callable[..., Answer], record: Recorder, runs: Path, tmp_path: Path
) -> None:
    run = record("both", backends=("reference", "ckpt"))
    torn = (runs / run / "images.jsonl").read_text().splitlines(keepends=True)
    (runs / run / "images.jsonl").write_text("".join(torn[:-1]))  # ckpt's second image is lost
    refused(ask("baseline", "promote", run, "--reason", "why", "--run-dir", runs), "demo on ckpt", "IMG_2")
    assert not (tmp_path / "cases/model/baselines").exists()
    named = ask("baseline", "promote", run, "--backend", "reference", "--reason", "why", "--run-dir", runs)
    assert named.code == 0
    assert stored(tmp_path)["run"] == run
    refused(
        ask("baseline", "promote", run, "--backend", "om-sdk", "--reason", "why", "--run-dir", runs), "om-sdk"
    )


def test_a_broken_baseline_is_named_not_passed_over(
    ask: Callable[..., Answer], record: Recorder, runs: Path, tmp_path: Path
) -> None:
    run = record()
    ask("baseline", "promote", run, "--reason", "why", "--run-dir", runs)
    path = tmp_path / "cases/model/baselines/demo/reference-cpu-fp32.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": '))
    for words in (["list"], ["show"], ["promote", "--undo", "--case", "demo", "--backend", "reference"]):
        answer = ask("baseline", *words)
        assert answer.code == 2
        assert "reference-cpu-fp32.json" in answer.err
    refused(ask("runs", "prune", "--keep", 0, "--run-dir", runs), "reference-cpu-fp32.json")
    assert (runs / run).exists()


# --- prepare --------------------------------------------------------------------------------------------------


def test_synthetic_scenes_are_drawn_and_kept(ask: Callable[..., Answer], tmp_path: Path) -> None:
    words = ("prepare", "synthetic", tmp_path / "set", "--seed", 1003, "--count", 1)
    answer = ask(*words)
    assert (answer.code, answer.err) == (0, "")
    assert "1 synthetic scenes" in answer.out
    written = sorted(str(path.relative_to(tmp_path / "set")) for path in (tmp_path / "set").rglob("*.*"))
    assert written == [
        "counts.csv",
        "ground_truth/GT_IMG_1.mat",
        "ground_truth_csv/IMG_1.csv",
        "images/IMG_1.jpg",
    ]
    before = (tmp_path / "set/images/IMG_1.jpg").stat().st_mtime_ns
    assert ask(*words).out == answer.out
    assert (tmp_path / "set/images/IMG_1.jpg").stat().st_mtime_ns == before
