"""sdk.conf by the SDK's own rules, read and edited (perf-logs reference, "sdk.conf"; Vision SDK: ConfigUtil, MxStreamManagerDptr).

A reader that is kinder than the SDK's would hide its traps: `#` ends a line anywhere, only spaces are trimmed, the first of two equal
keys counts, and a number that is missing or can't be read is 0 and so becomes the smallest that is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cases.errors import OmgateError

MOST_CHARACTERS = 10_000
"""Characters of a line, and MOST_LINES lines: beyond either the SDK can't load the file, and statistics are off."""

MOST_LINES = 100_000

RANGES = {
    "ps_interval_time": (1, 86400),
    "ps_max_log_size": (1, 20),
    "ps_queue_size_warn_percent": (0, 100),
    "ps_queue_size_interval_time": (10, 1000),
    "ps_queue_size_times": (1, 1000),
}
"""Smallest and largest value; seconds, MB, per cent, milliseconds, looks at a queue."""

DEFAULT_NAME = "performance—statistics.log"
"""Compiled in, with an em dash; the shipped file has a hyphen."""


@dataclass(frozen=True)
class SdkConf:
    """What the SDK takes from sdk.conf. `log_dir` as written: relative is below ~/log/mindxsdk (current SDKs)."""

    enable_ps: bool
    log_dir: str
    log_filename: str
    interval_seconds: int
    max_log_mb: int
    queue_warn_percent: int
    queue_interval_ms: int
    queue_times: int

    def folder(self, home: Path) -> Path:
        """The folder of the logs, for a user whose home is `home`."""
        return home / "log" / "mindxsdk" / self.log_dir  # an absolute log_dir replaces all before it


def loadable(content: bytes) -> str:
    """Return why the SDK can't load a file of this content, empty if it can."""
    lines = content.split(b"\n")
    if len(lines) > MOST_LINES:
        return f"{len(lines)} lines, more than {MOST_LINES}"
    longest = max(len(line) for line in lines)
    return f"a line of {longest} characters, more than {MOST_CHARACTERS}" if longest > MOST_CHARACTERS else ""


def values(content: bytes) -> dict[str, str]:
    """Return the text of each key, spaces around it removed; the first of two equal keys."""
    found: dict[str, str] = {}
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        key, equals, value = line.partition("#")[0].partition("=")
        if equals:
            found.setdefault(key.strip(" "), value.strip(" "))
    return found


def parse(content: bytes) -> SdkConf:
    """Return what the SDK makes of an sdk.conf. A file that it can't load leaves statistics off, with built-in values."""
    if loadable(content):
        return SdkConf(False, "logs", DEFAULT_NAME, 60, 20, 80, 50, 100)
    found = values(content)
    numbers = {key: _clamped(found.get(key, ""), *bounds) for key, bounds in RANGES.items()}
    return SdkConf(
        enable_ps=found.get("enable_ps", "").lower() == "true",
        log_dir=_word(found.get("ps_log_dir", "")) or "logs",
        log_filename=_word(found.get("ps_log_filename", "")) or DEFAULT_NAME,
        interval_seconds=numbers["ps_interval_time"],
        max_log_mb=numbers["ps_max_log_size"],
        queue_warn_percent=numbers["ps_queue_size_warn_percent"],
        queue_interval_ms=numbers["ps_queue_size_interval_time"],
        queue_times=numbers["ps_queue_size_times"],
    )


def edit(content: bytes, changes: Mapping[str, str | int | bool]) -> bytes:
    """Return the content with these keys set, so that `parse` gives back the values; all other bytes stay as they are.

    The line that counts (the first of a key) is rewritten, its comment and its line break stay; a key that is not there is appended.
    Raises OmgateError for a value that can't be written (`#`, white space at the wrong place), and for a file that the SDK can't load.
    """
    problem = loadable(content)
    if problem:
        raise OmgateError(f"sdk.conf can't be edited: {problem}; the SDK does not load it either")
    todo = {key: _written(key, value) for key, value in changes.items()}
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    for number, line in enumerate(lines):
        key, equals, _ = line.partition("#")[0].partition("=")
        value = todo.pop(key.strip(" "), None) if equals else None
        if value is not None:
            lines[number] = f"{key}={value}{_comment(line)}"
    if todo and lines[-1]:
        lines.append("")  # the last line had no line break
    lines[-1:] = [*(f"{key}={value}" for key, value in todo.items()), lines[-1]] if todo else lines[-1:]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _comment(line: str) -> str:
    """The comment of a line with a blank before it; a CR at its end breaks values (it stays in them), so it goes."""
    _, mark, text = line.partition("#")
    return f" #{text}" if mark else ""


def _written(key: str, value: str | int | bool) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text or re.search(r"[#\s]", text):
        raise OmgateError(
            f"sdk.conf: {key}={text!r} can't be written: `#` begins a comment, and a value ends at a blank; use another path or name"
        )
    return text


def _word(text: str) -> str:
    """The value up to its first blank or TAB; a CR stays in it, as in the SDK."""
    return re.split("[ \t]", text.lstrip("\t "), maxsplit=1)[0]


def _clamped(text: str, low: int, high: int) -> int:
    found = re.match(r"\s*([+-]?[0-9]{1,18})", text)
    return min(max(int(found[1]) if found else 0, low), high)
