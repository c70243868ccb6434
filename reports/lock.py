"""Who writes a run: a lock file in its folder, held as long as the process lives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.errors import ReportError
from reports.run import LOCK_FILE

if TYPE_CHECKING:
    from filelock import BaseFileLock


@dataclass
class FolderLock:
    """A lock that this process holds; the system lets go of it when the process ends, however it ends."""

    _lock: BaseFileLock

    @classmethod
    def take(cls, folder: Path) -> FolderLock:
        """The lock of a run's folder. ReportError if another process, or another writer here, holds it."""
        from filelock import FileLock, Timeout

        lock = FileLock(folder / LOCK_FILE, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ReportError(f"{folder}: a process is writing this run; wait for it or end it") from None
        except (OSError, NotImplementedError) as error:
            raise ReportError(
                f"{folder / LOCK_FILE}: can't be locked ({error}); choose --run-dir=DIR elsewhere"
            ) from error
        return cls(lock)

    def release(self) -> None:
        """Lets go of it."""
        self._lock.release()
