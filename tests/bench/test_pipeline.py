"""The pipeline file's checks: what the SDK would refuse with a number, or ignore without a word, is named by file and key."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.pipeline import PipelineError, load


def stream(**elements: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "stream_config": {"deviceId": "0"},
        "appsrc0": {"factory": "appsrc", "next": "mxpi_tensorinfer0"},
        "mxpi_tensorinfer0": {
            "factory": "mxpi_tensorinfer",
            "props": {"dataSource": "appsrc0", "modelPath": "../model/mcnn.om", "waitingTime": "2000"},
            "next": "appsink0",
        },
        "appsink0": {"factory": "appsink"},
    }
    return {"mcnn": {**usual, **elements}}


def write(folder: Path, content: Any) -> Path:
    path = folder / "sdk" / "mcnn.pipeline"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def infer(**properties: Any) -> dict[str, Any]:
    return {
        "factory": "mxpi_tensorinfer",
        "props": {"modelPath": "m.om", **properties},
        "next": "appsink0",
    }


def test_names_of_the_elements_and_the_absolute_model_path(tmp_path: Path) -> None:
    found = load(write(tmp_path, stream()))
    assert (found.stream, found.source, found.infer, found.sink) == (
        "mcnn", "appsrc0", "mxpi_tensorinfer0", "appsink0",
    )  # fmt: skip
    assert found.model == tmp_path / "model" / "mcnn.om"
    assert json.loads(found.text)["mcnn"]["mxpi_tensorinfer0"]["props"]["modelPath"] == str(found.model)
    assert found.device == 0


def test_another_model_and_device_go_into_the_text(tmp_path: Path) -> None:
    path = write(tmp_path, stream(mxpi_tensorinfer0=infer(deviceId="0")))
    found = load(path, tmp_path / "other.om", 3)
    members = json.loads(found.text)["mcnn"]
    assert found.model == tmp_path / "other.om"
    assert members["stream_config"]["deviceId"] == "3"
    assert members["mxpi_tensorinfer0"]["props"] == {"modelPath": str(found.model), "deviceId": "3"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (stream(mxpi_tensorinfer0=infer(waitingTime=2000)), 'mcnn.mxpi_tensorinfer0.props.waitingTime: seen 2000, which the SDK ignores'),
        (stream(mxpi_tensorinfer0=infer(skipModelCheck=True)), "props.skipModelCheck: seen true"),
        (stream(stream_config={"deviceId": 0}), "mcnn.stream_config.deviceId: seen 0; allowed is a text of digits"),
        (stream(appsrc0={"factory": "appsrc", "next": "mxpi_tensorinfer1"}), 'no element mxpi_tensorinfer1 in this stream (the SDK answers 6013); the nearest is "mxpi_tensorinfer0"'),
        (stream(appsrc0={"factory": "appsrc", "next": 3}), "no element 3 in this stream"),
        (stream(appsink0={}), "mcnn.appsink0.factory: missing"),
        (stream(sink={"factory": "appsink"}), "2 elements of factory appsink"),
        (stream(mxpi_tensorinfer0={"factory": "mxpi_tensorinfer", "props": {}, "next": "appsink0"}), "props.modelPath: missing"),
        (stream(appsink0="appsink"), "mcnn.appsink0: seen str"),
        ({**stream(), "other": {}}, "2 streams (mcnn, other)"),
        ({}, "needs an object with a stream"),
        ({"mcnn": {}}, "mcnn: needs an object with its elements"),
        ('{"a": {"b": 1, // comment\n}}', "not JSON"),
        ('{"a": {}, "a": {}}', "named twice"),
    ],
)  # fmt: skip
def test_complaints_name_file_and_key(tmp_path: Path, content: Any, complaint: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(PipelineError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sink_without_a_number_is_refused(tmp_path: Path) -> None:
    members = stream(mxpi_tensorinfer0={**infer(), "next": "sink"}, sink={"factory": "appsink"})
    del members["mcnn"]["appsink0"]
    with pytest.raises(PipelineError, match="6011"):
        load(write(tmp_path, members))


def test_a_comment_is_named_as_the_likely_cause(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="JSON has no comments"):
        load(write(tmp_path, '{"mcnn": {} // the stream\n}'))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="can't be read"):
        load(tmp_path / "none.pipeline")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_one_complaint_or_a_pipeline(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.pipeline"
    path.write_bytes(content)
    with pytest.raises(PipelineError):
        load(path)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "factory",
                    "props",
                    "next",
                    "deviceId",
                    "appsrc0",
                    "mxpi_tensorinfer0",
                    "appsink0",
                    "stream_config",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSONISH)
def test_any_json_is_one_complaint_or_a_pipeline(
    tmp_path_factory: pytest.TempPathFactory, content: Any
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.pipeline"
    path.write_text(json.dumps({"mcnn": content}), encoding="utf-8")
    with contextlib.suppress(PipelineError):
        load(path)
