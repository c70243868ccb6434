"""The house's arrows: bench reads cases and writes reports; those two know no other room. Read from the syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
ALLOWED = {"bench": {"bench", "cases", "reports"}, "cases": {"cases"}, "reports": {"reports"}}
OUTSIDE = {"tests", "conftest"}


def sources(room: str) -> list[Path]:
    return sorted(
        path for path in (HOUSE / room).rglob("*.py") if "runs" not in path.relative_to(HOUSE).parts
    )


def imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, inside functions too; a relative one is resolved against `package`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            yield node.lineno, ".".join([*base, node.module] if node.module else base)
        elif isinstance(node, ast.Call) and called(node.func) in {"import_module", "__import__"}:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


def called(function: ast.expr) -> str | None:
    return getattr(function, "attr", None) or getattr(function, "id", None)


def offences(room: str, source: str, path: Path) -> list[str]:
    package = ".".join(path.relative_to(HOUSE).parent.parts)
    forbidden = (set(ALLOWED) | OUTSIDE) - ALLOWED[room]
    return [
        f"{path.relative_to(HOUSE)}:{line}: {room} imports {name}"
        for line, name in imports(ast.parse(source), package)
        if name.split(".")[0] in forbidden
    ]


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_its_arrows_allow(room: str) -> None:
    found = [
        text for path in sources(room) for text in offences(room, path.read_text(encoding="utf-8"), path)
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import bench",
        "from bench.cli import main",
        "def f():\n    from bench import environment",
        "import importlib\nimportlib.import_module('bench.cli')",
        "import tests.bench",
    ],
)
def test_a_forbidden_import_is_seen(source: str) -> None:
    assert offences("cases", source, HOUSE / "cases" / "x.py")


def test_a_relative_import_stays_in_its_room() -> None:
    tree = ast.parse("from . import base\nfrom ..gateway import Session")
    assert [name for _, name in imports(tree, "bench.backends")] == ["bench.backends", "bench.gateway"]
