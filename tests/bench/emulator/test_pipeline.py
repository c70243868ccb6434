"""Pipeline texts: every code that CreateMultipleStreams gives before an element is started, and what a good one becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bench.emulator import python_home

assert python_home.PYTHON.is_dir()
from omgate_emulator.factories import FACTORIES, PipelineError  # noqa: E402
from omgate_emulator.pipeline import StreamDescription, describe, parse  # noqa: E402


def element(factory: str, next: Any = None, **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"factory": factory, **members}
    return found if next is None else {**found, "next": next}


def source(next: Any = "appsink0", **props: Any) -> dict[str, Any]:
    return element("appsrc", next, props=props)


SINK = element("appsink")


def infer(**members: Any) -> dict[str, Any]:
    props = {"modelPath": "m.om", **members.pop("props", {})}
    return element("mxpi_tensorinfer", "appsink0", props=props, **members)


def stream(**members: Any) -> dict[str, Any]:
    return {"appsrc0": source(), "appsink0": SINK, **members}


def code_of(config: Any) -> int:
    text = config if isinstance(config, bytes) else json.dumps({"s": config}).encode()
    try:
        for name, value in parse(text):
            describe(name, value)
    except PipelineError as error:
        return error.code
    return 0


def described(**members: Any) -> StreamDescription:
    return describe("s", stream(**members))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", 1004),
        (b" " * (10 << 20), 1004),
        (b" " * ((10 << 20) - 1), 6005),
        (b"{", 6005),
        (b'{"s": {}} // comment', 6005),
        (b'{"s": {"a": 1,}}', 6005),
        (b'{"s": NaN}', 6005),
        (b"\xff{}", 6005),
        (b"[" * 100000, 6005),
        (b"{}", 6005),
        (b"[1]", 6005),
        (b"7", 6005),
        (b'{"s": {}}', 6001),
        (b'{"s": []}', 1004),
        (json.dumps({f"s{number}": stream() for number in range(257)}).encode(), 6005),
        (json.dumps({f"s{number}": stream() for number in range(256)}).encode(), 0),
    ],
)
def test_the_text_as_a_whole(text: bytes, code: int) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, 0),
        ({"stream_config": {}}, 0),
        ({"stream_config": {"deviceId": "0"}}, 0),
        ({"stream_config": {"deviceId": 0}}, 1004),
        ({"stream_config": {"deviceId": ""}}, 1004),
        ({"stream_config": {"deviceId": "-1"}}, 1004),
        ({"stream_config": {"deviceId": "00"}}, 1004),
        ({"stream_config": "0"}, 6005),
        ({"appsink0": 1}, 6005),
        ({"appsink0": {}}, 6014),
        ({"appsink0": {"factory": 1}}, 6014),
        ({"m0": element("mxpi_nothing")}, 6014),
        ({"m0": element("mxpi_modelinfer")}, 6014),
        # Properties.
        ({"appsrc0": source(nothing="1")}, 6015),
        ({"appsrc0": source(blocksize="409600")}, 0),
        ({"appsrc0": source(blocksize="many")}, 6015),
        ({"appsrc0": source(blocksize="-1")}, 6015),
        ({"appsrc0": source(blocksize=1)}, 0),
        ({"appsrc0": source(nothing=True)}, 0),
        ({"appsrc0": source(**{"is-live": "true"})}, 0),
        ({"appsrc0": source(**{"is-live": "maybe"})}, 6015),
        ({"appsrc0": source(**{"stream-type": "seekable"})}, 0),
        ({"appsrc0": source(**{"stream-type": "3"})}, 6015),
        ({"appsrc0": source("m0"), "m0": infer(props={"waitingTime": "0"})}, 6015),
        ({"appsrc0": source("m0"), "m0": infer(props={"waitingTime": "1000001"})}, 6015),
        ({"appsrc0": source("m0"), "m0": infer(props={"waitingTime": 0})}, 0),
        ({"appsrc0": source("m0"), "m0": infer(props={"outputDeviceId": "-2"})}, 6015),
        ({"appsrc0": source("m0"), "m0": infer(props={"singleBatchInfer": "2"})}, 6015),
        ({"appsrc0": source("m0"), "m0": infer(props={"outputHasBatchDim": "-1"})}, 6015),
        ({"appsrc0": source("m0"), "m0": infer(props={"modelpath": "x"})}, 6015),
        ({"appsrc0": source("m0"), "m0": infer(comment="x")}, 6015),
        ({"appsrc0": element("appsrc", "appsink0", comment="x")}, 0),
        ({"appsrc0": element("appsrc", "appsink0", props=[])}, 6015),
        ({"appsrc0": source(caps="two  blanks")}, 6005),
        ({"appsrc0": source(caps="tab\there")}, 6005),
        ({"bad\x7fname": SINK}, 6005),
        ({"appsrc0": source("m0"), "m0": infer(props={"deviceId": "1"}), "stream_config": {"deviceId": "0"}}, 6015),
        ({"appsrc0": source("m0"), "m0": infer(props={"deviceId": "1"})}, 0),
        # Names.
        ({"appsrc0": source("sink"), "appsink0": SINK, "sink": SINK}, 6011),
        ({"appsrc0": source("appsink"), "appsink": SINK}, 6011),
        ({"appsrc0": source("appsink1x"), "appsink1x": SINK}, 6011),
        ({"input": source("appsink1"), "appsink1": SINK}, 0),
        # Links.
        ({"appsrc0": source("none")}, 6013),
        ({"appsrc0": source("stream_config"), "stream_config": {}}, 6013),
        ({"appsrc0": source(1)}, 6005),
        ({"appsrc0": source(["appsink0", 1])}, 6005),
        ({"appsrc1": source("appsink0")}, 6006),
        ({"appsrc1": source("appsink0:0")}, 6006),
        ({"appsrc0": source("appsink0:1")}, 6006),
        ({"appsrc1": source("appsink0:1")}, 6007),
        ({"appsrc0": source(["appsink0", "appsink1"]), "appsink1": SINK}, 6007),
        ({"appsink0": element("appsink", "appsrc0")}, 6007),
        ({"appsrc0": source("appsink0:x")}, 6006),
        ({"appsrc1": element("appsrc")}, 6016),
        ({"queue0": element("queue", "appsink1"), "appsink1": SINK}, 6016),
        ({"appsrc0": source("t"), "t": element("tee", ["appsink0", "appsink1"]), "appsink1": SINK}, 0),
        ({"appsrc0": source("appsink0"), "appsrc1": source("t"), "t": element("tee")}, 0),
        ({"appsrc0": source("m"), "appsrc1": source("m:1"), "m": infer()}, 0),
        ({"appsrc0": source("m"), "appsrc1": source("m:2"), "m": infer()}, 6006),
        # nextMeta.
        ({"appsrc0": {**source("m"), "nextMeta": "m"}, "m": infer()}, 0),
        ({"appsrc0": {**source("m"), "nextMeta": "none"}, "m": infer()}, 1004),
        ({"appsrc0": {**source("m"), "nextMeta": 1}, "m": infer()}, 1004),
        ({"appsrc0": {**source("m"), "nextMeta": "m:1"}, "m": infer()}, 1004),
        ({"appsrc0": {**source("m"), "nextMeta": "appsink0"}, "m": infer()}, 6015),
    ],
)  # fmt: skip
def test_one_stream(members: dict[str, Any], code: int) -> None:
    assert code_of(stream(**members)) == code


def test_too_many_elements() -> None:
    assert code_of({f"appsink{number}": SINK for number in range(5121)}) == 6005


def test_values_are_read_defaults_stay_and_some_of_gstreamer_are_dropped() -> None:
    found = described(
        appsrc0=source("queue0", **{"max-bytes": "7", "block": "true"}),
        queue0=element("queue", "m", props={"max-size-buffers": "0x10", "max-size-bytes": "1"}),
        m=infer(props={"waitingTime": 1, "skipModelCheck": "1", "dynamicStrategy": "any text"}),
    )
    properties = {item.name: item.properties for item in found.elements}
    assert (properties["appsrc0"]["max-bytes"], properties["appsrc0"]["block"]) == (1, False)
    assert (properties["queue0"]["max-size-buffers"], properties["queue0"]["max-size-bytes"]) == (
        16,
        10485760,
    )
    model = {
        "name": "",
        "dataSource": "auto",
        "deviceId": 0,
        "modelPath": "m.om",
        "dynamicStrategy": "any text",
    }
    model |= {"waitingTime": 5000, "outputDeviceId": -1, "skipModelCheck": 1}
    assert properties["m"] == model | {"singleBatchInfer": 0, "outputHasBatchDim": 1}


def test_next_meta_sets_the_data_source_in_the_order_of_ports_or_names() -> None:
    for texts, expected in ((("m:1", "m:0"), "appsrc1,appsrc0"), (("m", "m"), "appsrc0,appsrc1")):
        found = described(
            appsrc0={**source("m"), "nextMeta": texts[0]},
            appsrc1={**source("m:1"), "nextMeta": [texts[1]]},
            m=infer(props={"dataSource": "else"}),
        )
        assert found.elements[-1].properties["dataSource"] == expected


def test_names_are_in_byte_order_and_the_stream_s_device_goes_to_its_elements() -> None:
    members = {"appsrc0": source("b"), "b": element("tee", ["a10", "a2"]), "stream_config": {"deviceId": "3"}}
    for name in ("a10", "a2"):
        members[name] = element("mxpi_dataserialize", f"appsink{name[1:]}")
        members[f"appsink{name[1:]}"] = SINK
    found = describe("s", members)
    assert [item.name for item in found.elements] == ["a10", "a2", "appsink10", "appsink2", "appsrc0", "b"]
    assert found.elements[0].properties["deviceId"] == 3
    assert [name for name, _ in parse(b'{"b": {}, "a10": {}, "a2": {}}')] == ["a10", "a2", "b"]


def test_a_lacking_plugin_is_told_apart_from_a_wrong_name() -> None:
    for name, words in (
        ("mxpi_imagedecoder", "that omgate's emulated home does not have"),
        ("nonsense", "no such"),
    ):
        with pytest.raises(PipelineError, match=words):
            described(m=element(name))
    assert "mxpi_tensorinfer" in FACTORIES
