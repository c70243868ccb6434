"""A picture of a training beside its log: loss and validation error, for who has no run of the model yet. The report draws its own, from the log."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cases.mcnn.training.journal import Line

Points = Sequence[tuple[float, float]]
"""(step or epoch, value)."""

MOST_POINTS = 2000


def draw_log(log: Path) -> Path | None:
    """The picture of a training by the published recipe, beside its train.jsonl; None where it could not be made."""
    try:
        lines = [_line(text) for text in log.read_bytes().splitlines()]
    except OSError:
        return None
    known = [line for line in lines if line is not None]
    steps = max((line.step for line in known), default=0) or 1
    losses = [
        (line.epoch - 1 + line.step / steps, line.loss)
        for line in known
        if line.kind == "step" and line.loss is not None
    ]
    errors = [
        (float(line.epoch), line.mae) for line in known if line.kind == "evaluation" and line.mae is not None
    ]
    return draw(losses, errors, "epoch", log.with_suffix(".svg"))


def _line(text: bytes) -> Line | None:
    try:
        return msgspec.json.decode(text, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError):  # cut off by a kill
        return None


def draw(losses: Points, errors: Points, across: str, picture: Path) -> Path | None:
    """Write the picture (SVG), whole or not at all; None where that failed: it may never cost a training that is done."""
    try:
        content = _svg(losses, errors, across)
    except Exception:  # no matplotlib on a training machine, or one that can't draw
        return None
    temporary = None
    try:
        handle, name = tempfile.mkstemp(prefix=".writing-", suffix=".svg", dir=picture.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        temporary.chmod(0o644)
        os.replace(temporary, picture)
        return picture
    except OSError:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        return None


def _svg(losses: Points, errors: Points, across: str) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "omgate", "axes.grid": True, "grid.alpha": 0.3}):
        figure = Figure(figsize=(7, 6), layout="constrained")
        above, below = figure.subplots(2, sharex=True)
        every = -(-len(losses) // MOST_POINTS) or 1
        above.plot([x for x, _ in losses[::every]], [y for _, y in losses[::every]], linewidth=1)
        above.set_ylabel("loss")
        if losses and min(y for _, y in losses) > 0:
            above.set_yscale("log")
        below.plot([x for x, _ in errors], [y for _, y in errors], linewidth=1.2, color="C1")
        if errors:
            best = min(errors, key=lambda point: point[1])
            below.plot(*best, "D", color="C2", label=f"best: MAE {best[1]:.2f}")
            below.legend()
        below.set(xlabel=across, ylabel="MAE on the validation images")
        stream = io.BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def where(log: Path, picture: Path | None) -> str:
    """A line that says where the curve can be seen."""
    seen = f"curve: {picture}; " if picture is not None else ""
    return f"{seen}log: {log}; kept beside the checkpoint, it is the training curve in the report of each run of that model"
