"""What a run's record says its results came from: digests of models, cases and data, how an OM was converted, the code's commit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.selection import Options, Selected
    from reports.run import Digests

HOUSE = Path(__file__).resolve().parents[1]


def digests_of(pairs: Sequence[Selected], options: Options) -> Digests:
    """The digests of a run that measures these pairs; those of the data follow when it has been read. Raises OmgateError."""
    from bench.backends import get
    from bench.backends.base import model_digest
    from bench.convert import provenance
    from reports.run import Conversion, Digests

    models, conversions = {}, {}
    for pair in pairs:
        found = get(pair.backend)
        digest = model_digest(found, pair.case, options.for_backends())
        if digest is not None:
            models[f"{pair.case.name}/{pair.backend}"] = digest
        file = found.model_file(pair.case, options.for_backends())
        made = provenance(file) if file is not None and file.suffix == ".om" else None
        if made is not None:
            told = {name: getattr(made, name) for name in Conversion.__struct_fields__}
            conversions[f"{pair.case.name}/{pair.backend}"] = Conversion(**told)
    commit, clean = _code()
    return Digests(
        models=models,
        conversions=conversions,
        cases={pair.case.name: pair.case.digest() for pair in pairs},
        commit=commit,
        clean=clean,
    )


def _code() -> tuple[str | None, bool | None]:
    """The commit of this code and whether its tree is clean; None where git can't tell."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(HOUSE), *arguments], capture_output=True, text=True, timeout=10, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    status = git("status", "--porcelain")
    return git("rev-parse", "HEAD"), None if status is None else status == ""
