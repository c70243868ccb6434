"""The emulated atc: its lines, its exit codes, what it refuses, what the OM gives then."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bench.emulator.atc import FAILURE, START, SUCCESS, main
from bench.emulator.atc_options import GEARS_MOST, LACKING, LACKING_OPTIONS
from bench.emulator.om import read_om
from bench.emulator.session import open_session
from cases.air import STAND_IN_AIR, stand_in_air
from tests.bench.emulator import graphs
from tests.bench.emulator.test_half import two_layers

onnx = pytest.importorskip("onnx")


def atc(*arguments: str) -> tuple[int, list[str]]:
    out = io.StringIO()
    return main(arguments, out), out.getvalue().splitlines()


def options(source: Path, /, **changed: str) -> list[str]:
    chosen = {
        "framework": "5",
        "model": str(source),
        "output": str(source.parent / "m"),
        "soc_version": "Ascend310",
    } | changed
    return [f"--{name}={value}" for name, value in chosen.items()]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.onnx"
    path.write_bytes(two_layers(np.ones((1, 1, 1, 1), np.float32)))
    return path


def test_converts_onnx_and_a_stand_in_air(model: Path) -> None:
    air = model.with_suffix(".air")
    air.write_bytes(stand_in_air(model.read_bytes()))
    for framework, source in (("5", model), ("1", air)):
        target = model.parent / f"out{framework}"
        code, lines = atc(
            f"--framework={framework}",
            f"-model={source}",
            f"--output={target}",
            "--soc_version",
            "Ascend310",
            "--input_shape=x:1,1,4,4",
            "--op_select_implmode=high_precision",
        )
        assert (code, lines) == (0, [START, SUCCESS])
        header = read_om(Path(f"{target}.om")).header
        assert (header.options["soc_version"], header.options["op_select_implmode"]) == (
            "Ascend310",
            "high_precision",
        )
        assert (header.source, header.soc) == (source.name, "emulated")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"framework": "1"}, "E19010: .* genuine AIR"),
        ({"framework": "3"}, "E10007: .*atc knows it, the emulated atc lacks it"),
        ({"framework": "4"}, "E10007: .*no such value"),
        ({"framework": ""}, "E10007: --framework is required"),
        ({"model": "none.onnx"}, "E10001: .*can't be read"),
        ({"model": "my model.onnx"}, "E10001: .*Chinese characters"),
        ({"model": "模型/无.onnx"}, "can't be read"),
        ({"output": "/none/m"}, "/none/m.om: can't be written"),
        ({"soc_version": "Ascend311"}, "E10001: .*no such SoC"),
        ({"soc_version": ""}, "E10054: --soc_version is required"),
        ({"input_shape": "im_data:1,1,4,4"}, "E10016: .*no input im_data; it has x"),
        ({"input_shape": "x:1,1,8,8"}, "exported with 1,1,4,4"),
        ({"input_shape": "x:1,1,4"}, "exported with 1,1,4,4"),
        ({"input_shape": "x:-1,1,4,4"}, "give --dynamic_batch_size"),
        ({"input_shape": "x:-1,1,4,4", "dynamic_batch_size": "1,2"}, "fixed batch 1"),
        ({"input_shape": "x:1,0,4,4"}, "E10001"),
        ({"input_shape": "x"}, "E10001"),
        ({"precision_mode": "must_keep_origin_dtype"}, r"EZ3003: .*\[one\], optype \[Conv2D\]"),
        ({"precision_mode_v2": "origin", "soc_version": "Ascend910A"}, "EZ3003"),
        ({"precision_mode": "fast"}, "E10001: .*no such value"),
        ({"precision_mode": "force_fp16", "precision_mode_v2": "fp16"}, "exclude each other"),
        ({"output_type": "one:0:FP16"}, "atc knows it"),
        ({"output_type": "FP8"}, "no such value"),
        ({"input_fp16_nodes": "y"}, "E10016"),
        ({"input_fp16_nodes": "x", "framework": "1"}, "not for MindSpore"),
        ({"optypelist_for_implmode": "Gelu"}, "needs --op_select_implmode"),
        ({"dynamic_batch_size": "1,2"}, "needs -1"),
        ({"dynamic_batch_size": "1;2"}, "E10001"),
        ({"dynamic_batch_size": "2"}, "E10035"),
        ({"dynamic_batch_size": ",".join(map(str, range(1, GEARS_MOST + 2)))}, "E10036"),
        ({"dynamic_batch_size": "0,2"}, "E10038"),
        ({"dynamic_batch_size": "2,2"}, "E10039"),
        ({"nonsense": "1"}, "unknown option"),
        ({"mode": "6"}, "E10054: --om is required"),
    ],
)
def test_a_mistake_is_a_failure_with_its_reason_and_no_file(
    model: Path, changed: dict[str, str], text: str
) -> None:
    code, lines = atc(*options(model, **changed))
    assert code == 1
    assert lines[:2] == [START, FAILURE]
    assert len(lines) == 3
    assert re.search(text, lines[2])
    assert not (model.parent / "m.om").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in LACKING.items() for value in sorted(values)]
    + [(name, "file.cfg") for name in LACKING_OPTIONS],
)
def test_what_atc_knows_and_the_emulator_lacks_is_said(model: Path, name: str, value: str) -> None:
    code, lines = atc(*options(model, **{name: value}))
    assert code == 1
    assert "emulated atc lacks" in lines[2]


@pytest.mark.parametrize("argument", ["m.onnx", "--Model=x", "--model", "-", ""])
def test_an_argument_that_is_no_option_is_refused(argument: str) -> None:
    code, lines = atc(argument)
    assert code == 1
    assert lines[2].startswith("E10001: ")


def test_without_arguments_and_for_help() -> None:
    assert atc()[0] == 1
    code, lines = atc("--help")
    assert code == 0
    assert any("--input_fp16_nodes" in line for line in lines)


def test_dynamic_dimensions_need_input_shape(model: Path) -> None:
    model.write_bytes(graphs.scaled("N"))
    code, lines = atc(*options(model))
    assert code == 1
    assert lines[2].startswith("E10001: input x has dimensions that are not fixed (-1,3)")
    assert atc(*options(model, input_shape="x:5,3"))[0] == 0
    session = open_session(read_om(model.parent / "m.om").graph, "m.om")
    x = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], graphs.scaled_in_half(x))
    with pytest.raises(Exception, match="Got: 4 Expected: 5"):
        session.run(None, {"x": x[:4]})


def test_open_dimensions_that_are_written_as_minus_one(model: Path) -> None:
    made = onnx.load_model_from_string(graphs.scaled(-1))
    made.graph.value_info.append(
        onnx.helper.make_tensor_value_info("product", onnx.TensorProto.FLOAT, [-1, 3])
    )
    model.write_bytes(made.SerializeToString())
    assert atc(*options(model, input_shape="x:2,3")) == (0, [START, SUCCESS])
    assert atc(*options(model, input_shape="x:-1,3", dynamic_batch_size="1,2")) == (0, [START, SUCCESS])


def test_an_operator_that_the_engine_can_not_run_is_refused(model: Path) -> None:
    made = onnx.load_model_from_string(graphs.passed_on("bool"))
    made.graph.node[0].CopyFrom(graphs.node("Reshape", "x x", "y"))  # The shape is to be int64.
    model.write_bytes(made.SerializeToString())
    code, lines = atc(*options(model))
    assert code == 1
    assert re.match("E[A-Z0-9]+: |.*not an ONNX model", lines[2])


def test_several_inputs_of_which_one_is_dynamic(model: Path) -> None:
    model.write_bytes(
        graphs.graph(
            [onnx.helper.make_node("Add", ["a", "b:0"], ["y"])],
            {"a": ("float32", ["N", 2]), "b:0": ("float32", [1, 2])},
            {"y": ("float32", ["N", 2])},
        )
    )
    assert atc(*options(model, input_shape="a:-1,2;b:0:1,2", dynamic_batch_size="1,8"))[0] == 0
    assert atc(*options(model, input_shape="a:3,2"))[0] == 0
    assert "input a " in atc(*options(model, input_shape="b:0:1,2"))[1][2]


def test_an_operator_of_another_domain_has_no_parser(model: Path) -> None:
    made = onnx.load_model_from_string(graphs.scaled())
    made.graph.node[0].domain = "com.example"
    made.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    model.write_bytes(made.SerializeToString())
    assert atc(*options(model))[1][2].startswith("E19010: No parser is registered")


def test_weights_beside_the_model_are_found(model: Path) -> None:
    made = onnx.load_model_from_string(graphs.scaled())
    onnx.save(
        made,
        model,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
        convert_attribute=False,
    )
    assert (model.parent / "weights.bin").exists()
    assert atc(*options(model))[0] == 0
    session = open_session(read_om(model.parent / "m.om").graph, "m.om")
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], graphs.scaled_in_half(x))
    (model.parent / "weights.bin").unlink()
    assert atc(*options(model))[1][2].startswith("E19010")


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x08\x07", bytes(100)])
def test_what_is_no_model_is_refused(model: Path, content: bytes) -> None:
    model.write_bytes(content)
    code, lines = atc(*options(model))
    assert (code, lines[:2]) == (1, [START, FAILURE])
    assert lines[2].startswith("E19010: ")


def test_a_stand_in_air_is_no_onnx(model: Path) -> None:
    model.write_bytes(STAND_IN_AIR + model.read_bytes())
    assert "use --framework=1" in atc(*options(model))[1][2]


def test_display(model: Path) -> None:
    assert atc(*options(model))[0] == 0
    code, lines = atc("--mode=6", f"--om={model.parent}/m.om")
    assert (code, lines[0], lines[-1]) == (0, START, SUCCESS)
    assert any("--soc_version=Ascend310" in line for line in lines)
    (model.parent / "real.om").write_bytes(b"IMOD" + bytes(300))
    code, lines = atc("--mode=6", f"--om={model.parent}/real.om")
    assert (code, lines[1]) == (1, FAILURE)
    assert "genuine OM" in lines[2]


def test_the_launcher_runs_from_another_folder(model: Path, emulated_home: Path) -> None:
    arguments = ["--framework=5", "--model=m.onnx", "--output=m", "--soc_version=Ascend310"]
    run = subprocess.run(
        [emulated_home / "bin" / "atc", *arguments],
        cwd=model.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout.splitlines(), run.stderr) == (0, [START, SUCCESS], "")
    assert read_om(model.parent / "m.om").header.source == "m.onnx"
