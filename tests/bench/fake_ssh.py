"""An `ssh` that takes its arguments apart as ssh does and runs the command here, in the bare environment and the home of "another" machine.

What the destination is called decides how it goes: refused, badkey, noisy (a login shell that prints), else it works.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

PROGRAM = r"""#!{python}
import json, os, subprocess, sys, threading
words = sys.argv[1:]
with open({log!r}, "a") as stream:
    stream.write(json.dumps(words) + "\n")
WITH_VALUE = set("BbcDEeFIiJLlmOopQRSWw")
options = []
while words and words[0].startswith("-"):
    word = words.pop(0)
    if word == "--":
        break
    assert len(word) == 2, word
    if word[1] in WITH_VALUE:
        options.append((word[1], words.pop(0)))
    else:
        assert word[1] in "46AaCfGgKkMNnqsTtVvXxYy", word
destination = words.pop(0)
command = " ".join(words)  # as ssh does: the shell over there gets one text
if "refused" in destination:
    sys.exit(print("ssh: connect to host refused port 22: Connection refused", file=sys.stderr) or 255)
if "badkey" in destination:
    sys.exit(print("badkey: Permission denied (publickey,password).", file=sys.stderr) or 255)
if "noisy" in destination:
    command = "echo 'Welcome to this machine'; echo 'Authorized use only' >&2; " + command
environ = {{"PATH": {path!r}, "HOME": {home!r}, "TMPDIR": {home!r}, "XDG_RUNTIME_DIR": {home!r}, **{extra!r}}}
child = subprocess.Popen(
    [{shell!r}, "-c", command], cwd={home!r}, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
)

def copy(source, target):
    try:
        while block := os.read(source, 1 << 16):
            while block:
                block = block[os.write(target, block):]
    except OSError:
        pass
    try:
        os.close(target)
    except OSError:
        pass

threading.Thread(target=copy, args=(0, os.dup(child.stdin.fileno())), daemon=True).start()
child.stdin.close()
out = threading.Thread(target=copy, args=(child.stdout.fileno(), 1))
out.start()
code = child.wait()
out.join()
os._exit(255 if code < 0 else code)
"""


def install(folder: Path, shell: str = "/bin/sh", **extra: str) -> Path:
    """Put it into folder/bin as `ssh`, and a home of the other machine into folder/far; `extra` is that machine's environment. Return bin."""
    bin_, there, home = folder / "bin", folder / "far-bin", folder / "far home"
    for one in (bin_, there, home):
        one.mkdir()
    home.chmod(0o700)
    text = PROGRAM.format(
        python=sys.executable,
        log=str(folder / "ssh.jsonl"),
        path=f"{there}:/usr/bin:/bin",
        home=str(home),
        extra=extra,
        shell=shell,
    )
    program = bin_ / "ssh"
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    python = there / "python3"  # no link: through one an interpreter does not find its virtual environment
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return bin_


def home(folder: Path) -> Path:
    """The home of the other machine."""
    return folder / "far home"


def asked(folder: Path) -> list[list[str]]:
    """The command lines so far."""
    file = folder / "ssh.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
