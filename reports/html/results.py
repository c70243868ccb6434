"""The first table of the report: each case on each backend, its verdict, accuracy against the baseline, and speed."""

from __future__ import annotations

from reports.html import shown
from reports.html.notes import Notes
from reports.html.source import Source
from reports.html.table import Cell, Column, Row, Table, make
from reports.html.words import STATUSES, Both
from reports.numbers import Number
from reports.summary import Summary
from reports.timing import TimingSummary
from reports.verdict import worst

COLUMNS = (
    Column(Both("Verdict", "结论")),
    Column(Both("Case", "用例")),
    Column(Both("Backend", "后端")),
    Column(Both("Images", "图片"), number=True),
    Column(Both("MAE", "MAE"), unit=Both("counts", "人"), number=True),
    Column(Both("Δ MAE", "Δ MAE"), unit=Both("95 % interval", "95% 区间"), number=True),
    Column(Both("MSE (root)", "MSE（根）"), unit=Both("counts", "人"), number=True),
    Column(Both("Δ MSE", "Δ MSE"), unit=Both("95 % interval", "95% 区间"), number=True),
    Column(Both("Latency", "时延"), unit=Both("median, ms", "中位数，毫秒"), number=True),
    Column(Both("Throughput", "吞吐"), unit=Both("images/s", "图片/秒"), number=True),
)

HEADER = (
    *(
        "case",
        "backend",
        "soc",
        "precision",
        "verdict",
        "images",
        "failed",
        "mae_counts",
        "mae_baseline_counts",
    ),
    *(
        "mae_difference_counts",
        "mae_low",
        "mae_high",
        "rmse_counts",
        "rmse_baseline_counts",
        "rmse_difference_counts",
    ),
    *("rmse_low", "rmse_high", "bias_counts", "relative_mae", "game1", "game2", "game3", "psnr_db", "ssim"),
    *("latency_median_seconds", "throughput_images_per_second", "accuracy_run_images_per_second"),
)

NOTE = Both(
    "Δ: this run − baseline on the same images, paired; MSE (root) is the root of the mean squared error. Latency: region infer, one image in "
    "flight. Throughput: the best depth measured; marked “accuracy run” where only the accuracy test ran, which is not a speed measurement.",
    "Δ：同一批图片上本次运行减基线，逐图配对；MSE（根）为均方误差的平方根。时延：infer 区段，每次一张图片。吞吐：所测各深度中的最好值；"
    "标注“精度运行”者仅来自精度测试，并非测速。",
)


def results(source: Source, notes: Notes) -> Table | None:
    """One row a case x backend; None where nothing was measured."""
    rows, data = [], []
    for case, backend in source.pairs:
        summary = source.run.summary(case, backend)
        rows.append(_row(source, notes, case, backend, summary))
        data.append(_data(source, case, backend, summary))
    return make("results", Both("Results", "结果"), COLUMNS, rows, HEADER, data, NOTE) if rows else None


def status_of(source: Source, case: str, backend: str) -> str:
    """The worst of all verdicts on a case on a backend, parity aside."""
    found = [entry.verdict for entry in source.run.verdicts if (entry.case, entry.backend) == (case, backend)]
    return str(worst(found))


def _row(source: Source, notes: Notes, case: str, backend: str, summary: Summary | None) -> Row:
    status = status_of(source, case, backend)
    mae, rmse = _number(source, case, backend, "mae"), _number(source, case, backend, "rmse")
    single, best = timing(source, case, backend, "single-stream"), fastest(source, case, backend)
    rate, where = _throughput(best, summary)
    cells = (
        Cell(
            STATUSES[status],
            _accuracy_apart(source, case, backend, status),
            status=status,
            order=_rank(status),
            notes=notes.numbers(case, backend),
        ),
        Cell(case, sub=_case_mark(source, case)),
        Cell(backend, sub=_backend_mark(source, case, backend)),
        _images(summary),
        Cell(shown.count(summary.mae if summary else None), order=_order(summary.mae if summary else None)),
        Cell(shown.difference(mae), shown.interval(mae), _order(mae.difference if mae else None)),
        Cell(shown.count(summary.rmse if summary else None), order=_order(summary.rmse if summary else None)),
        Cell(shown.difference(rmse), shown.interval(rmse), _order(rmse.difference if rmse else None)),
        Cell(
            shown.milliseconds(single.median if single else None),
            _samples(single),
            _order(single.median if single else None),
        ),
        Cell(shown.rate(rate), where, _order(rate)),
    )
    return Row(cells, status)


