"""The fast reader takes what it should: a reader that left all to the exact one would be right, and slow."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.perfstats import kernel, parallel, reader, scan, windows
from bench.perfstats.layouts import LAYOUTS
from bench.perfstats.names import KINDS
from bench.perfstats.scan import PADDING, Known
from bench.perfstats.stamps import microseconds
from tests.bench.perfstats import logs
from tests.bench.perfstats.logs import Window

HOUSE = Path(__file__).parents[3]


def taken(lines: list[str], kind: str) -> tuple[list[tuple[str, ...]], list[int]]:
    """Whose the lines are that the fast reader takes, and which these are."""
    content = "".join(lines).encode()
    found = Known(LAYOUTS[kind]).scan(bytearray(content + bytes(PADDING)), 0, len(content), True)
    rows = found.rows.tolist()
    left = [line for line, _, _ in found.left]
    assert sorted(rows + left) == list(range(content.count(b"\n"))) == list(range(found.lines))
    assert [content[start:end].decode() + "\n" for _, start, end in found.left] == [
        content.decode().splitlines(keepends=True)[line] for line in left
    ]
    return [found.chunk.keys[group] for group in found.chunk.group], rows


def plugin(element: str, number: int) -> str:
    window = Window(1 + number % 9, 10 ** (number % 7), 10 ** (number % 5), 10 ** (number % 11))
    return logs.plugin("s1", element, "mxpi_f", "plugin", window, logs.stamp(number, 7 ** (number % 6)))


def test_lines_that_differ_in_digits_of_numbers_and_names() -> None:
    elements = [f"mxpi_{letter}{number}" for number in range(40) for letter in "abc"]
    keys, rows = taken([plugin(element, n) for n, element in enumerate(elements * 3)], "plugin")
    assert rows == list(range(360))
    assert keys == [("s1", element, "mxpi_f", "plugin") for element in elements * 3]


def test_names_apart_only_in_one_letter_or_sign() -> None:
    elements = ["a-b", "a.b", "a b", "a_b", "A_b", "b_b", "a_c", "ä_", "é_"]
    keys, rows = taken([plugin(element, 5) for element in elements * 9], "plugin")
    assert rows == list(range(81))
    assert [key[1] for key in keys] == elements * 9


@pytest.mark.parametrize("kind", ["e2e", "tpr", "queue"])
def test_other_kinds(kind: str) -> None:
    lines = {
        "e2e": lambda n: logs.e2e("s", Window(n, 3 * n, n, 2 * n), logs.stamp(n, n)),
        "tpr": lambda n: logs.throughput("s", n, logs.rate(n, 6), logs.stamp(n, n)),
        "queue": lambda n: logs.queue("s", "q0", 200, [n, 0, n % 10] * 5, logs.stamp(n, n)),
    }[kind]
    assert taken([lines(n) for n in range(1, 300)], kind)[1] == list(range(299))


def test_foreign_lines_cost_no_others() -> None:
    lines = [
        plugin("a0", 1),
        plugin("a0", 1).replace("a0", "a\xff0"),
        "{}\n",
        "x" * 100 + "\n",
        plugin("a0", 2),
    ]
    assert taken(lines * 30, "plugin")[1] == [n for n in range(150) if n % 5 in (0, 1, 4)]


def test_e2e_with_another_digit_is_none() -> None:
    line = logs.e2e("s", Window(1, 2, 2, 2), logs.stamp(1, 1))
    assert taken([line, line.replace("e2e", "e3e")] * 3, "e2e")[1] == [0, 2, 4]


def test_more_names_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MOST_TEMPLATES", 10)
    rows = taken([plugin(f"a{number}", 1) for number in range(10, 99)] * 2, "plugin")[1]
    assert rows == [*range(10), *range(89, 99)]


def test_more_foreign_lines_than_are_tried_and_kept_at_once() -> None:
    lines = [plugin("a0", 1), *["{}\n"] * (scan.TRIES + 2 * scan.LEFT), plugin("a0", 2), plugin("a1", 2)]
    assert taken(lines, "plugin")[1] == [0, len(lines) - 2]  # no line teaches any more, what is known goes on


def test_names_that_differ_in_digits_alone_beyond_the_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "TRIES", 2 * kernel.CANDIDATES)
    elements = [f"a{number}" for number in range(kernel.CANDIDATES + 9)]
    rows = taken([plugin(element, 1) for element in [*elements, elements[0], elements[-1]]], "plugin")[1]
    assert rows == [
        *range(len(elements)),
        len(elements) + 1,
    ]  # the oldest one of so many is left to the exact reader


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_has_room_for_the_shortest_records(kind: str) -> None:
    shortest = {
        "e2e": logs.e2e("", Window(1, 1, 1, 1), logs.stamp(1, 1)),
        "plugin": logs.plugin("", "", "", "plugin", Window(1, 1, 1, 1), logs.stamp(1, 1)),
        "tpr": logs.throughput("", 1, 1.5, logs.stamp(1, 1)),
        "queue": logs.queue("", "", 1, [1], logs.stamp(1, 1)),
    }[kind]
    assert len(shortest) > scan.SHORTEST + 20
    assert taken([shortest] * 500, kind)[1] == list(range(500))


@pytest.mark.parametrize(
    "rate",
    [
        "0.0",
        "1.5",
        "9.833333333333334",
        "0.30000000000000004",
        "123456789012.12345678901234567",
        "9007199254740993.0",
        "0.1",
        "5.00000000000000001",
    ],
)
def test_rates_are_the_nearest_numbers(rate: str) -> None:
    content = logs.throughput("s", 3, 1.5, logs.stamp(1, 1)).replace("1.5,", f"{rate},").encode() * 3
    found = Known(LAYOUTS["tpr"]).scan(bytearray(content + bytes(PADDING)), 0, len(content), True)
    if found.left:
        assert rate == "9007199254740993.0"  # more than DIGITS digits before the point
    else:
        assert found.chunk.columns["rate"].tolist() == [float(rate)] * 3


@settings(max_examples=300, deadline=None)
@given(
    when=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 31)),
    day=st.integers(0, 32),
    second=st.integers(0, 61),
)
def test_times(when: datetime, day: int, second: int) -> None:
    texts = [f"{when:%m-%d %H:%M:%S}.{when.microsecond}", f"{when:%m}-{day:02} {when:%H:%M}:{second:02}.7"]
    line = logs.throughput("s", 3, 1.5, "TIME")
    stamps = [f"{when.year:04}-{text}" for text in texts]
    content = "".join(line.replace("TIME", stamp) for stamp in stamps).encode()
    found = Known(LAYOUTS["tpr"]).scan(bytearray(content + bytes(PADDING)), 0, len(content), True)
    assert not found.left
    assert found.chunk.stamp is not None
    assert found.chunk.stamp.tolist() == [microseconds(stamp) for stamp in stamps]


def test_without_a_compiler_the_loop_does_the_same(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, '.'); from tests import fuzz_perfstats; sys.exit(fuzz_perfstats.main(80, 3))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=HOUSE, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_windows_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    for number, kind in enumerate(KINDS * 2):
        made = {
            "e2e": logs.e2e("s", Window(3, 30, 5, 20), logs.stamp(number, 1)),
            "plugin": plugin(f"a{number}", number) + plugin("b0", number),
            "tpr": logs.throughput("s", 3, 1.5, logs.stamp(number, 1)),
            "queue": logs.queue("s", f"q{number}", 200, [1, number], logs.stamp(number, 1)),
        }
        (tmp_path / logs.name_c(kind, second=number)).write_text(made[kind])
    alone = windows([tmp_path])
    monkeypatch.setattr(parallel, "WORTH_BYTES", 0)
    monkeypatch.setattr(reader, "WORTH_COMPILING", 0)
    monkeypatch.setattr(parallel, "_processors", lambda: 3)
    together = windows([tmp_path])
    assert [len(table) for table in alone.values()] == [6, 2, 2]
    for name, table in alone.items():
        pd.testing.assert_frame_equal(table, together[name])
