"""What MCNN's delivery document promises: its folder `infer/`, file by file, and its table of sizes, formats and precisions.

Source: the delivery document in mindspore models, research/cv/MCNN/infer/README.md (basic information; source code introduction).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Delivered:
    """A model file of the document's table. `size_kb` is its size there, in units of 1,024 bytes."""

    path: str
    form: str
    size_kb: int
    way_out: str


@dataclass(frozen=True)
class Delivery:
    """A deliverable's folder. `folders` may be made by who runs it; `models` are what the document's table lists."""

    files: tuple[str, ...]
    folders: tuple[str, ...]
    models: tuple[Delivered, ...]
    tensors: int
    values: int
    soc_version: str
    precision_modes: tuple[str, ...]


MCNN = Delivery(
    files=(
        "convert/convert_om.sh",
        "mxbase/src/Mcnn.cpp",
        "mxbase/src/Mcnn.h",
        "mxbase/src/main.cpp",
        "mxbase/CMakeLists.txt",
        "mxbase/build.sh",
        "sdk/main.py",
        "sdk/mcnn.pipeline",
        "sdk/run.sh",
        "docker_start_infer.sh",
        "README.md",
    ),
    folders=("test_data/images", "test_data/ground_truth_csv", "mxbase/output", "sdk/out"),
    models=(
        Delivered("model/best.ckpt", "ckpt", 501, "train it: omgate train"),
        Delivered("model/mcnn.air", "air", 541, "export it on Ascend: omgate export best.ckpt mcnn.air"),
        Delivered("model/mcnn.om", "om", 916, "convert it: bash convert/convert_om.sh, or omgate convert"),
    ),
    tensors=26,
    values=127_953,
    soc_version="Ascend310",
    # "Mixed/FP16"; atc's default for inference is force_fp16.
    precision_modes=(
        "",
        "force_fp16",
        "fp16",
        "allow_mix_precision",
        "allow_mix_precision_fp16",
        "mixed_float16",
    ),
)
