"""What the SDK's own log says about its statistics: the two messages that make latencies worthless (perf-logs, "The start-time queue")."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from bench.perfstats.blocks import open_log
from bench.perfstats.footnotes import Footnotes, shown
from bench.perfstats.model import Code

PIECE_BYTES = 1 << 20

MESSAGES = (
    (
        b"startTimeQueue is full",
        Code.START_TIMES_FULL,
        "more than 1000 buffers under way: latencies are under-reported",
    ),
    (
        b"startTimeQueue is empty",
        Code.START_TIMES_EMPTY,
        "ends without beginnings: samples are missing, and pairs may be wrong",
    ),
)
"""Each is logged at most once in 10 s, so that their number says nothing."""


def look_through(path: str, notes: Footnotes) -> None:
    """Warn about the messages in a log of the SDK, each with its first line and how often it is there."""
    try:
        file, size = open_log(path)
    except OSError as error:
        notes.add(Code.UNREADABLE, shown(path), error.strerror or str(error))
        return
    with file:
        for code, (line, times) in _hits(file, size).items():
            detail = next(text for _, of, text in MESSAGES if of is code)
            message = next(text for text, of, _ in MESSAGES if of is code).decode()
            notes.add(code, f"{shown(path)}:{line}", f"'{message}' {times} times; {detail}")


def _hits(file: BinaryIO, size: int) -> dict[Code, tuple[int, int]]:
    """First line and number of each message."""
    found: dict[Code, tuple[int, int]] = {}
    lines, tail = 1, b""
    overlap = max(len(text) for text, _, _ in MESSAGES) - 1
    while size > 0 and (piece := file.read(min(size, PIECE_BYTES))):
        size -= len(piece)
        text = tail + piece
        for message, code, _ in MESSAGES:
            # What ends within the tail was counted with the piece before.
            fresh = max(0, len(tail) - len(message) + 1)
            times = text.count(message, fresh)
            if times:
                first, before = found.get(code, (lines + text.count(b"\n", 0, text.find(message, fresh)), 0))
                found[code] = (first, before + times)
        tail = text[-overlap:]
        lines += text.count(b"\n", 0, len(text) - len(tail))
    return found


LOG_FOLDERS = ("~/log/mindxsdk/logs", "/tmp/log/mindx-sdk")
"""Where logs are by default: with the shipped logging.conf, and without any."""


def logs_of(home: Path, pid: int | None, since: float) -> tuple[Path, ...]:
    """Return the SDK's own logs of a process from level warning on: files end in its pid, one for each level, which holds higher ones.

    `since`: seconds since 1970; older files are of another process that had this pid. `home`: the SDK's, whose logging.conf may name another folder; a relative one lies below ~/log/mindxsdk.
    """
    if pid is None:
        return ()
    folders = [*_configured(home), *(Path(folder).expanduser() for folder in LOG_FOLDERS)]
    found = {
        path: None
        for folder in folders
        for path in sorted(folder.glob(f"*.[wW][aA][rR][nN]*.{pid}"))
        if path.is_file() and path.stat().st_mtime >= since
    }
    return tuple(found)


def _configured(home: Path) -> list[Path]:
    from bench.perfstats.sdkconf import values

    try:
        given = values((home / "config" / "logging.conf").read_bytes()).get("log_dir", "")
    except OSError:
        return []
    return [Path("~/log/mindxsdk").expanduser() / Path(given).expanduser()] if given else []
