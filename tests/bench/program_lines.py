"""Output of finished programs as the real ones print it, for tests: glog lines of Mcnn, lines of main.py, machine lines of our own Mcnn."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

GLOG_WARNING = "WARNING: Logging before InitGoogleLogging() is written to STDERR\n"


@dataclass(frozen=True)
class Shot:
    """One image of a run: name, predicted and true count, height and width as printed."""

    name: str
    predicted: float
    true: float
    size: tuple[int, int] = (683, 1024)


SHOTS = (
    Shot("IMG_1.jpg", 311.482, 300.25),
    Shot("IMG_10.jpg", 88.75, 90.5),
    Shot("IMG_2.jpg", 1234567.0, 1234000.0),
    Shot("IMG_3.jpg", 20.125, 23.0, (1024, 768)),
)


def six(value: float) -> str:
    """A number as a C++ ostream prints it by default."""
    return "-nan" if math.isnan(value) else f"{value:.6g}"


def figures(shots: Sequence[Shot], divisor: int) -> tuple[float, float]:
    """MAE and root mean squared error over `divisor` images."""
    errors = [abs(shot.predicted - shot.true) for shot in shots]
    return sum(errors) / divisor, math.sqrt(sum(error * error for error in errors) / divisor)


class Log:
    """Numbered glog lines; year: the date with it, as glog 0.5 and later have it."""

    def __init__(self, year: bool = False, thread: str = "20817", every: int = 1) -> None:
        self.lines: list[str] = []
        self._date = "20260418" if year else "0418"
        self._thread = thread
        self._every = every
        self._seen: dict[tuple[str, int], int] = {}

    def put(self, site: int, text: str, file: str = "Mcnn.cpp", level: str = "I") -> None:
        """A line; with flow control only every n-th of its place in the program is kept, the first one included."""
        count = self._seen[file, site] = self._seen.get((file, site), 0) + 1
        if (count - 1) % self._every == 0:
            moment = f"11:22:33.{len(self.lines):06d}"
            self.lines.append(f"{level}{self._date} {moment} {self._thread} {file}:{site}] {text}")

    def text(self) -> str:
        return GLOG_WARNING + "".join(f"{line}\n" for line in self.lines)


def mcnn_log(
    shots: Sequence[Shot] = SHOTS,
    *,
    year: bool = False,
    thread: str = "20817",
    every: int = 1,
    divisor: int | None = None,
    end: bool = True,
) -> str:
    """What the published Mcnn prints for these images."""
    log = Log(year, thread, every)
    log.put(22, "Begin to ModelInferenceProcessor init", "ModelInferenceProcessor.cpp")
    for site, what, shape in ((40, "Input", (1, 1, 1024, 1024)), (40, "Output", (1, 1, 256, 256))):
        log.put(site, f"The shape of Model {what} Tensors is as follows:")
        log.put(42, "  Tensor 0:")
        for axis, length in enumerate(shape):
            log.put(44, f"   dim: {axis}: {length}")
    for shot in shots:
        log.put(61, shot.name, "main.cpp")
    for index, shot in enumerate(shots):
        log.put(88, str(index), "main.cpp")
        log.put(250, shot.name)
        log.put(
            260, f"{int(0 not in shot.size)},{shot.size[0]},{shot.size[1]}" if 0 not in shot.size else "1,0,0"
        )
        log.put(150, "dataSize:1048576")
        log.put(210, "output_size:1")
        log.put(211, "output0_datatype:0")
        log.put(212, "output0_shape:1, 1, 256, 256")
        log.put(214, "output0_bytesize:262144")
        log.put(228, f"../test_data/ground_truth_csv/{shot.name[:-3]}csv")
        log.put(229, f"pre:{six(shot.predicted)}")
        log.put(231, f"gt:{six(shot.true)}")
        log.put(234, f"mae:{six(abs(shot.predicted - shot.true))}")
    if end:
        mae, rmse = figures(shots, divisor or len(shots))
        log.put(101, f"mae:{six(mae)}", "main.cpp")
        log.put(102, f"mse:{six(rmse)}", "main.cpp")
        log.put(110, "[Process Delay] cost: 4512.31 ms\tfps: 57.8341 imgs/sec", "main.cpp")
    return log.text()


def main_py(
    shots: Sequence[Shot] = SHOTS,
    *,
    folder: str = "../test data/images/",
    divisor: int = 182,
    end: bool = True,
) -> str:
    """What the published infer/sdk/main.py prints."""
    found = ["Begin to initialize Log.", "The output directory of logs file exist."]
    found += ["Save logs information to specified directory."]
    for shot in shots:
        true, predicted = np.float32(shot.true), np.float32(shot.predicted)
        found.append(f"{folder}{shot.name} True value: {true!s} predictive value: {predicted!s}")
    if end:
        mae, rmse = figures(shots, divisor)
        found += ["*" * 45, "Final accuracy of the project:", f"MAE: {mae}   MSE: {rmse}", "*" * 45]
        found += ["Overall project performance:", f"{182 / 3} images/seconds"]
    return "".join(f"{line}\n" for line in found)


def machine_lines(shots: Sequence[Shot] = SHOTS, end: bool = True, **changes: Any) -> str:
    """What our own Mcnn prints on stdout; `changes` are fields of every image's line."""
    found = []
    for index, shot in enumerate(shots):
        value = {"omgate": 1, "image": shot.name, "index": index, "status": "ok", "reason": ""}
        value |= {"predicted": shot.predicted, "true": shot.true, "shape": [1, 1, 256, 256]}
        value |= {"map": f"{shot.name}.bin", "infer_seconds": 0.05, "preprocess_seconds": 0.01}
        value |= {"transfer_seconds": 0.002}
        found.append(json.dumps(value | changes))
    if end:
        mae, rmse = figures(shots, len(shots))
        done = {"omgate": 1, "done": True, "images": len(shots), "failed": 0, "mae": mae, "rmse": rmse}
        found.append(json.dumps(done))
    return "".join(f"{line}\n" for line in found)
