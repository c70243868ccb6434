"""The pages that need no script (diff, trend): the report's style and shapes, and a language switch of two radio buttons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reports.terminal import printable

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"

TONES = {"pass": "good", "improved": "good", "drift": "warned", "cannot-tell": "warned", "regressed": "bad"}
"""Classes of the style by verdict."""


def page(folder: Path, name: str) -> Template:
    """A template of `folder`, which can use the report's own; every text in it is escaped. `plain.html.j2` says what it has to fill in."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "plain.css"))
    environment.globals.update(style=Markup(style), tones=TONES)
    return environment.get_template(name)
