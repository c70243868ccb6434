import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import parts
from cases.case import discover, load, load_all
from cases.errors import CaseError

HOUSE = Path(__file__).parents[2]

TEXT = """\
name = "tiny-made-up"
title = "Tiny"
title_zh = "小"
synthetic = true
backends = ["reference", "ckpt"]
metrics = ["mae", "rmse"]
strata = [100, 500]

[forms]
ckpt = "model/tiny.ckpt"
onnx = "model/tiny.onnx"

[network]
file = "network.py"
class = "Tiny"

[input]
shape = [1, 1, 64, 64]
layout = "NCHW"
pixels = "grey-uint8"

[output]
stride = 4

[preprocess]
policy = "pad-64"
above = "refuse"

[ground_truth]
rule = "raw-sum"

[data]
root = "data/tiny"

[data.density]
kind = "fixed"

[[gates]]
metric = "mae"
tolerance = 1.5
unit = "counts"

[limits]
open_seconds = 10
"""


def write(root: Path, text: str = TEXT, name: str = "tiny-made-up", model: str = "tiny") -> Path:
    folder = root / model
    (folder / "model").mkdir(parents=True, exist_ok=True)
    for suffix in ("ckpt", "onnx"):
        (folder / "model" / f"tiny.{suffix}").write_bytes(b"x")
    (folder / "network.py").write_text("class Layer: pass\nclass Tiny: pass\n")
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problem(root: Path, text: str) -> str:
    path = write(root, text)
    with pytest.raises(CaseError) as caught:
        load(path)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{path}:")
    return message.removeprefix(f"{path}:")


def test_a_case_is_loaded(tmp_path: Path) -> None:
    path = write(tmp_path)
    case = load(path)
    assert (case.name, case.title, case.title_zh, case.synthetic) == ("tiny-made-up", "Tiny", "小", True)
    assert (case.path, case.folder) == (path, path.parent)
    assert case.forms == parts.Forms(path.parent / "model/tiny.ckpt", path.parent / "model/tiny.onnx", None)
    assert case.network == parts.Network(path.parent / "network.py", "Tiny")
    assert case.input.size == (64, 64)
    assert case.data == parts.Data(path.parent / "data/tiny", parts.Density("fixed", 4.0, 15), None)
    assert case.strata == (100.0, 500.0)
    assert case.gates == (parts.Gate("mae", 1.5, "counts"),)
    assert case.limits == parts.Limits(10.0, 120.0)
    assert case.overridden == ()


