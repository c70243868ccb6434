"""A run takes over how its models were trained, where a training's log lies beside a model's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench import training_log
from cases.errors import OmgateError
from cases.wording import shown
from reports.errors import ReportError

if TYPE_CHECKING:
    from bench.backends.base import Options
    from bench.selection import Selected
    from reports.record import RunWriter
    from reports.run import Digests
    from reports.training import TrainedModel

CHECKPOINT_BACKEND = "ckpt"


def keep(writer: RunWriter, pairs: Sequence[Selected], options: Options) -> None:
    """Put the trainings of the models that a run measures into its record; one that can't be read is a warning of the run."""
    from bench.backends import get
    from reports.training import write

    found_files = {
        (pair.case.name, pair.backend): get(pair.backend).model_file(pair.case, options) for pair in pairs
    }
    files = {key: path for key, path in found_files.items() if path is not None}

    models = []
    for case in dict.fromkeys(case for case, _ in files):
        try:
            found, problems = of_case(case, files, writer.run.digests)
        except OmgateError as error:
            found, problems = None, [str(error)]
        if problems:
            writer.warn(*problems)
        if found is not None:
            models.append(found)
    try:
        if models:
            write(writer.folder, models)
    except ReportError as error:  # a curve less is no reason not to measure
        writer.warn(str(error))


def of_case(
    case: str, files: Mapping[tuple[str, str], Path], digests: Digests
) -> tuple[TrainedModel | None, list[str]]:
    """A case's model with its trainings, None where none of its files has a log beside it; and what could not be read. Raises OmgateError."""
    from reports.training import TrainedModel

    mine = {backend: path for (of, backend), path in files.items() if of == case}
    for backend in sorted(
        mine, key=lambda name: name != CHECKPOINT_BACKEND
    ):  # the checkpoint is what was trained
        log = training_log.log_of(mine[backend])
        if log is None:
            continue
        reads, problems = training_log.chain(log)
        named, digest = reads[-1].checkpoint, digests.models.get(f"{case}/{backend}")
        by_digest = backend == CHECKPOINT_BACKEND and named is not None and named == digest
        if backend == CHECKPOINT_BACKEND and named is not None and not by_digest:
            raise OmgateError(
                f"{shown(log)}: the log of another checkpoint (SHA-256 {named[:12]}) than {mine[backend].name}; so the run has no training curve"
            )
        model = TrainedModel(
            case=case,
            model=shown(mine[backend].name),
            backends=tuple(_of_this_model(case, log, mine, digests)),
            by_digest=by_digest,
            trainings=tuple(read.training for read in reads),
        )
        return model, problems
    return None, []


def _of_this_model(case: str, log: Path, mine: Mapping[str, Path], digests: Digests) -> Iterable[str]:
    """The backends whose files the log lies beside by name, and those whose OM was converted from one of these files."""
    named = [backend for backend, path in mine.items() if training_log.log_of(path) == log]
    sources = {digests.models.get(f"{case}/{backend}") for backend in named}
    for backend in mine:
        made = digests.conversions.get(f"{case}/{backend}")
        if backend in named or (made is not None and made.source_sha256 in sources):
            yield backend
