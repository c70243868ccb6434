"""Programs written as others write them for the real SDK run on the emulated home, each in a process of its own.

Their numbers are held against numpy, which rounds to FP16 where a device does. Tolerance: one step of FP16 (2**-10 of the value),
because the order in which a convolution's or a sum's products are added is not ours to choose, and the sum is rounded once more;
graphs without sums must agree bit for bit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from bench.emulator.home import variables
from tests.bench.emulator import graphs
from tests.bench.emulator.test_engine import convert

PROGRAMS = Path(__file__).parent / "programs"
STEP = 2.0**-10
SECONDS = 60
"""A program that hangs is killed; they take about two."""

Run = Callable[..., Mapping[str, np.ndarray]]

EDGES = np.array([[[[-1, -1, -1], [-1, 8.01, -1], [-1, -1, -1]]]], np.float32)
TABLE = np.linspace(-1, 1, 40, dtype=np.float32).reshape(10, 4)


def conv() -> bytes:
    """Picture (1, 1, 16, 16) -> edges, negative ones cut off."""
    shape = ("float32", [1, 1, 16, 16])
    nodes = [
        graphs.node("Conv", "im_data w", "edges", pads=[1, 1, 1, 1]),
        graphs.node("Relu", "edges", "density"),
    ]
    return graphs.graph(nodes, {"im_data": shape}, {"density": shape}, {"w": EDGES})


def text() -> bytes:
    """Ids, mask and segments int32 (1, 5) -> rows of a table where the mask is 1, plus the segment: (1, 5, 4)."""
    kind = ("int32", [1, 5])
    nodes = [
        graphs.node("Gather", "table ids", "rows"),
        graphs.node("Cast", "mask", "weights", to=graphs.KINDS["float32"]),
        graphs.node("Unsqueeze", "weights last", "column"),
        graphs.node("Mul", "rows column", "kept"),
        graphs.node("Cast", "segments", "offsets", to=graphs.KINDS["float32"]),
        graphs.node("Unsqueeze", "offsets last", "shift"),
        graphs.node("Add", "kept shift", "logits"),
    ]
    weights = {"table": TABLE, "last": np.array([2], np.int64)}
    return graphs.graph(
        nodes, {"ids": kind, "mask": kind, "segments": kind}, {"logits": ("float32", [1, 5, 4])}, weights
    )


def edges_in_half(picture: np.ndarray) -> np.ndarray:
    padded = np.pad(graphs.half(picture), 1).astype(np.float64)
    weights = graphs.half(EDGES)[0, 0]
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.maximum(graphs.half((views * weights).sum(axis=(2, 3))), 0)


def text_in_half(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    rows = graphs.half(TABLE)[inputs["ids"]]
    return graphs.half(graphs.half(rows * inputs["mask"][..., None]) + inputs["segments"][..., None])


def summed_in_half(x: np.ndarray) -> np.ndarray:
    total = graphs.half(graphs.half(x).astype(np.float64).sum(axis=-1))
    return np.stack([total, graphs.half(total * graphs.half(0.3))], axis=-1)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "user").mkdir()
    return tmp_path


@pytest.fixture
def run(place: Path, emulated_home: Path) -> Run:
    """Run a program in `place`; return what it left in results.npz."""

    def start(name: str, *arguments: str, **inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        np.savez(place / "inputs.npz", **inputs)
        environ = {**os.environ, **variables(emulated_home), "HOME": str(place / "user")}
        done = subprocess.run(
            [sys.executable, str(PROGRAMS / name), *arguments],
            cwd=place,
            env=environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith("Begin to initialize Log.\n")
        return dict(np.load(place / "results.npz"))

    return start


@pytest.fixture
def model(place: Path) -> Callable[[str, bytes], None]:
    """Put a model into the program's folder."""

    def put(name: str, content: bytes) -> None:
        convert(place / "model", content).rename(place / "model" / f"{name}.om")

    return put


@pytest.fixture
def numbers() -> np.ndarray:
    """Values that FP16 does not hold exactly: (7, 3) float32."""
    return np.random.default_rng(7).uniform(-50, 50, (7, 3)).astype(np.float32)


@pytest.fixture
def sentences() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(8)
    return {
        name: generator.integers(0, limit, (4, 5), dtype=np.int32)
        for name, limit in (("ids", 10), ("mask", 2), ("segments", 3))
    }


Put = Callable[[str, bytes], None]


