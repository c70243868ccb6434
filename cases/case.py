"""Case files: one deliverable on one test set with one preprocessing policy, declared in TOML and checked on loading.

Every complaint is one line, `file:key: what was seen, what is allowed, the nearest valid name`. Paths in a case file are relative to the
folder that it lies in, the model's folder, and stay inside it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cases import preprocess
from cases.errors import CaseError
from cases.parts import (
    BACKENDS,
    FORMS,
    KEYS,
    METRICS,
    Data,
    Forms,
    Gate,
    GroundTruthRule,
    Input,
    Limits,
    MxBase,
    Network,
    Output,
    Preprocess,
    Sdk,
)
from cases.table import Table, parse
from cases.wording import shown

_NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")
_CASES = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A case file's content, checked; paths are absolute."""

    path: Path
    name: str
    title: str
    title_zh: str
    synthetic: bool
    folder: Path
    backends: tuple[str, ...]
    forms: Forms
    network: Network | None
    sdk: Sdk | None
    mxbase: MxBase | None
    input: Input
    output: Output
    preprocess: Preprocess
    ground_truth: GroundTruthRule
    data: Data
    metrics: tuple[str, ...]
    strata: tuple[float, ...]  # upper bounds of the true count, people; above the last is one stratum more
    gates: tuple[Gate, ...]
    limits: Limits
    # What the command line put in place of the case's own: "ckpt", "onnx", "om", "data".
    overridden: tuple[str, ...] = ()

    def digest(self) -> str:
        """32 hex digits over what decides accuracy: input, output, preprocessing, ground truth and its densities, metrics."""
        deciding = {
            "input": asdict(self.input),
            "output": asdict(self.output),
            "preprocess": asdict(self.preprocess),
            "ground_truth": asdict(self.ground_truth),
            "density": asdict(self.data.density),
            "metrics": self.metrics,
        }
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:32]

    def with_overrides(
        self,
        ckpt: Path | None = None,
        onnx: Path | None = None,
        om: Path | None = None,
        data: Path | None = None,
    ) -> Case:
        """The case with other model files or another test set, stamped in `overridden`; what is the case's own anyway is no override.

        Raises CaseError for a file or folder that is not there.
        """
        changed = dict(zip(FORMS, (ckpt, onnx, om), strict=True))
        forms = {
            form: _given_file(form, path)
            for form, path in changed.items()
            if path is not None and not _same(path, getattr(self.forms, form))
        }
        stamps = {*self.overridden, *forms}
        result = replace(self, forms=replace(self.forms, **forms))
        if data is not None and not _same(data, self.data.root):
            stamps.add("data")
            root = _given_folder(data)
            result = replace(result, synthetic=False, data=Data(root, self.data.density))
        return replace(result, overridden=tuple(name for name in (*FORMS, "data") if name in stamps))


def _same(given: Path, own: Path | None) -> bool:
    try:
        return own is not None and os.path.samefile(given, own)
    except (OSError, ValueError):
        return False


def _given_file(form: str, path: Path) -> Path:
    if not os.path.isfile(path):
        seen = "is a folder" if os.path.isdir(path) else "no such file"
        raise CaseError(f"--{form}={shown(path)}: {seen}; expected the model's .{form} file")
    return Path(path).absolute()


def _given_folder(path: Path) -> Path:
    if not os.path.isdir(path):
        raise CaseError(
            f"--data={shown(path)}: no such folder; expected one with images/ and ground_truth_csv/"
        )
    return Path(path).absolute()


def discover(root: Path = _CASES) -> list[Path]:
    """The case files under a `cases` folder: `<model>/<case>.toml`, in alphabetical order."""
    return sorted(root.glob("*/*.toml"))


def load_all(root: Path = _CASES) -> tuple[Case, ...]:
    """Every case under a `cases` folder, in alphabetical order of their files. Raises CaseError, for two of one name too."""
    cases: dict[str, Case] = {}
    for path in discover(root):
        case = load(path)
        if case.name in cases:
            raise CaseError(
                f"{shown(path)}:name: {case.name} is taken by {shown(cases[case.name].path)}; rename one"
            )
        cases[case.name] = case
    return tuple(cases.values())


def load(path: Path) -> Case:
    """One case file, checked. Raises CaseError: `file:key: what was seen, what is allowed, the nearest valid name`."""
    path = Path(path).absolute()
    top = Table(path, "", parse(path), KEYS)
    policy, network_input, output = Preprocess.read(top), Input.read(top), Output.read(top)
    _agree(path, policy, network_input, output)
    metrics = top.names("metrics", METRICS)
    return Case(
        path=path,
        name=_name(top),
        title=top.text("title"),
        title_zh=top.text("title_zh", default=top.text("title")),
        synthetic=top.flag("synthetic", default=False),
        folder=path.parent,
        backends=top.names("backends", BACKENDS),
        forms=Forms.read(top),
        network=Network.read(top),
        sdk=Sdk.read(top),
        mxbase=MxBase.read(top),
        input=network_input,
        output=output,
        preprocess=policy,
        ground_truth=GroundTruthRule.read(top),
        data=Data.read(top),
        metrics=metrics,
        strata=top.rising("strata"),
        gates=Gate.read_all(top, metrics),
        limits=Limits.read(top),
    )


def _name(top: Table) -> str:
    name = top.text("name")
    stem = top.path.stem
    if name != stem:
        raise top.wrong("name", f'"{shown(stem)}", as the file is called')
    if not _NAME.fullmatch(name):
        raise top.wrong("name", "small letters and digits, joined by - or .")
    return name


def _agree(path: Path, policy: Preprocess, network_input: Input, output: Output) -> None:
    """Refuses a policy, an input shape and a stride that contradict each other."""
    parsed = preprocess.parse_policy(policy.policy)
    shape = list(network_input.shape)
    if parsed.size != network_input.size:
        wanted = [1, 1, *(parsed.size or (-1, -1))]
        raise CaseError(
            f"{shown(path)}:preprocess.policy: {policy.policy} does not agree with input.shape = {shape}; "
            f"allowed with it is input.shape = {wanted}"
        )
    for size in parsed.size or (parsed.multiple,):
        if size % output.stride:
            raise CaseError(
                f"{shown(path)}:output.stride: seen {output.stride}; allowed are divisors of {size} ({policy.policy})"
            )
