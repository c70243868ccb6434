"""What is written into a run's folder when pytest ends: report.html, summary.md, junit.xml."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.junitxml import LogXML, xml_key

if TYPE_CHECKING:
    from cases.case import Case

JUNIT_FILE = "junit.xml"


def watch(config: pytest.Config) -> None:
    """Has pytest's own JUnit writer listen from now on, unless the user asked for it with --junitxml or this is a worker of pytest-xdist.

    pytest makes that writer when it is configured, long before the run's folder has a name; only its class can be had later, and that is
    private to pytest. It is told where to write by `write`.
    """
    if config.getoption("xmlpath", None) or hasattr(config, "workerinput"):
        return
    listener = LogXML(
        os.devnull,
        config.getoption("junitprefix", None),
        config.getini("junit_suite_name"),
        config.getini("junit_logging"),
        config.getini("junit_duration_report"),
        config.getini("junit_family"),
        config.getini("junit_log_passing_tests"),
    )
    listener.pytest_sessionstart()
    config.stash[xml_key] = listener
    config.pluginmanager.register(listener, "omgate-junit")


def warm_up() -> None:
    """Has a thread load what the report needs, while the first worker opens its model and this process waits: the end need not wait for it."""

    def load() -> None:
        with contextlib.suppress(Exception):  # what is missing is told at the end, where the report is made
            from reports.html.write import warm_up

            warm_up()

    threading.Thread(target=load, name="omgate-report", daemon=True).start()


def write(
    config: pytest.Config, folder: Path | None, cases: Iterable[Case], report: bool, pictures: bool
) -> list[str]:
    """Writes the files of the run in `folder` (None: no run began) and returns lines that say where they are.

    Must be called before pytest's JUnit writer writes. A report that can't be made is one of the lines, never an error: the run is in its record.
    """
    _place_junit(config, folder)
    if folder is None or not report:
        return []
    try:
        return [f"report: {_report(folder, cases, pictures)}"]
    except Exception as error:  # a bug in a drawing must not turn a night into an internal error of pytest
        return [
            f"report: not written: {type(error).__name__}: {error}; try again: omgate report {folder.name}"
        ]


def _place_junit(config: pytest.Config, folder: Path | None) -> None:
    listener = config.pluginmanager.get_plugin("omgate-junit")
    if not isinstance(listener, LogXML):
        return
    if folder is None:
        config.pluginmanager.unregister(listener)
        del config.stash[xml_key]
    else:
        listener.logfile = str(folder / JUNIT_FILE)


def _report(folder: Path, cases: Iterable[Case], pictures: bool) -> Path:
    from bench.pictures import keep
    from reports.html.write import write as write_report

    if pictures:
        keep(folder, cases)
    return write_report(folder, pictures=pictures).report
