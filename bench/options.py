"""The options of `pytest bench/`: what they are called, what they say of themselves, and what a run makes of them.

Those of speed (--sweep and pytest-benchmark's) are in `bench.latency`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from bench.selection import Options

BENCH = Path(__file__).resolve().parent
HOUSE = BENCH.parent


def add_options(parser: pytest.Parser) -> None:
    """The options of `pytest bench/`; those that take a path are given as --option=PATH."""
    group = parser.getgroup("omgate", "omgate: accuracy of model deliverables")
    repeat = {"action": "append", "default": [], "metavar": "NAME"}
    group.addoption(
        "--backend",
        **repeat,
        help="a backend to run: reference (ONNX Runtime, CPU), ckpt (MindSpore), om-sdk (MindX SDK streams), om-mxbase. "
        "Repeatable. Default: all that can run here",
    )
    group.addoption(
        "--case", **repeat, help="a case to run, such as mcnn-synthetic. Repeatable. Default: all"
    )
    group.addoption(
        "--ckpt", metavar="FILE", help="this MindSpore checkpoint instead of the case's (--ckpt=FILE)"
    )
    group.addoption("--onnx", metavar="FILE", help="this ONNX model instead of the case's (--onnx=FILE)")
    group.addoption("--om", metavar="FILE", help="this OM model instead of the case's (--om=FILE)")
    group.addoption(
        "--data",
        metavar="DIR",
        help="this test set instead of the case's: a folder with images/ and ground_truth_csv/ (--data=DIR)",
    )
    group.addoption("--label", default="", metavar="TEXT", help="a name for the run, such as cann-8.0")
    group.addoption(
        "--limit",
        type=_positive,
        metavar="N",
        help="only the first N images; such a run is never a pass and can't be promoted",
    )
    group.addoption(
        "--run-dir", metavar="DIR", help="where run records go (--run-dir=DIR). Default: reports/runs"
    )
    group.addoption(
        "--resume",
        metavar="RUN",
        help="go on with a run that was killed: its id, label or folder (--resume=RUN)",
    )
    group.addoption(
        "--device",
        metavar="N",
        help="the Ascend device to run on, such as 0; cpu keeps ckpt off it. Default: the pipeline's, the first",
    )
    group.addoption(
        "--emulate",
        action="store_true",
        help="om-sdk and om-mxbase on the emulated SDK home, on this processor; what it measures is stamped emulated",
    )
    group.addoption(
        "--hosts",
        metavar="FILE",
        help="which backend lives on which machine (--hosts=hosts.toml): workers are started there through ssh, and nothing is installed. "
        "`omgate doctor --hosts FILE` says what is there; docs/hosts.md has an example",
    )
    group.addoption(
        "--attribution",
        action="store_true",
        help="also trace where a difference comes from, rung by rung: ground-truth rule, preprocessing, framework, precision, runtime, pipeline. "
        "Measures the images once more at their own size, which MindSpore compiles for each size",
    )
    group.addoption(
        "--perfstats",
        action="store_true",
        help="also take the SDK's own performance statistics of om-sdk, in passes of their own after accuracy: switched on for this run alone",
    )
    group.addoption(
        "--no-images",
        action="store_true",
        help="a report without pictures of the test set, which may show people; none are put into the record either",
    )
    group.addoption(
        "--no-report",
        action="store_true",
        help="no report.html and no summaries at the end; `omgate report RUN` makes them when they are wanted",
    )
    group.addoption(
        "--gate",
        action="store_true",
        help="for CI: a missing baseline, a skipped backend and every 'cannot tell' fail",
    )
    # --strict is pytest's own since 9.0 (unknown markers and the like fail); here a drift fails with it, too.


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(f"{text}: a whole number from 1")
    return value


def options_of(config: pytest.Config) -> Options:
    """What a run is told; relative paths are meant from where pytest was called."""
    from bench.selection import Options, cases_folder

    def path(name: str) -> Path | None:
        given = config.getoption(name)
        return (config.invocation_params.dir / given).resolve() if given else None

    return Options(
        run_dir=path("run_dir") or HOUSE / "reports" / "runs",
        cases_dir=cases_folder(),
        cases=tuple(config.getoption("case")),
        backends=tuple(config.getoption("backend")),
        ckpt=path("ckpt"),
        onnx=path("onnx"),
        om=path("om"),
        data=path("data"),
        label=config.getoption("label"),
        limit=config.getoption("limit"),
        resume=config.getoption("resume"),
        gate=config.getoption("gate"),
        strict=config.getoption("strict"),
        emulate=config.getoption("emulate"),
        perfstats=config.getoption("perfstats"),
        device=config.getoption("device"),
        hosts=path("hosts"),
    )


def measures_in_parallel(config: pytest.Config) -> bool:
    """Whether pytest-xdist is asked to measure deliverables, at once, on the same device and processors."""
    if config.getoption("dist", "no") == "no":
        return False
    paths = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    return any(BENCH in (path, *path.parents) or path in BENCH.parents for path in map(Path.resolve, paths))


def names_a_path(config: pytest.Config) -> bool:
    """Whether any option that takes a path is given."""
    names = ("ckpt", "onnx", "om", "data", "run_dir", "resume", "hosts")
    return any(config.getoption(name, None) for name in names)
