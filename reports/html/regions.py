"""Where an image's time goes, by region, over the accuracy run."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reports.html import figure, shown
from reports.html.download import Value
from reports.html.figure import SERIES
from reports.html.source import Source
from reports.html.table import Cell, Column, Row, Table, make
from reports.html.words import REGIONS, Both
from reports.run import CaseEntry

COLOURS = dict(
    zip(("infer", "decode", "truth", "preprocess", "transfer", "postprocess"), SERIES, strict=True)
)

HEADER = ("case", "backend", "images", *(f"{region}_mean_seconds" for region in REGIONS))

NOTE = Both(
    "Mean over the images of the accuracy run, several of them in flight: regions of different images overlap, so they do not add up to the wall "
    "time. Decode, ground truth and preprocess run on the host ahead of the model.",
    "精度运行中各图片的平均值，运行时有多张在途：不同图片的区段相互重叠，相加并不等于总时长。解码、真值和预处理在主机上提前进行。",
)


def means(source: Source, case: str, backend: str) -> tuple[int, dict[str, float]]:
    """Number of images with times, and mean seconds by region."""
    totals: dict[str, float] = {}
    counts: dict[str, int] = {}
    timed = 0
    for record in source.images(case, backend):
        timed += bool(record.seconds)
        for region, seconds in record.seconds.items():
            if seconds is not None and region in REGIONS:
                totals[region] = totals.get(region, 0.0) + seconds
                counts[region] = counts.get(region, 0) + 1
    return timed, {region: totals[region] / counts[region] for region in totals}


def regions(source: Source, case: CaseEntry, number: int) -> tuple[Table, Markup] | None:
    """Mean seconds by region and backend as a table and as bars; None where no image has times."""
    found = {backend: means(source, case.name, backend) for backend in source.backends(case.name)}
    found = {backend: (timed, times) for backend, (timed, times) in found.items() if times}
    if not found:
        return None
    used = [region for region in REGIONS if any(region in times for _, times in found.values())]
    columns = [
        Column(Both("Backend", "后端")),
        Column(Both("n", "n"), unit=Both("images", "图片"), number=True),
        *(Column(REGIONS[region], unit="ms", number=True) for region in used),
    ]
    rows, data = [], []
    for backend, (timed, times) in found.items():
        stamp: str | Both = Both("emulated", "仿真") if source.emulated(case.name, backend) else ""
        numbers = [
            Cell(shown.milliseconds(times.get(region)), order=times.get(region, 0.0)) for region in used
        ]
        rows.append(Row((Cell(backend, stamp), Cell(shown.thousands(timed), order=timed), *numbers)))
        line: Sequence[Value] = (case.name, backend, timed, *(times.get(region) for region in REGIONS))
        data.append(line)
    title = Both(f"Time by region, {case.name}", f"各区段耗时，{case.name}")
    made = make(f"regions-{number}", title, columns, rows, HEADER, data, NOTE)
    return made, _bars(case.name, {backend: times for backend, (_, times) in found.items()}, used, number)


def _bars(case: str, times: dict[str, dict[str, float]], used: list[str], number: int) -> Markup:
    made = figure.axes(height=0.85 + 0.34 * len(times), left=0.95)
    positions = [-float(index) for index in range(len(times))]
    lefts = [0.0] * len(times)
    for region in used:
        widths = [1000 * found.get(region, 0.0) for found in times.values()]
        made.barh(positions, widths, left=lefts, height=0.62, color=COLOURS[region], label=REGIONS[region].en)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    made.set_yticks(positions, labels=list(times))
    made.tick_params(axis="y", length=0)
    made.grid(False, axis="y")
    made.set(xlabel="mean time per image, ms", ylim=(-len(times) + 0.4, 0.6 + 0.9))
    made.spines["left"].set_visible(False)
    made.legend(
        frameon=False,
        fontsize=7,
        labelcolor=figure.INK,
        ncols=len(used),
        loc="upper left",
        bbox_to_anchor=(-0.24, 1.02),
        handlelength=0.8,
        handletextpad=0.35,
        columnspacing=0.9,
        borderpad=0,
    )
    return figure.svg(made, f"regions-{number}", f"{case}: mean time by region, a bar for each backend")
