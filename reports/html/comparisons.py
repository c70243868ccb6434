"""The tables of what was held against what: parity between backends, and the rungs of an attribution."""

from __future__ import annotations

from reports.attribution import FACTORS, SHARES, Attribution, Rung, Shown
from reports.attribution import shown as adding_up
from reports.equivalence import Equivalence
from reports.html import shown
from reports.html.notes import Notes
from reports.html.source import Source
from reports.html.table import Cell, Column, Row, Table, make
from reports.html.words import STATUSES, Both, told
from reports.parity import Parity
from reports.verdict import show

PARITY_COLUMNS = (
    Column(Both("Verdict", "结论")),
    Column(Both("Case", "用例")),
    Column(Both("Backends", "后端")),
    Column(Both("Images", "图片"), number=True),
    Column(Both("Largest Δ", "最大 Δ"), unit=Both("counts", "人"), number=True),
    Column(Both("Allowed", "允许"), unit=Both("counts", "人"), number=True),
    Column(Both("Mean Δ", "平均 Δ"), unit=Both("counts", "人"), number=True),
    Column(Both("Relative L2", "相对 L2"), unit=Both("of the maps", "密度图"), number=True),
    Column(Both("Cosine", "余弦"), unit=Both("smallest", "最小"), number=True),
)

PARITY_HEADER = (
    *("case", "backend", "other", "verdict", "images", "expected", "identical", "max_difference_counts"),
    *(
        "mean_difference_counts",
        "max_relative",
        "allowed_lowest_counts",
        "allowed_highest_counts",
        "max_relative_l2",
    ),
    *("allowed_relative_l2", "min_cosine", "game1", "game2", "game3"),
    *(
        "signed_mean_counts",
        "signed_mean_low_counts",
        "signed_mean_high_counts",
        "equivalence_margin_counts",
        "equivalence_p",
    ),
)

PARITY_NOTE = Both(
    "The same images through two backends. The tolerance is derived image by image: rounding of the count, plus a multiple of what FP16 does to "
    "the reference model on this test set. Equivalent: two one-sided tests rule out a common offset as large as the mean tolerance.",
    "同一批图片经过两个后端。容差逐图推导：人数的舍入，加上 FP16 对参考模型在该测试集上所致偏差的若干倍。等效：两个单侧检验排除了与平均容差一样大的共同偏移。",
)


def parity(source: Source, notes: Notes) -> Table | None:
    """One row for each two backends that were compared; None without any."""
    rows = [_parity_row(source, notes, entry) for entry in source.run.parity]
    data = [_parity_data(entry) for entry in source.run.parity]
    title = Both("Parity between backends", "后端间一致性")
    return make("parity", title, PARITY_COLUMNS, rows, PARITY_HEADER, data, PARITY_NOTE) if rows else None


def _parity_row(source: Source, notes: Notes, entry: Parity) -> Row:
    tolerance = entry.tolerance
    emulated = any(source.emulated(entry.case, name) for name in (entry.backend, entry.other))
    images = shown.thousands(entry.n) if entry.n == entry.expected else f"{entry.n} / {entry.expected}"
    largest: str | Both = shown.count(entry.max_difference)
    if entry.all_identical:
        largest = Both("identical", "逐位相同")
    cells = (
        Cell(
            STATUSES[entry.status],
            status=entry.status,
            order=float(list(STATUSES).index(entry.status)),
            notes=notes.numbers(entry.case, entry.backend, entry.other),
        ),
        Cell(entry.case),
        Cell(f"{entry.backend} — {entry.other}", Both("emulated", "仿真") if emulated else ""),
        Cell(images, order=entry.n),
        Cell(
            largest,
            shown.percent(entry.max_relative) if entry.max_relative else "",
            _last(entry.max_difference),
        ),
        Cell(
            shown.DASH if tolerance is None else f"{show(tolerance.lowest)} … {show(tolerance.highest)}",
            order=_last(tolerance.highest if tolerance else None),
        ),
        Cell(
            shown.count(entry.mean_difference),
            _equivalent(entry.equivalence),
            _last(entry.mean_difference),
        ),
        Cell(
            shown.short(entry.max_relative_l2),
            Both(
                f"allowed {shown.short(tolerance.relative_l2)}", f"允许 {shown.short(tolerance.relative_l2)}"
            )
            if tolerance
            else "",
            _last(entry.max_relative_l2),
        ),
        Cell(shown.cosine(entry.min_cosine), order=_last(entry.min_cosine)),
    )
    return Row(cells, entry.status)


def _equivalent(found: Equivalence | None) -> Both | str:
    """What the two one-sided tests said of the mean."""
    if found is None:
        return ""
    margin = show(found.margin)
    if found.equivalent:
        return Both(f"equivalent within ±{margin}", f"在 ±{margin} 内等效")
    return Both(f"not shown equivalent within ±{margin}", f"未能证明在 ±{margin} 内等效")


