"""A lock file per device keeps two runs of a user off it."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from cases.errors import OmgateError


class DeviceBusy(OmgateError):
    """Another process holds the device's lock file."""


def lock_folder() -> Path:
    """Return the folder of this user's device locks."""
    import platformdirs

    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR it falls back to the temporary folder, which is fine.
        warnings.simplefilter("ignore")
        folder = Path(platformdirs.user_runtime_dir("omgate"))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"omgate-{os.getuid()}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextlib.contextmanager
def device_lock(device: str | None, folder: Path | None = None) -> Iterator[None]:
    """Hold the lock of a device by name ("ascend-0"), so that two runs of a user keep off it; None holds nothing.

    Raises DeviceBusy with the holder's process id. The kernel lets go of the lock when its holder dies.
    """
    if device is None:
        yield
        return
    import filelock

    path = (folder or lock_folder()) / (re.sub(r"[^\w.-]", "_", device) + ".lock")
    holder = path.with_suffix(".pid")  # not in the lock file itself: filelock truncates that when it tries
    lock = filelock.FileLock(path, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        try:
            who = f"process {int(holder.read_text())}"
        except (OSError, ValueError):
            who = "another process"
        raise DeviceBusy(
            f"device {device} is in use by {who} ({path}): wait for it to end, or choose another with --device"
        ) from None
    try:
        holder.write_text(str(os.getpid()))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
