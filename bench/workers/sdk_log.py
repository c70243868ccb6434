"""The MindX SDK's log files of this process: what the SDK says of a failure stands there alone.

No runtime: workers of the SDK import it as `omgate_sdk_log`, and `bench.backends.base.worker_text` puts it into their text.
Files are called mxsdk.log.<process>.<level>.<stamp>.<pid>, their lines are glog's (Vision SDK, Log and logging.conf).
"""

import collections
import io
import os
from typing import Dict, List, Optional

LOG_BYTES = 1 << 16
"""So much of a log, from its end, is searched for a reason."""

LEVELS = (".fatal.", ".error.", ".warn.", ".warning.", ".info.")

_marks: Dict[str, int] = {}


def mark(home: str) -> None:
    """Remember where the logs end now: in a container an earlier run's files can carry this very pid."""
    for path in _files(home):
        _marks[path] = os.path.getsize(path)


def reason(home: str) -> str:
    """Return the text of the last error line that was logged since this was asked for the last time; "" for none."""
    last = ""
    for path in _files(home):
        try:
            with io.open(path, "rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(_marks.get(path, 0), size - LOG_BYTES))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            continue
        _marks[path] = size
        severe = [line for line in text.splitlines() if line[:1] in ("E", "F") and "] " in line]
        if severe and not last:
            last = severe[-1].partition("] ")[2].strip()
    return last


def told(home: str) -> str:
    """Return `reason` as the end of a sentence."""
    found = reason(home)
    return "; the SDK's log says: " + found if found else "; the SDK's log says nothing"


def _files(home: str) -> List[str]:
    """Return this process's log files, the most severe first."""
    found: List[str] = []
    defaults = [os.path.expanduser("~/log/mindxsdk/logs"), "/tmp/log/mindx-sdk"]
    for folder in [_folder(home), *defaults]:
        if folder and os.path.isdir(folder):
            names = [name for name in sorted(os.listdir(folder)) if name.endswith(".%d" % os.getpid())]
            for level in LEVELS:
                found.extend(os.path.join(folder, name) for name in names if level in name.lower())
    return list(collections.OrderedDict.fromkeys(found))


def _folder(home: str) -> Optional[str]:
    """Return logging.conf's log_dir; a relative one lies below ~/log/mindxsdk."""
    for folder in ("config", os.path.join(home, "config")):
        try:
            with io.open(os.path.join(folder, "logging.conf"), encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    key, equals, value = line.partition("#")[0].partition("=")
                    if equals and key.strip() == "log_dir" and value.strip():
                        below = os.path.expanduser("~/log/mindxsdk")
                        return os.path.join(below, os.path.expanduser(value.strip()))
        except OSError:
            continue
    return None
