"""Files that are replaced as a whole, and names that every file system takes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import unicodedata
from pathlib import Path

from reports.errors import ReportError

TEMPORARY = ".part"
"""Suffix of a file that is being written; one that is left over was torn by a kill."""


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`: a reader, and a kill at any moment, finds the old content or the new one.

    Raises ReportError when it can't be written; the old content is still there then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise ReportError(
            f"{path}: can't be written ({error.strerror or error}); free space or mend its rights"
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed `write_atomically` left in `folder`."""
    for path in folder.glob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):
            path.unlink()


def safe_name(text: str, longest: int = 40) -> str:
    """What of `text` every file system takes as part of a name: ASCII letters and digits, `.`, `_`, `-`; may be empty."""
    letters = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", letters)
    name = re.sub(r"\.{2,}", ".", name)
    name = re.sub(r"-{2,}", "-", name)
    return name.strip("-.")[:longest].strip("-.")


def hashed_name(text: str) -> str:
    """A readable file name that is different for every text, also where case does not count."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    return f"{safe_name(text, 60) or 'x'}-{digest}"
