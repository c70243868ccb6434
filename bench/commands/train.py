"""`omgate train`: MCNN's published training recipe, `python -m cases.mcnn.train` under one roof with the rest."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from cases.mcnn.training.options import TrainOptions, option_fields

KINDS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "int | None": int | None,
    "float | None": float | None,
}


def train(**given: Any) -> None:
    """Trains MCNN by the published recipe. The options are the delivery document's, with its defaults.

    \b
    Examples:
      omgate train --device_target=CPU --train_path=P/train --train_gt_path=P/train_den --val_path=P/val --val_gt_path=P/val_den
      omgate train --device_target=CPU ... --resume     go on after a break, bit by bit the same

    Data parallel, on 8 devices: msrun --worker_num=8 --local_worker_num=8 cases/mcnn/train.py ...
    """
    from cases.mcnn.train import run

    run(TrainOptions(**given))


def _parameters() -> list[inspect.Parameter]:
    """One option for each field of TrainOptions; typer reads a command's options off its signature."""
    made = []
    for name, kind, default, text in option_fields():
        option = typer.Option(f"--{name}", help=text)
        annotation: Any = Annotated[KINDS[kind], option]  # type: ignore[valid-type]
        made.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )
    return made


_MADE = _parameters()
train.__signature__ = inspect.Signature(_MADE)  # type: ignore[attr-defined]
train.__annotations__ = {parameter.name: parameter.annotation for parameter in _MADE}
