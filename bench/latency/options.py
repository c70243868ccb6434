"""pytest-benchmark's options, as the speed tests take them: which of them bound a measurement, and which can't be followed, in words.

Those that are about its table, its files and comparing them (--benchmark-save, -compare, -json, -sort ...) are its own and need nothing here.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bench.latency.bounds import IMAGES, LEAST, MOST, SECONDS, Bounds
from cases.errors import OmgateError

if TYPE_CHECKING:
    import pytest

REFUSED = {
    "--benchmark-min-time": "a round is one image, so that each has its own time; more images: --benchmark-min-rounds",
    "--benchmark-timer": "times are of the device, by the clock of the worker that drives it; no timer of this process can measure them",
    "--benchmark-calibration-precision": "a round is one image, nothing is calibrated; a precise mean: --benchmark-precision",
    "--benchmark-cprofile": "it would profile this process, which waits for the device; where a stream's time goes: --perfstats",
    "--benchmark-cprofile-loops": "nothing is profiled in this process, which waits for the device",
    "--benchmark-cprofile-top": "nothing is profiled in this process, which waits for the device",
    "--benchmark-cprofile-dump": "nothing is profiled in this process, which waits for the device",
}
"""Options that would be without effect, or would measure something else, and why."""


class OptionError(OmgateError):
    """An option of pytest-benchmark that the speed tests can't follow."""


def typed(config: pytest.Config) -> tuple[str, ...]:
    """All arguments of this pytest: those of its ini file and of PYTEST_ADDOPTS before those of the command line."""
    added = config.getini("addopts")
    more = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    return (*added, *more, *config.invocation_params.args)


def value_of(arguments: Sequence[str], option: str) -> str | None:
    """What was given for an option last, "" where it was given without a value, None where it was not given."""
    found = None
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name != option:
            continue
        following = arguments[place + 1] if place + 1 < len(arguments) else "-"
        found = value if equals else "" if following.startswith("-") else following
    return found


def refuse(arguments: Sequence[str]) -> None:
    """Raises OptionError for the first option that can't be followed."""
    refused = dict(REFUSED)
    if find_spec("pygal") is None:  # pytest-benchmark would end with a traceback
        refused["--benchmark-histogram"] = (
            "it needs pygal, which is not installed (pip install 'pytest-benchmark[histogram]'); report.html has the plots"
        )
    for option, why in refused.items():
        if value_of(arguments, option) is not None:
            raise OptionError(f"{option}: not for the speed tests of bench/: {why}")


def bounds_of(config: pytest.Config) -> Bounds:
    """How long to measure, as pytest-benchmark's options say; with none of them, this project's defaults.

    --benchmark-max-time: seconds of the host's clock, everything inside, for each measurement. --benchmark-min-rounds: at least so many images
    after the warm-up, whatever the time. Either alone lifts the default bound of the other kind.
    """
    arguments = typed(config)

    def given(option: str) -> bool:
        return value_of(arguments, option) is not None

    rounds = int(config.getoption("benchmark_min_rounds"))
    seconds = float(config.getoption("benchmark_max_time"))
    least, most, longest = LEAST, IMAGES, SECONDS
    if given("--benchmark-min-rounds"):
        least = most = rounds
    if given("--benchmark-max-time"):
        most, longest = MOST, seconds
    precision = config.getoption("benchmark_precision")
    if precision is not None:
        most = MOST
    return Bounds(
        least=least,
        most=most,
        seconds=longest,
        precision=precision,
        confidence=float(config.getoption("benchmark_confidence")),
        most_warm_up=_most_warm_up(config, arguments),
        collect_garbage=not config.getoption("benchmark_disable_gc"),
    )


def _most_warm_up(config: pytest.Config, arguments: Sequence[str]) -> int:
    """--benchmark-warmup=off leaves nothing out, else as much as is found to be warm-up, at most --benchmark-warmup-iterations images."""
    kind = value_of(arguments, "--benchmark-warmup")
    if kind is not None and kind.strip().lower() in ("off", "false", "no"):
        return 0
    if value_of(arguments, "--benchmark-warmup-iterations") is None:
        return MOST
    return int(config.getoption("benchmark_warmup_iterations"))


def is_skipped(config: pytest.Config) -> bool:
    """Whether --benchmark-skip holds; --benchmark-only overrides it."""
    return bool(config.getoption("benchmark_skip")) and not config.getoption("benchmark_only")
