"""The forms of a diff: golden files of terminal, markdown and JSON; names from files are text everywhere.

`OMGATE_GOLDEN=write pytest tests/reports/diff/test_rendering.py` renews the golden files: read what it changed.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from reports.diff.build import diff
from reports.diff.html import diff_html
from reports.diff.markdown import diff_markdown, safe
from reports.diff.matrix import Matrix, matrix
from reports.diff.model import Diff, Figure, SpeedDiff
from reports.diff.tables import quantity
from reports.diff.terminal import diff_text
from reports.numbers import Number
from reports.reasons import Reason
from reports.record import RunRecord
from reports.timing import Timing
from reports.verdict import Status, Verdict

Make = Callable[..., RunRecord]
GOLDEN = Path(__file__).parent / "golden"

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
NASTY = f"{HOSTILE}|[b](http://x.y)`code`*[red]bold[/red]* @everyone #1 \x1b[31m\n| a |"


FIGURES = (
    Figure(name="throughput/sweep-8", unit="images/s", old=80.0, new=66.67),
    Figure(name="s: queue q, most", unit="buffers", old=None, new=7.0),
)

SPEED = SpeedDiff(
    what="latency/single-stream",
    verdict=Verdict(
        status=Status.REGRESSED,
        reasons=(
            Reason("gate-exceeded", "latency/single-stream: median 10 ms -> 12 ms: worse", "measure again"),
        ),
        numbers=(
            Number(
                metric="latency/single-stream", unit="s", old=0.010, new=0.012, difference=0.002, p_value=1e-9
            ),
        ),
        n=300,
    ),
)


def counts(change: Callable[[int, float], float]) -> dict[str, float]:
    return {f"IMG_{n}": change(n, 50.0 * n + 3.0 * (-1) ** n) for n in range(1, 21)}


def named(record: RunRecord, name: str) -> RunRecord:
    """The record with an id and a folder that are the same every time, its timings kept."""
    folder = record.folder.rename(record.folder.parent / name)
    return replace(record, folder=folder, run=msgspec.structs.replace(record.run, id=name))


def timed(record: RunRecord, median: float) -> RunRecord:
    drawn = random.Random(0)
    samples = tuple(median * (1 + drawn.gauss(0, 0.01)) for _ in range(300))
    timing = Timing(
        case="demo",
        backend="om-sdk",
        scenario="single-stream",
        depth=1,
        samples=samples,
        images_per_second=0.8 / median,
    )
    (record.folder / "timings.jsonl").write_bytes(msgspec.json.encode(timing) + b"\n")
    return record


@pytest.fixture
def three(make: Make) -> list[RunRecord]:
    both = ("om-sdk", "om-mxbase")
    old = timed(named(make("cann-7.0", backends=both, cann="7.0"), "20261123T000501Z-cann-7.0-aaaaaa"), 0.010)
    moved = counts(lambda n, count: count + (0.4 if n == 3 else 0.0))
    new = make("cann-8.0", moved, backends=both, cann="8.0", environment={"driver": "24.1.0"})
    new = timed(named(new, "20261123T010501Z-cann-8.0-bbbbbb"), 0.012)
    last = make(
        "cann-8.5", counts(lambda n, count: count + 0.5 * n), cann="8.5", om="om-2", finish=False, keep=15
    )
    return [old, new, named(last, "20261123T020501Z-cann-8.5-cccccc")]


@pytest.fixture
def found(three: list[RunRecord]) -> Diff:
    return relocated(diff(three[0], three[1]))


@pytest.fixture
def several(three: list[RunRecord]) -> Matrix:
    for record in three:
        (record.folder / "timings.jsonl").unlink(missing_ok=True)
    return matrix(three)


def test_a_matrix_has_every_step(several: Matrix) -> None:
    assert [(found.old.name, found.new.name) for found in several.diffs] == [
        ("cann-7.0", "cann-8.0"),
        ("cann-7.0", "cann-8.5"),
        ("cann-8.0", "cann-8.5"),
    ]
    row = several.rows[0]
    assert (row.case, row.backend, row.metric) == ("demo", "om-sdk", "mae")
    assert [cell.status for cell in row.cells] == [None, "drift", "regressed"]
    assert row.last.number is not None
    assert row.last.number.old == pytest.approx(2.9733, abs=1e-4)  # over the 15 images that both have


def test_a_matrix_has_speed(make: Make) -> None:
    runs = [timed(make(f"r{n}"), median) for n, median in enumerate((0.010, 0.012, 0.008))]
    row = next(row for row in matrix(runs).rows if row.metric == "latency/single-stream")
    assert [cell.status for cell in row.cells] == [None, "regressed", "improved"]
    assert row.cells[0].value == pytest.approx(0.010, rel=0.01)
    assert row.last.status == "improved"


def relocated(made: Diff) -> Diff:
    """Without the test's own folder; its speed as this file has it: the golden files are about the form."""
    measured = tuple(
        msgspec.structs.replace(item, speed=(SPEED,) if item.speed else (), figures=FIGURES)
        for item in made.measured
    )
    assert sum(bool(item.speed) for item in measured) == 1
    return msgspec.structs.replace(
        made,
        measured=measured,
        status="regressed",
        old=msgspec.structs.replace(made.old, folder="runs/old"),
        new=msgspec.structs.replace(made.new, folder="runs/new"),
    )


