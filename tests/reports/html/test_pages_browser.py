"""The pages of a diff, a matrix and a trend in a real browser: nothing asked for, nothing of others run, nothing sticking out, both languages."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reports.diff.build import diff
from reports.diff.html import diff_html
from reports.diff.matrix import matrix
from reports.trend.build import trend
from reports.trend.html import trend_html
from tests.reports.diff.conftest import Maker, counts
from tests.reports.html.browser import Page
from tests.reports.html.test_browser import CONTRAST, click
from tests.reports.trend.conftest import History

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
LABEL = "</title></style><script>alert(3)</script>"
CUT = """[...document.querySelectorAll('h1, h2, h3, td, th, li, p, dd, dt, figcaption, button')].filter((part) => {
    const box = part.getBoundingClientRect();
    return box.width && (box.right > innerWidth + 1 || box.left < -1) && !part.closest('.scroll');
}).map((part) => part.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three pages, of runs with names that would be markup."""
    folder = tmp_path_factory.mktemp("pages")
    make = Maker(folder / "runs")
    moved = counts(lambda number, count: count + (3.0 * number if number in (2, 5) else 0.0))
    old = make(LABEL, counts(), case=HOSTILE, title=HOSTILE)
    new = make("new", moved, case=HOSTILE, title=HOSTILE, cann="8.5")
    history = History(folder / "nights")
    history.nights_of([0.010] * 6 + [0.014] * 6, label=LABEL, case=HOSTILE)
    history.night(3.4, cann="8.5", case=HOSTILE)
    made = {
        "diff": diff_html(diff(old, new)),
        "matrix": diff_html(matrix([old, new, make("third", counts(), case=HOSTILE)])),
        "trend": trend_html(trend(folder / "nights")),
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.mark.parametrize("name", ["diff", "matrix", "trend"])
def test_it_asks_for_nothing_runs_nothing_and_complains_of_nothing(
    page: Page, pages: dict[str, Path], name: str
) -> None:
    page.size(1280)
    page.open(pages[name].as_uri())
    assert [address for address in page.requests if not address.startswith(("file:", "data:"))] == []
    assert (page.console, page.errors, page.dialogs) == ([], [], [])
    assert page.run("document.scripts.length") == 1
    assert page.run("document.querySelectorAll('[onerror], [onload], img[src=x]').length") == 0
    assert page.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")


@pytest.mark.parametrize("name", ["diff", "matrix", "trend"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nothing_sticks_out_and_the_language_is_switched(
    page: Page, pages: dict[str, Path], name: str, width: int, scheme: str, tmp_path: Path
) -> None:
    page.size(width, 900, scheme)
    page.open(pages[name].as_uri())
    folder = Path(os.environ.get("OMGATE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    for language, other in (("en", "zh"), ("zh", "en")):
        click(page, f"[data-control=language] button[value={language}]")
        assert page.run(
            f"[...document.querySelectorAll('.{other}')].every((part) => !part.getClientRects().length)"
        )
        assert page.run(
            f"[...document.querySelectorAll('main .{language}')].some((part) => part.getClientRects().length)"
        )
        assert page.run("document.documentElement.scrollWidth") <= width
        assert page.run(CUT) == []
        if width < 700:  # rows are cards there
            wide = "[...document.querySelectorAll('.scroll')].filter((part) => part.scrollWidth > part.clientWidth + 1).length"
            assert page.run(wide) == 0
        assert page.run(CONTRAST) == []
        page.screenshot(folder / f"{name}-{width}-{scheme}-{language}.png")


@pytest.mark.parametrize("name", ["diff", "matrix", "trend"])
def test_the_controls_are_reached_by_keyboard_and_switch(
    page: Page, pages: dict[str, Path], name: str
) -> None:
    page.size(1280)
    page.open(pages[name].as_uri())
    reached = []
    for _ in range(6):
        press(page, "Tab", 9)
        reached.append(page.run("document.activeElement.value || document.activeElement.className"))
    assert reached == ["skip", "en", "zh", "auto", "light", "dark"]
    press(page, "Enter", 13)
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    click(page, "[data-control=language] button[value=zh]")
    assert page.run("document.documentElement.lang") == "zh-CN"


def press(page: Page, key: str, code: int) -> None:
    typed = {"text": "\r"} if key == "Enter" else {}
    page.send(
        "Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **typed
    )
    page.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)


ORDERS = (
    "[...document.querySelectorAll('#table-{name} tbody tr')].map((row) => row.cells[{column}].dataset.order)"
)


@pytest.mark.parametrize(("name", "table", "column"), [("diff", "moved", 6), ("trend", "changes", 4)])
def test_its_tables_are_sorted_by_number(
    page: Page, pages: dict[str, Path], name: str, table: str, column: int
) -> None:
    page.size(1280)
    page.open(pages[name].as_uri())
    head = f"#table-{table} thead th:nth-child({column + 1}) button"
    for falling in (False, True):
        click(page, head)
        found = [float(text) for text in page.run(ORDERS.format(name=table, column=column))]
        assert len(set(found)) > 1
        assert found == sorted(found, reverse=falling)


def test_without_scripts_a_page_is_there_in_english(page: Page, pages: dict[str, Path]) -> None:
    page.scripts(on=False)
    page.open(pages["diff"].as_uri())
    page.scripts(on=True)
    assert page.run("document.querySelector('h1').innerText") == "Regressed"
    assert page.run("[...document.querySelectorAll('button')].every((part) => !part.getClientRects().length)")
    assert page.run("[...document.querySelectorAll('.zh')].every((part) => !part.getClientRects().length)")


CHINESE_ONLY = """[...document.querySelectorAll('main h2, main th, main figcaption, main .note, main .lead, main .why p')]
    .filter((part) => part.getClientRects().length && /[A-Za-z]/.test(part.innerText) && !/[\\u4e00-\\u9fff]/.test(part.innerText))
    .map((part) => part.innerText)"""


@pytest.mark.parametrize("name", ["diff", "matrix", "trend"])
def test_its_own_words_are_chinese_in_the_chinese_view(page: Page, pages: dict[str, Path], name: str) -> None:
    page.size(1280)
    page.open(pages[name].as_uri() + "?lang=zh")
    names = {"MAE", "Δ [95 %]", "p", "old", "new", "third"}  # of metrics and of runs
    said = [text.split("\n")[0].strip() for text in page.run(CHINESE_ONLY)]
    assert [
        text for text in said if text not in names and LABEL not in text and not text.startswith(HOSTILE)
    ] == []
    text = page.run("document.querySelector('main').innerText")
    assert HALF_WIDTH.findall(text) == []


HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?(]|[,;:!?)][\u4e00-\u9fff]")
"""Latin punctuation beside a Chinese character."""
