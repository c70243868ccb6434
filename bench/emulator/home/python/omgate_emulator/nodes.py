"""PluginNode, and how nodes become the description of a stream that CreateMultipleStreams takes (Vision SDK, MxsmDescription).

A node without a name is called by its factory and a number from 0 that counts the factory's unnamed nodes in this stream.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Sequence, Union

from omgate_emulator.streamdata import as_text


def compact(found: Dict[str, Any]) -> str:
    """Return JSON as the SDK writes it: members by name, no blanks (its own tests compare the text)."""
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


class PluginNode:
    """An element to be: factory, properties (text to text), and name; called with the nodes that it reads from."""

    def __init__(self, factory: str, props: Any = None, name: str = "") -> None:
        self._factory = _word("factory", factory)
        self._props = {_word("props", key): _word("props", value) for key, value in dict(props or {}).items()}
        self._name = _word("name", name)
        self._before = []  # type: List[PluginNode]
        self._after = []  # type: List[PluginNode]

    def __call__(self, *args: PluginNode) -> PluginNode:
        """Read from these nodes, the first on input port 0; return this node."""
        for node in args:
            if not isinstance(node, PluginNode):
                raise TypeError(f"a PluginNode reads from PluginNodes, not from {type(node).__name__}")
            if node not in self._before:
                self._before.append(node)
            if self not in node._after:
                node._after.append(self)
        return self

    def plugin_name(self) -> str:
        """Return the name; of a node that was given none: the one that its stream gave it, empty before."""
        return self._name

    def factory(self) -> str:
        """Return the factory."""
        return self._factory

    def to_json(self) -> str:
        """Return the node's part of a pipeline, without links."""
        return compact(self._object())

    def _object(self) -> Dict[str, Any]:
        found = {"factory": self._factory}  # type: Dict[str, Any]
        if self._props:
            found["props"] = dict(self._props)
        return found


Described = Dict[str, Dict[str, Any]]


def sequential(nodes: Sequence[PluginNode]) -> Described:
    """Return the elements of a stream in which each node reads from the one added before it. Raises ValueError."""
    names = _named(nodes)
    elements = {name: nodes[index]._object() for index, name in enumerate(names)}
    for index, name in enumerate(names[:-1]):
        elements[name]["next"] = names[index + 1]
    return elements


def functional(inputs: Sequence[PluginNode]) -> Described:
    """Return the elements of a stream that begins at `inputs` and goes on where their links lead. Raises ValueError."""
    nodes = []  # type: List[PluginNode]
    waiting = list(inputs)
    while waiting:
        node = waiting.pop(0)
        if node not in nodes:
            nodes.append(node)
            waiting.extend(node._after)
    elements = {name: nodes[index]._object() for index, name in enumerate(_named(nodes))}
    for node in nodes:
        targets = [_port(node, target) for target in node._after]
        if targets:
            elements[node._name]["next"] = targets[0] if len(targets) == 1 else targets
    return elements


def _port(source: PluginNode, target: PluginNode) -> str:
    return target._name if len(target._before) < 2 else f"{target._name}:{target._before.index(source)}"


def _named(nodes: Sequence[PluginNode]) -> List[str]:
    """Give names to nodes without one; return all names. Raises ValueError where a name is there twice."""
    counts = {}  # type: Dict[str, int]
    for node in nodes:
        if not node._name:
            number = counts.get(node._factory, 0)
            counts[node._factory] = number + 1
            node._name = f"{node._factory}{number}"
    names = [node._name for node in nodes]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two nodes are called {name}")
    return names


def _word(what: str, value: Union[str, bytes]) -> str:
    try:
        return as_text(value).decode("utf-8")
    except TypeError:
        raise TypeError(f"PluginNode: {what} must be text, not {type(value).__name__}") from None
