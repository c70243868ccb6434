"""What run.json holds: one run over cases x backends. Schema: docs/record.md."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from reports.attribution import Attribution
from reports.errors import ReportError
from reports.files import safe_name
from reports.parity import Parity
from reports.summary import Summary
from reports.timing import TimingSummary
from reports.verdict import Verdict
from reports.versioned import read_versioned

SCHEMA = 1
"""Version of run.json and images.jsonl; rises when a reader of the old one would misread the new one."""

RUN_FILE = "run.json"
IMAGES_FILE = "images.jsonl"
LOCK_FILE = ".lock"
MAPS_FOLDER = "maps"

RANDOM = string.ascii_lowercase + string.digits


class CaseEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A case of the run: `images` that it set out to evaluate, of the `available` ones."""

    name: str
    images: tuple[str, ...]
    available: int
    title: str = ""
    title_zh: str = ""
    synthetic: bool = False
    limit: int | None = None
    data_overridden: bool = False
    policy: str = ""
    ground_truth: str = ""


class BackendEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A backend on a case: what it ran on, or why it could not and the way out; `info` is the worker's."""

    case: str
    name: str
    soc: str
    precision: str
    available: bool = True
    reason: str = ""
    advice: str = ""
    info: dict[str, Any] = {}


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """How an OM came about, as `omgate convert` wrote it beside the file. `cann` is `emulated` where the emulated atc made it."""

    source: str
    source_sha256: str
    command: tuple[str, ...]
    tool: str
    tool_version: str | None = None
    soc_version: str
    cann: str | None = None
    seconds: float


class Digests(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured: `models` and `conversions` by `case/backend`, `data` and `cases` by case; the code's commit and whether its tree was clean."""

    models: dict[str, str] = {}
    conversions: dict[str, Conversion] = {}
    data: dict[str, str | None] = {}
    cases: dict[str, str] = {}
    commit: str | None = None
    clean: bool | None = None


class SummaryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The summary of one case x backend; `wall_seconds` around its evaluation."""

    case: str
    backend: str
    summary: Summary
    wall_seconds: float | None = None


class VerdictEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict on one case x backend; `kind` is `accuracy`, `latency`, `throughput` or `perfstats`."""

    case: str
    backend: str
    verdict: Verdict
    kind: str = "accuracy"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """All of run.json. `started`, `resumed`, `finished` are instants (UTC, ISO 8601); `finished` is None while running or killed."""

    schema: int
    id: str
    label: str
    started: str
    resumed: tuple[str, ...] = ()
    finished: str | None = None
    options: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    cases: tuple[CaseEntry, ...] = ()
    backends: tuple[BackendEntry, ...] = ()
    digests: Digests = Digests()
    summaries: tuple[SummaryEntry, ...] = ()
    verdicts: tuple[VerdictEntry, ...] = ()
    parity: tuple[Parity, ...] = ()
    timings: tuple[TimingSummary, ...] = ()
    attribution: tuple[Attribution, ...] = ()
    warnings: tuple[str, ...] = ()

    def case(self, name: str) -> CaseEntry | None:
        """The entry of a case."""
        return next((entry for entry in self.cases if entry.name == name), None)

    def backend(self, case: str, name: str) -> BackendEntry | None:
        """The entry of a backend on a case."""
        return next((entry for entry in self.backends if entry.case == case and entry.name == name), None)

    def summary(self, case: str, backend: str) -> Summary | None:
        """The summary of a case on a backend."""
        return next((e.summary for e in self.summaries if e.case == case and e.backend == backend), None)

    def verdict(self, case: str, backend: str, kind: str = "accuracy") -> Verdict | None:
        """The verdict on a case on a backend."""
        found = (e for e in self.verdicts if e.case == case and e.backend == backend and e.kind == kind)
        return next((entry.verdict for entry in found), None)

    def parity_of(self, case: str, backend: str, other: str) -> Parity | None:
        """How far two backends are apart on a case."""
        return next((entry for entry in self.parity if entry.key == (case, backend, other)), None)

    def attribution_of(self, case: str) -> Attribution | None:
        """Where the difference of a case comes from, if it was traced."""
        return next((entry for entry in self.attribution if entry.case == case), None)


def instant(moment: datetime) -> str:
    """An instant as records hold it: UTC, microseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """The moment of an instant; ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def new_id(label: str, moment: datetime) -> str:
    """A run's id: start (UTC), what of the label a file name can hold, 6 random characters."""
    start = moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{start}-{safe_name(label) or 'run'}-{''.join(secrets.choice(RANDOM) for _ in range(6))}"


def read_run(folder: Path) -> Run:
    """The run.json of a run's folder. ReportError if it is not there, is broken, or is of a newer omgate."""
    found = read_versioned(folder / RUN_FILE, Run, SCHEMA, "run record", "remove the folder if it is one")
    if found is None:
        raise ReportError(f"{folder}: no {RUN_FILE}, so no run; see `omgate runs` for those that there are")
    return found
