"""The emulated home's C++ library: programs of both generations and both interfaces, compiled and run."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.bench.emulator.graphs import scaled_in_half
from tests.bench.emulator.mxbase_home import (
    FAULT,
    PROGRAMS,
    STRICT,
    Stage,
    compiled,
    pairs,
    three_inputs,
    values,
)

INCLUDE = {"old": "include-old", "new": "include", "v2": "include", "parts": "include"}
X = np.array([[1.5, -2.25, 7]], np.float32)
WARNING = "WARNING: Logging before InitGoogleLogging() is written to STDERR"
LINE = re.compile(r"^([IWEF])(\d{4}|\d{8}) (\d\d:\d\d:\d\d\.\d{6})\s+(\S+) ([^:\]]+):(\d+)\] (.*)$")

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here: apt-get install g++")


@pytest.fixture(scope="module")
def program(mxbase_library: Path, emulated_home: Path) -> Callable[[str], Path]:
    """Compile a program of cpp/ once; what it is built against depends on its generation."""

    def build(name: str) -> Path:
        target = mxbase_library / name
        if not target.exists():
            done = compiled(
                *STRICT, "-std=c++11", f"-I{emulated_home / INCLUDE[name]}", PROGRAMS / f"{name}.cpp",
                f"-L{mxbase_library}", "-lmxbase", "-Wl,-rpath", f"-Wl,{mxbase_library}", "-o", target,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        return target

    return build


@pytest.fixture
def stage(emulated_home: Path, tmp_path: Path) -> Stage:
    return Stage(emulated_home, tmp_path)


def result(stage: Stage, run: int = 1, index: int = 0) -> np.ndarray:
    return np.fromfile(stage.folder / f"out.{run}.{index}", np.float32)


@pytest.mark.parametrize("standard", ["c++11", "c++20"])
@pytest.mark.parametrize("generation", ["include", "include-old"])
def test_all_headers_compile_without_a_warning(
    emulated_home: Path, tmp_path: Path, generation: str, standard: str
) -> None:
    folder = emulated_home / generation
    headers = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.h"))
    source = tmp_path / "all.cpp"
    source.write_text("".join(f'#include "{header}"\n' for header in [*headers, *reversed(headers)]))
    done = compiled(*STRICT, "-Wshadow", f"-std={standard}", "-fsyntax-only", f"-I{folder}", source)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "text",
    [
        '#include "MxBase/Tensor/TensorContext/TensorContext.h"\n',
        '#include "MxBase/ErrorCode/ErrorCode.h"\nstd::string text = GetError(1001);\n',
        '#include "MxBase/MemoryHelper/MemoryHelper.h"\n'
        "MxBase::MemoryData data;\nint code = MxBase::MemoryHelper::Malloc(data);\n",
    ],
)
def test_what_7_0_removed_is_there_for_older_programs_alone(
    emulated_home: Path, tmp_path: Path, text: str
) -> None:
    source = tmp_path / "removed.cpp"
    source.write_text(text)
    codes = [
        compiled("-std=c++11", "-fsyntax-only", f"-I{emulated_home / folder}", source).returncode
        for folder in ("include-old", "include")
    ]
    assert codes == [0, 1]


def test_the_library_is_not_taken_for_the_real_one(
    mxbase_library: Path, program: Callable[[str], Path], stage: Stage
) -> None:
    needed = subprocess.run(
        ["readelf", "-d", program("old")], capture_output=True, text=True, check=True
    ).stdout
    assert "[libmxbase_emulated.so]" in needed
    assert "[libmxbase.so]" not in needed
    assert values(stage.run([program("parts")]).stdout, "name") == ["emulated"]


def test_the_three_styles_and_python_give_the_same_bits(program: Callable[[str], Path], stage: Stage) -> None:
    inputs = stage.inputs(three_inputs())
    model = stage.model("three")
    found = {}
    for name, runs in (("old", 1), ("new", 0), ("v2", 1)):
        done = stage.run([program(name), model, runs, stage.folder / name, *inputs])
        assert done.returncode == 0, done.stderr
        found[name] = [(stage.folder / f"{name}.1.{index}").read_bytes() for index in range(3)]
    script = stage.folder / "run.py"
    script.write_text(
        "import sys, numpy as np\nfrom mindx.sdk import base\nassert base.mx_init() == 0\n"
        "model = base.model(sys.argv[1], 0)\n"
        "shapes = [((16, 4), 'i4'), ((16, 4), 'u1'), ((16, 1), 'f4')]\n"
        "tensors = [base.Tensor(np.fromfile(f, k).reshape(s)) for f, (s, k) in zip(sys.argv[2:], shapes)]\n"
        "for index, tensor in enumerate(model.infer(tensors)):\n"
        "    tensor.to_host()\n    np.array(tensor).tofile('python.1.%d' % index)\n"
    )
    done = stage.run([sys.executable, script, model, *inputs])
    assert done.returncode == 0, done.stderr
    found["python"] = [(stage.folder / f"python.1.{index}").read_bytes() for index in range(3)]
    assert [len(part) for part in found["old"]] == [256, 256, 128]
    assert found["new"] == found["old"]
    assert found["v2"] == found["old"]
    assert found["python"] == found["old"]


def test_an_old_program_step_by_step(program: Callable[[str], Path], stage: Stage) -> None:
    done = stage.run([program("old"), stage.model("scaled"), 2, "out", *stage.inputs([X])])
    one_run = [
        ("infer", "0"),
        ("device_before", "1"),
        ("host_after", "1"),
        ("type", "0"),
        ("rank", "2"),
        ("bytes", "12"),
    ]
    begin = [("devices", "0"), ("context", "0"), ("dvpp", "0"), ("load", "0")]
    assert pairs(done.stdout) == [*begin, *one_run, *one_run, ("unload", "0"), ("destroy", "0")]
    assert done.returncode == 0
    for run in (1, 2):
        np.testing.assert_array_equal(result(stage, run), scaled_in_half(X)[0])


def test_a_new_program_after_its_devices_are_gone(program: Callable[[str], Path], stage: Stage) -> None:
    done = stage.run([program("new"), stage.model("scaled"), 0, "out", *stage.inputs([X])])
    np.testing.assert_array_equal(result(stage), scaled_in_half(X)[0])
    assert pairs(done.stdout)[-3:] == [("destroy", "0"), ("destroy_again", "0"), ("infer_after", "-1")]


@pytest.mark.parametrize(("batch", "code"), [(2, "0"), (4, "-1"), (3, "-1"), (0, "-1")])
def test_batch_gears(program: Callable[[str], Path], stage: Stage, batch: int, code: str) -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    done = stage.run([program("new"), stage.model("gears"), batch, "out", *stage.inputs([x])])
    assert values(done.stdout, "dynamic") == ["1"]
    assert values(done.stdout, "gears") == ["3"]
    assert values(done.stdout, "formats") == ["2 2"]  # ND, by ACL's numbers
    assert values(done.stdout, "infer") == [code], done.stderr
    if code == "0":
        np.testing.assert_array_equal(result(stage)[:6], scaled_in_half(x).reshape(-1))


def test_a_fixed_batch_refuses_the_default_of_dynamic_info(
    program: Callable[[str], Path], stage: Stage
) -> None:
    done = stage.run([program("new"), stage.model("scaled"), 1, "out", *stage.inputs([X])])
    assert values(done.stdout, "infer") == ["-1"]
    assert "STATIC_BATCH" in done.stderr


def test_number_and_bytes_of_the_inputs_are_checked(program: Callable[[str], Path], stage: Stage) -> None:
    short, good = stage.inputs([X[:, :2].copy(), X])
    for files, said in (([short], "input x has 8 bytes"), ([good, good], "2 inputs and 1 outputs")):
        done = stage.run([program("new"), stage.model("scaled"), 0, "out", *files])
        assert values(done.stdout, "infer") == ["-1"]
        assert said in done.stderr


def test_of_a_larger_input_the_first_bytes_count(program: Callable[[str], Path], stage: Stage) -> None:
    inputs = stage.inputs([np.concatenate([X, X + 9], axis=1)])
    done = stage.run([program("new"), stage.model("scaled"), 0, "out", *inputs])
    assert values(done.stdout, "infer") == ["0"]
    np.testing.assert_array_equal(result(stage), scaled_in_half(X)[0])
    assert "input x has 24 bytes, the model wants 12: the first of them are taken." in done.stderr


def bad_model(stage: Stage, kind: str) -> Path:
    path = stage.folder / "bad.om"
    if kind != "missing":
        path.write_bytes(stage.model("scaled").read_bytes()[:100] if kind == "damaged" else b"IMOD genuine")
        path.chmod(0o644 if kind == "rights" else 0o640)
    return path


@pytest.mark.parametrize(
    ("kind", "code"), [("missing", "1016"), ("damaged", "18"), ("genuine", "18"), ("rights", "1010")]
)
def test_a_model_that_does_not_load(
    program: Callable[[str], Path], stage: Stage, kind: str, code: str
) -> None:
    path = bad_model(stage, kind)
    inputs = stage.inputs([X])
    first = stage.run([program("old"), path, 1, "out", *inputs])
    assert (first.returncode, pairs(first.stdout)[-1]) == (1, ("load", code))
    second = stage.run([program("v2"), path, 1, "out", *inputs])
    assert "(Code = 1013, " in values(second.stdout, "thrown")[0]
    assert f"(Code = {code}, " in second.stderr


@pytest.mark.parametrize("load_type", ["1", "2", "3", "4"])
def test_a_model_by_its_load_options(
    program: Callable[[str], Path], stage: Stage, load_type: str, tmp_path: Path
) -> None:
    command = [program("v2"), stage.model("scaled"), 1, "out", *stage.inputs([X])]
    left = tmp_path / "left"
    left.mkdir()
    done = stage.run(command, LOAD_TYPE=load_type, TMPDIR=str(left))
    assert values(done.stdout, "outputs") == ["1"], done.stdout + done.stderr
    np.testing.assert_array_equal(result(stage), scaled_in_half(X)[0])
    assert list(left.glob("omgate-*")) == []


@pytest.mark.parametrize("more", [{"LOAD_TYPE": "3", "LOAD_SIZE": "0"}, {"LOAD_TYPE": "7"}])
def test_load_options_that_name_no_model(
    program: Callable[[str], Path], stage: Stage, more: dict[str, str]
) -> None:
    command = [program("v2"), stage.model("scaled"), 1, "out", *stage.inputs([X])]
    done = stage.run(command, **more)
    assert "(Code = 1013, " in values(done.stdout, "thrown")[0]
    assert "(Code = 1004, " in done.stderr


def test_without_a_device_or_a_home(program: Callable[[str], Path], stage: Stage) -> None:
    command = [program("old"), stage.model("scaled"), 1, "out", *stage.inputs([X])]
    for code, more in (
        ("1013", {FAULT: "device-missing"}),
        ("1028", {"MX_SDK_HOME": ""}),
        ("1004", {"MX_SDK_HOME": str(stage.folder)}),
        ("1004", {FAULT: "nonsense"}),
    ):
        done = stage.run(command, **more)
        assert (done.returncode, pairs(done.stdout)) == (1, [("devices", code)]), done.stderr
    assert "crash@K" in done.stderr  # What is allowed is listed.
    second = stage.run([program("v2"), *command[1:]], **{FAULT: "device-missing"})
    assert (second.returncode, values(second.stdout, "init")) == (1, ["1013"])


def faulty(stage: Stage, program: Path, fault: str, runs: int = 3) -> subprocess.CompletedProcess[str]:
    command = [program, stage.model("scaled"), runs, "out", *stage.inputs([X])]
    return stage.run(command, **{FAULT: fault})


def test_fault_error(program: Callable[[str], Path], stage: Stage) -> None:
    done = faulty(stage, program("old"), "error=507011@2")
    assert values(done.stdout, "infer") == ["0", "-1", "0"]  # ACL's own code is in the log alone.
    assert "(Calling Function = aclmdlExecute, Code = 507011, " in done.stderr
    assert values(done.stdout, "failed_run") == ["2"]
    assert values(faulty(stage, program("v2"), "error=1001@2").stdout, "outputs") == ["1", "0", "1"]


def test_fault_empty(program: Callable[[str], Path], stage: Stage) -> None:
    done = faulty(stage, program("old"), "empty@2")
    assert values(done.stdout, "bytes") == ["12", "0", "12"]
    assert values(done.stdout, "rank") == ["2", "2", "2"]
    assert values(done.stdout, "failed_run") == ["2"]  # Nothing can be copied to the host.
    assert values(faulty(stage, program("v2"), "empty@2").stdout, "outputs") == ["1", "0", "1"]


def test_fault_shape(program: Callable[[str], Path], stage: Stage) -> None:
    done = faulty(stage, program("old"), "shape@2")
    assert values(done.stdout, "bytes") == ["12", "4", "12"]
    done = faulty(stage, program("v2"), "shape@2")
    assert values(done.stdout, "outputs") == ["1", "1", "1"]
    assert [result(stage, run).nbytes for run in (1, 2, 3)] == [12, 4, 12]


@pytest.mark.parametrize("name", ["old", "v2"])
def test_fault_nan(program: Callable[[str], Path], stage: Stage, name: str) -> None:
    assert faulty(stage, program(name), "nan@2", 2).returncode == 0
    assert not np.isnan(result(stage, 1)).any()
    assert np.isnan(result(stage, 2)).all()


@pytest.mark.parametrize("name", ["old", "v2"])
def test_fault_crash(program: Callable[[str], Path], stage: Stage, name: str) -> None:
    assert faulty(stage, program(name), "crash@2").returncode == -signal.SIGSEGV
    assert (stage.folder / "out.1.0").exists()
    assert not (stage.folder / "out.2.0").exists()


@pytest.mark.parametrize(("name", "fault"), [("old", "hang@2"), ("v2", "slow=60@2")])
def test_fault_hang_and_slow(program: Callable[[str], Path], stage: Stage, name: str, fault: str) -> None:
    command = [program(name), stage.model("scaled"), "3", "out", *stage.inputs([X])]
    process = subprocess.Popen(
        [str(word) for word in command], cwd=stage.folder, env=stage.environ(**{FAULT: fault}),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        while "type=0" not in (line := process.stdout.readline()) and "to_host=0" not in line:
            assert line, "ended before its second run"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)  # The first run took a few milliseconds.
    finally:
        process.kill()
        process.communicate()
    assert not (stage.folder / "out.2.0").exists()


def test_lines_before_the_log_is_begun_go_to_stderr(program: Callable[[str], Path], stage: Stage) -> None:
    done = stage.run([program("parts")])
    lines = done.stderr.splitlines()
    assert lines[0] == WARNING
    found = [LINE.match(line) for line in lines[1:]]
    assert all(found), done.stderr
    ours = [(line[1], line[7]) for line in found if line and line[5] == "parts.cpp"]
    assert ours == [
        ("I", "an if without braces"),
        ("I", "debug 0"),
        ("I", "debug 1"),
        ("W", "ends its line"),
    ]


def test_lines_after_the_log_is_begun_go_to_files(program: Callable[[str], Path], stage: Stage) -> None:
    command = [program("v2"), stage.model("scaled"), 1, "out", *stage.inputs([X])]
    done = stage.run(command)
    assert done.stdout.splitlines()[0] == "Begin to initialize Log."
    assert "Save logs information to specified directory." in done.stdout
    assert done.stderr == ""
    (file,) = (stage.folder / "user" / "log" / "mindxsdk" / "logs").iterdir()
    assert re.fullmatch(r"mxsdk\.log\.v2\.info\.\d{8}-\d{6}\.\d+", file.name)
    assert file.stat().st_mode & 0o777 == 0o400
    last = LINE.match(file.read_text().splitlines()[-1])
    assert last is not None
    assert (last[1], last[5], last[7]) == ("I", "v2.cpp", "run 1")
    failed = stage.run(command, WRONG_TYPE="1")
    assert values(failed.stdout, "outputs") == ["0"]
    assert "input x has element type 3, the model wants 0" in failed.stderr


def test_logging_conf_of_the_working_folder(program: Callable[[str], Path], stage: Stage) -> None:
    conf = stage.folder / "config" / "logging.conf"
    conf.parent.mkdir()
    conf.write_text(
        "log_dir=here # below HOME\nconsole_level=0\nbase_filename=own.\nlog_flow_control_frequency=2\n"
    )
    conf.chmod(0o640)
    done = stage.run([program("v2"), stage.model("scaled"), 3, "out", *stage.inputs([X])])
    # Of each place in the source every second line is kept, from the first on.
    assert re.findall(r"\] (begun|run \d)\n", done.stderr) == ["begun", "run 1", "run 3"]
    assert [path.name[:8] for path in (stage.folder / "user/log/mindxsdk/here").iterdir()] == ["own.v2.i"]
    conf.chmod(0o644)  # Others may read it: passed over.
    done = stage.run([program("v2"), stage.model("scaled"), 1, "out", *stage.inputs([X])])
    assert done.stderr == ""


def test_memory_tensors_and_texts_of_codes(program: Callable[[str], Path], stage: Stage) -> None:
    found = dict(pairs(stage.run([program("parts")]).stdout))
    wanted = {
        "malloc_0": "1004", "malloc_device": "2", "malloc_new": "0", "memset_9": "1004",
        "copy_8_to_4": "26", "small_is_null": "1", "seven": "7", "free": "0", "free_again": "1003",
        "value_1_2": "5", "value_vector": "1", "value_out": "1009", "value_double": "1001", "to_device": "0",
        "shared_is_device": "1", "shared_device_id": "0", "value_on_device": "1001", "to_device_3": "0",
        "now_device": "3", "to_device_4": "1004",
        "to_host": "0", "sum": "15", "stack_rank": "3", "concat_rows": "4", "planned_copy": "1004",
        "empty_to_host": "1003", "bare_type": "11",
        "roomy_bytes": "16", "roomy_valid": "1004", "roomy_stack": "0", "roomy_sum": "12", "scant_bytes": "40",
        "scant_value": "1009", "scant_stack": "1004",
        "turned_rows": "3", "turned_1": "3", "transpose_twice_0": "1004", "batch_rows": "6",
        "set_float": "1004", "set_int": "0", "borrowed": "9", "free_tensor_again": "1003",
        "is310": "0", "check_3": "0", "check_4": "1004", "decode": "1005",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    numbers = np.array([1, -2, 65504, 65520, 6e-8, 0.1, 2049, 2051], np.float32)
    with np.errstate(over="ignore"):
        halves = numbers.astype(np.float16).view(np.uint16)
    assert found["half_bits"] == "".join(f"{bits}," for bits in halves)
    assert found["info"] == ' (Code = 1001, Message = "General Failed") '
    assert found["info_acl"].startswith(" (Calling Function = aclmdlExecute, Code = 500000, Message = ")
    assert found["info_negative"].startswith(" (Code = 0xFFFFFFFE, ")
