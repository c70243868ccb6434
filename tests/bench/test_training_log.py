"""Training logs of both kinds, whole, torn, edited and hostile."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import training_log
from bench.training_log import MOST_POINTS, chain, decimated, log_of, read, smoothed
from cases.errors import OmgateError

COMMITTED = Path(__file__).parents[2] / "cases" / "mcnn" / "model"


def written(path: Path, *lines: dict[str, Any] | str) -> Path:
    """A log; what is text goes in as it is."""
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return path


def recipe(path: Path, epochs: int = 3, finished: bool = True) -> Path:
    """A log as cases.mcnn.train writes it: 250 steps an epoch; the second epoch is the best."""
    lines: list[dict[str, Any] | str] = [
        {
            "kind": "start",
            "learning_rate": 1e-5,
            "images": 250,
            "validation_images": 20,
            "ranks": 1,
            "mindspore": "2.8.0",
            "train_digest": "a" * 32,
            "options": {"seed": 7, "train_path": "/secret/place/train", "batch_size": 1, "lr": None},
        }
    ]
    for epoch in range(1, epochs + 1):
        lines += [
            {"kind": "step", "epoch": epoch, "step": step, "loss": 1 / (epoch + step), "learning_rate": 1e-5}
            for step in (100, 200, 250)
        ]
        mae = abs(epoch - 2) + 40.0
        lines.append(
            {"kind": "evaluation", "epoch": epoch, "step": 250, "mae": mae, "mse": mae + 9, "best": False}
        )
    if finished:
        lines.append({"kind": "finished", "epoch": epochs, "step": 250, "checkpoint_sha256": "b" * 64})
    return written(path, *lines)


def test_the_committed_log_of_the_synthetic_training() -> None:
    found = read(COMMITTED / "first.train.jsonl").training
    assert (found.loss_lines, found.evaluation_lines, len(found.losses)) == (65, 10, 65)
    assert found.finished
    assert (found.seed, found.train_seeds, found.val_seeds) == (64678, (100012, 100311), (100000, 100011))
    assert (found.images, found.validation_images, found.mindspore) == (300, 12, "2.8.0")
    assert (found.last_step, found.steps_an_epoch) == (6500, None)
    assert found.best is not None
    assert (found.best.step, found.best.mae, found.best.bias) == (4550, 48.595, 22.12)
    assert (found.passed_over, found.not_finite, found.torn) == (0, 0, False)


def test_a_log_of_the_published_recipe_counts_steps_over_epochs(tmp_path: Path) -> None:
    found, start, checkpoint = read(recipe(tmp_path / "train.jsonl"))
    assert [point.step for point in found.losses] == [100, 200, 250, 350, 450, 500, 600, 700, 750]
    assert found.steps_an_epoch == 250
    assert found.best is not None
    assert (found.best.step, found.best.mae, found.best.rmse) == (500, 40.0, 49.0)
    assert (found.images, found.validation_images, found.ranks) == (250, 20, 1)
    assert (found.train_digest, found.losses[0].learning_rate) == ("a" * 32, 1e-5)
    assert found.options == {"train_path": "train", "batch_size": 1, "lr": None}, "where it lay is left out"
    assert (start, checkpoint) == (None, "b" * 64)


def test_what_the_trainings_write_is_what_is_read(tmp_path: Path) -> None:
    from cases.mcnn.training.journal import Journal, Line

    journal = Journal(tmp_path)
    journal.begin(
        Line(kind="start", options={"seed": 3}, images=9, train_digest="d", learning_rate=0.1), None
    )
    journal.add(Line(kind="step", epoch=1, step=5, loss=2.0, learning_rate=0.1))
    journal.add(Line(kind="evaluation", epoch=1, step=5, mae=4.0, mse=5.0, best=True))
    journal.add(Line(kind="finished", epoch=1, step=5, checkpoint_sha256="c"))
    found, _, checkpoint = read(tmp_path / "train.jsonl")
    assert (found.seed, found.images, found.train_digest, found.finished, checkpoint) == (
        3,
        9,
        "d",
        True,
        "c",
    )
    assert (found.losses[0].loss, found.best and found.best.rmse) == (2.0, 5.0)
    assert (found.passed_over, found.not_finite) == (0, 0)


def test_a_log_lies_beside_its_checkpoint(tmp_path: Path) -> None:
    assert log_of(tmp_path / "m.ckpt") is None
    (tmp_path / "train.jsonl").touch()
    assert log_of(tmp_path / "m.ckpt") is None, "the folder's log is of its best.ckpt alone"
    assert log_of(tmp_path / "best.ckpt") == tmp_path / "train.jsonl"
    (tmp_path / "m.train.jsonl").touch()
    assert log_of(tmp_path / "m.ckpt") == log_of(tmp_path / "m.onnx") == tmp_path / "m.train.jsonl"


def test_a_training_comes_after_the_one_that_it_went_on_from() -> None:
    found, problems = chain(COMMITTED / "mcnn-synthetic.train.jsonl")
    assert [one.training.log for one in found] == ["first.train.jsonl", "mcnn-synthetic.train.jsonl"]
    assert problems == []


def test_a_chain_ends_where_it_bites_its_tail_or_leaves_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    step = {"step": 1, "loss": 1.0}
    written(tmp_path / "out.train.jsonl", {"options": {}}, step)
    written(folder / "a.train.jsonl", {"options": {"start": "b.ckpt"}}, step)
    written(folder / "b.train.jsonl", {"options": {"start": "/x/y/a.last.ckpt"}}, step)
    assert [one.training.log for one in chain(folder / "a.train.jsonl")[0]] == [
        "b.train.jsonl",
        "a.train.jsonl",
    ]
    written(folder / "c.train.jsonl", {"options": {"start": "../out.ckpt"}}, step)
    assert len(chain(folder / "c.train.jsonl")[0]) == 1


def test_a_broken_log_before_it_is_a_problem_not_the_end(tmp_path: Path) -> None:
    (tmp_path / "first.train.jsonl").mkdir()
    log = written(
        tmp_path / "m.train.jsonl", {"options": {"start": "first.last.ckpt"}}, {"step": 1, "loss": 1.0}
    )
    found, problems = chain(log)
    assert len(found) == 1
    assert "first.train.jsonl" in problems[0]


def test_a_torn_last_line_and_foreign_lines_are_counted(tmp_path: Path) -> None:
    log = recipe(tmp_path / "train.jsonl", finished=False)
    with log.open("ab") as stream:
        stream.write(b'hello\n\xff\xfe\x00\n[1, 2]\n"text"\n{"other": 1}\n\n{"kind":"st')
    found = read(log).training
    assert (found.passed_over, found.torn, found.finished, len(found.losses)) == (5, True, False, 9)


def test_a_last_line_without_its_newline_counts_where_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "m.train.jsonl"
    log.write_text('{"step": 1, "loss": 2.0}')
    found = read(log).training
    assert (found.torn, len(found.losses)) == (False, 1)


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e999", "1e31", "1" + "0" * 400, '"0.5"', "true", "null", "[1]", "{}"],
)
def test_what_is_no_number_is_counted_and_not_drawn(tmp_path: Path, value: str) -> None:
    log = written(
        tmp_path / "m.train.jsonl",
        {"step": 1, "loss": 0.5},
        f'{{"step": 2, "loss": {value}}}',
        f'{{"step": 3, "validation_mae": {value}}}',
    )
    found = read(log).training
    assert (len(found.losses), len(found.evaluations), found.not_finite) == (1, 0, 2)


@pytest.mark.parametrize("step", ["-1", "0", "1e9", "true", "1000000000000000000000", '"7"', "9" * 5000])
def test_a_step_that_is_none_is_passed_over(tmp_path: Path, step: str) -> None:
    log = written(tmp_path / "m.train.jsonl", {"step": 1, "loss": 0.5}, f'{{"step": {step}, "loss": 1.0}}')
    found = read(log).training
    assert (found.last_step, found.passed_over) == (1, 1)


def test_an_epoch_beyond_reason_is_passed_over(tmp_path: Path) -> None:
    log = recipe(tmp_path / "train.jsonl")
    with log.open("a") as stream:
        stream.write('{"kind": "step", "epoch": 1000000000000, "step": 250, "loss": 1.0}\n')
    assert read(log).training.last_step == 750


def test_deep_nesting_and_a_line_without_end_are_passed_over(tmp_path: Path) -> None:
    log = written(
        tmp_path / "m.train.jsonl",
        {"step": 1, "loss": 0.5},
        "[" * 60_000,
        f'{{"step": 2, "loss": 1, "x": "{"a" * 70_000}"}}',
    )
    assert read(log).training.passed_over == 2


def test_the_last_training_of_a_log_counts(tmp_path: Path) -> None:
    log = written(
        tmp_path / "m.train.jsonl",
        {"options": {"seed": 1}},
        {"step": 100, "loss": 1.0},
        {"finished": True},
        {"options": {"seed": 2}},
        {"step": 50, "loss": 2.0},
    )
    found = read(log).training
    assert (found.seed, found.finished, [point.step for point in found.losses]) == (2, False, [50])


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(2**30)


def _binary(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


@pytest.mark.parametrize("make", [_loop, _pipe, _huge, _binary, Path.mkdir, Path.touch])
def test_what_is_no_log_is_one_line_that_names_it(tmp_path: Path, make: Any) -> None:
    log = tmp_path / "m.train.jsonl"
    make(log)
    with pytest.raises(OmgateError, match=r"m\.train\.jsonl: .*so the run has no training curve") as raised:
        read(log)
    assert "\n" not in str(raised.value)


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    log = tmp_path_factory.getbasetemp() / "any.train.jsonl"
    log.write_bytes(b'{"options": {"seed": 1}}\n' + content)
    assert read(log).training.seed in (1, None)


LINES = st.fixed_dictionaries(
    {},
    optional={
        name: st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
        for name in (
            "kind",
            "step",
            "epoch",
            "loss",
            "mae",
            "mse",
            "validation_mae",
            "learning_rate",
            "seeds",
        )
    }
    | {"options": st.dictionaries(st.text(max_size=5), st.integers() | st.floats() | st.text(max_size=9))},
)


@given(st.lists(LINES, max_size=12))
def test_whatever_a_log_says_the_record_can_be_read_again(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any]]
) -> None:
    from reports.training import TrainedModel, write
    from reports.training import read as read_record

    folder = tmp_path_factory.getbasetemp()
    found = read(written(folder / "any.train.jsonl", {"step": 1, "loss": 1.0}, *lines)).training
    model = TrainedModel(case="c", model="m", backends=("ckpt",), by_digest=False, trainings=(found,))
    write(folder, [model])
    again = read_record(folder)
    assert again is not None
    assert again.models == (model,)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=3000))
def test_decimation_keeps_first_last_least_and_largest(values: list[float]) -> None:
    kept = decimated(values)
    assert len(kept) <= MOST_POINTS
    assert kept == sorted(set(kept))
    assert {0, len(values) - 1} <= set(kept)
    assert min(values) == min(values[at] for at in kept)
    assert max(values) == max(values[at] for at in kept)
    assert values.index(min(values)) in kept, "the first of equals is the one that became the checkpoint"


@pytest.mark.parametrize("length", [399, 400, 401, 402, 997, 19_440])
def test_a_long_curve_keeps_what_stands_out(length: int) -> None:
    values = [5.0] * length
    values[length // 3 + 1], values[length // 2 + 1] = 1.0, 9.0
    kept = decimated(values)
    assert {0, length // 3 + 1, length // 2 + 1, length - 1} <= set(kept)
    assert len(kept) + max(0, MOST_POINTS - length) > MOST_POINTS - 4
    assert len(kept) <= MOST_POINTS


def test_a_log_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    _huge(tmp_path / "m.train.jsonl")
    with pytest.raises(OmgateError, match="1073741824 bytes, a training log of at most 16777216 is read"):
        read(tmp_path / "m.train.jsonl")


def test_a_long_log_is_decimated_after_it_was_smoothed(tmp_path: Path) -> None:
    lines: list[dict[str, Any] | str] = [{"step": step, "loss": 1.0 + (step % 2)} for step in range(1, 5001)]
    lines += [{"step": step, "validation_mae": 100.0 - (step == 1234)} for step in range(1, 5001)]
    found = read(written(tmp_path / "m.train.jsonl", *lines)).training
    assert (len(found.losses) <= MOST_POINTS, found.loss_lines) == (True, 5000)
    assert (len(found.evaluations) <= MOST_POINTS, found.evaluation_lines) == (True, 5000)
    assert found.best is not None
    assert (found.best.step, found.best.mae) == (1234, 99.0)
    assert found.smoothed_over > 100
    assert found.losses[200].smoothed == pytest.approx(1.5, abs=0.01)


def test_a_mean_over_neighbours_is_even_handed() -> None:
    assert smoothed([1.0, 2.0, 6.0, 2.0, 1.0], 3) == pytest.approx([1.0, 3.0, 10 / 3, 3.0, 1.0])
    assert smoothed([5.0], 3) == [5.0]
    assert [training_log.smoothing(lines) for lines in (0, 9, 10, 65, 1000)] == [1, 1, 3, 3, 51]
