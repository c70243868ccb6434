"""A trend's words in both languages, for the page; the terminal has `reports.trend.words` alone."""

from __future__ import annotations

from reports.html.names import axis_name, figure_name, quantity
from reports.html.shown import ARROW, MINUS
from reports.html.words import Both, told
from reports.trend import words
from reports.trend.model import ChangePoint, Series

DIRECTIONS = {
    "worse": Both("worse", "变差"),
    "better": Both("better", "变好"),
    "changed": Both("changed", "变化"),
}
LEFT_OUT = {"not finished": "次未完成", "limited": "次受限（--limit）", "not readable": "次无法读取"}
MACHINES = (
    (", ", "，"),
    ("worker's clock", "工作进程的时钟"),
    ("device's clock", "设备的时钟"),
    (" cores", " 核"),
)


def title(series: Series) -> Both:
    """The metric's name."""
    return Both(words.title(series), figure_name(series.metric).zh)


def where(series: Series) -> Both:
    """Case, backend and what it ran on."""
    soc = "仿真" if series.soc == "emulated" else series.soc
    data = "，合成数据" if series.synthetic else ""
    return Both(words.where(series), f"{series.case}，{series.backend}（{soc}，{series.precision}{data}）")


def figure(series: Series, value: float) -> Both:
    """A figure with its unit."""
    return quantity(words.figure(series, value).replace("-", MINUS))


def relative(change: ChangePoint) -> str:
    """The change in percent; empty from zero."""
    return "" if change.change is None else f"{100 * change.change:+.3g} %".replace("-", MINUS)


def direction(series: Series, change: ChangePoint) -> Both:
    """Whether the change is for the better."""
    return DIRECTIONS[words.direction(series, change)]


def beside(series: Series, change: ChangePoint) -> Both:
    """What else changed there, with its values."""
    found = [(axis_name(event.axis), event.old, event.new) for event in words.events_beside(series, change)]
    if not found:
        return Both("nothing that is recorded", "已记录的内容中没有")
    return Both(
        ", ".join(f"{axis.en} {old or 'unknown'} {ARROW} {new or 'unknown'}" for axis, old, new in found),
        "，".join(f"{axis.zh} {old or '未知'} {ARROW} {new or '未知'}" for axis, old, new in found),
    )


def machine(series: Series) -> Both:
    """What times are of; empty for counts."""
    chinese = series.machine
    for english, word in MACHINES:
        chinese = chinese.replace(english, word)
    return Both(series.machine, chinese)


def left_out(reason: str) -> Both:
    """Why runs are not in the trend."""
    return Both(reason, LEFT_OUT.get(reason, reason))


def note(series: Series) -> Both:
    """What is said of the series as a whole."""
    return told(series.note)
