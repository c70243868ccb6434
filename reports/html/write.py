"""A run's report and summaries, written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reports.files import write_atomically
from reports.html.page import compile_template, render
from reports.html.source import Source, load
from reports.markdown import write_summaries

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Written:
    """What was read, and the files that were made of it."""

    source: Source
    report: Path
    summaries: tuple[Path, ...]


def write(folder: Path | str, output: Path | None = None, pictures: bool = True) -> Written:
    """Writes the report of the run in `folder` and its summaries into it; with `output` only the report, there.

    `pictures` False: without any picture of the test set. ReportError if there is no run, or a file can't be written.
    """
    source = load(folder, pictures)
    report = output or Path(folder) / REPORT_FILE
    write_atomically(report, render(source).encode("utf-8", "backslashreplace"))
    summaries = () if output else tuple(write_summaries(source, Path(folder)))
    return Written(source, report, summaries)


def warm_up() -> None:
    """Loads what a report is made with, half of the time that the first one of a process takes; for a moment when nothing is waited for."""
    import cv2  # noqa: F401
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401

    compile_template()
