"""`omgate train` takes the same options as the script, with the same defaults, and refuses in one line."""

import io
from pathlib import Path
from typing import Any

import pytest
import typer

from bench.cli import app, main
from cases.mcnn import train


def test_both_command_lines_have_the_same_options_and_defaults() -> None:
    command: Any = typer.main.get_command(app)
    ours = {
        parameter.opts[0]: parameter.default
        for parameter in command.commands["train"].params
        if parameter.name != "help"
    }
    theirs = {
        action.option_strings[0]: action.default
        for action in train.parser()._actions
        if action.dest != "help"
    }
    assert ours == theirs
    assert ours["--epoch_size"] == 800


def test_what_is_typed_reaches_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(train, "run", seen.append)
    assert main(["train", "--batch_size=2", "--lr=0.5", "--resume", "--device_target", "CPU"]) == 0
    assert (seen[0].batch_size, seen[0].lr, seen[0].resume, seen[0].device_target) == (2, 0.5, True, "CPU")
    assert (seen[0].device_id, seen[0].momentum) == (None, 0.0)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--batch_size=none"], "batch_size"),
        (["--learning_rate=1"], "--learning_rate"),
        (["--device_target=TPU"], "allowed are Ascend, GPU, CPU"),
        (["--device_target=CPU", "--train_path=/none"], "no folder /none"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path: Path, words: list[str], text: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    assert main(["train", f"--ckpt_path={tmp_path / 'out'}", *words], out, err) == 2
    assert text in err.getvalue()
    assert err.getvalue().count("\n") == 1
    assert not (tmp_path / "out").exists()
