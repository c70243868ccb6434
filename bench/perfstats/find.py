"""Which files are read: logs by their names, the SDK's own log beside them, and why others are not.

A folder is looked through, and the folders in it (one level: a run's record keeps a folder for each case and backend). A file that is
named itself must have the name of a log. Links, FIFOs and devices are passed over with a reason.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.perfstats.footnotes import Footnotes, shown
from bench.perfstats.model import Code
from bench.perfstats.names import KINDS, LogName, parse

_SDK_LOG = re.compile(
    r".*mxsdk.*\.log.*|mxsdk\.log\..*|.*\.log\.(?:INFO|WARNING|WARN|ERROR)\..*", re.IGNORECASE | re.DOTALL
)
"""Names of the SDK's own log files (logging.conf: base_filename `mxsdk.log.`, level, time). Exact form unconfirmed."""


class Part(NamedTuple):
    """A file of a log."""

    path: str
    name: LogName


class Owner(NamedTuple):
    """Whose logs: folder, process, pid; the last two None where file names do not tell. The same pid in another folder is another."""

    folder: str
    process: str | None
    pid: int | None


@dataclass
class Found:
    """Parts by owner and kind, in the order in which they were written; and the SDK's own logs."""

    parts: dict[Owner, dict[str, list[Part]]] = field(default_factory=dict)
    sdk_logs: list[str] = field(default_factory=list)

    def sorted(self) -> list[tuple[Owner, dict[str, list[Part]]]]:
        """Owners by folder, name and number."""
        return sorted(
            self.parts.items(), key=lambda item: (item[0].folder, item[0].process or "", item[0].pid or -1)
        )


def find(paths: Sequence[str | Path], notes: Footnotes) -> Found:
    """What there is to be read at these paths; each file once, whatever the paths."""
    found = Found()
    seen: set[tuple[int, int]] = set()
    for path in paths:
        text = os.fspath(path)
        for file, named in _files(text, notes):
            _take(file, named, found, seen, notes)
    for kinds in found.parts.values():
        for parts in kinds.values():
            parts.sort(key=lambda part: (part.name.order, part.path))
    found.sdk_logs.sort()
    if not found.parts:
        where = ", ".join(shown(os.fspath(path)) for path in paths)
        notes.add(
            Code.NOTHING_FOUND,
            where,
            "no statistics log here: its name would be NAME.e2e.... (or plugin, tpr, queue)",
        )
    return found


def _files(path: str, notes: Footnotes) -> Iterator[tuple[str, bool]]:
    """The files of a path, and whether it was itself named."""
    if not os.path.isdir(path):
        yield path, True
        return
    for entry in _entries(path, notes):
        if entry.is_dir(follow_symlinks=False):
            for inner in _entries(entry.path, notes):
                if not inner.is_dir(follow_symlinks=False):
                    yield inner.path, False
        else:
            yield entry.path, False


def _entries(folder: str, notes: Footnotes) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        notes.add(Code.UNREADABLE, shown(folder), error.strerror or str(error))
        return []


def _take(path: str, named: bool, found: Found, seen: set[tuple[int, int]], notes: Footnotes) -> None:
    name = parse(os.path.basename(path))
    sdk_log = name is None and _SDK_LOG.fullmatch(os.path.basename(path)) is not None
    if name is None and not sdk_log and not named:
        return  # folders of logs hold other things, too
    try:
        state = os.lstat(path)
    except (OSError, ValueError) as error:
        notes.add(Code.UNREADABLE, shown(path), getattr(error, "strerror", None) or str(error))
        return
    if stat.S_ISLNK(state.st_mode):
        notes.add(
            Code.SYMBOLIC_LINK,
            shown(path),
            "a link, which the SDK does not write; name the file that it points to",
        )
    elif not stat.S_ISREG(state.st_mode):
        notes.add(Code.NOT_A_FILE, shown(path), "no regular file; passed over")
    elif name is None and not sdk_log:
        notes.add(
            Code.NOT_A_LOG, shown(path), f"not the name of a statistics log (NAME.{'|'.join(KINDS)}.TIME)"
        )
    elif (state.st_dev, state.st_ino) not in seen:
        seen.add((state.st_dev, state.st_ino))
        if name is None:
            found.sdk_logs.append(path)
        else:
            owner = Owner(os.path.realpath(os.path.dirname(path) or "."), name.process, name.pid)
            found.parts.setdefault(owner, {}).setdefault(name.kind, []).append(Part(path, name))
