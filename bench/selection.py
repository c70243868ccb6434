"""What a run measures: the options that a user gave, and the cases x backends that follow from them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.backends.base import Options as BackendOptions
    from cases.case import Case

HOUSE = Path(__file__).resolve().parents[1]


def cases_folder() -> Path:
    """The folder with the models' folders: OMGATE_CASES, else this project's `cases/`."""
    given = os.environ.get("OMGATE_CASES")
    return Path(given).absolute() if given else HOUSE / "cases"


@dataclass(frozen=True)
class Options:
    """The options of `pytest bench/`, paths absolute."""

    run_dir: Path
    cases_dir: Path
    cases: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    ckpt: Path | None = None
    onnx: Path | None = None
    om: Path | None = None
    data: Path | None = None
    label: str = ""
    limit: int | None = None
    resume: str | None = None
    gate: bool = False
    strict: bool = False
    emulate: bool = False
    device: str | None = None
    attribution: bool = False
    perfstats: bool = False
    hosts: Path | None = None

    def for_backends(self) -> BackendOptions:
        """What of them the backends get."""
        from bench.backends.base import Options as BackendOptions

        return BackendOptions(device=self.device)

    def as_dict(self) -> dict[str, object]:
        """What was given, by name; paths as text. What was not given is left out."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            name: str(value)
            if isinstance(value, Path)
            else list(value)
            if isinstance(value, tuple)
            else value
            for name, value in given.items()
            if value not in (None, (), "", False)
        }


@dataclass(frozen=True)
class Selected:
    """One case on one backend; `missing` says why it can't run here and the way out, empty when it can."""

    case: Case
    backend: str
    missing: str = ""


def select(options: Options) -> list[Selected]:
    """Cases x backends of a run, in the order of the case files.

    Raises OmgateError for an unknown name, and for a backend or a case that was named but can't run here: what nobody named is
    listed with the reason instead, and the caller skips it (or fails, under --gate).
    """
    from cases.case import load_all

    loaded = load_all(options.cases_dir)
    _check_names("case", options.cases, [case.name for case in loaded])
    _check_names("backend", options.backends, sorted({name for case in loaded for name in case.backends}))
    chosen = [case for case in loaded if not options.cases or case.name in options.cases]
    if options.data and not options.cases:
        chosen = _default_for_own_data(chosen)
    selected = []
    for case in chosen:
        overridden = case.with_overrides(
            ckpt=options.ckpt, onnx=options.onnx, om=options.om, data=options.data
        )
        names = [name for name in case.backends if not options.backends or name in options.backends]
        selected += [
            Selected(overridden, name, missing(overridden, name, options.for_backends())) for name in names
        ]
    _refuse_what_was_named(options, selected)
    return selected


def missing(case: Case, backend: str, options: BackendOptions) -> str:
    """Why a case can't run on a backend here, and the way out; empty when it can."""
    from bench.backends import get

    if not case.data.present:
        return case.data.way_out
    availability = get(backend).available(case, options)
    return "" if availability.ok else f"{availability.reason}; {availability.way_out}"


def _default_for_own_data(cases: Sequence[Case]) -> list[Case]:
    """With --data and no --case: the first case alone, since all cases of a model would measure the same thing."""
    return list(cases[:1])


def _check_names(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise OmgateError(f"--{what} {name}: unknown; there are {', '.join(known) or 'none'}{hint}")


def _refuse_what_was_named(options: Options, selected: Sequence[Selected]) -> None:
    """A name that the user typed must not end as a skip that nobody reads."""
    for name in options.cases:
        mine = [item for item in selected if item.case.name == name]
        if mine and all(item.missing for item in mine):
            raise OmgateError(f"--case {name}: {mine[0].missing}")
    for name in options.backends:
        here = [item for item in selected if item.backend == name and item.case.data.present]
        bad = [item for item in here if item.missing]
        if bad and len(bad) == len(here):
            raise OmgateError(f"--backend {name}: {bad[0].missing}")
        if not here:
            raise OmgateError(
                f"--backend {name}: no case that can run here has it; `omgate doctor` tells more"
            )


RECORDED = ("cases", "backends", "ckpt", "onnx", "om", "data", "limit", "label", "emulate", "device", "hosts")
"""Options that a resumed run takes from its record."""


def resumed(options: Options) -> Options:
    """The options with those of the run that `--resume` names. Raises OmgateError where another value was given now, ReportError for no run."""
    from reports.record import find, read

    if not options.resume:
        return options
    run = read(find(options.run_dir, options.resume)).run
    changes: dict[str, object] = {}
    for name in RECORDED:
        value = run.options.get(name)
        if name in ("cases", "backends"):
            value = tuple(value or ())
        elif name == "label":
            value = value or ""
        elif name == "emulate":
            value = bool(value)
        elif value is not None and name not in ("limit", "device"):
            value = Path(value)
        given = getattr(options, name)
        if given not in (None, (), "", False) and given != value:
            raise OmgateError(
                f"--resume {options.resume}: {name} is {_said(given)}, the run began with {_said(value)}; leave the option out"
            )
        changes[name] = value
    # What was measured before is in the record and stays: asking for more than the run began with is fine.
    changes["perfstats"] = options.perfstats or bool(run.options.get("perfstats"))
    return replace(options, **changes)  # type: ignore[arg-type]


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
