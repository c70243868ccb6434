"""What differs between two runs beside their results, and what may therefore be concluded from a difference of the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reports.diff.model import Change, Text
from reports.fingerprint import STACK, axes_of, backends_elsewhere, environment_of
from reports.run import CaseEntry, Run

UNINTERESTING = frozenset({"label", "run_dir", "cases_dir", "resume", "gate", "strict", "cases", "backends"})
"""Options that say where and under which name a run was written, or what was chosen, which is seen by what it holds."""

SOFTWARE: dict[str, tuple[str, ...]] = {
    "om": ("cann", "driver", "firmware", "sdk"),
    "ckpt": ("framework", "cann", "driver", "firmware"),
    "reference": ("package onnxruntime",),
}
"""What runs a model, by kind of backend: what a result depends on beside the model file and the device."""

MODEL: dict[str, Text] = {
    "om": Text("OM", "OM 文件"),
    "ckpt": Text("checkpoint", "checkpoint 文件"),
    "reference": Text("ONNX model", "ONNX 模型"),
}

NAMES: dict[str, Text] = {
    "soc": Text("the SoC", "芯片"),
    "cann": Text("CANN", "CANN"),
    "driver": Text("the driver", "驱动"),
    "firmware": Text("the firmware", "固件"),
    "sdk": Text("the SDK", "SDK"),
    "framework": Text("the framework", "框架"),
    "package onnxruntime": Text("ONNX Runtime", "ONNX Runtime"),
    "precision": Text("the precision", "精度"),
}


def kind_of(backend: str) -> str:
    """The kind of a backend: `om` for both OM backends, `ckpt`, else `reference`."""
    return "om" if backend.startswith("om") else backend if backend in SOFTWARE else "reference"


def changes(old: Run, new: Run) -> tuple[Change, ...]:
    """Everything recorded that is not the same, those first that decide what may be concluded."""
    found = [
        *_environment(old, new),
        *_options(old, new),
        *_cases(old, new),
        *_models(old, new),
        *_code(old, new),
    ]
    return tuple(sorted(found, key=lambda change: not change.decides))


def _environment(old: Run, new: Run) -> Iterator[Change]:
    yield from _moved(axes_of(old.environment), axes_of(new.environment), "")
    for backend in dict.fromkeys(entry.name for entry in (*old.backends, *new.backends)):
        if backend in {*backends_elsewhere(old.environment), *backends_elsewhere(new.environment)}:
            before, after = (axes_of(environment_of(run.environment, backend)) for run in (old, new))
            yield from _moved(before, after, f"on the host of {backend}")


def _moved(before: Mapping[str, str], after: Mapping[str, str], where: str) -> Iterator[Change]:
    for axis in [*before, *(axis for axis in after if axis not in before)]:
        if before.get(axis) != after.get(axis):
            yield Change(
                axis=axis, old=before.get(axis), new=after.get(axis), where=where, decides=axis in STACK
            )


def _options(old: Run, new: Run) -> Iterator[Change]:
    for name in sorted({*old.options, *new.options} - UNINTERESTING):
        before, after = _value(old.options, name), _value(new.options, name)
        if before != after:
            yield Change(axis=f"option --{name.replace('_', '-')}", old=before, new=after)


def _value(options: Mapping[str, Any], name: str) -> str | None:
    """An option as text; one that is off or empty is one that was not given."""
    value = options.get(name)
    return None if value in (None, False, "", [], {}) else str(value)


def _cases(old: Run, new: Run) -> Iterator[Change]:
    for before in old.cases:
        after = new.case(before.name)
        if after is None:
            continue
        rows = (
            ("data", old.digests.data.get(before.name), new.digests.data.get(before.name)),
            ("case", old.digests.cases.get(before.name), new.digests.cases.get(before.name)),
            ("preprocessing", before.policy, after.policy),
            ("ground truth", before.ground_truth, after.ground_truth),
            ("images", _images(before), _images(after)),
        )
        for axis, was, now in rows:
            if was != now:
                yield Change(axis=axis, old=was, new=now, where=before.name, decides=True)


def _images(entry: CaseEntry) -> str:
    limited = f" of {entry.available} (--limit)" if entry.limit is not None else ""
    return f"{len(entry.images)}{limited}"


def _models(old: Run, new: Run) -> Iterator[Change]:
    for before in old.backends:
        after = new.backend(before.case, before.name)
        if after is None:
            continue
        where = f"{before.case}/{before.name}"
        rows = (
            ("model", old.digests.models.get(where), new.digests.models.get(where)),
            ("soc", before.soc, after.soc),
            ("precision", before.precision, after.precision),
            ("runtime", _runtime(before.info), _runtime(after.info)),
        )
        for axis, was, now in rows:
            if was != now:
                yield Change(axis=axis, old=was, new=now, where=where, decides=axis != "runtime")


def _runtime(info: Mapping[str, Any]) -> str | None:
    """What the worker said that it is, such as `mxBase 7.3.0, native`."""
    named = " ".join(str(info[name]) for name in ("framework", "framework_version") if info.get(name))
    return ", ".join(part for part in (named, str(info.get("driver") or "")) if part) or None


def _code(old: Run, new: Run) -> Iterator[Change]:
    rows = (
        ("omgate commit", old.digests.commit, new.digests.commit),
        ("clean tree", old.digests.clean, new.digests.clean),
    )
    for axis, before, after in rows:
        if before != after:
            was, now = (None if value is None else str(value) for value in (before, after))
            yield Change(axis=axis, old=was, new=now)


# --- what may be concluded ----------------------------------------------------------------------------------------------------


def same_model(old: Run, new: Run, case: str, backend: str) -> bool | None:
    """Whether both ran the same model file, byte for byte; None where a digest is not recorded."""
    before, after = (run.digests.models.get(f"{case}/{backend}") for run in (old, new))
    return None if before is None or after is None else before == after


def moved_axes(old: Run, new: Run, case: str, backend: str) -> dict[str, tuple[str | None, str | None]]:
    """What changed of all that runs a model on this backend: device, precision and software."""
    before, after = (axes_of(environment_of(run.environment, backend)) for run in (old, new))
    found: dict[str, tuple[str | None, str | None]] = {}
    one, other = old.backend(case, backend), new.backend(case, backend)
    if one is not None and other is not None:
        found |= {"soc": (one.soc, other.soc), "precision": (one.precision, other.precision)}
    found |= {axis: (before.get(axis), after.get(axis)) for axis in SOFTWARE[kind_of(backend)]}
    return {axis: pair for axis, pair in found.items() if pair[0] != pair[1]}


def conclusion(old: Run, new: Run, case: str, backend: str) -> Text:
    """The sentence that says what a difference on this backend can come from."""
    kind = kind_of(backend)
    model, same, moved = MODEL[kind], same_model(old, new, case, backend), moved_axes(old, new, case, backend)
    what = Text(_listed(moved, "en"), _listed(moved, "zh"))
    if same is None:
        return Text(
            f"The digest of the {model.en} is not recorded in both runs: whether the model changed can't be told, nor what a difference comes from.",
            f"{model.zh}的摘要没有在两次运行中都记录：无法判断模型是否改变，也无法判断差异的来源。",
        )
    if same and not moved:
        return Text(
            f"The same {model.en} byte for byte, on the same {_software(kind)}: nothing that is recorded explains a difference.",
            f"{model.zh}逐字节相同，运行它的软件和设备也相同：已记录的内容无法解释任何差异。",
        )
    if same:
        return Text(
            f"The same {model.en} byte for byte; changed: {what.en}. A difference comes from that, not from the model or its conversion.",
            f"{model.zh}逐字节相同；改变的是：{what.zh}。差异来自这些改变，而不是模型或其转换。",
        )
    if not moved:
        return Text(
            f"Another {model.en} on the same {_software(kind)}: a difference comes from the model or its conversion, not from what runs it.",
            f"{model.zh}不同，运行它的软件和设备相同：差异来自模型或其转换，而不是运行环境。",
        )
    option = {"om": "--om", "ckpt": "--ckpt", "reference": "--onnx"}[kind]
    return Text(
        f"Another {model.en}, and changed: {what.en}. A difference can come from either; to tell them apart, measure the old {model.en}"
        f" there, too ({option}=FILE).",
        f"{model.zh}不同，同时改变的还有：{what.zh}。差异可能来自任一方；要区分，请在新环境中再测旧的{model.zh}（{option}=FILE）。",
    )


def _software(kind: str) -> str:
    return {
        "om": "SoC, CANN, driver, firmware and SDK",
        "ckpt": "framework, device, CANN, driver and firmware",
        "reference": "ONNX Runtime",
    }[kind]


def _listed(moved: Mapping[str, tuple[str | None, str | None]], language: str) -> str:
    unknown, form, comma = LISTED[language]
    return comma.join(
        form.format(getattr(NAMES[axis], language), was or unknown, now or unknown)
        for axis, (was, now) in moved.items()
    )


LISTED = {"en": ("unknown", "{} ({} -> {})", ", "), "zh": ("未知", "{}（{} → {}）", "、")}
"""What is not known, a change and what stands between two, by language."""
