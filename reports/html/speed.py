"""What timings.jsonl says: latency and its distribution, and throughput over the number of images in flight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from reports.html import figure, shown
from reports.html.download import Value
from reports.html.figure import DASHES, MARKERS, SERIES
from reports.html.source import Source
from reports.html.table import Cell, Column, Row, Table, make
from reports.html.words import CLOCKS, SCENARIOS, Both
from reports.percentiles import not_supported
from reports.timing import Timing, TimingSummary

COLUMNS = (
    Column(Both("Case", "用例")),
    Column(Both("Backend", "后端")),
    Column(Both("Scenario", "场景")),
    Column(Both("In flight", "在途"), number=True),
    Column(Both("n", "n"), unit=Both("images", "图片"), number=True),
    Column(Both("Minimum", "最小"), unit="ms", number=True),
    Column(Both("Median", "中位数"), unit="ms", number=True),
    Column(Both("p90", "p90"), unit="ms", number=True),
    Column(Both("p95", "p95"), unit="ms", number=True),
    Column(Both("p99", "p99"), unit="ms", number=True),
    Column(Both("Throughput", "吞吐"), unit=Both("images/s", "图片/秒"), number=True),
)

HEADER = (
    *(
        "case",
        "backend",
        "scenario",
        "depth",
        "region",
        "clock",
        "n",
        "minimum_seconds",
        "median_seconds",
        "mean_seconds",
        "p90_seconds",
    ),
    *("p95_seconds", "p99_seconds", "maximum_seconds", "images_per_second", "warm_up_images", "steady"),
)

NOTE = Both(
    "Seconds of region infer, warm-up left out. p90 asks for 64 samples, p95 for 130, p99 for 662: with fewer it would be the maximum by another name.",
    "infer 区段的耗时，已去除预热。p90 需要 64 个样本，p95 需要 130 个，p99 需要 662 个：样本更少时，它只是最大值的别名。",
)


def timings(source: Source, sweeps: bool) -> Table | None:
    """One row a measurement: those of the depth sweeps, or all others; None where there is none."""
    found = [timing for timing in source.run.timings if (timing.scenario == "sweep") is sweeps]
    rows = [_row(source, timing) for timing in found]
    data = [_data(timing) for timing in found]
    title = Both("Depth sweep", "并发深度扫描") if sweeps else Both("Measurements", "测量")
    return make("sweep" if sweeps else "timings", title, COLUMNS, rows, HEADER, data, NOTE) if rows else None


def _row(source: Source, timing: TimingSummary) -> Row:
    clock = CLOCKS[timing.clock]
    steady = Both("", "") if timing.steady else Both("no steady state", "未达稳态")
    percentiles = (timing.p90, timing.p95, timing.p99)
    return Row(
        (
            Cell(timing.case),
            Cell(
                timing.backend,
                Both("emulated", "仿真") if source.emulated(timing.case, timing.backend) else "",
            ),
            Cell(SCENARIOS[timing.scenario], Both(f"{clock.en}’s clock", f"{clock.zh}时钟")),
            Cell(str(timing.depth), order=timing.depth),
            Cell(shown.thousands(timing.n), steady if not timing.steady else "", timing.n),
            *(
                Cell(shown.milliseconds(value), order=_last(value))
                for value in (timing.minimum, timing.median)
            ),
            *(_percentile(value, timing.n) for value in percentiles),
            Cell(shown.rate(timing.images_per_second), order=_last(timing.images_per_second)),
        )
    )


def _percentile(value: float | None, n: int) -> Cell:
    """A percentile, or that so few samples do not support it."""
    if value is None:
        return Cell("–", Both(not_supported(n), f"样本不足（n = {n}）"), float("inf"))
    return Cell(shown.milliseconds(value), order=value)


def _last(value: float | None) -> float:
    return float("inf") if value is None else value


def _data(timing: TimingSummary) -> Sequence[Value]:
    return (
        *(timing.case, timing.backend, timing.scenario, timing.depth, timing.region, timing.clock, timing.n),
        *(timing.minimum, timing.median, timing.mean, timing.p90, timing.p95, timing.p99, timing.maximum),
        *(timing.images_per_second, timing.warm_up, int(timing.steady)),
    )


MOST_STEPS = 400
"""Points of a distribution's line; more are no finer to the eye."""


