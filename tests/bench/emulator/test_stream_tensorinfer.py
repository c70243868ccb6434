"""mxpi_tensorinfer and mxpi_dataserialize: checks, batches, several ports, failures, what the statistics count."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.bench.emulator import graphs, python_home
from tests.bench.emulator.sdk_programs import run
from tests.bench.emulator.test_engine import convert

assert python_home.PYTHON.is_dir()
from omgate_emulator.tensorinfer import choose_batch  # noqa: E402

X = np.array([[1.5, -2.25, 3.0]], np.float32)
Y = graphs.scaled_in_half(X)[0].tolist()

Put = Callable[..., Path]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    convert(tmp_path, graphs.scaled())
    return tmp_path


PIPELINE = """
api.InitManager()
x = np.array([[1.5, -2.25, 3.0]], np.float32)
def floats(tensor):
    return np.frombuffer(tensor.dataStr, np.float32).tolist()
"""


def test_a_result_and_what_comes_with_it(emulated_home: Path, place: Path) -> None:
    done = run(
        emulated_home,
        place,
        PIPELINE
        + """
# A number as a property's value is ignored, and so is one that a string could not be.
said["create"] = create(s=stream(infer("m.om", waitingTime=0, deviceId=7)))
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
found = get()
package = tensors(found).tensorPackageVec[0]
tensor = package.tensorVec[0]
said["name"] = found[0].messageName.decode()
said["header"] = [package.headerVec[0].dataSource, package.headerVec[0].memberId]
said["tensor"] = [list(tensor.tensorShape), tensor.tensorDataType, tensor.tensorDataSize, tensor.memType, tensor.deviceId]
said["y"] = floats(tensor)
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
empty = api.GetResult(b"s", 0)
said["get result"] = [empty.errorCode, empty.data.decode()]
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
found = api.GetProtobuf(b"s", 0, StringVector([b"m0", b"none", b"appsrc0"]))
said["several keys"] = [item.messageName.decode() for item in found]
said["the input is still there"] = floats(tensors(found, 1).tensorPackageVec[0].tensorVec[0])
""",
    )
    assert done.said == {
        "create": 0,
        "name": "m0",
        "header": ["appsrc0", 0],
        "tensor": [[1, 3], 0, 12, 3, 0],
        "y": Y,
        "get result": [0, "{}"],
        "several keys": ["m0", "appsrc0"],
        "the input is still there": X[0].tolist(),
    }
    assert "model input tensor 0 (name: x, dtype: FLOAT32), dims: 1 3" in done.log
    assert "model output tensor 0 (name: y, dtype: FLOAT32), dims: 1 3" in done.log


def test_bytes_are_checked_shapes_are_warned_of_types_are_not_looked_at(
    emulated_home: Path, place: Path
) -> None:
    done = run(
        emulated_home,
        place,
        PIPELINE
        + """
create(s=stream(infer("m.om")), skip=stream(infer("m.om", skipModelCheck="1")))
def result(*packages, name=b"s"):
    code = api.SendProtobuf(name, 0, protobuf(b"appsrc0", *packages))
    found = api.GetResult(name, 0)
    return [code, found.errorCode, found.data.decode()]