def test_crowd_one_image_after_the_other(place: Path, run: Run, model: Put) -> None:
    model("mcnn", conv())
    (place / "images").mkdir()
    generator = np.random.default_rng(6)
    pictures = {
        name: generator.integers(0, 256, shape, dtype=np.uint8)
        for name, shape in (("IMG_1", (16, 16)), ("IMG_10", (9, 13)), ("IMG_2", (4, 16)))
    }
    for name, picture in pictures.items():
        np.save(place / "images" / f"{name}.npy", picture)
    (place / "crowd.pipeline").write_text(
        """{"crowd": {"stream_config": {"deviceId": "0"},
        "appsrc0": {"factory": "appsrc", "next": "mxpi_tensorinfer0"},
        "mxpi_tensorinfer0": {"props": {"dataSource": "appsrc0", "modelPath": "./model/mcnn.om", "waitingTime": "2000"},
                              "factory": "mxpi_tensorinfer", "next": "appsink0"},
        "appsink0": {"factory": "appsink"}}}""".replace("\n", "").replace("  ", "")
    )
    found = run("crowd.py", "images")
    assert sorted(found) == sorted(pictures)
    for name, picture in pictures.items():
        rows, columns = picture.shape
        top, left = 8 - rows // 2, 8 - columns // 2
        padded = np.pad(picture, ((top, 16 - top - rows), (left, 16 - left - columns)))
        expected = edges_in_half(padded.astype(np.float32)).ravel()
        np.testing.assert_allclose(found[name], expected, rtol=STEP, atol=STEP)


def test_three_sources_of_int32_sent_as_float32(
    run: Run, model: Put, sentences: dict[str, np.ndarray]
) -> None:
    model("text", text())
    found = run("text.py", **sentences)["logits"]
    np.testing.assert_array_equal(found.reshape(4, 5, 4), text_in_half(sentences))


def test_three_outputs_of_a_batch_of_sixteen(run: Run, model: Put) -> None:
    model("detection", graphs.three_outputs())
    generator = np.random.default_rng(9)
    inputs = {
        "ids": generator.integers(-(2**31), 2**31 - 1, (21, 4), dtype=np.int32),
        "picture": generator.integers(0, 256, (21, 4), dtype=np.uint8),
        "scale": generator.uniform(0.1, 2, (21, 1)).astype(np.float32),
    }
    found = run("batch16.py", **inputs)
    scaled = graphs.half(inputs["picture"] * graphs.half(inputs["scale"]))
    np.testing.assert_array_equal(found["a"], scaled)
    np.testing.assert_array_equal(found["b"], inputs["ids"] + 1)
    np.testing.assert_array_equal(found["c"], scaled.astype(np.float16))


def test_float16_through_unnumbered_elements(run: Run, model: Put, numbers: np.ndarray) -> None:
    model("half", graphs.scaled(kind="float16"))
    found = run("half_precision.py", x=numbers)["y"]
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, graphs.scaled_in_half(numbers).astype(np.float16))


def test_results_as_json(run: Run, model: Put, numbers: np.ndarray) -> None:
    model("scaled", graphs.scaled())
    found = run("as_json.py", x=numbers)
    assert found["shapes"].tolist() == [[1, 3, 12, 0]] * len(numbers)  # shape, bytes, float32
    # protobuf writes a float32 with as many digits as tell it apart from its neighbours
    np.testing.assert_array_equal(found["confidences"].astype(np.float32), numbers)
    assert found["names"].tolist() == [["class0", "class1", "class2"]] * len(numbers)


def test_unique_ids_from_many_threads(run: Run, numbers: np.ndarray) -> None:
    found = run("unique_ids.py", x=numbers)
    np.testing.assert_array_equal(found["y"], numbers)
    assert found["late"] == 6010


def test_buffers_with_metadata(run: Run, model: Put, numbers: np.ndarray) -> None:
    model("scaled", graphs.scaled())
    found = run("with_metadata.py", x=numbers)
    np.testing.assert_array_equal(found["y"], graphs.scaled_in_half(numbers))
    assert found["short"] == 1001
    assert found["empty"] == 1001


@pytest.fixture
def two_pipelines(place: Path, model: Put) -> None:
    model("scaled", graphs.scaled())
    model("summed", graphs.summed())
    stream = (
        '"%s": {"appsrc0": {"factory": "appsrc", "next": "%s"}, %s"mxpi_tensorinfer0": {"factory": "mxpi_tensorinfer",'
        ' "next": "appsink0", "props": {"dataSource": "appsrc0", "modelPath": "model/%s.om"}},'
        ' "appsink0": {"factory": "appsink"}}'
    )
    queue = '"queue0": {"factory": "queue", "next": "mxpi_tensorinfer0"}, '
    right = stream % ("right", "queue0", queue, "summed")
    left = stream % ("left", "mxpi_tensorinfer0", "", "scaled")
    (place / "two.pipeline").write_text("{" + right + ", " + left + "}")
    (place / "two.pipeline").chmod(0o640)


