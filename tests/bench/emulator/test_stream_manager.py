"""StreamManagerApi: codes, blocking, modes and order, as programs see them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.emulator.sdk_programs import BEGIN, END, environment, run


def test_before_init_manager_every_call_says_so(emulated_home: Path, tmp_path: Path) -> None:
    done = run(
        emulated_home,
        tmp_path,
        """
said["codes"] = [create(s=stream()), api.CreateMultipleStreamsFromFile(b"x"), api.StopStream(b"s"), api.DestroyAllStreams(),
    api.SendData(b"s", 0, data(b"1")), api.SendDataWithUniqueId(b"s", 0, data(b"1")), api.SendProtobuf(b"s", 0, InProtobufVector()),
    api.GetResult(b"s", 0, 1).errorCode, api.GetResultWithUniqueId(b"s", 0, 1).errorCode]
said["of element"] = api.GetResult(b"s", b"appsink0", StringVector(), 1).errorCode
found = get()
said["protobuf"] = [found.size(), found[0].errorCode, bool(found[0].messageName)]
""",
    )
    assert done.said == {"codes": [-1] * 9, "of element": 6002, "protobuf": [1, -1, True]}


@pytest.mark.parametrize(
    ("environ", "code"),
    [({"MX_SDK_HOME": ""}, 1004), ({"OMGATE_EMULATOR_FAULT": "device-missing"}, 1013), ({}, 0)],
)
def test_init_manager(emulated_home: Path, tmp_path: Path, environ: dict[str, str], code: int) -> None:
    program = "said['init'] = api.InitManager(); said['create'] = create(s=stream())"
    done = run(emulated_home, tmp_path, program, **environ)
    assert done.said == {"init": code, "create": code}


def test_streams_are_made_in_name_order_and_the_first_failure_stops_the_rest(
    emulated_home: Path, tmp_path: Path
) -> None:
    done = run(
        emulated_home,
        tmp_path,
        """
api.InitManager()
bad = stream(element("mxpi_imageresize", resizeHeight="3"))
said["create"] = create(c=stream(), b=bad, a=stream())
said["there"] = [api.SendData(name, 0, data(b"1")) for name in (b"a", b"b", b"c")]
said["again"] = create(a=stream())
open("p.pipeline", "w").write(json.dumps({"d": stream()}))
said["file"] = [api.CreateMultipleStreamsFromFile(name) for name in (b"p.pipeline", b"none", b".")]
said["stop"] = [api.StopStream(name) for name in (b"a", b"a", b"none")]
said["empty"] = api.CreateMultipleStreams(b"")
said["destroy"] = api.DestroyAllStreams()
said["a second life"] = [api.InitManager(), create(a=stream()), api.SendData(b"a", 0, data(b"7")), api.DestroyAllStreams()]
""",
    )
    assert done.said == {
        "create": 6014,
        "there": [0, 6002, 6002],
        "again": 6001,
        "file": [0, 1029, 1029],
        "stop": [0, 6002, 6002],
        "empty": 1004,
        "destroy": 0,
        "a second life": [0, 0, 0, 0],
    }
    assert "mxpi_imageresize: a plugin of the real SDK that omgate's emulated home does not have" in done.log


def test_bytes_come_back_in_order_and_nothing_as_braces(emulated_home: Path, tmp_path: Path) -> None:
    done = run(
        emulated_home,
        tmp_path,
        """
api.InitManager()
said["create"] = create(s=stream(queue0=element("queue", "appsink0", **{"max-size-buffers": "2"}), appsrc0=element("appsrc", "queue0")))
# Nobody fetches: sends never wait, the sink fills, the rest waits further up, nothing is lost.
said["sends"] = {api.SendData(b"s", b"appsrc0", data(b"%d" % number)) for number in range(300)} == {0}
for _ in range(200):
    held = len(api._manager.stream("s").sinks[0].outputs)
    if held == 256:
        break
    time.sleep(0.01)
said["held"] = held
said["order"] = [int(api.GetResult(b"s", 0).data) for _ in range(300)] == list(range(300))
said["sink"] = len(api._manager.stream("s").sinks[0].outputs)
api.SendData(b"s", 0, data(b""))
empty = api.GetResult(b"s", 0)
said["empty"] = [empty.errorCode, empty.data.decode()]
""",
    )
    assert done.said == {
        "create": 0,
        "sends": True,
        "held": 256,
        "order": True,
        "sink": 0,
        "empty": [0, "{}"],
    }


def test_what_is_refused_and_what_is_empty_at_once(emulated_home: Path, tmp_path: Path) -> None:
    done = run(
        emulated_home,
        tmp_path,
        """
api.InitManager()
create(s=stream(), u=stream())
one = np.ones(3, np.float32)
said["before the first send"] = [get().size(), api.GetResult(b"s", 0, 60000).errorCode]
said["unknown"] = [get(name=b"t").size(), api.GetResult(b"t", 0, 1).errorCode, api.SendData(b"t", 0, data(b"1")),
    api.SendProtobuf(b"t", 0, protobuf(b"k", [one])), api.SendDataWithUniqueId(b"t", 0, data(b"1")),
    api.GetResultWithUniqueId(b"t", 0, 1).errorCode, api.GetResult(b"t", b"appsink0", StringVector(), 1).errorCode]
