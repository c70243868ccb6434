"""`mindx.sdk.base` of the emulated home: what it does, and the traps that a program written for the SDK falls into."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.emulator.graphs import scaled_in_half
from tests.bench.emulator.mxbase_home import FAULT, Stage, values
from tests.bench.emulator.python_home import PYTHON

BEGIN = """
import sys, numpy as np
from mindx.sdk import base
from mindx.sdk.base import Tensor, Model
x = np.array([[1.5, -2.25, 7]], np.float32)
"""
X = np.array([[1.5, -2.25, 7]], np.float32)


@pytest.fixture
def stage(emulated_home: Path, tmp_path: Path) -> Stage:
    return Stage(emulated_home, tmp_path)


@pytest.fixture
def base() -> Any:
    from mindx.sdk import base

    return base


def script(stage: Stage, text: str, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    path = stage.folder / "program.py"
    path.write_text(BEGIN + textwrap.dedent(text))
    return stage.run([sys.executable, path, *arguments], **more)


def passed(stage: Stage, text: str, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    done = script(stage, text, *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    "model",
    [
        "base.model(path, 0)",
        "base.model(path, deviceId=0)",
        "base.model(modelPath=path, deviceId=0)",
        "Model(path, 0)",
        "Model(path, deviceId=0)",
        "Model(modelPath=path, deviceId=0)",
        "Model(path.encode())",
    ],
)
def test_every_way_to_load_and_run(stage: Stage, model: str) -> None:
    done = passed(
        stage,
        f"""
        path = sys.argv[1]
        print(f"init={{base.mx_init()}}")
        model = {model}
        outputs = model.infer([Tensor(x)])
        print(f"outputs={{len(outputs)}} {{outputs[0].device}} {{outputs[0].shape}}")
        outputs[0].to_host()
        np.array(outputs[0], copy=True).tofile("out")
        print(f"device={{outputs[0].device}}")
        more = model.infer(Tensor(x), [])
        print(f"more={{len(more)}}")
        del model, outputs, more
        print(f"deinit={{base.mx_deinit()}}")
        """,
        stage.model("scaled"),
    )
    assert done.stdout.splitlines()[0] == "Begin to initialize Log."
    assert done.stdout.splitlines()[-5:] == [
        "init=0",
        "outputs=1 0 [1, 3]",
        "device=-1",
        "more=1",
        "deinit=0",
    ]
    np.testing.assert_array_equal(np.fromfile(stage.folder / "out", np.float32), scaled_in_half(X)[0])


def test_what_a_model_says_of_itself(stage: Stage) -> None:
    done = passed(
        stage,
        """
        base.mx_init()
        for path in sys.argv[1:]:
            model = Model(path, 0)
            print("says=", model.input_num, model.output_num, [model.input_shape(i) for i in range(model.input_num)],
                  [model.output_dtype(i).name for i in range(model.output_num)], model.output_shape(0),
                  model.model_gear(), model.input_format, sep=" ")
        print("beyond=", model.input_shape(9), model.output_dtype(9), sep=" ")
        """,
        stage.model("three"),
        stage.model("gears"),
        stage.model("nhwc"),
    )
    assert values(done.stdout, "says") == [
        " 3 3 [[16, 4], [16, 4], [16, 1]] ['float32', 'int32', 'float16'] [16, 4] [] visionDataFormat.NCHW",
        " 1 1 [[-1, 3]] ['float32'] [4, 3] [[1], [2], [4]] visionDataFormat.NCHW",
        " 1 1 [[1, 3]] ['float32'] [1, 3] [] visionDataFormat.NHWC",
    ]
    assert values(done.stdout, "beyond") == [" [] dtype.undefined"]


def test_batch_gears(stage: Stage) -> None:
    done = passed(
        stage,
        """
        base.mx_init()
        model = Model(sys.argv[1], 0)
        for rows in (1, 2, 3, 4):
            outputs = model.infer([Tensor(np.ones((rows, 3), np.float32))])
            print(f"rows={[tensor.shape for tensor in outputs]}")
        """,
        stage.model("gears"),
    )
    assert values(done.stdout, "rows") == ["[[1, 3]]", "[[2, 3]]", "[]", "[[4, 3]]"]
    assert "batch 3 is none of the gears [1, 2, 4]" in done.stderr


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("[Tensor(x.astype(np.uint8))]", "input x is uint8 [1, 3], the model wants float32 [1, 3]"),
        ("[Tensor(x.astype(np.float64))]", "input x is double"),
        ("[Tensor(x[0])]", "input x is float32 [3]"),
        ("[Tensor(x.reshape(3, 1))]", "input x is float32 [3, 1]"),
        ("[Tensor(x), Tensor(x)]", "2 input tensors, the model has 1"),
        ("[]", "0 input tensors, the model has 1"),
    ],
)
def test_what_does_not_fit_gives_an_empty_list(stage: Stage, given: str, reason: str) -> None:
    text = f"base.mx_init(); model = Model(sys.argv[1], 0); print(f'outputs={{model.infer({given})}}')"
    done = passed(stage, text, stage.model("scaled"))
    assert values(done.stdout, "outputs") == ["[]"]
    assert reason in done.stderr
    assert "(Code = 1004, " in done.stderr


def test_what_is_no_tensor_is_a_type_error(stage: Stage) -> None:
    done = passed(
        stage,
        """
        base.mx_init()
        model = Model(sys.argv[1], 0)
        for given in ((x,), ([x],), (), (Tensor(x), [x])):
            try:
                model.infer(*given)
            except TypeError:
                print("raised=TypeError")
        try:
            model.infer(Tensor(x), [Tensor(x)] * 1024)
        except RuntimeError as error:
            print(f"raised={error}")
        """,
        stage.model("scaled"),
    )
    raised = values(done.stdout, "raised")
    assert raised[:4] == ["TypeError"] * 4
    assert raised[4].startswith(" (Code ")
    assert "(Code = 1004, " in done.stdout


@pytest.mark.parametrize(
    ("path", "device", "code"),
    [
        ("missing.om", 0, 1016),
        ("genuine.om", 0, 18),
        ("open.om", 0, 1010),
        ("other.model", 0, 1001),
        ("scaled.om", 4, 1001),
        ("scaled.om", -1, 1001),
    ],
)
def test_any_failure_to_load_is_code_1007_and_its_reason_in_the_log(
    stage: Stage, path: str, device: int, code: int
) -> None:
    good = stage.model("scaled").read_bytes()
    for name, content, mode in (
        ("genuine.om", b"IMOD", 0o640),
        ("open.om", good, 0o644),
        ("other.model", good, 0o640),
    ):
        (stage.folder / name).write_bytes(content)
        (stage.folder / name).chmod(mode)
    text = """
        base.mx_init()
        try:
            Model(sys.argv[1], int(sys.argv[2]))
        except RuntimeError as error:
            print(f"raised:{error}")
    """
    done = passed(stage, text, path, device)
    assert 'raised: (Code = 1007, Message = "' in done.stdout
    first = done.stderr.splitlines()[0]
    assert "MxModel init failed: " in first
    assert f"(Code = {code}, " in first


def test_begin_and_end(stage: Stage) -> None:
    text = """
        print(f"codes={base.mx_deinit()},{base.mx_init()},{base.mx_init(base.AppGlobalCfgExtra())}")
        model = Model(sys.argv[1], 0)
        print(f"codes={base.mx_deinit()},{base.mx_deinit()},{base.mx_deinit()}")
        print(f"after={model.infer([Tensor(x)])}")
    """
    done = passed(stage, text, stage.model("scaled"))
    assert values(done.stdout, "codes") == ["9002,0,0", "0,0,9002"]
    assert values(done.stdout, "after") == ["[]"]
    assert "(Code = 1012, " in done.stderr


@pytest.mark.parametrize(
    ("code", "more"),
    [("1013", {FAULT: "device-missing"}), ("1004", {FAULT: "x"}), ("1028", {"MX_SDK_HOME": ""})],
)
def test_mx_init_returns_its_code(stage: Stage, code: str, more: dict[str, str]) -> None:
    done = passed(stage, "print(f'init={base.mx_init()}')", **more)
    assert values(done.stdout, "init") == [code]
    assert f"(Code = {code}, " in done.stderr


RUNS = """
base.mx_init()
model = Model(sys.argv[1], 0)
for run in (1, 2, 3):
    outputs = model.infer([Tensor(x)])
    for tensor in outputs:
        tensor.to_host()
        array = np.array(tensor)
        print(f"shape={array.shape} nan={np.isnan(array).all()}", flush=True)
    if not outputs:
        print("shape=none", flush=True)
