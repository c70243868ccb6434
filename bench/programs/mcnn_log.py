"""Reads what the published Mcnn logs: glog lines, from its stderr or from the SDK's newest `mxsdk.log.*.info.*` file.

Layout: `I0418 11:22:33.004512 20817 Mcnn.cpp:228] pre:311.482`; the date with year from glog 0.5 on. After the model's shapes come the
names of all directory entries, then for each entry a running index, its name, `C,H,W`, five lines on the tensors, the label's path, `pre:`,
`gt:`, `mae:`; at the end `mae:`, `mse:` and `[Process Delay]`. Numbers have six significant digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.programs.output import OSTREAM_DIGITS, ImageOutput, Line, ProgramOutput, base_name, number
from bench.programs.suspicion import judged, last_of_each_name

_PREFIX = re.compile(r"([IWEF])(\d{4}|\d{8}) (\d\d:\d\d:\d\d\.\d{6})\s+(\S+) ([^:\]]+):(\d+)\] (.*)")
_FIGURE = re.compile(r"(pre|gt|mae|mse):(\S+)\s*")
_SIZE = re.compile(r"\d+,(\d+),(\d+)")
_TENSOR = re.compile(r"(dataSize|output_size|output\d+_\w+):.*")
_DELAY = re.compile(r"\[Process Delay\] cost: (\S+) ms\s+fps: (\S+) imgs/sec\s*")
_INDEX = re.compile(r"\d{1,9}")
_UNPREFIXED = ("terminate called", "what():", "Segmentation fault", "core dumped", "Aborted")


@dataclass(frozen=True)
class Entry:
    """A glog line: its level, where in the program it was printed ("Mcnn.cpp", 228), its text and its number in the file."""

    level: str
    file: str
    site: int
    text: str
    number: int
    torn: bool


@dataclass
class _Image:
    line: int
    index: int | None = None
    name: str = ""
    name_site: tuple[str, int] | None = None
    label: str = ""
    size: tuple[int, int] | None = None
    figures: dict[str, float | None] = field(default_factory=dict)


def entry(line: Line) -> Entry | None:
    """Return a line's glog parts; None for a line in another layout."""
    match = _PREFIX.fullmatch(line.text)
    if match is None:
        return None
    return Entry(match[1], match[5], int(match[6]), match[7], line.number, line.torn)


class _Reader:
    """Goes through the lines once; every line belongs to the image that was begun last."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.images: list[_Image] = []
        self.before: list[Entry] = []  # until the first image
        self.final: dict[str, float | None] = {}
        self.rate: float | None = None
        self.complaints: list[str] = []
        self._current: _Image | None = None
        self._name_is_next = False

    def complain(self, line: int, text: str) -> None:
        self.complaints.append(f"{self.source}:{line}: {text}")

    def read(self, found: Entry, following: Entry | None) -> None:
        if delay := _DELAY.fullmatch(found.text):
            self.rate = number(delay[2])
        elif found.torn:
            self.complain(found.number, "the file ends in this line, passed over")
        elif found.level in "EF":
            self.complain(found.number, f"the program says: {found.text[:200]}")
        elif self._name_is_next and self._is_name(found):
            self._take_name(found)
        elif figure := _FIGURE.fullmatch(found.text):
            self._take_figure(figure[1], number(figure[2]), found, following)
        elif (size := _SIZE.fullmatch(found.text)) and self._current is not None:
            self._take_size((int(size[1]), int(size[2])), found)
        elif _INDEX.fullmatch(found.text):
            self._begin(found)
        elif found.text.lower().endswith("csv") and self._current is not None:
            self._take_label(base_name(found.text.strip()), found)
        elif not self.images:
            self.before.append(found)

    def _begin(self, found: Entry) -> None:
        self._current = _Image(found.number, index=int(found.text))
        self.images.append(self._current)
        self._name_is_next = True

    def _anonymous(self, found: Entry) -> _Image:
        """An image whose first lines the log has lost."""
        self._current = _Image(found.number)
        self.images.append(self._current)
        return self._current

    def _is_name(self, found: Entry) -> bool:
        """The name follows its index; where it was lost, what comes next is one of the program's other lines."""
        self._name_is_next = False
        return not (
            _SIZE.fullmatch(found.text) or _TENSOR.fullmatch(found.text) or _FIGURE.fullmatch(found.text)
        )

    def _take_name(self, found: Entry) -> None:
        assert self._current is not None
        self._current.name = found.text.strip()
        self._current.name_site = (found.file, found.site)

    def _take_size(self, size: tuple[int, int], found: Entry) -> None:
        image = self._current
        if image is None or image.size is not None:
            image = self._anonymous(found)
        image.size = size

    def _take_label(self, label: str, found: Entry) -> None:
        image = self._current
        if image is None or image.label or image.figures:
            image = self._anonymous(found)
        image.label = label

    def _take_figure(self, key: str, value: float | None, found: Entry, following: Entry | None) -> None:
        if value is None:
            self.complain(found.number, f"no number: {found.text[:80]!r}, passed over")
            return
        final = following is not None and following.text.startswith("mse:")
        if key == "mse" or (key == "mae" and final and not (following and following.torn)):
            self.final[key] = value
            self._current = None
            return
        image = self._current
        # A second figure of one kind, or a `pre:` after a `gt:`, is of an image whose beginning is lost.
        if image is None or key in image.figures or (key == "pre" and image.figures):
            image = self._anonymous(found)
        image.figures[key] = value


