"""Models, inputs and processes for the tests of both mxBase interfaces of the emulated home."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.emulator.atc import main as atc
from bench.emulator.home import variables
from tests.bench.emulator import graphs

RUN_SECONDS = 120

FAULT = "OMGATE_EMULATOR_FAULT"

PROGRAMS = Path(__file__).parent / "cpp"
STRICT = ["-Wall", "-Wextra", "-Werror"]


def compiled(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run g++."""
    command = ["g++", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@dataclass(frozen=True)
class Stage:
    """An emulated home, models, and a folder to work in."""

    home: Path
    folder: Path

    def model(self, name: str) -> Path:
        """`scaled`, `nhwc` (the same), `three` (three inputs and outputs of several types) or `gears` (batches 1, 2, 4), when it is asked for."""
        path = self.folder / f"{name}.om"
        if path.exists():
            return path
        dynamic = name == "gears"
        content = {
            "scaled": graphs.scaled,
            "nhwc": graphs.scaled,
            "three": graphs.three_outputs,
            "gears": lambda: graphs.scaled(batch="n"),
        }[name]()
        source = self.folder / f"{name}.onnx"
        source.write_bytes(content)
        options = ["--input_shape=x:-1,3", "--dynamic_batch_size=1,2,4"] if dynamic else []
        options += ["--input_format=NHWC"] if name == "nhwc" else []
        out = io.StringIO()
        command = ["--framework=5", f"--model={source}", f"--output={self.folder / name}"]
        assert atc([*command, "--soc_version=Ascend310", *options], out) == 0, out.getvalue()
        return path

    def inputs(self, arrays: Sequence[np.ndarray]) -> list[Path]:
        """The arrays as raw files."""
        paths = [self.folder / f"input.{index}" for index in range(len(arrays))]
        for path, array in zip(paths, arrays, strict=True):
            array.tofile(path)
        return paths

    def environ(self, **more: str) -> dict[str, str]:
        """The home's environment, with the user's own folder below the stage's."""
        user = self.folder / "user"
        user.mkdir(exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OMGATE_EMULATOR_")}
        return {**clean, **variables(self.home, clean), "HOME": str(user), **more}

    def run(self, command: Sequence[object], **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the stage's folder to its end."""
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.environ(**more),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )


def pairs(text: str) -> list[tuple[str, str]]:
    """The `name=value` lines of a program, in order."""
    return [
        (name, value) for name, equals, value in (line.partition("=") for line in text.splitlines()) if equals
    ]


def values(text: str, name: str) -> list[str]:
    """The values of one name, in order."""
    return [value for key, value in pairs(text) if key == name]


def three_inputs() -> list[np.ndarray]:
    """Inputs of the model `three`: int32, uint8, float32."""
    random = np.random.default_rng(3)
    return [
        random.integers(-9, 9, (16, 4), np.int32),
        random.integers(0, 255, (16, 4), np.uint8),
        random.random((16, 1), np.float32),
    ]
