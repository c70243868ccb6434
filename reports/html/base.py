"""What the pages of a run, a diff and a trend have in common: one template, one style, one script, and no other script that could run in them."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.html.words import STATUSES, Both
from reports.terminal import printable

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"

TONES = {"pass": "good", "improved": "good", "drift": "warned", "cannot-tell": "warned", "regressed": "bad"}
"""Classes of the style by verdict."""


@cache
def engine(folder: Path = TEMPLATES) -> Environment:
    """The template engine for the pages of `folder`, which extend `base.html.j2`; every text in them is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    script = _asset("script.js")
    made.globals |= {
        "both": Both,
        "statuses": STATUSES,
        "tones": TONES,
        "style": Markup(_asset("style.css")),
        "script": Markup(script),
        # The page's own script and no other: whatever slips into the page can't run.
        "script_digest": Markup(
            "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        ),
    }
    return made


def _visible(value: object) -> object:
    """What is about to stand in the page, without control characters and those that turn the direction of text: names come from files."""
    if isinstance(value, Both):
        return type(value)(_printable(value.en), _printable(value.zh))  # an English one stays marked as that
    return _printable(value) if type(value) is str else value


def _printable(text: str) -> str:
    return text if text.isprintable() else printable(text)


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
