"""`omgate deliver check`: a whole deliverable, and each thing that can be wrong with one."""

from __future__ import annotations

import io
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bench.cli import main
from bench.convert import Provenance
from bench.deliver import OM_HEADER_BYTES, check
from bench.emulator.om import MAGIC, sha256
from cases.air import STAND_IN_AIR
from cases.mcnn.delivery import MCNN

HOUSE = Path(__file__).parents[2]


def om(size_bytes: int = 916 * 1024) -> bytes:
    """An OM by its header (CANN's graph engine): magic, header size, version, and at 76 the length of the rest."""
    header = bytearray(OM_HEADER_BYTES)
    header[:12] = struct.pack("<4sII", b"IMOD", OM_HEADER_BYTES, 0x10000000)
    struct.pack_into("<I", header, 76, size_bytes - OM_HEADER_BYTES)
    return bytes(header) + bytes(size_bytes - OM_HEADER_BYTES)


def provenance(content: bytes, *options: str, soc: str = "Ascend310", cann: str | None = "5.0.2") -> bytes:
    made = Provenance(
        om_sha256=sha256(content),
        source="mcnn.air",
        source_sha256="0",
        command=("atc", "--framework=1", *options),
        tool="/usr/local/Ascend/atc",
        tool_version="1.79.0",
        soc_version=soc,
        cann=cann,
        seconds=50.0,
        log="ATC run success",
    )
    return msgspec.json.encode(made)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deliverable with everything that the document promises, in MCNN/infer."""
    infer = tmp_path / "MCNN" / "infer"
    shutil.copytree(HOUSE / "cases" / "mcnn" / "infer", infer)
    model = infer / "model"
    shutil.copy(HOUSE / "cases" / "mcnn" / "model" / "mcnn-synthetic.ckpt", model / "best.ckpt")
    (model / "mcnn.air").write_bytes(b"\n\x04mcnn" + bytes(541 * 1024 - 6))
    (model / "mcnn.om").write_bytes(om())
    (model / "mcnn.om.json").write_bytes(provenance(om()))
    return infer


def asked(folder: Path, *words: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(["deliver", "check", str(folder), *words], out, io.StringIO()), out.getvalue()


def not_ok(folder: Path) -> dict[str, str]:
    """{what: state} of all that is neither ok nor a note."""
    found = check(folder, MCNN).findings
    return {one.what: one.state for one in found if one.state not in ("ok", "note")}


def test_a_whole_deliverable_is_complete(folder: Path) -> None:
    code, out = asked(folder)
    assert (code, not_ok(folder)) == (0, {}), out
    assert "0 missing, 0 wrong" in out
    assert asked(folder.parent)[0] == 0  # the folder with infer/ in it


def test_what_is_said_of_a_whole_one_as_json(folder: Path) -> None:
    code, out = asked(folder, "--json")
    found = {one["what"]: one for one in json.loads(out)["findings"]}
    assert code == 0
    assert found["model/best.ckpt: size"]["seen"] == "500.9 KB"
    assert found["model/best.ckpt: format"]["seen"] == "26 tensors, 127,953 values, Float32"
    assert found["model/mcnn.om: versions"]["seen"] == "CANN 5.0.2, atc 1.79.0"
    assert found["model/mcnn.om: precision"]["seen"] == "atc's default, force_fp16"


@pytest.mark.parametrize("name", [*MCNN.files, *(model.path for model in MCNN.models)])
def test_every_file_of_the_document_is_missed(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert not_ok(folder)[name] == "missing"
    code, out = asked(folder)
    assert code == 1
    assert name in out


def wrong_om(content: bytes, *options: str, **changes: str) -> Callable[[Path], None]:
    def write(model: Path) -> None:
        (model / "mcnn.om").write_bytes(content)
        (model / "mcnn.om.json").write_bytes(provenance(content, *options, **changes))

    return write


@pytest.mark.parametrize(
    ("break_it", "what"),
    [
        (lambda model: (model / "best.ckpt").write_bytes(b"no"), "model/best.ckpt: format"),
        (
            lambda model: (model / "best.ckpt").write_bytes((model / "best.ckpt").read_bytes()[:-1000]),
            "model/best.ckpt: format",
        ),
        (
            lambda model: (model / "mcnn.air").write_bytes(STAND_IN_AIR + bytes(1 << 19)),
            "model/mcnn.air: format",
        ),
        (lambda model: (model / "mcnn.air").write_bytes(om()), "model/mcnn.air: format"),
        (lambda model: (model / "mcnn.air").write_bytes(b"\n" + bytes(400_000)), "model/mcnn.air: size"),
        (wrong_om(MAGIC + bytes(900_000)), "model/mcnn.om: format"),
        (wrong_om(b"text\n" * 200_000), "model/mcnn.om: format"),
        (wrong_om(om()[:-1]), "model/mcnn.om: format"),
        (wrong_om(om()[:200]), "model/mcnn.om: format"),
        (wrong_om(om(300_000)), "model/mcnn.om: size"),
        (wrong_om(om(), soc="Ascend910A"), "model/mcnn.om: processor"),
        (wrong_om(om(), "--precision_mode=force_fp32"), "model/mcnn.om: precision"),
    ],
)
def test_a_model_file_that_is_not_what_it_should_be(
    folder: Path, break_it: Callable[[Path], object], what: str
) -> None:
    break_it(folder / "model")
    assert not_ok(folder) == {what: "wrong"}
    assert asked(folder)[0] == 1


@pytest.mark.parametrize("options", [["--precision_mode=allow_mix_precision"], ["--precision_mode_v2=fp16"]])
def test_the_documents_precisions_are_right(folder: Path, options: list[str]) -> None:
    wrong_om(om(950_000), *options)(folder / "model")
    assert not_ok(folder) == {}


def test_an_om_without_provenance_can_not_be_told(folder: Path) -> None:
    (folder / "model" / "mcnn.om.json").unlink()
    assert not_ok(folder) == {"model/mcnn.om: processor, precision, versions": "cannot-tell"}
    assert asked(folder)[0] == 3
    wrong_om(om())(folder / "model")
    (folder / "model" / "mcnn.om").write_bytes(om(916 * 1024 + 8))  # the provenance is another OM's
    assert asked(folder)[0] == 3


def test_a_training_state_is_not_delivered_for_the_weights(folder: Path) -> None:
    tensor = b"\x08\x01" + b"\x12\x05Int32" + b"\x1a\x04\x00\x00\x00\x00"
    value = b"\n\x0bglobal_step" + b"\x12" + bytes([len(tensor)]) + tensor
    with (folder / "model" / "best.ckpt").open("ab") as stream:
        stream.write(b"\n" + bytes([len(value)]) + value)
    code, out = asked(folder, "--json")
    assert code == 1
    assert "27 tensors, 0 values, Float32, Int32" in out
    assert "deliver best.ckpt: the weights alone" in out


@pytest.mark.parametrize(
    ("name", "content"),
    [("sdk/run.sh", b"#!/bin/bash\r\necho\r\n"), ("README.md", b" \n"), ("mxbase/build.sh", b"")],
)
def test_windows_line_ends_and_empty_files_are_wrong(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert not_ok(folder) == {name: "wrong"}


def test_a_pipeline_that_names_another_folder_is_wrong(folder: Path) -> None:
    path = folder / "sdk" / "mcnn.pipeline"
    path.write_text(path.read_text().replace("../model/mcnn.om", "/home/me/mcnn.om"))
    assert not_ok(folder) == {"sdk/mcnn.pipeline: modelPath": "wrong"}


def test_a_folder_that_is_not_there_is_used_wrongly(tmp_path: Path) -> None:
    err = io.StringIO()
    assert main(["deliver", "check", str(tmp_path / "none")], io.StringIO(), err) == 2
    assert "no such folder" in err.getvalue()


def test_an_empty_folder_misses_everything(tmp_path: Path) -> None:
    missing = [what for what, state in not_ok(tmp_path).items() if state == "missing"]
    assert missing == [*MCNN.files, *(model.path for model in MCNN.models)]
