"""How messages name files and keys: on one line, whatever a file is called."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


def shown(path: str | os.PathLike[str]) -> str:
    """A path or any other text on one line: control characters and bytes that are no UTF-8 are written as escapes."""
    text = os.fspath(path)
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def nearest(seen: str, allowed: Iterable[str]) -> str:
    """`; the nearest is "x"` for the allowed name that looks most like `seen`, or nothing where none does."""
    close = difflib.get_close_matches(seen, list(allowed), n=1, cutoff=0.5)
    return f'; the nearest is "{close[0]}"' if close else ""
