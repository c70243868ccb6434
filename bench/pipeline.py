"""A deliverable's pipeline file, read and checked before the SDK is asked: appsrc -> mxpi_tensorinfer -> appsink.

The SDK answers a mistake with a number and a line in its log, and some mistakes with nothing: a property whose value is a number is
ignored without a word (Vision SDK, pipeline format). So what it would refuse or ignore is refused here, as `file:stream.element.key`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases.errors import OmgateError
from cases.wording import nearest, shown

PIPELINE_BYTES = 10 << 20
"""CreateMultipleStreams takes less than 10 MB of text."""

APPSRC, INFER, APPSINK = "appsrc", "mxpi_tensorinfer", "appsink"


class PipelineError(OmgateError):
    """The pipeline file can't be used; the message names the file and the key."""


@dataclass(frozen=True)
class Pipeline:
    """A checked pipeline of one stream. `model` is its modelPath, absolute; `text` the JSON as the SDK gets it."""

    text: str
    stream: str
    source: str
    infer: str
    sink: str
    model: Path
    device: int


def load(path: Path, om: Path | None = None, device: int | None = None) -> Pipeline:
    """Return the pipeline in `path`, with another OM file or device number in place of its own. Raises PipelineError.

    A relative modelPath is taken from the pipeline's own folder, where the deliverable's scripts are started; the SDK takes it from its
    working directory, so it gets the absolute one.
    """
    streams = _read(path)
    if len(streams) != 1:
        raise PipelineError(
            f"{shown(path)}: {len(streams)} streams ({', '.join(map(shown, streams))}); the backend drives one: keep the model's own"
        )
    ((name, stream),) = streams.items()
    elements = _Elements(path, name, stream)
    source, infer, sink = elements.only(APPSRC), elements.only(INFER), elements.only(APPSINK)
    _numbered(elements, sink, APPSINK)
    _numbered(elements, infer, INFER)
    model = elements.model(infer) if om is None else om.absolute()
    number = elements.device() if device is None else device
    elements.put(infer, "modelPath", str(model))
    if device is not None:
        elements.set_device(device)
    return Pipeline(
        json.dumps({name: stream}, ensure_ascii=False, indent=1),
        name,
        source,
        infer,
        sink,
        model,
        number,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PipelineError(f"{shown(path)}: can't be read: {error.strerror}") from error
    if len(content) >= PIPELINE_BYTES:
        raise PipelineError(f"{shown(path)}: {len(content)} bytes; the SDK takes less than 10 MB")
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=lambda pairs: _once(path, pairs))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        hint = "; JSON has no comments" if b"//" in content or b"/*" in content else ""
        raise PipelineError(
            f"{shown(path)}:{line}: not JSON: {getattr(error, 'msg', None) or error}{hint} (the SDK answers 6005)"
        ) from error
    if not isinstance(found, dict) or not found:
        raise PipelineError(
            f"{shown(path)}: needs an object with a stream by its name (the SDK answers 6005)"
        )
    return found


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise PipelineError(f"{shown(path)}:{shown(name)}: named twice in one object; rename one")
    return dict(pairs)


def _numbered(elements: _Elements, name: str, factory: str) -> None:
    if not re.fullmatch(re.escape(factory) + r"\d+", name):
        elements.fail(
            name,
            "",
            f"an element of {factory} is called {factory} and a number, such as {factory}0 (the SDK answers 6011)",
        )


class _Elements:
    """The members of one stream."""

    def __init__(self, path: Path, stream: str, members: Any) -> None:
        self.path, self.stream = path, stream
        if not isinstance(members, dict) or not members:
            raise PipelineError(f"{shown(path)}:{shown(stream)}: needs an object with its elements")
        self.members: dict[str, Any] = members
        for name, member in members.items():
            if not isinstance(member, dict):
                self.fail(
                    name, "", f"seen {type(member).__name__}; allowed is an object (the SDK answers 6005)"
                )
            if name != "stream_config":
                self._check(name, member)

    def fail(self, element: str, key: str, message: str) -> None:
        """Raise PipelineError at `file:stream.element.key`."""
        where = ".".join(shown(part) for part in (self.stream, element, key) if part)
        raise PipelineError(f"{shown(self.path)}:{where}: {message}")

    def _check(self, name: str, member: dict[str, Any]) -> None:
        if not isinstance(member.get("factory"), str):
            self.fail(name, "factory", "missing or no text; allowed is a plugin's name, such as appsrc")
        properties = member.get("props", {})
        if not isinstance(properties, dict):
            self.fail(name, "props", "seen no object; allowed is an object of texts")
        for key, value in properties.items():
            if not isinstance(value, str):
                self.fail(
                    name,
                    f"props.{key}",
                    f'seen {json.dumps(value)}, which the SDK ignores without a word; write it as a text: "{value}"',
                )
        following = member.get("next", [])
        for target in following if isinstance(following, list) else [following]:
            if not isinstance(target, str) or target.partition(":")[0] not in self.members:
                hint = nearest(target, list(self.members)) if isinstance(target, str) else ""
                self.fail(
                    name,
                    "next",
                    f"no element {shown(str(target))} in this stream (the SDK answers 6013){hint}",
                )

    def of(self, factory: str) -> list[str]:
        """Return the names of the elements of a factory."""
        return [name for name, member in self.members.items() if member.get("factory") == factory]

    def only(self, factory: str) -> str:
        """Return the name of the one element of a factory."""
        found = self.of(factory)
        if len(found) != 1:
            self.fail(
                "", "", f"{len(found)} elements of factory {factory}; the backend drives pipelines with one"
            )
        return found[0]

    def model(self, infer: str) -> Path:
        """Return the modelPath, absolute."""
        text = self.members[infer].get("props", {}).get("modelPath", "")
        if not text:
            self.fail(infer, "props.modelPath", "missing; allowed is the OM file's path")
        return (self.path.parent / text).resolve()

    def device(self) -> int:
        """Return stream_config's deviceId; 0 where there is none."""
        text = self.members.get("stream_config", {}).get("deviceId", "0")
        if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,9}", text):
            self.fail(
                "stream_config",
                "deviceId",
                f'seen {json.dumps(text)}; allowed is a text of digits, such as "0" (the SDK answers 1004)',
            )
        return int(text)

    def put(self, element: str, key: str, value: str) -> None:
        """Set a property."""
        self.members[element].setdefault("props", {})[key] = value

    def set_device(self, number: int) -> None:
        """Put the whole stream on a device: stream_config, and every element that names one (they must agree)."""
        self.members.setdefault("stream_config", {})["deviceId"] = str(number)
        for name, member in self.members.items():
            if name != "stream_config" and "deviceId" in member.get("props", {}):
                self.put(name, "deviceId", str(number))
