"""`--perfstats`: the SDK's statistics of a case on a backend, switched on for a worker of their own, into the run's record."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import statistics as stdlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.perfstats.checks import checked
from bench.perfstats.passes import NoStatistics, Pixels, Sent, send
from bench.perfstats.plan import Plan, plan
from bench.perfstats.switch import SDK_CONF, Switch, edited_home, own_config
from cases.errors import OmgateError
from reports.files import safe_name
from reports.perfstats import LOGS_FOLDER, Entry, Method

if TYPE_CHECKING:
    from bench.gateway import WorkerSpec

BACKENDS = ("om-sdk",)
"""Backends whose interface goes through streams, which alone are measured by the SDK's statistics."""

NOT_APPLICABLE = "no performance statistics: the interface does not go through streams, which alone have them"

DROP_FIRST = DROP_LAST = 1
"""The first window with frames holds the end of loading, the last one is cut off (perf-logs reference, "Steady-state selection")."""

METHODS: tuple[Method, ...] = ("own-config", "edited-home")
"""In the order in which they are tried."""

WORK = ".work"
"""Where a measurement's config and logs are while it lasts, in the folder of its logs."""


def image_seconds(seconds: Sequence[Mapping[str, float]]) -> float:
    """Return the median time of an image from what accuracy measured: transfer and infer, seconds. Raises OmgateError for none."""
    found = [item.get("transfer", 0.0) + item["infer"] for item in seconds if "infer" in item]
    if not found:
        raise OmgateError("--perfstats: no image has a result, so there is nothing to measure")
    return max(stdlib.median(found), 1e-6)


def measure(
    spec: WorkerSpec,
    home: Path,
    images: Pixels,
    seconds: float,
    run: Path,
    case: str,
    backend: str,
    soc: str,
    tick: Callable[[int, int], None] = lambda done, total: None,
    methods: Sequence[Method] = METHODS,
) -> Entry:
    """Return the statistics of `images`, which take about `seconds` each; the logs are in the run's folder then.

    `home`: the SDK's. `methods`: ways of switching on, tried in their order.
    Raises OmgateError where no way makes the SDK write statistics, or the worker can't be opened.
    """
    chosen = plan(len(images), seconds)
    folder = run / LOGS_FOLDER / f"{safe_name(case)}-{safe_name(backend)}"
    refusals = []
    for method in methods:
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed here
        try:
            with _switched(method, home, folder / WORK, chosen) as switch:
                sent = send(
                    dataclasses.replace(spec, cwd=switch.cwd), images, chosen, lambda: switch.written, tick
                )
            entry = _collected(switch, sent, folder, home, (case, backend, soc))
            return checked(entry, sent)
        except NoStatistics as error:
            refusals.append(f"{method}: {error}")
        finally:
            shutil.rmtree(folder / WORK, ignore_errors=True)
    raise OmgateError(
        f"--perfstats: {home} writes no statistics ({'; '.join(refusals)}); look at enable_ps and ps_log_dir in {home}/config/{SDK_CONF}"
    )


@contextlib.contextmanager
def _switched(method: Method, home: Path, work: Path, chosen: Plan) -> Iterator[Switch]:
    if method == "own-config":
        yield own_config(home, work, chosen.interval_seconds)
    else:
        with edited_home(home, work, chosen.interval_seconds) as switch:
            yield switch


def _collected(switch: Switch, sent: Sent, folder: Path, home: Path, whose: tuple[str, str, str]) -> Entry:
    """The logs moved beside the run's record and read; with them the sdk.conf that was used and what the SDK's own log warns of."""
    from bench.perfstats.each_window import windows_of
    from bench.perfstats.reader import read
    from bench.perfstats.sdklog import logs_of

    own = None if switch.cwd is None else switch.cwd / "config" / SDK_CONF
    switch.collect(folder)
    if own is not None:
        shutil.copyfile(own, folder / SDK_CONF)
    for log in logs_of(home, sent.pid, sent.started):
        with contextlib.suppress(OSError):  # the numbers stand without it
            shutil.copyfile(log, folder / log.name)
    case, backend, soc = whose
    return Entry(
        case=case,
        backend=backend,
        soc=soc,
        interval_seconds=switch.interval_seconds,
        passes=sent.passes,
        method=switch.method,
        drop_first=DROP_FIRST,
        drop_last=DROP_LAST,
        images=len(sent.round_trips),
        result=read(folder, drop_first=DROP_FIRST, drop_last=DROP_LAST),
        windows=windows_of([folder], switch.interval_seconds, DROP_FIRST, DROP_LAST),
    )
