"""Why a verdict or a failed image is what it is: the codes, in one place."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ReasonCode(StrEnum):
    """A named reason. Codes are stored in records: add, never rename."""

    # Of a whole comparison: nothing can be said.
    NO_BASELINE = "no-baseline"
    NO_GATE = "no-gate"
    FEW_SAMPLES = "few-samples"
    NOT_MEASURED = "not-measured"
    NOT_STEADY = "not-steady"
    NOISY_MACHINE = "noisy-machine"
    THROTTLED = "throttled"
    FINGERPRINT_DIFFERS = "fingerprint-differs"
    EMULATED_VS_DEVICE = "emulated-vs-device"
    CASE_DIFFERS = "case-differs"
    DATA_DIFFERS = "data-differs"
    INCOMPLETE_RUN = "incomplete-run"
    LIMITED_RUN = "limited-run"
    TORN_LOG = "torn-log"
    BACKEND_UNAVAILABLE = "backend-unavailable"
    SAME_OM_OTHER_OUTPUT = "same-om-other-output"
    NO_DEVIATION = "no-deviation"
    MAP_MISSING = "map-missing"
    SDK_STATISTICS = "sdk-statistics-unusable"
    # Of an image, and so of the comparison that misses it.
    NOT_FINITE = "not-finite"
    MISSING_IMAGE = "missing-image"
    MISSING_TRUTH = "missing-truth"
    BAD_IMAGE = "bad-image"
    BAD_TRUTH = "bad-truth"
    TOO_LARGE = "too-large"
    SAMPLE_ERROR = "sample-error"
    BAD_OUTPUT = "bad-output"
    WORKER_ERROR = "worker-error"
    WORKER_DIED = "worker-died"
    WORKER_TIMEOUT = "worker-timeout"
    # Of a comparison that was made.
    GATE_EXCEEDED = "gate-exceeded"
    PARITY_EXCEEDED = "parity-exceeded"
    GEOMETRY_DIFFERS = "geometry-differs"
    BELOW_TOLERANCE = "below-tolerance"
    MANY_IMAGES_CHANGED = "many-images-changed"
    FEW_IMAGES_CHANGED = "few-images-changed"
    BETTER = "better-than-baseline"
    WITHIN_NUMERICS = "within-numerics"


TITLES: dict[ReasonCode, tuple[str, str]] = {
    ReasonCode.NO_BASELINE: ("no baseline", "没有基线"),
    ReasonCode.NO_GATE: ("no gate", "没有门限"),
    ReasonCode.FEW_SAMPLES: ("too few samples", "样本太少"),
    ReasonCode.NOT_MEASURED: ("not measured", "未测量"),
    ReasonCode.NOT_STEADY: ("no steady state", "未达到稳态"),
    ReasonCode.NOISY_MACHINE: ("a busy machine", "机器受到干扰"),
    ReasonCode.THROTTLED: ("throttled", "降频"),
    ReasonCode.FINGERPRINT_DIFFERS: ("another environment", "环境不同"),
    ReasonCode.EMULATED_VS_DEVICE: ("emulated against device", "仿真与真实设备不可比"),
    ReasonCode.CASE_DIFFERS: ("another case definition", "用例定义不同"),
    ReasonCode.DATA_DIFFERS: ("other data", "数据不同"),
    ReasonCode.INCOMPLETE_RUN: ("incomplete run", "运行不完整"),
    ReasonCode.LIMITED_RUN: ("limited run", "受限运行"),
    ReasonCode.TORN_LOG: ("torn log", "日志残缺"),
    ReasonCode.BACKEND_UNAVAILABLE: ("backend not available", "后端不可用"),
    ReasonCode.SAME_OM_OTHER_OUTPUT: ("same OM, other output", "同一 OM 输出不同"),
    ReasonCode.NO_DEVIATION: ("FP16 deviation unknown", "FP16 偏差未知"),
    ReasonCode.MAP_MISSING: ("exact map missing", "缺少精确密度图"),
    ReasonCode.SDK_STATISTICS: ("SDK statistics not usable", "SDK 性能统计不可用"),
    ReasonCode.NOT_FINITE: ("NaN or Inf", "出现 NaN 或 Inf"),
    ReasonCode.MISSING_IMAGE: ("missing image", "缺少图片"),
    ReasonCode.MISSING_TRUTH: ("missing ground truth", "缺少真值"),
    ReasonCode.BAD_IMAGE: ("unreadable image", "图片无法读取"),
    ReasonCode.BAD_TRUTH: ("unreadable ground truth", "真值无法读取"),
    ReasonCode.TOO_LARGE: ("image too large", "图片过大"),
    ReasonCode.SAMPLE_ERROR: ("preparation failed", "样本准备出错"),
    ReasonCode.BAD_OUTPUT: ("output of another shape", "输出形状不符"),
    ReasonCode.WORKER_ERROR: ("worker error", "工作进程出错"),
    ReasonCode.WORKER_DIED: ("worker died", "工作进程崩溃"),
    ReasonCode.WORKER_TIMEOUT: ("worker timeout", "工作进程超时"),
    ReasonCode.GATE_EXCEEDED: ("beyond the gate", "超出门限"),
    ReasonCode.PARITY_EXCEEDED: ("beyond the parity tolerance", "超出一致性容差"),
    ReasonCode.GEOMETRY_DIFFERS: ("other geometry", "几何不同"),
    ReasonCode.BELOW_TOLERANCE: ("worse, below the tolerance", "变差但未超出容差"),
    ReasonCode.MANY_IMAGES_CHANGED: ("many images changed", "许多图片的结果变了"),
    ReasonCode.FEW_IMAGES_CHANGED: ("few images changed", "少数图片的结果变了"),
    ReasonCode.BETTER: ("better than the baseline", "优于基线"),
    ReasonCode.WITHIN_NUMERICS: ("same within numerics", "数值误差内相同"),
}
"""Short names for people: English, Chinese."""


class Reason(msgspec.Struct, frozen=True):
    """A code, one sentence with what was seen, and what to do (may be empty). `code` is text, so that a newer code can be read."""

    code: str
    message: str
    advice: str = ""


def code_of_failure(reason: str | None) -> ReasonCode:
    """The code under which a failed image counts; one that is not known counts as an incomplete run."""
    try:
        return ReasonCode(reason or "")
    except ValueError:
        return ReasonCode.INCOMPLETE_RUN
