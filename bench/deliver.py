"""A deliverable's folder held against its delivery document: is everything there, and is each file what the document says it is?"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from bench import convert, pipeline
from bench.emulator.om import GENUINE_MAGIC, MAGIC
from cases.air import STAND_IN_AIR
from cases.checkpoint_file import CRC_BYTES, parameters
from cases.errors import OmgateError
from cases.files import UnfitError, read_regular
from cases.mcnn.delivery import Delivered, Delivery
from cases.wording import shown

State = Literal["ok", "note", "missing", "wrong", "cannot-tell"]

KB = 1024
"""The document's unit of size."""

SIZE_TOLERANCE_KB = 1.0
"""A checkpoint's and an AIR's size follow from the network; the document rounds it."""

OM_FACTOR = 2.0
"""An OM's size changes with every CANN (916 KB with 5.0.2); beyond this factor it is another network's."""

OM_HEADER_BYTES = 256
OM_LENGTH_AT = 76
"""Of the u32 that says how many bytes follow the header (CANN's graph engine, model file header)."""

MOST_BYTES = 1 << 30


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one thing that the document promises."""

    what: str
    state: State
    seen: str
    expected: str = ""
    way_out: str = ""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A folder's findings. `complete`: nothing is missing or wrong, and nothing is left open."""

    folder: str
    findings: tuple[Finding, ...]

    @property
    def states(self) -> set[str]:
        """The states that occur."""
        return {finding.state for finding in self.findings}


def check(folder: Path, delivery: Delivery) -> Checked:
    """Hold a deliverable's folder (its `infer/`, or what holds that) against the document. Raises OmgateError: no such folder."""
    if not folder.is_dir():
        raise OmgateError(f"{shown(folder)}: no such folder; expected a deliverable, with infer/ in it")
    root = folder / "infer" if (folder / "infer").is_dir() else folder
    findings: list[Finding] = []
    for name in delivery.files:
        findings += _file(root, name)
    for name in delivery.folders:
        findings.append(_folder(root, name))
    for model in delivery.models:
        findings += _model(root, model, delivery)
    findings.append(_pipeline(root))
    return Checked(folder=str(root), findings=tuple(findings))


def _file(root: Path, name: str) -> Iterator[Finding]:
    try:
        content, _ = read_regular(root / name, MOST_BYTES)
    except FileNotFoundError:
        yield Finding(what=name, state="missing", seen="not there", way_out="put it into the package")
        return
    except (OSError, UnfitError) as error:
        yield Finding(what=name, state="wrong", seen=_reason(error), expected="a file that can be read")
        return
    if not content.strip():
        yield Finding(what=name, state="wrong", seen="empty", expected="the file of that name")
    elif name.endswith(".sh") and b"\r\n" in content:
        way_out = "dos2unix: bash can't run it"
        yield Finding(what=name, state="wrong", seen="CRLF line ends", expected="LF", way_out=way_out)
    else:
        yield Finding(what=name, state="ok", seen=f"{len(content):,} bytes")


def _folder(root: Path, name: str) -> Finding:
    if (root / name).is_dir():
        return Finding(what=f"{name}/", state="ok", seen="there")
    return Finding(what=f"{name}/", state="note", seen="not there", way_out="who runs it puts it there")


def _model(root: Path, model: Delivered, delivery: Delivery) -> Iterator[Finding]:
    """The form's file, of whatever name it has in the same folder where it is the only one."""
    path = root / model.path
    if not path.exists():
        others = sorted(path.parent.glob(f"*{path.suffix}"))
        if len(others) != 1:
            seen = f"{len(others)} other {path.suffix} files" if others else "not there"
            yield Finding(what=model.path, state="missing", seen=seen, way_out=model.way_out)
            return
        path = others[0]
    name = str(path.relative_to(root))
    try:
        content, _ = read_regular(path, MOST_BYTES)
    except (OSError, UnfitError) as error:
        yield Finding(what=name, state="wrong", seen=_reason(error), expected="a file that can be read")
        return
    look = {"ckpt": _checkpoint, "air": _air, "om": _om}[model.form]
    found = list(look(name, content, delivery, path))
    yield from found
    if not any(finding.state == "wrong" for finding in found):
        yield _size(name, len(content), model)


def _size(name: str, size_bytes: int, model: Delivered) -> Finding:
    what, seen, expected = f"{name}: size", f"{size_bytes / KB:.1f} KB", f"{model.size_kb} KB"
    if model.form == "om":
        fits = 1 / OM_FACTOR <= size_bytes / (model.size_kb * KB) <= OM_FACTOR
        off = abs(size_bytes / KB - model.size_kb) > SIZE_TOLERANCE_KB
        state: State = "wrong" if not fits else "note" if off else "ok"
        return Finding(
            what=what, state=state, seen=seen, expected=expected, way_out="it depends on CANN" if off else ""
        )
    near = abs(size_bytes / KB - model.size_kb) <= SIZE_TOLERANCE_KB
    return Finding(what=what, state="ok" if near else "wrong", seen=seen, expected=expected)


