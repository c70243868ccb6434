"""The section on the model's training: there with a log, absent without one, safe whatever a log says."""

from __future__ import annotations

import base64
import csv
import io
import re
import subprocess
import sys
from pathlib import Path

from reports.html.page import render
from reports.html.source import load
from reports.html.write import write as write_report
from reports.training import TRAINING_FILE, Evaluation, LossPoint, TrainedModel, Training, write
from tests.reports.html import made
from tests.reports.html.browser import Page
from tests.reports.html.test_page import Reader, sections

HOSTILE = "<img src=x onerror=alert(9)>$x^2$\u202e"


def training(log: str = "m.train.jsonl", points: int = 50, **fields: object) -> Training:
    """A training that falls from 9 to under 1, with an evaluation every tenth step, the third of them the best."""
    losses = tuple(
        LossPoint(
            step=100 * n,
            loss=9.0 / n + 0.1 * (n % 3),
            smoothed=9.0 / n + 0.1,
            learning_rate=1e-5 / (1 + n // 25),
        )
        for n in range(1, points + 1)
    )
    evaluations = tuple(
        Evaluation(step=1000 * n, mae=50.0 + abs(n - 3), rmse=70.0, bias=1.5, best=n == 3)
        for n in range(1, 6)
    )
    common = {
        "finished": True,
        "seed": 7,
        "smoothed_over": 3,
        "loss_lines": points,
        "losses": losses,
        "evaluations": evaluations,
    }
    return Training(log=log, **{**common, **fields})  # type: ignore[arg-type]


def run(folder: Path, *trainings: Training, **fields: object) -> Path:
    """The folder of a run with these trainings of its model."""
    writer = made.begin(folder, images=4, maps=False)
    given = {"model": "m.ckpt", "backends": ("reference", "om-sdk"), "by_digest": False, **fields}
    write(writer.folder, [TrainedModel(case="mcnn-made-up", trainings=trainings, **given)])  # type: ignore[arg-type]
    writer.finish()
    return writer.folder


def section(folder: Path) -> str:
    text = render(load(folder))
    assert sections(text)[-2:] == ["training", "environment"]
    return text[text.index('<h2 id="training"') : text.index('<h2 id="environment"')]


def test_the_curve_its_settings_and_what_is_not_sure(tmp_path: Path) -> None:
    first = training("first.train.jsonl", train_seeds=(5, 9), options={"start": None, "batch_size": 1})
    second = training(options={"start": "first.ckpt", "lr": 1e-5}, train_digest="d" * 32, finished=False)
    text = section(run(tmp_path, first, second))
    assert text.count('<svg class="figure"') == 2
    assert text.index("Training 1 of 2, first.train.jsonl") < text.index("Training 2 of 2, m.train.jsonl")
    for said in (
        "Training of the model",
        "模型的训练",
        "best checkpoint: MAE 50.00 at step 3 000",
        "最佳检查点：第 3 000 步",
        "mcnn-made-up, m.train.jsonl: loss and MAE on the validation images over 5000 steps; least MAE 50.00 at step 3000</title>",
        "thick the mean of 3 lines",
        "; not finished",
        "synthetic scenes, seeds 5 … 9",
        "合成场景，种子 5 … 9",
        "d" * 32,
        "--batch-size",
        "1e-05",
        "nothing in it proves that it is of this very file. Here it ran on: reference, om-sdk (emulated).",
        '<tspan class="zh">学习率</tspan>',
        '<tspan class="zh">验证 MAE</tspan>',
    ):
        assert said in text, said
    assert "mathdefault" not in text


def test_a_log_that_names_the_checkpoint_says_so(tmp_path: Path) -> None:
    text = section(run(tmp_path, training(options={"start": "lost.ckpt"}), by_digest=True))
    assert "names the SHA-256 of the checkpoint that was measured" in text
    assert "went on from lost.ckpt, of which no readable log" in text


def test_what_of_a_log_was_not_used_is_told(tmp_path: Path) -> None:
    text = section(run(tmp_path, training(passed_over=3, not_finite=2, torn=True, loss_lines=900)))
    for said in (
        "3 lines that are none",
        "跳过 3 行",
        "2 lines with NaN",
        "last line is cut off",
        "50 of 900 lines drawn",
    ):
        assert said in text


def test_without_a_log_there_is_no_section(whole_run: Path) -> None:
    text = render(load(whole_run))
    assert 'id="training"' not in text
    assert "Training of the model" not in text


def test_a_broken_record_of_it_costs_that_section_alone(tmp_path: Path) -> None:
    folder = run(tmp_path, training())
    (folder / TRAINING_FILE).write_text('{"schema": 1, "models": 7}')
    text = render(load(folder))
    assert 'id="training"' not in text
    assert "no training of schema 1" in text


def test_odd_trainings_are_drawn(tmp_path: Path) -> None:
    point, error = (
        LossPoint(step=1, loss=0.0, smoothed=0.0, learning_rate=0.0),
        Evaluation(step=1, mae=0.0, best=True),
    )
    odd = [
        training("none", losses=(), evaluations=()),
        training("one", losses=(point,), evaluations=(error,)),
        training("no evaluation", evaluations=()),
        training("no loss", losses=()),
        training("negative", losses=(LossPoint(step=5, loss=-1e30, smoothed=1e30, learning_rate=1e-30),)),
        training("far", losses=(LossPoint(step=10**12, loss=1e-30, smoothed=1e30),), steps_an_epoch=250),
    ]
    text = section(run(tmp_path, *odd))
    assert text.count('<svg class="figure"') == 5
    assert "nan" not in re.sub(r"<title>.*?</title>", "", text).lower()


def test_the_points_are_a_csv(tmp_path: Path) -> None:
    text = section(run(tmp_path, training()))
    found = re.search(r'training-curve-0\.csv" href="data:text/csv;charset=utf-8;base64,([^"]*)"', text)
    assert found is not None
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(found.group(1)).decode("utf-8-sig"))))
    assert len(rows) == 55
    assert (rows[0]["kind"], rows[0]["step"], rows[0]["loss"]) == ("loss", "100", repr(9.0 + 0.1))
    assert [row["step"] for row in rows if row["best"] == "1"] == ["3000"]


