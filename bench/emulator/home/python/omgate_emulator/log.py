"""The SDK's log: a few plain lines on stdout at the start, then glog files, and what is serious on stderr as well.

Layout of names and lines: Vision SDK (Log) and google/glog with the year in the date, as since glog 0.5. The lines of one level are
in the files of that level and of all lower ones, so that the info file holds everything.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Dict, List, NamedTuple, Optional, TextIO

from omgate_emulator import config
from omgate_emulator.codes import message

DEBUG, INFO, WARN, ERROR, FATAL = -1, 0, 1, 2, 3
LETTERS = {DEBUG: "I", INFO: "I", WARN: "W", ERROR: "E", FATAL: "F"}
FILES = {INFO: "info", WARN: "warn", ERROR: "error", FATAL: "fatal"}

REREAD_SECONDS = 2.0
"""logging.conf is read again this often."""

LIVE_MODE, ARCHIVED_MODE, FOLDER_MODE = 0o600, 0o400, 0o750
INIT_FAIL = 1013
WHERE = "omgate_emulator.py:1"
"""Place in the source that a line names when its caller gives none."""


class LogFile(NamedTuple):
    """An open file of one level, and its size so far in bytes."""

    stream: TextIO
    path: str
    size_bytes: int


class Logger:
    """The log of a process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._conf = config.LoggingConf()
        self._files: Dict[int, LogFile] = {}
        self._counts: Dict[str, int] = {}
        self._name = ""
        self._open = False
        self._warned = False
        self._read_at = 0.0

    def init(self, program: Optional[str] = None) -> int:
        """Begin: print the documented lines, make the folder; return 0, or 1013 where no log can be kept. A second call does nothing."""
        with self._lock:
            if self._open:
                return 0
            say("Begin to initialize Log.")
            self._conf = config.logging_conf()
            self._read_at = time.monotonic()
            if not self._conf.path:
                say("Failed to load log config file, use default log config value.")
            if not _allowed(self._conf) or not _folder(self._conf.log_dir):
                return INIT_FAIL
            self._name = program or config.process_name()[0]
            self._open = True
            say("Save logs information to specified directory.")
            return 0

    def deinit(self) -> None:
        """Close the files and make them read-only; later lines go to stderr, as before `init`."""
        with self._lock:
            for level in list(self._files):
                self._close(level)
            self._open = False

    def write(self, level: int, text: str, where: str) -> None:
        """Write one line of `level`; line breaks in `text` become blanks, since a reader takes a line for a message."""
        text = text.replace("\r", " ").replace("\n", " ")
        with self._lock:
            self._reread()
            if level < self._conf.global_level or not self._wanted(level, where):
                return
            entry = line(level, text, where, time.time())
            if not self._open:
                self._before_init(entry)
                return
            if level >= self._conf.console_level:
                _stderr(entry)
            for target in FILES:
                if target <= max(level, INFO):
                    self._append(target, entry)

    def _before_init(self, entry: str) -> None:
        if not self._warned:
            self._warned = True
            _stderr("WARNING: Logging before InitGoogleLogging() is written to STDERR\n")
        _stderr(entry)

    def _wanted(self, level: int, where: str) -> bool:
        key = f"{level} {where}"
        self._counts[key] = self._counts.get(key, -1) + 1
        return self._counts[key] % self._conf.flow_control == 0

    def _reread(self) -> None:
        if self._open and self._conf.path and time.monotonic() - self._read_at >= REREAD_SECONDS:
            self._read_at = time.monotonic()
            conf = config.logging_conf(self._conf.path)
            # A file that is being rewritten may be gone for a moment; the folder of a process never changes.
            if conf.path:
                self._conf = conf._replace(log_dir=self._conf.log_dir, base_filename=self._conf.base_filename)

    def _append(self, level: int, entry: str) -> None:
        try:
            file = self._files.get(level) or self._create(level)
            file.stream.write(entry)
            file.stream.flush()  # logbufsecs=0: nothing is lost when the process is killed
        except (OSError, ValueError) as error:
            _stderr(f"COULD NOT WRITE THE {FILES[level]} LOG in {self._conf.log_dir}: {error}\n")
            return
        size = file.size_bytes + len(entry.encode("utf-8", "replace"))
        self._files[level] = file._replace(size_bytes=size)
        if size >= self._conf.max_log_size * config.MB:
            self._close(level)

    def _create(self, level: int) -> LogFile:
        now = time.localtime()
        stamp = time.strftime("%Y%m%d-%H%M%S", now)
        name = f"{self._conf.base_filename}{self._name}.{FILES[level]}.{stamp}.{os.getpid()}"
        path = os.path.join(self._conf.log_dir, name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        if os.path.exists(path):
            os.chmod(path, LIVE_MODE)  # full and followed by another within one second
        descriptor = os.open(path, flags, LIVE_MODE)
        stream = open(descriptor, "a", encoding="utf-8", errors="replace")  # noqa: SIM115 - kept open
        stream.write(
            f"Log file created at: {time.strftime('%Y/%m/%d %H:%M:%S', now)}\n"
            f"Running on machine: {os.uname().nodename}\n"
            "Log line format: [IWEF]yyyymmdd hh:mm:ss.uuuuuu threadid file:line] msg\n"
        )
        self._files[level] = LogFile(stream, path, 0)
        return self._files[level]

    def _close(self, level: int) -> None:
        file = self._files.pop(level)
        try:
            file.stream.close()
            os.chmod(file.path, ARCHIVED_MODE)
        except OSError:
            pass  # removed by hand, or the disk is full: nothing to save


def line(level: int, text: str, where: str, now: float) -> str:
    """Return a line of the log with its line break; `now` in seconds since 1970, shown in local time."""
    second = int(now)
    date = time.strftime("%Y%m%d %H:%M:%S", time.localtime(second))
    return f"{LETTERS[level]}{date}.{int((now - second) * 1e6):06d} {_thread():>5} {where}] {text}\n"


def error_text(code: int) -> str:
    """Return what the SDK adds to a message to name its code: ` (Code = 1001, Message = "...") `."""
    return f' (Code = {code}, Message = "{message(code)}") '


def say(text: str) -> None:
    """Print a plain line on stdout, at once: programs that read ours see it before anything that they cause."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        pass  # stdout is closed: a program may run without one


def _stderr(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # no stderr: the files have it


def _thread() -> int:
    native = getattr(threading, "get_native_id", threading.get_ident)  # Python 3.7 has no native one
    return int(native())


def _allowed(conf: config.LoggingConf) -> bool:
    """Whether logs may lie there: with a logging.conf only below the home folder, and never in a link."""
    home = os.path.expanduser("~")
    if conf.path and not (conf.log_dir + os.sep).startswith(home.rstrip(os.sep) + os.sep):
        say("Log directory can be set only in the home directory of the user.")
        say("Check log dir failed.")
        return False
    if os.path.islink(conf.log_dir):
        say("Log directory cannot be a link.")
        return False
    return True


def _folder(path: str) -> bool:
    if os.path.isdir(path):
        say("The output directory of logs file exist.")
        return True
    try:
        os.makedirs(path, FOLDER_MODE, exist_ok=True)
    except OSError:
        say("Failed to create directory.")
        return False
    say("The output directory of logs file doesn't exist.")
    say("Create directory to save logs information.")
    return True


LOGGER = Logger()


def init(program: Optional[str] = None) -> int:
    """Begin the process's log (see `Logger.init`)."""
    return LOGGER.init(program)


def deinit() -> None:
    """End the process's log."""
    LOGGER.deinit()


def debug(text: str, where: str = WHERE) -> None:
    """Log for developers; kept only with global_level=-1."""
    LOGGER.write(DEBUG, text, where)


def info(text: str, where: str = WHERE) -> None:
    """Log what happens."""
    LOGGER.write(INFO, text, where)


def warn(text: str, where: str = WHERE) -> None:
    """Log what may be wrong."""
    LOGGER.write(WARN, text, where)


def error(text: str, where: str = WHERE, code: Optional[int] = None) -> None:
    """Log what failed; `code` is added with its name."""
    LOGGER.write(ERROR, text if code is None else text + error_text(code), where)


def fatal(text: str, where: str = WHERE) -> None:
    """Log why nothing can go on; unlike glog's, it does not end the process."""
    LOGGER.write(FATAL, text, where)


def files(level: str = "info") -> List[str]:
    """Return the open file of a level (`info`, `warn`, `error`, `fatal`), for messages that point to it; empty where none is open."""
    return [file.path for number, file in LOGGER._files.items() if FILES[number] == level]
