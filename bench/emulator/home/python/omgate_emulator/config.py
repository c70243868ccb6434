"""What sdk.conf and logging.conf say, read by the SDK's own rules (Vision SDK: ConfigUtil, MxStreamManagerDptr, Log).

The rules are full of traps, and a reader that is kinder than the SDK's would hide them: only spaces are trimmed, the first of two
equal keys counts, `#` ends a line anywhere, a number that is missing or can't be read is 0 and then raised to its minimum.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Dict, NamedTuple, Optional, Tuple

MB = 1024 * 1024
LINE_CHARACTERS = 10000
"""A longer line makes the whole file unreadable (Vision SDK, ConfigUtil)."""

LINES = 100000
"""As does a file of more lines."""

WIDEST_MODE = 0o640
"""A file in ./config that others can read, or anyone else can write, is passed over."""

SDK_CONF = "sdk.conf"
LOGGING_CONF = "logging.conf"
DEFAULT_LOG_DIR = "/tmp/log/mindx-sdk"
"""Where logs go without any logging.conf."""

RANGES = {
    "ps_max_log_size": (1, 20),
    "ps_queue_size_warn_percent": (0, 100),
    "ps_interval_time": (1, 24 * 3600),
    "ps_queue_size_interval_time": (10, 1000),
    "ps_queue_size_times": (0, 1000),
}
"""Smallest and largest value of each dynamic number (perf-statistics keys of sdk.conf)."""

MALLOC_LIMIT = 4 << 30
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class ConfigError(Exception):
    """The file can't be loaded as a whole; built-in values hold."""


class SdkConf(NamedTuple):
    """sdk.conf as the SDK takes it, in the units of the file; the defaults are those of a run without any sdk.conf."""

    path: str = ""
    """The file, empty where none could be loaded."""

    enable_ps: bool = False
    ps_log_dir: str = "logs"
    """Absolute, except without any sdk.conf: then relative to the working directory."""

    ps_log_filename: str = "performance—statistics.log"
    """The compiled-in name has an em dash (U+2014), the shipped file a hyphen."""

    ps_max_log_size: int = 20
    """MB; compiled in as 100, which is above the range."""

    ps_queue_size_warn_percent: int = 80
    ps_interval_time: int = 60
    """Seconds."""

    ps_queue_size_interval_time: int = 50
    """Milliseconds."""

    ps_queue_size_times: int = 100
    malloc_max_data_size: int = 1 << 30
    """Bytes."""


class LoggingConf(NamedTuple):
    """logging.conf as the SDK takes it; the defaults are those of a run without any logging.conf."""

    path: str = ""
    log_dir: str = DEFAULT_LOG_DIR
    base_filename: str = "mxsdk.log."
    global_level: int = 0
    """Lowest level that is kept: -1 debug, 0 info."""

    console_level: int = 2
    """Lowest level that also reaches stderr: 0 info, 1 warning, 2 error, 3 fatal."""

    max_log_size: int = 10
    """MB."""

    rotate_day: int = 7
    rotate_file_number: int = 50
    flow_control: int = 1
    """n above 1: of the lines of one place in the source only every n-th is kept."""


def find(name: str) -> Optional[str]:
    """Return the configuration file: ./config/NAME where it is ours and not wider than 0640, else MX_SDK_HOME/config/NAME."""
    here = os.path.join("config", name)
    if _trusted(here):
        return os.path.abspath(here)
    home = os.environ.get("MX_SDK_HOME", "")
    path = os.path.join(home, "config", name)
    return path if home and os.path.isfile(path) else None


def sdk_conf(path: Optional[str] = None) -> SdkConf:
    """Return sdk.conf, looked up or at `path`; built-in values where there is none or it can't be loaded."""
    path = path or find(SDK_CONF)
    if path is None:
        return SdkConf()
    try:
        values = parse(path)
    except ConfigError:
        return SdkConf()
    built_in = SdkConf()
    numbers = {key: clamped(values.get(key, ""), *bounds) for key, bounds in RANGES.items()}
    numbers["ps_queue_size_times"] = max(1, numbers["ps_queue_size_times"])
    return built_in._replace(
        path=path,
        enable_ps=boolean(values.get("enable_ps", ""), built_in.enable_ps),
        ps_log_dir=below_home(word(values.get("ps_log_dir", "")) or built_in.ps_log_dir),
        ps_log_filename=word(values.get("ps_log_filename", "")) or built_in.ps_log_filename,
        malloc_max_data_size=size_bytes(
            word(values.get("malloc_max_data_size", "")), built_in.malloc_max_data_size
        ),
        **numbers,
    )