said["no such source"] = [api.SendData(b"s", 1, data(b"1")), api.SendData(b"s", b"appsrc1", data(b"1")), api.SendData(b"s", -1, data(b"1")),
    api.SendProtobuf(b"s", 7, protobuf(b"k", [one])), api.SendDataWithUniqueId(b"s", 1, data(b"1"))]
said["messages"] = [api.SendProtobuf(b"s", 0, protobuf(b"k", [one], kind=kind)) for kind in (b"MxpiTensorPackageList", b"", b"MxTools.Nothing")]
broken = protobuf(b"k", [one])
broken[0].protobuf = b"\\x0a\\xff"
said["broken"] = [api.SendProtobuf(b"s", 0, vector) for vector in (protobuf(b"k"), broken)]
twice = protobuf(b"k", [one])
twice.push_back(twice[0])
said["keys"] = [api.SendProtobuf(b"s", 0, protobuf(key, [one])) for key in (b"", b"ErrorInfo", b"two  blanks")] + [api.SendProtobuf(b"s", 0, twice)]
said["first"] = api.SendProtobuf(b"s", 0, protobuf(b"k", [one]))
said["fetch"] = [api.GetProtobuf(b"s", number, keys).size() for number, keys in ((1, [b"k"]), (-1, [b"k"]), (0, []))]
found = get(b"k")
said["found"] = [found.size(), found[0].errorCode, found[0].messageName.decode(), len(tensors(found).tensorPackageVec[0].tensorVec[0].dataStr)]
said["size and memory are the SDK's"] = [tensors(found).tensorPackageVec[0].tensorVec[0].tensorDataSize, tensors(found).tensorPackageVec[0].tensorVec[0].memType]
api.SendProtobuf(b"s", 0, protobuf(b"k", [one]))
said["another key"] = get(b"other").size()
said["no result"] = api.GetResult(b"s", 0, 5).errorCode
late = api.GetResult(b"s", b"appsink0", StringVector([b"k"]), 5)
said["of element"] = [late.errorCode, late.errorMsg.startswith(b"Get empty result, or exceed the time limit(5)")]
said["wrong element"] = api.GetResult(b"s", b"appsrc0", StringVector(), 5).errorCode
""",
    )
    assert done.said == {
        "before the first send": [0, 1002],
        "unknown": [0, 6002, 6002, 6002, -1, 6002, 6002],
        "no such source": [6006, 6006, 1004, 6006, -1],
        "messages": [1001, 1001, 1001],
        "broken": [1001, 1001],
        "keys": [7024, 1004, 1004, 7010],
        "first": 0,
        "fetch": [0, 0, 0],
        "found": [1, 0, "k", 12],
        "size and memory are the SDK's": [12, 3],
        "another key": 0,
        "no result": 1002,
        "of element": [1001, True],
        "wrong element": 6011,
    }


def test_unique_ids(emulated_home: Path, tmp_path: Path) -> None:
    done = run(
        emulated_home,
        tmp_path,
        """
api.InitManager()
create(s=stream(), n=stream(), t=stream())
said["ids"] = [api.SendDataWithUniqueId(b"s", 0, data(b"%d" % number)) for number in range(3)]
said["results"] = [api.GetResultWithUniqueId(b"s", number, 3000).data.decode() for number in (2, 0, 1)]
late = api.GetResultWithUniqueId(b"s", 9, 10)
said["late"] = [late.errorCode, late.data.decode()]
said["other mode"] = [api.SendData(b"s", 0, data(b"1")), api.GetResult(b"s", 0, 1).errorCode, get().size(),
    api.GetResult(b"s", b"appsink0", StringVector(), 1).errorCode]
api.SendData(b"n", 0, data(b"1"))
said["and the other way"] = [api.SendDataWithUniqueId(b"n", 0, data(b"1")), api.GetResultWithUniqueId(b"n", 0, 1).errorCode]
# Ten results are held, one waits in the sink, one in the source; one more is taken, then the sender waits 3 s in vain.
begin = time.monotonic()
accepted = 0
while api.SendDataWithUniqueId(b"t", 0, data(b"x")) >= 0:
    accepted += 1
    time.sleep(0.05)
said["accepted"] = accepted
said["waited"] = time.monotonic() - begin > 3
""",
    )
    assert done.said == {
        "ids": [0, 1, 2],
        "results": ["2", "0", "1"],
        "late": [6010, "Time out, can not get result in time."],
        "other mode": [6008, 1002, 0, 6008],
        "and the other way": [-1, 6010],
        "accepted": 13,
        "waited": True,
    }


def test_sources_are_numbered_in_byte_order_and_several_sinks_have_results_of_their_own(
    emulated_home: Path, tmp_path: Path
) -> None:
    done = run(
        emulated_home,
        tmp_path,
        """
