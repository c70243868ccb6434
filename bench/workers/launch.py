"""Becomes a worker's interpreter on another host, or ends one: holds the device's lock, leaves its pid, sets the environment.

argv[2]: the plan in base64: `pid_file`; to end: `kill`; to start: `environ`, `cwd`, `device` (a lock's name or null), `line` (what
`python -c` gets).

The locks are kept by the worker itself, whose descriptors they are: the kernel lets go of them when it has ended, however it did. The
device's is the file that a run on this host itself takes (bench/device_lock.py). Standard library, Python 3.7 syntax.
"""

import base64
import contextlib
import errno
import fcntl
import glob
import json
import os
import re
import signal
import sys
import tempfile
import time

BUSY = 75
"""Exit status where another run has the device (EX_TEMPFAIL)."""

PATIENCE_SECONDS = 5.0
"""The worker before this one may still be ending."""


def stop(message, status=1):
    """End with one line that the other side shows."""
    sys.stderr.write("omgate: %s\n" % message)
    sys.stderr.flush()
    os._exit(status)


def locked(path):
    """A descriptor that holds the lock of a file and outlives exec; None where another process has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return None
        raise
    os.set_inheritable(handle, True)
    return handle


def runtime_folder():
    """The folder of this user's device locks, where platformdirs.user_runtime_dir puts it."""
    usual = "/run/user/%d" % os.getuid()
    base = os.environ.get("XDG_RUNTIME_DIR") or usual
    if not (os.path.isdir(base) and os.access(base, os.W_OK)):
        base = os.path.join(tempfile.gettempdir(), "runtime-%d" % os.getuid())
    folder = os.path.join(base, "omgate")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.stat(folder).st_uid != os.getuid():
        stop("%s belongs to another user" % folder)
    return folder


def lock_device(name):
    """Hold the device's lock, or end with who has it."""
    path = os.path.join(runtime_folder(), re.sub(r"[^\w.-]", "_", name) + ".lock")
    holder = path[:-5] + ".pid"
    end = time.monotonic() + PATIENCE_SECONDS
    while locked(path) is None:
        if time.monotonic() >= end:
            try:
                with open(holder) as stream:
                    who = "process %d" % int(stream.read())
            except (OSError, ValueError):
                who = "another process"
            stop("device %s is in use by %s over there (%s): wait for it to end, or choose another with --device" % (name, who, path), BUSY)  # fmt: skip
        time.sleep(0.05)
    with open(holder, "w") as stream:
        stream.write(str(os.getpid()))


def leave_pid(path):
    """Leave the pid in a locked file, and remove those of workers that have ended."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for old in glob.glob(os.path.join(glob.escape(folder), "*.pid")):
        with contextlib.suppress(OSError):
            handle = locked(old)
            if handle is not None:
                os.unlink(old)
                os.close(handle)
    handle = locked(path)
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())


def kill(path):
    """End the worker whose file this is with its process group; nothing where it has ended."""
    with contextlib.suppress(OSError, ValueError):
        handle = locked(path)
        if handle is None:
            with open(path) as stream:
                pid = int(stream.read())
            try:
                os.killpg(pid, signal.SIGKILL)
            except OSError:
                os.kill(pid, signal.SIGKILL)
        os.unlink(path)
    sys.stdout.write("\nomgate-begins\n")


def start(plan):
    """Become the worker."""
    os.environ.update(plan["environ"])
    if plan["cwd"]:
        os.chdir(plan["cwd"])
    with contextlib.suppress(OSError):
        os.setsid()
    leave_pid(plan["pid_file"])
    if plan["device"]:
        lock_device(plan["device"])
    sys.stdout.write("\nomgate-begins\n")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-u", "-c", plan["line"]])


def main():
    """Do what the plan says."""
    plan = json.loads(base64.b64decode(sys.argv[2]).decode())
    try:
        if plan.get("kill"):
            kill(plan["pid_file"])
        else:
            start(plan)
    except OSError as error:
        stop("%s: %s" % (error.filename or "the worker can't be started", error.strerror))


if __name__ == "__main__":
    main()