def _last(value: float | None) -> float:
    return float("inf") if value is None else value


def _parity_data(entry: Parity) -> list[str | int | float | None]:
    tolerance = entry.tolerance
    allowed = (tolerance.lowest, tolerance.highest) if tolerance else (None, None)
    return [
        *(entry.case, entry.backend, entry.other, entry.status, entry.n, entry.expected, entry.identical),
        *(entry.max_difference, entry.mean_difference, entry.max_relative, *allowed, entry.max_relative_l2),
        *(
            tolerance.relative_l2 if tolerance else None,
            entry.min_cosine,
            entry.game1,
            entry.game2,
            entry.game3,
        ),
        *_mean_data(entry.equivalence),
    ]


def _mean_data(found: Equivalence | None) -> tuple[float | None, ...]:
    return (None,) * 5 if found is None else (found.mean, found.low, found.high, found.margin, found.p_value)


LADDER_COLUMNS = (
    Column(Both("Factor", "因素")),
    Column(Both("From → to", "从 → 到")),
    Column(Both("MAE before → after", "MAE 前 → 后"), unit=Both("counts", "人"), number=True),
    Column(Both("Δ MAE", "Δ MAE"), unit=Both("95 % interval", "95% 区间"), number=True),
    Column(Both("Δ bias", "Δ 偏差"), unit=Both("95 % interval", "95% 区间"), number=True),
    Column(Both("Images changed", "变化的图片"), number=True),
)

LADDER_HEADER = (
    *(
        "case",
        "factors",
        "before",
        "after",
        "images",
        "mae_before_counts",
        "mae_after_counts",
        "mae_change_counts",
        "mae_low",
    ),
    *("mae_high", "bias_change_counts", "bias_low", "bias_high", "images_changed"),
)


def ladder(entry: Attribution, number: int) -> Table:
    """One row a rung, and the whole under them; in digits that add up."""
    mae, bias = adding_up(entry), adding_up(entry, "bias")
    rows = [_rung_row(rung, index, mae, bias) for index, rung in enumerate(entry.rungs)]
    images = f"n = {entry.n}" if entry.n == entry.expected else f"n = {entry.n} / {entry.expected}"
    whole = Row(
        (
            Cell(Both("all rungs", "合计")),
            Cell(f"{entry.start} → {entry.end}"),
            Cell(_arrow(mae.values[0], mae.values[-1])),
            Cell(_minus(mae.total)),
            Cell(_minus(bias.total)),
            Cell(images),
        ),
        "total",
    )
    data = [
        [
            *(
                entry.case,
                " + ".join(rung.factors),
                rung.before,
                rung.after,
                rung.n,
                rung.mae_before,
                rung.mae_after,
            ),
            *(
                rung.mae_change,
                rung.mae_low,
                rung.mae_high,
                rung.bias_change,
                rung.bias_low,
                rung.bias_high,
                rung.changed,
            ),
        ]
        for rung in entry.rungs
    ]
    title = Both(f"Rungs of {entry.case}", f"{entry.case} 的各级")
    return make(f"attribution-{number}", title, LADDER_COLUMNS, [*rows, whole], LADDER_HEADER, data)


def absent(entry: Attribution) -> list[Both]:
    """The factors without a rung, why, and where their share is; a line each."""
    lines = []
    for item in entry.absent:
        factor, share = (
            FACTORS.get(item.factor, (item.factor,) * 2),
            SHARES.get(item.share, (item.share,) * 2),
        )
        reason = told(item.reason)
        lines.append(Both(f"{factor[0]}: {reason.en}; {share[0]}", f"{factor[1]}：{reason.zh}；{share[1]}"))
    return lines


def factors(names: tuple[str, ...]) -> Both:
    """The factors of a rung in words."""
    known = [FACTORS.get(name, (name, name)) for name in names]  # type: ignore[call-overload]
    return Both(" + ".join(word[0] for word in known), " + ".join(word[1] for word in known))


def _rung_row(rung: Rung, index: int, mae: Shown, bias: Shown) -> Row:
    return Row(
        (
            Cell(factors(rung.factors)),
            Cell(f"{rung.before} → {rung.after}"),
            Cell(_arrow(mae.values[index], mae.values[index + 1]), order=rung.mae_after),
            Cell(_minus(mae.changes[index]), _range(rung.mae_low, rung.mae_high), rung.mae_change),
            Cell(_minus(bias.changes[index]), _range(rung.bias_low, rung.bias_high), rung.bias_change),
            Cell(f"{rung.changed} / {rung.n}", order=rung.changed),
        )
    )


def _arrow(before: str, after: str) -> str:
    return f"{_minus(before)} → {_minus(after)}"


def _minus(text: str) -> str:
    return text.replace("-", shown.MINUS)


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{shown.signed(low)} … {shown.signed(high)}"
