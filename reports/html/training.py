"""How the measured model was trained: loss and validation error over the steps, the settings, and what is not sure about the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.html import figure, shown
from reports.html.download import Value, link
from reports.html.figure import DIM, GOOD, INK, SERIES
from reports.html.source import Source
from reports.html.table import Cell, Column, Row, Shown, Table, make
from reports.html.words import Both
from reports.training import Option, TrainedModel, Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL, SMALL_PANEL, GAP, TOP, BOTTOM = 1.45, 0.75, 0.18, 0.15, 0.45
"""Inches: heights of a panel and of the learning rate's, between them, above and below all."""

LEFT, RIGHT = 0.6, 0.15

LOG_FROM = 20.0
"""Largest to least value from which on an axis is logarithmic: of a first loss a hundred times the last, nothing else would be seen."""

ROUND = (1, 2, 2.5, 5, 10)
"""Steps between the numbers of an axis, times powers of ten."""

MARKED = 60
"""Up to so many evaluations each has a marker."""

DATA_HEADER = (
    *("training", "log", "kind", "step", "loss", "smoothed_loss", "learning_rate"),
    *("validation_mae", "validation_rmse", "validation_bias", "best"),
)


@dataclass(frozen=True)
class Trained:
    """A model's trainings as the page shows them; `curve` is the address of the points as CSV."""

    name: str
    title: Both
    figures: list[tuple[Markup, Both]]
    table: Table
    curve: str
    notes: list[Both]


def trainings(source: Source) -> list[Trained]:
    """One part for each trained model of the run; empty where no training's log lay beside a model. Within `figure.styled`."""
    return [_trained(source, model, number) for number, model in enumerate(source.training.models)]


def _trained(source: Source, model: TrainedModel, number: int) -> Trained:
    total = len(model.trainings)
    figures = [
        (
            _drawn(training, f"training-{number}-{place}", _title(model, training)),
            _caption(training, place, total),
        )
        for place, training in enumerate(model.trainings)
        if training.losses or training.evaluations
    ]
    return Trained(
        name=f"training-curve-{number}",
        title=Both(f"{model.case}: {model.model}", f"{model.case}：{model.model}"),
        figures=figures,
        table=_table(model, number),
        curve=link(DATA_HEADER, _points(model)),
        notes=[
            _belongs(source, model),
            *_before(model),
            *(note for part in model.trainings for note in _doubts(part)),
        ],
    )


# --- the figure ---------------------------------------------------------------------------------------------------------------


def _title(model: TrainedModel, training: Training) -> str:
    best = training.best
    least = f"; least MAE {best.mae:.2f} at step {best.step}" if best else ""
    return f"{model.case}, {training.log}: loss and MAE on the validation images over {training.last_step} steps{least}"


def _drawn(training: Training, name: str, title: str) -> Markup:
    """Loss, validation MAE and learning rate under each other, those that there are, over one axis of steps or epochs."""
    panels: list[tuple[float, Callable[[Axes, Training], None]]] = []
    if training.losses:
        panels.append((PANEL, _losses))
    if training.evaluations:
        panels.append((PANEL, _evaluations))
    if any(point.learning_rate for point in training.losses):
        panels.append((SMALL_PANEL, _learning_rate))
    height = TOP + BOTTOM + sum(size for size, _ in panels) + GAP * (len(panels) - 1)
    first = figure.axes(height=height)
    whole = first.get_figure(root=True)
    assert whole is not None, "figure.axes() made it in a figure"
    above = TOP
    for place, (size, draw) in enumerate(panels):
        width = figure.WIDTH - LEFT - RIGHT
        box = (LEFT / figure.WIDTH, 1 - (above + size) / height, width / figure.WIDTH, size / height)
        made = first if place == 0 else whole.add_axes(box)
        made.set_position(box)
        draw(made, training)
        made.set_xlim(0, max(_across(training, training.last_step) * 1.02, 1e-9))
        if training.best is not None:
            made.axvline(
                _across(training, training.best.step), color=DIM, linewidth=0.8, linestyle=(0, (2, 2))
            )
        if place < len(panels) - 1:
            made.tick_params(labelbottom=False)
        else:
            made.set_xlabel("epoch" if training.steps_an_epoch else "step")
        above += size + GAP
    return figure.svg(first, name, title)


def _across(training: Training, step: int) -> float:
    """Where a step is on the axis: in epochs where the log counts them."""
    return step / training.steps_an_epoch if training.steps_an_epoch else step


def _at(training: Training, step: int) -> Both:
    """Where a step is, in words, as the axis counts."""
    where = shown.thousands(step)
    if training.steps_an_epoch:
        where = f"{_across(training, step):.4g}"
        return Both(f"epoch {where}", f"第 {where} 轮")
    return Both(f"step {where}", f"第 {where} 步")


