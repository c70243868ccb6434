"""Several devices on the emulated home's C++ side: as many as the engine has, what each of them does, and what others are answered."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.emulator.engine import DEVICES
from tests.bench.emulator.graphs import scaled_in_half
from tests.bench.emulator.mxbase_home import FAULT, PROGRAMS, STRICT, Stage, compiled, pairs, values

X = np.array([[1.5, -2.25, 7]], np.float32)

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here: apt-get install g++")


@pytest.fixture(scope="module")
def program(mxbase_library: Path, emulated_home: Path) -> Path:
    target = mxbase_library / "devices"
    done = compiled(
        *STRICT, "-std=c++11", "-pthread", f"-I{emulated_home / 'include'}", PROGRAMS / "devices.cpp",
        f"-L{mxbase_library}", "-lmxbase", "-Wl,-rpath", f"-Wl,{mxbase_library}", "-o", target,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def said(program: Path, emulated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the program says on a machine whose devices are there."""
    stage = Stage(emulated_home, tmp_path_factory.mktemp("devices"))
    done = stage.run([program, stage.model("scaled"), *stage.inputs([X])])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(text: str, wanted: dict[str, str]) -> None:
    found = dict(pairs(text))
    assert {name: found.get(name) for name in wanted} == wanted


def row(numbers: Sequence[np.float32]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def test_the_count_is_the_engines_from_init_on(said: str) -> None:
    assert set(values(said, "count_code")) == {"0"}
    check(
        said,
        {
            "never_begun": "1009", "early_count": "0", "early_check": "1004", "early_current": "code -1",
            "init": "0", "begun": "1", "count": str(DEVICES), "unset": "code -1",
        },
    )  # fmt: skip


def test_a_device_is_set_by_its_number_in_its_thread(said: str) -> None:
    for number, code in ((-1, "1004"), (0, "0"), (DEVICES - 1, "0"), (DEVICES, "1004"), (100, "1004")):
        check(said, {f"check {number}": code, f"set {number}": code})
    check(said, {"load_unset": "107002", "kept": f"device {DEVICES - 1}", "other_thread": "code -1"})


def test_a_model_runs_on_each_device_by_both_interfaces(said: str) -> None:
    outputs = row(scaled_in_half(X)[0])
    numbers = [*range(DEVICES), 2]  # the last after the devices were ended and begun again
    assert values(said, "set") == [f"0, device {number}" for number in numbers]
    assert values(said, "first") == [f"{number}: {outputs}" for number in numbers]
    assert values(said, "second") == [f"{number}: {outputs}" for number in range(DEVICES)]
    assert values(said, "thread") == [f"code -1, device {number}" for number in range(DEVICES)]
    assert set(values(said, "load") + values(said, "infer")) == {"0"}


def test_memory_goes_from_device_to_device(said: str) -> None:
    assert values(said, "moved") == [f"0 to {number}, device {number}" for number in (1, 2, 0, 3)]
    check(
        said,
        {
            "moved_4": "1004", "copy_without_memory": "1004", "malloc_1": "0", "copy_3_to_1": "0", "after_copy": "device 1",
            "copy_to_shorter": "1004", "stack_of_two_devices": "1004", "stack_of_one": "0", "stacked_on": "1",
            "to_host": "0", "host_is": "-1", "after_host": "device 1", "same_bytes": "1", "malloc_4": "1004", "memory_4": "0",
        },
    )  # fmt: skip


def test_objects_on_a_device_that_is_not_here_are_refused(said: str) -> None:
    for name in ("model_4", "tensor_4", "stream_4"):
        assert values(said, name)[0].startswith(" (Code = 1013, ")
    check(said, {"stream_2": "2"})


def test_what_an_execution_that_can_not_be_answers(said: str) -> None:
    check(
        said,
        {
            "v2_no_room": "-1", "v2": "0", "v2_current": "device 1", "v2_scant": "-1", "v2_no_outputs": "1004", "v2_bare": "1003",
            "no_model": "-1", "nothing": "1004", "unknown_type": "1001",
        },
    )  # fmt: skip


def test_one_end_is_enough_and_a_second_is_no_error(said: str) -> None:
    check(
        said,
        {
            "destroy": "0", "destroy_again": "0", "count_after": str(DEVICES), "begun_after": "1", "current_after": "code -1",
            "init_after": "0", "destroy_at_last": "0",
        },
    )  # fmt: skip


def test_without_devices_every_way_to_one_fails(program: Path, emulated_home: Path, tmp_path: Path) -> None:
    stage = Stage(emulated_home, tmp_path)
    command = [program, stage.model("scaled"), *stage.inputs([X]), "outer"]
    done = stage.run(command, **{FAULT: "device-missing"})
    assert done.returncode == 0, done.stdout + done.stderr
    check(
        done.stdout,
        {
            "never_begun": "1009", "init": "1013", "begun": "0", "count": "0", "set_0": "1013", "malloc_host": "0",
            "to_device_0": "1004", "memory": "2", "processor": "107002", "check_0": "1004",
        },
    )  # fmt: skip
    for name in ("model_0", "tensor_0", "stream_0"):
        assert values(done.stdout, name)[0].startswith(" (Code = 1013, ")


@pytest.mark.parametrize("error", ["1001", "507011", "-1"])
def test_an_execution_that_fails_is_minus_one_whatever_the_device_says(
    program: Path, emulated_home: Path, tmp_path: Path, error: str
) -> None:
    stage = Stage(emulated_home, tmp_path)
    command = [program, stage.model("scaled"), *stage.inputs([X])]
    done = stage.run(command, **{FAULT: f"error={error}@1"})
    assert values(done.stdout, "infer")[0] == "-1"
    assert f"Code = {error}, " in done.stderr
