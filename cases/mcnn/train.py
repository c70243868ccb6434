"""Training of MCNN by the published recipe, in MindSpore on Ascend, GPU or CPU; `python -m cases.mcnn.train --help`.

Data parallel: start it with `msrun --worker_num=8 --local_worker_num=8 ...`, or once a device with RANK_TABLE_FILE and RANK_ID.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cases.errors import OmgateError
from cases.mcnn.training.options import TrainOptions, option_fields

KINDS = {"str": str, "int": int, "float": float, "int | None": int, "float | None": float}


def run(options: TrainOptions) -> None:
    """Train, print what came of it, and export the AIR where the device is Ascend. Raises OmgateError."""
    from cases.mcnn.training.curve import draw_log, where
    from cases.mcnn.training.loop import train

    found = train(options)
    if found is None:
        return
    print(
        f"{found.best}: MAE {found.mae:.2f}, MSE (root) {found.mse:.2f} on the validation images, epoch {found.epoch}"
    )
    log = Path(options.ckpt_path) / "train.jsonl"
    print(where(log, draw_log(log)))
    air = Path(options.ckpt_path) / f"{options.air_name}.air"
    if options.device_target != "Ascend":
        print(
            f"note: no {air.name}: MindSpore exports AIR on Ascend alone; ONNX and MINDIR: omgate export {found.best} FILE"
        )
        return
    from cases.mcnn.export import export

    export(found.best, air)
    print(air)


def parser() -> argparse.ArgumentParser:
    """The command line, made of TrainOptions."""
    made = argparse.ArgumentParser(
        prog="python -m cases.mcnn.train",
        description="Trains MCNN by the published recipe.",
        allow_abbrev=False,
    )
    for name, kind, default, text in option_fields():
        if kind == "bool":
            made.add_argument(f"--{name}", action="store_true", help=text)
        else:
            shown = "" if default is None else " (default %(default)s)"
            made.add_argument(f"--{name}", type=KINDS[kind], default=default, help=f"{text}{shown}")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = TrainOptions(**vars(parser().parse_args(arguments)))
    try:
        run(options)
    except OmgateError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"train: stopped; go on with --resume --ckpt_path={options.ckpt_path}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