def _losses(made: Axes, training: Training) -> None:
    steps = [_across(training, point.step) for point in training.losses]
    raw = [point.loss for point in training.losses]
    if training.smoothed_over > 1:
        made.plot(steps, raw, color=SERIES[0], linewidth=0.8, alpha=0.4)
    made.plot(steps, [point.smoothed for point in training.losses], color=SERIES[0], linewidth=1.6)
    _scale(made, raw)
    made.set_ylabel("loss")


def _evaluations(made: Axes, training: Training) -> None:
    steps = [_across(training, found.step) for found in training.evaluations]
    maes = [found.mae for found in training.evaluations]
    marker = "s" if len(steps) <= MARKED else None
    made.plot(steps, maes, color=SERIES[1], linewidth=1.3, marker=marker, markersize=3)
    best = training.best
    if best is not None:
        here = (_across(training, best.step), best.mae)
        made.plot(*here, color=GOOD, marker="D", markersize=6, linestyle="none", clip_on=False, zorder=3)
        left = here[0] > _across(training, training.last_step) * 0.8
        made.annotate(
            "best",
            (here[0], 1),
            xycoords=made.get_xaxis_transform(),
            xytext=(-4 if left else 4, -2),
            textcoords="offset points",
            color=INK,
            ha="right" if left else "left",
            va="top",
        )
    _scale(made, maes)
    made.set_ylabel("validation MAE")


def _learning_rate(made: Axes, training: Training) -> None:
    found = [
        (_across(training, point.step), point.learning_rate)
        for point in training.losses
        if point.learning_rate is not None
    ]
    made.step(
        [x for x, _ in found], [rate for _, rate in found], color=SERIES[2], linewidth=1.3, where="post"
    )
    made.set_yscale("log" if min(rate for _, rate in found) > 0 else "linear")
    _plain(made)
    made.set_ylabel("rate")


def _scale(made: Axes, values: Sequence[float]) -> None:
    if min(values) > 0 and max(values) > LOG_FROM * min(values):
        made.set_yscale("log")
    _plain(made)