said["size"] = result([x[:, :2]])
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x[:, :2]]))
said["protobuf"] = get().size()
said["number"] = result([x, x])[1]
said["no list"] = api.SendProtobuf(b"s", 0, protobuf(b"another", [x])), api.GetResult(b"s", 0).errorCode
classes = M.MxpiClassList()
classes.classVec.add()
item = MxProtobufIn()
item.key, item.type, item.protobuf = b"appsrc0", b"MxTools.MxpiClassList", classes.SerializeToString()
said["foreign list"] = api.SendProtobuf(b"s", 0, [item]), api.GetResult(b"s", 0).errorCode
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x.reshape(3, 1, 1)]))
said["shape"] = floats(tensors(get()).tensorPackageVec[0].tensorVec[0])
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x.view(np.int32)]))
said["type"] = floats(tensors(get()).tensorPackageVec[0].tensorVec[0])
api.SendProtobuf(b"skip", 0, protobuf(b"appsrc0", [x[:, :2]]))
said["skipped"] = floats(tensors(get(name=b"skip")).tensorPackageVec[0].tensorVec[0])
api.SendData(b"s", 0, data(b"raw"))
raw = api.GetResult(b"s", 0)
said["raw bytes pass"] = [raw.errorCode, raw.data.decode()]
""",
    )
    said = done.said
    assert said["size"][:2] == [0, 1001]
    for part in ("8 bytes", "12 bytes", "FLOAT32", '(Code = 1001, Message = "'):
        assert part in said["size"][2]
    assert said["protobuf"] == 0
    assert said["number"] == 1001
    assert said["no list"] == [0, 0]
    assert said["foreign list"] == [0, 7011]
    assert said["shape"] == said["type"] == Y
    assert (
        done.log.count("CheckTensorShape failed, which means modelInfer maybe not be executed correctly") == 1
    )
    assert said["skipped"] == graphs.scaled_in_half(X * [1, 1, 0])[0].tolist()
    assert said["raw bytes pass"] == [0, "raw"]


def test_another_device_and_blanks_between_the_sources(emulated_home: Path, place: Path) -> None:
    done = run(
        emulated_home,
        place,
        PIPELINE
        + """
said["create"] = create(s=stream(infer("m.om", dataSource=" appsrc0 "), stream_config={"deviceId": "3"}))
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
tensor = tensors(get()).tensorPackageVec[0].tensorVec[0]
said["y"] = [floats(tensor), tensor.deviceId]
""",
    )
    assert done.said == {"create": 0, "y": [Y, 0]}


@pytest.mark.parametrize(
    ("props", "code"),
    [
        ({"modelPath": "none.om"}, 1016),
        ({"modelPath": ""}, 1016),
        ({"modelPath": "genuine.om"}, 18),
        ({"modelPath": "open.om"}, 1010),
        ({"deviceId": "4"}, 1004),
        ({"dynamicStrategy": "Middle"}, 1013),
        ({"dataSource": "appsrc0,appsrc1"}, 1004),
    ],
)
def test_a_model_that_does_not_start_is_6003_and_the_log_says_why(
    emulated_home: Path, place: Path, props: dict[str, str], code: int
) -> None:
    (place / "genuine.om").write_bytes(b"IMOD" + bytes(100))
    (place / "open.om").write_bytes((place / "m.om").read_bytes())
    (place / "genuine.om").chmod(0o640)
    (place / "open.om").chmod(0o644)
    wanted = {"modelPath": "m.om", **props}
    program = (
        f"api.InitManager()\nsaid['code'] = create(s=stream(element('mxpi_tensorinfer', **{wanted!r})))\n"
    )
    done = run(emulated_home, place, program + "said['next'] = create(s=stream(infer('m.om')))")
    assert done.said == {"code": 6003, "next": 0}
    assert f"(Code = {code}, " in done.log


def test_several_ports_fill_a_batch_or_run_out_of_time(emulated_home: Path, place: Path) -> None:
    convert(place, graphs.three_outputs())
    done = run(
        emulated_home,
        place,
        PIPELINE
        + """
ports = {"appsrc": element("appsrc", "m0"), "appsrc1": element("appsrc", "m0:1"), "appsrc2": element("appsrc", "m0:2"), "appsink0": element("appsink")}
def members(**props):
    return dict(ports, m0=dict(infer("m.om", dataSource="appsrc,same,same", **props), next="appsink0"))
said["create"] = create(s=members(waitingTime="300"))
def send(number):
    # Equal keys on different sources, and every payload with data type 0.
    arrays = (np.full((1, 4), number, np.int32), np.full((1, 4), number, np.uint8), np.full((1, 1), 0.5, np.float32))
    keys = (b"appsrc", b"same", b"same")
    return [api.SendProtobuf(b"s", source, protobuf(keys[source], [arrays[source]])) for source in range(3)]
