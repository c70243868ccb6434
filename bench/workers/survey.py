"""Says what is on another host, as one JSON object: Python, packages, devices, version files, models, what set_env.sh scripts export.

argv[1]: this text in base64; argv[2]: the plan in base64 (`modules`, `packages`, `variables`, `environ`, `set_env`, `scripts`, `models`).
Standard library; the syntax is one that every Python has known for a long time, so that one that is too old can say that it is.

It runs twice: sourcing scripts changes where modules are found, so it begins again in the environment that a worker will have.
"""

import base64
import glob
import hashlib
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile

AGAIN = "OMGATE_SURVEY_AGAIN"
SECONDS = 30
SMI_SECONDS = 15
TEXT_BYTES = 262144
SOURCE = 'for script; do . "$script" >/dev/null 2>&1 </dev/null; done; exec env -0'
SHELLS_OWN = ("_", "SHLVL", "PWD", "OLDPWD", "BASH_ENV", AGAIN)
MACHINE_FILES = (
    "/etc/os-release",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/1/cgroup",
    "/sys/fs/cgroup/cpu.max",
    "/.dockerenv",
    "/run/.containerenv",
    "/usr/local/Ascend/driver/version.info",
    "/usr/local/Ascend/firmware/version.info",
)
VERSION_FILES = (
    "version.info",
    "version.cfg",
    "ascend_*_install.info",
    "*-linux/ascend_*_install.info",
    "EMULATED",
)
HOMES = ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_HOME", "MX_SDK_HOME")
CANN_FOLDERS = ("cann", "ascend-toolkit/latest", "nnrt/latest", "nnae/latest")


def roots():
    """Where CANN may be."""
    return ["/usr/local/Ascend", os.path.join(os.path.expanduser("~"), "Ascend")]


def sdk_folders():
    """Where the SDK may be: as the environment says, else in the deliverables' usual folder."""
    exported = os.environ.get("MX_SDK_HOME")
    usual = "/usr/local/sdk_home"
    return [exported] if exported else [usual] + sorted(glob.glob(usual + "/mx*"))  # noqa: RUF005


def scripts_of(plan):
    """The set_env.sh scripts to source: the user's own alone, else CANN's where it was not sourced yet, and the SDK's."""
    if plan["set_env"]:
        if not os.path.isfile(plan["set_env"]):
            stop("set_env = %s is not there; correct the hosts file" % plan["set_env"])
        return [plan["set_env"]] + own_script()  # noqa: RUF005
    cann = [os.path.join(root, name) for root in roots() for name in plan["scripts"]]
    there = "ASCEND_TOOLKIT_HOME" in os.environ or "ASCEND_HOME_PATH" in os.environ
    return ([] if there else [path for path in cann if os.path.isfile(path)][:1]) + own_script()


def own_script():
    """The SDK's set_env.sh."""
    found = [os.path.join(folder, "set_env.sh") for folder in sdk_folders()]
    return [path for path in found if os.path.isfile(path)][:1]


def sourced(scripts):
    """What sourcing the scripts changes in the environment."""
    command = ["bash", "-c", SOURCE, "bash"] + scripts  # noqa: RUF005
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        stop("%s can't be sourced (%s)" % (" and ".join(scripts), type(error).__name__))
    pairs = [entry.split(b"=", 1) for entry in done.stdout.split(b"\0") if b"=" in entry]
    found = {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}
    return {
        name: value
        for name, value in found.items()
        if os.environ.get(name) != value and name not in SHELLS_OWN
    }


def stop(message):
    """End with one line that the other side shows."""
    sys.stderr.write("omgate: %s\n" % message)
    sys.exit(1)


def begin_again(plan):
    """Source the scripts and run this program once more in what they export."""
    os.environ.update(plan["environ"])
    changed = dict(plan["environ"])
    scripts = scripts_of(plan)
    if scripts:
        changed.update(sourced(scripts))
    os.environ.update(changed)
    os.environ[AGAIN] = json.dumps(changed)
    line = "import base64,sys;exec(base64.b64decode(sys.argv[1]))"
    os.execv(sys.executable, [sys.executable, "-u", "-c", line] + sys.argv[1:3])  # noqa: RUF005


