"""matplotlib figures as inline SVG: colours that follow the page's theme, texts in both languages, nothing that a page already has."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reports.html.words import FIGURE_TEXTS
from reports.terminal import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THEME = {
    "#010203": "var(--ink)",
    "#020304": "var(--dim)",
    "#030405": "var(--line)",
    "#040506": "var(--paper)",
    "#0a0101": "var(--s1)",
    "#0a0202": "var(--s2)",
    "#0a0303": "var(--s3)",
    "#0a0404": "var(--s4)",
    "#0a0505": "var(--s5)",
    "#0a0606": "var(--s6)",
    "#0b0101": "var(--good)",
    "#0b0202": "var(--bad)",
}
"""Colours that are drawn, none of which anybody would draw, and what of the page's style they stand for."""

INK, DIM, LINE, PAPER, *SERIES, GOOD, BAD = THEME
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (8, 2, 2, 2)))
"""Line styles, so that lines are told apart without colour."""

MARKERS = ("o", "s", "^", "D", "v", "P")

WIDTH, HEIGHT = 4.4, 3.5
"""Inches of 72 points: 317 points wide, so that it is readable at its natural size on a phone."""

FONT_POINTS = 8

STYLE = {
    "svg.fonttype": "none",  # text stays text: the reader's own fonts, Chinese too, and it can be switched and searched
    "font.size": FONT_POINTS,
    "text.color": INK,
    "axes.labelcolor": DIM,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": DIM,
    "ytick.labelcolor": DIM,
    "axes.unicode_minus": True,
    "text.parse_math": False,  # a backend's name may hold a dollar sign
}


def axes(width: float = WIDTH, height: float = HEIGHT, left: float = 0.55, bottom: float = 0.45) -> Axes:
    """Axes on a figure of their own, inches; `left` and `bottom` are the room for labels.

    Within `styled`. No pyplot: it keeps what it makes. No tight layout: it draws everything twice.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=72)
    made: Axes = figure.add_axes(
        (left / width, bottom / height, 1 - (left + 0.15) / width, 1 - (bottom + 0.15) / height)
    )
    return made


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Everything drawn within it has the reports' style; matplotlib's own settings are back afterwards."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield


def svg(made: Axes, name: str, title: str) -> Markup:
    """The figure of `made` as SVG for the page; `name` is unique in it, `title` is what is read out instead."""
    import matplotlib

    whole = made.get_figure(root=True)
    assert whole is not None, "axes() made it in a figure"
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        whole.savefig(
            stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return Markup(_tidy(stream.getvalue(), title))


ATTRIBUTES = re.compile(
    r' (?:id="(?!h)(?:figure|axes|patch|line2d|text|xtick|ytick|matplotlib|Path|Line|legend|Quad|Poly)[^"]*")'
)
FONT = re.compile(r"font-family: [^;\"]*;? ?")
TEXT = re.compile(r"(<text[^>]*>)([^<]*)(</text>)")
BLANKS = re.compile(r"\s*\n\s*")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
EMPTY = re.compile(r"<g>\s*</g>")


def _tidy(drawn: str, title: str) -> str:
    """The drawing without XML's head, names, comments and blanks; themed, in both languages."""
    body = drawn[drawn.index("<svg") :]
    size = re.search(r'viewBox="0 0 ([\d.]+)', body)
    width = round(float(size.group(1))) if size else 320
    body = body[body.index(">") + 1 :]
    view = re.search(r'viewBox="[^"]*"', drawn)
    body = METADATA.sub("", COMMENT.sub("", body))
    body = FONT.sub("", ATTRIBUTES.sub("", body))
    body = BLANKS.sub(" ", body).replace("> <", "><").replace("xlink:href", "href")
    body = EMPTY.sub("", body).replace("<g>", "<g>")
    for drawn_colour, themed in THEME.items():
        body = body.replace(drawn_colour, themed)
    body = TEXT.sub(_both, body)
    head = f'<svg class="figure" role="img" {view.group() if view else ""} style="max-width:{round(width * 1.35)}px">'
    return f"{head}<title>{escape(printable(title))}</title>{body}"


def _both(found: re.Match[str]) -> str:
    start, text, end = found.groups()
    chinese = FIGURE_TEXTS.get(text.strip())
    if chinese is None:
        return found.group()
    return f'{start}<tspan class="en">{text}</tspan><tspan class="zh">{chinese}</tspan>{end}'
