"""A diff or a matrix as one HTML file that needs nothing else: no script, no request, both languages in the page."""

from __future__ import annotations

from pathlib import Path

from reports.diff.document import STATUSES, VERDICTS, document, marks
from reports.diff.matrix import Matrix
from reports.diff.model import Diff
from reports.html.plain import page

TEMPLATES = Path(__file__).parent / "templates"


def diff_html(found: Diff | Matrix) -> str:
    """The page. Every text in it is escaped by the template engine."""
    template = page(TEMPLATES, "diff.html.j2")
    return template.render(said=document(found), verdicts=VERDICTS, statuses=STATUSES, marks=marks)
