"""The report's words in both languages, and text that the page shows in the one that was chosen."""

from __future__ import annotations

from typing import NamedTuple

from reports.attribution import FACTORS


class Both(NamedTuple):
    """A text in English and Chinese; in HTML both, of which the page shows one."""

    en: str
    zh: str

    def __html__(self) -> str:
        from markupsafe import escape

        if self.en == self.zh:
            return str(escape(self.en))
        return (
            f'<span class="en" lang="en">{escape(self.en)}</span>'
            f'<span class="zh" lang="zh-CN">{escape(self.zh)}</span>'
        )


class English(Both):
    """A sentence that has no Chinese form: English in either view, and marked as that."""

    __slots__ = ()

    def __html__(self) -> str:
        from markupsafe import escape

        return f'<span lang="en">{escape(self.en)}</span>'


def told(text: str) -> Both:
    """A sentence of the record, in Chinese too where its form is known."""
    from reports.chinese import chinese

    found = chinese(text)
    return English(text, text) if found == text else Both(text, found)


STATUSES = {
    "pass": Both("pass", "通过"),
    "improved": Both("improved", "改进"),
    "drift": Both("drift", "漂移"),
    "regressed": Both("regressed", "退化"),
    "cannot-tell": Both("cannot tell", "无法判断"),
}
"""A verdict in a word."""

HEADLINES = {
    "pass": Both("Nothing got worse", "没有变差"),
    "improved": Both("Better than the baseline", "优于基线"),
    "drift": Both("Changed, within the tolerance", "有变化，但在容差内"),
    "regressed": Both("Something got worse", "有指标变差"),
    "cannot-tell": Both("Cannot tell", "无法判断"),
}
"""A verdict as the first thing that a reader sees."""

KINDS = {
    "accuracy": Both("accuracy", "精度"),
    "latency": Both("latency", "时延"),
    "throughput": Both("throughput", "吞吐"),
    "perfstats": Both("SDK statistics", "SDK 性能统计"),
    "parity": Both("parity", "一致性"),
    "run": Both("run", "运行"),
}

REGIONS = {
    "decode": Both("decode", "解码"),
    "truth": Both("ground truth", "真值"),
    "preprocess": Both("preprocess", "预处理"),
    "transfer": Both("transfer", "传输"),
    "infer": Both("infer", "推理"),
    "postprocess": Both("metrics", "计算指标"),
}
"""Regions of an image's time, in their order. `postprocess` is where the metrics of an image are computed."""

SCENARIOS = {
    "single-stream": Both("single stream", "单流"),
    "pipelined": Both("pipelined", "流水并发"),
    "sweep": Both("depth sweep", "并发深度扫描"),
}

CLOCKS = {"device": Both("device", "设备"), "worker": Both("worker", "工作进程")}

AXES = {
    "soc": Both("SoC", "SoC"),
    "cann": Both("CANN", "CANN"),
    "driver": Both("driver", "驱动"),
    "firmware": Both("firmware", "固件"),
    "sdk": Both("SDK", "SDK"),
    "framework": Both("framework", "框架"),
    "devices": Both("devices", "设备"),
    "processor": Both("processor", "处理器"),
    "cores": Both("cores", "核数"),
    "os": Both("operating system", "操作系统"),
    "kernel": Both("kernel", "内核"),
    "host": Both("host", "主机"),
    "container": Both("container", "容器"),
    "python": Both("Python", "Python"),
}
"""Axes of an environment; packages and variables keep their own names."""

FIGURE_TEXTS = {
    "true count": "真实人数",
    "predicted count": "预测人数",
    "predicted = true": "预测 = 真实",
    "error (predicted − true), counts": "误差（预测 − 真实），人",
    "images": "图片数",
    "share of images": "图片占比",
    "latency, ms": "时延，毫秒",
    "images in flight": "在途图片数",
    "images/s": "图片/秒",
    "mean time per image, ms": "每张图片平均耗时，毫秒",
    "time since the first window, s": "距首个窗口的时间，秒",
    "mean per frame, ms": "每帧平均，毫秒",
    "queue size (mean)": "队列长度（平均）",
    "change of MAE, counts": "MAE 变化，人",
    "MAE, counts": "MAE，人",
    "counts": "人",
    "median": "中位数",
    "loss": "损失",
    "validation MAE": "验证 MAE",
    "rate": "学习率",
    "step": "步",
    "epoch": "轮",
    "best": "最佳",
    "end to end": "端到端",
    "plugin": "插件",
    "queue": "队列",
    **{both.en: both.zh for both in REGIONS.values()},
    **dict(FACTORS.values()),
}
"""English texts within figures, as they are drawn, and their Chinese form."""
