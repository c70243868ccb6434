"""Case files: one deliverable on one test set with one preprocessing policy, declared in TOML and checked on loading.

Every complaint is one line, `file:key: what was seen, what is allowed, the nearest valid name`. Paths in a case file are relative to the
folder that it lies in, the model's folder, and stay inside it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cases import ground_truth, preprocess
from cases.errors import OmgateError
from cases.wording import nearest, shown

BACKENDS: tuple[str, ...] = ("reference", "ckpt", "om-sdk", "om-mxbase")
METRICS: tuple[str, ...] = ("mae", "rmse", "bias", "relative_mae", "game1", "game2", "game3", "psnr", "ssim")
# What a verdict rests on: the two for which a paired interval is computed.
GATED: tuple[str, ...] = ("mae", "rmse")
UNITS: tuple[str, ...] = ("counts", "%")
LAYOUTS: tuple[str, ...] = ("NCHW",)
PIXELS: tuple[str, ...] = ("grey-uint8",)
DENSITIES: tuple[str, ...] = ("fixed", "adaptive")
FORMS: tuple[str, ...] = ("ckpt", "onnx", "om")

# Every table's keys; the top level is "".
KEYS: dict[str, tuple[str, ...]] = {
    "": (
        "name", "title", "title_zh", "synthetic", "backends", "metrics", "strata",
        "forms", "network", "input", "output", "preprocess", "ground_truth", "data", "gates", "limits",
    ),
    "forms": FORMS,
    "network": ("file", "class"),
    "input": ("shape", "layout", "pixels"),
    "output": ("stride",),
    "preprocess": ("policy", "above"),
    "ground_truth": ("rule",),
    "data": ("root", "source", "density"),
    "data.density": ("kind", "sigma", "kernel"),
    "gates": ("metric", "tolerance", "unit"),
    "limits": ("open_seconds", "image_seconds"),
}  # fmt: skip

_NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")
_CASES = Path(__file__).parent


class CaseError(OmgateError):
    """A case file that can't be used, or an option that does not fit the case."""


@dataclass(frozen=True)
class Forms:
    """The model's forms: absolute paths of files that were there on loading; None where the case names none."""

    ckpt: Path | None = None
    onnx: Path | None = None
    om: Path | None = None


@dataclass(frozen=True)
class Network:
    """The network in MindSpore: a self-contained source file (it travels to the worker) and the class in it."""

    file: Path
    class_name: str


@dataclass(frozen=True)
class Input:
    """The network's input; height and width are -1 where every image has its own."""

    shape: tuple[int, int, int, int]
    layout: str
    pixels: str

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) in pixels, None where every image has its own."""
        return None if self.shape[2] < 0 else (self.shape[2], self.shape[3])


@dataclass(frozen=True)
class Output:
    """The network's output: pixels of the input per cell of the map, each way."""

    stride: int


@dataclass(frozen=True)
class Preprocess:
    """The policy (see cases.preprocess) and what it does with an image that is larger than the pad."""

    policy: str
    above: str


@dataclass(frozen=True)
class GroundTruthRule:
    """`raw-sum` or `resampled` (see cases.ground_truth)."""

    rule: str


@dataclass(frozen=True)
class Density:
    """How density maps are derived from head positions; sigma and kernel in pixels."""

    kind: str = "fixed"
    sigma: float = 4.0
    kernel: int = 15


@dataclass(frozen=True)
class Data:
    """The test set: its folder, which need not be there, and how to get it."""

    root: Path
    density: Density = field(default_factory=Density)
    source: str | None = None

    @property
    def present(self) -> bool:
        """True where the folder is there and holds images/."""
        return (self.root / "images").is_dir()

    @property
    def way_out(self) -> str:
        """What to do where the data are not here, in one line."""
        other = "or name a folder with images/ and ground_truth_csv/: --data=DIR"
        return f"no images in {shown(self.root)}; {self.source + '; ' if self.source else ''}{other}"


@dataclass(frozen=True)
class Gate:
    """By how much a metric may get worse: `tolerance` in people ("counts"), or in percent of the baseline's value ("%")."""

    metric: str
    tolerance: float
    unit: str


