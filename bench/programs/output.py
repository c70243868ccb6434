"""What a finished program's output says: images, final figures, complaints. The parsers in this package give it, and never raise.

An image with a `reason` has a count that must not be used; a complaint starts with `file:line:`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

FLOAT32_DIGITS = 8
"""Significant digits that a float32 printed in full is good for."""

OSTREAM_DIGITS = 6
"""Significant digits of a C++ ostream that nobody has told otherwise."""

LONGEST = 4096
"""Characters of a line that are looked at; none of the programs prints more."""

Kind = Literal["machine", "mcnn", "sdk-main", "nothing"]
"""Lines of our own program; glog lines of the published Mcnn; an SDK main.py, published or ours; no line of these."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|nan|inf)")


@dataclass(frozen=True)
class ImageOutput:
    """One image: its name as printed, without folder; counts in people, each good for `precision_digits` significant digits.

    line: where it begins, from 1; size: (height, width) in pixels as printed, None where not; seconds by region; `reason` is a reason code,
    empty where nothing speaks against the count, and `detail` its sentence.
    """

    name: str
    predicted: float | None
    true: float | None
    precision_digits: int
    line: int
    size: tuple[int, int] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""

    @property
    def slack(self) -> float:
        """By how many people predicted - true can be off because of the digits printed."""
        return half_unit(self.predicted, self.precision_digits) + half_unit(self.true, self.precision_digits)


@dataclass(frozen=True)
class ProgramOutput:
    """All of a run. rate in images/s over `rate_region`, which is never the wall clock of inference alone; None where not printed.

    expected: how many images the program set out to infer, None where it does not say; complete: it reached its final figures.
    """

    kind: Kind
    images: tuple[ImageOutput, ...] = ()
    final_mae: float | None = None
    final_rmse: float | None = None
    rate: float | None = None
    rate_region: str = ""
    expected: int | None = None
    complete: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line of text with its number, from 1; torn: the file ends in it, without a line end."""

    number: int
    text: str
    torn: bool = False


def lines(text: str) -> list[Line]:
    """Return the lines of a text; a carriage return at a line's end is dropped."""
    parts = text.split("\n")
    last = parts.pop()
    found = [Line(number, part[:LONGEST].removesuffix("\r")) for number, part in enumerate(parts, 1)]
    return [*found, Line(len(parts) + 1, last[:LONGEST], torn=True)] if last else found


def number(text: str) -> float | None:
    """Return a number as C++ and Python print it (nan and inf too), None for anything else."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def half_unit(value: float | None, digits: int) -> float:
    """Return half of the last place of a value that was printed with so many significant digits; 0 for 0, None, NaN and Inf."""
    if not value or not math.isfinite(value):
        return 0.0
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)


def base_name(path: str) -> str:
    """Return a path's last part; a program on another system may print backslashes."""
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