def test_names_from_a_log_are_text(tmp_path: Path) -> None:
    text = section(
        run(
            tmp_path,
            training(
                HOSTILE, options={HOSTILE: HOSTILE, "start": HOSTILE}, mindspore=HOSTILE, train_digest=HOSTILE
            ),
            model=HOSTILE,
            backends=(HOSTILE,),
        )
    )
    assert "<img" not in text
    assert "\u202e" not in text
    assert "&lt;img src=x onerror=alert(9)&gt;$x^2$" in text


def test_the_page_stays_sound_and_small(tmp_path: Path) -> None:
    many = training(points=400, loss_lines=20_000)
    folder = run(tmp_path, training("first"), many)
    text = render(load(folder))
    read = Reader(text)
    assert (read.wrong, read.open) == ([], [])
    assert len(read.ids) == len(set(read.ids)), "an id twice"
    assert set(read.targets) <= set(read.ids)
    assert len(section(folder)) < 200_000


def test_a_browser_has_nothing_to_complain_about(page: Page, tmp_path: Path) -> None:
    folder = run(tmp_path, training("first", options={HOSTILE: HOSTILE}), training(HOSTILE))
    report = write_report(folder).report
    for width in (1280, 390):
        page.size(width)
        page.open(report.as_uri())
        assert (page.console, page.errors, page.dialogs) == ([], [], [])
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        assert page.run("document.querySelector('nav a[href=\"#training\"]') !== null")
        assert page.run("document.querySelectorAll('#training ~ .figures svg').length") == 2


def test_the_module_imports_nothing_heavy() -> None:
    ask = "import reports.training, reports.html.training, sys; print([n for n in ('matplotlib', 'numpy') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.strip() == "[]"