def parse(found: list[Line], source: str) -> ProgramOutput:
    """Return what the published Mcnn's lines among these say."""
    entries = [parts for line in found if (parts := entry(line)) is not None]
    program = _files_of_program(entries)
    own = [parts for parts in entries if parts.file in program or parts.level in "EF"]
    reader = _Reader(source)
    for parts, following in _with_following(own):
        reader.read(parts, following)
    for line in found:
        if any(sign in line.text for sign in _UNPREFIXED):
            reader.complain(line.number, f"the program was ended: {line.text.strip()[:200]}")
    listing = _listing(reader)
    images = [image for raw in reader.images if (image := _image(raw, listing, reader)) is not None]
    images, repeated = last_of_each_name(images, source)
    output = ProgramOutput(
        kind="mcnn",
        images=tuple(images),
        final_mae=reader.final.get("mae"),
        final_rmse=reader.final.get("mse"),
        rate=reader.rate,
        rate_region="inference and the allocation of its output, without copies",
        expected=len(listing) or None,
        complete="mse" in reader.final,
        warnings=(*reader.complaints, *repeated),
    )
    return judged(output, source)


def _files_of_program(entries: list[Entry]) -> set[str]:
    """The source files that print the program's own lines; the SDK logs in the same layout, from files of its own."""
    return {
        parts.file
        for parts in entries
        if _FIGURE.fullmatch(parts.text) or _TENSOR.fullmatch(parts.text) or _DELAY.fullmatch(parts.text)
    } | {"main.cpp"}


def _with_following(entries: list[Entry]) -> Iterator[tuple[Entry, Entry | None]]:
    """Every entry with the next one of the same level or better."""
    for position, parts in enumerate(entries):
        yield parts, entries[position + 1] if position + 1 < len(entries) else None


def _listing(reader: _Reader) -> list[str]:
    """The directory entries that the program named before the first image: what its line of code for that printed.

    All of them come from one place in the program, known by the first image's name.
    """
    names = [image.name for image in reader.images if image.name]
    sites = [(parts.file, parts.site) for parts in reader.before if names and parts.text.strip() == names[0]]
    return [parts.text.strip() for parts in reader.before if sites and (parts.file, parts.site) == sites[0]]


def _image(raw: _Image, listing: list[str], reader: _Reader) -> ImageOutput | None:
    """An image whose name and count are known; else None, and a complaint."""
    name = raw.name
    if (
        not name
        and raw.index is not None
        and raw.index < len(listing)
        and _fits(listing[raw.index], raw.label)
    ):
        name = listing[raw.index]
    if name and raw.label and not _fits(name, raw.label):
        reader.complain(raw.line, f"{name} has the label {raw.label}: lines of two images, passed over")
        return None
    if not name or "pre" not in raw.figures:
        what = "no count" if name else "no name"
        reader.complain(raw.line, f"{what} for {name or 'an image'} in this log, passed over")
        return None
    return ImageOutput(
        name=name,
        predicted=raw.figures["pre"],
        true=raw.figures.get("gt"),
        precision_digits=OSTREAM_DIGITS,
        line=raw.line,
        size=raw.size,
    )


def _fits(name: str, label: str) -> bool:
    """Whether a label belongs to an image: the published program overwrites a name's last three characters, ours what follows its dot."""
    return not label or label in (f"{name[:-3]}csv", f"{name.rpartition('.')[0]}.csv")