@pytest.mark.parametrize("path", discover(), ids=lambda path: path.stem)
def test_the_projects_own_case_files_are_well_formed(path: Path, tmp_path: Path) -> None:
    """With stand-ins for the model's files, so that this says something about the case file alone."""
    text = path.read_text(encoding="utf-8")
    folder = tmp_path / path.parent.name
    (folder / "model").mkdir(parents=True)
    for form in tomllib.loads(text).get("forms", {}).values():
        (folder / form).write_bytes(b"x")
    for file in ("network.py", "infer/sdk/mcnn.pipeline"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes((path.parent / file).read_bytes())
    (folder / path.name).write_text(text, encoding="utf-8")
    case = load(folder / path.name)
    assert case.input.size == (1024, 1024)
    assert [gate.metric for gate in case.gates] == ["mae", "rmse"]
    assert case.synthetic == ("synthetic" in case.name)


def test_the_case_of_data_that_are_not_here_is_loaded_and_says_the_way_out() -> None:
    case = load(HOUSE / "cases" / "mcnn" / "mcnn-shanghaitech-a.toml")
    assert case.forms == parts.Forms()
    assert case.data.root == HOUSE / "cases/mcnn/data/shanghaitech/part_A/test_data"
    for said in (str(case.data.root), "omgate prepare shanghaitech", "--data=DIR"):
        assert said in case.data.way_out


def test_data_are_present_when_there_are_images(tmp_path: Path) -> None:
    case = load(write(tmp_path))
    assert not case.data.present
    (case.data.root / "images").mkdir(parents=True)
    assert case.data.present


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('policy = "pad-64"', 'polcy = "pad-64"', 'preprocess.polcy: unknown key; allowed are policy, above; the nearest is "policy"'),
        ("strata = [100, 500]", "starta = [1]", 'starta: unknown key; allowed are name, '),
        ('kind = "fixed"', 'metrics = ["mae"]', "data.density.metrics: unknown key; allowed are kind, sigma, kernel; it belongs above the first [table]"),
        ("open_seconds = 10", "stride = 4", "limits.stride: unknown key; allowed are open_seconds, image_seconds; it belongs under [output]"),
        ('"model/tiny.ckpt"', '"model/tinny.ckpt"', 'forms.ckpt: no such file: '),
        ('"model/tiny.ckpt"', '"model/tinny.ckpt"', 'the nearest is "tiny.ckpt"'),
        ('"model/tiny.ckpt"', '"model"', "model is a folder; allowed is a file"),
        ('"model/tiny.ckpt"', '"../else/tiny.ckpt"', 'forms.ckpt: seen "../else/tiny.ckpt", which leaves the model\'s folder'),
        ('"data/tiny"', '"data/../../x"', 'data.root: seen "data/../../x", which leaves the model\'s folder'),
        ('"data/tiny"', '".."', "which leaves the model's folder"),
        ('"data/tiny"', '"a\\u0000b"', "data.root: seen "),
        ('"network.py"', '"netwrk.py"', 'network.file: no such file'),
        ('class = "Tiny"', 'class = "Tinny"', 'network.class: seen "Tinny"; allowed is a class of network.py: Layer, Tiny; the nearest is "Tiny"'),
        ('class = "Tiny"', "", "network.class: missing; allowed is a text of one line"),
        ('unit = "counts"', "", 'gates[0].unit: missing; allowed is one of "counts", "%"'),
        ('unit = "counts"', 'unit = "count"', 'gates[0].unit: seen "count"; allowed is one of "counts", "%"; the nearest is "counts"'),
        ("tolerance = 1.5", 'tolerance = "1.5"', 'gates[0].tolerance: seen "1.5"; allowed is a number, 0 or more'),
        ("tolerance = 1.5", "tolerance = nan", "gates[0].tolerance: seen nan"),
        ("tolerance = 1.5", "tolerance = -1", "gates[0].tolerance: seen -1"),
        ("tolerance = 1.5", "tolerance = true", "gates[0].tolerance: seen true"),
        ('metric = "mae"', 'metric = "mea"', 'gates[0].metric: seen "mea"; allowed is one of "mae", "rmse"; the nearest is "mae"'),
        ('metrics = ["mae", "rmse"]', 'metrics = ["rmse"]', 'gates[0].metric: seen "mae"; allowed is a metric that metrics lists: rmse'),
        ('metrics = ["mae", "rmse"]', "metrics = []", "metrics: seen []; allowed is a list"),
        ('metrics = ["mae", "rmse"]', 'metrics = ["mae", "game4"]', 'metrics: seen "game4"; allowed are '),
        ('"reference", "ckpt"', '"reference", "om"', 'backends: seen "om"; allowed are "reference"'),
        ('"reference", "ckpt"', '"ckpt", "ckpt"', 'backends: seen "ckpt" twice'),
        ('"reference", "ckpt"', '"ckpt", 3', "backends: seen 3; allowed are"),
        ("synthetic = true", 'synthetic = "yes"', 'synthetic: seen "yes"; allowed is true or false'),
        ('title = "Tiny"', 'title = ""', 'title: seen ""; allowed is a text of one line'),
        ('name = "tiny-made-up"', 'name = "other"', 'name: seen "other"; allowed is "tiny-made-up", as the file is called'),
        ('name = "tiny-made-up"', "", "name: missing"),
        ("stride = 4", "stride = 3", "output.stride: seen 3; allowed are divisors of 64 (pad-64)"),
        ("stride = 4", "stride = 4.0", "output.stride: seen 4.0; allowed is a whole number from 1 to 64"),
        ("shape = [1, 1, 64, 64]", "shape = [1, 3, 64, 64]", "input.shape: seen [1, 3, 64, 64]; allowed is [1, 1, height, width]"),
        ("shape = [1, 1, 64, 64]", "shape = [1, 1, 64]", "input.shape: seen [1, 1, 64]"),
        ("shape = [1, 1, 64, 64]", "shape = [1, 1, 32, 64]", "preprocess.policy: pad-64 does not agree with input.shape = [1, 1, 32, 64]; allowed with it is input.shape = [1, 1, 64, 64]"),
        ('"pad-64"', '"native-4"', "allowed with it is input.shape = [1, 1, -1, -1]"),
        ('"pad-64"', '"pad"', 'preprocess.policy: seen "pad"; allowed is pad-N'),
        ('above = "refuse"', 'above = "refused"', 'the nearest is "refuse"'),
        ('"raw-sum"', '"raw_sum"', 'ground_truth.rule: seen "raw_sum"; allowed is one of "raw-sum", "resampled"; the nearest is "raw-sum"'),
        ("strata = [100, 500]", "strata = [500, 100]", "strata: seen [500, 100]; allowed is a list of rising numbers"),
        ("strata = [100, 500]", 'strata = "100"', 'strata: seen "100"'),
        ("open_seconds = 10", "open_seconds = 0", "limits.open_seconds: seen 0; allowed is a number above 0"),
        ('kind = "fixed"', "kernel = 14", "data.density.kernel: seen 14; allowed is an odd whole number"),
        ("[output]\nstride = 4", "output = 4" , "input.output: unknown key; allowed are shape, layout, pixels; it belongs above the first [table]"),
        ("[[gates]]", "[gates]", "gates: seen "),
        ("stride = 4", "stride = = 4", "23: no TOML: "),
        ("stride = 4", "stride = 4\nstride = 4", "24: no TOML: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_key(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert TEXT.count(old) == 1, old
    assert said in problem(tmp_path, TEXT.replace(old, new))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    text = TEXT.replace('[ground_truth]\nrule = "raw-sum"\n', "")
    assert problem(tmp_path, text) == "ground_truth: missing; allowed is a table, [ground_truth], with rule"
    without_gates = TEXT[: TEXT.index("[[gates]]")]
    assert problem(tmp_path, without_gates).startswith("gates: missing; allowed is at least one [[gates]]")


def test_a_second_gate_on_one_metric_is_refused(tmp_path: Path) -> None:
    gate = '[[gates]]\nmetric = "mae"\ntolerance = 1\nunit = "%"\n'
    assert problem(tmp_path, TEXT + gate).startswith(
        'gates[1].metric: seen "mae"; allowed is one gate a metric'
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"none.toml: can't be read: No such file"):
        load(tmp_path / "none.toml")
    path = write(tmp_path)
    path.write_bytes(b'name = "a"\n\xff')
    with pytest.raises(CaseError, match=r"tiny-made-up.toml:2: byte 0xff is no UTF-8"):
        load(path)


def test_a_network_that_is_no_python(tmp_path: Path) -> None:
    path = write(tmp_path)
    (path.parent / "network.py").write_text("class Tiny(:\n")
    with pytest.raises(CaseError, match=r"network.file: .*network.py is no Python"):
        load(path)


def test_a_native_case_has_no_size(tmp_path: Path) -> None:
    text = TEXT.replace("[1, 1, 64, 64]", "[1, 1, -1, -1]").replace('"pad-64"', '"native-4"')
    assert load(write(tmp_path, text)).input.size is None


def test_cases_are_found_and_their_names_are_unique(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, TEXT.replace("tiny-made-up", "alpha"), "alpha")
    assert [case.name for case in load_all(tmp_path)] == ["alpha", "tiny-made-up"]
    write(tmp_path, model="zebra")
    with pytest.raises(
        CaseError, match=r"zebra/tiny-made-up.toml:name: tiny-made-up is taken by .*tiny/tiny-made-up.toml"
    ):
        load_all(tmp_path)


def test_the_digest_follows_what_decides_accuracy_alone(tmp_path: Path) -> None:
    def digest(old: str = "", new: str = "") -> str:
        return load(write(tmp_path, TEXT.replace(old, new) if old else TEXT)).digest()

    base = digest()
    assert len(base) == 32
    assert digest("tolerance = 1.5", "tolerance = 9") == base
    assert digest('title = "Tiny"', 'title = "T"') == base
    assert digest("open_seconds = 10", "open_seconds = 99") == base
    assert digest('"raw-sum"', '"resampled"') != base
    assert digest('"pad-64"', '"resize-64"') != base
    assert digest('above = "refuse"', 'above = "downscale"') != base
    assert digest("stride = 4", "stride = 2") != base
    assert digest('kind = "fixed"', 'kind = "adaptive"') != base


def test_the_command_line_overrides_and_stamps(tmp_path: Path) -> None:
    case = load(write(tmp_path))
    other = tmp_path / "mine.onnx"
    other.write_bytes(b"y")
    (tmp_path / "data").mkdir()
    changed = case.with_overrides(onnx=other, data=tmp_path / "data")
    assert changed.name == case.name
    assert changed.overridden == ("onnx", "data")
    assert (changed.forms.onnx, changed.forms.ckpt) == (other, case.forms.ckpt)
    assert changed.data.root == tmp_path / "data"
    assert not changed.synthetic
    assert (case.overridden, case.synthetic) == ((), True)
    assert changed.with_overrides(ckpt=other).overridden == ("ckpt", "onnx", "data")


def test_what_is_the_cases_own_is_no_override(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = load(write(tmp_path))
    case.data.root.mkdir(parents=True)
    monkeypatch.chdir(case.folder)
    assert case.with_overrides() == case
    assert case.with_overrides(ckpt=Path("model/tiny.ckpt"), data=Path("data/tiny")) == case


def test_an_override_that_is_not_there_is_refused(tmp_path: Path) -> None:
    case = load(write(tmp_path))
    with pytest.raises(CaseError, match=r"--ckpt=none.ckpt: no such file"):
        case.with_overrides(ckpt=Path("none.ckpt"))
    with pytest.raises(CaseError, match=r"--om=.*: is a folder"):
        case.with_overrides(om=tmp_path)
    with pytest.raises(CaseError, match=r"--data=none: no such folder"):
        case.with_overrides(data=Path("none"))


VALUES = st.sampled_from(
    ["0", "-1", "1e400", "nan", '""', '"a\\nb"', "[]", "[[]]", "{}", "true", "1979-05-27", '"../x"', "9" * 400, '["mae", 1]', "{ a = 1 }"]
)  # fmt: skip


@given(st.integers(0, TEXT.count("\n") - 1), VALUES | st.none())
@settings(max_examples=120, deadline=None)
def test_any_value_anywhere_gives_a_case_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, line: int, value: str | None
) -> None:
    lines = TEXT.split("\n")
    lines[line] = f"{lines[line].split('=')[0]}= {value}" if value and "=" in lines[line] else ""
    check(tmp_path_factory, "\n".join(lines).encode())


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=60, deadline=None)
def test_any_bytes_give_a_case_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    check(tmp_path_factory, content)
    check(tmp_path_factory, content + b"\n" + TEXT.encode())


def assert_one_line(error: Exception, start: str) -> None:
    assert str(error).isprintable()
    assert str(error).startswith(start)


def check(factory: pytest.TempPathFactory, content: bytes) -> None:
    path = write(factory.mktemp("case"))
    path.write_bytes(content)
    try:
        load(path)
    except CaseError as error:
        assert_one_line(error, f"{path}:")
