"""The pages of a diff, a matrix and a trend in a real browser: nothing asked for, nothing run, nothing sticking out, both languages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reports.diff.build import diff
from reports.diff.html import diff_html
from reports.diff.matrix import matrix
from reports.trend.build import trend
from reports.trend.html import trend_html
from tests.reports.diff.conftest import Maker, counts
from tests.reports.html.browser import Page
from tests.reports.html.test_browser import CONTRAST
from tests.reports.trend.conftest import History

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
LABEL = "</title></style><script>alert(3)</script>"
CUT = """[...document.querySelectorAll('h1, h2, h3, td, th, li, p, label')].filter((part) => {
    const box = part.getBoundingClientRect();
    return box.width && (box.right > innerWidth + 1 || box.left < -1) && !part.closest('.scroll');
}).map((part) => part.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three pages, of runs with names that would be markup."""
    folder = tmp_path_factory.mktemp("pages")
    make = Maker(folder / "runs")
    moved = counts(lambda number, count: count + (6.0 if number == 2 else 0.0))
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
    assert page.run("document.scripts.length") == 0
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
        page.run(f"document.querySelector('label[for={language}]').click()")
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


def test_the_language_is_reached_by_keyboard(page: Page, pages: dict[str, Path]) -> None:
    page.size(1280)
    page.open(pages["diff"].as_uri())
    for key, code in (("Tab", 9), ("ArrowRight", 39)):
        for kind in ("keyDown", "keyUp"):
            page.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
    assert page.run("document.activeElement.id") == "zh"
    assert page.run("[...document.querySelectorAll('.en')].every((part) => !part.getClientRects().length)")
