"""The report of a run as one HTML file: read the record, make tables and figures, fill in the template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reports.html import (
    comparisons,
    environment,
    errors,
    figure,
    images,
    regions,
    results,
    scatter,
    shown,
    speed,
    training,
    waterfall,
    windows,
)
from reports.html.base import engine
from reports.html.notes import Notes
from reports.html.source import Source
from reports.html.table import Table
from reports.html.words import HEADLINES, KINDS, STATUSES, Both, told
from reports.outcome import Finding
from reports.perfstats import Warn
from reports.run import CaseEntry, moment_of

if TYPE_CHECKING:
    from jinja2 import Template

TITLES = {
    "results": Both("Accuracy and speed", "精度与速度"),
    "parity": Both("Parity", "一致性"),
    "attribution": Both("Attribution", "差异归因"),
    "scatter": Both("Predicted against true, errors", "预测与真实、误差分布"),
    "images": Both("Images that moved or miss most", "变化或误差最大的图片"),
    "performance": Both("Performance", "性能"),
    "training": Both("Training of the model", "模型的训练"),
    "environment": Both("Environment, digests, warnings", "环境、摘要与警告"),
}

NO_PICTURES = Both("This report was made without pictures.", "本报告不含图片。")
NONE_KEPT = Both(
    "No pictures are in the record: it was measured with --no-images, killed, or is of an older omgate.",
    "记录中没有图片：运行时用了 --no-images、被中止，或由旧版 omgate 生成。",
)


@dataclass(frozen=True)
class Ladder:
    """An attribution as the page shows it."""

    figure: Markup
    table: Table
    absent: list[Both]
    warnings: tuple[Both, ...]
    n: int
    stamp: Both


@dataclass(frozen=True)
class Accuracy:
    """The figures and tables of one case's counts."""

    title: Both
    n: str
    panels: list[tuple[scatter.Panel, Both]]
    strata: Table | None
    errors: Markup | None
    worst: Table | None


@dataclass(frozen=True)
class Statistics:
    """The SDK's statistics of a case on a backend."""

    figures: list[tuple[Markup, Both]]
    table: Table
    check: Both | None
    warnings: list[Both]


def render(source: Source) -> str:
    """The page."""
    with figure.styled():
        parts = _parts(source)
    return compile_template().render(parts)


def _parts(source: Source) -> dict[str, Any]:
    """What the template is filled with; dict, since that is what a template takes."""
    run, notes = source.run, Notes(source.outcome)
    cards = images.cards(source)
    pictured = any(card.overlay for card in cards)
    parts: dict[str, Any] = {
        "run": run,
        "outcome": source.outcome,
        "headline": HEADLINES[source.outcome.status],
        "tally": {name: [f for f in source.outcome.findings if f.status == name] for name in STATUSES},
        "facts": facts(source),
        "stamps": stamps(source),
        "notes": notes.all,
        "results": results.results(source, notes),
        "parity": comparisons.parity(source, notes),
        "several_backends": any(len(source.backends(case.name)) > 1 for case in run.cases),
        "ladders": [_ladder(source, index) for index in range(len(run.attribution))],
        "accuracy": [_accuracy(source, case, index) for index, case in enumerate(source.cases)],
        "cards": cards,
        "pictured": pictured,
        "no_pictures": NO_PICTURES if source.pictures is None else NONE_KEPT,
        "timings": speed.timings(source, sweeps=False),
        "sweep": speed.timings(source, sweeps=True),
        "speed": _speed(source),
        "perfstats": [_statistics(source, index) for index in range(len(source.perfstats.entries))],
        "on_sdk": any(backend.startswith("om-sdk") for _, backend in source.pairs),
        "regions": [
            found
            for index, case in enumerate(source.cases)
            if (found := regions.regions(source, case, index)) is not None
        ],
        "training": training.trainings(source),
        "environment": environment.environment(source),
        "missing": environment.missing(source),
        "details": environment.details(source),
        "digests": environment.digests(source),
        "options": environment.options(source),
        "warnings": [told(warning) for warning in (*run.warnings, *source.problems)],
        "titles": TITLES,
        "stem": run.id,
        "case_title": _case_title,
        "tally_of": _tally,
    }
    parts["contents"] = _contents(parts)
    return parts


def _contents(parts: dict[str, Any]) -> list[tuple[str, Both]]:
    """The sections that are there."""
    absent = set()
    if not (parts["parity"] or parts["several_backends"]):
        absent.add("parity")
    if not parts["training"]:
        absent.add("training")
    if not parts["accuracy"]:
        absent |= {"scatter", "images"}
    return [(name, title) for name, title in TITLES.items() if name not in absent]


def facts(source: Source) -> list[tuple[Both, str | Both]]:
    """Which run this is, and on what: names and values for the head of a report."""
    run = source.run
    lines: list[tuple[Both, str | Both]] = [
        (Both("run", "运行"), run.id),
        (Both("started", "开始"), shown.instant(run.started)),
    ]
    if run.finished is None:
        lines.append((Both("finished", "结束"), Both("not finished", "未完成")))
    else:
        lines.append((Both("took", "用时"), _took(run.started, run.finished)))
    axes = dict(environment.environment(source))
    for name in ("soc", "cann", "sdk", "processor"):
        title = environment.AXES[name]
        if title in axes:
            lines.append((title, axes[title]))
    images_ = sum(len(case.images) for case in run.cases)
    lines.append((Both("images", "图片"), shown.thousands(images_)))
    return lines