@pytest.mark.usefixtures("two_pipelines")
def test_two_streams_of_one_file(run: Run, numbers: np.ndarray) -> None:
    found = run("two_streams.py", x=numbers)
    np.testing.assert_array_equal(found["left"], graphs.scaled_in_half(numbers))
    np.testing.assert_allclose(found["right"], summed_in_half(numbers), rtol=STEP)
    assert found["unknown"] == 6002


@pytest.mark.usefixtures("two_pipelines")
def test_statistics_of_what_really_ran(place: Path, run: Run, numbers: np.ndarray) -> None:
    (place / "config").mkdir()
    (place / "config" / "sdk.conf").write_text(
        "enable_ps=true\nps_log_dir=logs\nps_log_filename=performance-statistics.log\nps_max_log_size=10\n"
        "ps_interval_time=3600\nps_queue_size_interval_time=10\nps_queue_size_times=2\n"
    )
    (place / "config" / "sdk.conf").chmod(0o640)
    run("two_streams.py", x=numbers)
    folder = place / "user" / "log" / "mindxsdk" / "logs"
    records = {
        kind: [
            json.loads(line)
            for path in sorted(folder.glob(f"performance-statistics.log.{kind}.*"))
            for line in path.read_text().splitlines()
        ]
        for kind in ("e2e", "plugin", "tpr", "queue")
    }
    # One window of an hour, cut short by DestroyAllStreams.
    assert [(line["streamName"], line["frequency"]) for line in records["e2e"]] == [
        ("left", "7"),
        ("right", "7"),
    ]
    assert [(line["streamName"], line["throughput"]) for line in records["tpr"]] == [
        ("left", 7),
        ("right", 7),
    ]
    plugin, model = "plugin", "modelInference"
    assert [(line["streamName"], line["type"], line["frequency"]) for line in records["plugin"]] == [
        ("left", plugin, "7"),
        ("left", model, "7"),
        ("right", plugin, "7"),
        ("right", model, "7"),
    ]
    for outer, inner in (records["plugin"][:2], records["plugin"][2:]):
        assert outer["factory"] == inner["factory"] == "mxpi_tensorinfer"
        assert int(outer["totalTime"]) >= int(inner["totalTime"])
    assert {line["elementName"] for line in records["queue"]} == {"queue0"}
    assert records["queue"][0]["intervalTime"] == 20000
    first, *others = [len(line["recentSize"]) for line in records["queue"]]
    assert first in (
        1,
        2,
    )  # polls are counted for all queues: one that appears between two has fewer in its first record
    assert set(others) <= {2}


def test_a_tee_and_two_sinks(run: Run, model: Put, numbers: np.ndarray) -> None:
    model("scaled", graphs.scaled())
    model("summed", graphs.summed())
    found = run("branches.py", x=numbers)
    np.testing.assert_array_equal(found["scaled"], graphs.scaled_in_half(numbers))
    np.testing.assert_allclose(found["summed"], summed_in_half(numbers), rtol=STEP)


def test_a_sequential_stream(run: Run, model: Put, numbers: np.ndarray) -> None:
    model("scaled", graphs.scaled())
    np.testing.assert_array_equal(run("sequence.py", x=numbers)["y"], graphs.scaled_in_half(numbers))


def test_a_functional_stream_of_three_sources(run: Run, model: Put, sentences: dict[str, np.ndarray]) -> None:
    model("text", text())
    found = run("function.py", **sentences)["logits"]
    np.testing.assert_array_equal(found.reshape(4, 5, 4), text_in_half(sentences))


def test_what_is_refused(run: Run, model: Put) -> None:
    model("scaled", graphs.scaled())
    found = {name: value.item() for name, value in run("refusals.py").items()}
    assert found == {
        "create before init": -1,
        "no json": 6005,
        "unknown factory": 6014,
        "no model": 6003,
        "twice": 6001,
        "fetch before the first send": 0,
        "wrong type": 1001,
        "empty list": 1001,
        "unknown stream": 6002,
        "unknown source": 6006,
        "wrong size": 0,
        "its result": 0,
        "its code": 1001,
        "other mode": -1,
        "nothing there": 1002,
        "str": "TypeError",
        "keyword": "TypeError",
        "field": "TypeError",
    }
