"""A diff or a matrix as one HTML file that needs nothing else: no script, no request, both languages in the page."""

from __future__ import annotations

from pathlib import Path

from reports.diff.document import STATUSES, VERDICTS, document, marks
from reports.diff.matrix import Matrix
from reports.diff.model import Diff
from reports.terminal import printable

TEMPLATES = Path(__file__).parent / "templates"


def diff_html(found: Diff | Matrix) -> str:
    """The page. Every text in it is escaped by the template engine."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    template = environment.get_template("diff.html.j2")
    return template.render(said=document(found), verdicts=VERDICTS, statuses=STATUSES, marks=marks)
