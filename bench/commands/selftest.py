"""`omgate selftest`: how noisy this machine is, and which difference could be found on it."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import common
from bench.commands.common import Json, RunDir
from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.selftest import SelfTest, Side
    from cases.case import Case

FORMS = {"reference": "onnx", "ckpt": "ckpt", "om-sdk": "om", "om-mxbase": "om"}
"""Which of a case's files a backend runs."""

WORSE, CANNOT_TELL = 1, 3
"""Exit codes."""


def selftest(
    case: Annotated[str, typer.Option("--case", metavar="NAME", help="What to measure.")] = "mcnn-synthetic",
    backend: Annotated[str, typer.Option("--backend", metavar="NAME", help="On what.")] = "reference",
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="Instead of the case's own model file.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="A second model file: A/B in turns instead of A/A."),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", metavar="N", min=4, help="Images of a block.")] = 20,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            metavar="M",
            min=0.0,
            help="Go on with pairs of blocks for so long; default: 6 pairs.",
        ),
    ] = None,
    emulate: Annotated[bool, typer.Option("--emulate", help="Use the emulated SDK.")] = False,
    run_dir: RunDir = common.RUNS,
    json: Json = False,
) -> int:
    """Measures a backend against itself, in turns, and says how noisy this machine is and what could be found on it.

    Each block is a new worker process, as a run is. The result is kept in the folder of the run records. Exit code: 0
    nothing differs, 1 an alarm (in an A/A: this machine can't be trusted now; with --against: B is slower), 2 it could not be done, 3 cannot tell.

    \b
    Examples:
      omgate selftest
      omgate selftest --backend ckpt --minutes 10
      omgate selftest --against=other.onnx
    """
    from bench.progress import Bar
    from bench.selftest import MOST_PAIRS, PAIRS, images_of, judge, measure
    from reports.noise import remember

    with _sdk(emulate):
        a, b = _sides(case, backend, model, against)
        images = images_of(a.case)
        with Bar().show(f"{case} {backend} self-test") as tick:
            blocks = measure(
                (a, b),
                images,
                samples,
                PAIRS if minutes is None else MOST_PAIRS,
                math.inf if minutes is None else 60.0 * minutes,
                tick,
            )
    models = _model_name(a, backend), _model_name(b, backend)
    result = judge(blocks, case, backend, models, same=against is None)
    remember(run_dir, result.noise)
    if json:
        common.print_json(result)
    else:
        _print(result)
    return _code(result)


@contextlib.contextmanager
def _sdk(emulate: bool) -> Iterator[None]:
    """MX_SDK_HOME is that of the emulated SDK meanwhile."""
    if not emulate:
        yield
        return
    from bench.emulator.home import make_home

    before = os.environ.get("MX_SDK_HOME")
    os.environ["MX_SDK_HOME"] = str(make_home())
    try:
        yield
    finally:
        if before is None:
            del os.environ["MX_SDK_HOME"]
        else:
            os.environ["MX_SDK_HOME"] = before


def _sides(name: str, backend: str, model: Path | None, against: Path | None) -> tuple[Side, Side]:
    from cases.case import load_all

    cases = {case.name: case for case in load_all(common.CASES)}
    if name not in cases:
        raise OmgateError(f"--case {name}: no such case; there are {', '.join(cases) or 'none'}")
    case = cases[name]
    if backend not in case.backends:
        raise OmgateError(f"--backend {backend}: {name} has {', '.join(case.backends)}")
    one = _side("A", case, backend, model)
    return one, replace(one, name="B") if against is None else _side("B", case, backend, against)


def _side(name: str, case: Case, backend: str, model: Path | None) -> Side:
    from bench.backends import get
    from bench.backends.base import Options, worker
    from bench.selection import missing
    from bench.selftest import Side

    if model is not None and not model.is_file():
        raise OmgateError(f"{model}: no such model file ({'--model' if name == 'A' else '--against'})")
    own = case if model is None else case.with_overrides(**{FORMS[backend]: model})
    problem = missing(own, backend, Options())
    if problem:
        raise OmgateError(f"--backend {backend}: {problem}")
    found = get(backend)
    found.prepare(own)
    return Side(name, own, worker(found, own, Options()))


def _model_name(side: Side, backend: str) -> str:
    from bench.backends import get
    from bench.backends.base import Options

    file = get(backend).model_file(side.case, Options())
    return "" if file is None else file.name


def _code(result: SelfTest) -> int:
    from reports.verdict import Status

    return {Status.CANNOT_TELL: CANNOT_TELL, Status.REGRESSED: WORSE}.get(result.verdict.status, 0)


# --- for people ---------------------------------------------------------------------------------------------------------------


def _print(result: SelfTest) -> None:
    from reports.performance import show_speed
    from reports.verdict import Status

    noise, (a, b) = result.noise, result.models
    what = f"A/A {a}".rstrip() if result.same else f"A {a}, B {b}"
    emulated = ": the times are of no device" if noise.soc == "emulated" else ""
    print(
        f"{noise.case} on {noise.backend} ({noise.soc}{emulated}), {what}:"
        f" {noise.blocks} blocks of {noise.samples // noise.blocks} images in {noise.seconds:.0f} s, one in flight, region {noise.region}"
    )
    number = result.verdict.numbers[0]
    for name, value in (("A", number.old), ("B", number.new)):
        if value is not None:
            print(f"  {name}  {show_speed(value, 's')}, the median of the medians of its blocks")
    print(f"verdict: {_said(result)}")
    for reason in result.verdict.reasons:
        print(
            f"  {reason.message}{'. ' + reason.advice if reason.advice and result.verdict.status is Status.CANNOT_TELL else ''}"
        )
    if result.verdict.status is Status.CANNOT_TELL:
        print("  a sample is a block here: --minutes M gives more of them")
    print(
        f"noise: one image {_percent(noise.within)}, one start of the worker to the next {_percent(noise.between)}"
    )
    print("the smallest slow-down that two runs show in 4 of 5 cases:")
    for entry in result.detectable:
        print(f"  {entry.samples:>5} images each  {_percent(entry.slow_down)}")
    print(
        f"a run that finds this in its --run-dir reckons with {_percent(noise.between)} from run to run, not with the assumed"
        f" {_percent(result.assumed_between)}; what differs from day to day is in neither"
    )


def _said(result: SelfTest) -> str:
    from reports.verdict import Status

    status = result.verdict.status
    if not result.same or status in (Status.PASS, Status.CANNOT_TELL):
        return status.value
    return f"{status.value}: the same thing measured twice differs; don't judge speed on this machine as it is now"


def _percent(value: float) -> str:
    return f"{100.0 * value:.2g} %" if value < 0.1 else f"{100.0 * value:.0f} %"