said["send"] = [send(number) for number in range(18)] == [[0, 0, 0]] * 18
begin = time.monotonic()
results = []
for number in range(18):
    tensorVec = tensors(get()).tensorPackageVec[0].tensorVec
    a, b, c = (np.frombuffer(tensor.dataStr, kind) for tensor, kind in zip(tensorVec, (np.float32, np.int32, np.float16)))
    results.append(set(a) == {number / 2} and set(b) == {number + 1} and set(c) == {number / 2})
    shapes = [[list(tensor.tensorShape), tensor.tensorDataType] for tensor in tensorVec]
said["results"], said["shapes"] = results, shapes
api.StopStream(b"s")
said["create"] += create(s=members(waitingTime="1000000"))
for number in range(15):
    send(number)
said["a batch that is not full waits"] = api.GetResult(b"s", 0, 200).errorCode
send(15)
said["and runs when it is"] = [api.GetResult(b"s", 0).errorCode for _ in range(16)] == [0] * 16
""",
    )
    assert done.said == {
        "create": 0,
        "send": True,
        "results": [True] * 18,
        "shapes": [[[1, 4], 0], [[1, 4], 3], [[1, 4], 1]],
        "a batch that is not full waits": 1002,
        "and runs when it is": True,
    }
    assert "2 tensor packages after 300 ms: batch size 16" in done.log


def test_gears_and_what_singleBatchInfer_and_outputHasBatchDim_change(
    emulated_home: Path, place: Path
) -> None:
    convert(place, graphs.scaled("n"), "--input_shape=x:-1,3", "--dynamic_batch_size=2,4,8")
    (place / "m.om").rename(place / "gears.om")
    convert(place, graphs.scaled(2))
    done = run(
        emulated_home,
        place,
        PIPELINE
        + """
said["create"] = create(g=stream(infer("gears.om", dynamicStrategy="Upper", waitingTime="200")), w=stream(infer("m.om", singleBatchInfer="1")),
    d=stream(infer("m.om", outputHasBatchDim="0", waitingTime="1", outputDeviceId="0")))
# Several packages in one buffer come back in one buffer.
api.SendProtobuf(b"g", 0, protobuf(b"appsrc0", [x], [2 * x], [x]))
packages = tensors(get(name=b"g")).tensorPackageVec
said["gears"] = [floats(package.tensorVec[0]) for package in packages]
said["members"] = [package.headerVec[0].memberId for package in packages]
api.SendProtobuf(b"w", 0, protobuf(b"appsrc0", [np.concatenate([x, 2 * x])]))
tensor = tensors(get(name=b"w")).tensorPackageVec[0].tensorVec[0]
said["whole"] = [floats(tensor), list(tensor.tensorShape)]
api.SendProtobuf(b"d", 0, protobuf(b"appsrc0", [x]))
tensor = tensors(get(name=b"d")).tensorPackageVec[0].tensorVec[0]
said["dims"] = [floats(tensor), list(tensor.tensorShape), tensor.memType, tensor.deviceId]
""",
    )
    double = graphs.scaled_in_half(2 * X)[0].tolist()
    assert done.said == {
        "create": 0,
        "gears": [Y, double, Y],
        "members": [0, 1, 2],
        "whole": [Y + double, [1, 3]],
        "dims": [Y, [1, 2, 3], 1, 0],
    }
    assert "3 tensor packages after 200 ms: batch size 4" in done.log


@pytest.mark.parametrize(
    ("count", "batches"),
    [(1, "2 2 2"), (2, "2 2 2"), (3, "4 4 2"), (5, "4 8 4"), (6, "8 8 4"), (7, "8 8 4")],
)
def test_the_batch_for_a_number_of_packages(count: int, batches: str) -> None:
    chosen = [choose_batch([2, 4, 8], count, strategy) for strategy in ("Nearest", "Upper", "Lower")]
    assert " ".join(map(str, chosen)) == batches


def test_results_as_json(emulated_home: Path, place: Path) -> None:
    done = run(
        emulated_home,
        place,
        PIPELINE
        + """
