"""One run: cases x backends measured image by image into the run record, and the verdicts on them."""

from __future__ import annotations

import getpass
import hashlib
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.environment import Environment
    from bench.evaluate import Result
    from bench.progress import Bar
    from bench.selection import Options, Selected
    from cases.case import Case
    from cases.dataset import Dataset
    from reports.image import ImageRecord
    from reports.record import RunWriter
    from reports.verdict import Verdict

HOUSE = Path(__file__).resolve().parents[1]

DEPENDENT = ("simplejpeg", "opencv-python-headless", "numpy")
"""Packages whose version can change a decoded pixel: with another one, counts are compared within numerics."""


class Session:
    """The run of one pytest session. `begin` writes the record's first line; every image is in it before the next is looked at."""

    def __init__(self, writer: RunWriter, options: Options, environment: Environment, bar: Bar) -> None:
        self.writer = writer
        self._options = options
        self._environment = environment
        self._bar = bar
        self._datasets: dict[str, Dataset] = {}
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._closed = False

    @classmethod
    def begin(cls, options: Options, pairs: Sequence[Selected], bar: Bar) -> Session:
        """Opens the record of a new run, or of the one to resume; derives ground truth that is derived. Raises OmgateError, ReportError."""
        raise NotImplementedError

    def close(self) -> None:
        """Finishes the record: once, and only when everything that was asked for was measured."""
        raise NotImplementedError
