"""A diff as tables of text, the same for terminal, markdown and HTML; each escapes the cells in its own way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.diff.model import Change, Diff, Measured, SpeedDiff, Text
from reports.numbers import Number
from reports.verdict import Moved, Status, Verdict, show

MOVED_SHOWN = 10
"""Images that moved, a case x backend; a person looks at the first few, the JSON has all."""

ARROW = "->"


@dataclass(frozen=True)
class Column:
    """A column: its header, and whether it holds numbers."""

    title: Text
    numbers: bool = False


@dataclass(frozen=True)
class Table:
    """A table of plain text, `name` of its kind. `statuses`: the verdict of each row, which is its first cell, or empty; `note` says what to know."""

    name: str
    title: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    statuses: tuple[str, ...] = ()
    note: Text | None = None


def _words(english: str, chinese: str, numbers: bool = False) -> Column:
    return Column(Text(english, chinese), numbers)


VERDICT, CASE, BACKEND = _words("verdict", "结论"), _words("case", "用例"), _words("backend", "后端")
OLD, NEW, CHANGE = _words("old", "旧", True), _words("new", "新", True), _words("change", "变化", True)


def tables(diff: Diff) -> list[Table]:
    """All tables of a diff that have a row, in the order in which they are read."""
    made = [
        changes_table(diff, decides=True),
        accuracy_table(diff.measured),
        moved_table(diff.measured),
        across_table(diff),
        speed_table(diff.measured),
        figures_table(diff.measured),
        only_table(diff.measured),
        changes_table(diff, decides=False),
    ]
    return [table for table in made if table.rows]


def changes_table(diff: Diff, decides: bool) -> Table:
    """What is not the same: what decides the conclusions, or what stands beside it."""
    title = (
        Text("What differs, and decides what may be concluded", "不同之处：决定能得出什么结论")
        if decides
        else Text("What differs beside that", "其他不同之处")
    )
    rows = [_change(change) for change in diff.changes if change.decides is decides]
    columns = (_words("what", "项目"), _words("of", "范围"), _words("old", "旧"), _words("new", "新"))
    return Table("decides" if decides else "beside", title, columns, tuple(rows))


def _change(change: Change) -> tuple[str, ...]:
    return change.axis, change.where, _short(change, change.old), _short(change, change.new)


def _short(change: Change, value: str | None) -> str:
    """A digest in its first digits, as git shows them; everything else whole."""
    if value is None:
        return "-"
    return value[:12] if change.axis in ("model", "data", "case", "omgate commit") else value


def accuracy_table(measured: Iterable[Measured]) -> Table:
    """The verdicts on accuracy, with MAE and MSE before and after."""
    rows, statuses = [], []
    for item in measured:
        if item.accuracy is not None:
            rows.append(_accuracy(item, item.accuracy))
            statuses.append(str(item.accuracy.status))
    columns = (
        VERDICT,
        CASE,
        BACKEND,
        _words("MAE", "MAE", True),
        _words("Δ [95 %]", "Δ [95 %]", True),
        _words("MSE (root)", "MSE（根）", True),
        _words("Δ [95 %]", "Δ [95 %]", True),
        _words("changed", "变化的图片", True),
        _words("at most", "最大变化", True),
    )
    note = Text(
        "Counts of people; the same images before and after. changed: images whose count moved beyond rounding.",
        "单位：人数；前后为同一批图片。变化的图片：计数变化超出舍入误差的图片。",
    )
    return Table("accuracy", Text("Accuracy", "精度"), columns, tuple(rows), tuple(statuses), note)


def _accuracy(item: Measured, verdict: Verdict) -> tuple[str, ...]:
    mae, rmse = verdict.number("mae"), verdict.number("rmse")
    largest = verdict.largest_relative_change
    return (
        str(verdict.status),
        item.case,
        _backend(item),
        old_to_new(mae),
        delta(mae),
        old_to_new(rmse),
        delta(rmse),
        changed(verdict),
        "-" if largest is None else "0" if largest == 0 else f"{100 * largest:.2g} %",
    )


def _backend(item: Measured) -> str:
    return f"{item.backend} (emulated)" if item.soc == "emulated" else item.backend


def changed(verdict: Verdict) -> str:
    """How many of the images changed, and how many moved within numerics."""
    if not verdict.n:
        return "-"
    near = f" (+{verdict.within_numerics} within numerics)" if verdict.within_numerics else ""
    return f"{verdict.changed}/{verdict.n}{near}"


def old_to_new(number: Number | None) -> str:
    """A number before and after, one figure where it did not move in the digits shown."""
    if number is None or number.new is None:
        return "-"
    if number.old is None:
        return f"- {ARROW} {number.new:.2f}"
    was, now = f"{number.old:.2f}", f"{number.new:.2f}"
    return now if was == now else f"{was} {ARROW} {now}"


def delta(number: Number | None) -> str:
    """The difference and its interval."""
    if number is None or number.difference is None:
        return "-"
    if number.difference == 0:
        return "0"
    text = _signed(number.difference)
    if number.low is None or number.high is None:
        return text
    return f"{text} [{_signed(number.low)}, {_signed(number.high)}]"


def _signed(value: float) -> str:
    text = show(value)
    return text if text.startswith("-") else f"+{text}"


def moved_table(measured: Iterable[Measured]) -> Table:
    """The images that moved, the largest change first."""
    rows: list[tuple[str, ...]] = []
    hidden = 0
    for item in measured:
        moved = item.accuracy.moved if item.accuracy else ()
        hidden += max(0, len(moved) - MOVED_SHOWN)
        rows += [_moved(item, image) for image in moved[:MOVED_SHOWN]]
    columns = (
        CASE,
        BACKEND,
        _words("image", "图片"),
        _words("true", "真实", True),
        OLD,
        NEW,
        CHANGE,
        _words("of the count", "占计数", True),
    )
    note = None
    if hidden:
        note = Text(
            f"{hidden} more moved less; the JSON names all.", f"另有 {hidden} 张变化较小；JSON 中列出全部。"
        )
    return Table("moved", Text("Images that moved most", "变化最大的图片"), columns, tuple(rows), note=note)


def _moved(item: Measured, image: Moved) -> tuple[str, ...]:
    share = abs(image.difference) / max(abs(image.old), abs(image.new), 1.0)
    return (
        item.case,
        item.backend,
        image.image,
        show(image.true_count),
        f"{image.old:.6g}",
        f"{image.new:.6g}",
        _signed(image.difference),
        f"{100 * share:.2g} %",
    )


def speed_table(measured: Iterable[Measured]) -> Table:
    """The verdicts on latency and throughput."""
    rows, statuses = [], []
    for item in measured:
        for speed in item.speed:
            for number in speed.verdict.numbers or (None,):
                status = str(speed.verdict.status)
                rows.append((status, item.case, _backend(item), *_speed(speed, number)))
                statuses.append(status)
    columns = (
        VERDICT,
        CASE,
        BACKEND,
        _words("what", "项目"),
        OLD,
        NEW,
        CHANGE,
        _words("p", "p", True),
    )
    return Table("speed", Text("Speed", "速度"), columns, tuple(rows), tuple(statuses))


def _speed(speed: SpeedDiff, number: Number | None) -> tuple[str, ...]:
    if number is None:
        return speed.what, "-", "-", "-", "-"
    relative = None
    if number.old and number.new is not None:
        relative = number.new / number.old - 1.0
    return (
        number.metric,
        quantity(number.old, number.unit),
        quantity(number.new, number.unit),
        "-" if relative is None else f"{100 * relative:+.1f} %",
        "-" if number.p_value is None else "<0.0001" if number.p_value < 1e-4 else f"{number.p_value:.2g}",
    )


def quantity(value: float | None, unit: str) -> str:
    """A figure with its unit; seconds in the unit that reads best."""
    if value is None:
        return "-"
    if unit == "us":
        value, unit = value * 1e-6, "s"
    if unit != "s":
        return f"{value:.4g} {unit}" if unit not in ("", "1") else f"{value:.4g}"
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if abs(value) >= scale:
            return f"{value / scale:.4g} {name}"
    return f"{value / 1e-6:.4g} us"


def figures_table(measured: Iterable[Measured]) -> Table:
    """The SDK's statistics, side by side."""
    rows = [
        (
            item.case,
            _backend(item),
            figure.name,
            quantity(figure.old, figure.unit),
            quantity(figure.new, figure.unit),
            "-" if figure.change is None else f"{100 * figure.change:+.1f} %",
        )
        for item in measured
        for figure in item.figures
    ]
    note = Text(
        "Rates of a sweep, levels of queues: one of each in a run, so shown, not judged.",
        "扫描各深度的速率与队列长度：每次运行各一个数值，仅展示，不作判定。",
    )
    columns = (CASE, BACKEND, _words("figure", "指标"), OLD, NEW, CHANGE)
    return Table("levels", Text("Rates and levels", "速率与队列"), columns, tuple(rows), note=note)