def serialized(**props):
    return dict(stream(), appsrc0=element("appsrc", "m0"), m0=dict(infer("m.om"), next="j"), j=dict(element("mxpi_dataserialize", **props), next="appsink0"))
said["create"] = create(a=serialized(outputDataKeys="m0"), b=serialized(outputDataKeys="appsrc0,m0", eraseHeaderVecFlag="0"),
    c=serialized(outputDataKeys="none"), d=serialized())
for name in "abcd":
    api.SendProtobuf(name.encode(), 0, protobuf(b"appsrc0", [x]))
    found = api.GetResult(name.encode(), 0)
    said[name] = [found.errorCode, found.data.decode()]
api.SendProtobuf(b"a", 0, protobuf(b"appsrc0", [x]))
said["messages are still there"] = floats(tensors(get(name=b"a")).tensorPackageVec[0].tensorVec[0])
api.SendProtobuf(b"a", 0, protobuf(b"appsrc0", [x[:, :1]]))
failed = api.GetResult(b"a", 0)
said["failed"] = [failed.errorCode, "4 bytes" in failed.data.decode()]
""",
    )
    said = done.said
    assert said["create"] == 0
    tensor = {"dataStr": "", "deviceId": 0, "freeFunc": "0", "memType": "MXPI_MEMORY_HOST_MALLOC"}
    tensor |= {"tensorDataPtr": "1048576", "tensorDataSize": 12, "tensorDataType": 0, "tensorShape": [1, 3]}
    text = json.dumps({"MxpiTensorPackage": [{"tensorVec": [tensor]}]}, sort_keys=True, separators=(",", ":"))
    assert said["a"] == [0, text]
    inner = {"headerVec": [{"dataSource": "appsrc0", "memberId": 0, "parentName": ""}], "tensorVec": [tensor]}
    outer = {"headerVec": [], "tensorVec": [tensor], "MxpiTensorPackage": [inner]}
    assert [said["b"][0], json.loads(said["b"][1])] == [0, {"MxpiTensorPackage": [outer]}]
    assert said["c"] == [0, "{}"]
    assert "MxpiTensorPackage" in json.loads(said["d"][1])
    assert said["messages are still there"] == Y
    assert said["failed"] == [1001, True]


def test_a_chain_of_models_reads_what_the_one_before_wrote(emulated_home: Path, place: Path) -> None:
    done = run(
        emulated_home,
        place,
        PIPELINE
        + """
second = dict(element("mxpi_tensorinfer", modelPath="m.om"), next="appsink0")
said["create"] = create(s=dict(stream(), appsrc0=element("appsrc", "m0"), m0=dict(infer("m.om"), next="queue0"), queue0=element("queue", "m1"), m1=second))
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
found = get(b"m1")
said["y"] = floats(tensors(found).tensorPackageVec[0].tensorVec[0])
said["source"] = tensors(found).tensorPackageVec[0].headerVec[0].dataSource
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x[:, :1]]))
failed = api.GetResult(b"s", 0)
said["an error goes through"] = [failed.errorCode, failed.data.decode().count("(Code = 1001")]
""",
    )
    y = graphs.scaled_in_half(graphs.scaled_in_half(X))[0].tolist()
    assert done.said == {"create": 0, "y": y, "source": "m0", "an error goes through": [1001, 1]}


def test_a_failed_execution_costs_its_own_image(emulated_home: Path, place: Path) -> None:
    done = run(
        emulated_home,
        place,
        PIPELINE
        + """
create(s=stream(infer("m.om")))
for _ in range(3):
    api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
results = [api.GetResult(b"s", 0) for _ in range(3)]
said["codes"] = [result.errorCode for result in results]
said["text"] = results[1].data.decode()
for _ in range(2):
    api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