api.InitManager()
members = {}
for number in range(11):
    members["appsrc%d" % number] = element("appsrc", "appsink%d" % number)
    members["appsink%d" % number] = element("appsink")
said["create"] = create(s=members)
for number in range(11):
    api.SendData(b"s", number, data(b"%d" % number))
said["sinks"] = [int(api.GetResult(b"s", b"appsink%d" % number, StringVector(), 3000).bufferOutput.data) for number in range(11)]
create(t=dict(stream(element("tee")), m0=element("tee", ["appsink0", "queue0"]), queue0=element("queue", "appsink1"), appsink1=element("appsink")))
api.SendData(b"t", 0, data(b"both"))
said["tee"] = [api.GetResult(b"t", number, 3000).data.decode() for number in (0, 1)]
""",
    )
    assert done.said == {"create": 0, "sinks": [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 2], "tee": ["both", "both"]}


def test_metadata_goes_with_a_buffer(emulated_home: Path, tmp_path: Path) -> None:
    done = run(
        emulated_home,
        tmp_path,
        """
api.InitManager()
create(s=stream())
visions = M.MxpiVisionList()
visions.visionVec.add().visionData.dataStr = b"pixels"
item = MxMetadataInput()
item.dataSource, item.dataType, item.serializedMetadata = b"mine", b"MxTools.MxpiVisionList", visions.SerializeToString()
buffer = MxBufferInput()
buffer.data = b"bytes"
said["send"] = api.SendData(b"s", b"appsrc0", MetadataInputVector([item]), buffer)
found = api.GetResult(b"s", b"appsink0", StringVector([b"none", b"mine"]), 3000)
said["found"] = [found.errorCode, found.bufferOutput.data.decode(), found.metadataVec.size(), found.metadataVec[0].dataType.decode()]
visions.ParseFromString(found.metadataVec[0].serializedMetadata)
said["vision"] = [visions.visionVec[0].visionData.dataStr.decode(), visions.visionVec[0].visionData.dataSize]
# As in the document, with a field that does not exist: its key stays empty.
wrong = MxMetadataInput()
wrong.datasource, wrong.dataType, wrong.serializedMetadata = b"mine", item.dataType, item.serializedMetadata
said["misspelt"] = api.SendData(b"s", b"appsrc0", MetadataInputVector([wrong]), buffer)
classes = M.MxpiClassList()
classes.classVec.add(classId=3)
item.dataType, item.serializedMetadata = b"MxTools.MxpiClassList", classes.SerializeToString()
api.SendData(b"s", b"appsrc0", [item], buffer)
found = get(b"mine")
classes.Clear()
classes.ParseFromString(found[0].messageBuf)
said["class"] = classes.classVec[0].classId
""",
    )
    assert done.said == {
        "send": 0,
        "found": [0, "bytes", 1, "MxpiVisionList"],
        "vision": ["pixels", 6],
        "misspelt": 7024,
        "class": 3,
    }


def test_a_stop_frees_who_waits(emulated_home: Path, tmp_path: Path) -> None:
    done = run(
        emulated_home,
        tmp_path,
        """
api.InitManager()
create(s=stream())
api.SendData(b"s", 0, data(b"1"))
get(b"k")
waiter = threading.Thread(target=lambda: said.update(size=get(b"k").size()))
waiter.start()
time.sleep(0.2)
said["waits"] = waiter.is_alive()
said["stop"] = api.StopStream(b"s")
waiter.join(30)
""",
    )
    assert done.said == {"waits": True, "stop": 0, "size": 0}


def test_get_protobuf_waits_for_ever_and_ctrl_c_is_not_seen(emulated_home: Path, tmp_path: Path) -> None:
    program = """
api.InitManager()
create(s=stream())
api.SendData(b"s", 0, data(b"1"))
get(b"k")
print("waiting", flush=True)
get(b"k")
print("came back", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + program + END],
        cwd=tmp_path,
        env=environment(emulated_home, tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        while process.stdout.readline() != "waiting\n":
            assert process.poll() is None
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
    finally:
        process.kill()
        rest, _ = process.communicate(timeout=30)
    assert rest == ""
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "calls", ["api.DestroyAllStreams()", "api.StopStream(b's'), api.DestroyAllStreams()"]
)
def test_a_global_object_that_destroys_its_streams_when_the_interpreter_ends(
    emulated_home: Path, tmp_path: Path, calls: str
) -> None:
    program = f"""
class Counter:
    def __init__(self):
        api.InitManager(), create(s=stream())

    def __del__(self, ended=sys.is_finalizing, write=os.write):
        write(2, str([ended(), {calls}]).encode())


counter = Counter()
said["send"] = api.SendData(b"s", 0, data(b"1"))
said["get"] = api.GetResult(b"s", 0).data.decode()
"""
    done = run(emulated_home, tmp_path, program)
    assert done.said == {"send": 0, "get": "1"}
    assert f"[True, {', '.join('0' for _ in calls.split('),'))}]" in done.stderr
