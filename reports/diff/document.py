"""What a diff or a matrix says, ready to be rendered: its runs, its verdict in words, tables, sentences, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.chinese import chinese
from reports.diff.matrix import Matrix, matrix_table
from reports.diff.model import Diff, Measured, RunSide, Text
from reports.diff.tables import Table, tables
from reports.reasons import TITLES, Reason
from reports.verdict import Status, Verdict, worst

VERDICTS: dict[str, Text] = {
    "pass": Text("pass: nothing got worse", "通过：没有变差"),
    "improved": Text("improved", "改进"),
    "drift": Text("drift: different or worse, within the tolerance", "漂移：不同或变差，但在容差内"),
    "regressed": Text("regressed", "退化"),
    "cannot-tell": Text("cannot tell", "无法判断"),
}
"""A verdict in words."""


@dataclass(frozen=True)
class Said:
    """A reason: its code, and one sentence with the way out."""

    code: str
    text: str
    chinese: str = ""

    @property
    def both(self) -> Text:
        """The sentence in both languages, as far as its form is known in Chinese."""
        return Text(self.text, self.chinese or self.text)

    @property
    def title(self) -> Text:
        """The code in words; a newer omgate's code as it is."""
        known = {code.value: titles for code, titles in TITLES.items()}
        return Text(*known.get(self.code, (self.code, self.code)))

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" if self.code else self.text


@dataclass(frozen=True)
class Note:
    """What is said of one case on one backend: the conclusion, then the reasons of its verdicts, each a line."""

    where: Text
    status: str
    conclusion: Text | None
    reasons: tuple[Said, ...]


@dataclass(frozen=True)
class Document:
    """All that a renderer needs; every text is plain and not yet escaped."""

    title: str
    status: Status
    sides: tuple[tuple[Text, RunSide], ...]
    tables: tuple[Table, ...]
    notes: tuple[Note, ...]
    warnings: tuple[Text, ...]


def document(found: Diff | Matrix) -> Document:
    """The document of a diff or a matrix."""
    return _of_matrix(found) if isinstance(found, Matrix) else _of_diff(found)


def _of_diff(diff: Diff) -> Document:
    return Document(
        title=f"{diff.old.name} → {diff.new.name}",
        status=Status(diff.status),
        sides=((Text("old", "旧"), diff.old), (Text("new", "新"), diff.new)),
        tables=tuple(tables(diff)),
        notes=tuple(notes(diff)),
        warnings=tuple(_warning(text, (diff.old, diff.new)) for text in diff.warnings),
    )


def _of_matrix(matrix: Matrix) -> Document:
    """Sentences only of what is no pass: a matrix is for the overview."""
    said = [
        Note(_between(diff, note.where), note.status, note.conclusion, note.reasons)
        for diff in matrix.diffs
        for note in (*notes(diff), *_alone(diff))
        if note.status != Status.PASS
    ]
    sides = tuple((Text(str(number), str(number)), side) for number, side in enumerate(matrix.runs, start=1))
    return Document(
        title=" → ".join(side.name for side in matrix.runs),
        status=Status(matrix.status),
        sides=sides,
        tables=(matrix_table(matrix),),
        notes=tuple(said),
        warnings=tuple(
            _warning(text, matrix.runs)
            for text in dict.fromkeys(warning for diff in matrix.diffs for warning in diff.warnings)
        ),
    )


def notes(diff: Diff) -> list[Note]:
    """What is said beside the tables, in their order."""
    made = []
    for item in diff.measured:
        if item.accuracy is not None:
            verdicts = (item.accuracy, *(speed.verdict for speed in item.speed))
            made.append(Note(_place(item), str(worst(item.statuses)), item.conclusion, _reasons(verdicts)))
    for parity in diff.across:
        where = Text(
            f"{parity.case}, {parity.backend} of {diff.new.name} against {parity.other} of {diff.old.name}",
            f"{parity.case}，{diff.new.name} 的 {parity.backend} 对照 {diff.old.name} 的 {parity.other}",
        )
        reasons = _said(parity.reasons)
        made.append(Note(where, parity.status, None, reasons))
    return made


def _place(item: Measured) -> Text:
    return Text(f"{item.case} on {item.backend}", f"{item.case}，{item.backend}")


def _between(diff: Diff, where: Text) -> Text:
    names = f"{diff.old.name} → {diff.new.name}"
    return Text(f"{names}: {where.en}", f"{names}：{where.zh}")


def _alone(diff: Diff) -> list[Note]:
    """What one of two runs has alone, which a diff shows as a table."""
    names = {"old": diff.old.name, "new": diff.new.name}
    return [
        Note(
            where=_place(item),
            status=str(Status.CANNOT_TELL) if item.only_in == "old" else "",
            conclusion=None,
            reasons=(
                Said("", f"only in {names[item.only_in]}", f"只在 {names[item.only_in]} 中"),
                *_said(item.notes),
            ),
        )
        for item in diff.measured
        if item.only_in
    ]


def _reasons(verdicts: Sequence[Verdict]) -> tuple[Said, ...]:
    return tuple(dict.fromkeys(_said([reason for verdict in verdicts for reason in verdict.reasons])))


def _said(reasons: Sequence[Reason]) -> tuple[Said, ...]:
    return tuple(
        Said(
            reason.code,
            f"{reason.message}{'. ' + reason.advice if reason.advice else ''}",
            f"{chinese(reason.message)}{'。' + chinese(reason.advice) if reason.advice else ''}",
        )
        for reason in reasons
    )


def _warning(text: str, sides: Sequence[RunSide]) -> Text:
    """A warning in both languages; most begin with the name of a run."""
    for side in sides:
        before, found, rest = text.partition(f"{side.name}: ")
        if found and not before:
            return Text(text, f"{side.name}：{chinese(rest)}")
    return Text(text, chinese(text))


def marks(side: RunSide) -> list[Text]:
    """What to know about a run wherever it is named: when it began, and whether it is whole, emulated, synthetic."""
    found = [Text(*[side.started[:16].replace("T", " ") + " UTC"] * 2)]
    if not side.finished:
        found.append(Text("not finished", "未完成"))
    if side.emulated:
        found.append(Text("emulated", "仿真"))
    if side.synthetic:
        found.append(Text("synthetic data", "合成数据"))
    return found
