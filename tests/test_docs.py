"""The documents are true: their links resolve, their commands exist, those marked `run` run, both READMEs say the same.

A block of shell commands is marked by the comment before it: `run` (executed here), `setup` (what CI itself executes),
`checked` (long, or needs what you bring: checked as a command line), `emulated`, `hardware-only`.
"""

import configparser
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HOUSE = Path(__file__).parents[1]
DOCUMENTS = sorted([*HOUSE.glob("*.md"), *(HOUSE / "docs").glob("*.md")])
MARKS = {"run", "setup", "checked", "emulated", "hardware-only"}
BLOCK = re.compile(r"(?:<!-- ([\w-]+) -->\n)?```sh\n(.*?)```", re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def blocks(path: Path) -> list[tuple[str, str]]:
    """(mark, text) of each block of shell commands; the mark is empty where there is none."""
    return [(mark or "", text) for mark, text in BLOCK.findall(path.read_text(encoding="utf-8"))]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a block, `&&` and `\\` taken apart."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\|", line):
            words = shlex.split(part, comments=True)
            if words:
                yield words


ALL = [(path, mark, words) for path in DOCUMENTS for mark, text in blocks(path) for words in commands(text)]


def with_program(program: str) -> list[Any]:
    found = [
        pytest.param(mark, words, id=f"{name_of(path)}: {shlex.join(words)}")
        for path, mark, words in ALL
        if Path(words[0]).name == program
    ]
    assert found, f"no document shows a {program} command"
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_block_of_commands_is_marked(path: Path) -> None:
    assert [mark for mark, _ in blocks(path) if mark not in MARKS] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_resolve(path: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    local = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if target and not (path.parent / target).exists()] == []


def test_both_readmes_show_the_same_commands_and_options() -> None:
    english, chinese = HOUSE / "README.md", HOUSE / "README.zh-CN.md"
    assert blocks(english) == blocks(chinese)
    quoted = [
        set(re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8"))) for path in (english, chinese)
    ]
    assert quoted[0] == quoted[1]


CHINESE = [path for path in DOCUMENTS if path.name.endswith(".zh-CN.md")]


@pytest.mark.parametrize("chinese", CHINESE, ids=name_of)
def test_a_chinese_page_shows_the_commands_of_the_english_one(chinese: Path) -> None:
    english = chinese.with_name(chinese.name.replace(".zh-CN", ""))
    assert blocks(chinese) == blocks(english)


def test_ci_runs_the_readmes_test_command() -> None:
    line = next(
        line for mark, text in blocks(HOUSE / "README.md") for line in text.splitlines() if "-e tests" in line
    )
    script = (HOUSE / ".ci" / "run").read_text(encoding="utf-8")
    assert f"tests='{line}'\n" in script


@pytest.mark.parametrize(("mark", "words"), with_program("tox"))
def test_a_tox_command_names_an_environment(mark: str, words: list[str]) -> None:
    config = configparser.ConfigParser()
    config.read(HOUSE / "tox.ini", encoding="utf-8")
    assert f"testenv:{words[words.index('-e') + 1]}" in config.sections()


@pytest.mark.parametrize(("mark", "words"), with_program("omgate"))
def test_an_omgate_command_exists(mark: str, words: list[str]) -> None:
    import typer

    from bench.cli import app

    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    assert not (rest and getattr(command, "commands", {})), f"no command {rest[0]!r} in {shlex.join(words)}"
    known = {option for parameter in command.params for option in parameter.opts}
    assert [
        word for word in rest if word.startswith("-") and word.partition("=")[0] not in known | {"--help"}
    ] == []


def to_run(program: str) -> list[Any]:
    """Each command that is marked `run`, once: pages repeat the first steps."""
    found = {tuple(param.values[1]): param for param in with_program(program) if param.values[0] == "run"}
    return list(found.values())


@pytest.mark.parametrize(("mark", "words"), to_run("omgate"))
def test_an_omgate_command_runs(mark: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from bench.cli import main

    assert main(words[1:]) == 0, capsys.readouterr().err


@pytest.fixture(scope="module")
def pytest_help() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "bench/", "--help", "-p", "no:cacheprovider"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize(("mark", "words"), with_program("pytest"))
def test_a_pytest_command_has_known_options_and_paths(mark: str, words: list[str], pytest_help: str) -> None:
    for word in words[1:]:
        if word.startswith("--"):
            assert re.search(rf"^\s+{re.escape(word.partition('=')[0])}\b", pytest_help, re.MULTILINE), word
        elif "/" in word:
            assert (HOUSE / word).exists(), word


def test_every_option_of_the_readme_is_an_option_of_pytest(pytest_help: str) -> None:
    rows = re.findall(r"^\| (`--.*?) \|", (HOUSE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    options = [option for row in rows for option in re.findall(r"--[\w-]+", row)]
    assert len(options) > 5
    assert [
        option for option in options if not re.search(rf"^\s+{option}\b", pytest_help, re.MULTILINE)
    ] == []


@pytest.mark.parametrize(("mark", "words"), to_run("pytest"))
def test_a_pytest_command_runs(mark: str, words: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words, f"--run-dir={tmp_path / 'runs'}", "-p", "no:cacheprovider"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_token_is_left_to_fill_in() -> None:
    left = re.compile(r"\b(TIME-BENCH|TIME-TESTS|RESULT-TABLE|TODO|FIXME)\b")
    assert [name_of(path) for path in DOCUMENTS if left.search(path.read_text(encoding="utf-8"))] == []