def logging_conf(path: Optional[str] = None) -> LoggingConf:
    """Return logging.conf, looked up or at `path`; built-in values where there is none or it can't be loaded.

    Other than in sdk.conf, a missing number keeps its built-in value here.
    """
    path = path or find(LOGGING_CONF)
    if path is None:
        return LoggingConf()
    try:
        values = parse(path)
    except ConfigError:
        return LoggingConf()
    built_in = LoggingConf()

    def number(key: str, default: int, low: int, high: int) -> int:
        found = integer(values.get(key, ""))
        return default if found is None else min(max(found, low), high)

    flow = (
        "log_flow_control_frequency" if "log_flow_control_frequency" in values else "flow_control_frequency"
    )
    return LoggingConf(
        path=path,
        log_dir=below_home(word(values.get("log_dir", "")) or "logs"),
        base_filename=word(values.get("base_filename", "")) or built_in.base_filename,
        global_level=number("global_level", built_in.global_level, -1, 0),
        console_level=number("console_level", built_in.console_level, -1, 3),
        max_log_size=number("max_log_size", built_in.max_log_size, 1, 20),
        rotate_day=number("rotate_day", built_in.rotate_day, 1, 1000),
        rotate_file_number=number("rotate_file_number", built_in.rotate_file_number, 1, 500),
        flow_control=number(flow, built_in.flow_control, 1, 10000),
    )


def parse(path: str) -> Dict[str, str]:
    """Return the values by key, spaces around both removed. Raises ConfigError where the SDK gives the whole file up."""
    try:
        with open(path, "rb") as stream:
            lines = stream.read().decode("utf-8", "surrogateescape").split("\n")
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from error
    if len(lines) > LINES or any(len(line) >= LINE_CHARACTERS for line in lines):
        raise ConfigError(f"{path}: more than {LINES} lines, or a line of {LINE_CHARACTERS} characters")
    values: Dict[str, str] = {}
    for line in lines:
        key, equals, value = line.split("#", 1)[0].partition("=")
        if equals:
            values.setdefault(key.strip(" "), value.strip(" "))
    return values


def word(text: str) -> str:
    """Return the value up to its first space or TAB; a CR stays in it (perf-logs: a CRLF file leaves it there)."""
    return re.split("[ \t]", text.lstrip(" \t"), maxsplit=1)[0]


def boolean(text: str, default: bool) -> bool:
    """Return what `true` or `false` says, letter case free; anything else (1, yes, a CR at the end) leaves the default."""
    return {"true": True, "false": False}.get(text.lower(), default)


def integer(text: str) -> Optional[int]:
    """Return the number that the text begins with (`6s` is 6), None where it begins with none."""
    found = re.match(r"\s*[+-]?[0-9]+", text)
    return int(found.group()) if found else None


def clamped(text: str, low: int, high: int) -> int:
    """Return the number within its range; one that is missing or can't be read is 0, and so the lowest."""
    return min(max(integer(text) or 0, low), high)


def size_bytes(text: str, default: int) -> int:
    """Return a size such as `1G` in bytes; the default for anything else. Above 4 GB: refused too (unconfirmed)."""
    found = re.match(r"([0-9]+)([kKmMgG]?)\Z", text)
    if not found or len(text) > 20:
        return default
    size = int(found.group(1)) * UNITS.get(found.group(2).lower(), 1)
    return size if size <= MALLOC_LIMIT else default


def below_home(folder: str) -> str:
    """Return where a log folder lies: an absolute one as it is, another below ~/log/mindxsdk."""
    return os.path.join(os.path.expanduser("~"), "log", "mindxsdk", folder)


def process_name() -> Tuple[str, int]:
    """Return the name of this process as the kernel knows it (15 characters at most), and its number."""
    try:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as stream:
            name = stream.readline().partition(":")[2].strip()
    except OSError:
        name = ""
    return name or "python", os.getpid()


def _trusted(path: str) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    mode = stat.S_IMODE(found.st_mode)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and not mode & ~WIDEST_MODE