def only_table(measured: Iterable[Measured]) -> Table:
    """What only one of the runs has."""
    rows = [
        (
            str(Status.CANNOT_TELL) if item.only_in == "old" else "",
            item.case,
            _backend(item),
            item.only_in,
            "; ".join(note.message for note in item.notes) or "-",
        )
        for item in measured
        if item.only_in
    ]
    columns = (
        VERDICT,
        CASE,
        BACKEND,
        _words("only in", "仅在"),
        _words("why the other lacks it", "另一方缺少的原因"),
    )
    return Table(
        "alone",
        Text("In one of the runs only", "仅在一次运行中"),
        columns,
        tuple(rows),
        tuple(row[0] for row in rows),
    )


def across_table(diff: Diff) -> Table:
    """Backends of the new run against backends of the old one."""
    rows = []
    for parity in diff.across:
        tolerance = parity.tolerance
        rows.append(
            (
                parity.status,
                parity.case,
                f"{parity.backend} ({diff.new.name})",
                f"{parity.other} ({diff.old.name})",
                "-" if parity.max_difference is None else show(parity.max_difference),
                "-" if tolerance is None else f"{show(tolerance.lowest)}..{show(tolerance.highest)}",
                "-" if parity.max_relative is None else f"{100 * parity.max_relative:.2g} %",
                "-" if parity.max_relative_l2 is None else f"{parity.max_relative_l2:.2g}",
                f"{parity.n}/{parity.expected}",
            )
        )
    columns = (
        VERDICT,
        CASE,
        BACKEND,
        _words("against", "对照"),
        _words("max |Δ|", "最大 |Δ|", True),
        _words("allowed", "允许", True),
        _words("max rel.", "最大相对", True),
        _words("max L2", "最大 L2", True),
        _words("images", "图片", True),
    )
    return Table(
        "parity",
        Text("Parity across the runs", "跨运行一致性"),
        columns,
        tuple(rows),
        tuple(row[0] for row in rows),
    )
