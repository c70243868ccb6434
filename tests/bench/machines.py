"""Machines that are folders: files in the genuine layouts, values of a test's own."""

from __future__ import annotations

import textwrap
from pathlib import Path

from bench.environment import Environment, fingerprint
from bench.places import Places


def put(machine: Path, path: str, text: str) -> Path:
    """Writes a file of the machine; `path` is absolute there."""
    file = machine / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))
    return file


def seen(machine: Path, **environ: str) -> Environment:
    """The fingerprint of the machine, with these environment variables alone."""
    return fingerprint(Places(root=machine, home=machine / "home", environ=environ))