def _plain(made: Axes) -> None:
    """Numbers beside the axis without matplotlib's mathematics, which the page does not set."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

    logarithmic = made.get_yscale() == "log"
    low, high = made.get_ylim()
    narrow = low > 0 and high < 30 * low
    made.yaxis.set_major_locator(
        LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=6)
        if logarithmic
        else MaxNLocator(4, steps=ROUND)
    )
    made.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    made.minorticks_off()  # a third of the time that the figure takes
    made.xaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
    made.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace(",", "\u202f")))


def _caption(training: Training, place: int, total: int) -> Both:
    order = (
        Both(f"Training {place + 1} of {total}, ", f"第 {place + 1}/{total} 次训练，")
        if total > 1
        else Both("", "")
    )
    smooth = Both("", "")
    if training.smoothed_over > 1:
        smooth = Both(
            f"; loss faint as logged, thick the mean of {training.smoothed_over} lines of the log",
            f"；损失：淡线为日志原值，粗线为日志中 {training.smoothed_over} 行的均值",
        )
    best = Both("", "")
    if training.best is not None:
        mae, at = shown.count(training.best.mae), _at(training, training.best.step)
        best = Both(f"; best checkpoint: MAE {mae} at {at.en}", f"；最佳检查点：{at.zh}，MAE {mae}")
    open_ = Both("", "") if training.finished else Both("; not finished", "；未完成")
    thin = Both("", "")
    kept, lines = len(training.losses), training.loss_lines
    if kept < lines:
        thin = Both(
            f"; {shown.thousands(kept)} of {shown.thousands(lines)} lines drawn",
            f"；绘出 {shown.thousands(lines)} 行中的 {shown.thousands(kept)} 行",
        )
    return Both(
        f"{order.en}{training.log}{open_.en}{best.en}{smooth.en}{thin.en}",
        f"{order.zh}{training.log}{open_.zh}{best.zh}{smooth.zh}{thin.zh}",
    )


# --- the table ----------------------------------------------------------------------------------------------------------------


def _table(model: TrainedModel, number: int) -> Table:
    """A row a setting, a column a training."""
    parts = model.trainings
    settings: list[tuple[Shown, list[Shown]]] = [
        (Both("state", "状态"), [_state(part) for part in parts]),
        (Both("training data", "训练数据"), [_data(part.train_digest, part.train_seeds) for part in parts]),
        (Both("validation data", "验证数据"), [_data(part.val_digest, part.val_seeds) for part in parts]),
        (Both("training images", "训练图片数"), [_count(part.images) for part in parts]),
        (Both("validation images", "验证图片数"), [_count(part.validation_images) for part in parts]),
        (Both("seed", "随机种子"), [_option(part.seed) for part in parts]),
        (Both("steps", "步数"), [shown.thousands(part.last_step) for part in parts]),
        (Both("steps an epoch", "每轮步数"), [_count(part.steps_an_epoch) for part in parts]),
        (Both("best validation MAE", "最佳验证 MAE"), [shown.count(part.best.mae if part.best else None) for part in parts]),
        (Both("MSE (root) there", "该处 MSE（根）"), [shown.count(part.best.rmse if part.best else None) for part in parts]),
        (Both("ranks", "并行设备数"), [_count(part.ranks) for part in parts]),
        (Both("MindSpore", "MindSpore"), [part.mindspore or shown.DASH for part in parts]),
    ]  # fmt: skip
    names = dict.fromkeys(name for part in parts for name in part.options)
    settings += [
        (f"--{name.replace('_', '-')}", [_option(part.options.get(name)) for part in parts]) for name in names
    ]
    lines = [(name, values) for name, values in settings if any(value != shown.DASH for value in values)]
    columns = (Column(Both("Setting", "设置")), *(Column(Both(part.log, part.log)) for part in parts))
    return make(
        f"training-{number}",
        Both("Settings of the training", "训练设置"),
        columns,
        [Row((Cell(name), *(Cell(value) for value in values))) for name, values in lines],
        ("setting", *(part.log for part in parts)),
        [(_english(name), *(_english(value) for value in values)) for name, values in lines],
    )


def _state(training: Training) -> Shown:
    return Both("finished", "已完成") if training.finished else Both("not finished", "未完成")


def _data(digest: str | None, seeds: tuple[int, int] | None) -> Shown:
    if seeds is not None:
        span = f"{seeds[0]} … {seeds[1]}"
        return Both(f"synthetic scenes, seeds {span}", f"合成场景，种子 {span}")
    return digest or shown.DASH


def _count(value: int | None) -> str:
    return shown.DASH if value is None else shown.thousands(value)


def _option(value: Option) -> str:
    return shown.DASH if value is None or value == "" else str(value)


def _english(value: Shown) -> str:
    return value.en if isinstance(value, Both) else value.replace("\u202f", "")


def _points(model: TrainedModel) -> list[Sequence[Value]]:
    """Every point that is in the record, all digits."""
    rows: list[Sequence[Value]] = []
    for number, part in enumerate(model.trainings, start=1):
        rows += [
            (number, part.log, "loss", p.step, p.loss, p.smoothed, p.learning_rate, None, None, None, None)
            for p in part.losses
        ]
        rows += [
            (number, part.log, "evaluation", e.step, None, None, None, e.mae, e.rmse, e.bias, int(e.best))
            for e in part.evaluations
        ]
    return rows


# --- notes --------------------------------------------------------------------------------------------------------------------


def _belongs(source: Source, model: TrainedModel) -> Both:
    """Why this is taken for the measured model's training, and which backends ran it."""
    stamps = [
        Both(" (emulated)", "（仿真）") if source.emulated(model.case, backend) else Both("", "")
        for backend in model.backends
    ]
    pairs = list(zip(model.backends, stamps, strict=True))
    english, chinese = (
        ", ".join(name + stamp.en for name, stamp in pairs),
        "、".join(name + stamp.zh for name, stamp in pairs),
    )
    if model.by_digest:
        return Both(
            f"The log names the SHA-256 of the checkpoint that was measured. Here it ran on: {english}.",
            f"日志记有被测检查点的 SHA-256。本次运行它的后端：{chinese}。",
        )
    return Both(
        f"The log lies beside {model.model} and has its name; nothing in it proves that it is of this very file. Here it ran on: {english}.",
        f"日志与 {model.model} 同目录且同名；日志中没有内容能证明它属于该文件。本次运行它的后端：{chinese}。",
    )


def _before(model: TrainedModel) -> list[Both]:
    start = model.trainings[0].options.get("start") if model.trainings else None
    if not start:
        return []
    return [
        Both(
            f"The training went on from {start}, of which no readable log lies beside it.",
            f"训练从 {start} 继续，但其旁没有可读的日志。",
        )
    ]


def _doubts(training: Training) -> list[Both]:
    """What of a log was not used."""
    found = []
    if training.passed_over:
        found.append(
            Both(
                f"{training.log}: {training.passed_over} lines that are none of a training’s were passed over.",
                f"{training.log}：跳过 {training.passed_over} 行非训练日志内容。",
            )
        )
    if training.not_finite:
        found.append(
            Both(
                f"{training.log}: {training.not_finite} lines with NaN, Inf or a number beyond use are not drawn.",
                f"{training.log}：{training.not_finite} 行含 NaN、Inf 或超出范围的数值，未绘出。",
            )
        )
    if training.torn:
        found.append(
            Both(
                f"{training.log}: its last line is cut off: the training was killed, or was still writing.",
                f"{training.log}：最后一行不完整：训练被中止或仍在写入。",
            )
        )
    return found
