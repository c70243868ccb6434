"""The `native` driver against a small program with the deliverable's command line: order, faults, what it does with a program that dies."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.backends.base import worker_text
from bench.evaluate import REASON_OF
from bench.gateway import Answer, Session, WorkerRefused, WorkerSpec, WorkerTimeout
from bench.programs import exit_status

PROGRAM = '''#!{python}
"""MODEL IMAGES LABELS OUTPUT: the mean of each 2x2 block of an image, as a map; faults by the image's first pixel or by the mode."""
import json, os, sys, time
import numpy

model, images, labels, output, option, device = sys.argv[1:]
assert (option, device) == ("--device", "0") and images.endswith("/") and labels == "-" and os.path.isdir(output)
mode = os.environ.get("MODE", "")
print("datasize: 16")
with open(os.environ["STARTS"], "a") as file:
    file.write(" ".join(sorted(os.listdir(images))) + "\\n")
failed = 0
for index, name in enumerate(sorted(os.listdir(images))):
    with open(images + name, "rb") as file:
        magic, size, top = file.readline(), file.readline(), file.readline()
        width, height = map(int, size.split())
        pixels = numpy.frombuffer(file.read(), numpy.uint8).reshape(height, width)
    assert (magic, top) == (b"P5\\n", b"255\\n")
    key = int(pixels[0, 0])
    line = {{"omgate": 1, "image": name, "index": index, "status": "ok", "reason": "", "true": None}}
    density = pixels.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)).astype("<f4")
    line.update(shape=[1, 1, height // 2, width // 2], predicted=float(density.sum(dtype="f8")))
    line.update(infer_seconds=0.25, transfer_seconds=0.125, preprocess_seconds=0.5, map=name + ".bin")
    if key == 201:
        sys.stdout.write('{{"omgate":1,"image":"' + name)
        sys.stdout.flush()
        os.kill(os.getpid(), 11)
    if key == 202:
        time.sleep(3600)
    if key == 203:
        line.update(status="failed", reason="infer-failed", detail="1001 general failure")
        failed = 1
    if key == 204:
        line["predicted"] += 1.0
    if key == 205:
        line["shape"] = [1, 1, 3, 3]
    if key == 206:
        print("W0418 nothing", file=sys.stderr)
        print("E0418 the device is lost", file=sys.stderr)
        sys.exit(233)
    if key == 207:
        continue
    if key == 208:
        density[0, 0] = numpy.nan
        line["predicted"] = float("nan")
    if key == 210:
        line.update(status="failed", reason="not-finite", detail="the density map holds NaN")
        failed = 1
    if key != 209:
        density.tofile(os.path.join(output, line["map"]))
    print("predicted %.2f" % line["predicted"])
    print("no machine line" if mode == "published" else json.dumps(line), flush=True)
    if key == 203 and mode == "stops":
        break
sys.exit(9 if failed else 0)
'''


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., WorkerSpec]:
    program, model = tmp_path / "Mcnn", tmp_path / "model.om"
    program.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    model.write_bytes(b"a model")
    (tmp_path / "tmp").mkdir()

    def make(mode: str = "", chunk: int = 32, image_seconds: float = 30.0) -> WorkerSpec:
        config = {
            "driver": "native",
            "note": "",
            "program": str(program),
            "model": str(model),
            "home": str(tmp_path),
            "version": "2.0.2",
            "soc": None,
            "device": 0,
            "shape": [1, 1, 4, 6],
            "chunk": chunk,
            "exits": exit_status.table(),
        }
        environ = {"MODE": mode, "STARTS": str(tmp_path / "starts"), "TMPDIR": str(tmp_path / "tmp")}
        log = tmp_path / "worker.log"
        return WorkerSpec(
            "om-mxbase", worker_text("native"), config, environ=environ, log=log, image_seconds=image_seconds
        )

    return make


def image(key: int, seed: int = 0) -> np.ndarray[Any, Any]:
    pixels = np.random.default_rng([key, seed]).integers(0, 256, (1, 1, 4, 6), dtype=np.uint8)
    pixels[0, 0, 0, 0] = key
    return pixels


def blocks(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(pixels.reshape(1, 1, 2, 2, 3, 2).mean(axis=(3, 5)).astype(np.float32))


def run(spec: WorkerSpec, keys: list[int]) -> list[Answer]:
    session = Session(spec)
    try:
        session.open()
        for sequence, key in enumerate(keys):
            session.submit(sequence, image(key, sequence))
        return [session.receive() for _ in keys]
    finally:
        session.close()


def check(answers: list[Answer], keys: list[int], failed: dict[int, str]) -> None:
    """Every image but those in `failed` has its own map; these have an error with those words."""
    for sequence, (answer, key) in enumerate(zip(answers, keys, strict=True)):
        assert answer.sequence == sequence
        if sequence in failed:
            assert failed[sequence] in str(answer.problem), answer.problem
        else:
            assert answer.problem is None, answer.problem
            assert answer.array is not None
            assert np.array_equal(answer.array, blocks(image(key, sequence)))


def starts(tmp_path: Path) -> list[list[str]]:
    """The images that each start of the program was given; the first one is the warm-up."""
    return [line.split() for line in (tmp_path / "starts").read_text(encoding="utf-8").splitlines()]


def test_maps_come_back_bit_for_bit_and_in_order_with_the_devices_seconds(
    spec: Callable[..., WorkerSpec], tmp_path: Path
) -> None:
    keys = list(range(9))
    answers = run(spec(), keys)
    check(answers, keys, {})
    assert all(answer.seconds == {"transfer": 0.125, "infer": 0.25} for answer in answers)
    assert sum(len(names) for names in starts(tmp_path)) == 1 + len(keys)
    assert "datasize: 16" in (tmp_path / "worker.log").read_text(encoding="utf-8")


def test_no_start_gets_more_than_a_chunk_and_what_is_staged_is_gone_at_the_end(
    spec: Callable[..., WorkerSpec], tmp_path: Path
) -> None:
    keys = list(range(7))
    check(run(spec(chunk=3), keys), keys, {})
    assert max(len(names) for names in starts(tmp_path)) <= 3
    assert os.listdir(tmp_path / "tmp") == []


def test_info_says_driver_model_and_region(spec: Callable[..., WorkerSpec]) -> None:
    session = Session(spec())
    try:
        info = session.open()
    finally:
        session.close()
    assert (info["driver"], info["framework"], info["framework_version"]) == ("native", "mxBase", "2.0.2")
    assert info["model_sha256"] == hashlib.sha256(b"a model").hexdigest()
    assert "ModelInference" in info["region"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (201, "ended by SIGSEGV"),
        (203, "1001 general failure"),
        (204, "its map's sum is"),
        (205, "values for the shape [1, 1, 3, 3]"),
        (206, "1001 (APP_ERR_COMM_FAILURE: general failure)"),
        (207, "exit status 0"),
        (209, "can't be used"),
    ],
)
def test_one_image_fails_with_its_reason_and_the_others_go_on(
    spec: Callable[..., WorkerSpec], key: int, words: str
) -> None:
    keys = [1, 2, key, 3, 4]
    check(run(spec(), keys), keys, {2: words})


def test_the_last_words_of_a_program_are_in_the_error(spec: Callable[..., WorkerSpec]) -> None:
    problem = str(run(spec(), [206])[0].problem)
    assert "E0418 the device is lost" in problem
    assert "W0418" not in problem


def test_a_program_that_stops_at_a_failure_is_no_failure_of_the_next_image(
    spec: Callable[..., WorkerSpec],
) -> None:
    keys = [1, 203, 2, 203, 3]
    check(run(spec("stops"), keys), keys, {1: "1001 general failure", 3: "1001 general failure"})


def test_a_map_that_is_not_finite_is_left_to_the_host(spec: Callable[..., WorkerSpec]) -> None:
    answer = run(spec(), [208])[0]
    assert answer.array is not None
    assert np.isnan(answer.array[0, 0, 0, 0])


def test_a_program_that_hangs_is_ended_with_its_worker(
    spec: Callable[..., WorkerSpec], tmp_path: Path
) -> None:
    session = Session(spec(image_seconds=3.0))
    session.open()
    for sequence, key in enumerate([1, 202]):
        session.submit(sequence, image(key))
    assert session.receive().problem is None
    with pytest.raises(WorkerTimeout):
        session.receive()
    left = [name for name in os.listdir("/proc") if name.isdigit() and _runs(Path("/proc") / name, tmp_path)]
    assert left == []


def _runs(process: Path, folder: Path) -> bool:
    try:
        return str(folder / "Mcnn").encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_a_program_without_machine_lines_is_refused_and_the_import_named(
    spec: Callable[..., WorkerSpec],
) -> None:
    with pytest.raises(WorkerRefused, match=r"no machine lines.*omgate import"):
        Session(spec("published")).open()


def test_a_program_that_cannot_start_is_refused(spec: Callable[..., WorkerSpec], tmp_path: Path) -> None:
    made = spec()
    made.config["program"] = str(tmp_path / "absent")
    with pytest.raises(WorkerRefused, match="absent"):
        Session(made).open()


def test_what_a_killed_worker_staged_goes_with_the_next(
    spec: Callable[..., WorkerSpec], tmp_path: Path
) -> None:
    session = Session(spec())
    session.open()
    session.kill()
    assert len(os.listdir(tmp_path / "tmp")) == 1
    alive = tmp_path / "tmp" / f"omgate-native-{os.getpid()}-abc"
    alive.mkdir()
    run(spec(), [1])
    assert os.listdir(tmp_path / "tmp") == [alive.name]
    assert tempfile.gettempdir() != str(tmp_path / "tmp")


def test_a_program_that_names_a_map_not_finite_is_told_apart_from_one_that_failed(
    spec: Callable[..., WorkerSpec],
) -> None:
    problem = run(spec(), [210])[0].problem
    assert problem is not None
    assert REASON_OF[problem.kind] == "not-finite"
    assert "the density map holds NaN" in problem.message