def _accuracy_apart(source: Source, case: str, backend: str, status: str) -> str | Both:
    """The verdict on accuracy where the row's, the worst of all, is another: a speed without a baseline must not hide it."""
    verdict = source.run.verdict(case, backend)
    if verdict is None or verdict.status == status:
        return ""
    word = STATUSES[str(verdict.status)]
    return Both(f"accuracy: {word.en}", f"精度：{word.zh}")


def _samples(timing: TimingSummary | None) -> str:
    return f"n = {timing.n}" if timing else ""


def _throughput(best: TimingSummary | None, summary: Summary | None) -> tuple[float | None, str | Both]:
    if best is not None:
        return best.images_per_second, Both(f"{best.depth} in flight", f"在途 {best.depth} 张")
    rate = summary.images_per_second if summary else None
    return rate, Both("accuracy run", "精度运行") if rate is not None else ""


def _order(value: float | None) -> float:
    return float("inf") if value is None else value


def _rank(status: str) -> float:
    return float(list(STATUSES).index(status))


def _number(source: Source, case: str, backend: str, metric: str) -> Number | None:
    verdict = source.run.verdict(case, backend)
    return verdict.number(metric) if verdict else None


def timing(source: Source, case: str, backend: str, scenario: str) -> TimingSummary | None:
    """The measurement of a scenario."""
    found = (t for t in source.run.timings if (t.case, t.backend, t.scenario) == (case, backend, scenario))
    return next(found, None)


def fastest(source: Source, case: str, backend: str) -> TimingSummary | None:
    """The measurement with the highest throughput."""
    found = [t for t in source.run.timings if (t.case, t.backend) == (case, backend) and t.images_per_second]
    return max(found, key=lambda t: t.images_per_second or 0.0, default=None)


def _case_mark(source: Source, case: str) -> str | Both:
    entry = source.run.case(case)
    return Both("synthetic images", "合成图片") if entry and entry.synthetic else ""


def _backend_mark(source: Source, case: str, backend: str) -> str | Both:
    entry = source.run.backend(case, backend)
    if entry is None:
        return ""
    if source.emulated(case, backend):
        return Both(f"emulated · {entry.precision}", f"仿真 · {entry.precision}")
    return f"{entry.soc} · {entry.precision}"


def _images(summary: Summary | None) -> Cell:
    if summary is None:
        return Cell(shown.DASH)
    failed = Both(f"{summary.failed} failed", f"{summary.failed} 张失败") if summary.failed else ""
    return Cell(shown.thousands(summary.n), failed, summary.n)


def _data(source: Source, case: str, backend: str, summary: Summary | None) -> list[str | int | float | None]:
    entry = source.run.backend(case, backend)
    single, best = timing(source, case, backend, "single-stream"), fastest(source, case, backend)
    numbers: list[str | int | float | None] = []
    for metric in ("mae", "rmse"):
        number = _number(source, case, backend, metric)
        numbers += [
            getattr(summary, metric) if summary else None,
            *((number.old, number.difference, number.low, number.high) if number else (None,) * 4),
        ]
    names = ("bias", "relative_mae", "game1", "game2", "game3", "psnr", "ssim")
    return [
        case,
        backend,
        entry.soc if entry else None,
        entry.precision if entry else None,
        status_of(source, case, backend),
        summary.n if summary else None,
        summary.failed if summary else None,
        *numbers,
        *(getattr(summary, name) if summary else None for name in names),
        single.median if single else None,
        best.images_per_second if best else None,
        summary.images_per_second if summary else None,
    ]
