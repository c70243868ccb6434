"""What a training tells: a JSON line each for its start, every so many steps, each evaluation, its end; and progress for who looks on."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

import msgspec

from cases.mcnn.training.options import TrainingError
from cases.wording import shown

LOG_STEPS = 100
"""Steps a line; MCNN's loss of one image says little."""

SHOWN_SECONDS = 10.0
"""Between two lines of progress where no terminal is: a log file of 800 epochs must stay readable."""


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of train.jsonl. `kind` is start, step, evaluation or finished; what a kind does not have is left out."""

    kind: str
    epoch: int = 0
    step: int = 0
    """Of the epoch, from 1."""
    loss: float | None = None
    """Mean over the steps since the line before."""
    learning_rate: float | None = None
    images_per_second: float | None = None
    """Over all ranks, since this process began to train; evaluations are not in it."""
    seconds_left: float | None = None
    mae: float | None = None
    mse: float | None = None
    """The root of the mean squared error, by the field's custom."""
    best: bool | None = None
    options: dict[str, Any] | None = None
    images: int | None = None
    validation_images: int | None = None
    ranks: int | None = None
    mindspore: str | None = None
    train_digest: str | None = None
    val_digest: str | None = None
    checkpoint_sha256: str | None = None
    """Of best.ckpt, in the last line: so that nobody takes this for another checkpoint's log."""


class Journal:
    """`train.jsonl` in the training's folder; a rank other than 0 has a journal that writes nothing."""

    def __init__(self, folder: Path | None, out: TextIO | None = None) -> None:
        self.path = folder / "train.jsonl" if folder else None
        self._out = out or sys.stderr
        self._shown = -SHOWN_SECONDS
        self._open_line = False

    def begin(self, first: Line, after: tuple[int, int] | None) -> None:
        """Start a new file, or keep of the old one what was written up to (epoch, step) `after`. Raises TrainingError."""
        if self.path is None:
            return
        try:
            kept = [self._text(first)] if after is None else self._until(after)
            temporary = self.path.with_name(f".writing-{self.path.name}")
            temporary.write_text("".join(kept), encoding="utf-8")
            os.replace(temporary, self.path)
        except OSError as error:
            raise TrainingError(f"{shown(self.path)}: can't be written: {error.strerror}") from None

    def _until(self, after: tuple[int, int]) -> list[str]:
        assert self.path is not None
        kept = []
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
                place = (line.get("epoch", 0), line.get("step", 0))
            except (ValueError, AttributeError):  # cut off by a kill
                break
            if place <= after and line.get("kind") != "finished":
                kept.append(f"{text}\n")
        return kept

    def add(self, line: Line) -> None:
        """Append a line. Raises TrainingError."""
        if self.path is None:
            return
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(self._text(line))
        except OSError as error:
            raise TrainingError(f"{shown(self.path)}: can't be written: {error.strerror}") from None

    @staticmethod
    def _text(line: Line) -> str:
        return msgspec.json.encode(line).decode() + "\n"

    def show(self, text: str, passing: bool = False) -> None:
        """Tell who looks on; a `passing` text is overwritten on a terminal, and left out elsewhere when one was just shown."""
        if self.path is None:
            return
        now = time.monotonic()
        if self._out.isatty():
            print(f"\r\x1b[K{text}", end="" if passing else "\n", file=self._out, flush=True)
        elif not passing or now - self._shown >= SHOWN_SECONDS:
            self._shown = now if passing else self._shown
            print(text, file=self._out, flush=True)


def clock(seconds: float) -> str:
    """A duration as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))
