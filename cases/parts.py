"""The parts of a case: what each table of a case file may say, and the checked reading of it.

Each part's `read` takes the file's top table and raises CaseError.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

from cases import ground_truth, preprocess
from cases.table import Table
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
        "forms", "network", "sdk", "mxbase", "input", "output", "preprocess", "ground_truth", "data", "gates", "limits",
    ),
    "forms": FORMS,
    "network": ("file", "class"),
    "sdk": ("pipeline",),
    "mxbase": ("program",),
    "input": ("shape", "layout", "pixels"),
    "output": ("stride",),
    "preprocess": ("policy", "above"),
    "ground_truth": ("rule",),
    "data": ("root", "source", "density"),
    "data.density": ("kind", "sigma", "kernel"),
    "gates": ("metric", "tolerance", "unit"),
    "limits": ("open_seconds", "image_seconds"),
}  # fmt: skip


@dataclass(frozen=True)
class Forms:
    """The model's forms: absolute paths of files that were there on loading; None where the case names none."""

    ckpt: Path | None = None
    onnx: Path | None = None
    om: Path | None = None

    @classmethod
    def read(cls, top: Table) -> Forms:
        table = top.table("forms", required=False)
        return cls(**{form: table.file(form) for form in FORMS if form in table.values})


@dataclass(frozen=True)
class Network:
    """The network in MindSpore: a self-contained source file (it travels to the worker) and the class in it."""

    file: Path
    class_name: str

    @classmethod
    def read(cls, top: Table) -> Network | None:
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
        return cls(file, name)


@dataclass(frozen=True)
class Sdk:
    """How MindX SDK streams run the OM: the deliverable's pipeline file."""

    pipeline: Path

    @classmethod
    def read(cls, top: Table) -> Sdk | None:
        return cls(top.table("sdk").file("pipeline")) if "sdk" in top.values else None


@dataclass(frozen=True)
class MxBase:
    """How mxBase runs the OM: the deliverable's C++ program, which is there once it was built."""

    program: Path

    @classmethod
    def read(cls, top: Table) -> MxBase | None:
        return cls(top.table("mxbase").inside("program")) if "mxbase" in top.values else None


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

    @classmethod
    def read(cls, top: Table) -> Input:
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
        return cls(
            (shape[0], shape[1], shape[2], shape[3]),
            table.choice("layout", LAYOUTS, default="NCHW"),
            table.choice("pixels", PIXELS, default="grey-uint8"),
        )


@dataclass(frozen=True)
class Output:
    """The network's output: pixels of the input per cell of the map, each way."""

    stride: int

    @classmethod
    def read(cls, top: Table) -> Output:
        return cls(top.table("output").integer("stride", 1, 64))


@dataclass(frozen=True)
class Preprocess:
    """The policy (see cases.preprocess) and what it does with an image that is larger than the pad."""

    policy: str
    above: str

    @classmethod
    def read(cls, top: Table) -> Preprocess:
        table = top.table("preprocess")
        policy = table.text("policy")
        try:
            preprocess.parse_policy(policy)
        except preprocess.PreprocessError:
            raise table.wrong(
                "policy", f"pad-N, resize-N or native-N, such as {', '.join(preprocess.POLICIES)}",
                nearest(policy, preprocess.POLICIES),
            ) from None  # fmt: skip
        return cls(policy, table.choice("above", preprocess.ABOVE, default="refuse"))


@dataclass(frozen=True)
class GroundTruthRule:
    """`raw-sum` or `resampled` (see cases.ground_truth)."""

    rule: str

    @classmethod
    def read(cls, top: Table) -> GroundTruthRule:
        return cls(top.table("ground_truth").choice("rule", ground_truth.RULES))


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

    @classmethod
    def read(cls, top: Table) -> Data:
        table = top.table("data")
        density = table.table("density", required=False)
        usual = Density()
        kernel = density.integer("kernel", 1, 1001, default=usual.kernel)
        if kernel % 2 == 0:
            raise density.wrong("kernel", "an odd whole number of pixels")
        return cls(
            table.inside("root"),
            Density(
                density.choice("kind", DENSITIES, default=usual.kind),
                density.number("sigma", above_zero=True, default=usual.sigma),
                kernel,
            ),
            table.text("source") if "source" in table.values else None,
        )


@dataclass(frozen=True)
class Gate:
    """By how much a metric may get worse: `tolerance` in people ("counts"), or in percent of the baseline's value ("%")."""

    metric: str
    tolerance: float
    unit: str

    @classmethod
    def read_all(cls, top: Table, metrics: tuple[str, ...]) -> tuple[Gate, ...]:
        gates: list[Gate] = []
        for table in top.tables("gates"):
            metric = table.choice("metric", GATED)
            if metric not in metrics:
                raise table.wrong("metric", f"a metric that metrics lists: {', '.join(metrics)}")
            if metric in [gate.metric for gate in gates]:
                raise table.wrong("metric", "one gate a metric")
            gates.append(
                cls(metric, table.number("tolerance", above_zero=False), table.choice("unit", UNITS))
            )
        return tuple(gates)


@dataclass(frozen=True)
class Limits:
    """After how long a worker counts as hanging: opening the model (with its compilation), one image."""

    open_seconds: float = 600.0
    image_seconds: float = 120.0

    @classmethod
    def read(cls, top: Table) -> Limits:
        table, usual = top.table("limits", required=False), cls()
        return cls(
            table.number("open_seconds", above_zero=True, default=usual.open_seconds),
            table.number("image_seconds", above_zero=True, default=usual.image_seconds),
        )