@dataclass(frozen=True)
class Limits:
    """After how long a worker counts as hanging: opening the model (with its compilation), one image."""

    open_seconds: float = 600.0
    image_seconds: float = 120.0


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
    top = _Table(path, "", _parse(path))
    policy, network_input, output = _preprocess(top), _input(top), _output(top)
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
        forms=_forms(top),
        network=_network(top),
        input=network_input,
        output=output,
        preprocess=policy,
        ground_truth=GroundTruthRule(top.table("ground_truth").choice("rule", ground_truth.RULES)),
        data=_data(top),
        metrics=metrics,
        strata=_strata(top),
        gates=_gates(top, metrics),
        limits=_limits(top),
    )


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise CaseError(f"{shown(path)}: can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CaseError(
            f"{shown(path)}:{line}: byte 0x{error.object[error.start]:02x} is no UTF-8; TOML is"
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        place = re.search(r"line ([0-9]+)", str(error))
        line_text = f":{place[1]}" if place else ""
        raise CaseError(f"{shown(path)}{line_text}: no TOML: {shown(' '.join(str(error).split()))}") from None


class _Table:
    """One table of a case file: hands out values of the right type, and refuses keys that do not exist."""

    def __init__(
        self, path: Path, prefix: str, values: Mapping[str, object], kind: str | None = None
    ) -> None:
        self.path, self.prefix, self.values = path, prefix, values
        allowed = KEYS[prefix if kind is None else kind]
        for key in values:
            if key not in allowed:
                self._unknown(key, allowed)

    def _unknown(self, key: str, allowed: Sequence[str]) -> None:
        hint = nearest(key, allowed)
        homes = [table for table, keys in KEYS.items() if key in keys]
        if homes:
            hint = f"; it belongs under [{homes[0]}]" if homes[0] else "; it belongs above the first [table]"
        raise self.error(key, f"unknown key; allowed are {', '.join(allowed)}{hint}")

    def error(self, key: str, message: str) -> CaseError:
        dotted = f"{self.prefix}.{key}" if self.prefix else key
        return CaseError(f"{shown(self.path)}:{shown(dotted)}: {message}")

    def wrong(self, key: str, allowed: str, hint: str = "") -> CaseError:
        if key not in self.values:
            return self.error(key, f"missing; allowed is {allowed}")
        return self.error(key, f"seen {_seen(self.values[key])}; allowed is {allowed}{hint}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.wrong(key, "a text of one line")
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or value not in allowed:
            hint = nearest(value, allowed) if isinstance(value, str) else ""
            raise self.wrong(key, "one of " + ", ".join(f'"{name}"' for name in allowed), hint)
        return value

    def names(self, key: str, allowed: Sequence[str]) -> tuple[str, ...]:
        values = self.values.get(key)
        listed = ", ".join(f'"{name}"' for name in allowed)
        if not isinstance(values, list) or not values:
            raise self.wrong(key, f"a list with at least one of {listed}")
        for value in values:
            if value not in allowed:
                hint = nearest(value, allowed) if isinstance(value, str) else ""
                raise self.error(key, f"seen {_seen(value)}; allowed are {listed}{hint}")
            if values.count(value) > 1:
                raise self.error(key, f"seen {_seen(value)} twice; allowed is once")
        return tuple(values)

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def integer(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(key, f"a whole number from {least} to {most}")
        return value

    def number(self, key: str, above_zero: bool, default: float | None = None) -> float:
        value = _finite(self.values.get(key, default))
        if value is None or value < 0 or (above_zero and value == 0):
            raise self.wrong(key, "a number above 0" if above_zero else "a number, 0 or more")
        return value

    def table(self, key: str, required: bool = True) -> _Table:
        value = self.values.get(key, None if required else {})
        dotted = f"{self.prefix}.{key}" if self.prefix else key
        if not isinstance(value, dict):
            raise self.wrong(key, f"a table, [{dotted}], with {', '.join(KEYS[dotted])}")
        return _Table(self.path, dotted, value)

    def inside(self, key: str) -> Path:
        """A path, absolute; a relative one may not leave the model's folder (a link in it may)."""
        text = self.text(key)
        normal = os.path.normpath(text)
        if normal == ".." or normal.startswith("../"):
            raise self.error(
                key, f"seen {_seen(text)}, which leaves the model's folder; allowed is a path inside it"
            )
        return Path(os.path.normpath(self.path.parent / text))

    def file(self, key: str) -> Path:
        """A file that is there."""
        found = self.inside(key)
        if os.path.isfile(found):
            return found
        if os.path.isdir(found):
            raise self.error(key, f"{shown(found)} is a folder; allowed is a file")
        there = sorted(entry.name for entry in found.parent.iterdir()) if found.parent.is_dir() else []
        hint = nearest(found.name, there)
        raise self.error(
            key, f"no such file: {shown(found)}; allowed is a file in the model's folder{shown(hint)}"
        )


def _seen(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, str | bool) else str(value)
    return shown(text if len(text) <= 60 else text[:57] + "...")


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _name(top: _Table) -> str:
    name = top.text("name")
    stem = top.path.stem
    if name != stem:
        raise top.wrong("name", f'"{shown(stem)}", as the file is called')
    if not _NAME.fullmatch(name):
        raise top.wrong("name", "small letters and digits, joined by - or .")
    return name


def _forms(top: _Table) -> Forms:
    table = top.table("forms", required=False)
    return Forms(**{form: table.file(form) for form in FORMS if form in table.values})


def _network(top: _Table) -> Network | None:
    if "network" not in top.values:
        return None
    table = top.table("network")
    file, name = table.file("file"), table.text("class")
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError) as error:
        raise table.error(
            "file", f"{shown(file)} is no Python that can be read: {shown(str(error))}"
        ) from None
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    if name not in classes:
        allowed = ", ".join(classes) or "none, it defines no class"
        raise table.wrong("class", f"a class of {shown(file.name)}: {allowed}", nearest(name, classes))
    return Network(file, name)


def _input(top: _Table) -> Input:
    table = top.table("input")
    shape = table.values.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) != 4
        or not all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
        or shape[:2] != [1, 1]
        or not (all(1 <= size <= 16384 for size in shape[2:]) or shape[2:] == [-1, -1])
    ):
        raise table.wrong(
            "shape", "[1, 1, height, width] in pixels, or [1, 1, -1, -1] where each image has its own"
        )
    return Input(
        (shape[0], shape[1], shape[2], shape[3]),
        table.choice("layout", LAYOUTS, default="NCHW"),
        table.choice("pixels", PIXELS, default="grey-uint8"),
    )


