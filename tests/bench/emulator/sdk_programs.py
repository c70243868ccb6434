"""Runs small programs, written for StreamManagerApi, in a process of their own on the emulated home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.emulator.home import variables

SECONDS = 120
"""A program that hangs is killed; they take about two."""

BEGIN = """
import json, os, sys, threading, time
import numpy as np
import MxpiDataType_pb2 as M
from StreamManagerApi import *

said = {}
api = StreamManagerApi()


def element(factory, next=None, **props):
    found = {"factory": factory, "props": props}
    return found if next is None else dict(found, next=next)


def stream(middle=None, **others):
    return {"appsrc0": element("appsrc", "m0" if middle else "appsink0"), "appsink0": element("appsink"),
            **({"m0": dict(middle, next="appsink0")} if middle else {}), **others}


def infer(model, **props):
    return element("mxpi_tensorinfer", **{"dataSource": "appsrc0", "modelPath": model, **props})


def create(**streams):
    return api.CreateMultipleStreams(json.dumps(streams).encode())


def protobuf(key, *packages, kind=b"MxTools.MxpiTensorPackageList"):
    message = M.MxpiTensorPackageList()
    for arrays in packages:
        package = message.tensorPackageVec.add()
        for array in arrays:
            # Nonsense in size and memory type, as many programs have it.
            package.tensorVec.add(dataStr=array.tobytes(), tensorShape=array.shape, tensorDataSize=1, memType=1)
    item = MxProtobufIn()
    item.key, item.type, item.protobuf = key, kind, message.SerializeToString()
    return InProtobufVector([item])


def data(content):
    item = MxDataInput()
    item.data = content
    return item


def tensors(result, index=0):
    message = M.MxpiTensorPackageList()
    message.ParseFromString(result[index].messageBuf)
    return message


def get(key=b"m0", name=b"s", number=0):
    return api.GetProtobuf(name, number, StringVector([key]))
"""

END = """
print("\\n" + json.dumps(said), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """What became of a program."""

    status: int
    said: dict[str, Any]
    stderr: str
    log: str


def environment(home: Path, place: Path, **environ: str) -> dict[str, str]:
    """The variables that set_env.sh would set, a home folder of its own, no faults but those given."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OMGATE_EMULATOR_")}
    return {**kept, **variables(home), "HOME": str(place), **environ}


def run(home: Path, place: Path, program: str, status: int = 0, **environ: str) -> Done:
    """Run a program in `place`; its last line of output is what it said, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program + END],
        cwd=place,
        env=environment(home, place, **environ),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    logs = sorted((place / "log").rglob("*.info.*"))
    said = json.loads(done.stdout.splitlines()[-1]) if status == 0 else {}
    return Done(done.returncode, said, done.stderr, "".join(log.read_text() for log in logs))
