"""A file of the performance statistics: its name, when it is followed by another, and its modes (Vision SDK, PerformanceStatisticsLog).

The name carries process, pid and the time of the first record in UTC+8, whatever the time zone of the machine.
"""

from __future__ import annotations

import os
import stat
import time
from typing import List, Tuple

from omgate_emulator import log
from omgate_emulator.config import MB
from omgate_emulator.meters import Limited, Wall

EAST_SECONDS = 8 * 3600
LIVE_MODE, ARCHIVED_MODE, FOLDER_MODE = 0o640, 0o440, 0o750
DAY_SECONDS = 86400
WHERE = "PerformanceStatisticsLog.cpp:112"


class StatFile:
    """The file that the records of one kind (`e2e`, `plugin`, `tpr`, `queue`) go to."""

    def __init__(self, folder: str, name: str, kind: str, process: Tuple[str, int], wall: Wall) -> None:
        self.max_bytes = 10 * MB
        self._folder = folder
        self._prefix = f"{name}.{kind}.{process[0]}.{process[1]}."
        self._wall = wall
        self._descriptor = -1
        self._path = ""
        self._written = 0
        self._refused = Limited("Performance statistics can't be written: ", WHERE)

    def write(self, line: str) -> None:
        """Append one record with its line break; the first one creates the file. What can't be written is logged and lost."""
        content = line.encode("utf-8", "surrogateescape")
        try:
            if self._descriptor < 0:
                self._open()
            os.write(self._descriptor, content)
            self._written += len(content)
            if self._written >= self.max_bytes:
                self.close()
                self._open()
        except OSError as error:
            self._refused.at(self._wall(), f"{error.filename or self._folder}: {error.strerror}")

    def close(self) -> None:
        """Close the file and make it read-only."""
        if self._descriptor >= 0:
            os.fchmod(self._descriptor, ARCHIVED_MODE)
            os.close(self._descriptor)
            self._descriptor = -1

    def prune(self, days: int, number: int) -> None:
        """Remove this process's own closed files: all but the newest `number`, and those from `days` days before the newest."""
        names = self._ours()
        if not names:
            return
        newest = _seconds(names[-1][len(self._prefix) :])
        for index, name in enumerate(reversed(names)):
            path = os.path.join(self._folder, name)
            old = newest - _seconds(name[len(self._prefix) :]) >= days * DAY_SECONDS
            if (index >= number or old) and path != self._path:
                try:
                    os.unlink(path)
                except OSError as error:
                    log.warn(f"{path} can't be removed: {error.strerror}", WHERE)

    def _ours(self) -> List[str]:
        try:
            found = os.listdir(self._folder)
        except OSError:
            return []
        # Names end in a time of fixed width: their order is that of time.
        return sorted(name for name in found if name.startswith(self._prefix))

    def _open(self) -> None:
        if os.path.islink(self._folder):
            raise OSError(0, "the folder is a link, which is refused", self._folder)
        os.makedirs(self._folder, FOLDER_MODE, exist_ok=True)
        self._path = os.path.join(self._folder, self._prefix + east(self._wall() // 1000000))
        if os.path.lexists(self._path) and stat.S_ISREG(os.lstat(self._path).st_mode):
            os.chmod(self._path, LIVE_MODE)  # closed within this second: it goes on
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, LIVE_MODE)
        os.fchmod(self._descriptor, LIVE_MODE)
        self._written = 0


def east(seconds: int) -> str:
    """Return the time in UTC+8 as `YYYY-MM-DD HH:MM:SS`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + EAST_SECONDS))


def update_time(wall: Wall) -> str:
    """Return the time for `updateTime`: UTC+8, microseconds without zeros before them.

    Second and microsecond are of two looks at the clock, as in the SDK: at the turn of a second the value is up to one too late.
    """
    microseconds = wall() % 1000000
    return f"{east(wall() // 1000000)}.{microseconds}"


def _seconds(stamp: str) -> float:
    try:
        return time.mktime(time.strptime(stamp, "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return 0.0