def _output(top: _Table) -> Output:
    return Output(top.table("output").integer("stride", 1, 64))


def _preprocess(top: _Table) -> Preprocess:
    table = top.table("preprocess")
    policy = table.text("policy")
    try:
        preprocess.parse_policy(policy)
    except preprocess.PreprocessError:
        raise table.wrong(
            "policy", f"pad-N, resize-N or native-N, such as {', '.join(preprocess.POLICIES)}",
            nearest(policy, preprocess.POLICIES),
        ) from None  # fmt: skip
    return Preprocess(policy, table.choice("above", preprocess.ABOVE, default="refuse"))


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


def _data(top: _Table) -> Data:
    table = top.table("data")
    density = table.table("density", required=False)
    usual = Density()
    kernel = density.integer("kernel", 1, 1001, default=usual.kernel)
    if kernel % 2 == 0:
        raise density.wrong("kernel", "an odd whole number of pixels")
    return Data(
        table.inside("root"),
        Density(
            density.choice("kind", DENSITIES, default=usual.kind),
            density.number("sigma", above_zero=True, default=usual.sigma),
            kernel,
        ),
        table.text("source") if "source" in table.values else None,
    )


def _strata(top: _Table) -> tuple[float, ...]:
    values = top.values.get("strata", [])
    bounds = [_finite(value) for value in values] if isinstance(values, list) else [None]
    strata = tuple(bound for bound in bounds if bound is not None and bound > 0)
    if len(strata) != len(bounds) or list(strata) != sorted(set(strata)):
        raise top.wrong("strata", "a list of rising numbers above 0, such as [100, 500]")
    return strata


def _gates(top: _Table, metrics: tuple[str, ...]) -> tuple[Gate, ...]:
    values = top.values.get("gates")
    if not isinstance(values, list) or not values or not all(isinstance(value, dict) for value in values):
        raise top.wrong("gates", "at least one [[gates]] with metric, tolerance and unit")
    gates: list[Gate] = []
    for index, value in enumerate(values):
        table = _Table(top.path, f"gates[{index}]", value, kind="gates")
        metric = table.choice("metric", GATED)
        if metric not in metrics:
            raise table.wrong("metric", f"a metric that metrics lists: {', '.join(metrics)}")
        if metric in [gate.metric for gate in gates]:
            raise table.wrong("metric", "one gate a metric")
        gates.append(Gate(metric, table.number("tolerance", above_zero=False), table.choice("unit", UNITS)))
    return tuple(gates)


def _limits(top: _Table) -> Limits:
    table, usual = top.table("limits", required=False), Limits()
    return Limits(
        table.number("open_seconds", above_zero=True, default=usual.open_seconds),
        table.number("image_seconds", above_zero=True, default=usual.image_seconds),
    )
