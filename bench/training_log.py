"""Training logs, read: `NAME.train.jsonl` or `train.jsonl` beside a model, as either of MCNN's trainings writes it.

A log may be of a training that goes on, was killed, or was edited: what is no line of one is counted and passed over.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from cases.errors import OmgateError
from cases.wording import shown
from reports.training import Evaluation, LossPoint, Option, Training

SUFFIX = ".train.jsonl"
FOLDER_LOG = "train.jsonl"
"""The log of a training that fills a folder: best.ckpt lies beside it."""

MOST_BYTES = 16 * 2**20
"""Of a log: the published recipe's 800 epochs write about 3 MB."""

LONGEST_LINE = 2**16
MOST_POINTS = 400
"""That are kept of a curve; more are no finer to the eye."""

MOST_CHAINED = 8
LARGEST = 1e30
"""Beyond it a loss is no number to draw; FP32 ends at 3e38."""

LARGEST_STEP = 10**12
LONGEST_TEXT = 200
MOST_OPTIONS = 40


def log_of(model: Path) -> Path | None:
    """The log beside a model's file: by the model's name, or the folder's for its best.ckpt; None where there is none."""
    names = [f"{model.stem}{SUFFIX}", *([FOLDER_LOG] if model.name == "best.ckpt" else [])]
    return next((path for name in names if os.path.lexists(path := model.with_name(name))), None)


class Read(NamedTuple):
    """A log's training, what it names as the checkpoint that it went on from, and the SHA-256 of the one that it made."""

    training: Training
    start: str | None
    checkpoint: str | None


def chain(log: Path) -> tuple[list[Read], list[str]]:
    """The training of a log after those that it went on from, as far as their logs lie beside it, and what could not be read.

    Raises OmgateError where the log itself can't be read.
    """
    found, problems, seen = [read(log)], [], {log.name}
    while (start := found[0].start) and len(found) < MOST_CHAINED:
        # Only the name counts, since a log may say anything: nothing outside its own folder is looked at.
        stem = PurePosixPath(start).stem.removesuffix(".last").removesuffix(".best")
        before = log.with_name(f"{stem}{SUFFIX}")
        if before.name in seen or not os.path.lexists(before):
            break
        seen.add(before.name)
        try:
            found.insert(0, read(before))
        except OmgateError as error:
            problems.append(str(error))
            break
    return found, problems


def read(log: Path) -> Read:
    """The last training that a log tells of. Raises OmgateError where the file can't be read, or tells of no training."""
    reader = _Reader()
    for line in _lines(log, reader):
        reader.take(line)
    if not (reader.started or reader.losses or reader.evaluations):
        raise OmgateError(f"{shown(log)}: no line of it is a training's; so the run has no training curve")
    return reader.finish(log.name)