def _took(started: str, finished: str) -> Both | str:
    try:
        return shown.duration((moment_of(finished) - moment_of(started)).total_seconds())
    except ValueError:
        return shown.DASH


def stamps(source: Source) -> list[tuple[Both, Both]]:
    """What must be known before a number is believed."""
    found = []
    if source.run.finished is None:
        found.append(
            (
                Both("Incomplete", "不完整"),
                Both(
                    f"The run was killed or is still going. Continue it: pytest bench/ --resume={source.run.id}",
                    f"运行被中止或仍在进行。继续：pytest bench/ --resume={source.run.id}",
                ),
            )
        )
    if source.any_emulated:
        backends = ", ".join(
            dict.fromkeys(entry.name for entry in source.run.backends if entry.soc == "emulated")
        )
        found.append(
            (
                Both("Emulated", "仿真"),
                Both(
                    f"{backends} ran on the emulated SDK on this processor: the counts are a model of the device’s, the speeds are not a device’s.",
                    f"{backends} 在本机处理器上的仿真 SDK 中运行：人数是对设备的模拟，速度与设备无关。",
                ),
            )
        )
    if source.any_synthetic:
        names = ", ".join(case.name for case in source.run.cases if case.synthetic)
        found.append(
            (
                Both("Synthetic", "合成"),
                Both(
                    f"The images of {names} were drawn by a generator, not photographed.",
                    f"{names} 的图片由生成器绘制，并非实拍。",
                ),
            )
        )
    for case in source.run.cases:
        if case.limit is not None:
            found.append(
                (
                    Both("Limited", "受限"),
                    Both(
                        f"Only {len(case.images)} of {case.available} images of {case.name}: never a pass.",
                        f"{case.name} 只测了 {case.available} 张中的 {len(case.images)} 张：不会判为通过。",
                    ),
                )
            )
    return found


def _ladder(source: Source, index: int) -> Ladder:
    entry = source.run.attribution[index]
    return Ladder(
        waterfall.waterfall(entry, index),
        comparisons.ladder(entry, index),
        comparisons.absent(entry),
        tuple(map(told, entry.warnings)),
        entry.n,
        source.stamp(entry.case, source.backends(entry.case)),
    )


def _accuracy(source: Source, case: CaseEntry, index: int) -> Accuracy:
    counts = [
        sum(record.status == "ok" for record in source.images(case.name, b))
        for b in source.backends(case.name)
    ]
    few, many = min(counts, default=0), max(counts, default=0)
    return Accuracy(
        title=_case_title(case),
        n=f"n = {shown.thousands(few)}" + (f" – {shown.thousands(many)}" if many != few else ""),
        panels=[(panel, scatter.caption(panel)) for panel in scatter.panels(source, case, index)],
        strata=errors.strata(source, case, index),
        errors=errors.distribution(source, case, index),
        worst=images.table(source, case, index),
    )


def _speed(source: Source) -> list[tuple[Markup, Both]]:
    names = [case.name for case in source.run.cases]
    made = [
        part
        for index, name in enumerate(names)
        for part in (speed.distribution(source, name, index), speed.sweep(source, name, index))
    ]
    return [part for part in made if part is not None]


def _statistics(source: Source, index: int) -> Statistics:
    entry = source.perfstats.entries[index]
    check = None
    if entry.cross_check is not None:
        sdk, host = (
            shown.milliseconds(us / 1e6) for us in (entry.cross_check.sdk_us, entry.cross_check.host_us)
        )
        good = entry.cross_check.agrees
        check = Both(
            f"The SDK’s end-to-end mean is {sdk} ms; on the harness’s clock an image takes {host} ms: {'they agree' if good else 'they contradict each other'}.",
            f"SDK 的端到端平均为 {sdk} 毫秒；按本工具的时钟每张图片 {host} 毫秒：两者{'一致' if good else '矛盾'}。",
        )
    return Statistics(
        windows.figures(source, entry, index),
        windows.table(source, entry, index),
        check,
        [_warning(warn) for warn in entry.result.warnings],
    )


def _tally(findings: list[Finding]) -> Both:
    """How many findings of each kind."""
    kinds = [KINDS.get(finding.kind, Both(finding.kind, finding.kind)) for finding in findings]
    counts = [(kinds.count(kind), kind) for kind in dict.fromkeys(kinds)]
    return Both(
        ", ".join(f"{n} {kind.en}" for n, kind in counts), "、".join(f"{kind.zh} {n}" for n, kind in counts)
    )


def _case_title(case: CaseEntry) -> Both:
    english = case.title or case.name
    return Both(english, case.title_zh or english)


def _warning(found: Warn) -> Both:
    detail = told(found.detail)
    return Both(f"{found.reason}: {found.where}: {detail.en}", f"{found.reason}：{found.where}：{detail.zh}")


def compile_template() -> Template:
    """The page's template; compiled once."""
    return engine().get_template("report.html.j2")
