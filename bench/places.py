"""Where the fingerprint looks, and how its files are read: what can't be read is missing, never an error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Where the fingerprint looks: file system root, home folder, environment variables (tests give their own)."""

    root: Path = Path("/")
    home: Path = field(default_factory=Path.home)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def at(self, path: str) -> Path:
        """An absolute path of the machine, below `root`."""
        return self.root / path.lstrip("/")


def text_of(path: Path) -> str | None:
    """The file's text, or None where it can't be read; undecodable bytes are replaced."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def parse_keys(text: str) -> dict[str, str]:
    """`key=value` lines as a dict with lower-case keys (their case varies between releases); skips other lines."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator and not key.lstrip().startswith("#"):
            values.setdefault(key.strip().lower(), value.strip())
    return values


def keys_of(path: Path) -> dict[str, str]:
    """The `key=value` lines of a file (see parse_keys); none where it can't be read."""
    return parse_keys(text_of(path) or "")


def glob(folder: Path, pattern: str) -> list[Path]:
    """What matches in a folder; nothing where it can't be read."""
    try:
        return list(folder.glob(pattern))
    except OSError:
        return []
