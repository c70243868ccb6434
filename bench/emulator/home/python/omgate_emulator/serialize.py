"""mxpi_dataserialize: turns attached messages into the JSON text that GetResult returns.

With one key: that list's entries. With several, or none: a tree, in which an entry lies inside the one that its header names
(dataSource and memberId). Entries of a type share an array, headers are left out unless eraseHeaderVecFlag is 0 (Vision SDK,
MxpiDataSerialize and MxpiMetadataGraph).
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Set

from google.protobuf import json_format

from omgate_emulator.buffers import Buffer, short_name
from omgate_emulator.elements import Plugin
from omgate_emulator.tensors import TensorList


class Node:
    """One entry of a list, or a message that is no list."""

    def __init__(self, name: str, message: Any) -> None:
        self.name = name
        self.message = message
        self.type = short_name(message)
        self.valid = True
        self.children: List[Node] = []


class DataSerialize(Plugin):
    """One mxpi_dataserialize."""

    def process(self, buffers: List[Buffer]) -> None:
        """Push a buffer that has the JSON text in place of its bytes, and all messages still attached."""
        old = buffers[0]
        new = Buffer(unique_id=old.unique_id)
        if old.errors:
            code, text = old.errors[sorted(old.errors)[-1]]
            new.data = (text + "\n").encode("utf-8")
            new.errors[self.name] = (code, text + "\n")
        else:
            new.data = self._json(old.messages).encode("utf-8")
            new.messages.update(old.messages)
        self.push(0, new)

    def _json(self, messages: Dict[str, Any]) -> str:
        text = str(self.properties["outputDataKeys"])
        keys = text.split(",") if text else []
        headers = not self.properties["eraseHeaderVecFlag"]
        lists = {key: _nodes(key, message) for key, message in messages.items()}
        if len(keys) == 1:
            if keys[0] not in lists:
                return ""
            members = [(node.type, _values(node, headers)) for node in lists[keys[0]]]
            return _dump(_arrays(members))
        roots = _link(lists)
        if keys:
            for key, nodes in lists.items():
                for node in nodes:
                    node.valid = key in keys
        return _dump(_tree(_squeezed(roots), headers))


def _nodes(key: str, message: Any) -> List[Node]:
    """A list's entries, which the first field of its type holds; anything else as one node."""
    if isinstance(message, TensorList):
        message = message.message
    fields = message.DESCRIPTOR.fields
    entries = (
        getattr(message, fields[0].name) if fields and short_name(message).endswith("List") else [message]
    )
    return [Node(f"{key}_{index}", entry) for index, entry in enumerate(entries)]


def _link(lists: Dict[str, List[Node]]) -> List[Node]:
    """Hang every node under those that its headers name; return those that hang under none."""
    roots: List[Node] = []
    there: Dict[str, Node] = {}
    for nodes in lists.values():
        for node in nodes:
            there[node.name] = node
            headers = getattr(node.message, "headerVec", [])
            if not len(headers):
                roots.append(node)
            for header in headers:
                source = header.dataSource or header.parentName
                parent = there.get(f"{source}_{header.memberId}")
                if parent is not None and parent is not node:
                    parent.children.append(node)
                elif source not in lists:
                    roots.append(node)
    return roots


def _squeezed(nodes: List[Node]) -> List[Node]:
    """The nodes that are wanted, each with its wanted descendants under it."""
    kept: List[Node] = []
    seen: Set[int] = set()
    for node in sorted(nodes, key=lambda item: item.type):
        if id(node) in seen:
            continue
        seen.add(id(node))
        children, node.children = node.children, []
        below = _squeezed(children)
        if node.valid:
            node.children = below
            kept.append(node)
        else:
            kept.extend(below)
    return sorted(kept, key=lambda item: item.type)


def _tree(nodes: List[Node], headers: bool) -> Dict[str, Any]:
    members = []
    for node in nodes:
        values = _values(node, headers)
        values.update(_tree(node.children, headers))
        members.append((node.type, values))
    return _arrays(members)


def _arrays(members: List[Any]) -> Dict[str, Any]:
    arrays: Dict[str, Any] = {}
    for name, values in members:
        arrays.setdefault(name, []).append(values)
    return arrays


def _values(node: Node, headers: bool) -> Dict[str, Any]:
    """A message's fields by their public names, also those at their default; a tensor without its payload, which lies in memory."""
    message = node.message
    try:
        values = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    except TypeError:  # protobuf before 5
        values = json_format.MessageToDict(message, including_default_value_fields=True)
    if not headers:
        values.pop("headerVec", None)
    return values  # type: ignore[no-any-return]


def _dump(values: Dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if values else "{}"
