"""mindx.sdk.stream: text as str or bytes, nodes that become pipelines, and errors that are raised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.emulator.home import variables
from tests.bench.emulator import graphs, python_home
from tests.bench.emulator.test_engine import convert

from mindx.sdk import stream  # isort: skip


def test_a_text_field_takes_both_and_gives_what_the_content_allows() -> None:
    item = stream.MetadataInput()
    assert item.data_source == ""
    for value in ("appsrc0", b"appsrc0"):
        item.data_source = value
        assert item.data_source == "appsrc0"
    item.serialized_metadata = b"\xff\x00"
    assert item.serialized_metadata == b"\xff\x00"
    with pytest.raises(TypeError):
        item.data_source = 1


def test_results_give_bytes_when_asked() -> None:
    output = stream.MetadataOutput()
    output.serialized_metadata = b"ab"
    assert (output.serialized_metadata, output.get_byte_data()) == ("ab", b"ab")
    output.set_error_info(1001, "no")
    assert (output.error_code, output.error_msg) == (1001, "no")


def test_a_sequence_links_in_the_order_of_adding() -> None:
    made = stream.SequentialStream("s")
    made.set_device_id("2")
    for node in (
        stream.PluginNode("appsrc"),
        stream.PluginNode("queue"),
        stream.PluginNode("mxpi_tensorinfer", {"modelPath": "m.om"}, "infer"),
        stream.PluginNode("queue"),
        stream.PluginNode("appsink"),
    ):
        made.add(node)
    assert json.loads(made.to_json()) == {
        "stream_config": {"deviceId": "2"},
        "appsrc0": {"factory": "appsrc", "next": "queue0"},
        "queue0": {"factory": "queue", "next": "infer"},
        "infer": {"factory": "mxpi_tensorinfer", "props": {"modelPath": "m.om"}, "next": "queue1"},
        "queue1": {"factory": "queue", "next": "appsink0"},
        "appsink0": {"factory": "appsink"},
    }


def test_the_text_of_json_is_the_sdks() -> None:
    made = stream.SequentialStream("named")
    made.add(stream.PluginNode("appsrc", {"b": "2", "a": "1"}))
    assert made.to_json() == (
        '{"appsrc0":{"factory":"appsrc","props":{"a":"1","b":"2"}},"stream_config":{"deviceId":"0"}}'
    )


def test_a_list_is_taken_for_the_metadata_of_a_result() -> None:
    output, item = stream.DataOutput(), stream.MetadataOutput()
    item.data_type = "MxpiClassList"
    output.metadata_list = [item]
    assert [found.data_type for found in output.metadata_list] == ["MxpiClassList"]
    with pytest.raises(TypeError, match="MetadataOutputVector"):
        output.metadata_list = ["text"]


def test_called_nodes_become_ports() -> None:
    sources = [stream.PluginNode("appsrc"), stream.PluginNode("appsrc")]
    model = stream.PluginNode("mxpi_tensorinfer")(*sources)
    tee = stream.PluginNode("tee")(model)
    sinks = [stream.PluginNode("appsink")(tee), stream.PluginNode("appsink")(tee)]
    made = json.loads(stream.FunctionalStream("f", sources, sinks).to_json())
    assert made["appsrc0"]["next"] == "mxpi_tensorinfer0:0"
    assert made["appsrc1"]["next"] == "mxpi_tensorinfer0:1"
    assert made["tee0"]["next"] == ["appsink0", "appsink1"]
    assert [node.plugin_name() for node in sinks] == ["appsink0", "appsink1"]
    assert tee.factory() == "tee"
    assert json.loads(tee.to_json()) == {"factory": "tee"}


def test_what_makes_no_stream() -> None:
    twice = stream.SequentialStream("s")
    twice.add(stream.PluginNode("appsrc", {}, "a"))
    twice.add(stream.PluginNode("appsink", {}, "a"))
    with pytest.raises(RuntimeError, match="two nodes are called a"):
        twice.to_json()
    alone = stream.FunctionalStream("f", [stream.PluginNode("appsrc")], [stream.PluginNode("appsink")])
    with pytest.raises(RuntimeError, match="appsink can't be reached"):
        alone.to_json()
    with pytest.raises(TypeError):
        stream.PluginNode("appsrc", {"max-bytes": 1})
    with pytest.raises(TypeError):
        stream.PluginNode("appsrc")("appsink0")
    with pytest.raises(RuntimeError, match=r"build stream first\."):
        twice.send("a", [], stream.BufferInput())


PROGRAM = """
import sys
from mindx.sdk import stream
assert "numpy" not in sys.modules
source, model = stream.PluginNode("appsrc"), stream.PluginNode("queue")
made = stream.FunctionalStream("f", [source], [stream.PluginNode("appsink")(model(source))])
made.build()
item = stream.MxDataInput()
item.data = b"\\xfe42"
for expected in (0, 1):
    number = made.send_multi_data_with_unique_id(1, [item], 0)
    assert number == expected
    (output,) = made.get_multi_result_with_unique_id(number, 5000)
    assert (output.errorCode, output.dataSize, output.data) == (0, 3, b"\\xfe42")
try:
    made.get_multi_result_with_unique_id(7, 10)
except RuntimeError as error:
    assert "6010" in str(error)
made.stop()
broken = stream.SequentialStream("b")
broken.add(stream.PluginNode("mxpi_nonsense"))
try:
    broken.build()
except RuntimeError as error:
    assert "(Code = 6014," in str(error), error
slow = stream.SequentialStream("s")
for name in ("appsrc", "mxpi_tensorinfer", "appsink"):
    props = {"modelPath": "m.om", "dataSource": "appsrc0"} if name.startswith("mxpi") else {}
    slow.add(stream.PluginNode(name, props))
slow.build()
none = slow.get_result("appsink0", ["mxpi_tensorinfer0"], 10)
print(none.error_code)
try:
    slow.send("appsrc7", [], stream.BufferInput())
except RuntimeError as error:
    assert "(Code = 6006," in str(error), error
slow.stop()
from mindx.sdk import base
import numpy
print("done")
"""


def test_a_program(tmp_path: Path, emulated_home: Path) -> None:
    convert(tmp_path, graphs.scaled())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, **variables(emulated_home), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "done"


def test_the_module_is_the_homes() -> None:
    assert Path(str(stream.__file__)).is_relative_to(python_home.PYTHON)