def _checkpoint(name: str, content: bytes, delivery: Delivery, _path: Path) -> Iterator[Finding]:
    try:
        found = parameters(content)
    except OmgateError as error:
        yield Finding(
            what=f"{name}: format", state="wrong", seen=str(error), expected="a MindSpore checkpoint"
        )
        return
    kinds = sorted({parameter.kind for parameter in found})
    width = {"Float32": 4, "Float16": 2}.get(kinds[0] if len(kinds) == 1 else "", 0)
    values = sum(parameter.size_bytes for parameter in found) // width if width else 0
    expected = f"{delivery.tensors} tensors, {delivery.values:,} values, Float32"
    seen = f"{len(found)} tensors, {values:,} values, {', '.join(kinds)}"
    fits = (len(found), values, kinds) == (delivery.tensors, delivery.values, ["Float32"])
    state: State = "ok" if fits else "wrong"
    way_out = "" if fits else "deliver best.ckpt: the weights alone, not a training's state"
    yield Finding(what=f"{name}: format", state=state, seen=seen, expected=expected, way_out=way_out)
    if content[-CRC_BYTES:].startswith(b"crc_num"):
        yield Finding(what=f"{name}: check sum", state="note", seen="saved with one (crc_check)")


def _air(name: str, content: bytes, _delivery: Delivery, _path: Path) -> Iterator[Finding]:
    what, expected = f"{name}: format", "an AIR, exported by MindSpore on Ascend"
    way_out = "export it on Ascend: omgate export"
    if content.startswith(STAND_IN_AIR):
        seen = "omgate's stand-in for the emulated atc"
        yield Finding(what=what, state="wrong", seen=seen, expected=expected, way_out=way_out)
        return
    other = (
        "an OM" if content.startswith((GENUINE_MAGIC, MAGIC)) else "an ONNX" if content[:1] == b"\x08" else ""
    )
    if other or len(content) < OM_HEADER_BYTES:
        seen = other or f"{len(content)} bytes"
        yield Finding(what=what, state="wrong", seen=seen, expected=expected, way_out=way_out)
    else:  # a protobuf message of CANN's graph engine, as other models are: its size and atc say more
        yield Finding(what=what, state="note", seen="no other known format", expected=expected)


def _om(name: str, content: bytes, delivery: Delivery, path: Path) -> Iterator[Finding]:
    problem = _om_problem(content)
    expected = "an OM for a device"
    if problem:
        way_out = "convert the model with CANN's atc"
        yield Finding(what=f"{name}: format", state="wrong", seen=problem, expected=expected, way_out=way_out)
        return
    yield Finding(what=f"{name}: format", state="ok", seen="an OM, whole by its header", expected=expected)
    yield from _made(name, convert.provenance(path), delivery)


def _om_problem(content: bytes) -> str:
    """Why these bytes are no whole OM for a device; empty where they are one by their header."""
    if content.startswith(MAGIC):
        return "an emulated OM, for the emulated SDK alone"
    if not content.startswith(GENUINE_MAGIC):
        return f"no OM (it begins with {content[:8]!r})"
    if len(content) < OM_HEADER_BYTES:
        return f"torn: {len(content)} bytes, the header alone has {OM_HEADER_BYTES}"
    (length,) = struct.unpack_from("<I", content, OM_LENGTH_AT)
    if OM_HEADER_BYTES + length > len(content):
        return f"torn: {len(content):,} bytes of {OM_HEADER_BYTES + length:,}"
    return ""


def _made(name: str, made: convert.Provenance | None, delivery: Delivery) -> Iterator[Finding]:
    """SoC, precision and versions by what omgate convert wrote beside the OM; the OM itself says them in no documented place."""
    precision = "Mixed/FP16"
    if made is None:
        yield Finding(
            what=f"{name}: processor, precision, versions",
            state="cannot-tell",
            seen=f"no {Path(name).name}.json beside it, or one of another OM",
            expected=f"{delivery.soc_version}, {precision}",
            way_out="convert with omgate convert, which writes it; or ask: atc --mode=6 --om=FILE",
        )
        return
    fits = made.soc_version == delivery.soc_version
    yield Finding(
        what=f"{name}: processor",
        state="ok" if fits else "wrong",
        seen=made.soc_version,
        expected=delivery.soc_version,
    )
    given = dict(word[2:].split("=", 1) for word in made.command if word.startswith("--") and "=" in word)
    mode = given.get("precision_mode") or given.get("precision_mode_v2") or ""
    yield Finding(
        what=f"{name}: precision",
        state="ok" if mode in delivery.precision_modes else "wrong",
        seen=mode or "atc's default, force_fp16",
        expected=precision,
    )
    state: State = "ok" if made.cann else "cannot-tell"
    yield Finding(
        what=f"{name}: versions", state=state, seen=f"CANN {made.cann or 'unknown'}, atc {made.tool_version}"
    )


def _pipeline(root: Path) -> Finding:
    """The pipeline's own model file; where the pipeline is missing that has been said."""
    file = root / "sdk" / "mcnn.pipeline"
    what, expected = "sdk/mcnn.pipeline: modelPath", "../model/mcnn.om"
    if not file.is_file():
        return Finding(what=what, state="cannot-tell", seen="no pipeline file", expected=expected)
    try:
        found = pipeline.load(file)
    except OmgateError as error:
        return Finding(what=what, state="wrong", seen=str(error), expected=expected)
    fits = Path(found.model).resolve().parent == (root / "model").resolve()
    return Finding(what=what, state="ok" if fits else "wrong", seen=str(found.model), expected=expected)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
