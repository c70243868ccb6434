"""Says what is in an image, as one JSON object: numpy or not, what set_env.sh scripts export, the version files.

Run there by `python3 -c`, with the names of CANN's scripts below /usr/local/Ascend as a JSON list. Standard library, Python 3.7 syntax.
"""

import glob
import importlib.util
import json
import os
import subprocess
import sys

SECONDS = 30
SOURCE = 'for script; do . "$script" >/dev/null 2>&1 </dev/null; done; exec env -0'
SHELLS_OWN = {"_", "SHLVL", "PWD", "OLDPWD", "BASH_ENV"}
FILES = (
    "version.info",
    "version.cfg",
    "ascend_*_install.info",
    "*-linux/ascend_*_install.info",
)


def sdk_folders():
    """Where the SDK may be: as the image exports it, else in the deliverables' usual folder."""
    exported = os.environ.get("MX_SDK_HOME")
    usual = "/usr/local/sdk_home"
    return [exported] if exported else [usual, *sorted(glob.glob(usual + "/mx*"))]


def sourced(scripts):
    """What sourcing the scripts changes in the environment; nothing where bash fails."""
    if not scripts:
        return {}
    try:
        done = subprocess.run(
            ["bash", "-c", SOURCE, "bash", *scripts], stdout=subprocess.PIPE, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    pairs = [entry.split(b"=", 1) for entry in done.stdout.split(b"\0") if b"=" in entry]
    found = {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}
    return {
        name: value
        for name, value in found.items()
        if os.environ.get(name) != value and name not in SHELLS_OWN
    }


def main():
    """Print the answer."""
    cann = [
        path
        for path in ("/usr/local/Ascend/" + name for name in json.loads(sys.argv[1]))
        if os.path.isfile(path)
    ]
    there = {"ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH"} & set(os.environ)
    own = [os.path.join(folder, "set_env.sh") for folder in sdk_folders()]
    scripts = ([] if there else cann[:1]) + [path for path in own if os.path.isfile(path)][:1]
    environ = sourced(scripts)
    known = dict(os.environ, **environ)
    names = ("MX_SDK_HOME", "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME")
    folders = sdk_folders() + [known[name] for name in names if known.get(name)]
    folders += [
        "/usr/local/Ascend/" + name
        for name in ("cann", "ascend-toolkit/latest", "nnrt/latest", "nnae/latest")
    ]
    files = {}
    for folder in folders:
        for pattern in FILES:
            for path in glob.glob(os.path.join(glob.escape(folder), pattern)):
                try:
                    with open(path, encoding="utf-8", errors="replace") as stream:
                        files[path] = stream.read(65536)
                except OSError:
                    pass
    paths = ("LD_LIBRARY_PATH", "PYTHONPATH")
    exported = {name: os.environ[name] for name in names + paths if name in os.environ}
    numpy = importlib.util.find_spec("numpy") is not None
    print(json.dumps({"numpy": numpy, "environ": environ, "exported": exported, "files": files}))


main()
