"""summary.md: golden in both languages, and safe whatever the names are."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reports.html.source import load
from reports.markdown import Language, summary, write_summaries
from tests.reports.html import made

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = ("<img src=x onerror=alert(1)>.jpg", "a|b`c`.jpg", "[x](javascript:alert(1)) @all #1.jpg")


def told(folder: Path, language: Language) -> str:
    """The summary without what differs from run to run: its id."""
    return re.sub(r"\d{8}T\d{6}Z-[\w.-]+-[a-z0-9]{6}", "RUN", summary(load(folder), language))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_summary_is_as_it_was_reviewed(tmp_path: Path, language: Language) -> None:
    """OMGATE_GOLDEN=write renews the file; look at the difference before it is committed."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "MOMENT", told(made.full(tmp_path, images=5), language))
    text = re.sub(r"^- (took|用时)(: |：).*", r"- \1\2TIME", text, flags=re.MULTILINE)
    golden = GOLDEN / f"summary-{language}.md"
    if os.environ.get("OMGATE_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_both_languages_have_the_same_tables_and_numbers(tmp_path: Path) -> None:
    folder = made.full(tmp_path, images=5)
    english, chinese = told(folder, "en"), told(folder, "zh")
    rows = [
        [line.count("|") for line in text.splitlines() if line.startswith("|")] for text in (english, chinese)
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) > 8


def test_no_name_becomes_markup_a_link_or_a_mention(tmp_path: Path) -> None:
    folder = made.full(tmp_path, names=HOSTILE, label="<b>@all</b> [x](y)", case="a|b")
    for path in write_summaries(load(folder), folder):
        text = path.read_text(encoding="utf-8")
        assert "<img" not in text
        assert "<b>" not in text
        assert "](javascript:" not in text
        assert not re.search(r"(?<![\\\w])@all", text)
