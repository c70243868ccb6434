"""The report in a real browser: what it asks for, what it runs, what a reader can do with it."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from tests.reports.html.browser import Page

COMBINATIONS = [
    (width, scheme, language)
    for width in (1280, 390)
    for scheme in ("light", "dark")
    for language in ("en", "zh")
]

TEXTS = "[...document.querySelectorAll('#table-results tbody tr')].filter((row) => !row.hidden).map((row) => row.cells[{column}].innerText.split('\\n')[0].trim())"


def opened(page: Page, run: Path, query: str = "", width: int = 1280) -> Page:
    page.size(width)
    page.open((run / "report.html").as_uri() + query)
    return page


def cells(page: Page, column: int) -> list[str]:
    return page.run(TEXTS.format(column=column))


def click(page: Page, selector: str) -> None:
    page.run(f"document.querySelector({selector!r}).click()")


def test_it_asks_for_nothing_and_has_nothing_to_complain_about(page: Page, whole_run: Path) -> None:
    opened(page, whole_run)
    outside = [address for address in page.requests if not address.startswith(("file:", "data:"))]
    assert (outside, page.console, page.errors) == ([], [], [])
    assert [address for address in page.requests if address.startswith("file:")] == [
        (whole_run / "report.html").as_uri()
    ]
    assert page.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")


def test_no_name_runs_a_script(page: Page, hostile_run: Path) -> None:
    opened(page, hostile_run)
    for language in ("zh", "en"):
        click(page, f"[data-control=language] button[value={language}]")
    assert (page.dialogs, page.errors) == ([], [])
    assert page.run("document.scripts.length") == 1
    assert page.run("document.querySelectorAll('[onerror], [onload], [onmouseover], img[src=x]').length") == 0
    text = page.run("document.body.textContent")
    for said in (
        "<img src=x onerror=alert(1)>.jpg",
        "</script><script>alert(2)</script>",
        "<svg onload=alert(5)>",
        "𝄞 人群.jpg",
    ):
        assert said in text
    assert "\u202e" not in text


def test_another_script_is_refused(page: Page, whole_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "report.html"
    text = (whole_run / "report.html").read_text(encoding="utf-8")
    copy.write_text(text.replace("</main>", "<script>alert(7)</script></main>"), encoding="utf-8")
    opened(page, tmp_path)
    assert page.dialogs == []
    assert any("Content Security Policy" in error for error in page.errors)


def test_a_table_is_sorted_both_ways_by_number(page: Page, whole_run: Path) -> None:
    opened(page, whole_run)
    latency = 8
    head = f"#table-results thead th:nth-child({latency + 1}) button"
    click(page, head)
    rising = [float(text) for text in cells(page, latency)]
    assert rising == sorted(rising)
    assert (
        page.run("document.querySelector('#table-results thead th:nth-child(9)').getAttribute('aria-sort')")
        == "ascending"
    )
    click(page, head)
    assert [float(text) for text in cells(page, latency)] == rising[::-1]


def test_what_is_not_known_stays_last(page: Page, whole_run: Path) -> None:
    opened(page, whole_run)
    for _ in range(2):
        click(page, "#table-results thead th:nth-child(6) button")
        assert cells(page, 5)[-1] == "–"


def test_the_filter_shows_one_verdict(page: Page, whole_run: Path) -> None:
    opened(page, whole_run)
    click(page, "[data-control=filter] button[value=regressed]")
    assert cells(page, 2) == ["om-sdk"]
    click(page, "[data-control=filter] button[value=all]")
    assert len(cells(page, 2)) == 4


def test_the_language_is_switched(page: Page, whole_run: Path) -> None:
    opened(page, whole_run)
    assert page.run("document.querySelector('h1').innerText") == "Something got worse"
    click(page, "[data-control=language] button[value=zh]")
    assert page.run("document.querySelector('h1').innerText") == "有指标变差"
    assert page.run("document.documentElement.lang") == "zh-CN"
    # Within the figures, too.
    shown = "[...document.querySelectorAll('svg.figure text')].map((text) => text.getBBox().width > 0 ? text.querySelector('.zh, .en') : null)"
    assert page.run(
        f"{shown}.filter((span) => span && getComputedStyle(span).display !== 'none').length === 0"
    )
    assert page.run(
        "[...document.querySelectorAll('svg.figure tspan.zh')].every((span) => getComputedStyle(span).display !== 'none')"
    )


def test_without_scripts_all_is_there_in_english(page: Page, whole_run: Path) -> None:
    page.scripts(on=False)
    opened(page, whole_run)
    page.scripts(on=True)
    assert page.run("document.querySelector('h1').innerText") == "Something got worse"
    assert page.run("document.querySelectorAll('#table-results tbody tr').length") == 4
    assert page.run(
        "[...document.querySelectorAll('button')].every((button) => button.getClientRects().length === 0)"
    ), "a button that does nothing"


def test_every_control_is_reached_by_keyboard(page: Page, whole_run: Path) -> None:
    opened(page, whole_run)
    reached = []
    for _ in range(12):
        for kind in ("keyDown", "keyUp"):
            page.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(
            page.run(
                "document.activeElement.value || document.activeElement.className || document.activeElement.tagName"
            )
        )
    assert reached[:6] == ["skip", "en", "zh", "auto", "light", "dark"]


@pytest.mark.parametrize(("width", "scheme", "language"), COMBINATIONS)
def test_nothing_sticks_out(
    page: Page, whole_run: Path, width: int, scheme: str, language: str, tmp_path: Path
) -> None:
    page.size(width, 900, scheme)
    page.open((whole_run / "report.html").as_uri() + f"?lang={language}")
    assert page.run("document.documentElement.scrollWidth") <= width
    cut = """[...document.querySelectorAll('h1, h2, h3, td, th, dd, dt, figcaption, .facts span, .status, button')].filter((part) => {
        const box = part.getBoundingClientRect();
        return box.width && (box.right > innerWidth + 1 || box.left < -1) && !part.closest('.scroll');
    }).map((part) => part.outerHTML.slice(0, 120))"""
    assert page.run(cut) == []
    assert (
        page.run(
            "[...document.querySelectorAll('.scroll')].filter((part) => part.scrollWidth > part.clientWidth + 1).length"
        )
        == 0
    )
    folder = Path(os.environ.get("OMGATE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(folder / f"report-{width}-{scheme}-{language}.png")


CONTRAST = """(() => {
  const number = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (part) => { for (; part; part = part.parentElement) {
    const colour = getComputedStyle(part).backgroundColor; if (colour !== 'rgba(0, 0, 0, 0)') return number(colour); } return [255, 255, 255]; };
  const found = [];
  for (const part of document.querySelectorAll('p, td, th, dt, dd, small, figcaption, h1, .status, li')) {
    if (!part.getClientRects().length || !part.innerText) continue;
    const [a, b] = [light(number(getComputedStyle(part).color)), light(behind(part))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(part.outerHTML.slice(0, 80));
  }
  return found;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(page: Page, whole_run: Path, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a ratio of 4.5 at least."""
    page.size(1280, 900, scheme)
    page.open((whole_run / "report.html").as_uri())
    assert page.run(CONTRAST) == []


def test_a_csv_link_holds_the_table(page: Page, hostile_run: Path) -> None:
    opened(page, hostile_run)
    address = page.run("document.querySelector('[id^=table-images] a[download]').href")
    kind, _, content = address.partition(",")
    assert kind == "data:text/csv;charset=utf-8;base64"
    text = base64.b64decode(content).decode("utf-8-sig")
    assert text.startswith("image,true_count,predicted_count_reference,")
    assert "\r\n\"'=cmd|" in text or "\r\n'=cmd|" in text


def test_it_prints_on_few_pages(page: Page, whole_run: Path) -> None:
    opened(page, whole_run)
    assert 2 <= page.pdf().count(b"/Type /Page\n") <= 14