def _lines(log: Path, reader: _Reader) -> Iterator[bytes]:
    try:
        handle = os.open(log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would be waited for
        with os.fdopen(handle, "rb") as stream:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise OmgateError(f"{shown(log)}: no regular file; so the run has no training curve")
            if found.st_size > MOST_BYTES:
                raise OmgateError(
                    f"{shown(log)}: {found.st_size} bytes, a training log of at most {MOST_BYTES} is read; so the run has no training curve"
                )
            for line in stream.read(MOST_BYTES).splitlines(keepends=True):
                reader.torn = not line.endswith(b"\n")
                yield line
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise OmgateError(
            f"{shown(log)}: can't be read ({reason}); so the run has no training curve"
        ) from None


class _Reader:
    """What the lines so far add up to. A second start begins anew: the last training counts."""

    def __init__(self) -> None:
        self.torn = False
        self.passed_over = 0
        self.not_finite = 0
        self._begin({})
        self.started = False

    def _begin(self, first: dict[str, Any]) -> None:
        self.started, self.finished = True, False
        self.checkpoint: str | None = None
        self.first = first
        self.losses: dict[tuple[int, int], tuple[float, float | None]] = {}
        self.evaluations: dict[tuple[int, int], tuple[float, float | None, float | None]] = {}

    def take(self, text: bytes) -> None:
        """One line, of either format."""
        if not text.strip():
            return
        line = _object(text)
        if line is None:
            # A torn last line is told as that.
            self.passed_over += text.endswith(b"\n")
            return
        self.torn = False
        kind = line.get("kind")
        if isinstance(line.get("options"), dict):
            self._begin(line)
        elif kind == "finished" or line.get("finished") is True:
            self.finished, self.checkpoint = True, _text(line.get("checkpoint_sha256"))
        elif kind == "evaluation" or "validation_mae" in line:
            self._evaluation(line)
        elif kind == "step" or "loss" in line:
            self._loss(line)
        else:
            self.passed_over += 1

    def _place(self, line: dict[str, Any]) -> tuple[int, int] | None:
        """(epoch, step of it); the epoch is 1 where the log counts steps alone."""
        epoch, step = _whole(line.get("epoch", 1)), _whole(line.get("step"))
        if not epoch or not step or epoch * step > LARGEST_STEP:
            self.passed_over += 1
            return None
        return epoch, step

    def _loss(self, line: dict[str, Any]) -> None:
        place, loss = self._place(line), _number(line.get("loss"))
        if place and loss is None:
            self.not_finite += 1
        elif place and loss is not None:
            self.losses[place] = loss, _number(line.get("learning_rate"))

    def _evaluation(self, line: dict[str, Any]) -> None:
        place, mae = self._place(line), _number(line.get("mae", line.get("validation_mae")))
        if place and (mae is None or mae < 0):
            self.not_finite += 1
        elif place and mae is not None:
            self.evaluations[place] = mae, _number(line.get("mse")), _number(line.get("validation_bias"))

    def finish(self, name: str) -> Read:
        """All that was taken, as the run keeps it."""
        places = [*self.losses, *self.evaluations]
        an_epoch = max((step for _, step in places), default=0)
        by_epochs = self.first.get("kind") == "start" or any(epoch > 1 for epoch, _ in places)
        losses = _sorted(self.losses, an_epoch)
        evaluations = _sorted(self.evaluations, an_epoch)
        options = _options(self.first.get("options"))
        start = options.get("start")
        window = smoothing(len(losses))
        val_seeds, all_seeds = _pair(self.first.get("validation_seeds")), _pair(self.first.get("seeds"))
        # The synthetic training's log names the seeds of both sets; validation takes the first of them.
        train_seeds = (val_seeds[1] + 1, all_seeds[1]) if val_seeds and all_seeds else all_seeds
        training = Training(
            log=_text(shown(name)) or "",
            finished=self.finished,
            seed=_whole(options.get("seed")),
            train_digest=_text(self.first.get("train_digest")),
            val_digest=_text(self.first.get("val_digest")),
            train_seeds=train_seeds,
            val_seeds=val_seeds,
            images=_whole(self.first.get("images", options.get("scenes"))),
            validation_images=_whole(self.first.get("validation_images"))
            or (val_seeds[1] - val_seeds[0] + 1 if val_seeds else None),
            ranks=_whole(self.first.get("ranks")),
            mindspore=_text(self.first.get("mindspore")),
            steps_an_epoch=an_epoch if by_epochs and an_epoch else None,
            smoothed_over=window,
            loss_lines=len(losses),
            evaluation_lines=len(evaluations),
            losses=_loss_points(losses, window),
            evaluations=_evaluation_points(evaluations),
            options={name: value for name, value in options.items() if name != "seed"},
            passed_over=self.passed_over,
            not_finite=self.not_finite,
            torn=self.torn,
        )
        return Read(training, start if isinstance(start, str) else None, self.checkpoint)


def _sorted(found: dict[tuple[int, int], Any], an_epoch: int) -> list[tuple[int, Any]]:
    """(step from the start, what was told there), by step."""
    return sorted(((epoch - 1) * an_epoch + step, told) for (epoch, step), told in found.items())


def smoothing(lines: int) -> int:
    """How many neighbouring lines a smoothed loss is the mean of: a twentieth of all, odd; of few lines none but itself."""
    return 1 if lines < 10 else max(3, lines // 20 | 1)


def smoothed(values: Sequence[float], window: int) -> list[float]:
    """The mean of each value and its neighbours, `window` (odd) in all; at the ends of as many as there are on both sides."""
    sums, last = [0.0, *accumulate(values)], len(values) - 1
    half = window // 2
    found = []
    for place in range(len(values)):
        reach = min(half, place, last - place)
        found.append((sums[place + reach + 1] - sums[place - reach]) / (2 * reach + 1))
    return found


def decimated(values: Sequence[float], most: int = MOST_POINTS) -> list[int]:
    """Indices of at most `most` values: the first, the last, the first of the least, the largest, and others evenly between."""
    last = len(values) - 1
    if last < most:
        return list(range(len(values)))
    even = {round(place * last / (most - 3)) for place in range(most - 2)}
    return sorted({*even, values.index(min(values)), values.index(max(values))})


def _loss_points(found: list[tuple[int, Any]], window: int) -> tuple[LossPoint, ...]:
    losses = [loss for _, (loss, _) in found]
    means = smoothed(losses, window)
    return tuple(
        LossPoint(step=found[at][0], loss=losses[at], smoothed=means[at], learning_rate=found[at][1][1])
        for at in decimated(losses)
    )


def _evaluation_points(found: list[tuple[int, Any]]) -> tuple[Evaluation, ...]:
    maes = [mae for _, (mae, _, _) in found]
    # The first of equals: only a smaller one replaces the checkpoint.
    best = maes.index(min(maes)) if maes else None
    return tuple(
        Evaluation(
            step=found[at][0], mae=maes[at], rmse=found[at][1][1], bias=found[at][1][2], best=at == best
        )
        for at in decimated(maes)
    )


# --- values of a log, which may be anything -------------------------------------------------------------------------------------


def _object(text: bytes) -> dict[str, Any] | None:
    if len(text) > LONGEST_LINE:
        return None
    try:
        found = json.loads(text)  # not msgspec: Python's writer puts NaN where a training diverged
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
    return float(value) if usable else None  # type: ignore[arg-type]


def _whole(value: object) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_STEP
    return value if usable else None  # type: ignore[return-value]


def _text(value: object) -> str | None:
    return shown(value)[:LONGEST_TEXT] if isinstance(value, str) else None


def _pair(value: object) -> tuple[int, int] | None:
    if not (isinstance(value, list) and len(value) == 2):
        return None
    low, high = _whole(value[0]), _whole(value[1])
    return None if low is None or high is None else (low, high)


def _options(found: object) -> dict[str, Option]:
    items = list(found.items())[:MOST_OPTIONS] if isinstance(found, dict) else []
    return {_text(name) or "": _option(value) for name, value in items}


def _option(value: object) -> Option:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):  # where things lie on that machine is nobody's business
        return _text(PurePosixPath(value).name if "/" in value else value)
    whole = _whole(value)
    return _number(value) if whole is None else whole
