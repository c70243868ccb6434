"""Names of statistics files: three generations of them (perf-logs reference, "Names").

A  NAME.TYPE.YYYYMMDD-HHMMSS.USEC           SDK 2.0.x; microseconds are not padded
B  NAME.TYPE.YYYY-MM-DD HH:MM:SS            3.0.RC
C  NAME.TYPE.PROCESS.PID.YYYY-MM-DD HH:MM:SS
"""

from __future__ import annotations

import re
from typing import NamedTuple

KINDS = ("e2e", "tpr", "plugin", "queue")
"""The files of a process, in the order in which they are read: what says where windows begin comes first."""

# Read from the right: NAME and PROCESS may hold dots and blanks. DOTALL: a name may even hold a line break.
_NAME = re.compile(
    r"(?P<name>.+?)\.(?P<kind>e2e|plugin|tpr|queue)\.(?:(?P<process>.+)\.(?P<pid>[0-9]{1,10})\.)?"
    r"(?:(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})|(?P<old>[0-9]{8}-[0-9]{6})\.(?P<usec>[0-9]{1,6}))",
    re.DOTALL,
)


class LogName(NamedTuple):
    """What a file's name says; `process` and `pid` are None in generations A and B. `order` sorts the parts of one log."""

    name: str
    kind: str
    process: str | None
    pid: int | None
    order: tuple[str, int]


def parse(name: str) -> LogName | None:
    """Return what a file's name says; None if it is not that of a statistics file."""
    found = _NAME.fullmatch(name)
    if found is None or (found["process"] is not None and found["old"] is not None):
        return None
    if found["old"] is not None:
        order = (found["old"], int(found["usec"]))
    else:
        order = (re.sub("[-:]", "", found["stamp"]).replace(" ", "-"), 0)
    pid = None if found["pid"] is None else int(found["pid"])
    return LogName(found["name"], found["kind"], found["process"], pid, order)
