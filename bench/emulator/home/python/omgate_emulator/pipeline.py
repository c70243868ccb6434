"""Pipelines: JSON text checked as CreateMultipleStreams checks it, and turned into elements and links.

Where current code and the older behaviour differ, the older one is kept, because published pipelines rely on it: a property value
that is neither text nor an object is ignored without a word (current code refuses it with 6015). Sources: Vision SDK,
MxStreamManager, MxsmDescription, MxsmStream, MxsmElement.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from omgate_emulator import codes, log
from omgate_emulator.factories import Factory, PipelineError, Value, factory, value_of

CONFIG_BYTES_LIMIT = 10 << 20
STREAMS_LIMIT = 256
ELEMENTS_LIMIT = 5120
STREAM_CONFIG = "stream_config"
KEYS = {"factory", "props", "next", "nextMeta"}
FORBIDDEN = re.compile("[\b\t\n\v\f\r\x7f]|  ")
"""Control characters, and a blank after a blank."""

WHERE = "MxsmStream.cpp:1"


class Link(NamedTuple):
    """From an output port to an input port, elements by name."""

    source: str
    source_port: int
    target: str
    target_port: int


class ElementDescription(NamedTuple):
    """One element as it is to be made; `properties` are complete, defaults included."""

    name: str
    factory: Factory
    properties: Dict[str, Value]


class StreamDescription(NamedTuple):
    """One stream as it is to be made: elements in byte order of their names."""

    name: str
    elements: List[ElementDescription]
    links: List[Link]


def parse(config: bytes) -> List[Tuple[str, Any]]:
    """Return the streams' names and objects in byte order of the names. Raises PipelineError 1004, 6005."""
    if not config or len(config) >= CONFIG_BYTES_LIMIT:
        raise PipelineError(
            codes.INVALID_PARAMETER,
            f"the pipeline has {len(config)} bytes, allowed 1 to {CONFIG_BYTES_LIMIT - 1}",
        )
    try:
        streams = json.loads(config.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise PipelineError(codes.INVALID_CONFIG, f"the pipeline is not valid JSON: {error}") from error
    if not isinstance(streams, dict) or not streams:
        raise PipelineError(codes.INVALID_CONFIG, "the pipeline is not an object with streams in it")
    for text in _texts(streams):
        if FORBIDDEN.search(text):
            raise PipelineError(
                codes.INVALID_CONFIG,
                f"the pipeline has a forbidden character or two blanks in a row: {text!r}",
            )
    if len(streams) > STREAMS_LIMIT:
        raise PipelineError(codes.INVALID_CONFIG, f"{len(streams)} streams, allowed {STREAMS_LIMIT}")
    return _sorted(streams)


def describe(name: str, stream: Any) -> StreamDescription:
    """Check one stream and return it as elements and links. Raises PipelineError."""
    if not isinstance(stream, dict):
        raise PipelineError(codes.INVALID_PARAMETER, f"stream {name} is not an object")
    if not stream:
        raise PipelineError(codes.STREAM_EXISTS, f"stream {name} is empty")
    _check_members(name, stream)
    device = _device(stream.get(STREAM_CONFIG, {}))
    elements = [_element(key, value, device) for key, value in _sorted(stream) if key != STREAM_CONFIG]
    links = _links(stream, elements)
    _next_meta(stream, elements)
    _check_ports(elements, links)
    return StreamDescription(name, elements, links)


def _check_members(name: str, stream: Dict[str, Any]) -> None:
    if len(stream) > ELEMENTS_LIMIT:
        raise PipelineError(codes.INVALID_CONFIG, f"stream {name}: more than {ELEMENTS_LIMIT} elements")
    for key, value in _sorted(stream):
        if not isinstance(value, dict):
            raise PipelineError(codes.INVALID_CONFIG, f"stream {name}: {key} is not an object")
        if key != STREAM_CONFIG:
            _check_element(key, value, stream)


def _check_element(name: str, element: Dict[str, Any], stream: Dict[str, Any]) -> None:
    if not isinstance(element.get("factory"), str):
        raise PipelineError(
            codes.INVALID_FACTORY, f"element {name} has no factory, or one that is not a string"
        )
    kind = factory(element["factory"])
    foreign = set(element) - KEYS
    if foreign and not kind.native:
        raise PipelineError(
            codes.INVALID_PROPERTIES,
            f"element {name}: {', '.join(sorted(foreign))}: allowed are {', '.join(sorted(KEYS))}",
        )
    props = element.get("props", {})
    if not isinstance(props, dict):
        raise PipelineError(codes.INVALID_PROPERTIES, f"element {name}: props is not an object")
    for key, value in _sorted(props):
        if isinstance(value, (str, dict)):
            value_of(kind, key, _text(value))
    for target in _targets(element.get("next", []), name):
        if _name_and_port(target)[0] not in stream:
            # 6006 in current code's check; the reference lists this code.
            raise PipelineError(
                codes.ELEMENT_NOT_EXIST, f"element {name}: next is {target}, which is not in the stream"
            )


def _device(config: Dict[str, Any]) -> str:
    """Return the stream's deviceId as text, empty where none is set."""
    if "deviceId" not in config:
        return ""
    device = config["deviceId"]
    if not isinstance(device, str) or not re.fullmatch("0|[1-9][0-9]*", device, re.ASCII):
        raise PipelineError(
            codes.INVALID_PARAMETER,
            f'{STREAM_CONFIG}: deviceId is {device!r}, needs a string of digits such as "0"',
        )
    return device


def _element(name: str, element: Dict[str, Any], device: str) -> ElementDescription:
    kind = factory(element["factory"])
    if kind.name == "appsink" and not re.fullmatch("appsink[0-9]+", name, re.ASCII):
        raise PipelineError(
            codes.ELEMENT_INVALID, f"element {name}: an appsink is named appsink and a number"
        )
    if "appsink" in name and not re.match(r"appsink\s*[+-]?[0-9]", name, re.ASCII):
        raise PipelineError(codes.FAILURE, f"element {name}: appsink must be followed by a number")
    props = element.get("props", {})
    properties = {key: found.default for key, found in kind.properties.items()}
    if device and "deviceId" in kind.properties:
        if props.get("deviceId", device) != device:
            raise PipelineError(
                codes.INVALID_PROPERTIES,
                f"element {name}: deviceId is {props['deviceId']!r}, its stream's is {device!r}",
            )
        properties["deviceId"] = value_of(kind, "deviceId", device)
    for key, value in props.items():
        if key in kind.fixed:
            log.warn(f"element {name}: {key} can't be set, its value stays", WHERE)
        elif isinstance(value, (str, dict)):
            properties[key] = value_of(kind, key, _text(value))
    return ElementDescription(name, kind, properties)


def _links(stream: Dict[str, Any], elements: List[ElementDescription]) -> List[Link]:
    """Return the links in the order in which they are made: by target port, then by output port."""
    kinds = {element.name: element.factory for element in elements}
    wanted: Dict[str, Link] = {}
    for element in elements:
        for port, text in enumerate(_targets(stream[element.name].get("next", []), element.name)):
            target, target_port = _name_and_port(text)
            if target not in kinds:
                raise PipelineError(
                    codes.ELEMENT_NOT_EXIST, f"element {element.name}: {text} is not an element"
                )
            if text in wanted:
                raise PipelineError(
                    codes.INVALID_LINK, f"{text} is the next of {wanted[text].source} and of {element.name}"
                )
            wanted[text] = Link(element.name, port, target, target_port)
    links = sorted(wanted.values(), key=lambda link: (link.target_port, link.source_port))
    used = dict.fromkeys(kinds, 0)
    for link in links:
        if link.target_port != used[link.target]:
            raise PipelineError(
                codes.INVALID_LINK,
                f"{link.source} to port {link.target_port} of {link.target}: port {used[link.target]} comes next",
            )
        used[link.target] += 1
        if link.source_port >= kinds[link.source].outputs and not kinds[link.source].more_outputs:
            raise PipelineError(codes.LINK_FAILED, f"{link.source} has no output port {link.source_port}")
        if link.target_port >= kinds[link.target].inputs and not kinds[link.target].more_inputs:
            raise PipelineError(codes.LINK_FAILED, f"{link.target} has no input port {link.target_port}")
    return links


def _next_meta(stream: Dict[str, Any], elements: List[ElementDescription]) -> None:
    """Let nextMeta set the dataSource of its targets."""
    sources: Dict[str, List[Tuple[int, str]]] = {}
    for element in elements:
        for text in _targets(stream[element.name].get("nextMeta", []), element.name, codes.INVALID_PARAMETER):
            name, port = _name_and_port(text) if ":" in text else (text, -1)
            others = sources.setdefault(name, [])
            ports = [other for other, _ in others]
            if others and ((port < 0) != (ports[0] < 0) or (port >= 0 and port in ports)):
                raise PipelineError(
                    codes.INVALID_PARAMETER,
                    f"nextMeta to {name}: either all links name a port of their own, or none",
                )
            others.append((port, element.name))
    by_name = {element.name: element for element in elements}
    for name, found in sources.items():
        if name not in by_name or any(port >= len(found) for port, _ in found):
            raise PipelineError(codes.INVALID_PARAMETER, f"nextMeta to {name}: no such element or port")
        target = by_name[name]
        text = ",".join(source for _, source in sorted(found, key=lambda item: item[0]))
        target.properties["dataSource"] = value_of(target.factory, "dataSource", text)


def _check_ports(elements: List[ElementDescription], links: List[Link]) -> None:
    for element in elements:
        inputs = sum(link.target == element.name for link in links)
        outputs = sum(link.source == element.name for link in links)
        if inputs < element.factory.inputs or outputs < element.factory.outputs:
            raise PipelineError(codes.PAD_UNLINKED, f"element {element.name} has a port without a link")


def _targets(value: Any, name: str, code: int = codes.INVALID_CONFIG) -> List[str]:
    targets = [value] if isinstance(value, str) else value
    if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
        raise PipelineError(code, f"element {name}: a link needs a string or a list of strings")
    return targets


def _name_and_port(text: str) -> Tuple[str, int]:
    if text.count(":") != 1:
        return text, 0
    name, port = text.split(":")
    found = re.match(r"\s*[+-]?[0-9]+", port, re.ASCII)
    return name, int(found.group()) if found else -1


def _text(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _sorted(members: Dict[str, Any]) -> List[Tuple[str, Any]]:
    """Members in byte order of their names, as the SDK's JSON library keeps them."""
    return sorted(members.items(), key=lambda item: item[0].encode("utf-8", "surrogatepass"))


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
