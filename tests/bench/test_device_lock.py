"""A device is held by one run at a time."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bench.device_lock import DeviceBusy, device_lock

ROOT = Path(__file__).parents[2]


def test_a_lock_names_its_holder_and_goes_with_it(tmp_path: Path) -> None:
    code = """
        import sys; from pathlib import Path; from bench.device_lock import device_lock
        with device_lock("ascend-0", Path(sys.argv[1])):
            print("held", flush=True); sys.stdin.read()
        """
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(DeviceBusy, match=f"ascend-0 is in use by process {holder.pid} "),
        device_lock("ascend-0", tmp_path),
    ):
        pass
    with device_lock("ascend-1", tmp_path), device_lock(None, tmp_path):
        pass
    holder.kill()
    holder.communicate()
    with device_lock("ascend-0", tmp_path):
        pass