def check(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("OMGATE_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [160, 80])
def test_the_terminal(found: Diff, width: int) -> None:
    check(f"diff-{width}.txt", diff_text(found, width))


def test_the_terminals_matrix(several: Matrix) -> None:
    check("matrix-160.txt", diff_text(several, 160))


def test_markdown(found: Diff) -> None:
    check("diff.md", diff_markdown(found))


def test_markdown_of_a_matrix(several: Matrix) -> None:
    check("matrix.md", diff_markdown(several))


def test_json(found: Diff) -> None:
    text = msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"
    check("diff.json", rounded(text))


def rounded(text: str) -> str:
    """JSON with its floats to nine digits: the last ones differ between processors."""

    def short(value: object) -> object:
        if isinstance(value, float):
            return float(f"{value:.9g}")
        if isinstance(value, dict):
            return {key: short(item) for key, item in value.items()}
        return [short(item) for item in value] if isinstance(value, list) else value

    return json.dumps(short(json.loads(text)), indent=1, ensure_ascii=False) + "\n"


def test_a_diff_can_be_read_back(found: Diff) -> None:
    assert msgspec.json.decode(msgspec.json.encode(found), type=Diff) == found


# --- names that are markup ----------------------------------------------------------------------------------------------------


@pytest.fixture
def hostile(make: Make) -> Diff:
    names = [f"{NASTY}_{n}" for n in range(1, 21)]
    old = dict.fromkeys(names, 100.0)
    new = {name: 100.0 + n for n, name in enumerate(names)}
    fields = {"case": NASTY, "backends": (f"om-{NASTY}",), "title": NASTY}
    left = make(NASTY, rename(old), **fields, environment={"driver": NASTY})
    return diff(left, make(NASTY + "2", rename(new), **fields, om="om-2", environment={"driver": "x"}))


def rename(found: dict[str, float]) -> dict[str, float]:
    """The maker takes the image's number from behind its `_`."""
    return {f"{name.replace('_', '-')}_{n}": count for n, (name, count) in enumerate(found.items(), start=1)}


class Parsed(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_holds_names_as_text(hostile: Diff) -> None:
    page = Parsed(diff_html(hostile))
    names = {tag for tag, _ in page.tags}
    assert not names & {"img", "iframe", "object"}
    assert [tag for tag, _ in page.tags].count("script") == 1
    attributes = {name for _, found in page.tags for name in found}
    assert not [name for name in attributes if name.startswith("on") or name == "src"]
    # Links are to parts of the page alone.
    links = {found["href"] for tag, found in page.tags if "href" in found}
    assert all(str(link).startswith("#") or link == "data:," for link in links)
    assert HOSTILE in page.text
    assert "\x1b" not in page.text


def test_html_asks_for_nothing(found: Diff) -> None:
    page = diff_html(found)
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    assert "url(" not in page
    assert "@import" not in page


def test_html_is_in_both_languages(found: Diff) -> None:
    page = Parsed(diff_html(found))
    languages = [attributes.get("lang") for tag, attributes in page.tags if tag == "span"]
    assert languages.count("en") == languages.count("zh-CN") > 20
    assert "驱动（23.0.3 → 24.1.0）" in page.text
    assert "精度" in page.text


def test_html_of_a_matrix(several: Matrix) -> None:
    page = Parsed(diff_html(several))
    assert "cann-7.0 → cann-8.0 → cann-8.5" in page.text


def test_markdown_holds_names_as_text(hostile: Diff) -> None:
    text = diff_markdown(hostile)
    assert "<img" not in text
    assert "](http" not in text
    assert "`" not in text
    assert "@everyone" not in text
    assert "\x1b" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "onerror" in line]
    assert rows
    assert {line.count("|") for line in rows if "IMG" not in line} <= {5, 9, 10}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("IMG_1 -> IMG_2", "IMG_1 -> IMG_2"),
        ("> a", "&#62; a"),
        ("[a](b) [c] [^1] [x] +1 [2, 3]", "[a&#93;(b) [c] &#91;^1] &#91;x] +1 [2, 3]"),
        ("_a_ *b*", "&#95;a&#95; &#42;b&#42;"),
        ("a|b", "a&#124;b"),
        ("@team #12", "@&#8203;team &#35;&#8203;12"),
        ("https://x.y www.z", "https:&#8203;//x.y www&#8203;.z"),
        ("&lt;b&gt;", "&#38;lt;b&#38;gt;"),
        ("a\nb\tc", "a b c"),
    ],
)
def test_safe_markdown(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_the_terminal_holds_names_as_text(hostile: Diff) -> None:
    text = diff_text(hostile, 400)
    assert "\x1b" not in text
    assert "[red]bold[/red]" in text


def test_colours_come_from_the_verdict(found: Diff) -> None:
    assert "\x1b[1;31mregressed" in diff_text(found, 160, color=True)
    assert "\x1b" not in diff_text(found, 160, color=False)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0123, "s", "12.3 ms"),
        (2.0, "s", "2 s"),
        (4.2e-5, "s", "42 us"),
        (1e-9, "s", "0.001 us"),
        (5000.0, "us", "5 ms"),
        (66.666, "images/s", "66.67 images/s"),
        (3.0, "1", "3"),
        (None, "s", "-"),
    ],
)
def test_a_quantity_reads_well(value: float | None, unit: str, shown: str) -> None:
    assert quantity(value, unit) == shown
