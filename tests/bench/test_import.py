"""`omgate import`: output of finished programs into run records, with verdicts against a baseline; never a pass where a failure is known."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bench.cli import main
from bench.commands import common
from bench.programs import record as record_of_programs
from bench.programs.record import CLAIMED
from cases.case import load_all
from cases.dataset import Dataset, prepare
from cases.ground_truth import TruthCache
from reports.image import ImageRecord
from reports.promotion import promote
from reports.record import RunRecord, RunWriter, read
from reports.run import BackendEntry, CaseEntry, Digests
from reports.summary import summarise
from tests.bench.program_lines import Shot, machine_lines, main_py, mcnn_log
from tests.bench.tiny import house

CASE = "tiny-blobs"
BACKENDS: dict[str, Callable[..., str]] = {"om-mxbase": mcnn_log, "om-sdk": main_py}


@dataclass
class Answer:
    code: int
    out: str
    err: str


@dataclass
class House:
    """A tiny case with five images and, for each OM backend, a baseline whose counts are `shots`."""

    folder: Path
    shots: list[Shot]

    def write(self, text: str, name: str = "out.txt") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: str | Path, backend: str = "om-mxbase", soc: str = "Ascend310") -> Answer:
        out, err = io.StringIO(), io.StringIO()
        options = ["--case", CASE, "--backend", backend, "--soc", soc, f"--run-dir={self.folder / 'runs'}"]
        code = main(["import", *map(str, arguments), *options], out, err)
        return Answer(code, out.getvalue(), err.getvalue())

    def record(self) -> RunRecord:
        return read(max((self.folder / "runs").iterdir()))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    cases = house(tmp_path)
    monkeypatch.setattr(common, "CASES", cases)
    (case,) = load_all(cases)
    samples = Dataset.open(case.data.root).samples
    prepared = [prepare(sample, case, TruthCache(tmp_path / "cache")) for sample in samples]
    predicted = [
        round(item.true_count * (1.1 + 0.02 * index) + 0.123456789, 9) for index, item in enumerate(prepared)
    ]
    for backend in BACKENDS:
        with RunWriter.create(
            tmp_path / "baselines",
            cases=(CaseEntry(name=CASE, images=tuple(item.name for item in prepared), available=5),),
            backends=(BackendEntry(case=CASE, name=backend, soc="Ascend310", precision="fp16"),),
            digests=Digests(cases={CASE: case.digest()}, clean=True),
        ) as writer:
            for item, count in zip(prepared, predicted, strict=True):
                record = ImageRecord(CASE, backend, item.name, "ok", digest=item.digest)
                record = msgspec_replace(record, true_count=item.true_count, predicted_count=count)
                writer.append(record)
            writer.put_summary(CASE, backend, summarise(read(writer.folder).images))
            writer.finish()
            promote(read(writer.folder), CASE, backend, case.folder / "baselines", reason="first", who="me")
    shots = [
        Shot(f"{item.name}.jpg", count, item.true_count, (48, 60))
        for item, count in zip(prepared, predicted, strict=True)
    ]
    return House(tmp_path, sorted(shots, key=lambda shot: shot.name))


def msgspec_replace(record: ImageRecord, **changes: float) -> ImageRecord:
    import msgspec

    return msgspec.structs.replace(record, **changes)


def failed(record: RunRecord) -> dict[str, str | None]:
    return {image.image: image.reason for image in record.images if image.status != "ok"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_published_programs_output_passes_where_it_is_the_baselines_in_its_digits(
    made: House, backend: str
) -> None:
    text = BACKENDS[backend](made.shots, divisor=5)
    answer = made.run(made.write(text), backend=backend)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("pass")
    assert "significant digits" in answer.out
    record = made.record()
    assert record.run.finished is not None
    assert record.run.options["imported"][0]["file"].endswith("out.txt")
    assert len(record.run.options["imported"][0]["sha256"]) == 64
    entry = record.run.backend(CASE, backend)
    assert entry is not None
    assert (entry.soc, entry.precision, entry.info["imported"], entry.info["digests"]) == (
        *("Ascend310", "fp16", True),
        CLAIMED,
    )
    summary = record.run.summary(CASE, backend)
    assert summary is not None
    assert (summary.n, summary.failed, summary.images_per_second) == (5, 0, None)
    assert not list(record.folder.glob("maps/*"))


def test_a_label_summed_in_float32_is_the_same_label(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # One dense cell and a thin crowd around it, which the running float32 sum can't hold; at this size it is within NUMERICS.
    monkeypatch.setattr(record_of_programs, "NUMERICS", 0.0)
    shot = made.shots[0]
    (case,) = load_all(common.CASES)
    label = case.data.root / "ground_truth_csv" / f"{Path(shot.name).stem}.csv"
    cells = np.full((48, 60), 2e-4)
    cells[0, 0] = 4096
    np.savetxt(label, cells, delimiter=",")
    others = [replace(other, true=round(other.true, 6)) for other in made.shots[1:]]
    lossy = made.run(made.write(mcnn_log([replace(shot, true=4096.0), *others])))
    assert failed(made.record()) == {}
    assert "up to 0.58 counts off (" in lossy.out
    another = made.run(made.write(mcnn_log([replace(shot, true=4095.0), *others])))
    assert "1 of 5 images failed (bad-truth): IMG_1: the program's true count is 4095" in another.out


def test_nothing_is_said_of_the_digits_of_a_black_image(made: House) -> None:
    answer = made.run(made.write(mcnn_log([replace(made.shots[0], predicted=0.0)], end=False)))
    assert "with 6 significant digits\n" in answer.out


def test_machine_lines_bring_every_digit_and_the_devices_seconds(made: House) -> None:
    assert made.run(made.write(machine_lines(made.shots))).code == 0
    images = made.record().images
    assert [image.predicted_count for image in images] == [shot.predicted for shot in made.shots]
    assert all(image.seconds == {"transfer": 0.002, "infer": 0.05} for image in images)
    assert not any("significant digits" in text for text in made.record().run.warnings)


def test_worse_counts_are_regressed_and_nobody_is_told_to_promote_them(made: House) -> None:
    shots = [replace(shot, predicted=shot.predicted * 1.3) for shot in made.shots]
    answer = made.run(made.write(mcnn_log(shots)))
    assert answer.code == 1
    assert answer.out.startswith("regressed")
    assert "baseline promote" not in answer.out
    assert "measure with pytest bench/" in answer.out


def test_the_constant_182_is_a_note_and_no_reason(made: House) -> None:
    answer = made.run(made.write(main_py(made.shots)), backend="om-sdk")
    assert answer.code == 0
    assert "divided by 182" in answer.out


def changed(shots: Sequence[Shot], index: int, **changes: object) -> list[Shot]:
    return [replace(shot, **changes) if place == index else shot for place, shot in enumerate(shots)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": (1100, 700)}, "too-large"),
        ({"true": 0.0}, "missing-truth"),
        ({"true": 77.0}, "bad-truth"),
        ({"size": (0, 0)}, "bad-image"),
        ({"predicted": float("nan")}, "not-finite"),
    ],
)
def test_a_known_failure_is_a_failed_image_and_never_a_pass(
    made: House, changes: dict[str, object], reason: str
) -> None:
    answer = made.run(made.write(mcnn_log(changed(made.shots, 2, **changes))))
    assert answer.code == 3
    assert answer.out.startswith(f"cannot-tell: {reason}")
    assert failed(made.record()) == {"IMG_3": reason}


def test_one_count_for_many_images_is_no_result(made: House) -> None:
    shots = [replace(shot, predicted=3.25) for shot in made.shots]
    answer = made.run(made.write(mcnn_log(shots)))
    assert answer.code == 3
    assert set(failed(made.record()).values()) == {"bad-output"}


def test_a_run_that_died_is_incomplete(made: House) -> None:
    answer = made.run(made.write(mcnn_log(made.shots[:3], end=False)))
    assert answer.code == 3
    assert "2 of 5 images have no result" in answer.out
    assert "--resume" not in answer.out


def test_other_files_in_the_folder_are_left_out_of_the_figures(made: House) -> None:
    shots = [*made.shots, Shot("IMG_1.txt", 1.5, 3.0, (0, 0))]
    answer = made.run(made.write(mcnn_log(shots)))
    assert answer.code == 0
    assert "IMG_1.txt" in answer.out
    assert len(made.record().images) == 5


def test_a_place_that_is_not_known_cannot_be_judged(made: House) -> None:
    answer = made.run(made.write(mcnn_log(made.shots)), soc="unknown")
    assert answer.code == 3
    assert "--soc=" in answer.out


def test_an_emulated_run_is_not_held_against_a_devices_baseline(made: House) -> None:
    answer = made.run(made.write(mcnn_log(made.shots)), soc="emulated")
    assert answer.code == 3
    assert "baseline" in answer.out


def test_without_the_cases_images_nothing_can_be_compared(made: House) -> None:
    data = made.folder / "cases" / "tiny" / "data"
    data.rename(made.folder / "elsewhere")
    answer = made.run(made.write(mcnn_log(made.shots)))
    assert answer.code == 3
    assert "--images=DIR" in answer.out
    named = made.run(made.write(mcnn_log(made.shots)), f"--images={made.folder / 'elsewhere' / 'images'}")
    assert named.code == 0, named.out


def test_an_imported_run_cannot_be_promoted(made: House) -> None:
    made.run(made.write(mcnn_log(made.shots)), "--label", "by hand")
    out, err = io.StringIO(), io.StringIO()
    arguments = ["baseline", "promote", "by hand", "--reason", "x", f"--run-dir={made.folder / 'runs'}"]
    assert main(arguments, out, err) == 2
    assert "imported" in err.getvalue()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--soc", "my board"), "--soc: seen 'my board'"),
        (("--case", "tiny-blob"), "did you mean tiny-blobs"),
        (("--backend", "ckpt"), "allowed are om-mxbase and om-sdk"),
        (("--backend", "om-sdk"), "is the output of Mcnn"),
    ],
)
def test_wrong_use_is_told_in_one_line(made: House, arguments: tuple[str, str], words: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    options = {"--case": CASE, "--backend": "om-mxbase", "--soc": "Ascend310", arguments[0]: arguments[1]}
    flat = [word for pair in options.items() for word in pair]
    file = made.write(mcnn_log(made.shots))
    assert main(["import", str(file), *flat, f"--run-dir={made.folder / 'runs'}"], out, err) == 2
    assert words in err.getvalue()
    assert err.getvalue().count("\n") == 1
    assert not (made.folder / "runs").exists()


def test_output_of_other_images_is_refused(made: House) -> None:
    answer = made.run(made.write(mcnn_log([Shot("other.jpg", 3.5, 4.0), Shot("more.jpg", 5.5, 6.0)])))
    assert answer.code == 2
    assert "none of the 2 images" in answer.err


def test_json_has_run_verdict_and_warnings(made: House) -> None:
    answer = made.run(made.write(mcnn_log(made.shots)), "--json")
    document = json.loads(answer.out)
    assert document["verdict"]["status"] == "pass"
    assert document["run"] == made.record().run.id
    assert document["warnings"] == list(made.record().run.warnings)


def test_runs_show_reads_an_imported_run(made: House) -> None:
    made.run(made.write(mcnn_log(made.shots)), "--label", "by hand")
    out, err = io.StringIO(), io.StringIO()
    assert main(["runs", "show", "by hand", f"--run-dir={made.folder / 'runs'}"], out, err) == 0
    assert "tiny-blobs on om-mxbase, accuracy: pass" in out.getvalue()
