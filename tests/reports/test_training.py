"""training.json: written, read, held against its schema, refused where it is broken."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from reports.errors import ReportError
from reports.schema import FOLDER
from reports.training import TRAINING_FILE, Evaluation, LossPoint, TrainedModel, Training, read, write

MODEL = TrainedModel(
    case="c",
    model="m.ckpt",
    backends=("ckpt",),
    by_digest=True,
    trainings=(
        Training(
            log="m.train.jsonl",
            finished=True,
            train_seeds=(1, 2),
            losses=(LossPoint(step=1, loss=2.0, smoothed=2.0, learning_rate=0.1),),
            evaluations=(
                Evaluation(step=5, mae=4.0),
                Evaluation(step=9, mae=3.0, rmse=4.0, bias=-1.0, best=True),
            ),
            options={"lr": 0.1, "name": "x", "resume": False, "device_id": None, "epochs": 3},
        ),
    ),
)


def test_what_is_written_is_read_and_fits_its_schema(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    write(tmp_path, [MODEL])
    found = read(tmp_path)
    assert found is not None
    assert found.models == (MODEL,)
    schema = json.loads((FOLDER / "training.schema.json").read_text())
    jsonschema.validate(json.loads((tmp_path / TRAINING_FILE).read_text()), schema)


def test_the_best_and_the_last() -> None:
    training = MODEL.trainings[0]
    assert training.best is not None
    assert (training.best.mae, training.last_step) == (3.0, 9)
    empty = Training(log="", finished=False)
    assert (empty.best, empty.last_step) == (None, 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"schema":1', '"schema":2', "use a newer omgate"),
        ('"loss":2.0', '"loss":1e300', "no training of schema 1"),
        ('"loss":2.0', '"loss":NaN', "no training of schema 1"),
        ('"step":1,', '"step":-1,', "no training of schema 1"),
        ('"step":1,', f'"step":{"9" * 300},', "no training of schema 1"),
        ('"mae":4.0', '"mae":"4"', "no training of schema 1"),
        ('"models":[', f'"models":{"[" * 5000}', "no training of schema 1"),
        ('{"schema"', "", "no training of schema 1"),
    ],
)
def test_a_broken_one_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write(tmp_path, [MODEL])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ReportError, match=said):
        read(tmp_path)