"""


@pytest.mark.parametrize(
    ("fault", "second"),
    [
        ("error=507011@2", "none"),
        ("empty@2", "none"),
        ("nan@2", "(1, 3) nan=True"),
        ("shape@2", "(1, 1) nan=False"),
        ("slow=0.1@2", "(1, 3) nan=False"),
    ],
)
def test_faults(stage: Stage, fault: str, second: str) -> None:
    done = passed(stage, RUNS, stage.model("scaled"), **{FAULT: fault})
    good = "(1, 3) nan=False"
    assert values(done.stdout, "shape") == [good, second, good]
    assert ("(Code = 507011, " in done.stderr) == fault.startswith("error")


def test_fault_crash(stage: Stage) -> None:
    done = script(stage, RUNS, stage.model("scaled"), **{FAULT: "crash@2"})
    assert done.returncode == -signal.SIGSEGV
    assert values(done.stdout, "shape") == ["(1, 3) nan=False"]


def test_fault_hang(stage: Stage) -> None:
    path = stage.folder / "program.py"
    path.write_text(BEGIN + RUNS)
    process = subprocess.Popen(
        [sys.executable, path, stage.model("scaled")], cwd=stage.folder, env=stage.environ(**{FAULT: "hang@2"}),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        while not (line := process.stdout.readline()).startswith("shape="):
            assert line, "ended before its second run"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)  # The first run took a few milliseconds.
    finally:
        process.kill()
        process.communicate()


def test_reading_a_tensor_on_the_device_is_a_crash(stage: Stage) -> None:
    text = """
        base.mx_init()
        outputs = Model(sys.argv[1], 0).infer([Tensor(x)])
        print(f"device={outputs[0].device}", flush=True)
        print(np.array(outputs[0]))
    """
    done = script(stage, text, stage.model("scaled"))
    assert done.returncode == -signal.SIGSEGV
    assert done.stdout.endswith("device=0\n")
    assert "call to_host() first" in done.stderr


def test_names_are_where_programs_look_for_them(stage: Stage) -> None:
    done = passed(
        stage,
        """
        import base as plain, stream, mindx.sdk as sdk, mindx.sdk.stream
        from base import Image, Point, Rect, visionDataFormat
        from mindx.sdk import Model as Same, dtype, transpose
        assert (plain, stream) == (base, mindx.sdk.stream)
        assert (sdk.Tensor, sdk.model, Same, sdk.base) == (Tensor, base.model, Model, base)
        assert (Rect(1, 2, 30, 40).y1, Point(5, 6).x) == (40, 5)
        assert not hasattr(sdk, "nonsense") and not hasattr(base, "nonsense")
        print("fine")
        """,
    )
    assert done.stdout.splitlines()[-1] == "fine"


def test_a_model_from_memory(stage: Stage) -> None:
    om = stage.model("scaled")
    passed(
        stage,
        """
        base.mx_init()
        option = base.ModelLoadOptV2()
        option.loadType = base.load_model_from_mem
        for content in (open(sys.argv[1], "rb").read(), np.fromfile(sys.argv[1], np.int8)):
            option.modelPtr, option.modelSize = base.bytes_to_ptr(content), len(content)
            assert Model(option, 0).input_num == 1
        option.modelSize = 0
        try:
            Model(option, 0)
        except RuntimeError as error:
            assert "1007" in str(error)
        else:
            sys.exit("a model of no bytes was loaded")
        assert base.DeviceMemory(20).get_data()
        """,
        om,
    )


def test_text_of_the_log(stage: Stage) -> None:
    done = script(stage, "base.log.init(); base.log.warning('kept'); base.log.info('two\\nlines')")
    assert done.returncode == 1
    assert "invalid character" in done.stderr


def test_numbers_and_names_of_the_types(base: Any) -> None:
    assert {kind.name: kind.value for kind in base.dtype} == {
        "undefined": -1, "float32": 0, "float16": 1, "int8": 2, "int32": 3, "uint8": 4, "int16": 6,
        "uint16": 7, "uint32": 8, "int64": 9, "uint64": 10, "double": 11, "bool": 12,
    }  # fmt: skip
    assert all(getattr(base, kind.name) is kind for kind in base.dtype)
    assert (base.NCHW.value, base.NHWC.value) == (0, 1)


def test_what_is_lacking_can_be_named_not_used(base: Any) -> None:
    from mindx.sdk.base import BTensor, TextsInfo, VideoDecoder, VideoEncoder, log, post

    for use in (
        lambda: VideoEncoder(1, 2),
        lambda: post.Resnet50PostProcess("a", "b"),
        lambda: BTensor(X),
        lambda: TextsInfo(),
        lambda: VideoDecoder(),
        lambda: base.batch([BTensor], keep_dims=True),
    ):
        with pytest.raises(RuntimeError, match="the emulated SDK lacks it"):
            use()
    assert callable(log.info)


def test_lines_of_a_program(stage: Stage) -> None:
    done = passed(stage, "base.mx_init(); base.log.error(b'as bytes'); base.log.info('kept')")
    assert done.stderr.endswith(" program.py:6] as bytes\n")
    (info,) = (stage.folder / "user/log/mindxsdk/logs").glob("*.info.*")
    assert info.read_text().endswith(" program.py:6] kept\n")


@pytest.mark.parametrize(
    "name",
    [
        "mindx/sdk/base.py",
        *(f"omgate_emulator/base_{part}.py" for part in ("tensor", "operations", "operations_colours")),
    ],
)
def test_the_syntax_is_that_of_python_3_7(name: str) -> None:
    ast.parse((PYTHON / name).read_text(encoding="utf-8"), feature_version=(3, 7))