def distribution(source: Source, case: str, number: int) -> tuple[Markup, Both] | None:
    """The share of images that were done within a time, a line a backend, one image in flight; with its caption."""
    found = [t for t in source.timings if t.case == case and t.scenario == "single-stream" and t.samples]
    if not found:
        return None
    made = figure.axes()
    for index, timing in enumerate(found):
        times, shares = steps(timing.samples)
        made.step(
            [1000 * time for time in times], shares, where="post", **_style(index), label=timing.backend
        )
    if max(max(t.samples) for t in found) > 20 * min(min(t.samples) for t in found):
        made.set_xscale("log")
    made.set(ylim=(0, 1.02), xlabel="latency, ms", ylabel="share of images")
    _key(made)
    names = ", ".join(
        f"{t.backend} (n = {shown.thousands(len(t.samples))}{_stamp(source, t).en})" for t in found
    )
    chinese = ", ".join(
        f"{t.backend}(n = {shown.thousands(len(t.samples))}{_stamp(source, t).zh})" for t in found
    )
    drawn = figure.svg(made, f"latency-{number}", f"{case}: distribution of latency, {names}")
    return drawn, Both(f"Latency, one image in flight: {names}", f"时延，每次一张图片：{chinese}")


def steps(samples: Sequence[float]) -> tuple[list[float], list[float]]:
    """The empirical distribution of samples: sorted times, and the share of samples up to each; at most MOST_STEPS, the extremes among them."""
    ordered = sorted(samples)
    last = len(ordered) - 1
    if last < MOST_STEPS:
        chosen = list(range(len(ordered)))
    else:
        chosen = sorted({round(step * last / (MOST_STEPS - 1)) for step in range(MOST_STEPS)})
    return [ordered[index] for index in chosen], [(index + 1) / len(ordered) for index in chosen]


def _stamp(source: Source, timing: Timing) -> Both:
    return Both(", emulated", "，仿真") if source.emulated(timing.case, timing.backend) else Both("", "")


def sweep(source: Source, case: str, number: int) -> tuple[Markup, Both] | None:
    """Images/s over the number of images in flight, a line a backend; None where fewer than two depths were measured."""
    lines: dict[str, dict[int, float]] = {}
    for timing in source.run.timings:
        if timing.case == case and timing.images_per_second:
            depths = lines.setdefault(timing.backend, {})
            depths[timing.depth] = max(timing.images_per_second, depths.get(timing.depth, 0.0))
    lines = {backend: depths for backend, depths in lines.items() if len(depths) > 1}
    if not lines:
        return None
    made = figure.axes()
    for index, (backend, depths) in enumerate(lines.items()):
        ordered = sorted(depths)
        marker = MARKERS[index % len(MARKERS)]
        made.plot(
            ordered,
            [depths[depth] for depth in ordered],
            **_style(index),
            marker=marker,
            markersize=4,
            label=backend,
        )
    every = sorted({depth for depths in lines.values() for depth in depths})
    made.set_xscale("log", base=2)
    made.set_xticks(every, labels=[str(depth) for depth in every])
    made.minorticks_off()
    made.set(xlabel="images in flight", ylabel="images/s", ylim=(0, None))
    _key(made)
    stamp = source.stamp(case, list(lines))
    drawn = figure.svg(
        made, f"sweep-{number}", f"{case}: images a second over images in flight, {', '.join(lines)}"
    )
    caption = Both("Throughput over images in flight", "吞吐随在途图片数的变化")
    return drawn, Both(caption.en + stamp.en, caption.zh + stamp.zh)


def _style(index: int) -> dict[str, Any]:
    return {"color": SERIES[index % len(SERIES)], "linestyle": DASHES[index % len(DASHES)], "linewidth": 1.5}


def _key(made: object) -> None:
    made.legend(frameon=False, fontsize=7, labelcolor=figure.INK, handlelength=2.6, loc="best")  # type: ignore[attr-defined]
