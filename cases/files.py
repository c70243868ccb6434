"""Reading a data set's file whole, where anything may lie under its name: a folder, a pipe, a loop of links, a terabyte."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class UnfitError(Exception):
    """What makes a file unfit to be read: the rest of a sentence that starts with its name."""


class OversizeError(UnfitError):
    """A file of more bytes than can be right."""


def read_regular(path: Path, most_bytes: int) -> tuple[bytes, os.stat_result]:
    """A regular file's bytes, and the `stat` under which they were read. Raises OSError, and UnfitError for what is no such file."""
    for _ in range(3):  # again when it was being written meanwhile
        # O_NONBLOCK: opening a pipe that nobody writes to must not hold the run up.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(handle)
            _refuse_odd(before, most_bytes)
            with os.fdopen(handle, "rb", closefd=False) as stream:
                content = stream.read(before.st_size + 1)
            after = os.fstat(handle)
        finally:
            os.close(handle)
        if _state(before) == _state(after) and len(content) == before.st_size:
            return content, before
    raise UnfitError("changes while it is read; wait until it is written")


def _refuse_odd(status: os.stat_result, most_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnfitError("is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise UnfitError("is no regular file")
    if status.st_size > most_bytes:
        raise OversizeError(
            f"has {status.st_size / 1e6:,.1f} MB; at most {most_bytes / 1e6:,.1f} MB can be right here"
        )


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
