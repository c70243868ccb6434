"""What a record calls figures, axes and backends, in both languages, for the pages of a diff and a trend.

The record's own name stands beside the Chinese one where it is what a command takes.
"""

from __future__ import annotations

import re

from reports.html.words import AXES, Both
from reports.numbers import METRICS

FIGURES = {
    "rmse": Both("MSE (root)", "MSE（根）"),
    "bias": Both("|bias|", "|偏差|"),
    "relative_mae": Both("relative MAE", "相对 MAE"),
    "images_per_second": Both("images/s", "图片/秒"),
}
"""Metrics that are not named alike in both languages."""

SPEED = re.compile(r"(latency|throughput)(?:-(p\d+))?/(single-stream|pipelined|sweep)(?:-(\d+))?")
SPEEDS = {"latency": "时延", "throughput": "吞吐"}
SCENARIOS = {"single-stream": "单流", "pipelined": "流水并发", "sweep": "并发深度"}

RECORDED = {
    "model": "模型",
    "data": "数据",
    "case": "用例",
    "case definition": "用例定义",
    "preprocessing": "预处理",
    "ground truth": "真值",
    "images": "图片",
    "precision": "精度",
    "runtime": "运行时",
    "omgate commit": "omgate 提交",
    "clean tree": "无未提交改动",
}
KINDS = {"package": "软件包", "variable": "变量", "option": "选项"}

UNITS = ((" images/s", " 图片/秒"), (" buffers", " 个缓冲"), (" counts", " 人"))


def figure_name(metric: str) -> Both:
    """A metric or a speed; what is not known keeps its name."""
    if metric in FIGURES:
        return FIGURES[metric]
    if metric in METRICS:
        return Both(METRICS[metric].title, METRICS[metric].title)
    found = SPEED.fullmatch(metric)
    if found is None:
        return Both(metric, metric)
    kind, percentile, scenario, depth = found.groups(default="")
    depth = f" {depth} " if depth else ""
    return Both(
        metric,
        f"{SCENARIOS[scenario]}{depth}{SPEEDS[kind]}{f' {percentile}' if percentile else ''}（{metric}）",
    )


def axis_name(axis: str) -> Both:
    """Something recorded of an environment, a case or the code; packages, variables and options with their own names."""
    if axis in AXES:
        return AXES[axis]
    kind, _, name = axis.partition(" ")
    if name and kind in KINDS:
        return Both(axis, f"{KINDS[kind]} {name}")
    return Both(axis, RECORDED.get(axis, axis))


def backend_name(text: str) -> Both:
    """A backend, emulated or not."""
    return Both(text, text.removesuffix(" (emulated)") + "（仿真）" if text.endswith(" (emulated)") else text)


def quantity(text: str) -> Both:
    """A number with its unit."""
    chinese = text
    for unit, word in UNITS:
        chinese = chinese.replace(unit, word)
    return Both(text, chinese)
