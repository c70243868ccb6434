"""The fast reader takes what it should: a reader that left all to the exact one would be right, and slow."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from bench.perfstats import blocks, parallel, shapes, windows
from bench.perfstats.index import Index
from bench.perfstats.names import KINDS
from bench.perfstats.scan import Scan
from tests.bench.perfstats import logs
from tests.bench.perfstats.logs import Window


def taken(lines: list[str], kind: str) -> tuple[list[tuple[str, ...]], list[int]]:
    """Whose the lines are that the fast reader takes, and which these are."""
    content = "".join(lines).encode()
    (block,) = blocks.blocks(io.BytesIO(content), len(content))
    data = np.frombuffer(block.data, np.uint8)
    ends = np.flatnonzero(data[: block.stop] == 10)
    starts = np.concatenate([[0], ends[:-1] + 1])
    chunk, rows = Scan(blocks.new_known(kind)[0], data, starts, ends, True).run()
    return [chunk.keys[group] for group in chunk.group], rows.tolist()


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
    monkeypatch.setattr(shapes, "MOST_NAMINGS", 10)
    rows = taken([plugin(f"a{number}", 1) for number in range(10, 99)], "plugin")[1]
    assert len(rows) == 10


def test_an_index_finds_each_of_many_shapes() -> None:
    dice = np.random.default_rng(1)
    forms = dice.choice(np.frombuffer(b'abc"0', np.uint8), (900, 256)).view("<u8")
    lengths = dice.integers(200, 204, 900)
    forms &= np.tril(np.full((257, 256), 255, np.uint8), -1).view("<u8")[lengths]
    index = Index(32)
    for low in range(0, 900, 100):
        index.add(forms[low : low + 100], lengths[low : low + 100])
    assert (index.find(forms, lengths) == np.arange(1, 901)).all()
    assert len(index.columns) < 8


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
    monkeypatch.setattr(parallel, "_processors", lambda: 3)
    together = windows([tmp_path])
    assert [len(table) for table in alone.values()] == [6, 2, 2]
    for name, table in alone.items():
        pd.testing.assert_frame_equal(table, together[name])
