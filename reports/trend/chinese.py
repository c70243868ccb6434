"""A trend's words in both languages, for the page; the terminal has `reports.trend.words` alone."""

from __future__ import annotations

from reports.html.words import Both, told
from reports.trend import words
from reports.trend.model import ChangePoint, Series

DIRECTIONS = {"worse": "变差", "better": "变好", "changed": "变化"}
LEFT_OUT = {"not finished": "次未完成", "limited": "次受限（--limit）", "not readable": "次无法读取"}


def title(series: Series) -> Both:
    """The metric's name."""
    name = words.title(series)
    return Both(name, "图片/秒" if name == "images/s" else name)


def where(series: Series) -> Both:
    """Case, backend and what it ran on."""
    soc = "仿真" if series.soc == "emulated" else series.soc
    data = "，合成数据" if series.synthetic else ""
    return Both(words.where(series), f"{series.case}，{series.backend}（{soc}，{series.precision}{data}）")


def step(series: Series, change: ChangePoint) -> Both:
    """What the level did, and whether that is for the better."""
    text, direction = words.step(series, change), words.direction(series, change)
    return Both(text, f"{text.removesuffix(f', {direction}')}，{DIRECTIONS[direction]}")


def left_out(reason: str) -> Both:
    """Why runs are not in the trend."""
    return Both(reason, LEFT_OUT.get(reason, reason))


def note(series: Series) -> Both:
    """What is said of the series as a whole."""
    return told(series.note)
