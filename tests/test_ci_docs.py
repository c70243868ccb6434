"""The CI examples in docs/ci/ are true: they parse, each command in them is one of the real command line, no verdict is swallowed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[1] / "docs" / "ci"
YAML = sorted(FOLDER.glob("*.yml"))
EXAMPLES = sorted(FOLDER.iterdir())


def scripts(path: Path) -> list[str]:
    """The shell scripts of an example, each run by one shell."""
    if path.suffix == ".yml":
        return list(_scripts(yaml.safe_load(path.read_text(encoding="utf-8"))))
    return re.findall(r"'''(.*?)'''", path.read_text(encoding="utf-8"), re.DOTALL)


def _scripts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("script", "after_script", "before_script") and isinstance(value, list):
                yield "\n".join(value)
            elif key == "run":
                yield value
            else:
                yield from _scripts(value)
    elif isinstance(node, list):
        for item in node:
            yield from _scripts(item)


def commands(script: str) -> Iterator[list[str]]:
    """The words of each command line that runs pytest or omgate, with what follows on its line."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;"):
                if words and Path(words[0]).name in ("pytest", "omgate"):
                    yield words
                words = []
            else:
                words.append(word)


ALL = [
    pytest.param(path, words, id=f"{path.name}: {' '.join(words)[:60]}")
    for path in EXAMPLES
    for script in scripts(path)
    for words in commands(script)
]


def of(program: str) -> list[Any]:
    return [param for param in ALL if Path(param.values[1][0]).name == program]


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_an_example_is_yaml(path: Path) -> None:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    jobs = found.get("jobs", found)
    assert {"across"} < set(jobs)


def test_braces_of_the_jenkinsfile_are_balanced() -> None:
    text = re.sub(
        r"'''.*?'''|'[^'\n]*'|\"[^\"\n]*\"|//[^\n]*",
        "",
        (FOLDER / "Jenkinsfile").read_text(),
        flags=re.DOTALL,
    )
    for opening, closing in ("{}", "()", "[]"):
        assert text.count(opening) == text.count(closing)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_measures_on_both_agents_and_compares_across(path: Path) -> None:
    lines = [" ".join(words) for script in scripts(path) for words in commands(script)]
    assert sum("pytest bench/ --gate" in line for line in lines) == 2
    assert sum("omgate diff --across night-910 night-310" in line for line in lines) == 1
    assert any("--markdown=diff.md" in line for line in lines)
    assert any("omgate trend" in line for line in lines)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_no_verdict_is_swallowed(path: Path) -> None:
    for script in scripts(path):
        assert not re.search(r"\b(make|tox)\b", script)
        for line in script.splitlines():
            if re.search(r"(pytest bench/|omgate diff)", line):
                assert not re.search(r"(?<!\|)\|(?!\|)", line), line
                assert "|| true" not in line, line
                # Where a script goes on after a failure, it keeps the code and ends with it.
                assert "||" not in line.partition("pytest bench/")[2] or 'exit "$code"' in script, line
    assert "continue-on-error" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "words"), of("omgate"))
def test_an_omgate_command_parses(path: Path, words: list[str]) -> None:
    import typer

    from bench.cli import app

    command: Any = typer.main.get_command(app)
    command.commands[words[1]].make_context(words[1], words[2:])


def test_a_wrong_option_would_be_seen() -> None:
    import typer

    from bench.cli import app

    command: Any = typer.main.get_command(app)
    with pytest.raises(Exception, match="No such option: --accros"):
        command.commands["diff"].make_context("diff", ["--accros", "a", "b"])


@pytest.mark.parametrize(("path", "words"), of("pytest"))
def test_a_pytest_command_parses(path: Path, words: list[str]) -> None:
    from _pytest.config import get_config

    from bench.plugin import pytest_addoption

    parser = get_config()._parser
    pytest_addoption(parser)
    found, unknown = parser.parse_known_and_unknown_args(words[1:])
    assert unknown == []
    assert found.file_or_dir == ["bench/"]
    assert found.gate
    assert set(found.backend) <= {"reference", "ckpt", "om-sdk", "om-mxbase"}
    paths = [
        word for word in words if word in ("--run-dir", "--om", "--data", "--ckpt", "--onnx", "--resume")
    ]
    assert paths == [], "with a blank pytest can take a path for a test path"