def text_of(path):
    """A file's text, None where it can't be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read(TEXT_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def files():
    """Path -> text of what says something of the machine and of the Ascend software."""
    folders = [os.environ[name] for name in HOMES if os.environ.get(name)] + sdk_folders()
    folders += [os.path.join(root, name) for root in roots() for name in CANN_FOLDERS]
    if os.environ.get("ASCEND_HOME"):
        folders += [os.path.join(os.environ["ASCEND_HOME"], name) for name in CANN_FOLDERS]
    paths = list(MACHINE_FILES)
    for folder in folders:
        for pattern in VERSION_FILES:
            paths += glob.glob(os.path.join(glob.escape(folder), pattern))
    found = [(path, text_of(path)) for path in paths]
    return {path: text for path, text in found if text is not None}


def npu_smi():
    """What `npu-smi info` prints; None where it is missing, fails, or takes too long."""
    for program in ("npu-smi", "/usr/local/bin/npu-smi", "/usr/local/sbin/npu-smi"):
        try:
            done = subprocess.run(
                [program, "info"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=SMI_SECONDS,
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
    return None


def packages(names):
    """Distribution -> version, of those that are installed."""
    try:
        from importlib.metadata import version
    except ImportError:  # Python 3.7
        from pkg_resources import get_distribution

        def version(name):
            return get_distribution(name).version

    found = {}
    for name in names:
        try:
            found[name] = str(version(name))
        except Exception:  # not installed, or a broken dist-info, which raises what it likes
            continue
    return found


def is_installed(module):
    """Whether a module can be imported; its parents are, itself it is not."""
    import importlib.util

    try:
        return importlib.util.find_spec(module) is not None
    except Exception:
        return False


def model(path):
    """A model file's digest and first bytes, or why it can't be read."""
    digest, begin = hashlib.sha256(), None
    try:
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                begin = block[:64] if begin is None else begin
                digest.update(block)
    except OSError as error:
        return {"problem": error.strerror}
    return {"sha256": digest.hexdigest(), "begin": (begin or b"").hex()}


def cache():
    """A folder of this user's own for models and pid files."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for folder in (
        os.path.join(base, "omgate"),
        os.path.join(tempfile.gettempdir(), "omgate-%d" % os.getuid()),
    ):
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError:
            continue
        if os.stat(folder).st_uid == os.getuid() and os.access(folder, os.W_OK):
            return folder
    return None


def nodes():
    """The names of the Ascend nodes in /dev."""
    return sorted(os.path.basename(path) for path in glob.glob("/dev/davinci*"))


def main():
    """Print the answer."""
    if sys.version_info < (3, 7):
        answer = {"python": platform.python_version(), "host": socket.gethostname()}
        sys.stdout.write("\nomgate-begins\n" + json.dumps(answer))
        return
    plan = json.loads(base64.b64decode(sys.argv[2]).decode())
    if AGAIN not in os.environ:
        begin_again(plan)
    answer = {
        "python": platform.python_version(),
        "host": socket.gethostname(),
        "environ": json.loads(os.environ.pop(AGAIN)),
        "variables": {name: os.environ[name] for name in plan["variables"] if name in os.environ},
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "processor": platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "home": os.path.expanduser("~"),
        "packages": packages(plan["packages"]),
        "modules": [name for name in plan["modules"] if is_installed(name)],
        "files": files(),
        "nodes": nodes(),
        "npu_smi": npu_smi(),
        "models": {path: model(path) for path in plan["models"]},
        "cache": cache(),
        "sdk_python": [folder for folder in sdk_folders() if os.path.isdir(os.path.join(folder, "python"))],
    }
    sys.stdout.write("\nomgate-begins\n" + json.dumps(answer))


if __name__ == "__main__":
    main()
