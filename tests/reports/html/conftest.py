"""One made-up run with everything in it, its page, and a browser, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reports.html import made
from tests.reports.html.browser import Browser, Page, executable, running


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run with verdicts of every kind, and its report."""
    from reports.html.write import write

    folder = made.full(tmp_path_factory.mktemp("whole"))
    write(folder)
    return folder


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with names that would be markup, formulas and scripts, and its report."""
    from reports.html.write import write

    names = (
        made.HOSTILE,
        "=cmd|' /C calc'!A0",
        "</script><script>alert(2)</script>",
        "\u202egpj.exe",
        "𝄞 人群.jpg",
    )
    script = "</title></style><script>alert(3)</script>"
    folder = made.full(
        tmp_path_factory.mktemp("hostile"),
        names=names,
        label=f'{script}" onmouseover=alert(4) x="',
        case="<svg onload=alert(5)>",
        title=f"$\\frac{{a}}{{{script}}}",
        backends=("reference", "ckpt", "om-sdk", "'><img src=x onerror=alert(6)>$x$"),
    )
    write(folder)
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path = executable()
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium fonts-noto-cjk")
    with running(path, tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.page()
