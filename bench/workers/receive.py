"""Puts a file from stdin into a folder over there, whole or not at all, and prints its path; one that is there already is hashed again.

argv[2]: the plan in base64: `folder`, `name`, `sha256`, `check` (true: only say whether it is there; stdin is not read).
Standard library, Python 3.7 syntax.
"""

import base64
import contextlib
import hashlib
import json
import os
import sys
import tempfile


def sha256(path):
    """A file's digest, None where it can't be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


def receive(plan, path):
    """Write stdin beside `path`, check it, and move it there."""
    os.makedirs(plan["folder"], mode=0o700, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=plan["folder"], prefix=".receiving-")
    try:
        with os.fdopen(handle, "wb") as stream:
            for block in iter(lambda: sys.stdin.buffer.read(1 << 20), b""):
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
        if sha256(temporary) != plan["sha256"]:
            raise OSError(None, "it arrived damaged or cut short")
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def main():
    """Print the path, or nothing where only asked and it is not there."""
    plan = json.loads(base64.b64decode(sys.argv[2]).decode())
    path = os.path.join(plan["folder"], plan["name"])
    there = sha256(path) == plan["sha256"]
    if not there and not plan["check"]:
        try:
            receive(plan, path)
        except OSError as error:
            sys.stderr.write("omgate: %s can't be written: %s\n" % (path, error.strerror))
            sys.exit(1)
        there = True
    sys.stdout.write("\nomgate-begins\n" + json.dumps(path if there else None))


if __name__ == "__main__":
    main()
