"""Attribution end to end on a tiny deliverable with the emulated OM backends: an injected fault is found in its own rung."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.attribution.free import free_size
from bench.attribution.measure import PIXELS_A_WORKER, Counts, _parts
from bench.attribution.plan import HALF, Findings, ladder
from bench.attribution.tracing import tracings
from bench.selection import Selected
from cases.case import Case, load_all
from cases.dataset import Sample
from cases.errors import OmgateError
from reports.attribution import Absent, Attribution, Rung
from reports.ladder import Counted, Step
from reports.record import read
from reports.run import Run
from tests.bench import tiny

onnx = pytest.importorskip("onnx")

SHIFTED = """
import cases.preprocess

right = cases.preprocess.apply

def shifted(image, geometry):
    pixels = right(image, geometry)
    if geometry.policy.startswith("pad"):
        pixels[..., 20:, :] = pixels[..., :-20, :].copy()
        pixels[..., :20, :] = 0
    return pixels

cases.preprocess.apply = shifted
"""
"""A pytest plugin: padding that puts the image 20 pixels too low, so that 12 of its 48 rows are lost."""


def trace(cases: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`pytest bench/ -k attribution --attribution`; `path` holds a plugin of the test's own."""
    environment = tiny.environment(cases)
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(path), environment.get("PYTHONPATH"))))
    return subprocess.run(
        tiny.command(cases, "-k", "attribution", "--attribution", *arguments),
        cwd=tiny.HOUSE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def found(cases: Path) -> Attribution:
    (attribution,) = read(tiny.newest(cases)).run.attribution
    return attribution


def rungs(attribution: Attribution) -> dict[str, Rung]:
    """By what they change; each changes one thing."""
    assert all(len(rung.factors) == 1 for rung in attribution.rungs)
    return {rung.factors[0]: rung for rung in attribution.rungs}


def scale_weights(path: Path, first: float, second: float) -> None:
    """Multiplies the weights of the tiny model's two convolutions."""
    model = onnx.load(str(path))
    for tensor, factor in zip(model.graph.initializer, (first, second), strict=True):
        values = onnx.numpy_helper.to_array(tensor) * np.float32(factor)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(model, str(path))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The deliverable without a fault, traced on all that can run here; its `cases` folder and what the run said."""
    cases = tiny.house(tmp_path_factory.mktemp("sound"))
    tiny.add_om(cases)
    done = trace(cases, "--emulate", "--backend=om-sdk")
    assert done.returncode == 0, done.stdout + done.stderr
    return cases, done.stdout


def test_every_factor_that_can_run_has_a_rung(sound: tuple[Path, str]) -> None:
    attribution = found(sound[0])
    assert list(rungs(attribution)) == ["ground-truth", "preprocessing", "precision", "runtime", "pipeline"]
    assert (attribution.start, attribution.end) == (
        "reference FP32, native-2, resampled",
        "om-sdk FP16 (emulated), pad-64, raw-sum",
    )
    assert (attribution.n, attribution.expected, attribution.warnings) == (5, 5, ())
    (framework,) = attribution.absent
    assert (framework.factor, framework.share) == ("framework", "outside")
    assert "network is not set" in framework.reason


def test_the_end_of_the_ladder_is_what_the_backend_measured(sound: tuple[Path, str]) -> None:
    record = read(tiny.newest(sound[0]))
    summary = record.run.summary("tiny-blobs", "om-sdk")
    assert summary is not None
    attribution = found(sound[0])
    assert attribution.mae_end == pytest.approx(summary.mae, rel=1e-12)
    assert attribution.bias_end == pytest.approx(summary.bias, rel=1e-12)
    total = sum(rung.mae_change for rung in attribution.rungs)
    assert total == pytest.approx(attribution.mae_change, rel=1e-9, abs=1e-9 * attribution.mae_end)


def test_a_pass_of_its_own_is_no_result_of_the_run(sound: tuple[Path, str]) -> None:
    record = read(tiny.newest(sound[0]))
    assert {image.backend for image in record.images} == {"om-sdk"}
    assert [entry.name for entry in record.run.backends] == ["om-sdk"]


def test_the_emulated_om_is_the_fp16_graph_of_the_reference(sound: tuple[Path, str]) -> None:
    """So its runtime and its pipeline change nothing, and what FP16 does is in its own rung alone."""
    by = rungs(found(sound[0]))
    assert (by["runtime"].changed, by["runtime"].mae_change) == (0, 0.0)
    assert (by["pipeline"].changed, by["pipeline"].mae_change) == (0, 0.0)
    assert by["precision"].changed > 0


def test_the_terminal_shows_the_ladder(sound: tuple[Path, str]) -> None:
    lines = sound[1].splitlines()
    first = next(
        at for at, line in enumerate(lines) if line.startswith("attribution of tiny-blobs, 5 images")
    )
    names = [line.split("  ")[0] for line in lines[first + 1 : first + 9]]
    assert names == ["rung", "start", "ground-truth rule", "preprocessing", "precision", "runtime and graph compiler", "pipeline", "sum"]  # fmt: skip
    assert "framework has no rung of its own" in sound[1]


def test_a_padding_fault_is_attributed_to_preprocessing(sound: tuple[Path, str], tmp_path: Path) -> None:
    cases = tiny.house(tmp_path)
    tiny.add_om(cases)
    (tmp_path / "shifted_padding.py").write_text(SHIFTED, encoding="utf-8")
    done = trace(cases, "--emulate", "-p", "shifted_padding", path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    right, wrong = rungs(found(sound[0])), rungs(found(cases))
    others = [rung for factor, rung in wrong.items() if factor not in ("ground-truth", "preprocessing")]
    lost = wrong["preprocessing"].bias_change - right["preprocessing"].bias_change
    assert lost < -1
    assert all(abs(rung.bias_change) < abs(lost) / 20 for rung in others)
    assert wrong["ground-truth"].bias_change == right["ground-truth"].bias_change
    assert wrong["preprocessing"].changed == 5


def test_an_fp16_fault_is_attributed_to_precision(sound: tuple[Path, str], tmp_path: Path) -> None:
    """The same function in FP32, but weights of 2.5e-7, of which FP16 (steps of 6e-8 down there) loses 5 %."""
    cases = tiny.house(tmp_path)
    tiny.add_om(cases)
    scale_weights(cases / "tiny" / "model" / "tiny.onnx", 100, 0.01)
    done = trace(cases, "--emulate")
    assert done.returncode == 0, done.stdout + done.stderr
    right, wrong = rungs(found(sound[0])), rungs(found(cases))
    assert wrong["precision"].bias_change < 20 * right["precision"].bias_change < 0
    assert wrong["precision"].bias_high is not None
    assert wrong["precision"].bias_high < 0
    assert (wrong["runtime"].mae_change, wrong["pipeline"].mae_change) == (0.0, 0.0)
    assert wrong["preprocessing"].bias_change == pytest.approx(right["preprocessing"].bias_change, rel=1e-4)


def test_an_image_that_overflows_in_fp16_is_left_out_and_named(tmp_path: Path) -> None:
    """Only pictures with a bright blob reach 65,504; without the OM backends the ladder ends in FP16 on the reference."""
    cases = tiny.house(tmp_path)
    scale_weights(cases / "tiny" / "model" / "tiny.onnx", 290, 1 / 290)
    done = trace(cases)
    assert done.returncode == 0, done.stdout + done.stderr
    attribution = found(cases)
    assert 0 < attribution.n < attribution.expected == 5
    assert {rung.n for rung in attribution.rungs} == {attribution.n}
    (warning,) = attribution.warnings
    assert "reference FP16 (rounded)" in warning
    assert "no finite density map" in warning
    assert f"left out, {5 - attribution.n} of 5 images" in done.stdout
    shares = {absent.factor: absent.share for absent in attribution.absent}
    assert shares == {"framework": "outside", "runtime": "outside", "pipeline": "outside"}


def test_a_finished_run_gets_its_attribution_later(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=3)
    tiny.measure(cases, "--backend=reference")
    run = tiny.newest(cases)
    before = (run / "images.jsonl").read_bytes()
    assert read(run).run.attribution == ()
    done = tiny.measure(cases, f"--resume={run.name}", "--attribution")
    assert "test_attribution.py ." in done.stdout
    after = read(run).run
    assert (run / "images.jsonl").read_bytes() == before
    assert after.finished is not None
    assert [rung.factors for rung in after.attribution[0].rungs] == [
        ("ground-truth",),
        ("preprocessing",),
        ("precision",),
    ]


def test_without_the_option_nothing_is_traced(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=1)
    listed = tiny.measure(cases, "--collect-only", "-q").stdout
    assert "test_accuracy[tiny-blobs-reference]" in listed
    assert "test_attribution" not in listed
    asked = tiny.measure(cases, "-k", "attribution")
    assert (asked.returncode, "--attribution" in asked.stderr) == (4, True)


def test_a_ladder_that_cannot_be_built_fails_under_gate_and_says_why(tmp_path: Path) -> None:
    cases = tiny.house(tmp_path, images=1)
    (cases / "tiny" / "data" / "images" / "IMG_1.jpg").write_bytes(b"no picture")
    done = trace(cases, "--gate")
    assert (done.returncode, "1 failed" in done.stdout) == (1, True)
    assert "cannot-tell: no-attribution: tiny-blobs: fewer than two ways" in done.stdout
    assert read(tiny.newest(cases)).run.attribution == ()


# --- the parts ---


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_all(tiny.house(tmp_path_factory.mktemp("case"), images=1))[0]


def test_a_case_is_traced_once_where_one_of_its_backends_is_here(case: Case) -> None:
    both = [Selected(case, "reference"), Selected(case, "ckpt", "no MindSpore")]
    assert [(tracing.name, tracing.missing) for tracing in tracings(both)] == [("tiny-blobs", "")]
    assert tracings(both[1:])[0].missing == "no MindSpore"


def test_the_freed_graph_computes_the_same_and_takes_other_sizes(case: Case) -> None:
    import onnxruntime

    assert case.forms.onnx is not None
    content = case.forms.onnx.read_bytes()

    def run(graph: bytes, image: Any) -> Any:
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": image})[0]

    freed = free_size(content, "tiny.onnx")
    image = np.random.default_rng(1).integers(0, 256, (1, 1, 64, 64)).astype(np.float32)
    assert np.array_equal(run(freed, image), run(content, image))
    assert run(freed, image[..., :48, :60]).shape == (1, 1, 24, 30)


def test_what_is_no_onnx_cannot_be_freed() -> None:
    with pytest.raises(OmgateError, match=r"model\.onnx: its input size can't be left open"):
        free_size(b"\x08\x01garbage", "model.onnx")


def test_a_worker_gets_so_many_pixels_of_distinct_sizes() -> None:
    side = 1000
    samples = [Sample(f"IMG_{number}", None, None) for number in range(12)]
    sizes = {sample.name: (side, side + at // 2) for at, sample in enumerate(samples)}
    parts = list(_parts(samples, sizes))
    assert [sample for part in parts for sample in part] == samples
    assert len(parts) == 2
    for part in parts:
        distinct = {sizes[sample.name] for sample in part}
        assert sum(height * width for height, width in distinct) <= PIXELS_A_WORKER
    huge = {sample.name: (9000, 9000 + at) for at, sample in enumerate(samples)}
    assert [len(part) for part in _parts(samples, huge)] == [1] * 12


COUNTS = Counts({"a": Counted(1.0)}, {}, {"a": 1.0}, {"a": (8, 8)})


def planned(native: Counts | str | None = COUNTS, **runners: Counts | str) -> list[str]:
    """The ladder of some findings in short: a step as its label's first word and factor, an absent factor with its share."""
    found = {"ckpt": "x", "reference": "x", HALF: "x", "om_mxbase": "x", "om_sdk": "x", **runners}
    findings = Findings(
        policy="pad-64",
        rule="raw-sum",
        native_policy="native-2",
        runners={name.replace("_", "-"): value for name, value in found.items()},
        native=native,
        start_true={"a": 2.0},
    )
    return [
        f"{item.label.split(' ')[0]}:{item.factor}"
        if isinstance(item, Step)
        else f"({item.factor} {item.share})"
        for item in ladder(findings)
    ]


def test_the_whole_ladder() -> None:
    every = {"ckpt": COUNTS, "reference": COUNTS, HALF: COUNTS, "om_mxbase": COUNTS, "om_sdk": COUNTS}
    assert planned(**every) == [
        "ckpt:None",
        "ckpt:ground-truth",
        "ckpt:preprocessing",
        "reference:framework",
        "reference:precision",
        "om-mxbase:runtime",
        "om-sdk:pipeline",
    ]


def test_what_is_missing_is_merged_between_and_outside_at_the_ends() -> None:
    assert planned(ckpt=COUNTS, om_mxbase=COUNTS) == [
        "ckpt:None",
        "ckpt:ground-truth",
        "ckpt:preprocessing",
        "(framework merged)",
        "(precision merged)",
        "om-mxbase:runtime",
        "(pipeline outside)",
    ]
    assert planned("fixed input", om_sdk=COUNTS) == [
        "om-sdk:None",
        "om-sdk:ground-truth",
        "(preprocessing outside)",
        "(framework outside)",
        "(precision outside)",
        "(runtime outside)",
        "(pipeline outside)",
    ]
    assert planned("nothing here") == [f"({factor} outside)" for factor in ("framework", "precision", "runtime", "pipeline")]  # fmt: skip


def test_a_case_that_is_the_published_evaluation_has_nothing_to_change() -> None:
    findings = Findings(
        "native-2", "resampled", "native-2", {"ckpt": COUNTS, "reference": COUNTS}, None, None
    )
    items = ladder(findings)
    absents = {item.factor: item.share for item in items if isinstance(item, Absent)}
    assert (absents["ground-truth"], absents["preprocessing"]) == ("none", "none")
    assert [item.factor for item in items if isinstance(item, Step)] == [None, "framework"]


def test_the_closing_lines_say_how_to_trace_what_moved(tmp_path: Path) -> None:
    from bench.closing import table
    from reports.run import VerdictEntry
    from reports.verdict import Status, Verdict

    def said(status: Status, attribution: tuple[Attribution, ...] = ()) -> bool:
        entry = VerdictEntry(case="c", backend="reference", verdict=Verdict(status=status))
        run = Run(
            schema=1, id="r", label="", started="", finished="now", verdicts=(entry,), attribution=attribution
        )
        session: Any = SimpleNamespace(writer=SimpleNamespace(run=run, folder=tmp_path))
        return "pytest bench/ --resume=r --attribution" in table(session, 120, False)

    traced = Attribution(
        case="c",
        n=1,
        expected=1,
        start="",
        end="",
        mae_start=1.0,
        mae_end=1.0,
        mae_change=0.0,
        bias_change=0.0,
        rungs=(),
    )
    assert said(Status.REGRESSED)
    assert said(Status.DRIFT)
    assert not said(Status.PASS)
    assert not said(Status.REGRESSED, (traced,))
