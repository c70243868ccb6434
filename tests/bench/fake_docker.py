"""A `docker` that runs what it is asked to on this machine, and writes each command line down."""

from __future__ import annotations

import json
import sys
from pathlib import Path

PROGRAM = r"""#!{python}
import json, os, subprocess, sys
words = sys.argv[1:]
with open({log!r}, "a") as stream:
    stream.write(json.dumps(words) + "\n")
kind = words.pop(0)
if kind == "run":
    if any("broken" in word for word in words):
        print("docker: Error response from daemon: No such image: broken:1.", file=sys.stderr)
        sys.exit(125)
    print("0123456789ab")
elif kind == "exec":
    # In a container nothing of the host's environment is known but what --env says.
    environ = {{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}}
    environ.update({image!r})
    while words[0].startswith("-"):
        word = words.pop(0)
        if word.startswith("--env="):
            name, _, value = word[len("--env="):].partition("=")
            environ[name] = value
        elif word.startswith("--workdir="):
            os.chdir(word[len("--workdir="):])
        else:
            assert word == "-i", word
    assert words.pop(0).startswith("omgate-")
    # As with docker's daemon, ending this command leaves the program running.
    try:
        code = subprocess.Popen(words, env=environ, start_new_session=True).wait()
    except OSError as error:
        print(f"OCI runtime exec failed: {{error}}", file=sys.stderr)
        code = 126
    sys.exit(code)
elif kind != "rm":
    sys.exit("unknown: " + kind)
"""


def install(folder: Path, **image: str) -> Path:
    """Put it into folder/bin, as `docker`; `image` is the environment that the image sets. Return the bin folder."""
    bin_ = folder / "bin"
    bin_.mkdir()
    program = bin_ / "docker"
    log = str(folder / "docker.jsonl")
    program.write_text(PROGRAM.format(python=sys.executable, log=log, image=image), encoding="utf-8")
    program.chmod(0o755)
    python = bin_ / "python3"  # no link: through one an interpreter does not find its virtual environment
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return bin_


def asked(folder: Path) -> list[list[str]]:
    """The command lines so far."""
    file = folder / "docker.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
