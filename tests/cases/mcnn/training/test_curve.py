"""The picture beside a training's log: it shows what the log says, and never costs a training."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from cases.mcnn.training.curve import draw, draw_log, where
from cases.mcnn.training.journal import Journal, Line


def journal(folder: Path) -> Path:
    made = Journal(folder)
    made.begin(Line(kind="start", options={"seed": 1}), None)
    for epoch in (1, 2, 3):
        made.add(Line(kind="step", epoch=epoch, step=10, loss=1.0 / epoch))
        made.add(Line(kind="evaluation", epoch=epoch, step=10, mae=50.0 + abs(epoch - 2), mse=60.0))
    assert made.path is not None
    return made.path


def test_the_picture_lies_beside_the_log_and_names_the_best(tmp_path: Path) -> None:
    log = journal(tmp_path)
    with log.open("ab") as stream:
        stream.write(b'{"kind":"st')
    assert draw_log(log) == tmp_path / "train.svg"
    assert ElementTree.parse(tmp_path / "train.svg").getroot().tag.endswith("svg")
    assert "best: MAE 50.00" in (tmp_path / "train.svg").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.jsonl", "train.svg"]


def test_a_training_of_nothing_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").touch()
    assert draw_log(tmp_path / "train.jsonl") == tmp_path / "train.svg"


def test_what_fails_is_none_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw_log(tmp_path / "none.jsonl") is None
    assert draw([(1, 1.0)], [], "step", tmp_path / "no folder" / "a.svg") is None
    (tmp_path / "folder.svg").mkdir()
    assert draw([(1, 1.0)], [], "step", tmp_path / "folder.svg") is None
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert draw_log(journal(tmp_path)) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.svg", "train.jsonl"]


def test_the_last_line_says_where_the_curve_is() -> None:
    assert where(Path("a/train.jsonl"), Path("a/train.svg")).startswith(
        "curve: a/train.svg; log: a/train.jsonl;"
    )
    assert where(Path("a/train.jsonl"), None).startswith("log: a/train.jsonl;")