said["sizes"] = [len(tensors(get()).tensorPackageVec[0].tensorVec[0].dataStr) for _ in range(2)]
""",
        OMGATE_EMULATOR_FAULT="error=3001@2,empty@5",
    )
    assert done.said["codes"] == [0, 3001, 0]
    assert "Model inference failed" in done.said["text"]
    assert done.said["sizes"] == [12, 0]


def test_a_crash_ends_the_program_and_a_hang_does_not_outlive_destroy(
    emulated_home: Path, place: Path
) -> None:
    program = (
        PIPELINE
        + """
create(s=stream(infer("m.om")))
api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
said["code"] = api.GetResult(b"s", 0, 500).errorCode
said["destroy"] = api.DestroyAllStreams()
"""
    )
    run(emulated_home, place, program, status=-signal.SIGSEGV, OMGATE_EMULATOR_FAULT="crash@1")
    done = run(emulated_home, place, program, OMGATE_EMULATOR_FAULT="hang@1")
    assert done.said == {"code": 1002, "destroy": 0}


def test_statistics_count_what_really_ran(emulated_home: Path, place: Path) -> None:
    (place / "config").mkdir()
    conf = "enable_ps=true\nps_log_dir=logs\nps_log_filename=performance-statistics.log\nps_interval_time=86400\n"
    (place / "config" / "sdk.conf").write_text(conf)
    (place / "config" / "sdk.conf").chmod(0o640)
    run(
        emulated_home,
        place,
        PIPELINE
        + """
create(s=stream(infer("m.om")))
for number in range(4):
    api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x if number else x[:, :1]]))
    api.GetResult(b"s", 0)
api.DestroyAllStreams()
""",
        OMGATE_EMULATOR_DEVICE_SECONDS="0.02",
    )
    records = [
        json.loads(line)
        for file in (place / "log").rglob("performance-statistics.log.*")
        for line in file.read_text().splitlines()
    ]
    counts = {record["type"]: int(record.get("frequency", record.get("throughput"))) for record in records}
    # The refused image flows on to the sink; the model never saw it.
    assert counts == {"e2e": 4, "plugin": 4, "modelInference": 3, "throughputRate": 4}
    times = {record["type"]: record for record in records if "minTime" in record}
    assert times["modelInference"]["elementName"] == "m0"
    assert int(times["modelInference"]["minTime"]) >= 20000
    total = {kind: int(record["totalTime"]) for kind, record in times.items()}
    assert 60000 <= total["modelInference"] <= total["plugin"] <= total["e2e"]


def test_time_further_down_is_not_the_plugin_s_own(emulated_home: Path, place: Path) -> None:
    (place / "config").mkdir()
    (place / "config" / "sdk.conf").write_text(
        "enable_ps=true\nps_log_dir=logs\nps_log_filename=ps\nps_interval_time=999\n"
    )
    (place / "config" / "sdk.conf").chmod(0o640)
    run(
        emulated_home,
        place,
        PIPELINE
        + """
create(s=dict(stream(), appsrc0=element("appsrc", "m0"), m0=dict(infer("m.om"), next="m1"), m1=dict(infer("m.om", dataSource="m0"), next="appsink0")))
for _ in range(3):
    api.SendProtobuf(b"s", 0, protobuf(b"appsrc0", [x]))
    api.GetResult(b"s", 0)
api.DestroyAllStreams()
""",
        OMGATE_EMULATOR_DEVICE_SECONDS="0.05",
    )
    lines = next((place / "log").rglob("ps.plugin.*")).read_text().splitlines()
    total = {(r["elementName"], r["type"]): int(r["totalTime"]) for r in map(json.loads, lines)}
    lines = next((place / "log").rglob("ps.e2e.*")).read_text().splitlines()
    e2e = int(json.loads(lines[0])["totalTime"])
    assert total["m0", "plugin"] <= e2e - total["m1", "modelInference"]
